//! Which text the work on a task was made from, and whether that was changed since: then the work is stale.
//!
//! A commit of ours names the text by its id. The user can accept work as it is, on record in a commit of the spec's
//! branch that changes no document.

use super::step::{StepStatus, step_of};
use crate::domain::error::{Result, hint};
use crate::domain::plan::{self, Plan, Task};
use crate::domain::spec::{Slug, Spec};
use crate::domain::text::shell::command_line;
use crate::gate::store::changes::trailer;
use crate::gate::store::{Expected, Repo, specs};
use gix::ObjectId;

/// How far back on a branch the newest commit of ours is looked for.
const DEPTH: usize = 1000;

/// The id of the text that a task's work is made from: the documents before the implementation, but the plan, and of
/// that what it says of the task.
pub fn text_of(repo: &Repo, spec: &Spec, status: &StepStatus, task: &Task) -> ObjectId {
    let documents = spec.documents.iter().filter(|(name, _)| {
        name != plan::DOCUMENT && name != specs::RECIPE && !status.is_after_implementation(name)
    });
    let mut text = String::new();
    for (name, content) in documents {
        text.push_str(&format!("{name} {}\0", specs::text_id(repo, name, content)));
    }
    text.push_str(&format!("{}\0{}", task.title, task.instruction.trim()));
    specs::text_id(repo, "", &text)
}

/// The same of a spec that was only read; without a task, the id of the text of all of them.
pub fn text_for(repo: &Repo, spec: &Spec, task: Option<&Task>) -> Result<ObjectId> {
    let status = step_of(repo, spec)?;
    Ok(match task {
        Some(task) => text_of(repo, spec, &status, task),
        None => whole(repo, spec, &status),
    })
}

/// Whether that is the text that a spec or one of its tasks has now.
pub fn is_current(repo: &Repo, spec: &Spec, text: ObjectId) -> Result<bool> {
    let status = step_of(repo, spec)?;
    let mut tasks = status.plan.iter().flat_map(|plan| &plan.tasks);
    Ok(whole(repo, spec, &status) == text || tasks.any(|task| text_of(repo, spec, &status, task) == text))
}

fn whole(repo: &Repo, spec: &Spec, status: &StepStatus) -> ObjectId {
    let tasks = status.plan.iter().flat_map(|plan| &plan.tasks);
    let texts: String = tasks.map(|task| format!("{}\0", text_of(repo, spec, status, task))).collect();
    specs::text_id(repo, "", &texts)
}

/// The tasks of the plan that are done, and were made from another text than the spec has now.
pub fn stale(repo: &Repo, spec: &Spec, status: &StepStatus, plan: &Plan) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    for task in plan.tasks.iter().filter(|task| task.done) {
        let Some(made_from) = made_from(repo, &spec.slug, task)? else { continue };
        let now = text_of(repo, spec, status, task);
        if made_from != now && !is_accepted(repo, spec, &task.id, now)? {
            stale.push(task.id.clone());
        }
    }
    Ok(stale)
}

/// The same of a spec that was only read.
pub fn stale_of(repo: &Repo, spec: &Spec) -> Result<Vec<String>> {
    let status = step_of(repo, spec)?;
    match &status.plan {
        Some(plan) => stale(repo, spec, &status, plan),
        None => Ok(Vec::new()),
    }
}

/// Puts on record that the work on these tasks is accepted for the text that the spec has now. One whose box is open
/// gets a tick: what is in the result stands for it.
///
/// # Errors
/// If the plan has no such task.
pub fn accept(repo: &Repo, slug: &Slug, tasks: &[String]) -> Result<()> {
    for id in tasks {
        let spec = specs::read(repo, slug)?;
        let status = step_of(repo, &spec)?;
        let found = status.plan.iter().flat_map(|plan| &plan.tasks).find(|task| task.id == *id);
        let Some(task) = found else {
            return Err(hint(
                format!("the plan of {slug} has no task `{id}`"),
                command_line!("git flow-ai status {}", slug),
            ));
        };
        if !task.done {
            if repo.refs(&format!("refs/flow-ai/recovered/{slug}/{id}/"))?.is_empty() {
                return Err(hint(
                    format!("`{id}` has not been done yet, so there is nothing to keep"),
                    command_line!("git flow-ai run {}", slug),
                ));
            }
            let text = spec.document(plan::DOCUMENT).unwrap_or_default();
            let document = (plan::DOCUMENT.to_owned(), plan::tick(text, id)?);
            let (expected, subject) = (Expected::At(spec.commit), format!("Accept {id} as it is"));
            specs::write(repo, slug, expected, &[document], &spec.workflow, &[], &subject)?;
            continue;
        }
        let message = format!(
            "Accept {id} as it is\n\n{}: {id} {}\n",
            trailer::ACCEPTED,
            text_of(repo, &spec, &status, task)
        );
        let commit = repo.write_commit(repo.tree_of(spec.commit)?, &[spec.commit], &message)?;
        repo.set_ref(&slug.spec_ref(), commit, Expected::At(spec.commit), &format!("accept {id}"))?;
    }
    Ok(())
}

/// The text that the newest commit of ours on the task's branch was made from; `None` if it says none.
fn made_from(repo: &Repo, slug: &Slug, task: &Task) -> Result<Option<ObjectId>> {
    let Some(head) = repo.find_ref(&slug.task_ref(&task.id))? else { return Ok(None) };
    for commit in repo.first_parents(head, ObjectId::null(head.kind())).take(DEPTH) {
        let commit = commit?;
        if commit.trailers(trailer::TASK).next() == Some(task.id.as_str()) {
            return Ok(commit.trailers(trailer::TEXT).next().and_then(|id| id.parse().ok()));
        }
    }
    Ok(None)
}

fn is_accepted(repo: &Repo, spec: &Spec, task: &str, text: ObjectId) -> Result<bool> {
    let wanted = format!("{task} {text}");
    for commit in repo.first_parents(spec.commit, ObjectId::null(spec.commit.kind())).take(DEPTH) {
        if commit?.trailers(trailer::ACCEPTED).any(|accepted| accepted == wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}
