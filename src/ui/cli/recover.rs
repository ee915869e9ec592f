//! `git flow-ai recover`.

use crate::commands::recover::{self, Recoverable, RecoverableKind, Restored};
use crate::domain::error::{Exit, Result, hint};
use crate::domain::text::units::size;
use crate::gate::store::Repo;
use crate::ui::confirm::confirm;
use crate::ui::report::table::{Cell, Table};
use crate::ui::report::{self, plain};
use clap::Args;
use jiff::Timestamp;
use std::io::{IsTerminal, Write};

/// List and give back what was removed
///
/// Worktrees that `git flow-ai clean --trash` took away and ignored files of removed ones are in the trash;
/// work that no branch could take is at refs of its own; cleaned specs are in the archive. Each has a short
/// id, of which a beginning is enough. Folders go back to their place, with all that was in them; commits
/// become a branch. Nothing is ever written over.
///
/// What is in the trash goes by age and size (`keep` of [run], 14 days and 5 GB by default). What holds
/// work that is nowhere else stays until you drop it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git flow-ai recover                       # what there is
  git flow-ai recover 3f9a                  # back to its place
  git flow-ai recover 3f9a --to ../look     # to another folder; for commits, the name of a branch
  git flow-ai recover --drop 3f9a           # for good
  git flow-ai recover --expire --yes        # all that has had its time, unsaved work included")]
pub struct RecoverArgs {
    /// What to give back or to drop; a list without it
    #[arg(value_name = "ID")]
    ids: Vec<String>,

    /// Where to: a folder, or for commits a branch
    #[arg(long, value_name = "FOLDER|BRANCH", conflicts_with_all = ["drop", "expire"])]
    to: Option<String>,

    /// Delete it for good
    #[arg(long, requires = "ids", conflicts_with = "expire")]
    drop: bool,

    /// Delete for good all that has had its time
    #[arg(long, conflicts_with = "ids")]
    expire: bool,

    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,

    /// Print JSON: an array of what there is, or of what was done
    #[arg(long)]
    json: bool,
}

pub fn run(args: RecoverArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let (all, unreadable) = recover::list(&repo)?;
    for what in unreadable {
        report::warning(&what);
    }
    if args.expire {
        let keep = recover::keep(&repo)?;
        return drop_all(&repo, recover::expired(&all, keep, Timestamp::now(), true), &args);
    }
    let named = args.ids.iter().map(|id| recover::find(&all, id)).collect::<Result<Vec<_>>>()?;
    if args.drop {
        return drop_all(&repo, named, &args);
    }
    if !named.is_empty() {
        return restore(&repo, &named, &args);
    }
    if args.to.is_some() {
        return Err(hint("--to says where, but not what", "name an id: git flow-ai recover lists them"));
    }
    if args.json {
        return report::json(&all).map(|()| Exit::Yes);
    }
    report::out().write_all(table(&all).as_bytes())?;
    Ok(Exit::Yes)
}

fn table(all: &[Recoverable]) -> String {
    if all.is_empty() {
        return "Nothing was removed that could be got back.\n".into();
    }
    let mut table = Table::new(["id", "what", "spec", "task", "run", "when", "size", "restores to", "why"]);
    for found in all {
        table.row([
            found.id.as_str().into(),
            what(found.kind).into(),
            found.spec.as_deref().unwrap_or_default().into(),
            found.task.as_deref().unwrap_or_default().into(),
            found.run.as_deref().unwrap_or_default().into(),
            found.at.strftime("%Y-%m-%d %H:%M").to_string().into(),
            Cell::number(found.bytes.map(size).unwrap_or_default()),
            found.goes_to.as_str().into(),
            why(found),
        ]);
    }
    format!("{}\nGive one back: git flow-ai recover <id>\n", table.render())
}

/// What is nowhere else is what the user must know before dropping it.
fn why(found: &Recoverable) -> Cell {
    match &found.holds {
        Some(holds) => Cell::pending(report::first_line(holds, 60)),
        None => report::first_line(&found.why, 60).into(),
    }
}

fn what(kind: RecoverableKind) -> &'static str {
    match kind {
        RecoverableKind::Worktree => "worktree",
        RecoverableKind::Ignored => "ignored files",
        RecoverableKind::Commit => "commits",
        RecoverableKind::Spec => "spec",
    }
}

fn restore(repo: &Repo, named: &[&Recoverable], args: &RecoverArgs) -> Result<Exit> {
    if args.to.is_some() && named.len() > 1 {
        return Err(hint("several things cannot go to one place", "name one id with --to"));
    }
    let mut done = Vec::new();
    for found in named {
        let restored = recover::restore(repo, found, args.to.as_deref())?;
        if !args.json {
            let place = match &restored {
                Restored::Folder(path) => format!("{} is back in {}", found.id, path.display()),
                Restored::Branch(branch) => format!("{} is on the branch {branch}", found.id),
            };
            writeln!(report::out(), "{}", plain(&place))?;
        }
        done.push(restored);
    }
    if args.json {
        report::json(&done)?;
    }
    Ok(Exit::Yes)
}

fn drop_all(repo: &Repo, gone: Vec<&Recoverable>, args: &RecoverArgs) -> Result<Exit> {
    if gone.is_empty() {
        if args.json {
            report::json(&gone)?;
        } else {
            writeln!(report::out(), "Nothing has had its time yet.")?;
        }
        return Ok(Exit::Yes);
    }
    if !args.yes && !is_meant(&gone)? {
        writeln!(report::err(), "Nothing was deleted.")?;
        return Ok(Exit::No);
    }
    let mut exit = Exit::Yes;
    for found in &gone {
        match recover::drop_for_good(repo, found)? {
            None if args.json => {}
            None => writeln!(report::out(), "deleted {}", plain(&line(found)))?,
            Some(resists) => {
                report::warning(&resists);
                exit = Exit::No;
            }
        }
    }
    if args.json {
        report::json(&gone)?;
    }
    Ok(exit)
}

/// Asks the user at the terminal.
fn is_meant(gone: &[&Recoverable]) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        let first = gone.iter().map(|found| found.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(hint(format!("there is nobody to ask whether {first} may go for good"), "say so: --yes"));
    }
    let mut err = report::err();
    for found in gone {
        writeln!(err, "  {}", plain(&line(found)))?;
    }
    confirm("Delete for good?")
}

fn line(found: &Recoverable) -> String {
    let holds = found.holds.as_deref().map(|holds| format!(": {holds}")).unwrap_or_default();
    format!("{} {} of {}{holds}", found.id, what(found.kind), found.goes_to)
}
