//! How the verdicts on one change stand: whose word counts, whose is the newest, and what it comes to.
//!
//! Pure: it knows neither repository nor clock. The gate, reviews and runs all ask here, so that what
//! is told to a person is what the gate will do. A block outweighs any approval until the same reviewer
//! takes it back or a person waives it; a waiver answers what was said before it, never what comes after.

use crate::domain::policy::{Demand, Policy, Rival};
use crate::domain::verdict::{self, Decision, Verdict};
use indexmap::IndexMap;
use jiff::Timestamp;

/// What the counting verdicts on one change come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Nobody whose word counts has judged it.
    Unknown,
    /// Enough approve, and nobody blocks; or a person has waived it. These say so.
    Approved(Vec<Verdict>),
    /// Enough models approve and nobody blocks, but a person's approval is wanted as well.
    Person(Vec<Verdict>),
    /// So many vendors' models approve, none blocks, and more are wanted.
    Short(usize),
    /// Somebody's newest word blocks it.
    Blocked(Vec<Verdict>),
}

/// Whether a verdict counts for that branch under its policy: given for it, not vacuous, and by a rival
/// of all its authors, who must be known; a waiver, by a person who may.
///
/// Given for it, because reviewers, their vendors and their instructions come from the tip of the
/// branch that a change was judged for: another branch may have been prepared by its author.
pub fn counts(verdict: &Verdict, policy: &Policy, branch: &str) -> bool {
    let may = match verdict.decision {
        Decision::Waive => policy.may_waive(&verdict.reviewer),
        Decision::Approve | Decision::RequestChanges => {
            let authors_known = !verdict.authors.is_empty() || policy.rival == Rival::Any;
            authors_known && policy.is_rival(&verdict.reviewer, &verdict.authors)
        }
    };
    may && verdict.target == branch && verdict.shown.is_whole()
}

/// Whether a verdict approves under the policy: it says so, and its findings say so too.
pub fn approves(verdict: &Verdict, policy: &Policy) -> bool {
    verdict.decision == Decision::Approve
        && verdict::decide(&verdict.findings, &policy.block) == Decision::Approve
}

/// What verdicts that count come to where so much is demanded.
pub fn tally(verdicts: &[Verdict], policy: &Policy, demand: &Demand) -> Standing {
    if verdicts.is_empty() {
        return Standing::Unknown;
    }
    let (mut waivers, words): (Vec<&Verdict>, Vec<&Verdict>) =
        verdicts.iter().partition(|verdict| verdict.decision == Decision::Waive);
    waivers.sort_by_key(|waiver| time(waiver));
    let waived = waivers.last().map(|waiver| time(waiver));
    let (approving, blocking): (Vec<Verdict>, Vec<Verdict>) =
        newest(&words, policy).into_iter().cloned().partition(|verdict| approves(verdict, policy));
    let unanswered = |block: &Verdict| waived.is_none_or(|waived| rank(block, policy).0 > waived);
    let blocking: Vec<Verdict> = blocking.into_iter().filter(unanswered).collect();
    if !blocking.is_empty() {
        return Standing::Blocked(blocking);
    }
    if let Some(waiver) = waivers.pop() {
        return Standing::Approved(std::iter::once(waiver.clone()).chain(approving).collect());
    }
    let (persons, models): (Vec<&Verdict>, Vec<&Verdict>) =
        approving.iter().partition(|verdict| verdict.reviewer.vendor.is_person());
    let mut vendors: Vec<_> = models.iter().map(|verdict| &verdict.reviewer.vendor).collect();
    vendors.sort();
    vendors.dedup();
    if vendors.len() < demand.approvals as usize {
        Standing::Short(vendors.len())
    } else if demand.human && persons.is_empty() {
        Standing::Person(approving)
    } else {
        Standing::Approved(approving)
    }
}

/// The newest word of each reviewer, in the order in which they were first heard.
pub(crate) fn newest<'a>(words: &[&'a Verdict], policy: &Policy) -> Vec<&'a Verdict> {
    let mut newest: IndexMap<_, &Verdict> = IndexMap::new();
    for verdict in words {
        let reviewer = (&verdict.reviewer.name, &verdict.reviewer.vendor);
        match newest.get(&reviewer) {
            Some(other) if rank(other, policy) >= rank(verdict, policy) => {}
            _ => {
                newest.insert(reviewer, verdict);
            }
        }
    }
    newest.into_values().collect()
}

/// Later is more; at the same moment a block is more, and so is a block of an unknown time.
fn rank(verdict: &Verdict, policy: &Policy) -> (Timestamp, bool) {
    let blocks = !approves(verdict, policy);
    let unknown = if blocks { Timestamp::MAX } else { Timestamp::MIN };
    (verdict.time.parse().unwrap_or(unknown), blocks)
}

