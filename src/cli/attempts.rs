//! What `login` and `exec` share: everything checked first, every edge attempted, what came of it said and recorded.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::common::{self, NetArgs, SourceArgs};
use super::denial;
use super::render::{self, Style};
use crate::audit::{self, Effort, Event};
use crate::credential::Grant;
use crate::delivery::{self, Mode, Plan};
use crate::error::{Error, Kind, Result};
use crate::login::{Asked, Attempt, attempt_all};
use crate::net::Client;
use crate::pass::{Pass, sweep};
use crate::runner;
use crate::world::World;

/// How often a login that takes long says so.
const STILL_WAITING: Duration = Duration::from_secs(5);

/// Everything that is checked before the first byte is sent.
pub(super) struct Ready {
    asked: Vec<Asked>,
    source: runner::Source,
    pub(super) client: Client,
}

impl Ready {
    pub(super) fn new(asked: Vec<Asked>, source: &SourceArgs, net: &NetArgs, world: &World) -> Result<Ready> {
        let chosen = runner::choose(&source.wanted(), world)?;
        render::talk(&format!("source: {}", chosen.why));
        let client = net.client(world)?;
        let swept = sweep::sweep(world)?;
        for path in &swept.removed {
            render::talk(&format!("removed what an ended job left: {}", path.display()));
        }
        for error in &swept.failed {
            render::talk(&format!("warning: {error}"));
        }
        Ok(Ready { asked, source: chosen.source, client })
    }

    /// Attempts every edge; says every few seconds that it still waits.
    pub(super) async fn attempt(&self, world: &World) -> Vec<Attempt> {
        let mut attempts = pin!(attempt_all(&self.asked, &self.source, &self.client, world));
        let begun = Instant::now();
        loop {
            tokio::select! {
                biased;
                mut attempts = &mut attempts => {
                    denial::explain(&mut attempts, self.client.sandbox(), world);
                    return attempts;
                }
                () = sleep(STILL_WAITING) => {
                    let left = self.client.deadline().saturating_duration_since(Instant::now()).as_secs();
                    let (waited, edges) = (begun.elapsed().as_secs(), self.asked.len());
                    render::talk(&format!("still exchanging ({edges} edges) after {waited} s; giving up in {left} s"));
                }
            }
        }
    }
}

/// Plans the delivery of `grants` into `pass`.
pub(super) fn planned(grants: &[Grant], mode: Mode, pass: &Pass, ready: &Ready, world: &World) -> Result<Plan> {
    let mut options = delivery::Options::new(world, mode, pass.directory());
    if ready.client.sandbox() {
        options.endpoints = common::sandbox_endpoints(world)?;
    }
    delivery::plan(grants, &options)
}

/// What is handed over.
pub(super) struct Granted {
    pub(super) grants: Vec<Grant>,
    pub(super) exit_code: u8,
}

/// All-or-nothing, or with `--keep-going` what there is. Says of every edge what became of it.
///
/// # Errors
/// The error that decides the exit code; every other edge's has been said by then.
pub(super) fn settled(attempts: &[Attempt], keep_going: bool, style: Style) -> Result<Granted> {
    let mut grants = Vec::new();
    let mut failures: Vec<&Error> = Vec::new();
    for attempt in attempts {
        match &attempt.outcome {
            Ok(grant) => {
                grants.push(grant.clone());
                render::talk(&said(attempt, grant, style));
            }
            // One ID token for many edges fails once: its error is shown once.
            Err(error) if failures.iter().any(|known| known.message == error.message) => {}
            Err(error) => failures.push(error),
        }
    }
    // A denial decides the exit code before a passing fault does: it will be there again.
    failures.sort_by_key(|error| error.kind == Kind::Denied);
    let Some((decisive, others)) = failures.split_last() else {
        return Ok(Granted { grants, exit_code: 0 });
    };
    for error in others {
        let _ = render::error(error, style, &mut io::stderr().lock());
    }
    if keep_going && !grants.is_empty() {
        let _ = render::error(decisive, style, &mut io::stderr().lock());
        return Ok(Granted { grants, exit_code: Kind::Partial.exit_code() });
    }
    let mut decisive = (*decisive).clone();
    if !grants.is_empty() {
        let names: Vec<String> = grants.iter().map(|grant| grant.edge.title()).collect();
        decisive = decisive.hint(format!(
            "{} would have been granted; nothing was handed over, because login is all or nothing (see --keep-going)",
            names.join(", ")
        ));
    }
    Err(decisive)
}

fn said(attempt: &Attempt, grant: &Grant, style: Style) -> String {
    format!(
        "{} {}: {}, until {} ({} ms)",
        style.good("granted"),
        attempt.asked.edge.title(),
        grant.identity,
        delivery::rfc3339(grant.credential.expiration()),
        attempt.took.as_millis()
    )
}

/// After a denial the pass stays with its record; after anything else nothing stays.
pub(super) fn keep_denials(pass: Pass, attempts: &[Attempt]) {
    if attempts.iter().any(|attempt| attempt.outcome.as_ref().is_err_and(|error| error.kind == Kind::Denied)) {
        pass.keep_record();
    }
}

/// Writes a record of every attempt, before any answer is used.
///
/// # Errors
/// Exit 5: a grant that cannot be recorded is not used.
pub(super) fn record(attempts: &[Attempt], pass: &Pass, world: &World) -> Result<()> {
    let mut events = Vec::new();
    for attempt in attempts {
        let milliseconds = u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX);
        let effort = Effort { milliseconds, attempts: attempt.tries };
        let event = match &attempt.outcome {
            Ok(grant) => Event::granted(grant, effort, attempt.started),
            Err(error) => {
                Event::refused(&attempt.asked.edge, attempt.id_token.as_ref(), error, effort, attempt.started)
            }
        };
        audit::jsonl::append(pass.held(), &event)?;
        events.push(event);
    }
    if world.switch("GITHUB_ACTIONS")
        && let Some(path) = world.path("GITHUB_STEP_SUMMARY")
        && let Err(error) = audit::summary::append(&path, &events)
    {
        // The table is for readers; the log above is the record.
        render::talk(&format!("warning: {error}"));
    }
    Ok(())
}

pub(super) fn talk_requests(client: &Client) {
    for sent in client.sent() {
        let status = sent.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        render::talk(&format!("{} {} → {status} ({} ms)", sent.method, sent.target, sent.took.as_millis()));
    }
}
