//! What the verdicts on one change come to: which of them are in force, and whether they are enough.
//!
//! Pure: it knows neither repository nor clock, and is given verdicts that count
//! ([`BranchVerdicts`](super::BranchVerdicts)). A block outweighs any approval until the same reviewer
//! takes it back or a person waives it; a waiver answers what was decided before it, never what comes after.

use crate::domain::policy::{Demand, Policy};
use crate::domain::verdict::{self, Decision, Verdict};
use jiff::Timestamp;
use std::cmp::Ordering;

/// What the verdicts that count come to on one change.
#[derive(Debug, Clone, PartialEq)]
pub enum Tally {
    Unjudged,
    /// Enough approve, and none blocks; or a person has waived it. These say so.
    Approved(Vec<Verdict>),
    /// Enough models approve and none blocks, but a person's approval is demanded as well.
    NeedsPerson(Vec<Verdict>),
    /// So many vendors' models approve, none blocks, and more are demanded.
    Short(usize),
    Blocked(Vec<Verdict>),
}

/// What one verdict does among those on the same change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Approves,
    /// It blocks the change.
    Blocks,
    /// It lets the change in without a rival's approval.
    Waives,
    /// Its reviewer has decided again since.
    Replaced,
    /// It would block, and a later waiver lets the change in all the same.
    Waived,
    /// It would waive, and a later verdict blocks.
    Overruled,
}

/// What each of these verdicts does, in their order.
pub fn effects(verdicts: &[Verdict], policy: &Policy) -> Vec<Effect> {
    let waived =
        verdicts.iter().filter(|one| one.decision == Decision::Waive).map(|waiver| waiver.time).max();
    let decided = |(at, verdict): (usize, &Verdict)| match () {
        () if verdict.decision == Decision::Waive => Effect::Waives,
        () if is_replaced(at, verdicts, policy) => Effect::Replaced,
        () if approves(verdict, policy) => Effect::Approves,
        () if waived.is_some_and(|waived| verdict.time <= waived) => Effect::Waived,
        () => Effect::Blocks,
    };
    let mut effects: Vec<Effect> = verdicts.iter().enumerate().map(decided).collect();
    if effects.contains(&Effect::Blocks) {
        for waiver in effects.iter_mut().filter(|effect| **effect == Effect::Waives) {
            *waiver = Effect::Overruled;
        }
    }
    effects
}

/// What verdicts come to if so much is demanded.
pub fn tally(verdicts: &[Verdict], policy: &Policy, demand: &Demand) -> Tally {
    if verdicts.is_empty() {
        return Tally::Unjudged;
    }
    let effects = effects(verdicts, policy);
    let those = |wanted: Effect| -> Vec<Verdict> {
        let all = verdicts.iter().zip(&effects);
        all.filter(|(_, effect)| **effect == wanted).map(|(verdict, _)| verdict.clone()).collect()
    };
    let blocking = those(Effect::Blocks);
    if !blocking.is_empty() {
        return Tally::Blocked(blocking);
    }
    let approving = those(Effect::Approves);
    if let Some(newest) = those(Effect::Waives).into_iter().max_by_key(|waiver| waiver.time) {
        return Tally::Approved(std::iter::once(newest).chain(approving).collect());
    }
    let (persons, models): (Vec<&Verdict>, Vec<&Verdict>) =
        approving.iter().partition(|verdict| verdict.reviewer.vendor.is_person());
    let mut vendors: Vec<_> = models.iter().map(|verdict| &verdict.reviewer.vendor).collect();
    vendors.sort();
    vendors.dedup();
    if vendors.len() < demand.approvals as usize {
        Tally::Short(vendors.len())
    } else if demand.human && persons.is_empty() {
        Tally::NeedsPerson(approving)
    } else {
        Tally::Approved(approving)
    }
}

/// Whether a verdict approves under the policy: it says so, and its findings say so too.
fn approves(verdict: &Verdict, policy: &Policy) -> bool {
    verdict.decision == Decision::Approve
        && verdict::decide(&verdict.findings, &policy.block) == Decision::Approve
}

/// Whether the reviewer of the verdict at that index has given one that goes before it.
fn is_replaced(at: usize, verdicts: &[Verdict], policy: &Policy) -> bool {
    let own = &verdicts[at];
    // A copy of a record, as `git notes copy` makes it, stands where the first one does.
    let at = verdicts.iter().position(|other| other == own).unwrap_or(at);
    verdicts.iter().enumerate().any(|(index, other)| {
        let by_same =
            other.reviewer.name == own.reviewer.name && other.reviewer.vendor == own.reviewer.vendor;
        let goes_before = match rank(other, policy).cmp(&rank(own, policy)) {
            Ordering::Greater => true,
            Ordering::Equal => index < at,
            Ordering::Less => false,
        };
        other.decision != Decision::Waive && by_same && goes_before
    })
}

