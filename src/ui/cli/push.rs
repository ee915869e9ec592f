//! `git flow-ai push`.

use super::sync::{self, SyncJson, pass_on, section};
use crate::commands::push::{self, Push, PushOutcome, PushedRef};
use crate::domain::error::{Exit, Result, hint};
use crate::gate::store::Repo;
use crate::ui::report::{self, plain};
use clap::Args;
use serde::Serialize;
use std::io::{IsTerminal, Write, stderr};

/// Push branches together with their verdicts
///
/// Takes in the remote's verdicts as `git flow-ai sync` does, then pushes the branches, the verdicts and
/// what they are about in one go: all of it arrives or nothing does. Never forces;
/// where nothing but verdicts has moved meanwhile, it does so again. A server that cannot take all or
/// nothing gets the verdicts first. Your own hooks (`pre-push`) run as in every push.
///
/// Without arguments the branch that is checked out goes to the remote and name of its upstream: the
/// remote is `branch.<name>.pushRemote`, `remote.pushDefault` or `branch.<name>.remote`, else the only
/// one, else `origin`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai push                      what is checked out, to its upstream
  git flow-ai push origin main topic
  git flow-ai push origin topic:main    a branch or commit, as another branch
  git flow-ai push 1a2b3c4d5e:main      the same, to the usual remote
  git flow-ai push --dry-run            what would go, as far as the remote was last seen

Exit status: 0 all is there; 1 refused, by the remote or a hook; 2 could not push.")]
pub struct PushArgs {
    /// The remote, by its name in `git remote`
    #[arg(value_name = "REMOTE")]
    remote: Option<String>,

    /// What to push: a branch, or `<commit>:<branch>`
    #[arg(value_name = "BRANCH")]
    branches: Vec<String>,

    /// Only tell what would be pushed; nothing changes here or there
    #[arg(long, short = 'n')]
    dry_run: bool,

    /// Print one JSON object: `remote`, `refs`, `atomic`, `dry_run`, `refused`, `why`, and sync's keys
    #[arg(long)]
    json: bool,
}

pub fn run(args: PushArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let (remote, branches) = push::arguments(&repo, args.remote, args.branches)?;
    let refspecs = push::refspecs(&repo, &remote, &branches)?;
    let is_watched = stderr().is_terminal() && !args.json;
    let push = Push { remote, refspecs, is_dry_run: args.dry_run, is_watched };
    let fetched = |line: &str| {
        if is_watched {
            pass_on(line);
        }
    };
    let outcome = push::push(&repo, &push, fetched, pass_on)?;
    if args.json {
        report::json(&PushJson::new(&push, &outcome))?;
    } else {
        report::out().write_all(describe(&push, &outcome).as_bytes())?;
    }
    let Some(failure) = &outcome.failure else { return Ok(Exit::Yes) };
    report::error(&hint(&failure.why, &failure.fix));
    Ok(if failure.is_refusal { Exit::No } else { Exit::CannotTell })
}

/// A line for each branch, as git has them, and the verdicts.
fn describe(push: &Push, outcome: &PushOutcome) -> String {
    let remote = plain(&push.remote);
    let mut text = match push.is_dry_run {
        true => section(&format!("{remote} lacked when last seen"), &outcome.synced.went, usize::MAX),
        false => sync::text(&outcome.synced),
    };
    let branches = outcome.refs.iter().filter(|one| !one.is_of_verdicts() && one.mark != '=');
    let lines: String = branches.map(line).collect();
    if !lines.is_empty() {
        let what = if push.is_dry_run { "Would push to" } else { "To" };
        text.insert_str(0, &format!("{what} {remote}\n{lines}"));
    }
    if text.is_empty() && outcome.failure.is_none() {
        text = format!("Nothing to push: {remote} has it all.\n");
    }
    text
}

/// ` * [new branch]  topic -> main`
fn line(one: &PushedRef) -> String {
    let short = |name: &str| plain(name.strip_prefix("refs/heads/").unwrap_or(name));
    format!(" {} {}  {} -> {}\n", one.mark, plain(&one.summary), short(&one.from), short(&one.to))
}

/// What `--json` prints.
#[derive(Serialize)]
struct PushJson<'a> {
    #[serde(flatten)]
    synced: SyncJson<'a>,
    refs: Vec<RefJson<'a>>,
    atomic: bool,
    dry_run: bool,
    refused: bool,
    why: Option<&'a str>,
    fix: Vec<&'a str>,
}

#[derive(Serialize)]
struct RefJson<'a> {
    from: &'a str,
    to: &'a str,
    status: &'static str,
    summary: &'a str,
}

impl<'a> PushJson<'a> {
    fn new(push: &Push, outcome: &'a PushOutcome) -> PushJson<'a> {
        let failure = outcome.failure.as_ref();
        PushJson {
            synced: SyncJson::new(&outcome.synced),
            refs: outcome.refs.iter().map(RefJson::new).collect(),
            atomic: outcome.is_atomic,
            dry_run: push.is_dry_run,
            refused: failure.is_some_and(|failure| failure.is_refusal),
            why: failure.map(|failure| failure.why.as_str()),
            fix: failure.into_iter().map(|failure| failure.fix.as_str()).collect(),
        }
    }
}

impl<'a> RefJson<'a> {
    fn new(one: &'a PushedRef) -> RefJson<'a> {
        let status = match one.mark {
            '*' => "new",
            '=' => "up-to-date",
            '!' => "rejected",
            _ => "updated",
        };
        RefJson { from: &one.from, to: &one.to, status, summary: &one.summary }
    }
}
