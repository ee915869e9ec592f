//! The repository as data: discovery, refs, objects, specs, verdict notes, by gix.
//!
//! Only this module opens a repository, and reads or writes objects, refs and notes, by gix, since gix's API
//! changes every few weeks. Everywhere else the only names of gix are `gix::ObjectId` and
//! `gix::hash::Kind`: what a commit or tree is called. Writes of refs are compare-and-swap, and only of our
//! own refs: gix runs no hooks, so nothing here ever moves a branch that a gate could protect. Objects are
//! read as they are: replace refs and the commit-graph, which anyone who can write to the repository could
//! forge, are never believed.
//!
//! [`Repo`] is declared here. Its methods are in `open` (how it is opened, where its directories are),
//! `git_config` (git's settings), `refs`, `branches` (which branch a name means), `objects` (commits and their history, the user's identity) and
//! `target` (the branch that flows go to). What is built on these is functions over `&Repo`: [`changes`]
//! (what commits change, and who made it), [`config`] (our own config), [`in_force`] (whose
//! policy counts at a commit), [`specs`], [`verdicts`]
//! ([`Notes`](verdicts::Notes), the reader of notes), [`keep`], [`reflog`], [`sweep`], [`upstream`] (what a
//! remote has accepted). [`trees`] has [`Sealed`](trees::Sealed), a git directory of our own in which trees
//! are compared and merged, and [`Merger`](trees::Merger), which asks it no question twice.

mod branches;
pub mod changes;
mod checkout_index;
pub mod config;
mod git_config;
pub mod in_force;
pub mod keep;
mod objects;
mod open;
mod ref_locks;
pub(crate) mod reflog;
mod refs;
mod shared;
pub mod specs;
pub mod submodules;
pub(crate) mod sweep;
mod target;
pub mod trees;
pub(crate) mod upstream;
pub mod verdicts;
mod written;

pub use branches::Branch;
pub use checkout_index::{CheckoutIndex, IndexedKind, Remembered};
pub use git_config::Setting;
use gix::ObjectId;
pub(crate) use ref_locks::Intent;
pub use refs::is_ref_name;
pub use shared::Sharing;
use std::cell::OnceCell;
use std::path::PathBuf;

#[derive(Debug)]
pub struct Repo {
    gix: gix::Repository,
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_dir: Option<PathBuf>,
    /// The object store while git keeps objects elsewhere (a push that is being received): see `open`.
    quarantine: Option<tempfile::TempDir>,
    /// Where trees are compared and merged, once that was needed.
    sealed: OnceCell<trees::Sealed>,
    /// Tips of notes to read besides those that refs name: see [`verdicts`].
    more_notes: Vec<ObjectId>,
}

/// What a ref is expected to be before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    Missing,
    /// It must be at that commit.
    At(ObjectId),
}

/// Another process moved a ref in between: read again and retry.
#[derive(Debug, thiserror::Error)]
#[error("{name} was changed by somebody else in the meantime")]
pub struct Conflict {
    /// The full name of the ref.
    pub name: String,
}

/// A commit as far as we read it.
#[derive(Debug, Clone)]
pub struct Commit {
    pub id: ObjectId,
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
    pub message: String,
    /// Its author: name and address.
    pub author: String,
    pub committer: String,
    /// Seconds since 1970.
    pub time: i64,
}

impl Commit {
    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The values of that trailer in the message's last paragraph, in order
    /// (`git-interpret-trailers(1)`). The first paragraph is the subject, never trailers.
    pub fn trailers<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        // A line with nothing but a carriage return ends a paragraph too.
        let lines: Vec<&str> = self.message.trim_end().lines().collect();
        let last = lines.iter().rposition(|line| line.trim().is_empty()).unwrap_or(lines.len());
        lines.into_iter().skip(last + 1).filter_map(move |line| {
            let (name, value) = line.split_once(':')?;
            name.trim_end().eq_ignore_ascii_case(key).then(|| value.trim())
        })
    }

    /// The values of lines that look like that trailer anywhere below the subject: a squash has those of
    /// its commits in its middle, indented where git wrote the message, behind a bullet or a mark of a quote
    /// where a forge or a person did. Where a line is continued, so is the value.
    pub fn said(&self, key: &str) -> Vec<String> {
        self.said_under(|name| name.eq_ignore_ascii_case(key))
    }

    /// The same of every key that is meant.
    pub fn said_under(&self, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        let mut open_at = None;
        for line in self.message.lines().skip(1) {
            let text = line.trim_start_matches(|c: char| c.is_whitespace() || "*->|#".contains(c));
            let indent = line.len() - text.len();
            let value = text.split_once(':').filter(|(name, _)| is_meant(name.trim_end()));
            if let Some((_, value)) = value {
                open_at = Some(indent);
                values.push(value.trim().to_owned());
            } else if open_at.is_some_and(|at| indent > at) && !text.trim().is_empty() {
                let begun = values.pop().unwrap_or_default();
                values.push(format!("{begun} {}", text.trim()));
            } else {
                open_at = None;
            }
        }
        values
    }
}
