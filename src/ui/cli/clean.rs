//! `git flow-ai clean`.

use crate::commands::clean::{self, CleanItem, CleanKind, CleanOptions};
use crate::domain::error::{Exit, Result};
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::gate::store::Repo;
use crate::ui::report::{self, plain};
use clap::Args;
use std::fmt::Write as _;
use std::io::Write;

/// Remove what is merged, and only that
///
/// The branches of specs whose result is in the target branch go; the spec itself (its documents and
/// approvals) moves to `refs/flow-ai/archive/<spec>/spec`. Worktrees that a killed run left go when they
/// hold nothing that is nowhere else; with --trash the others too, to the trash. `git flow-ai recover`
/// gives back what is there; it stays for as long as `keep` of [run] says, and longer while it holds work
/// that is nowhere else. Journals and transcripts stay as long. What was judged is kept from `git gc`
/// (`refs/flow-ai/keep/`) until it is in a protected branch, or for ninety days. Everything else is kept,
/// with the reason.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai clean --dry-run
  git flow-ai clean dark-mode
  git flow-ai clean --trash             worktrees with unsaved work too, to be got back with `recover`
  git switch -c again refs/flow-ai/archive/dark-mode/spec   to look at an archived spec")]
pub struct CleanArgs {
    /// Only these specs
    #[arg(value_name = "SPEC")]
    slugs: Vec<Slug>,

    /// Only say what would go
    #[arg(long, short = 'n')]
    dry_run: bool,

    /// Move worktrees that hold unsaved work to the trash instead of keeping them
    #[arg(long)]
    trash: bool,

    /// Print a JSON array of what was looked at, with the reason for what is kept
    #[arg(long)]
    json: bool,
}

pub fn run(args: CleanArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let items = clean::clean(&repo, &args.slugs, CleanOptions { dry_run: args.dry_run, trash: args.trash })?;
    if args.json {
        report::json(&items)?;
        return Ok(Exit::Yes);
    }
    let mut text = String::new();
    for item in &items {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", plain(&line(item, args.dry_run)));
    }
    if items.is_empty() {
        text.push_str("There is nothing to clean.\n");
    }
    report::out().write_all(text.as_bytes())?;
    Ok(Exit::Yes)
}

fn line(item: &CleanItem, dry_run: bool) -> String {
    let kind = match item.kind {
        CleanKind::Spec => "spec",
        CleanKind::Branch => "branch",
        CleanKind::Worktree => "worktree",
        CleanKind::Log => "logs",
        CleanKind::Trash => "from the trash",
        CleanKind::Remains => "what could not be deleted",
        CleanKind::Judged => "what was judged, kept as",
        CleanKind::Malformed => "what is no note",
        CleanKind::Misplaced => "what was never judged, kept as",
    };
    if let Some(id) = &item.trash {
        return format!(
            "moved {kind} {} to the trash: {}",
            item.name,
            command_line!("git flow-ai recover {} gives it back", id)
        );
    }
    match &item.kept {
        Some(why) => format!("kept {kind} {}: {why}", item.name),
        // Its documents and approvals are nowhere else, so they only move.
        None if item.kind == CleanKind::Spec => {
            let verb = if dry_run { "would archive" } else { "archived" };
            format!("{verb} spec {0} as refs/flow-ai/archive/{0}/spec", item.name)
        }
        None if dry_run => format!("would remove {kind} {}", item.name),
        None => format!("removed {kind} {}", item.name),
    }
}
