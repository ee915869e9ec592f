//! Worktrees that a killed run left: their files are committed before anything else begins.
//!
//! A worktree never holds the only copy of anything for longer than the run that made it, whatever
//! ended that run.

use super::work::{self, Label, State};
use super::workplace::blocking;
use super::{Run, chain};
use crate::agent::Agent;
use crate::change::{Author, Vendor};
use crate::error::Result;
use crate::plan::{Plan, Task};
use crate::store::Expected;
use crate::worktree::{Removed, Worktree};
use gix::ObjectId;

/// Commits and removes what earlier runs of this spec left.
pub(super) async fn take_in(run: &Run, plan: &Plan) -> Result<()> {
    let worktrees = run.worktrees.clone();
    let prefix = format!("{}.", run.slug());
    for worktree in blocking(move || worktrees.leftovers()).await? {
        let Some(id) = worktree.name().strip_prefix(&prefix).map(str::to_owned) else { continue };
        let path = worktree.path().to_owned();
        let task = plan.tasks.iter().find(|task| task.id == id);
        if let Err(error) = take(run, &id, task, worktree).await {
            run.events.warn(format!("{} is kept: {}", path.display(), chain(&error)));
        }
    }
    Ok(())
}

async fn take(run: &Run, id: &str, task: Option<&Task>, worktree: Worktree) -> Result<()> {
    let path = worktree.path().to_owned();
    let before = worktree.saved()?;
    let (worktree, harvest) = blocking(move || {
        let is_there = worktree.is_complete() && worktree.path().exists();
        let harvest = if is_there { Some(worktree.harvest()?) } else { None };
        Ok((worktree, harvest))
    })
    .await?;
    if let Some(harvest) = harvest {
        let base = run.repo.tree_of(worktree.base())?;
        if id == "result" {
            // Checks leave nobody's work behind.
            worktree.let_go(harvest.tree)?;
        } else if harvest.tree != before.unwrap_or(base) {
            let kept = keep(run, id, task, worktree.base(), before.unwrap_or(base), harvest.tree)?;
            run.events
                .progress(format!("what an interrupted run left in {} is now on {kept}", path.display()));
        }
    }
    match blocking(move || worktree.remove()).await? {
        Removed::Gone => {}
        Removed::Kept(why) => run.events.warn(format!("{} is kept: {why}", path.display())),
    }
    Ok(())
}

/// Commits the files where they belong: on the task's branch, if that is where they came from, else
/// where nobody else writes. Returns the ref's short name.
fn keep(
    run: &Run,
    id: &str,
    task: Option<&Task>,
    base: ObjectId,
    before: ObjectId,
    tree: ObjectId,
) -> Result<String> {
    let repo = &run.repo;
    let author = author(run, id);
    if let Some(task) = task {
        let history = &mut run.history.borrow_mut();
        let found = work::read(repo, run.slug(), task, run.base, history)?;
        let attempt = history.next(id);
        let label =
            Label { slug: run.slug(), task, run: &run.id, attempt, author: &author, state: State::Partial };
        match found {
            None => {
                work::commit(repo, &label, tree, base, None)?;
                return Ok(short(&run.slug().task_ref(id)));
            }
            Some(work) if repo.tree_of(work.head)? == before => {
                work::commit(repo, &label, tree, work.base, Some(work.head))?;
                return Ok(short(&run.slug().task_ref(id)));
            }
            // The branch went on without the worktree: its files must not undo that.
            Some(_) => {}
        }
    }
    let name = work::recovery_ref(run.slug(), id, &run.id);
    let commit = repo.write_commit(tree, &[base], &format!("What an interrupted run left of {id}\n"))?;
    repo.set_ref(&name, commit, Expected::Missing, "kept")?;
    Ok(name)
}

/// Who was at work: the task's agent as far as we know.
fn author(run: &Run, task: &str) -> Author {
    let unknown = || Author { name: "unknown".into(), vendor: Vendor::new("unknown"), model: None };
    run.agents.get(task).map_or_else(unknown, Agent::author)
}

fn short(name: &str) -> String {
    name.trim_start_matches("refs/heads/").to_owned()
}
