//! What bends what a branch shows, and what weakens the gate: replace refs, grafts, hooks that are not
//! asked, records that the notes have lost.

use super::branch::{Standing, Verified};
use super::{Note, receipt};
use crate::doctor;
use crate::error::Result;
use crate::store::{Repo, config, trees};
use gix::ObjectId;
use std::fs;

/// Looks around; a branch whose tip is shown as something else is told with the branch.
pub(super) fn look(repo: &Repo, branches: &mut [Verified]) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    replaced(repo, branches, &mut notes)?;
    let grafts = repo.common_dir().join("info/grafts");
    if fs::metadata(&grafts).is_ok_and(|file| file.len() > 0) {
        notes.push(Note {
            says: format!("{} makes git show another history than there is", grafts.display()),
            way_out: Some("git replace --convert-graft-file, and look at what it names".into()),
        });
    }
    notes.extend(hooks(repo)?);
    Ok(notes)
}

/// The gate reads objects as they are; git shows people what a replace ref says.
fn replaced(repo: &Repo, branches: &mut [Verified], notes: &mut Vec<Note>) -> Result<()> {
    for (name, by) in repo.refs("refs/replace/")? {
        let Some(object) = name.strip_prefix("refs/replace/").and_then(|id| id.parse::<ObjectId>().ok())
        else {
            continue;
        };
        for branch in branches.iter_mut() {
            let Some(tip) = repo.find_ref(&receipt::head(&branch.branch))? else { continue };
            let way_out = format!("git replace -d {object}");
            let short = object.to_hex_with_len(10);
            if object == tip || trees::holds(repo, repo.tree_of(tip)?, object)? {
                let says = format!(
                    "git shows `{}` with {by} in place of {short}, which nobody has judged",
                    branch.branch
                );
                if branch.standing.is_wrong() {
                    notes.push(Note { says, way_out: Some(way_out) });
                } else {
                    branch.standing = Standing::Replaced;
                    branch.says = says;
                    branch.way_out = vec![way_out];
                }
            } else if repo.commit(object).is_ok() && repo.is_ancestor(object, tip)? {
                let says =
                    format!("git shows the history of `{}` with {by} in place of {short}", branch.branch);
                notes.push(Note { says, way_out: Some(way_out) });
            }
        }
    }
    Ok(())
}

/// Hooks that are gone, switched off or not ours: then nothing asks the gate here.
fn hooks(repo: &Repo) -> Result<Vec<Note>> {
    // A bare repository is guarded by its own hooks, and a repository without a branch by none.
    let Some(_) = repo.work_dir() else { return Ok(Vec::new()) };
    let Ok(target) = repo.target() else { return Ok(Vec::new()) };
    let Ok(loaded) = config::load(repo, &target) else { return Ok(Vec::new()) };
    if !loaded.config.gate.protects(&target) {
        return Ok(Vec::new());
    }
    let checks = doctor::gate(repo, &loaded, &target)?;
    let bad = checks.into_iter().filter(|check| check.standing == doctor::Standing::Bad);
    Ok(bad.map(|check| Note { says: check.says, way_out: check.mend }).collect())
}
