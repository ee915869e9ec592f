//! Has rivals judge a change: a task's, or the result as a whole.

use super::branch;
use super::{Run, chain};
use crate::commands::review::{self, Request, ReviewOutcome};
use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::domain::event::{Events, Usage};
use crate::domain::plan::Task;
use crate::domain::policy::Policy;
use crate::domain::verdict::{Decision, Finding, Verdict};
use crate::gate::admit;

/// What a review came to.
pub(super) enum Review {
    /// Enough rivals approve: the verdicts, in words.
    Approved { verdict: String },
    /// A rival's findings block the change.
    Rejected { verdict: String, findings: Vec<Finding> },
    /// No reviewer is a rival of all authors.
    NoRival { why: String },
    /// Too few rivals gave a verdict.
    NoVerdict { why: String },
    /// The user stopped the run.
    Stopped,
}

/// Has rivals of all authors judge a task's change; without a task, the whole result.
pub(super) async fn review(
    run: &Run,
    change: &Change,
    task: Option<&Task>,
    attempt: u32,
    events: &Events,
) -> Result<Review> {
    let policy = &run.loaded.config.gate;
    if let Err(error) = review::rivals(&run.loaded.config, policy, &change.authors) {
        return Ok(Review::NoRival { why: chain(&error) });
    }
    let name = task.map_or("result", |task| task.id.as_str());
    let mut intent = review::intent::describe(&run.repo, &run.spec, task)?;
    if let (Some(task), Some(base), Some(head)) = (task, change.base_commit, change.head_commit) {
        let outside = branch::outside(&run.repo, task, base, head)?;
        if !outside.is_empty() {
            intent.text.push_str(&format!("It changes other files too: {}\n", outside.join(", ")));
        }
    }
    let request = Request {
        change,
        target: &run.target,
        intent: &intent,
        loaded: &run.loaded,
        attempt,
        sandbox: &run.checkouts.sandbox,
        files: Some(&run.repo),
        transcript: Some(&run.journal.transcript(name, attempt, true)),
    };
    let outcomes = review::judge(&run.repo, &request, &[], events, &run.stop).await?;
    for verdict in verdicts(&outcomes) {
        let (input_tokens, output_tokens) = verdict.tokens.unwrap_or_default();
        let usage = Usage { input_tokens, output_tokens, cost: verdict.cost };
        run.budget.reported(run, &verdict.reviewer.name, usage);
    }
    let demand = admit::demand(&run.repo, policy, change.base_tree, change.head_tree)?;
    Ok(match review::conclusion(&outcomes, policy, &demand) {
        Some(decision @ (Decision::Approve | Decision::Waive)) => {
            Review::Approved { verdict: describe_all(&outcomes, decision) }
        }
        Some(decision @ Decision::RequestChanges) => Review::Rejected {
            verdict: describe_all(&outcomes, decision),
            findings: blocking(&outcomes, policy),
        },
        None if run.stop.is_set() => Review::Stopped,
        None => Review::NoVerdict { why: reasons(&outcomes) },
    })
}

/// `APPROVE by codex (openai)`.
pub(super) fn describe(verdict: &Verdict) -> String {
    format!("{} by {} ({})", verdict.decision, verdict.reviewer.name, verdict.reviewer.vendor)
}

fn verdicts(outcomes: &[ReviewOutcome]) -> impl Iterator<Item = &Verdict> {
    outcomes.iter().filter_map(ReviewOutcome::verdict)
}

fn describe_all(outcomes: &[ReviewOutcome], decision: Decision) -> String {
    let verdicts = verdicts(outcomes).filter(|verdict| verdict.decision == decision);
    verdicts.map(describe).collect::<Vec<_>>().join(", ")
}

fn blocking(outcomes: &[ReviewOutcome], policy: &Policy) -> Vec<Finding> {
    verdicts(outcomes).flat_map(|verdict| verdict.blocking(&policy.block).cloned()).collect()
}

/// Why there is no verdict.
fn reasons(outcomes: &[ReviewOutcome]) -> String {
    let reasons: Vec<&str> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            ReviewOutcome::CannotTell(why) => Some(why.as_str()),
            ReviewOutcome::Judged(_) => None,
        })
        .collect();
    if reasons.is_empty() { "too few approve it".into() } else { reasons.join("; ") }
}
