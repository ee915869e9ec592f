//! Does this verdict count? The one answer, for the gate, reviews, runs, the status and the list of verdicts.
//!
//! A verdict counts for the branch that it was given for, since reviewers, their vendors and their
//! instructions come from that branch's tip, and its author may have prepared another branch. It must not
//! be vacuous; its reviewer must be one whom that tip's config names, and a rival of all the authors, who must be known; a waiver must be by a
//! person whom the policy names; and it must be signed if the branch counts only signed records. What the
//! verdicts that count come to together is told by [`tally`](super::tally()).

use super::tally::{self, Effect, Tally};
use crate::domain::change::{Author, Change};
use crate::domain::error::Result;
use crate::domain::policy::{Demand, Policy};
use crate::domain::rival::Rival;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::signing::{Proof, Signers};
use crate::gate::store::verdicts::Notes;
use crate::gate::store::{Commit, Repo, changes};
use gix::ObjectId;
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;

/// Why a verdict does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Void {
    /// It was given for another branch.
    OtherBranch,
    /// Its reviewer was shown nothing, or not the whole change.
    Vacuous,
    /// The authors of the change are unknown.
    UnknownAuthors,
    /// The config of the branch does not name its reviewer: one of somebody's own, or removed since.
    NotNamed,
    /// The config of the branch names its reviewer with another model, and demands the same one.
    OtherModel,
    /// Its reviewer had been asked about the change as often as the policy allows.
    AskedTooOften,
    /// Its reviewer is not a rival of all authors.
    NotRival,
    /// It passes for a person's, and its address is that of an agent.
    NotPerson,
    /// Its author may not waive reviews for the branch.
    MayNotWaive,
    /// The branch counts only signed records, and its signature does not do: why.
    Unproven(String),
}

impl fmt::Display for Void {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Void::OtherBranch => "it was given for another branch",
            Void::Vacuous => "its reviewer was not shown the whole change",
            Void::UnknownAuthors => "the authors of the change are unknown",
            Void::NotNamed => "it is advice: the branch's config does not name its reviewer",
            Void::OtherModel => "the branch's config names its reviewer with another model",
            Void::AskedTooOften => "its reviewer had been asked as often as gate.max_asks allows",
            Void::NotRival => "its reviewer is no rival",
            Void::NotPerson => "it is by an agent, not by a person",
            Void::MayNotWaive => "who gave it may not waive",
            Void::Unproven(_) => "it is not signed as the branch demands",
        })
    }
}

/// The recorded verdicts as they count for one branch under its policy.
#[derive(Debug)]
pub struct BranchVerdicts<'a> {
    repo: &'a Repo,
    policy: &'a Policy,
    branch: &'a str,
    /// The commit whose list says who may sign; the branch's own if `None`.
    signers_at: Option<ObjectId>,
    signers: OnceCell<Signers>,
    notes: OnceCell<Notes<'a>>,
}

