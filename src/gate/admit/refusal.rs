//! Why a step keeps an update out, and which change a review would have to cover.

use super::judge::Judge;
use super::reason::Reason;
use super::steps::Step;
use super::tally::Tally;
use super::walk::Line;
use super::{Missing, Refusal};
use crate::domain::error::{Result, hint};
use crate::domain::verdict::Verdict;

impl Judge<'_> {
    /// Why the step at that index keeps everything out, and what a review could bring.
    pub fn refusal(&self, line: &Line<'_>, at: usize) -> Result<Refusal> {
        let missing = self.missing(line, at)?;
        let tally = self.evidence.tally(missing.base_tree, missing.head_tree)?;
        if let Tally::Blocked(verdicts) = tally {
            return self.blocked(missing, verdicts);
        }
        if self.is_blind(line.steps) {
            return Err(hint(
                "this clone lacks history that the change has to be compared with",
                self.objects.repo.make_whole(),
            ));
        }
        let what = self.describe(&missing)?;
        // What carries several steps at once is asked about as one.
        let (from, last) = (line.tree_at(at), line.steps[line.steps.len() - 1].tree);
        let reason = self.reason(from, line.steps[at].tree).or_else(|| self.reason(from, last));
        let is_elsewhere = reason == Some(Reason::Absent);
        let most = self.policy.base_demand().approvals;
        let (why, wants_person) = match (tally, reason) {
            (_, Some(Reason::WantsPerson)) => (format!("a rule wants a person's approval of {what}"), true),
            (_, Some(Reason::NotRival)) => {
                (format!("{what} was approved, but by no reviewer independent of all its authors"), false)
            }
            (_, Some(Reason::Short(why))) => (format!("{what} is not approved: {why}"), false),
            (_, Some(reason)) => (format!("the approval of {what} does not let it in: {reason}"), false),
            (Tally::Short(have), None) => (format!("{what} has {have} of {most} approvals"), false),
            (_, None) => {
                let unproven = self.evidence.without_proof(missing.base_tree, missing.head_tree);
                let why = unproven.map_or_else(
                    || format!("no rival's verdict covers {what}"),
                    |why| format!("no valid verdict covers {what}: {why}"),
                );
                (why, false)
            }
        };
        Ok(Refusal {
            why,
            missing: Some(missing),
            blocking: Vec::new(),
            wants_person,
            is_elsewhere,
            fix: Vec::new(),
        })
    }

    fn blocked(&self, missing: Missing, verdicts: Vec<Verdict>) -> Result<Refusal> {
        let named = |verdict: &Verdict| format!("{} ({})", verdict.reviewer.name, verdict.reviewer.vendor);
        let who: Vec<String> = verdicts.iter().map(named).collect();
        let why = format!("{} asks for changes to {}", who.join(" and "), self.describe(&missing)?);
        Ok(Refusal {
            why,
            missing: Some(missing),
            blocking: verdicts,
            wants_person: false,
            is_elsewhere: false,
            fix: Vec::new(),
        })
    }

    /// Whether a verdict may be about these steps that cannot be compared here, since what was judged was not
    /// fetched.
    fn is_blind(&self, steps: &[Step]) -> bool {
        let repo = self.objects.repo;
        let is_unread = |step: &Step| !self.objects.merger.has(step.tree);
        (repo.is_partial() || repo.is_shallow()) && (self.objects.lacks() || steps.iter().any(is_unread))
    }

    /// For a clean merge of one head that nobody has approved, the change that the head brings; else what the
    /// steps from there bring as they stand, which can always be judged.
    fn missing(&self, line: &Line<'_>, at: usize) -> Result<Missing> {
        let (steps, base_tree) = (line.steps, line.tree_at(at));
        let (step, last) = (&steps[at], &steps[steps.len() - 1]);
        if at + 1 == steps.len()
            && let [head] = step.merged[..]
            && let Some(fork) = self.objects.merger.fork(step.before, head)?
            && let Some(tree) = self.objects.tree(head)?
            && self.objects.merger.bring(&fork, head, base_tree)? == Some(step.tree)
            && !matches!(self.evidence.tally(fork.tree, tree)?, Tally::Approved(_))
        {
            return Ok(Missing {
                base_tree: fork.tree,
                head_tree: tree,
                base: fork.commit(),
                head: Some(head),
            });
        }
        Ok(Missing { base_tree, head_tree: last.tree, base: Some(step.before), head: last.commit })
    }

    /// The change for people.
    fn describe(&self, missing: &Missing) -> Result<String> {
        let Some(head) = missing.head else { return Ok("the change as it stands".into()) };
        let commit = self.objects.repo.commit(head)?;
        Ok(format!("{} (\"{}\")", head.to_hex_with_len(10), commit.subject()))
    }
}
