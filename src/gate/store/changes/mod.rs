//! Changes read off commits: which trees, and who made them.
//!
//! Authors come from the trailers that we write when we commit an agent's work, and from what agent tools
//! leave: their addresses and names as author, committer or in a trailer, also in a squash, and their words. A commit
//! with none of these is its git author's own.

mod authors;
mod commits;
mod identity;
mod tools;

pub(crate) use authors::{add_stated, stated};
pub use commits::{carried, own_base};
pub(crate) use identity::by_identity;
pub use identity::is_person;

use super::trees::{Fork, Merger};
use super::{Branch, Commit, Repo};
use crate::domain::change::{Author, Change};
use crate::domain::error::{Result, hint};
use crate::domain::text::shell::command_line;
use crate::domain::verdict::Verdict;
use crate::system::git;
use anyhow::Context;
use gix::ObjectId;

/// How many commits are gone back for the start of a change.
const DEPTH: usize = 512;

/// The trailers of a commit that holds an agent's work.
pub mod trailer {
    pub const SPEC: &str = "Flow-Spec";
    pub const TASK: &str = "Flow-Task";
    pub const RUN: &str = "Flow-Run";
    /// Which attempt, from 1.
    pub const ATTEMPT: &str = "Flow-Attempt";
    /// The agent's name in the config.
    pub const AGENT: &str = "Flow-Agent";
    /// The vendor of its model.
    pub const VENDOR: &str = "Flow-Vendor";
    /// Its model, where it is known.
    pub const MODEL: &str = "Flow-Model";
    /// The text that the work was made from, by its id.
    pub const TEXT: &str = "Flow-Text";
    /// A task whose work is accepted, and the id of the text for which.
    pub const ACCEPTED: &str = "Flow-Accepted";
    /// The commit that the task began from.
    pub const BASE: &str = "Flow-Base";
    /// What became of the attempt: `made`, `failed` or `partial`.
    pub const STATE: &str = "Flow-State";

    /// The text without line breaks and control characters, so that it can begin no trailer of its own.
    pub fn one_line(text: &str) -> String {
        let parts = text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(" ")
    }
}

/// The net change from one commit to another, with everybody who made a commit in between, whichever
/// parent leads to it.
pub fn between(repo: &Repo, base: ObjectId, head: ObjectId) -> Result<Change> {
    change(repo, &at(repo, base)?, &repo.commit(head)?)
}

/// The change that a merge of `head` into `target` brings: from where their histories part, so that what
/// is judged is what the gate looks for. Without a common ancestor everything in it is new.
pub fn since(repo: &Repo, target: ObjectId, head: ObjectId) -> Result<Change> {
    change(repo, &fork(repo, target, head)?, &repo.commit(head)?)
}

/// The same; `None` if the histories were merged crosswise, so that no verdict can be about it.
pub fn since_if_plain(repo: &Repo, target: ObjectId, head: ObjectId) -> Result<Option<Change>> {
    let Some(fork) = fork_if_plain(repo, target, head)? else { return Ok(None) };
    change(repo, &fork, &repo.commit(head)?).map(Some)
}

/// Everybody who made a commit that `head` has and no `base` has; all of its history without a base.
pub fn authors(repo: &Repo, base: impl IntoIterator<Item = ObjectId>, head: ObjectId) -> Result<Vec<Author>> {
    let mut authors = Vec::new();
    for commit in repo.commits_between(base, head)? {
        add(&mut authors, authors::from_commit(&commit));
    }
    Ok(authors)
}

/// Everybody who made one of these commits.
pub fn authors_of_commits<'c>(commits: impl IntoIterator<Item = &'c Commit>) -> Vec<Author> {
    let mut authors = Vec::new();
    for commit in commits {
        add(&mut authors, authors::from_commit(commit));
    }
    authors
}

