//! Having tasks done again that were done, or merged, before: from what the result is now. The user asks for it, or
//! what they were made from was changed since.
//!
//! What was on their branches is kept aside, their boxes are open again, and so are those of all that depend on
//! them: that was made on work which is done anew.

use super::branch;
use super::checkout::blocking;
use super::{RunOptions, preflight};
use crate::agents::worktree::Worktrees;
use crate::commands::documents::{stale, step_of};
use crate::domain::error::{Result, hint};
use crate::domain::event::Events;
use crate::domain::plan::{self, Plan};
use crate::domain::spec::Slug;
use crate::gate::store::{Conflict, Expected, Repo, specs};
use std::collections::BTreeSet;

/// How often a box is opened again when the spec's branch moves under us.
const RETRIES: usize = 20;

/// Opens the tasks that the user wants done again. Returns them with all that depend on them, in the plan's order.
///
/// # Errors
/// If the plan has no such task.
pub(super) fn open(repo: &Repo, options: &RunOptions, run: &str, events: &Events) -> Result<Vec<String>> {
    let slug = &options.slug;
    let spec = specs::read(repo, slug)?;
    let status = step_of(repo, &spec)?;
    let Some(plan) = status.plan.as_ref().filter(|_| status.may_run()) else { return Ok(Vec::new()) };
    let mut wanted = options.redo.clone();
    for task in stale(repo, &spec, &status, plan)? {
        if !wanted.contains(&task) {
            events.progress(format!("what {task} was made from has been changed since it was done"));
            wanted.push(task);
        }
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    preflight::refuse_checked_out(repo, slug)?;
    let tasks = with_dependents(plan, &wanted)?;
    for task in &tasks {
        // First the box: a run that ends here goes on with the task as it was.
        untick(repo, slug, task)?;
        let name = slug.task_ref(task);
        if let Some(head) = repo.find_ref(&name)? {
            let kept = branch::recovery_ref(slug, task, run);
            repo.set_ref(&kept, head, Expected::Missing, "kept, as the task is done again")?;
            repo.delete_ref(&name, head)?;
            events.progress(format!("{task} is done again; what was on its branch is kept at {kept}"));
        }
    }
    Ok(tasks)
}

/// Removes what an interrupted run left of these tasks, which is not to be gone on with.
pub(super) async fn discard(worktrees: &Worktrees, slug: &Slug, tasks: &[String]) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let (worktrees, names) = (worktrees.clone(), tasks.iter().map(|task| format!("{slug}.{task}")));
    let names: BTreeSet<String> = names.collect();
    blocking(move || {
        for worktree in worktrees.leftovers()? {
            if names.contains(worktree.name()) {
                worktree.move_to_trash("its task is done again", None)?;
            }
        }
        Ok(())
    })
    .await
}

/// These tasks and all that depend on them, in the plan's order.
fn with_dependents(plan: &Plan, wanted: &[String]) -> Result<Vec<String>> {
    let ids = || plan.tasks.iter().map(|task| task.id.as_str());
    if let Some(unknown) = wanted.iter().find(|wanted| !ids().any(|id| id == *wanted)) {
        let known = ids().collect::<Vec<_>>().join(", ");
        return Err(hint(format!("the plan has no task `{unknown}`"), format!("it has: {known}")));
    }
    let mut found: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    loop {
        let depends = |task: &&plan::Task| {
            !found.contains(task.id.as_str()) && task.after.iter().any(|id| found.contains(id.as_str()))
        };
        match plan.tasks.iter().find(depends) {
            Some(task) => found.insert(&task.id),
            None => break,
        };
    }
    Ok(ids().filter(|id| found.contains(id)).map(str::to_owned).collect())
}

/// Opens the task's box on the spec's branch, whatever else is written there meanwhile.
fn untick(repo: &Repo, slug: &Slug, task: &str) -> Result<()> {
    for _ in 0..RETRIES {
        let spec = specs::read(repo, slug)?;
        let before = spec.document(plan::DOCUMENT).unwrap_or_default();
        let after = plan::untick(before, task)?;
        if after == before {
            return Ok(());
        }
        let document = (plan::DOCUMENT.to_owned(), after);
        let (expected, subject) = (Expected::At(spec.commit), format!("Open {task} again"));
        match specs::write(repo, slug, expected, &[document], &spec.workflow, &[], &subject) {
            Err(error) if error.chain().any(|cause| cause.is::<Conflict>()) => {}
            other => return other.map(drop),
        }
    }
    anyhow::bail!("the box of {task} could not be opened: the spec's branch is being written all the time")
}
