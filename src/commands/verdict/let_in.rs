//! By which verdicts a commit was let in on which none hangs: a merge, a squash, a revert, a commit that was
//! rebased or picked, one of several that were judged together.

use crate::domain::error::Result;
use crate::domain::verdict::Verdict;
use crate::gate::admit::{self, Candidate, Explanation, New};
use crate::gate::store::verdicts::AllNotes;
use crate::gate::store::{Commit, Repo};
use gix::ObjectId;

/// How many commits back it is looked for where they were judged together with it, at most.
const FURTHEST: usize = 64;

/// What the gate says of one commit.
#[derive(Debug)]
pub enum LetIn {
    /// These verdicts carry it.
    By(Vec<Verdict>),
    /// It changes nothing, so nothing is asked for.
    Free,
    No,
}

/// Asks the gate about a commit as an update of that branch.
pub fn look(repo: &Repo, commit: &Commit, branch: &str) -> Result<LetIn> {
    let mut line = Vec::new();
    for before in repo.first_parents(commit.id, ObjectId::null(commit.id.kind())).skip(1).take(FURTHEST) {
        line.push(before?.id);
    }
    // Further back each time: one verdict may be about several commits in a row.
    let mut back = 1;
    while back <= line.len() {
        let candidate = Candidate {
            branch: branch.to_owned(),
            old: line[back - 1],
            new: New::Commit(commit.id),
            accepted: None,
        };
        let found = of_update(repo, &candidate, commit.id)?;
        if !matches!(found, LetIn::No) || back == line.len() {
            return Ok(found);
        }
        back = (back * 2).min(line.len());
    }
    Ok(LetIn::No)
}

fn of_update(repo: &Repo, candidate: &Candidate, commit: ObjectId) -> Result<LetIn> {
    let Some(policy) = admit::policy_for(repo, candidate)? else { return Ok(LetIn::No) };
    let parts = admit::explain(repo, candidate, &policy)?;
    let own = parts.into_iter().rfind(|part| part.commits.contains(&commit));
    Ok(match own.map(|part| part.explanation) {
        Some(Explanation::Enters(verdicts)) if verdicts.is_empty() => LetIn::Free,
        Some(Explanation::Enters(verdicts)) => LetIn::By(verdicts),
        Some(Explanation::Stays(_)) | None => LetIn::No,
    })
}

/// The verdicts of those whose reviewers were shown that commit among others.
pub fn shown_with(all: AllNotes, commit: ObjectId) -> Vec<Verdict> {
    let verdicts = all.verdicts.into_iter().map(|(_, verdict)| verdict);
    verdicts.filter(|verdict| verdict.commits().contains(&commit)).collect()
}
