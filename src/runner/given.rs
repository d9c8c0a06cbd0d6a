//! Explicit sources: variables or a file that the command line names. The universal fallback for any runner.

use std::io::Read as _;
use std::path::Path;

use super::check::checked;
use crate::claims::{IdToken, unverified};
use crate::error::{Error, Kind, Result};
use crate::net::Client;
use crate::secret::Secret;
use crate::world::World;

/// More than this is not read from a token file, in bytes; a token has at most 20,000 characters.
const MAX_FILE: u64 = 64 * 1024;

/// Tokens that were handed over.
pub struct Given {
    tokens: Vec<(String, IdToken)>,
}

impl Given {
    /// Reads the named variables.
    ///
    /// # Errors
    /// Exit 3 when one of them is not set or is empty; malformed tokens as [`unverified::decode`].
    pub fn from_variables(names: &[String], world: &World) -> Result<Given> {
        let mut tokens = Vec::new();
        for name in names {
            let Some(value) = world.var(name)? else {
                return Err(Error::new(
                    Kind::NoToken,
                    "token-variable-missing",
                    format!("the variable {name} is not set"),
                )
                .detail("expected", "an ID token (a JWT)")
                .hint(format!("in GitLab, declare it: id_tokens: {{ {name}: {{ aud: … }} }}")));
            };
            let place = format!("the variable {name}");
            tokens.push((place.clone(), decode(value, &place)?));
        }
        Ok(Given { tokens })
    }

    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// Exit 5 when it cannot be read; malformed tokens as [`unverified::decode`].
    pub fn from_file(path: &Path, world: &World) -> Result<Given> {
        let mut text = String::new();
        let place = if path == Path::new("-") {
            std::io::stdin()
                .lock()
                .take(MAX_FILE)
                .read_to_string(&mut text)
                .map_err(|error| Error::files("token-file", "read", Path::new("standard input"), &error))?;
            "standard input".to_owned()
        } else {
            let path = world.resolve(path)?;
            std::fs::File::open(&path)
                .and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
                .map_err(|error| Error::files("token-file", "read", &path, &error))?;
            format!("the file {}", path.display())
        };
        Ok(Given { tokens: vec![(place.clone(), decode(text.trim(), &place)?)] })
    }

    /// The token for `audience`; with only one token, that one's audience must fit.
    pub(super) fn id_token(&self, audience: &str, client: &Client, world: &World) -> Result<IdToken> {
        let fits = |token: &IdToken| token.unverified.audiences().iter().any(|one| one == audience);
        let found = self.tokens.iter().find(|(_, token)| fits(token)).or_else(|| self.tokens.first());
        let Some((place, token)) = found else {
            return Err(Error::new(Kind::NoToken, "no-id-token", "no token was named"));
        };
        checked(token.clone(), audience, world.clock.now(), client.sandbox(), |issuer| issuer.starts_with("https://"))
            .map_err(|error| error.at(place))
    }
}

fn decode(text: &str, place: &str) -> Result<IdToken> {
    unverified::decode(Secret::new(text)).map_err(|mut error| {
        error.kind = Kind::NoToken;
        error.at(place)
    })
}
