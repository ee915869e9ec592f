//! Verdicts in `refs/notes/flow-ai`: append-only, by compare-and-swap, so that no writer loses one.
//!
//! git's own `notes add` writes without an expected old value and loses most records of parallel
//! writers in silence; this never shells out to it. A note hangs on the reviewed commit, or on the
//! head tree where there is no commit; where it hangs proves nothing, the record's own trees do.

use super::Repo;
use crate::error::Result;
use crate::verdict::{Unreadable, Verdict};
use gix::ObjectId;

/// Appends a record to the note of that object.
pub fn append(repo: &Repo, on: ObjectId, verdict: &Verdict) -> Result<()> {
    let _ = (repo, on, verdict);
    todo!("store helper")
}

/// The records of that object's note, and the lines that cannot be told.
pub fn on(repo: &Repo, object: ObjectId) -> Result<(Vec<Verdict>, Vec<Unreadable>)> {
    let _ = (repo, object);
    todo!("store helper")
}

/// Every record there is, with the object it hangs on.
pub fn all(repo: &Repo) -> Result<Vec<(ObjectId, Verdict)>> {
    let _ = repo;
    todo!("store helper")
}
