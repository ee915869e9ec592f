//! What a task begins from: the run's base, its dependency's work, or the merge of several.

use super::Run;
use crate::domain::error::Result;
use crate::domain::plan::Task;
use crate::gate::store::Repo;
use crate::gate::store::changes::trailer;
use crate::gate::store::trees::Sealed;
use gix::ObjectId;

/// Where a task begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    At(ObjectId),
    /// Nowhere: the work of its dependencies does not merge; the first that does not.
    Conflict(String),
}

/// The commit that a task begins from.
pub(super) fn find(run: &Run, task: &Task) -> Result<Base> {
    let mut heads: Vec<(&str, ObjectId)> = Vec::new();
    for id in &task.after {
        // A box ticked by hand has no branch: what it stands for is in the base.
        if let Some(head) = run.repo.find_ref(&run.slug().task_ref(id))? {
            heads.push((id, head));
        }
    }
    // The result has them all, with what others made meanwhile: a task that is done again is among that.
    let mut has_all = true;
    for (_, head) in &heads {
        has_all &= run.repo.is_ancestor(*head, run.base)?;
    }
    let mut heads = heads.into_iter();
    let Some((_, mut joined)) = heads.next().filter(|_| !has_all) else { return Ok(Base::At(run.base)) };
    for (id, head) in heads {
        if run.repo.is_ancestor(head, joined)? {
            continue;
        }
        if run.repo.is_ancestor(joined, head)? {
            joined = head;
            continue;
        }
        match join(run, task, joined, head)? {
            Some(merge) => joined = merge,
            None => return Ok(Base::Conflict(id.to_owned())),
        }
    }
    Ok(Base::At(joined))
}

/// A commit that merges both; `None` on a conflict.
fn join(run: &Run, task: &Task, one: ObjectId, two: ObjectId) -> Result<Option<ObjectId>> {
    let repo = &run.repo;
    let Some(fork) = repo.merge_base(one, two)? else { return Ok(None) };
    let Some(tree) = merge_trees(repo, fork, one, two)? else { return Ok(None) };
    let message = format!(
        "Join what {} depends on\n\n{}: {}\n{}: {}\n",
        trailer::one_line(&task.id),
        trailer::SPEC,
        run.slug(),
        trailer::RUN,
        run.id
    );
    repo.write_commit(tree, &[one, two], &message).map(Some)
}

/// The clean merge of what `theirs` did since `base` into `ours`, in the repository; `None` on a conflict.
pub(super) fn merge_trees(
    repo: &Repo,
    base: ObjectId,
    ours: ObjectId,
    theirs: ObjectId,
) -> Result<Option<ObjectId>> {
    let sealed = Sealed::over(repo)?;
    let merged = sealed.merge(repo.tree_of(base)?, repo.tree_of(ours)?, repo.tree_of(theirs)?)?;
    if let Some(tree) = merged {
        sealed.copy_tree_to(repo, tree)?;
    }
    Ok(merged)
}
