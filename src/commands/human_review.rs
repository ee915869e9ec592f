//! The user's own decision on a change: an approval, a request for changes, a waiver.
//!
//! No model is asked. The record says what a reviewer's says, and that the person was shown the very
//! difference that a reviewer would have been; it is signed where there is a key. Whose word counts is
//! the target's policy: nobody judges their own work, and a waiver is for those whom it names.

use crate::commands::review;
use crate::domain::change::{Author, Change, Vendor};
use crate::domain::digest;
use crate::domain::error::{Result, hint};
use crate::domain::verdict::{Decision, Finding, Severity, Shown, Verdict};
use crate::gate::admit::{self, BranchVerdicts, Tally};
use crate::gate::signing;
use crate::gate::store::config::Loaded;
use crate::gate::store::trees::{self, Changed};
use crate::gate::store::{Repo, changes};

#[derive(Debug, Clone)]
pub enum HumanDecision {
    /// Fine as it is, and why.
    Approve(String),
    /// What is wrong, and where: a path and a line of it, where the person named them.
    RequestChanges(String, Option<(String, Option<u32>)>),
    /// It may enter without a rival's approval, and why.
    Waive(String),
}

/// What became of it.
#[derive(Debug)]
pub enum HumanReview {
    /// Recorded, with the paths that it is about.
    Recorded(Box<Verdict>, Vec<Changed>),
    /// A waiver that counts is there already.
    AlreadyWaived(Box<Verdict>),
    /// This person's word does not count for it.
    Refused {
        /// Why, in one sentence.
        why: String,
        /// What to do about it.
        fix: String,
    },
}

/// The person at the keyboard, by git's identity.
pub fn user(repo: &Repo) -> Result<Author> {
    Ok(Author { name: repo.identity()?, vendor: Vendor::person(), model: None })
}

/// Records what the person at the keyboard says of a change that is meant for that branch.
pub fn record(
    repo: &Repo,
    change: &Change,
    target: &str,
    loaded: &Loaded,
    decision: HumanDecision,
) -> Result<HumanReview> {
    let policy = &loaded.config.gate;
    let person = user(repo)?;
    let waives = matches!(decision, HumanDecision::Waive(_));
    if !changes::is_person(&person.name) {
        return Ok(HumanReview::Refused {
            why: format!("{} is an agent's identity, and this takes a person's", person.name),
            fix: "set your own: git config user.name <name> && git config user.email <address>".into(),
        });
    }
    if waives && !policy.may_waive(&person) {
        return Ok(HumanReview::Refused {
            why: format!("{} may not waive reviews for `{target}`", person.name),
            fix: format!(
                "those may whose address stands under `waivers` in [gate] of {} on `{target}`: {}",
                crate::domain::config::PATH,
                match policy.waivers.as_slice() {
                    [] => "nobody, as it is".to_owned(),
                    waivers => waivers.join(", "),
                }
            ),
        });
    }
    if !waives && !policy.is_rival(&person, &change.authors) {
        return Ok(HumanReview::Refused {
            why: format!("{} had a hand in this change, and nobody judges their own work", person.name),
            fix: "have somebody else judge it, or a rival: git flow-ai review".into(),
        });
    }
    if waives && let Some(waiver) = waived(repo, change, target, loaded)? {
        return Ok(HumanReview::AlreadyWaived(Box::new(waiver)));
    }
    signing::ready(repo, policy, target, Some(&person), Some((change.base_tree, change.head_tree)))?;
    let changed = trees::changed(repo, change.base_tree, change.head_tree)?;
    let worst = policy.block.iter().max().copied().unwrap_or(Severity::P1);
    let (decision, summary, findings) = match decision {
        HumanDecision::Approve(summary) => (Decision::Approve, summary, Vec::new()),
        HumanDecision::Waive(reason) => (Decision::Waive, reason, Vec::new()),
        HumanDecision::RequestChanges(body, on) => {
            let (path, line) = place(&changed, on)?;
            let finding = Finding { path, line, severity: worst, body: body.clone(), suggestion: None };
            (Decision::RequestChanges, body, vec![finding])
        }
    };
    let mut verdict = Verdict {
        decision,
        base_tree: change.base_tree,
        head_tree: change.head_tree,
        base_commit: change.base_commit,
        head_commit: change.head_commit,
        target: target.to_owned(),
        authors: change.authors.clone(),
        reviewer: person,
        policy: loaded.digest.clone(),
        shown: shown(repo, change)?,
        purpose: None,
        again: 0,
        findings,
        summary,
        time: review::now(),
        cost: None,
        tokens: None,
        signature: None,
    };
    review::record(repo, change, &mut verdict)?;
    Ok(HumanReview::Recorded(Box::new(verdict), changed))
}

/// The waiver by which the change stands approved, where there is one.
fn waived(repo: &Repo, change: &Change, target: &str, loaded: &Loaded) -> Result<Option<Verdict>> {
    let policy = &loaded.config.gate;
    let verdicts = BranchVerdicts::new(repo, policy, target).on_change(change)?;
    Ok(match admit::tally(&verdicts, policy, &policy.strictest_demand()) {
        Tally::Approved(verdicts) => verdicts.into_iter().find(|verdict| verdict.decision == Decision::Waive),
        _ => None,
    })
}

/// Where a person found something wrong: the file that they named, or the only one there is.
fn place(changed: &[Changed], on: Option<(String, Option<u32>)>) -> Result<(String, Option<u32>)> {
    let names: Vec<String> = changed.iter().map(Changed::display).collect();
    let fix = || format!("name one that the change touches: --on <path>[:<line>]; {}", names.join(", "));
    match (on, names.as_slice()) {
        (Some((path, line)), names) if names.contains(&path) => Ok((path, line)),
        (Some((path, _)), _) => Err(hint(format!("the change does not touch `{path}`"), fix())),
        (None, [only]) => Ok((only.clone(), None)),
        (None, names) => Err(hint(format!("which of the {} files is it about?", names.len()), fix())),
    }
}

/// The change as a reviewer would be shown it.
fn shown(repo: &Repo, change: &Change) -> Result<Shown> {
    let shown = review::show(repo, change, usize::MAX)?.map_err(anyhow::Error::msg)?;
    Ok(Shown {
        sha256: digest::sha256(&shown.diff),
        bytes: shown.diff.len() as u64,
        way: shown.way(change),
        files: shown.files.into_iter().map(|file| file.path).collect(),
        ..Shown::default()
    })
}
