//! What still counts where every key of a list has run out: what brings a list with valid keys.
//!
//! Nothing else could, or a branch would be locked by the mere passing of time. Falling back on an earlier policy
//! would be worse: that may not ask for signatures at all. A key that has run out proves no less here than
//! elsewhere, since the time in a record is its signer's own word; who lost one takes it off the list.

use crate::domain::error::Result;
use crate::domain::policy::{is_policy_file, signers};
use crate::gate::store::Repo;
use crate::gate::store::in_force::{self, TreePolicy};
use crate::gate::store::trees::{self, AtPath};
use gix::ObjectId;
use jiff::Timestamp;

/// Whether a change is of policy files alone (`list` is the list of signers), and somebody could sign records
/// under what it ends in at that time.
pub(super) fn mends(
    repo: &Repo,
    list: &str,
    base_tree: ObjectId,
    head_tree: ObjectId,
    time: Timestamp,
) -> Result<bool> {
    if !(repo.has(base_tree) && repo.has(head_tree)) {
        return Ok(false);
    }
    let TreePolicy::Workable(found) = in_force::of_tree(&|path| trees::at_path(repo, head_tree, path), "it")?
    else {
        return Ok(false);
    };
    let policy = &found.config.gate;
    if policy.signed && !anybody_at(repo, head_tree, &policy.allowed_signers, time)? {
        return Ok(false);
    }
    let is_policy = |path: &[u8]| is_policy_file(path) || path == list.as_bytes();
    Ok(trees::changed(repo, base_tree, head_tree)?.iter().all(|changed| is_policy(&changed.path)))
}

/// Whether somebody could sign records by the list of a tree at that time.
pub fn anybody_at(repo: &Repo, tree: ObjectId, list: &str, time: Timestamp) -> Result<bool> {
    let AtPath::File(bytes) = trees::at_path(repo, tree, list)? else { return Ok(false) };
    let lines = signers::parse(&String::from_utf8_lossy(&bytes));
    Ok(lines.is_ok_and(|lines| lines.iter().any(|line| line.can_sign_at(time))))
}