/// The commits of the change that a verdict is about; `None` if they cannot be found: its record names
/// only the trees and the last commit.
pub fn commits_of(repo: &Repo, verdict: &Verdict) -> Result<Option<Vec<Commit>>> {
    if !verdict.commits().is_empty() && verdict.commits().iter().all(|commit| repo.has(*commit)) {
        return verdict.commits().iter().map(|commit| repo.commit(*commit)).collect::<Result<_>>().map(Some);
    }
    let Some(head) = verdict.head_commit.filter(|head| repo.has(*head)) else { return Ok(None) };
    let mut start = None;
    for commit in repo.first_parents(head, ObjectId::null(head.kind())).skip(1).take(DEPTH) {
        let commit = commit?;
        if commit.tree == verdict.base_tree {
            start = Some(commit.id);
            break;
        }
    }
    if start.is_none() && verdict.base_tree != repo.empty_tree() {
        return Ok(None);
    }
    repo.commits_between(start, head).map(Some)
}

/// Everybody who made the change that a verdict is about, as far as its commits can be found.
pub fn authors_of(repo: &Repo, verdict: &Verdict) -> Result<Vec<Author>> {
    let mut authors = Vec::new();
    for commit in commits_of(repo, verdict)?.unwrap_or_default() {
        add(&mut authors, authors::from_commit(&commit));
    }
    Ok(authors)
}

/// What a revision or range names: `A..B` and `A...B` from where the two part, a single revision from
/// where it parts from the target's tip (its own first parent when that contains it already). Without a
/// common ancestor everything in it is new.
pub fn named(repo: &Repo, revision: &str, target: &Branch) -> Result<Change> {
    let (base, head) = match revision.split_once("...").or_else(|| revision.split_once("..")) {
        Some((from, to)) => {
            let end = |name: &str| repo.commit_named(if name.is_empty() { "HEAD" } else { name });
            let (from, to) = (end(from)?, end(to)?);
            (fork(repo, from.id, to.id)?, to)
        }
        None => {
            let head = repo.commit_named(revision)?;
            (base_of(repo, &head, target)?, head)
        }
    };
    change(repo, &base, &head)
}

/// What is staged: from HEAD's tree to the index's. The author is whoever the commit would be by;
/// in the middle of a merge or cherry-pick also everybody who made what is brought in.
pub fn staged(repo: &Repo) -> Result<Change> {
    if repo.work_dir().is_none() {
        return Err(hint(
            "nothing is staged in a repository without a working tree",
            "name what is meant: git flow-ai review <commit>",
        ));
    }
    let head = if repo.is_unborn() { None } else { Some(repo.commit_of("HEAD")?) };
    let base_tree = head.as_ref().map_or_else(|| repo.empty_tree(), |head| head.tree);
    let author = repo.author().unwrap_or_else(|_| "somebody".to_owned());
    let mut authors = vec![by_identity(&author)];
    add(&mut authors, prepared(repo));
    let mut commits = Vec::new();
    for (incoming, is_merge) in incoming(repo)? {
        let incoming = repo.commit(incoming)?;
        let base = match (&head, is_merge) {
            (Some(head), true) => repo.merge_bases(head.id, &[incoming.id])?,
            _ => incoming.parents.first().copied().into_iter().collect(),
        };
        add(&mut authors, self::authors(repo, base.iter().copied(), incoming.id)?);
        if is_merge {
            commits.extend(carried(repo, base, incoming.id)?);
        }
    }
    let title = "staged changes".to_owned();
    Ok(Change {
        base_tree,
        head_tree: index_tree(repo)?,
        base_commit: head.map(|head| head.id),
        head_commit: None,
        commits,
        authors,
        title,
    })
}

/// Where two histories part, as the gate sees it.
fn fork(repo: &Repo, target: ObjectId, head: ObjectId) -> Result<Fork> {
    fork_if_plain(repo, target, head)?.ok_or_else(|| {
        hint(
            format!(
                "what {head} changes cannot be told: its history and that of {target} were merged \
                 crosswise, and their common ancestors do not merge cleanly"
            ),
            command_line!("merge the target into it, and have that judged: git merge {}", target),
        )
    })
}

/// The same; `None` if their common ancestors do not merge cleanly.
fn fork_if_plain(repo: &Repo, target: ObjectId, head: ObjectId) -> Result<Option<Fork>> {
    let merger = Merger::new(repo);
    let Some(fork) = merger.fork(target, head)? else { return Ok(None) };
    if fork.commits.len() > 1 {
        // The merge of the common ancestors is in no commit, and whoever judges must see it.
        merger.sealed()?.copy_tree_to(repo, fork.tree)?;
    }
    Ok(Some(fork))
}

