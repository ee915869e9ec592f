//! What was removed and can be restored: folders in the trash, commits at refs of their own.
//!
//! A removal never takes what is nowhere else: it goes to the trash ([`crate::agents::worktree::Trash`]), and
//! work that no branch could take is at `refs/flow-ai/recovered/<spec>/<task>/<run>`. Here both are one list
//! with short ids, to be restored or dropped for good. Reading it needs no config, no lock and no working
//! tree, so that it works beside a run, in a bare repository, and after the repository was moved.

use crate::agents::worktree::{self, Trash, TrashEntry, TrashKind};
use crate::domain::config::Keep;
use crate::domain::digest;
use crate::domain::error::{Result, hint, nearest};
use crate::domain::text::shell::command_line;
use crate::gate::store::changes::trailer;
use crate::gate::store::{Expected, Repo, config};
use crate::system::git;
use anyhow::bail;
use gix::ObjectId;
use jiff::Timestamp;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Where work is kept that its branch could not take.
pub const RECOVERED: &str = "refs/flow-ai/recovered/";

/// Where the branches of cleaned specs are.
const ARCHIVE: &str = "refs/flow-ai/archive/";

/// Something that can be restored.
#[derive(Debug, Clone, Serialize)]
pub struct Recoverable {
    /// Its short name, which stays the same: eight hexadecimal digits.
    pub id: String,
    pub kind: RecoverableKind,
    /// The spec that it comes from, if its name says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When it was put there.
    pub at: Timestamp,
    /// What it is and why it is there, in one sentence.
    pub why: String,
    /// What of it is nowhere else and somebody's work: such a thing is never deleted unasked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// The bytes that it takes on disk; `None` for commits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Where it is restored to: a folder, or a branch.
    pub goes_to: String,
    /// The command that restores it.
    pub restore: String,
    #[serde(skip)]
    source: Source,
}

/// What can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoverableKind {
    /// A whole worktree, in the trash.
    Worktree,
    /// The ignored files of a worktree, in the trash.
    Ignored,
    /// Commits that no branch could take.
    Commit,
    /// A spec that was cleaned, with its documents and approvals.
    Spec,
}

#[derive(Debug, Clone)]
enum Source {
    Trash(Box<TrashEntry>),
    Ref { name: String, tip: ObjectId },
}

/// Where something was restored to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restored {
    Folder(PathBuf),
    Branch(String),
}

/// All that can be restored, oldest first; and what could not be read, each in one sentence.
pub fn list(repo: &Repo) -> Result<(Vec<Recoverable>, Vec<String>)> {
    let (entries, unreadable) = trash(repo).entries()?;
    let mut found: Vec<Recoverable> = entries.into_iter().map(from_entry).collect();
    for (prefix, kind) in [(RECOVERED, RecoverableKind::Commit), (ARCHIVE, RecoverableKind::Spec)] {
        for (name, tip) in repo.refs(prefix)? {
            found.push(from_ref(repo, name, prefix, tip, kind)?);
        }
    }
    found.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    Ok((found, unreadable))
}

/// The trash of a repository, wherever its worktrees are, although its config may be broken.
fn trash(repo: &Repo) -> Trash {
    let config = repo.target().and_then(|target| config::load(repo, &target)).map(|loaded| loaded.config);
    let root = worktree::root(repo, &config.unwrap_or_default()).ok();
    Trash::new(repo.common_dir(), root.as_deref())
}

fn from_entry(entry: TrashEntry) -> Recoverable {
    let (spec, task) = match entry.name.split_once('.') {
        Some((spec, task)) => (Some(spec.to_owned()), Some(task.to_owned())),
        None => (None, None),
    };
    let removal = entry.removal.clone();
    Recoverable {
        id: entry.id.clone(),
        kind: match removal.kind {
            TrashKind::Worktree => RecoverableKind::Worktree,
            TrashKind::Ignored => RecoverableKind::Ignored,
        },
        spec,
        task,
        run: removal.run,
        at: removal.at,
        why: removal.why,
        holds: removal.holds,
        bytes: Some(removal.bytes),
        goes_to: entry.path.display().to_string(),
        restore: command_line!("git flow-ai recover {}", entry.id),
        source: Source::Trash(Box::new(entry)),
    }
}

fn from_ref(
    repo: &Repo,
    name: String,
    prefix: &str,
    tip: ObjectId,
    kind: RecoverableKind,
) -> Result<Recoverable> {
    let id = digest::sha256(&name).chars().take(8).collect::<String>();
    let rest = name.strip_prefix(prefix).unwrap_or(&name);
    let mut parts = rest.splitn(3, '/').map(str::to_owned);
    let (spec, task, run) = (parts.next(), parts.next(), parts.next());
    let commit = repo.commit(tip)?;
    // An attempt's commit is there because its branch had gone on; the others say why themselves.
    let why = match commit.trailers(trailer::STATE).next() {
        Some(_) => format!("its branch had gone on without it: {}", commit.subject()),
        None => commit.subject().to_owned(),
    };
    // What was judged long ago does not say from which spec it comes.
    let spec = spec.filter(|_| !rest.starts_with("judged/"));
    let (spec_name, task_name) = (spec.clone().unwrap_or_default(), task.clone().unwrap_or_default());
    let (goes_to, holds, why) = match kind {
        RecoverableKind::Spec => {
            (format!("flow/{spec_name}/spec"), None, "a merged spec with its approvals".to_owned())
        }
        _ => {
            let holds = is_in_no_branch(repo, tip)?.then(|| "commits that are in no branch".to_owned());
            (format!("recovered/{spec_name}/{task_name}"), holds, why)
        }
    };
    Ok(Recoverable {
        restore: command_line!("git flow-ai recover {}", id),
        id,
        kind,
        spec,
        task: task.filter(|_| kind == RecoverableKind::Commit),
        run,
        at: Timestamp::from_second(commit.time).unwrap_or(Timestamp::UNIX_EPOCH),
        why,
        holds,
        bytes: None,
        goes_to,
        source: Source::Ref { name, tip },
    })
}

