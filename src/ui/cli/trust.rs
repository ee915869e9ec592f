//! `git flow-ai trust`: what this repository brings that would run here.

use crate::agents::trust::{self, TrustCheck, TrustStatus, TrustedItem};
use crate::commands::trust as command;
use crate::domain::error::{Exit, Result};
use crate::gate::store::Repo;
use crate::ui::args::trust::{ask, describe, visible_line};
use crate::ui::report;
use clap::Args;
use serde_json::json;
use std::io::Write;

/// See what this repository brings that would run here, and trust it
///
/// A repository brings commands (`run.setup`, `run.verify`, a task's `verify`), files that agents are
/// handed (`run.copy`), agents, reviewers with the addresses that your keys are sent to, and holes in the
/// sandbox. None of it is used before you have seen it and said yes: `run`, `review` and --draft ask on a
/// terminal, and refuse where there is none, as in a hook. You trust exactly the content that is shown, of
/// this repository; when it changes you are asked again, and shown what has changed. What a command runs
/// in turn, such as a script of the repository, is not looked at: that is what the sandbox is for.
///
/// The list is yours alone: `$XDG_STATE_HOME/git-flow-ai/trust`, by default below `~/.local/state`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai trust                     show it, and ask
  git flow-ai trust --yes               show it, and trust it
  git flow-ai trust --list              all that is trusted on this machine
  git flow-ai trust --revoke            trust nothing of this repository any more
  git flow-ai run --trust               whatever it brings, this time: for CI
  git config --global flow-ai.trust ~/work   whatever the repositories below it bring; `*`: all

Exit status: 0 all of it is trusted; 1 it is not; 2 could not tell, or nobody could be asked.")]
pub struct TrustArgs {
    /// Trust what is shown, without asking
    #[arg(long, short)]
    yes: bool,

    /// Show all that is trusted on this machine
    #[arg(long, conflicts_with_all = ["yes", "revoke"])]
    list: bool,

    /// Take back all trust in this repository
    #[arg(long, conflicts_with = "yes")]
    revoke: bool,

    /// Change nothing; print one JSON object: what the repository brings, and what of it is trusted
    #[arg(long, conflicts_with_all = ["yes", "revoke"])]
    json: bool,
}

pub fn run(args: TrustArgs) -> Result<Exit> {
    if args.list {
        return list(&trust::trusted_items()?, args.json);
    }
    let repo = Repo::discover()?;
    if args.revoke {
        let count = trust::revoke(&repo)?;
        let plural = if count == 1 { "" } else { "s" };
        writeln!(report::out(), "Taken back: {count} thing{plural} of this repository")?;
        return Ok(Exit::Yes);
    }
    let look = command::look(&repo)?;
    if args.json {
        report::json(&value(&look))?;
        return Ok(if look.is_trusted() { Exit::Yes } else { Exit::No });
    }
    if look.is_trusted() {
        let what = if look.items.is_empty() {
            "This repository brings nothing that would run here or send anything away."
        } else if trust::is_wholly_trusted(&repo)? {
            "Your flow-ai.trust trusts this repository, whatever it brings."
        } else {
            "You trust all that this repository brings."
        };
        report::out().write_all(format!("{what}\n{}", describe(&look)).as_bytes())?;
        return Ok(Exit::Yes);
    }
    if args.yes {
        report::out().write_all(describe(&look).as_bytes())?;
        command::record(&repo, &look)?;
        writeln!(report::out(), "Trusted.")?;
        return Ok(Exit::Yes);
    }
    Ok(if ask(&repo, look)? { Exit::Yes } else { Exit::No })
}

fn list(records: &[TrustedItem], is_json: bool) -> Result<Exit> {
    if is_json {
        report::json(&records)?;
        return Ok(Exit::Yes);
    }
    let mut text = String::new();
    let mut repositories: Vec<&str> = records.iter().map(|record| record.repository.as_str()).collect();
    repositories.sort_unstable();
    repositories.dedup();
    for repository in repositories {
        text.push_str(&format!("{}\n", visible_line(repository)));
        for record in records.iter().filter(|record| record.repository == repository) {
            let digest = record.digest.get(..12).unwrap_or_default();
            text.push_str(&format!("  {}, {}, {digest}\n", visible_line(&record.what), record.at));
            for line in &record.lines {
                text.push_str(&format!("      {}\n", visible_line(line)));
            }
        }
    }
    if text.is_empty() {
        text.push_str("Nothing is trusted yet\n");
    }
    report::out().write_all(text.as_bytes())?;
    Ok(Exit::Yes)
}

fn value(look: &TrustCheck) -> serde_json::Value {
    let items: Vec<_> = look
        .items
        .iter()
        .map(|(item, status)| {
            let word = match status {
                TrustStatus::Trusted => "trusted",
                TrustStatus::New => "new",
                TrustStatus::Changed(_) => "changed",
            };
            json!({ "what": item.what, "place": item.place, "lines": item.lines, "status": word })
        })
        .collect();
    json!({
        "trusted": look.is_trusted(),
        "items": items,
        "trouble": look.trouble.as_ref().map(ToString::to_string),
    })
}
