//! The result as a whole: verified and judged once every task is in.

use super::Run;
use super::branch::{self, ReviewStatus, TaskBranch};
use super::clean_test::{self, TestEnd, Testing};
use super::context::environment;
use super::review::{self, Review, describe};
use super::summary::ResultReport;
use super::verify;
use crate::commands::documents;
use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::domain::event::{TaskState, What};
use crate::domain::plan::{self, Plan};
use crate::domain::verdict::Verdict;
use crate::gate::store::changes;
use crate::gate::store::{Repo, specs};
use gix::ObjectId;

/// Verifies and judges the result once every task is in.
pub(super) async fn check(run: &Run, plan: &Plan) -> Result<ResultReport> {
    let repo = &run.repo;
    let Some(tip) = repo.find_ref(&run.slug().result_ref())? else { return Ok(ResultReport::Nothing) };
    let target = repo.commit_of(&format!("refs/heads/{}", run.target))?.id;
    if repo.is_ancestor(tip, target)? {
        return Ok(ResultReport::Merged);
    }
    let plan_now = specs::read(repo, run.slug())?;
    let ticked = plan::parse(plan_now.document(plan::DOCUMENT).unwrap_or_default())?;
    if !ticked.tasks.iter().all(|task| task.done) {
        return Ok(if run.stop.is_set() { ResultReport::Stopped } else { ResultReport::Partial });
    }
    let fork = repo.merge_base(target, tip)?.unwrap_or(target);
    let change = changes::between(repo, fork, tip)?;
    let status = branch::review_status(repo, &change, &run.loaded.config.gate, &run.target)?;
    if let ReviewStatus::Blocked(_, findings) = status {
        return Ok(ResultReport::Rejected { findings });
    }
    if let Some(report) = one_task(run, plan, &change)? {
        return Ok(report);
    }
    if run.stop.is_set() {
        return Ok(ResultReport::Stopped);
    }
    match test_result(run, plan, tip).await? {
        TestEnd::Passed { .. } => {}
        TestEnd::Failed(how) | TestEnd::SetupFailed(how) => return Ok(ResultReport::VerifyFailed { how }),
        TestEnd::Stopped => return Ok(ResultReport::Stopped),
    }
    // Only now: a review by hand did not run the checks. One that was given for another text is none.
    if let ReviewStatus::Approved(verdict) = status
        && is_for_this_text(run, &verdict)?
    {
        return Ok(ResultReport::Approved { verdict: describe(&verdict) });
    }
    if !run.options.review {
        return Ok(ResultReport::Unreviewed);
    }
    if let Some(why) = run.budget.spent() {
        return Ok(ResultReport::NoVerdict { why: format!("the budget of the run is spent: {why}") });
    }
    let events = run.events.for_task("result");
    Ok(match review::review(run, &change, None, 1, &events).await? {
        Review::Approved { verdict } => ResultReport::Approved { verdict },
        Review::Rejected { findings, .. } => ResultReport::Rejected { findings },
        Review::NoRival { why } => ResultReport::TaskByTask { why },
        Review::NoVerdict { why } => ResultReport::NoVerdict { why },
        Review::Stopped => ResultReport::Stopped,
    })
}

/// The verdict on the one task that is the whole result; it was verified before it was merged.
fn one_task(run: &Run, plan: &Plan, change: &Change) -> Result<Option<ResultReport>> {
    let policy = &run.loaded.config.gate;
    for task in &plan.tasks {
        let history = &mut run.history.borrow_mut();
        let Some(TaskBranch { head, base, .. }) =
            branch::read(&run.repo, run.slug(), task, run.base, history)?
        else {
            continue;
        };
        if same_trees(&run.repo, change, base, head)? {
            let own = changes::between(&run.repo, base, head)?;
            if let ReviewStatus::Approved(verdict) =
                branch::review_status(&run.repo, &own, policy, &run.target)?
                && is_for_this_text(run, &verdict)?
            {
                return Ok(Some(ResultReport::Approved { verdict: describe(&verdict) }));
            }
        }
    }
    Ok(None)
}

/// Whether a verdict was given for the text that the spec has now, or for none.
fn is_for_this_text(run: &Run, verdict: &Verdict) -> Result<bool> {
    match &verdict.purpose {
        Some(purpose) if purpose.spec == run.slug().as_str() => {
            documents::is_current(&run.repo, &specs::read(&run.repo, run.slug())?, purpose.text)
        }
        _ => Ok(true),
    }
}

fn same_trees(repo: &Repo, change: &Change, base: ObjectId, head: ObjectId) -> Result<bool> {
    Ok(repo.tree_of(base)? == change.base_tree && repo.tree_of(head)? == change.head_tree)
}

/// Runs all test commands on the result, in a clean checkout.
async fn test_result(run: &Run, plan: &Plan, tip: ObjectId) -> Result<TestEnd> {
    let commands = verify::commands(run, &plan.tasks);
    let events = run.events.for_task("result");
    let (agent, detail) = (String::new(), String::new());
    events.send(What::State { state: TaskState::Verifying, attempt: 1, agent, detail });
    let (name, env) =
        (clean_test::name(run.slug().as_str(), clean_test::RESULT), environment(run, "result", 1));
    let testing = Testing {
        commit: tip,
        target: &run.target,
        commands: &commands,
        env: &env,
        name: &name,
        again: false,
    };
    clean_test::test(&run.checkouts, testing, &events).await
}
