//! What stood in the job's variables before a login set or blanked them, so that the post step can put it back.
//!
//! Some of it may be somebody's long-lived key. It is cut in two: a random pad lies in the pass's directory, and what the pad
//! makes of the values goes to the runner, which keeps a step's state in its memory and hands it to that step's post step
//! alone (`GITHUB_STATE`). Neither half says anything without the other, so neither needs a mask.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::delivery::Plan;
use crate::error::{Error, Kind, Result};
use crate::random;
use crate::secret::Secret;
use crate::world::World;

/// The state's name: `GITHUB_STATE` gets it, and the post step sees it as `STATE_earlier`.
pub const STATE: &str = "earlier";
/// The variable of the post step.
const STATE_VARIABLE: &str = "STATE_earlier";
/// The pad's file in the pass's directory.
pub const PAD: &str = "earlier";
/// More than this is not carried, in bytes: one variable of a process holds at most 128 KiB (Linux, `MAX_ARG_STRLEN`).
pub(super) const MOST: usize = 64 * 1024;

/// Earlier values by name.
#[derive(Clone, Default)]
pub struct Earlier(BTreeMap<String, Secret>);

impl Earlier {
    /// What `plan` sets or blanks and is not empty in `world`. A value that is not text, or has control characters, is left
    /// out: it could not be written back in one line.
    #[must_use]
    pub fn of(plan: &Plan, world: &World) -> Earlier {
        let names = plan.variables.iter().map(|variable| variable.name).chain(plan.removed.iter().copied());
        let standing = |name: &str| world.var(name).ok().flatten().filter(|value| !value.chars().any(char::is_control));
        Earlier(names.filter_map(|name| Some((name.to_owned(), Secret::new(standing(name)?)))).collect())
    }

    /// The value that `name` had.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// The pad and the state's text; `None` when there is nothing to carry, or too much.
    ///
    /// # Errors
    /// [`Kind::Files`]: the system has no randomness.
    pub(super) fn halves(&self) -> Result<Option<(Zeroizing<Vec<u8>>, String)>> {
        let values: BTreeMap<&str, &str> = self.0.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        let mut text = Zeroizing::new(serde_json::to_vec(&values).unwrap_or_default());
        if values.is_empty() || text.len() > MOST {
            return Ok(None);
        }
        let pad = Zeroizing::new(random::many(text.len())?);
        combine(&mut text, &pad);
        Ok(Some((pad, STANDARD.encode(&*text))))
    }

    /// Puts the halves together: `pad` from the pass, the other half from `world`. Nothing where this is not the post step of
    /// the login that made the pad.
    ///
    /// # Errors
    /// [`Kind::Files`] when the halves do not fit each other; what they hold is not quoted.
    pub(super) fn joined(pad: Option<&[u8]>, world: &World) -> Result<Earlier> {
        let (Some(pad), Some(state)) = (pad, world.var(STATE_VARIABLE)?) else { return Ok(Earlier::default()) };
        let unfit = || {
            let message = format!("{STATE_VARIABLE} does not fit the pass: earlier values cannot be put back");
            Error::new(Kind::Files, "earlier", message).hint("set them anew in the steps that need them")
        };
        let mut text = Zeroizing::new(STANDARD.decode(state).map_err(|_| unfit())?);
        if text.len() != pad.len() {
            return Err(unfit());
        }
        combine(&mut text, pad);
        let values: BTreeMap<String, String> = serde_json::from_slice(&text).map_err(|_| unfit())?;
        Ok(Earlier(values.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()))
    }
}

/// A one-time pad, both ways.
fn combine(text: &mut [u8], pad: &[u8]) {
    for (byte, other) in text.iter_mut().zip(pad) {
        *byte ^= other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::{aws, options};
    use crate::delivery::{Mode, plan};

    #[test]
    fn two_halves_make_a_whole_and_one_says_nothing() {
        let plan = plan(&[aws("deploy", true)], &options(Mode::Env, &[("AWS_ROLE_ARN", "x")])).unwrap();
        let world = World::nothing()
            .with("AWS_SECRET_ACCESS_KEY", "long-lived")
            .with("AWS_ROLE_ARN", "x")
            .with("AWS_REGION", "two\nlines")
            .with("AWS_SESSION_TOKEN", "")
            .with("UNRELATED", "y");
        let earlier = Earlier::of(&plan, &world);
        assert_eq!(earlier.0.keys().collect::<Vec<_>>(), ["AWS_ROLE_ARN", "AWS_SECRET_ACCESS_KEY"]);
        let (pad, state) = earlier.halves().unwrap().unwrap();
        let shown = STANDARD.decode(&state).unwrap();
        assert!(![&*pad, &shown].iter().any(|half| half.windows(4).any(|piece| piece == b"long")));
        let post = World::nothing().with(STATE_VARIABLE, &state);
        let back = Earlier::joined(Some(&pad), &post).unwrap();
        assert_eq!(back.get("AWS_SECRET_ACCESS_KEY").unwrap().reveal(), "long-lived");
        assert!(Earlier::joined(None, &post).unwrap().0.is_empty() && Earlier::default().halves().unwrap().is_none());
        for state in ["", "%", "AAAA"] {
            let joined = Earlier::joined(Some(&pad), &World::nothing().with(STATE_VARIABLE, state));
            assert!(if state.is_empty() { joined.is_ok() } else { joined.is_err() }, "{state}");
        }
    }

    #[test]
    fn too_much_is_not_carried() {
        let values = BTreeMap::from([("A".to_owned(), Secret::new("x".repeat(MOST)))]);
        assert!(Earlier(values).halves().unwrap().is_none());
    }
}