/// Whether no branch and no tag has that commit.
pub fn is_in_no_branch(repo: &Repo, tip: ObjectId) -> Result<bool> {
    let mut command = git::command(repo.git_dir());
    command.args(["for-each-ref", "--count=1", "--format=%(refname)"]);
    command.arg(format!("--contains={tip}")).args(["refs/heads/", "refs/tags/", "refs/remotes/"]);
    Ok(git::output(&mut command)?.is_empty())
}

/// The only thing with that id, or with an id that begins so.
pub fn find<'a>(all: &'a [Recoverable], word: &str) -> Result<&'a Recoverable> {
    let word = word.trim().to_ascii_lowercase();
    let is_word = !word.is_empty();
    let matching: Vec<&Recoverable> =
        all.iter().filter(|found| is_word && found.id.starts_with(&word)).collect();
    match matching.as_slice() {
        [one] => Ok(one),
        [] => {
            let fix = match nearest(&word, all.iter().map(|found| found.id.as_str())) {
                Some(id) => format!("did you mean {id}? git flow-ai recover lists all"),
                None => "git flow-ai recover lists what there is".to_owned(),
            };
            Err(hint(format!("nothing that was removed has the id `{word}`"), fix))
        }
        several => {
            let ids = several.iter().map(|found| found.id.as_str()).collect::<Vec<_>>().join(", ");
            Err(hint(format!("`{word}` can mean {ids}"), "write one more character"))
        }
    }
}

/// Restores it: a folder to its path or to another, commits as a branch. Never over something.
pub fn restore(repo: &Repo, found: &Recoverable, to: Option<&str>) -> Result<Restored> {
    match &found.source {
        Source::Trash(entry) => {
            let path = trash(repo).restore(entry, to.map(Path::new))?;
            Ok(Restored::Folder(path))
        }
        Source::Ref { name, tip } => {
            let branch = to.unwrap_or(&found.goes_to);
            let full = format!("refs/heads/{branch}");
            if repo.find_ref(&full)?.is_some() {
                let fix = command_line!("name another: git flow-ai recover {} --to <branch>", found.id);
                return Err(hint(format!("the branch {branch} exists, and is not written over"), fix));
            }
            if found.kind == RecoverableKind::Spec && to.is_none() {
                repo.set_ref(&full, *tip, Expected::Missing, "recovered")?;
            } else {
                // git itself, so that hooks have their say and an invalid name is refused.
                let mut command = git::command(repo.git_dir());
                git::output(command.args(["branch", "--no-track", "--", branch]).arg(tip.to_string()))?;
            }
            // A spec that is back is in the archive no more; commits stay until they are dropped.
            if found.kind == RecoverableKind::Spec {
                repo.delete_ref(name, *tip)?;
            }
            Ok(Restored::Branch(branch.to_owned()))
        }
    }
}

/// Deletes it for good. Returns why something of it resists, in one sentence.
pub fn drop_for_good(repo: &Repo, found: &Recoverable) -> Result<Option<String>> {
    match &found.source {
        Source::Trash(entry) => trash(repo).delete(entry),
        Source::Ref { name, tip } => repo.delete_ref(name, *tip).map(|()| None),
    }
}

/// What has expired: older than is kept, or the oldest beyond the size. What holds work that is nowhere else
/// is among them only if `all` asks for it; archived specs never are.
pub fn expired(found: &[Recoverable], keep: Keep, now: Timestamp, all: bool) -> Vec<&Recoverable> {
    let is_old = |found: &Recoverable| {
        let age = now.duration_since(found.at);
        u64::try_from(age.as_secs()).is_ok_and(|age| age > keep.age.as_secs())
    };
    let may_go = |found: &&Recoverable| found.kind != RecoverableKind::Spec && (all || found.holds.is_none());
    let mut left: u64 = found.iter().filter_map(|found| found.bytes).sum();
    let mut gone = Vec::new();
    // Oldest first, as they are listed.
    for found in found.iter().filter(may_go) {
        let is_too_much = left > keep.bytes && found.bytes.is_some();
        if is_old(found) || is_too_much {
            left -= found.bytes.unwrap_or_default();
            gone.push(found);
        }
    }
    gone
}

/// Deletes what has expired, and returns what was deleted and what resists.
pub fn expire(repo: &Repo, keep: Keep, dry_run: bool) -> Result<Vec<(Recoverable, Option<String>)>> {
    let (found, _) = list(repo)?;
    let mut deleted = Vec::new();
    for found in expired(&found, keep, Timestamp::now(), false) {
        let resists = match dry_run {
            true => None,
            false => match drop_for_good(repo, found) {
                Ok(resists) => resists,
                // Another process was quicker.
                Err(error) => Some(format!("{error:#}")),
            },
        };
        deleted.push((found.clone(), resists));
    }
    Ok(deleted)
}

/// The retention in force.
pub fn keep(repo: &Repo) -> Result<Keep> {
    let target = repo.target()?;
    match config::load(repo, &target) {
        Ok(loaded) => Ok(loaded.config.run.keep),
        Err(error) => bail!("{error:#}"),
    }
}
