//! Putting the repository's own notes in order, where no sync does it.

use super::notes_tree;
use super::order::in_order;
use super::write::in_turn;
use crate::domain::error::Result;
use crate::domain::verdict::NOTES_REF;
use crate::gate::store::{Expected, Repo};

/// Puts the repository's own notes in order. Returns whether there was anything to do.
pub fn heal(repo: &Repo) -> Result<bool> {
    in_turn(repo, || {
        let Some(tip) = repo.find_ref(NOTES_REF)? else { return Ok(false) };
        let Some(tree) = notes_tree(repo, tip)? else { return Ok(false) };
        let healed = in_order(repo, tree, true)?;
        if healed == tree {
            return Ok(false);
        }
        let reason = "Put the notes in order";
        let commit = repo.write_commit(healed, &[tip], &format!("{reason}\n"))?;
        repo.set_ref(NOTES_REF, commit, Expected::At(tip), reason)?;
        Ok(true)
    })
}