impl<'a> BranchVerdicts<'a> {
    /// Signatures are checked against the list that is in force for the branch now.
    pub fn new(repo: &'a Repo, policy: &'a Policy, branch: &'a str) -> BranchVerdicts<'a> {
        let (signers, notes) = (OnceCell::new(), OnceCell::new());
        BranchVerdicts { repo, policy, branch, signers_at: None, signers, notes }
    }

    /// Signatures are checked against the list in that commit.
    pub fn at(repo: &'a Repo, policy: &'a Policy, branch: &'a str, commit: ObjectId) -> BranchVerdicts<'a> {
        BranchVerdicts { signers_at: Some(commit), ..BranchVerdicts::new(repo, policy, branch) }
    }

    /// The policy by which they count.
    pub fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// Why a verdict does not count; `None` if it does. The record knows the authors of what was judged;
    /// `authors` are those who are known besides.
    pub fn void(&self, verdict: &Verdict, authors: &[Author]) -> Result<Option<Void>> {
        match self.ineligible(verdict, authors) {
            Some(void) => Ok(Some(void)),
            None => self.unproven(verdict),
        }
    }

    /// What verdicts on one change come to if so much is demanded.
    pub fn tally(&self, verdicts: &[Verdict], authors: &[Author], demand: &Demand) -> Result<Tally> {
        Ok(tally::tally(&self.counting(verdicts, authors)?, self.policy, demand))
    }

    /// What each of these verdicts on one change does there; `None` for one that does not count.
    pub fn effects(&self, verdicts: &[Verdict]) -> Result<Vec<Option<Effect>>> {
        let counts = verdicts.iter().map(|verdict| Ok(self.void(verdict, &[])?.is_none()));
        let counts: Vec<bool> = counts.collect::<Result<_>>()?;
        let counting = verdicts.iter().zip(&counts).filter(|(_, counts)| **counts);
        let counting: Vec<Verdict> = counting.map(|(verdict, _)| verdict.clone()).collect();
        let mut effects = tally::effects(&counting, self.policy).into_iter();
        Ok(counts.into_iter().map(|counts| if counts { effects.next() } else { None }).collect())
    }

    /// The verdicts recorded on exactly this change that count and that their reviewers have not replaced,
    /// the newest first.
    pub fn on_change(&self, change: &Change) -> Result<Vec<Verdict>> {
        self.on_change_also(change, &[])
    }

    /// The same, with those that hang on these commits, which end in the same tree.
    pub fn on_change_also(&self, change: &Change, commits: &[ObjectId]) -> Result<Vec<Verdict>> {
        let objects = change.head_commit.into_iter().chain([change.head_tree]).chain(commits.iter().copied());
        self.in_force(objects, |verdict| verdict.covers(change), &change.authors)
    }

    /// The same on any change that ends in that commit.
    pub fn on_commit(&self, commit: &Commit) -> Result<Vec<Verdict>> {
        self.in_force([commit.id, commit.tree], |verdict| verdict.head_tree == commit.tree, &[])
    }

    /// How many answers of that reviewer on exactly this change there are, whether they count or not; where
    /// only signed records count, what nobody on the list has signed is no answer.
    pub fn answers(&self, change: &Change, reviewer: &Author) -> Result<u32> {
        let mut times = HashSet::new();
        let mut most = 0;
        for object in change.head_commit.into_iter().chain([change.head_tree]) {
            for verdict in self.notes()?.on(object)?.0 {
                let by_same =
                    verdict.reviewer.name == reviewer.name && verdict.reviewer.vendor == reviewer.vendor;
                if by_same
                    && verdict.covers(change)
                    && verdict.target == self.branch
                    && self.unproven(&verdict)?.is_none()
                {
                    times.insert(verdict.time);
                    // Those before it may hang on a commit that had the change earlier.
                    most = most.max(verdict.again.saturating_add(1));
                }
            }
        }
        Ok(u32::try_from(times.len()).unwrap_or(u32::MAX).max(most))
    }

    /// Who signed a record, and what that proves.
    pub fn proof(&self, verdict: &Verdict) -> Result<Proof> {
        // Without a list it is unknown whose a signature is; if one is needed, the gate says so.
        Proof::new(self.repo, self.signers().ok(), verdict)
    }

    /// The notes as they stood when they were first asked for.
    pub(super) fn notes(&self) -> Result<&Notes<'a>> {
        if let Some(notes) = self.notes.get() {
            return Ok(notes);
        }
        let notes = Notes::read(self.repo)?;
        Ok(self.notes.get_or_init(|| notes))
    }

    /// Why a verdict does not count whatever its signature: what can be said without a process.
    pub(super) fn ineligible(&self, verdict: &Verdict, authors: &[Author]) -> Option<Void> {
        ineligible(verdict, authors, self.policy, self.branch)
    }

    fn in_force(
        &self,
        objects: impl IntoIterator<Item = ObjectId>,
        is_meant: impl Fn(&Verdict) -> bool,
        authors: &[Author],
    ) -> Result<Vec<Verdict>> {
        let mut found: Vec<Verdict> = Vec::new();
        for object in objects {
            let (verdicts, _) = self.notes()?.on(object)?;
            for verdict in verdicts.into_iter().filter(&is_meant) {
                if self.void(&verdict, authors)?.is_none() && !found.contains(&verdict) {
                    found.push(verdict);
                }
            }
        }
        let effects = tally::effects(&found, self.policy);
        let in_force = found.into_iter().zip(effects).filter(|(_, effect)| *effect != Effect::Replaced);
        let mut in_force: Vec<Verdict> = in_force.map(|(verdict, _)| verdict).collect();
        in_force.sort_by_key(|verdict| Reverse(verdict.time));
        Ok(in_force)
    }

    fn counting(&self, verdicts: &[Verdict], authors: &[Author]) -> Result<Vec<Verdict>> {
        let mut counting = Vec::new();
        for verdict in verdicts {
            if self.void(verdict, authors)?.is_none() {
                counting.push(verdict.clone());
            }
        }
        Ok(counting)
    }

    /// Why a record's signature does not do; `None` if it does, or if none is needed.
    pub(super) fn unproven(&self, verdict: &Verdict) -> Result<Option<Void>> {
        if !self.policy.signed {
            return Ok(None);
        }
        Ok(self.signers()?.signer(self.repo, verdict)?.err().map(Void::Unproven))
    }

    pub(super) fn signers(&self) -> Result<&Signers> {
        if let Some(signers) = self.signers.get() {
            return Ok(signers);
        }
        let signers = match self.signers_at {
            Some(commit) => Signers::at(self.repo, self.policy, commit)?,
            None => Signers::of_branch(self.repo, self.policy, self.branch)?,
        };
        Ok(self.signers.get_or_init(|| signers))
    }
}

fn ineligible(verdict: &Verdict, authors: &[Author], policy: &Policy, branch: &str) -> Option<Void> {
    if verdict.target != branch && !policy.accept_from.contains(&verdict.target) {
        return Some(Void::OtherBranch);
    }
    if !verdict.shown.is_whole() {
        return Some(Void::Vacuous);
    }
    let reviewer = &verdict.reviewer;
    if reviewer.vendor.is_person() && !changes::is_person(&reviewer.name) {
        return Some(Void::NotPerson);
    }
    let is_rival = |authors: &[Author]| policy.is_rival(&verdict.reviewer, authors);
    match verdict.decision {
        Decision::Waive if policy.may_waive(&verdict.reviewer) => None,
        Decision::Waive => Some(Void::MayNotWaive),
        _ if !policy.names(&verdict.reviewer) => Some(Void::NotNamed),
        _ if policy.has_other_model(&verdict.reviewer) => Some(Void::OtherModel),
        Decision::Approve if policy.was_asked_enough(verdict.again) => Some(Void::AskedTooOften),
        _ if verdict.authors.is_empty() && policy.rival != Rival::Any => Some(Void::UnknownAuthors),
        _ if is_rival(&verdict.authors) && is_rival(authors) => None,
        _ => Some(Void::NotRival),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Vendor;
    use crate::domain::verdict::Shown;
    use jiff::Timestamp;

    const ADA: &str = "Ada <ada@example.com>";

    fn author(name: &str, vendor: &str) -> Author {
        Author { name: name.into(), vendor: Vendor::new(vendor), model: None }
    }

    /// A decision on the work of Claude.
    fn decided(name: &str, vendor: &str, decision: Decision) -> Verdict {
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
            findings: Vec::new(),
            summary: "Because.".into(),
            time: Timestamp::UNIX_EPOCH,
            cost: None,
            tokens: None,
            signature: None,
        }
    }

    #[test]
    fn who_may_waive_is_policy() {
        let waiver = decided(ADA, "person", Decision::Waive);
        let void = |waiver: &Verdict, policy: &Policy, branch| ineligible(waiver, &[], policy, branch);
        assert_eq!(
            void(&waiver, &Policy::default(), "main"),
            Some(Void::MayNotWaive),
            "unless it names them"
        );
        let policy = Policy { waivers: vec!["ADA@example.com".into()], ..Policy::default() };
        assert_eq!(void(&waiver, &policy, "main"), None);
        assert_eq!(void(&waiver, &policy, "next"), Some(Void::OtherBranch));
        let models = decided(ADA, "openai", Decision::Waive);
        assert_eq!(void(&models, &policy, "main"), Some(Void::MayNotWaive), "a model waives nothing");
    }

    #[test]
    fn a_reviewer_is_one_whom_the_policy_names_now() {
        let of_model =
            |model: Option<&str>| Author { model: model.map(str::to_owned), ..author("codex", "openai") };
        let void = |reviewer: Author, named: Vec<Author>, pin_model| {
            let verdict = Verdict { reviewer, ..decided("", "", Decision::Approve) };
            let policy = Policy { reviewers: named, pin_model, ..Policy::default() };
            ineligible(&verdict, &[], &policy, "main")
        };
        let (old, new) = (of_model(Some("gpt-5")), of_model(Some("gpt-5.5")));
        assert_eq!(void(old.clone(), vec![], false), Some(Void::NotNamed));
        assert_eq!(void(old.clone(), vec![author("codex", "acme")], false), Some(Void::NotNamed));
        assert_eq!(void(old.clone(), vec![author("gpt", "openai")], false), Some(Void::NotNamed));
        assert_eq!(void(old.clone(), vec![new.clone()], false), None, "a newer model");
        assert_eq!(void(old.clone(), vec![new.clone()], true), Some(Void::OtherModel));
        assert_eq!(void(of_model(None), vec![new.clone()], true), Some(Void::OtherModel));
        let by_gateway = of_model(Some("openrouter/openai/gpt-5.5"));
        assert_eq!(void(by_gateway, vec![new], true), None, "the same one behind a gateway");
        assert_eq!(void(author(ADA, "person"), vec![old], true), None, "people are not the config's to name");
    }

    #[test]
    fn a_reviewer_is_a_rival_of_all_authors_that_are_known() {
        let approval = decided("codex", "openai", Decision::Approve);
        let named = Policy { reviewers: vec![author("codex", "openai")], ..Policy::default() };
        let void = |authors: &[Author]| ineligible(&approval, authors, &named, "main");
        assert_eq!(void(&[]), None);
        assert_eq!(void(&[author("gpt", "openai")]), Some(Void::NotRival));
        let anonymous = Verdict { authors: Vec::new(), ..approval.clone() };
        assert_eq!(ineligible(&anonymous, &[], &named, "main"), Some(Void::UnknownAuthors));
        let any = Policy { rival: Rival::Any, ..named };
        assert_eq!(ineligible(&anonymous, &[], &any, "main"), None);
        let vacuous = Verdict { shown: Shown::default(), ..approval.clone() };
        assert_eq!(ineligible(&vacuous, &[], &any, "main"), Some(Void::Vacuous));
    }
}
