//! `git flow-ai doctor`.

use crate::commands::doctor::{self, Check, CheckStatus};
use crate::domain::error::{Exit, Result};
use crate::ui::report::{self, plain};
use anstyle::AnsiColor;
use clap::Args;
use std::io::Write;

/// Check git, hooks, agents, reviewers and leftovers
///
/// Says how to mend each thing that is not in place. Changes nothing, starts no agent, needs no
/// network. Exit status 1 when something does not work.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print one JSON object: `healthy`, and `checks` with `topic`, `status`, `says`, `fix`
    #[arg(long)]
    json: bool,
}

pub fn run(args: DoctorArgs) -> Result<Exit> {
    let checks = doctor::examine();
    let healthy = checks.iter().all(|check| check.status != CheckStatus::Bad);
    if args.json {
        report::json(&serde_json::json!({ "healthy": healthy, "checks": checks }))?;
    } else {
        report::out().write_all(render(&checks).as_bytes())?;
    }
    Ok(if healthy { Exit::Yes } else { Exit::No })
}

/// The checks under their topics, each in a line, with the way to mend below.
fn render(checks: &[Check]) -> String {
    let mut text = String::new();
    let mut topic = "";
    for check in checks {
        if check.topic != topic {
            topic = check.topic;
            text.push_str(&format!("{topic}\n"));
        }
        let (colour, word) = match check.status {
            CheckStatus::Good => (AnsiColor::Green, "ok  "),
            CheckStatus::Note => (AnsiColor::Yellow, "note"),
            CheckStatus::Bad => (AnsiColor::Red, "bad "),
        };
        let colour = colour.on_default();
        text.push_str(&format!("  {colour}{word}{colour:#}  {}\n", plain(&check.says)));
        if let Some(fix) = &check.fix {
            text.push_str(&format!("        mend: {}\n", plain(fix)));
        }
    }
    text
}
