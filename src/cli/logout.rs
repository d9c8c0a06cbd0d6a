//! `jobpass logout`: ends the pass of this job.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::format::ShellFormat;
use crate::delivery::{self, Held, shell};
use crate::error::{Error, Kind, Result};
use crate::pass::logout::{Ended, end};
use crate::world::World;

/// End this job's pass: remove its files, blank its variables
///
/// Succeeds when there is nothing to end.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// End this pass only: the directory that login printed [default: JOBPASS_PASS and every pass of this job]
    #[arg(long, value_name = "DIR")]
    pub pass: Option<PathBuf>,
    /// How to say what was ended; shell prints unset statements for eval
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: ShellFormat,
}

/// Runs the verb. Data goes to `stdout`, talk to `stderr`.
///
/// # Errors
/// As [`end`]; [`Kind::Files`] when `stdout` cannot be written.
pub fn run(args: &Args, world: &World, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Result<()> {
    let ended = end(world, args.pass.as_deref())?;
    let data = match args.format {
        ShellFormat::Text => Zeroizing::default(),
        ShellFormat::Json => Zeroizing::new(json(&ended) + "\n"),
        ShellFormat::Shell => shell::restores(&ended.variables)?,
    };
    stdout.write_all(data.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| {
        Error::new(Kind::Files, "standard-output", format!("cannot write to standard output: {error}"))
    })?;
    // Talk that cannot be written is no reason to fail: the pass has ended.
    let _ = stderr.write_all(talk(&ended, world).as_bytes());
    Ok(())
}

fn json(ended: &Ended) -> String {
    let live: Vec<_> = ended.live.iter().map(|held| json!({"edge": held.edge, "expires": until(held)})).collect();
    let paths = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    json!({
        "passes": paths(&ended.passes),
        "in-use": paths(&ended.in_use),
        "variables": ended.variables.keys().collect::<Vec<_>>(),
        "others": ended.others,
        "blanked": ended.blanked,
        "not-revoked": live,
    })
    .to_string()
}

/// When it ends, in words.
fn until(held: &Held) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(held.expires).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    delivery::rfc3339(moment)
}

fn talk(ended: &Ended, world: &World) -> String {
    let mut text = String::new();
    for pass in &ended.passes {
        text.push_str(&format!("ended {}\n", pass.display()));
    }
    for pass in &ended.in_use {
        text.push_str(&format!("left {}: a running jobpass exec ends it\n", pass.display()));
    }
    if ended.passes.is_empty() && ended.in_use.is_empty() {
        text.push_str("no pass to end\n");
    }
    if ended.blanked {
        let back = ended.variables.values().filter(|after| !after.is_empty()).count();
        let blank = ended.variables.len() - back;
        text.push_str(&format!("blanked {blank} variables for the steps to come\n"));
        if back > 0 {
            text.push_str(&format!("gave the earlier value of {back} back\n"));
        }
    } else if !ended.variables.is_empty() && !world.switch("GITHUB_ACTIONS") {
        text.push_str(
            "variables that this shell has taken stay set until it ends; --format shell prints what unsets them\n",
        );
    }
    if !ended.others.is_empty() {
        text.push_str(&format!("left as another step has set them since: {}\n", ended.others.join(", ")));
    }
    for held in &ended.live {
        text.push_str(&format!("not revoked: {} works until {} for whoever has a copy\n", held.edge, until(held)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::aws;
    use crate::delivery::{Mode, Options, plan};
    use crate::files::testing::TempDir;
    use crate::pass::earlier::Earlier;
    use crate::pass::{Holder, Pass, Sinks};

    fn ran(args: &Args, world: &World) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        run(args, world, &mut out, &mut err).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn login(world: &World) -> PathBuf {
        let mut pass = Pass::open(world, Holder::Job).unwrap();
        let plan = plan(&[aws("deploy", true)], &Options::new(world, Mode::Files, pass.directory())).unwrap();
        pass.commit(&plan, &Earlier::default(), &Sinks::default(), &mut Vec::new()).unwrap();
        pass.directory().to_owned()
    }

    #[test]
    fn says_what_was_ended_in_every_format() {
        let temp = TempDir::new();
        let world = World::nothing().with("TMPDIR", temp.path()).with("AWS_PROFILE", "it's corp");
        assert_eq!(ran(&Args::default(), &world), (String::new(), "no pass to end\n".to_owned()));

        let pass = login(&world);
        let (out, err) = ran(&Args::default(), &world);
        assert_eq!(out, "");
        assert!(err.starts_with(&format!("ended {}\n", pass.display())) && err.contains("--format shell"), "{err}");

        login(&world);
        let after = world.clone().with("AWS_PROFILE", "default");
        let (out, _) = ran(&Args { format: ShellFormat::Shell, ..Args::default() }, &after);
        assert_eq!(
            out,
            "unset AWS_CONFIG_FILE\nunset AWS_DEFAULT_REGION\nunset AWS_REGION\nunset AWS_SHARED_CREDENTIALS_FILE\n\
             unset JOBPASS_PASS\nexport AWS_PROFILE='it'\\''s corp'\n"
        );

        let pass = login(&world);
        let (out, _) = ran(&Args { format: ShellFormat::Json, pass: Some(pass.clone()) }, &after);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["passes"], serde_json::json!([pass.to_str().unwrap()]));
        assert_eq!((&value["blanked"], value["variables"].as_array().unwrap().len()), (&false.into(), 6));
    }

    #[test]
    fn the_arguments_parse() {
        #[derive(clap::Parser)]
        struct Cli {
            #[command(flatten)]
            args: Args,
        }
        let parse = |line: &[&str]| <Cli as clap::Parser>::try_parse_from(line).map(|cli| cli.args);
        assert_eq!(parse(&["x"]).unwrap().format, ShellFormat::Text);
        let args = parse(&["x", "--pass", "/p", "--format", "shell"]).unwrap();
        assert_eq!((args.pass, args.format), (Some("/p".into()), ShellFormat::Shell));
        assert!(parse(&["x", "--format", "yaml"]).is_err());
    }
}
