//! `git flow-ai init`.

use crate::commands::init::{self, InitOptions, InitReport, StepState};
use crate::domain::error::{Exit, Result};
use crate::gate::store::Repo;
use crate::ui::report::{self, out, plain};
use anstyle::AnsiColor;
use clap::Args;
use std::io::Write;

/// Set a repository up: config, hooks, how git shows verdicts
///
/// Writes `.zenflow/config.toml` with the agents found on the PATH and rival reviewers among them, an
/// example of a workflow, and hooks that ask the gate before a protected branch moves. Nothing of
/// yours is overwritten: hooks that are there run after ours, also husky's and those of a
/// core.hooksPath. From git 2.54 on its config names our hooks too, and they stand whatever becomes of
/// the files. In a bare repository it installs the server's hook, pre-receive. Running it again
/// changes nothing. Where it finds no agent, the config names no reviewer, and nothing is protected until
/// it does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git flow-ai init
  git flow-ai init --dry-run     # only say what would be done
  git flow-ai init --uninstall   # undo all of it")]
pub struct InitArgs {
    /// Undo what `init` did; what you have changed or committed since is kept and named
    #[arg(long)]
    uninstall: bool,
    /// Install no hooks: nothing is gated on this machine
    #[arg(long, conflicts_with = "uninstall")]
    no_hooks: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: InitArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let outcome = if args.uninstall {
        init::uninstall(&repo, args.dry_run)?
    } else {
        init::init(&repo, InitOptions { hooks: !args.no_hooks, dry_run: args.dry_run })?
    };
    if args.json {
        report::json(&outcome)?;
    } else {
        print(&outcome, &args)?;
    }
    Ok(if outcome.unasked.is_empty() { Exit::Yes } else { Exit::No })
}

fn print(outcome: &InitReport, args: &InitArgs) -> Result<()> {
    let mut text = String::new();
    for step in &outcome.steps {
        let (colour, word) = match step.state {
            StepState::Found => (AnsiColor::BrightBlack, "found"),
            StepState::Done if args.dry_run => (AnsiColor::Cyan, "would"),
            StepState::Done => (AnsiColor::Green, "done"),
            StepState::Already => (AnsiColor::BrightBlack, "already there"),
            StepState::Kept => (AnsiColor::Yellow, "kept"),
            StepState::Todo => (AnsiColor::Yellow, "to do"),
        };
        let colour = colour.on_default();
        text.push_str(&format!("{colour}{word}:{colour:#} {}\n", plain(&step.what)));
    }
    if !args.uninstall {
        text.push_str("\nTo undo all of it: git flow-ai init --uninstall\n");
    }
    if !outcome.next.is_empty() {
        text.push_str("Next:\n");
    }
    for next in &outcome.next {
        text.push_str(&format!("  {}\n", plain(next)));
    }
    Ok(out().write_all(text.as_bytes())?)
}
