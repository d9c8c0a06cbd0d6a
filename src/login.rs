//! The flow, on one page: ID token → claims → gate → exchange, every edge at the same time.
//!
//! ```text
//! runner ──ID token──▶ claims ──▶ gate ──▶ exchange ──credential──▶ delivery ──▶ pass
//!   ▲ one per audience              │            │  all edges at once
//! jobpass.toml / flags ── edges ────┘            └── audit: one record per attempt
//! ```
//!
//! Nothing is written here: the outcomes stay in memory until every edge has one ([`crate::cli::login`] hands them over). The
//! connections to the destinations are opened while the ID token is on its way, so the whole costs as many sequential round
//! trips as its longest edge: four, or five with a service account.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared, join_all};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::claims::IdToken;
use crate::credential::Grant;
use crate::edge::Edge;
use crate::edge::endpoints::Endpoints;
use crate::error::{Result, Retry};
use crate::exchange::exchange;
use crate::gate;
use crate::net::Client;
use crate::runner::Source;
use crate::world::World;

/// An edge and where its exchange goes.
#[derive(Clone)]
pub struct Asked {
    /// The edge.
    pub edge: Edge,
    /// Its endpoints, checked.
    pub endpoints: Endpoints,
}

/// What became of one edge.
pub struct Attempt {
    /// The edge.
    pub asked: Asked,
    /// The ID token that was presented, if one was had.
    pub id_token: Option<IdToken>,
    /// The grant, or why there is none.
    pub outcome: Result<Grant>,
    /// When it began, UTC.
    pub started: OffsetDateTime,
    /// How long it took, ID token included.
    pub took: Duration,
    /// How many tries the exchange took: 1, and one more for each request that was repeated.
    pub tries: u32,
}

/// Attempts every edge at the same time. The order of the outcomes is that of the edges.
pub async fn attempt_all(asked: &[Asked], source: &Source, client: &Client, world: &World) -> Vec<Attempt> {
    let mut tokens: BTreeMap<&str, Token<'_>> = BTreeMap::new();
    for Asked { edge, endpoints: _ } in asked {
        let audience = edge.audience.as_str();
        tokens.entry(audience).or_insert_with(|| source.id_token(audience, client, world).boxed_local().shared());
    }
    let attempts = asked.iter().filter_map(|asked| {
        let token = tokens.get(asked.edge.audience.as_str())?.clone();
        Some(attempt(asked, token, source, client, world))
    });
    join_all(attempts).await
}

/// One ID token per audience, shared by the edges that ask for it.
type Token<'a> = Shared<LocalBoxFuture<'a, Result<IdToken>>>;

async fn attempt(asked: &Asked, token: Token<'_>, source: &Source, client: &Client, world: &World) -> Attempt {
    let (started, clock) = (world.clock.now(), Instant::now());
    // Its own counter of tries, on the same connections.
    let client = &client.counting();
    let mut presented = None;
    let outcome = async {
        let id_token = while_opening(asked, client, token).await?;
        presented = Some(id_token.clone());
        gate::check(&asked.edge, &id_token.unverified)?;
        match exchange(&asked.edge, &asked.endpoints, &id_token, client).await {
            Err(error) if error.retry == Retry::NewToken => {
                let Some(next) = next_token(asked, &id_token, source, client, world).await? else { return Err(error) };
                presented = Some(next.clone());
                let again = exchange(&asked.edge, &asked.endpoints, &next, client).await;
                again.map_err(|error| error.detail("ID tokens presented", "2"))
            }
            outcome => outcome,
        }
    }
    .await;
    Attempt {
        asked: asked.clone(),
        id_token: presented,
        outcome,
        started,
        took: clock.elapsed(),
        tries: client.tries(),
    }
}

/// What to present, once, after a destination called the ID token invalid: the same one when its time is still to come (the
/// issuer's clock is ahead, and a new token would begin later still), else a new one; `None` when neither is to be had.
async fn next_token(
    asked: &Asked,
    refused: &IdToken,
    source: &Source,
    client: &Client,
    world: &World,
) -> Result<Option<IdToken>> {
    let wait = refused.valid_in(world.clock.now());
    if !wait.is_zero() {
        let fits = Instant::now() + wait < client.deadline();
        if fits {
            tokio::time::sleep(wait).await;
        }
        return Ok(fits.then(|| refused.clone()));
    }
    if !source.mints_again() {
        return Ok(None);
    }
    source.id_token(&asked.edge.audience, client, world).await.map(Some)
}

/// Waits for the ID token while the connections to the destination open. Without a token nobody waits for connections.
async fn while_opening(asked: &Asked, client: &Client, token: Token<'_>) -> Result<IdToken> {
    let connections = asked.endpoints.connections(&asked.edge);
    let mut opening = pin!(join_all(connections.iter().map(|(endpoint, count)| client.open(endpoint, *count))));
    let mut token = pin!(token);
    tokio::select! {
        biased;
        token = &mut token => {
            let token = token?;
            opening.await;
            Ok(token)
        }
        _ = &mut opening => token.await,
    }
}
