//! Changes read off commits: which trees, and who made them.
//!
//! Authors come from the trailers that we write when we commit an agent's work, and from the
//! co-author trailers that agent tools leave; a commit with neither is its git author's own.

use super::Repo;
use crate::change::Change;
use crate::error::Result;
use gix::ObjectId;

/// The trailers of a commit that holds an agent's work.
pub mod trailer {
    /// The spec's slug.
    pub const SPEC: &str = "Flow-Spec";
    /// The task's id.
    pub const TASK: &str = "Flow-Task";
    /// The run's id.
    pub const RUN: &str = "Flow-Run";
    /// Which attempt, from 1.
    pub const ATTEMPT: &str = "Flow-Attempt";
    /// The agent's name in the config.
    pub const AGENT: &str = "Flow-Agent";
    /// The vendor of its model.
    pub const VENDOR: &str = "Flow-Vendor";
    /// Its model, where it is known.
    pub const MODEL: &str = "Flow-Model";
}

/// The net change from one commit to another, with everybody who made a commit in between.
pub fn between(repo: &Repo, base: ObjectId, head: ObjectId) -> Result<Change> {
    let _ = (repo, base, head);
    todo!("store helper")
}

/// What a revision or range names: `A..B` and `A...B` from the merge base, a single revision from its
/// merge base with `target` (its own first parent when the target contains it already).
pub fn named(repo: &Repo, revision: &str, target: &str) -> Result<Change> {
    let _ = (repo, revision, target);
    todo!("store helper")
}

/// What is staged: from HEAD's tree to the index's. The author is the person, unless told otherwise.
pub fn staged(repo: &Repo) -> Result<Change> {
    let _ = repo;
    todo!("store helper")
}