/// Later is more; at the same moment a block is more.
fn rank(verdict: &Verdict, policy: &Policy) -> (Timestamp, bool) {
    (verdict.time, !approves(verdict, policy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{Author, Vendor};
    use crate::domain::verdict::{Finding, Severity, Shown};

    fn author(name: &str, vendor: &str) -> Author {
        Author { name: name.into(), vendor: Vendor::new(vendor), model: None }
    }

    /// A decision at that minute on the work of Claude.
    fn decided(name: &str, vendor: &str, decision: Decision, minute: u32) -> Verdict {
        let finding = Finding {
            path: "a".into(),
            line: None,
            severity: Severity::P1,
            body: "x".into(),
            suggestion: None,
        };
        Verdict {
            decision,
            base_tree: "1".repeat(40).parse().unwrap(),
            head_tree: "2".repeat(40).parse().unwrap(),
            base_commit: None,
            head_commit: None,
            target: "main".into(),
            authors: vec![author("claude", "anthropic")],
            reviewer: author(name, vendor),
            policy: String::new(),
            shown: Shown { sha256: String::new(), bytes: 1, files: vec!["a".into()], ..Shown::default() },
            purpose: None,
            again: 0,
            findings: if decision == Decision::RequestChanges { vec![finding] } else { Vec::new() },
            summary: "Because.".into(),
            time: format!("2026-01-01T00:{minute:02}:00Z").parse().unwrap(),
            cost: None,
            tokens: None,
            signature: None,
        }
    }

    const ADA: &str = "Ada <ada@example.com>";

    fn tallied(verdicts: &[Verdict], approvals: u32, human: bool) -> &'static str {
        match tally(verdicts, &Policy::default(), &Demand { approvals, human }) {
            Tally::Unjudged => "unjudged",
            Tally::Approved(_) => "approved",
            Tally::NeedsPerson(_) => "person",
            Tally::Short(_) => "short",
            Tally::Blocked(_) => "blocked",
        }
    }

    #[test]
    fn a_block_holds_until_its_reviewer_takes_it_back() {
        use Decision::{Approve, RequestChanges};
        let block = decided("codex", "openai", RequestChanges, 5);
        let other = decided("gemini", "google", Approve, 9);
        assert_eq!(tallied(&[block.clone(), other.clone()], 1, false), "blocked");
        assert_eq!(tallied(&[decided("codex", "openai", Approve, 4), block.clone()], 1, false), "blocked");
        assert_eq!(tallied(&[decided("codex", "other", Approve, 6), block.clone()], 1, false), "blocked");
        assert_eq!(tallied(&[decided("codex", "openai", Approve, 5), block.clone()], 1, false), "blocked");
        assert_eq!(tallied(&[decided("codex", "openai", Approve, 6), block], 1, false), "approved");
    }

    #[test]
    fn a_waiver_answers_what_was_said_before_it() {
        let waiver = decided(ADA, "person", Decision::Waive, 5);
        let block = |minute| decided("codex", "openai", Decision::RequestChanges, minute);
        assert_eq!(tallied(std::slice::from_ref(&waiver), 2, true), "approved");
        assert_eq!(tallied(&[block(4), waiver.clone()], 1, false), "approved");
        assert_eq!(tallied(&[block(6), waiver.clone()], 1, false), "blocked");
        let taken_back = decided(ADA, "person", Decision::RequestChanges, 7);
        assert_eq!(tallied(&[waiver, taken_back], 1, false), "blocked");
    }

    #[test]
    fn approvals_are_of_distinct_vendors_and_a_person_is_no_vendor() {
        let one = decided("codex", "openai", Decision::Approve, 1);
        let same = decided("gpt", "openai", Decision::Approve, 2);
        let other = decided("gemini", "google", Decision::Approve, 3);
        let person = decided(ADA, "person", Decision::Approve, 4);
        assert_eq!(tallied(&[], 1, false), "unjudged");
        assert_eq!(tallied(std::slice::from_ref(&person), 1, false), "short");
        assert_eq!(tallied(&[one.clone(), same], 2, false), "short");
        assert_eq!(tallied(&[one.clone(), other], 2, false), "approved");
        assert_eq!(tallied(std::slice::from_ref(&one), 1, true), "person");
        assert_eq!(tallied(&[one, person], 1, true), "approved");
    }

    #[test]
    fn each_verdict_does_one_thing() {
        use Effect::{Approves, Blocks, Overruled, Replaced, Waived, Waives};
        let of = |verdicts: &[Verdict]| effects(verdicts, &Policy::default());
        let block = |minute| decided("codex", "openai", Decision::RequestChanges, minute);
        let approval = |minute| decided("codex", "openai", Decision::Approve, minute);
        let waiver = |minute| decided(ADA, "person", Decision::Waive, minute);
        assert_eq!(of(&[approval(4), block(5)]), [Replaced, Blocks]);
        assert_eq!(of(&[block(5), approval(6)]), [Replaced, Approves]);
        assert_eq!(of(&[approval(5), block(5)]), [Replaced, Blocks]);
        assert_eq!(of(&[approval(5), approval(5)]), [Approves, Approves], "a copy");
        let other = Verdict { summary: "Because of that.".into(), ..approval(5) };
        let twice = [approval(5), other, approval(5)];
        assert_eq!(of(&twice), [Approves, Replaced, Approves], "another at the same moment");
        assert_eq!(of(&[block(4), waiver(5)]), [Waived, Waives]);
        assert_eq!(of(&[waiver(3), waiver(5), block(6)]), [Overruled, Overruled, Blocks]);
    }
}
