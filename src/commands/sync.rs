//! Exchanging verdicts with a remote: fetch, join by union, push without force, again when it has moved.
//!
//! Talking to the remote is git's business (credentials, proxies, ssh); joining is ours. What the remote
//! had when it was last fetched stays in a ref of its own, so that what was deleted here, or there, is
//! noticed, reported and brought back. What was judged (`refs/flow-ai/keep/`) goes along, so that others can
//! replay it.

use crate::commands::hook::LOSES;
use crate::domain::error::{Result, hint};
use crate::domain::text::shell::command_line;
use crate::domain::verdict::NOTES_REF;
use crate::gate::signing;
use crate::gate::store::verdicts::{self, COPIES, Lost};
use crate::gate::store::{Conflict, Expected, Intent, Repo, keep};
use crate::system::git;
use crate::system::git::error::{ErrorKind, kind};
use crate::system::git::refspec::{self, COMPLETED};
use crate::system::git::talk::{self, Talk};
use gix::ObjectId;
use std::process::Command;

/// How often a push is tried while others push as well.
const TRIES: u32 = 40;

/// How much longer the pause is with each try, in milliseconds.
const BACKOFF: u64 = 50;

#[derive(Debug, Default)]
pub struct Synced {
    pub remote: String,
    /// The records that were not here.
    pub came: Vec<Lost>,
    /// Those of them that were here when the remote was last fetched: they were deleted.
    pub restored: Vec<Lost>,
    /// The records that the remote had not, or not yet.
    pub went: Vec<Lost>,
    /// Those of them that it had when it was last fetched: they were deleted there.
    pub lost_there: Vec<Lost>,
    /// Why nothing could be pushed, in git's words; `None` if all was.
    pub not_pushed: Option<String>,
}

/// The remote of that name; without one the current branch's, `origin`, or the only one.
pub fn remote(repo: &Repo, named: Option<&str>) -> Result<String> {
    let remotes = repo.remotes();
    let list = || "git remote -v lists them; git remote add <name> <url> adds one";
    if let Some(named) = named {
        return match remotes.iter().any(|remote| remote == named) {
            true => Ok(named.to_owned()),
            false => Err(hint(format!("there is no remote `{named}` here"), list())),
        };
    }
    let of_branch = repo
        .head_ref()?
        .and_then(|head| repo.git_config(&format!("branch.{}.remote", head.strip_prefix("refs/heads/")?)));
    let usual = of_branch.into_iter().chain(["origin".to_owned()]).find(|name| remotes.contains(name));
    match (usual, &remotes[..]) {
        (Some(name), _) => Ok(name),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(hint("there is no remote to exchange verdicts with", list())),
        (None, _) => Err(hint("there are several remotes", "name one: git flow-ai sync <remote>")),
    }
}

/// Exchanges verdicts with that remote; `report` gets git's lines.
pub fn sync(repo: &Repo, remote: &str, report: impl Fn(&str)) -> Result<Synced> {
    exchange(repo, remote, TRIES, &report, |own| match own {
        Some(_) => push(repo, remote, &refspecs(repo)?, &report),
        None => Ok(Pushed::Done),
    })
}

/// Takes in what the remote has and calls `push` with the tip of what there is now (`None` if neither side has
/// anything); again if others have pushed meanwhile.
pub(crate) fn exchange(
    repo: &Repo,
    remote: &str,
    tries: u32,
    report: &impl Fn(&str),
    mut push: impl FnMut(Option<ObjectId>) -> Result<Pushed>,
) -> Result<Synced> {
    repo.identity()?;
    let copy = format!("{COPIES}{remote}");
    let (own_before, known) = (repo.find_ref(NOTES_REF)?, repo.find_ref(&copy)?);
    let mut synced = Synced {
        remote: remote.to_owned(),
        restored: verdicts::missing(repo, known, own_before)?,
        ..Synced::default()
    };
    for attempt in 1..=tries {
        let theirs = fetch(repo, remote, &copy, report)?;
        // A server refuses what has no place there, and with it all that comes along.
        keep::remove_misplaced(repo)?;
        let tips: Vec<ObjectId> = known.into_iter().chain(theirs).collect();
        let own = verdicts::join(repo, &tips, &format!("Take in what {remote} has"))?;
        signing::show_in_log(repo)?;
        if attempt == 1 {
            synced.lost_there = verdicts::missing(repo, known, theirs)?;
        }
        synced.came = verdicts::missing(repo, own, own_before)?;
        synced.went = verdicts::missing(repo, own, theirs)?;
        match push(own)? {
            Pushed::Done => {
                own.map_or(Ok(()), |own| remember(repo, &copy, own))?;
                return Ok(synced);
            }
            Pushed::Refused(why) => {
                synced.not_pushed = Some(why);
                return Ok(synced);
            }
            Pushed::Moved => std::thread::sleep(verdicts::pause(attempt, BACKOFF)?),
        }
    }
    synced.not_pushed = Some(format!("{remote} has moved {tries} times meanwhile; try again"));
    Ok(synced)
}

