//! What bends what a branch shows, and what weakens the gate: replace refs, grafts, hooks that are not
//! asked, records that the notes have lost.

use super::VerifyNote;
use super::branch::{BranchState, VerifiedBranch};
use crate::commands::{doctor, receipts};
use crate::domain::error::Result;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::NOTES_REF;
use crate::gate::store::verdicts::{self, COPIES, Lost};
use crate::gate::store::{Repo, config, trees};
use gix::ObjectId;
use std::fs;

/// How many lost records are told one by one.
const NAMED: usize = 5;

/// Looks around; a branch whose tip is shown as something else is told with the branch.
pub(super) fn look(repo: &Repo, branches: &mut [VerifiedBranch]) -> Result<Vec<VerifyNote>> {
    let mut notes = Vec::new();
    replaced(repo, branches, &mut notes)?;
    let grafts = repo.common_dir().join("info/grafts");
    if fs::metadata(&grafts).is_ok_and(|file| file.len() > 0) {
        notes.push(VerifyNote {
            says: format!("{} makes git show another history than there is", grafts.display()),
            fix: Some("git replace --convert-graft-file, and look at what it names".into()),
        });
    }
    notes.extend(lost(repo)?);
    notes.extend(hooks(repo)?);
    Ok(notes)
}

/// The gate reads objects as they are; git shows people what a replace ref says.
fn replaced(repo: &Repo, branches: &mut [VerifiedBranch], notes: &mut Vec<VerifyNote>) -> Result<()> {
    for (name, by) in repo.refs("refs/replace/")? {
        let Some(object) = name.strip_prefix("refs/replace/").and_then(|id| id.parse::<ObjectId>().ok())
        else {
            continue;
        };
        for branch in branches.iter_mut() {
            let Some(tip) = repo.find_ref(&receipts::head(&branch.branch))? else { continue };
            let fix = command_line!("git replace -d {}", object);
            let short = object.to_hex_with_len(10);
            if object == tip || trees::holds(repo, repo.tree_of(tip)?, object)? {
                let says = format!(
                    "git shows `{}` with {by} in place of {short}, which nobody has judged",
                    branch.branch
                );
                if branch.state.is_wrong() {
                    notes.push(VerifyNote { says, fix: Some(fix) });
                } else {
                    branch.state = BranchState::Replaced;
                    branch.says = says;
                    branch.fix = vec![fix];
                }
            } else if repo.commit(object).is_ok() && repo.is_ancestor(object, tip)? {
                let says =
                    format!("git shows the history of `{}` with {by} in place of {short}", branch.branch);
                notes.push(VerifyNote { says, fix: Some(fix) });
            }
        }
    }
    Ok(())
}

/// Records that a remote had when it was last fetched, and the notes here have not: the gate reads the
/// copy, so each counts still, until that is gone too.
fn lost(repo: &Repo) -> Result<Vec<VerifyNote>> {
    let (own, remotes) = (repo.find_ref(NOTES_REF)?, repo.remotes());
    let mut notes = Vec::new();
    for (copy, tip) in repo.refs(COPIES)? {
        let remote = copy.strip_prefix(COPIES).unwrap_or(&copy);
        let lost = verdicts::missing(repo, Some(tip), own)?;
        if lost.is_empty() {
            continue;
        }
        let mut which: Vec<String> = lost.iter().take(NAMED).map(named).collect();
        if lost.len() > NAMED {
            which.push(format!("and {} more", lost.len() - NAMED));
        }
        let says = format!(
            "{NOTES_REF} lacks {} record{} that {remote} had when last fetched: {}",
            lost.len(),
            if lost.len() == 1 { "" } else { "s" },
            which.join("; ")
        );
        let fix = match remotes.iter().any(|known| known == remote) {
            true => command_line!("bring them back: git flow-ai sync {}", remote),
            false => {
                command_line!("bring them back: git notes --ref=flow-ai merge -s cat_sort_uniq {}", copy)
            }
        };
        notes.push(VerifyNote { says, fix: Some(fix) });
    }
    Ok(notes)
}

fn named(lost: &Lost) -> String {
    format!("{} ({})", lost.headline(), lost.on.to_hex_with_len(10))
}

/// Hooks that are gone, switched off or not ours: then nothing asks the gate here.
fn hooks(repo: &Repo) -> Result<Vec<VerifyNote>> {
    // A bare repository is guarded by its own hooks, and a repository without a branch by none.
    let Some(_) = repo.work_dir() else { return Ok(Vec::new()) };
    let Ok(target) = repo.target() else { return Ok(Vec::new()) };
    let Ok(loaded) = config::load(repo, &target) else { return Ok(Vec::new()) };
    if !loaded.protects(&target) {
        return Ok(Vec::new());
    }
    let checks = doctor::gate(repo, &loaded, &target)?;
    let bad = checks.into_iter().filter(|check| check.status == doctor::CheckStatus::Bad);
    Ok(bad.map(|check| VerifyNote { says: check.says, fix: check.fix }).collect())
}
