//! What an uncovered change touches, and a mark by which it is known again after a rebase.

use crate::domain::digest;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::gate::store::trees::{Changed, Sealed};
use gix::ObjectId;

/// The paths that differ, and the mark; nothing where the trees are not in this clone.
///
/// The mark is a digest of the lines that are added and taken away, with their files: neither commits,
/// nor line numbers, nor what stands around them count.
pub(super) fn describe(repo: &Repo, base: ObjectId, head: ObjectId) -> Result<(Vec<Changed>, String)> {
    let by_trees = || digest::short(format!("{base} {head}"));
    if !(repo.has(base) && repo.has(head)) {
        return Ok((Vec::new(), by_trees()));
    }
    let sealed = Sealed::over(repo)?;
    let changed = sealed.changed(base, head)?;
    // What cannot be shown as text (a name that is no text, say) is known by its trees.
    let Ok(diff) = sealed.diff(base, head, &[]) else { return Ok((changed, by_trees())) };
    let mut content = Vec::new();
    for line in diff.split_inclusive(|byte| *byte == b'\n') {
        let is_place = line.starts_with(b"@@") || line.starts_with(b" ") || line.starts_with(b"index ");
        if !is_place {
            content.extend_from_slice(line);
        }
    }
    Ok((changed, digest::short(&content)))
}