/// A change that starts at a commit, whatever else it has in common with where it ends.
fn at(repo: &Repo, base: ObjectId) -> Result<Fork> {
    Ok(Fork { tree: repo.tree_of(base)?, commits: vec![base] })
}

/// Where the change that ends in a commit starts.
fn base_of(repo: &Repo, head: &Commit, target: &Branch) -> Result<Fork> {
    if let Some(tip) = target.tip(repo)?
        && !repo.is_ancestor(head.id, tip)?
    {
        return fork(repo, tip, head.id);
    }
    match head.parents.first().copied() {
        // Against nothing, the whole project would be taken for what this commit adds.
        Some(parent) if !repo.has(parent) => Err(hint(
            format!("what {} adds cannot be told: its parent is not in this shallow clone", head.id),
            repo.make_whole(),
        )),
        Some(parent) => at(repo, parent),
        None => Ok(Fork { tree: repo.empty_tree(), commits: Vec::new() }),
    }
}

fn change(repo: &Repo, base: &Fork, head: &Commit) -> Result<Change> {
    let base_tree = base.tree;
    let commits = repo.commits_between(base.commits.iter().copied(), head.id)?;
    let mut authors = Vec::new();
    for commit in &commits {
        add(&mut authors, authors::from_commit(commit));
    }
    let title = match commits.len() {
        0 | 1 => head.subject().to_owned(),
        count => format!("{} (and {} more)", head.subject(), count - 1),
    };
    let changes_nothing = commits.iter().all(|commit| commit.tree == base_tree);
    Ok(Change {
        base_tree,
        head_tree: head.tree,
        // Of several that were merged crosswise none has that tree.
        base_commit: base.commit(),
        head_commit: Some(head.id),
        commits: if changes_nothing { Vec::new() } else { commits::parents_first(&commits) },
        authors,
        title,
    })
}

fn add(authors: &mut Vec<Author>, more: Vec<Author>) {
    for author in more {
        if !authors.contains(&author) {
            authors.push(author);
        }
    }
}

/// Whom the message names that git has prepared for the next commit: of a squash, everybody who made what it
/// holds.
fn prepared(repo: &Repo) -> Vec<Author> {
    let mut authors = Vec::new();
    for name in ["SQUASH_MSG", "MERGE_MSG"] {
        if let Ok(message) = std::fs::read_to_string(repo.git_dir().join(name)) {
            add(&mut authors, authors::from_message(&message));
        }
    }
    authors
}

/// The commits that a merge or cherry-pick under way brings in, and whether it is a merge.
fn incoming(repo: &Repo) -> Result<Vec<(ObjectId, bool)>> {
    let mut all = Vec::new();
    for (name, is_merge) in [("MERGE_HEAD", true), ("CHERRY_PICK_HEAD", false)] {
        let Ok(text) = std::fs::read_to_string(repo.git_dir().join(name)) else { continue };
        for line in text.lines() {
            let id = ObjectId::from_hex(line.trim().as_bytes());
            all.push((id.with_context(|| format!("{name} cannot be read"))?, is_merge));
        }
    }
    Ok(all)
}

/// The tree that a commit of the index would have, by git itself.
pub fn index_tree(repo: &Repo) -> Result<ObjectId> {
    let index = repo.index_file();
    if !index.exists() {
        return Ok(repo.empty_tree());
    }
    let git = |args: &[&str]| {
        let mut command = git::command(repo.git_dir());
        command.args(args).env("GIT_DIR", repo.git_dir()).env("GIT_INDEX_FILE", &index);
        git::output(&mut command)
    };
    let written = git(&["write-tree"]);
    if written.is_err() && !git(&["ls-files", "--unmerged"])?.is_empty() {
        return Err(hint("the index holds conflicts", "resolve them, then: git add <the files>"));
    }
    let tree = written?;
    ObjectId::from_hex(tree.as_bytes()).with_context(|| format!("git write-tree said `{tree}`"))
}
