//! The proxy, from the variables that every tool on the machine reads; a malformed value is an error, never ignored.
//!
//! Only https leaves the machine, so only `HTTPS_PROXY` and `ALL_PROXY` count (either case, lower case first, as curl does).
//! Loopback is always direct.

use reqwest::{NoProxy, Proxy, Url};

use crate::error::{Error, Result};
use crate::world::World;

const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxy of a world.
pub(super) struct Chosen {
    /// For the HTTP library.
    pub(super) proxy: Proxy,
    /// For messages.
    pub(super) named: Named,
}

/// What may be said of a proxy: nothing of its user or password.
#[derive(Clone)]
pub(super) struct Named {
    /// Host and port.
    pub(super) host: String,
    /// The variable that names it.
    pub(super) variable: &'static str,
    /// It is used with a user.
    pub(super) signed_in: bool,
}

/// The proxy this world asks for.
pub(super) fn from(world: &World) -> Result<Option<Chosen>> {
    for name in VARIABLES {
        let Some(value) = world.var(name)? else { continue };
        // The value can hold a password: it is never quoted.
        let bad = |why: &str| {
            Error::usage("proxy", format!("the variable {name} does not name a usable proxy: {why}"))
                .detail("expected", "http://[USER:PASSWORD@]HOST:PORT")
                .hint(format!("correct or unset {name}; jobpass does not connect around a proxy that is misspelt"))
        };
        let url = Url::parse(value).map_err(|_| bad("it is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("its scheme is neither http nor https"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(bad("it names no host"));
        }
        let named = Named { host: super::host_of(&url), variable: name, signed_in: !url.username().is_empty() };
        let proxy = Proxy::https(url).map_err(|_| bad("it cannot be used"))?;
        let listed = match world.var("no_proxy")? {
            Some(list) => Some(list),
            None => world.var("NO_PROXY")?,
        };
        let direct = listed.map_or_else(|| LOOPBACK.to_owned(), |list| format!("{list},{LOOPBACK}"));
        return Ok(Some(Chosen { proxy: proxy.no_proxy(NoProxy::from_string(&direct)), named }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_proxy_is_an_error_that_never_quotes_the_value() {
        for value in ["proxy.example:3128", "socks5://proxy.example", "http://", "http://user:hunter2@", "::"] {
            let error = from(&World::nothing().with("HTTPS_PROXY", value)).err().unwrap();
            assert_eq!(error.kind.exit_code(), 2, "{value}");
            assert!(!format!("{error}{:?}{:?}", error.details, error.hints).contains("hunter2"));
        }
    }

    #[test]
    fn no_variable_means_no_proxy() {
        assert!(from(&World::nothing()).unwrap().is_none());
        assert!(from(&World::nothing().with("https_proxy", "")).unwrap().is_none());
        assert!(from(&World::nothing().with("https_proxy", "http://p:1")).unwrap().is_some());
    }
}
