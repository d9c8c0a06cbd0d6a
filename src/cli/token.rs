//! `jobpass token`: this job's claims, to compare with a trust policy. Never the token itself, unless `--raw`.

use serde_json::json;

use super::common::{NetArgs, SourceArgs};
use super::format::Format;
use super::render;
use crate::error::Result;
use crate::runner;
use crate::world::World;

/// Arguments of `jobpass token`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The audience to ask for
    #[arg(long, value_name = "AUD", default_value = "sts.amazonaws.com")]
    pub audience: String,
    /// Print the ID token itself: a secret for as long as it lives
    #[arg(long)]
    pub raw: bool,
    #[command(flatten)]
    /// Where it comes from.
    pub source: SourceArgs,
    #[command(flatten)]
    /// How it is fetched.
    pub net: NetArgs,
    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// Prints the claims.
///
/// # Errors
/// Exit 3 without an ID token, exit 6 when the runner's endpoint fails.
pub async fn run(args: &Args, world: &World) -> Result<u8> {
    let client = args.net.client(world)?;
    let chosen = runner::choose(&args.source.wanted(), world)?;
    let token = chosen.source.id_token(&args.audience, &client, world).await?;
    if args.raw {
        render::data(&format!("{}\n", token.raw.reveal()))?;
        return Ok(0);
    }
    let claims = token.unverified.as_map();
    match args.format {
        Format::Json => render::json(&json!({"source": chosen.why, "unverified-claims": claims}))?,
        Format::Text => {
            render::talk(&format!("source: {}; the signature was not checked here", chosen.why));
            let width = claims.keys().map(String::len).max().unwrap_or(0);
            let lines: String = claims
                .iter()
                .map(|(name, value)| {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    format!("{name:width$}  {}\n", crate::secret::clean(&text, &[]))
                })
                .collect();
            render::data(&lines)?;
        }
    }
    Ok(0)
}