/// When it was given; an unknown time is the oldest.
pub fn time(verdict: &Verdict) -> Timestamp {
    verdict.time.parse().unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{Author, Vendor};
    use crate::domain::verdict::{Finding, Severity, Shown};

    fn author(name: &str, vendor: &str) -> Author {
        Author { name: name.into(), vendor: Vendor::new(vendor), model: None }
    }

    /// What somebody said at that minute about the work of Claude.
    fn said(name: &str, vendor: &str, decision: Decision, minute: u32) -> Verdict {
        let finding = Finding {
            path: "a".into(),
            line: None,
            severity: Severity::P1,
            body: "x".into(),
            suggestion: None,
        };
        Verdict {
            decision,
            base_tree: "1".repeat(40),
            head_tree: "2".repeat(40),
            head_commit: None,
            target: "main".into(),
            authors: vec![author("claude", "anthropic")],
            reviewer: author(name, vendor),
            policy: String::new(),
            shown: Shown { sha256: String::new(), bytes: 1, files: vec!["a".into()], ..Shown::default() },
            findings: if decision == Decision::RequestChanges { vec![finding] } else { Vec::new() },
            summary: "Because.".into(),
            time: format!("2026-01-01T00:{minute:02}:00Z"),
            cost: None,
            tokens: None,
            signature: None,
        }
    }

    const ADA: &str = "Ada <ada@example.com>";

    fn standing(verdicts: &[Verdict], approvals: u32, human: bool) -> &'static str {
        match tally(verdicts, &Policy::default(), &Demand { approvals, human }) {
            Standing::Unknown => "unknown",
            Standing::Approved(_) => "approved",
            Standing::Person(_) => "person",
            Standing::Short(_) => "short",
            Standing::Blocked(_) => "blocked",
        }
    }

    #[test]
    fn a_block_holds_until_its_reviewer_takes_it_back() {
        use Decision::{Approve, RequestChanges};
        let block = said("codex", "openai", RequestChanges, 5);
        let other = said("gemini", "google", Approve, 9);
        assert_eq!(standing(&[block.clone(), other.clone()], 1, false), "blocked");
        assert_eq!(standing(&[said("codex", "openai", Approve, 4), block.clone()], 1, false), "blocked");
        assert_eq!(standing(&[said("codex", "other", Approve, 6), block.clone()], 1, false), "blocked");
        assert_eq!(standing(&[said("codex", "openai", Approve, 5), block.clone()], 1, false), "blocked");
        assert_eq!(standing(&[said("codex", "openai", Approve, 6), block], 1, false), "approved");
    }

    #[test]
    fn a_waiver_answers_what_was_said_before_it() {
        let waiver = said(ADA, "person", Decision::Waive, 5);
        let block = |minute| said("codex", "openai", Decision::RequestChanges, minute);
        assert_eq!(standing(std::slice::from_ref(&waiver), 2, true), "approved");
        assert_eq!(standing(&[block(4), waiver.clone()], 1, false), "approved");
        assert_eq!(standing(&[block(6), waiver.clone()], 1, false), "blocked");
        let taken_back = said(ADA, "person", Decision::RequestChanges, 7);
        assert_eq!(standing(&[waiver, taken_back], 1, false), "blocked");
    }

    #[test]
    fn approvals_are_of_distinct_vendors_and_a_person_is_no_vendor() {
        let one = said("codex", "openai", Decision::Approve, 1);
        let same = said("gpt", "openai", Decision::Approve, 2);
        let other = said("gemini", "google", Decision::Approve, 3);
        let person = said(ADA, "person", Decision::Approve, 4);
        assert_eq!(standing(&[], 1, false), "unknown");
        assert_eq!(standing(std::slice::from_ref(&person), 1, false), "short");
        assert_eq!(standing(&[one.clone(), same], 2, false), "short");
        assert_eq!(standing(&[one.clone(), other], 2, false), "approved");
        assert_eq!(standing(std::slice::from_ref(&one), 1, true), "person");
        assert_eq!(standing(&[one, person], 1, true), "approved");
    }

    #[test]
    fn who_may_waive_is_policy() {
        let waiver = said(ADA, "person", Decision::Waive, 5);
        assert!(!counts(&waiver, &Policy::default(), "main"), "nobody may, unless the policy names them");
        let policy = Policy { waivers: vec!["ADA@example.com".into()], ..Policy::default() };
        assert!(counts(&waiver, &policy, "main"));
        assert!(!counts(&waiver, &policy, "next"));
        assert!(!counts(&said(ADA, "openai", Decision::Waive, 5), &policy, "main"), "a model waives nothing");
    }
}
