//! A task's review: rivals judge what was made, and their word decides what follows.

use super::chain;
use super::outcome::Outcome;
use super::prompt::Feedback;
use super::task::{Judgement, TaskRunner};
use crate::commands::review::{self, Outcome as Review, Request};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::admit;
use crate::gate::store::changes;

impl TaskRunner<'_> {
    /// Has rivals judge it, where that is wanted.
    pub(super) async fn review_or_not(&mut self) -> Result<Judgement> {
        if !self.run.options.review {
            return Ok(Judgement::Over(Outcome::Unreviewed));
        }
        // A review costs as well.
        if let Some(outcome) = self.may_not_go_on() {
            return Ok(Judgement::Over(outcome));
        }
        self.review().await
    }

    /// Has rivals judge it.
    async fn review(&mut self) -> Result<Judgement> {
        let run = self.run;
        let policy = &run.loaded.config.gate;
        let Some(work) = self.work else { return Ok(Judgement::Over(Outcome::NoChange)) };
        let change = changes::between(&run.repo, work.base, work.head)?;
        // Whoever had a hand in it, earlier runs' agents too, is an author.
        if let Err(error) = review::rivals(&run.loaded.config, policy, &change.authors) {
            return Ok(Judgement::Over(Outcome::NoVerdict { why: chain(&error) }));
        }
        let intent = review::intent::of(&run.spec, Some(&self.task));
        let transcript = run.journal.transcript(&self.task.id, self.number, true);
        let request = Request {
            change: &change,
            target: &run.target,
            intent: &intent,
            loaded: &run.loaded,
            attempt: self.number,
            sandbox: &run.sandbox,
            transcript: Some(&transcript),
        };
        let outcomes = review::judge(&run.repo, &request, &self.events, &run.stop).await?;
        for outcome in &outcomes {
            if let Review::Judged(verdict) = outcome {
                let (input_tokens, output_tokens) = verdict.tokens.unwrap_or_default();
                let usage = Usage { input_tokens, output_tokens, cost: verdict.cost };
                run.budget.reported(run, &verdict.reviewer.name, usage);
            }
        }
        let demand = admit::demand(&run.repo, policy, change.base_tree, change.head_tree)?;
        let conclusion = review::conclusion(&outcomes, policy, &demand);
        if run.stop.is_set() && conclusion.is_none() {
            return Ok(Judgement::Over(Outcome::Stopped));
        }
        Ok(match conclusion {
            Some(decision @ (Decision::Approve | Decision::Waive)) => {
                self.verdict = verdict_words(&outcomes, decision);
                Judgement::Over(Outcome::Done)
            }
            Some(Decision::RequestChanges) => {
                self.verdict = verdict_words(&outcomes, Decision::RequestChanges);
                Judgement::Again(Feedback::Findings(blocking(&outcomes, policy)))
            }
            None => Judgement::Over(Outcome::NoVerdict { why: reasons(&outcomes) }),
        })
    }
}

/// `APPROVE by codex (openai)`.
pub(super) fn words(verdict: &Verdict) -> String {
    format!("{} by {} ({})", verdict.decision, verdict.reviewer.name, verdict.reviewer.vendor)
}

/// Those of that decision, in words.
pub(super) fn verdict_words(outcomes: &[Review], decision: Decision) -> Option<String> {
    let found: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Review::Judged(verdict) if verdict.decision == decision => Some(words(verdict)),
            _ => None,
        })
        .collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// All findings that block.
pub(super) fn blocking(
    outcomes: &[Review],
    policy: &crate::domain::policy::Policy,
) -> Vec<crate::domain::verdict::Finding> {
    let verdicts = outcomes.iter().filter_map(|outcome| match outcome {
        Review::Judged(verdict) => Some(verdict),
        Review::CannotTell(_) => None,
    });
    verdicts.flat_map(|verdict| verdict.blocking(&policy.block).cloned()).collect()
}

/// Why nobody could tell.
pub(super) fn reasons(outcomes: &[Review]) -> String {
    let reasons: Vec<&str> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Review::CannotTell(why) => Some(why.as_str()),
            Review::Judged(_) => None,
        })
        .collect();
    if reasons.is_empty() { "too few approve it".into() } else { reasons.join("; ") }
}
