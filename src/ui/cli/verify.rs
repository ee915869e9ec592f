//! `git flow-ai verify`, and the glance at each start of a command that acts.

use crate::commands::verify::{self, BranchState, VerifiedBranch, VerifyReport};
use crate::domain::error::{Exit, Interrupted, Result};
use crate::gate::store::Repo;
use crate::ui::report::{self, first_line, hint_line, plain, short};
use anstyle::AnsiColor;
use clap::Args;
use std::io::Write;

/// Tell whether anything came into a protected branch past the gate
///
/// Hooks see neither every way that git can move a branch (`git branch -C`), nor another git library,
/// nor a file that is written by hand. So each protected branch is compared with the last tip that
/// the gate has let in, `refs/flow-ai/admitted/<branch>`. What verdicts cover by now is fine, and what
/// the branch's remote has accepted; anything else is told, with who moved the branch and the ways out.
/// Told as well: a branch that has lost commits, is gone, or is only another name for another; replace
/// refs and grafts that change what git shows of it; hooks that are not asked; verdicts that a remote
/// had and the notes here lack.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai verify
  git flow-ai verify --json | jq -r '.branches[] | select(.state == \"past-the-gate\") | .branch'

Exit status: 0 all is well; 1 something came in, or a branch is not what it was; 2 cannot tell.")]
pub struct VerifyArgs {
    /// Print one object of JSON, versioned
    #[arg(long)]
    json: bool,
}

pub fn run(args: VerifyArgs) -> Result<Exit> {
    let report = match Repo::discover().and_then(|repo| verify::verify(&repo)) {
        // A script gets its answer in its own form, whatever happened; a person gets the error.
        Err(error) if args.json && !error.is::<Interrupted>() => {
            report::error(&error);
            VerifyReport::from_error(&error)
        }
        report => report?,
    };
    if args.json {
        report::json(&report)?;
    } else {
        report::out().write_all(text(&report).as_bytes())?;
    }
    Ok(report.answer.exit())
}

/// Warns in one line where a protected branch is not where the gate let it be. Never in the way: what
/// keeps this from looking will keep the command itself from working, and that says so.
pub(super) fn glance() {
    // An agent's or a reviewer's own calls have no person to read it.
    if std::env::var_os("GIT_FLOW_AI_MODE").is_some() {
        return;
    }
    let warnings = Repo::discover().and_then(|repo| verify::glance(&repo));
    for warning in warnings.unwrap_or_default() {
        report::warning(&warning);
    }
}

fn text(report: &VerifyReport) -> String {
    let mut text = String::new();
    if report.branches.is_empty() {
        text.push_str("No branch is protected here. `git flow-ai init` proposes a config, which counts once it is committed.\n");
    }
    for branch in &report.branches {
        text.push_str(&one(branch));
    }
    for note in &report.notes {
        let yellow = AnsiColor::Yellow.on_default();
        text.push_str(&format!("{yellow}note:{yellow:#} {}\n", plain(&note.says)));
        text.extend(note.fix.iter().map(|fix| hint_line(fix)));
    }
    text
}

fn one(branch: &VerifiedBranch) -> String {
    let colour = match branch.state {
        state if state.is_wrong() => AnsiColor::Red,
        BranchState::Unknown => AnsiColor::Yellow,
        _ => AnsiColor::Green,
    };
    let colour = colour.on_default().bold();
    let mut text = format!("{colour}{}{colour:#}: {}\n", plain(&branch.branch), plain(&branch.says));
    for commit in &branch.commits {
        text.push_str(&format!("  {} {}\n", short(&commit.id), first_line(&commit.subject, 100)));
    }
    for by in &branch.moves {
        let (to, who) = (short(&by.to), first_line(&by.who, 80));
        let when = if by.when.is_empty() { String::new() } else { format!(" at {}", by.when) };
        text.push_str(&format!("  moved to {to} by {who}{when}: {}\n", first_line(&by.what, 100)));
    }
    text.extend(branch.fix.iter().map(|fix| hint_line(fix)));
    text
}
