//! Why a step keeps an update out, and which change a review would have to cover.

use super::approved::{Approved, MOST_COMMITS};
use super::judge::Judge;
use super::reason::Reason;
use super::steps::Step;
use super::tally::Tally;
use super::walk::{Line, Walk};
use super::{Missing, Refusal};
use crate::domain::error::{Result, hint};
use crate::domain::verdict::Verdict;
use std::rc::Rc;

impl Judge<'_> {
    /// Why the step at that index keeps everything out, and what a review could bring.
    pub fn refusal(&mut self, line: &Line<'_>, at: usize) -> Result<Refusal> {
        let missing = self.missing(line, at)?;
        let tally = self.evidence.tally(missing.base_tree, missing.head_tree)?;
        if let Tally::Blocked(verdicts) = &tally
            && (self.is_blocked(line)? || self.is_blocked_pair(missing.base_tree, missing.head_tree)?)
        {
            return self.blocked(missing, verdicts.clone());
        }
        if self.is_blind(line.steps) {
            return Err(hint(
                "this clone lacks history that the change has to be compared with",
                self.objects.repo.make_whole(),
            ));
        }
        let what = self.describe(&missing)?;
        // What carries several steps at once is asked about as one.
        let from = line.tree_at(at);
        let reason = self.reason(from, line.steps[at].tree).or_else(|| self.reason(from, line.end()));
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
        Ok(Refusal { why, missing: Some(missing), wants_person, is_elsewhere, ..Refusal::default() })
    }

    fn blocked(&self, missing: Missing, verdicts: Vec<Verdict>) -> Result<Refusal> {
        let named = |verdict: &Verdict| format!("{} ({})", verdict.reviewer.name, verdict.reviewer.vendor);
        let who: Vec<String> = verdicts.iter().map(named).collect();
        let why = format!("{} asks for changes to {}", who.join(" and "), self.describe(&missing)?);
        Ok(Refusal { why, missing: Some(missing), blocking: verdicts, ..Refusal::default() })
    }

    /// Whether a verdict may be about these steps that cannot be compared here, since what was judged was not
    /// fetched.
    fn is_blind(&self, steps: &[Step]) -> bool {
        let repo = self.objects.repo;
        let is_unread = |step: &Step| !self.objects.merger.has(step.tree);
        (repo.is_partial() || repo.is_shallow()) && (self.objects.lacks() || steps.iter().any(is_unread))
    }

    /// For a merge of one head that nobody has approved, the change that the head brings, if its approval would
    /// let the merge in; else what the steps from there bring as they stand, which can always be judged.
    fn missing(&mut self, line: &Line<'_>, at: usize) -> Result<Missing> {
        let base_tree = line.tree_at(at);
        if let Some(brought) = self.brought(line, at)?
            && self.would_let_in(line, at, &brought)?
        {
            return Ok(brought);
        }
        let last = &line.steps[line.steps.len() - 1];
        Ok(Missing { base_tree, head_tree: last.tree, base: Some(line.steps[at].before), head: last.commit })
    }

    /// The change that the head of a clean merge brings, which ends the line.
    fn brought(&self, line: &Line<'_>, at: usize) -> Result<Option<Missing>> {
        let step = &line.steps[at];
        if at + 1 == line.steps.len()
            && let [head] = step.merged[..]
            && let Some(fork) = self.objects.merger.fork(step.before, head)?
            && let Some(tree) = self.objects.tree(head)?
            && self.objects.merger.bring(&fork, head, line.tree_at(at))? == Some(step.tree)
            && !matches!(self.evidence.tally(fork.tree, tree)?, Tally::Approved(_))
        {
            let (base, head) = (fork.commit(), Some(head));
            return Ok(Some(Missing { base_tree: fork.tree, head_tree: tree, base, head }));
        }
        Ok(None)
    }

    /// Whether an approval of that change would let the step at that index in. Before there is a commit of a merge
    /// it would: what its head brings is then judged as it would land.
    fn would_let_in(&mut self, line: &Line<'_>, at: usize, brought: &Missing) -> Result<bool> {
        let step = &line.steps[at];
        let (Some(head), Some(_)) = (brought.head, step.commit) else { return Ok(true) };
        if self.is_blocked_pair(brought.base_tree, brought.head_tree)? {
            return Ok(true);
        }
        let commits =
            self.objects.repo.ids_between([brought.base.unwrap_or(step.before)], head, MOST_COMMITS)?;
        let (trees, ends) = ((brought.base_tree, brought.head_tree), (brought.base, brought.head));
        let supposed = Approved::supposed(&self.objects, trees, ends, commits)?;
        let (known, reasons) = (self.approved.clone(), self.reasons.borrow().clone());
        self.know(known.iter().cloned().chain([Rc::new(supposed)]).collect());
        let walk = self.walk(&Line { start: line.tree_at(at), steps: &line.steps[at..], depth: line.depth });
        self.know(known);
        self.reasons.replace(reasons);
        Ok(matches!(walk?, Walk::Through(_)))
    }

    /// The change for people.
    fn describe(&self, missing: &Missing) -> Result<String> {
        let Some(head) = missing.head else { return Ok("the change as it stands".into()) };
        let commit = self.objects.repo.commit(head)?;
        Ok(format!("{} (\"{}\")", head.to_hex_with_len(10), commit.subject()))
    }
}
