//! What a killed run left: its worktrees' files are committed, and its locks broken, before anything
//! else begins.
//!
//! A worktree never holds the only copy of anything for longer than the run that made it, whatever
//! ended that run.

use super::journal::attempt_finished;
use super::own;
use super::work::{self, Label, State};
use super::workplace::blocking;
use super::{Run, chain};
use crate::agent::Agent;
use crate::change::{Author, Vendor};
use crate::error::Result;
use crate::event::Events;
use crate::plan::{Plan, Task};
use crate::process;
use crate::spec::Slug;
use crate::store::{Expected, Repo};
use crate::verdict::NOTES_REF;
use crate::worktree::{Removed, Worktree};
use anyhow::Context;
use gix::ObjectId;
use std::fs;
use std::time::Duration;

/// How old a lock on one ref is when whoever made it must be dead: it is held for milliseconds.
const STALE: Duration = Duration::from_secs(5);

/// Removes the locks on our refs that a killed process left; git would wait for them in vain for ever.
pub(super) async fn break_locks(repo: &Repo, slug: &Slug, events: &Events) -> Result<()> {
    let branches = repo.common_dir().join(slug.task_ref(""));
    let mut locks = vec![repo.common_dir().join(format!("{NOTES_REF}.lock"))];
    locks.extend(fs::read_dir(branches).into_iter().flatten().flatten().map(|entry| entry.path()));
    for lock in locks.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "lock"))
    {
        while let Ok(data) = lock.symlink_metadata() {
            let age = data.modified()?.elapsed().unwrap_or_default();
            if age >= STALE {
                events.warn(format!("{} was left by a killed process, and is removed", lock.display()));
                fs::remove_file(&lock).with_context(|| format!("cannot remove {}", lock.display()))?;
                break;
            }
            tokio::time::sleep(STALE.saturating_sub(age).min(Duration::from_millis(200))).await;
        }
    }
    Ok(())
}

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
        // Nobody writes any more when the files are taken.
        process::end_strays(worktree.path());
        let is_there = worktree.is_complete() && worktree.is_there();
        let harvest = if is_there { Some(worktree.harvest()?) } else { None };
        Ok((worktree, harvest))
    })
    .await?;
    if let Some(harvest) = harvest {
        let base = run.repo.tree_of(worktree.base())?;
        if let Some(name) = own::keep(&run.repo, run.slug(), id, &run.id, &harvest.commits)? {
            run.events.progress(format!(
                "what an agent committed by itself in {} is kept at {name}",
                path.display()
            ));
        }
        if id == "result" {
            // Checks leave nobody's work behind.
            worktree.let_go(&harvest)?;
        } else if harvest.tree != before.unwrap_or(base) {
            let kept = keep(run, id, task, worktree.base(), before.unwrap_or(base), harvest.tree)?;
            worktree.let_go(&harvest)?;
            run.events
                .progress(format!("what an interrupted run left in {} is now on {kept}", path.display()));
        } else {
            worktree.let_go(&harvest)?;
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
        let parent = match found {
            None => Some((base, None)),
            // Killed between the commit and the note that it was made.
            Some(work) if repo.tree_of(work.head)? == tree => return Ok(short(&run.slug().task_ref(id))),
            Some(work) if repo.tree_of(work.head)? == before => Some((work.base, Some(work.head))),
            // The branch went on without the worktree: its files must not undo that.
            Some(_) => None,
        };
        if let Some((base, head)) = parent {
            // The agent may have ended, and only its commit was missing.
            let ended = history.harvesting(id);
            let attempt = ended.as_ref().map_or_else(|| history.next(id), |(attempt, _)| *attempt);
            let state = match ended.as_ref().map(|(_, ending)| ending.as_str()) {
                Some("done") => State::Made,
                Some(_) => State::Failed,
                None => State::Partial,
            };
            let label = Label { slug: run.slug(), task, run: &run.id, attempt, authors: &[author], state };
            let commit = work::commit(repo, &label, tree, base, head)?.head;
            if let Some((attempt, ending)) = ended {
                run.events.of_task(id).send(attempt_finished(attempt, &ending, Some(commit)));
                history.ended(id, attempt);
            }
            return Ok(short(&run.slug().task_ref(id)));
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
