//! The one retry loop: by class, with full jitter, inside the deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Client;
use crate::error::{Error, Result, Retry};
use crate::random;

/// The most attempts at one request.
pub const MAX_ATTEMPTS: u32 = 5;
/// The most attempts where a refusal is usually final but is known to pass ([`Retry::Few`]).
const FEW_ATTEMPTS: u32 = 3;
/// The first pause is drawn from zero to this; each further bound doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// No pause is drawn from a larger range than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs `attempt` until it succeeds, fails for good, or time is up.
///
/// `Retry-After` is a lower bound of the pause; when it reaches past the deadline the error is returned at once.
///
/// # Errors
/// The last attempt's error, with the number of attempts when there was more than one.
pub async fn retrying<T>(client: &Client, mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut made = 0;
    loop {
        made += 1;
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let (most, at_least) = match error.retry {
            Retry::Again(after) => (MAX_ATTEMPTS, after.unwrap_or_default()),
            Retry::Few => (FEW_ATTEMPTS, Duration::ZERO),
            Retry::Never | Retry::NewToken => return Err(counted(error, made)),
        };
        let pause = at_least + jitter(made);
        if made >= most {
            return Err(counted(error, made));
        }
        if Instant::now() + pause >= client.deadline() {
            let error = if at_least.is_zero() {
                error
            } else {
                error.detail("asked to wait", format!("{} s, which is past the deadline", at_least.as_secs()))
            };
            return Err(counted(error, made));
        }
        sleep(pause).await;
        client.repeated.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

fn counted(error: Error, made: u32) -> Error {
    if made > 1 { error.detail("attempts", made.to_string()) } else { error }
}

/// Full jitter: uniform between zero and the doubling bound, so that many jobs do not come back in step.
fn jitter(made: u32) -> Duration {
    let bound = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(made.saturating_sub(1))).min(LONGEST_PAUSE);
    bound.mul_f64(random::fraction())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_within_their_bound_and_differ() {
        let drawn: Vec<_> = (0..50).map(|_| jitter(1)).collect();
        assert!(drawn.iter().all(|pause| *pause <= FIRST_PAUSE));
        assert!(drawn.iter().any(|pause| *pause != drawn[0]));
        assert!(jitter(40) <= LONGEST_PAUSE);
    }
}
