//! What an agent committed by itself, where its files do not hold it any more: kept under a ref.
//!
//! Agents commit, stash and make branches in the private repository of their worktree. What they leave
//! as files is collected and becomes our commit; only what goes beyond that is kept here, so that nothing
//! is lost and no branch gets commits of unknown authors.

use super::branch;
use crate::agents::worktree::AgentCommit;
use crate::domain::error::Result;
use crate::domain::spec::Slug;
use crate::gate::store::changes::trailer::one_line;
use crate::gate::store::{Expected, Repo};
use gix::ObjectId;
use std::fmt::Write;

/// The most parents of one commit that remembers others.
const PARENTS: usize = 100;

/// Keeps the commits at `refs/flow-ai/recovered/<slug>/<task>/<run>.own`, and returns that name: a single
/// one as it is, several as parents of one that names them. None when there is none.
pub fn keep(
    repo: &Repo,
    slug: &Slug,
    task: &str,
    run: &str,
    commits: &[AgentCommit],
) -> Result<Option<String>> {
    if commits.is_empty() {
        return Ok(None);
    }
    let name = branch::recovery_ref(slug, task, &format!("{run}.own"));
    let before = repo.find_ref(&name)?;
    let mut tip = before;
    for some in commits.chunks(PARENTS) {
        tip = Some(together(repo, task, tip, some)?);
    }
    let expected = before.map_or(Expected::Missing, Expected::At);
    if let Some(tip) = tip {
        repo.set_ref(&name, tip, expected, "kept")?;
    }
    Ok(Some(name))
}

/// One commit from which all of these can be reached, and what was kept before.
fn together(repo: &Repo, task: &str, before: Option<ObjectId>, commits: &[AgentCommit]) -> Result<ObjectId> {
    if let ([only], None) = (commits, before) {
        return Ok(only.id);
    }
    let mut message = format!("What the agent of {task} committed by itself\n\n");
    for AgentCommit { name, id } in commits {
        // Writing to a string cannot fail.
        let _ = writeln!(message, "- {id} {}", one_line(name));
    }
    let parents: Vec<ObjectId> = before.into_iter().chain(commits.iter().map(|own| own.id)).collect();
    let tree = repo.tree_of(commits.first().map_or(repo.empty_tree(), |own| own.id))?;
    repo.write_commit(tree, &parents, &message)
}