/// Fetches the remote's notes into our copy of them, and what is kept; the tip of the notes.
fn fetch(repo: &Repo, remote: &str, copy: &str, report: &impl Fn(&str)) -> Result<Option<ObjectId>> {
    let notes = format!("+{NOTES_REF}:{copy}");
    let kept = format!("+{0}*:{0}*", keep::KEPT);
    let mut tries = 0;
    // A partial clone needs the notes as a whole, in one go, but of what is kept only what it asks for.
    let has_notes = loop {
        let all: &[&str] = if repo.is_partial() { &[&notes] } else { &[&notes, &kept] };
        let mut command = fetching(repo, remote, &["--no-filter"], all);
        // git locks the copy after all has come.
        let intent = Intent::new(repo, [copy]);
        intent.hand_to(&mut command);
        let talk = talk::run(&mut command, |said| {
            intent.renew();
            report(said);
        })?;
        tries += 1;
        match talk {
            Talk { is_done: true, .. } => break true,
            talk => match talk.kind() {
                ErrorKind::RefMissing => break false,
                // Another sync of this repository writes the same refs.
                ErrorKind::RefMoved if tries < TRIES => std::thread::sleep(verdicts::pause(tries, BACKOFF)?),
                _ => return Err(unreachable_remote(remote, &talk)),
            },
        }
    };
    if !has_notes || repo.is_partial() {
        let talk = talk::run(&mut fetching(repo, remote, &[], &[&kept]), report)?;
        if !talk.is_done && talk.kind() != ErrorKind::RefMoved {
            return Err(unreachable_remote(remote, &talk));
        }
    }
    if has_notes { repo.find_ref(copy) } else { Ok(None) }
}

/// A fetch of these refs and nothing else: no refspec, no pruning and no tags of the person's settings.
fn fetching(repo: &Repo, remote: &str, options: &[&str], refs: &[&str]) -> Command {
    let mut command = talking(repo);
    command.args(["fetch", "--progress", "--no-tags", "--no-prune", "--refmap=", "--no-write-fetch-head"]);
    command.args(["--recurse-submodules=no", "--no-auto-maintenance"]).args(options);
    command.arg(remote).args(refs).args(COMPLETED);
    command
}

/// git over the repository itself, whatever a worktree's `.git` says, from where git would resolve a
/// remote's relative path.
fn talking(repo: &Repo) -> Command {
    let common = repo.common_dir();
    let from = match (common.file_name(), common.parent()) {
        (Some(name), Some(root)) if name == ".git" => root,
        _ => common,
    };
    let mut command = git::command(from);
    command.arg("--git-dir").arg(common);
    command
}

fn unreachable_remote(remote: &str, talk: &Talk) -> anyhow::Error {
    if matches!(talk.kind(), ErrorKind::NoSpace | ErrorKind::Unwritable | ErrorKind::RefMoved) {
        return hint(
            format!("what {remote} has cannot be written here: {}", talk.reason()),
            "see that the disk has room (df -h .) and that the repository is yours to write; nothing is lost",
        );
    }
    hint(
        format!("the verdicts of {remote} cannot be fetched: {}", talk.reason()),
        command_line!("git ls-remote {} tells whether it can be reached; nothing here has changed", remote),
    )
}

pub(crate) enum Pushed {
    Done,
    /// Another push came first.
    Moved,
    /// Not to be had by trying again.
    Refused(String),
}

/// Pushes notes and what is kept, never with force. Hooks of the person's own are about code: left out.
pub(crate) fn push(repo: &Repo, remote: &str, refspecs: &[String], report: &impl Fn(&str)) -> Result<Pushed> {
    let mut command = talking(repo);
    command.args(["push", "--porcelain", "--progress", "--no-verify", "--no-follow-tags"]);
    command.args(["--recurse-submodules=no", remote]);
    command.args(refspecs);
    let talk = talk::run(&mut command, report)?;
    if talk.is_done {
        return Ok(Pushed::Done);
    }
    let of_notes = talk.output.lines().find(|line| line.contains(&format!("\t{NOTES_REF}:")));
    Ok(match of_notes.map(|line| (line.starts_with('!'), line)) {
        Some((true, line)) if line.contains("[rejected]") || kind(line) == ErrorKind::RefMoved => {
            Pushed::Moved
        }
        // Ours has all that the remote had: who misses something has got it since.
        Some((true, _)) if talk.said.contains(LOSES) => Pushed::Moved,
        // What another user keeps under the same name is the same.
        Some((false, _)) => Pushed::Done,
        Some((true, line)) => Pushed::Refused(format!(
            "{}{}",
            line.rsplit('\t').next().unwrap_or_default(),
            talk.said
                .lines()
                .filter_map(|line| line.strip_prefix("remote: "))
                .fold(String::new(), |text, line| text + "\n" + line.trim_end())
        )),
        None => Pushed::Refused(talk.reason()),
    })
}

/// What is exchanged: all verdicts, and what they are about.
fn refspecs(repo: &Repo) -> Result<[String; 2]> {
    let names = repo.ref_names()?;
    Ok([refspec::exact(NOTES_REF, NOTES_REF, &names), format!("{0}*:{0}*", keep::KEPT)])
}

/// What the remote has now is what it was last seen to have.
fn remember(repo: &Repo, copy: &str, own: ObjectId) -> Result<()> {
    let before = repo.find_ref(copy)?;
    if before == Some(own) {
        return Ok(());
    }
    match repo.set_ref(copy, own, before.map_or(Expected::Missing, Expected::At), "pushed") {
        // Another sync has seen it later than we.
        Err(error) if error.chain().any(|cause| cause.is::<Conflict>()) => Ok(()),
        other => other,
    }
}
