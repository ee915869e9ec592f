//! What a killed run left: its worktrees' files are committed, and its locks broken, before anything
//! else begins.
//!
//! A worktree never holds the only copy of anything for longer than the run that made it, whatever
//! ended that run.

use super::agent_commits;
use super::branch::{self, AttemptState, CommitLabel};
use super::checkout::blocking;
use super::clean_test;
use super::journal::{Effect, leftover_processes};
use super::{Run, chain};
use crate::agents::cli::Agent;
use crate::agents::worktree::{Removed, Worktree};
use crate::domain::change::{Author, Vendor};
use crate::domain::error::Result;
use crate::domain::event::{AttemptEnding, Events, What};
use crate::domain::plan::{Plan, Task};
use crate::domain::spec::Slug;
use crate::gate::store::{Expected, Repo, sweep};
use crate::system::fs::temporary;
use crate::system::process::orphans;
use gix::ObjectId;

/// Ends the processes that killed runs of the spec left, wherever they went, and removes their locks on refs
/// and the temporary files that they were writing.
pub(super) fn end_processes(repo: &Repo, slug: &Slug, events: &Events) -> Result<()> {
    for lock in repo.remove_dead_locks() {
        events.warn(format!("{} was left by a killed process, and is removed", lock.display()));
    }
    if let Some((root, mark)) = leftover_processes::temporary_of_last(repo, slug)? {
        temporary::sweep(&root, &mark);
    }
    let Some(remains) = leftover_processes::read(repo, slug)? else { return Ok(()) };
    let (killed, left) = remains.traces.end();
    if killed > 0 {
        events.progress(format!("{killed} processes of an interrupted run were still alive, and were ended"));
    }
    if !left.is_empty() {
        events.warn(format!("these processes of an interrupted run cannot be ended: {left:?}"));
    }
    for (root, mark) in &remains.temporary {
        temporary::sweep(root, mark);
    }
    sweep::objects(repo, remains.since)
}

/// Commits and removes what earlier runs of this spec left.
pub(super) async fn take_in(run: &Run, plan: &Plan) -> Result<()> {
    let worktrees = run.checkouts.worktrees.clone();
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
    let (worktree, collected) = blocking(move || {
        // No process writes any more when the files are taken.
        orphans::end_in(worktree.path());
        let is_there = worktree.is_complete() && worktree.is_there();
        let collected = if is_there { Some(worktree.collect()?) } else { None };
        Ok((worktree, collected))
    })
    .await?;
    if let Some(collected) = collected {
        let base = run.repo.tree_of(worktree.base())?;
        if let Some(name) = agent_commits::keep(&run.repo, run.slug(), id, &run.id, &collected.commits)? {
            run.events.progress(format!(
                "what an agent committed by itself in {} is kept at {name}",
                path.display()
            ));
        }
        if clean_test::is_name(id) {
            // Test commands leave no work behind.
            worktree.mark_saved(&collected)?;
        } else if collected.tree != before.unwrap_or(base) {
            let kept = keep(run, id, task, worktree.base(), before.unwrap_or(base), collected.tree)?;
            worktree.mark_saved(&collected)?;
            run.events
                .progress(format!("what an interrupted run left in {} is now on {kept}", path.display()));
        } else {
            worktree.mark_saved(&collected)?;
        }
    } else {
        take_orphans(run, id, &worktree)?;
    }
    run.journal.before(id, Effect::Remove { folder: path.display().to_string() })?;
    match blocking(move || worktree.remove()).await? {
        Removed::Gone => {}
        Removed::Kept(why) => run.events.warn(format!("{} is kept: {why}", path.display())),
    }
    Ok(())
}

/// Keeps what its agent committed by itself if the folder was deleted.
fn take_orphans(run: &Run, id: &str, worktree: &Worktree) -> Result<()> {
    let commits = worktree.commits_without_folder()?;
    if let Some(name) = agent_commits::keep(&run.repo, run.slug(), id, &run.id, &commits)? {
        worktree.mark_commits_kept(&commits)?;
        run.events.warn(format!(
            "{} was deleted; what its agent had committed by itself is kept at {name}",
            worktree.path().display()
        ));
    }
    Ok(())
}

/// Begins tasks anew whose branches were deleted, and says so; what had been on them is kept aside.
pub(super) fn begin_anew(run: &Run, chosen: &Plan) -> Result<()> {
    let repo = &run.repo;
    for task in chosen.tasks.iter().filter(|task| !task.done) {
        let branch = run.slug().task_ref(&task.id);
        let Some(head) = run.history.borrow().head(&task.id) else { continue };
        if repo.find_ref(&branch)?.is_some() {
            continue;
        }
        let explanation = match repo.has(head) {
            true => format!("is kept at {}", keep_aside(run, &task.id, head)?),
            false => "is gone".to_owned(),
        };
        run.events.warn(format!(
            "{} was deleted; what was on it ({}) {explanation}, and the task begins anew",
            short(&branch),
            head.to_hex_with_len(12)
        ));
        run.journal.before(&task.id, Effect::Fresh)?;
        run.history.borrow_mut().begin_anew(&task.id, &run.id);
    }
    Ok(())
}

/// Keeps a commit where no branch has it any more, and returns the ref's name.
fn keep_aside(run: &Run, task: &str, commit: ObjectId) -> Result<String> {
    let all = run.repo.refs(&branch::recovery_ref(run.slug(), task, ""))?;
    if let Some((name, _)) = all.into_iter().find(|(_, kept)| *kept == commit) {
        return Ok(name);
    }
    let name = branch::recovery_ref(run.slug(), task, &run.id);
    let before = run.repo.find_ref(&name)?.map_or(Expected::Missing, Expected::At);
    run.repo.set_ref(&name, commit, before, "kept")?;
    Ok(name)
}

/// Commits the files where they belong: on the task's branch, if that is where they came from, else
/// where nothing else writes. Returns the ref's short name.
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
        let found = branch::read(repo, run.slug(), task, run.base, history)?;
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
            let attempt = ended.map_or_else(|| history.next(id), |(attempt, _)| attempt);
            let state = match ended.map(|(_, ending)| ending) {
                Some(AttemptEnding::Done) => AttemptState::Made,
                Some(_) => AttemptState::Failed,
                None => AttemptState::Partial,
            };
            let label = CommitLabel {
                slug: run.slug(),
                task,
                run: &run.id,
                attempt,
                authors: &[author],
                state,
                text: None,
            };
            let commit = branch::commit(repo, &run.journal, &label, tree, base, head)?.head;
            if let Some((attempt, ending)) = ended {
                let commit = Some(commit.to_string());
                run.events.for_task(id).send(What::AttemptFinished { attempt, ending, commit });
                history.ended(id, attempt);
            }
            return Ok(short(&run.slug().task_ref(id)));
        }
    }
    let name = branch::recovery_ref(run.slug(), id, &run.id);
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
