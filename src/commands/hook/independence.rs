//! Whether the policy's reviewers can approve a change, or had too many of them a hand in it; and what helps then.

use crate::commands::review::by_authors;
use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::gate::admit;
use crate::gate::store::Repo;
use std::collections::BTreeSet;

/// The vendors of the policy's reviewers that had no hand in a change.
fn independent<'a>(policy: &'a Policy, change: &Change) -> BTreeSet<&'a str> {
    let rivals = policy.reviewers.iter().filter(|who| policy.is_rival(who, &change.authors));
    rivals.map(|who| who.vendor.as_str()).collect()
}

/// Whether the policy's reviewers can approve a change, as a whole or in parts by its authors.
pub(super) fn can_be_reviewed(repo: &Repo, policy: &Policy, change: &Change) -> Result<bool> {
    let is_enough = |part: &Change| {
        let demand = admit::demand(repo, policy, part.base_tree, part.head_tree);
        demand.is_ok_and(|demand| independent(policy, part).len() >= demand.approvals as usize)
    };
    Ok(policy.reviewers.is_empty() || is_enough(change) || by_authors(repo, change, is_enough)?.is_some())
}

/// Why they cannot, and what would help.
pub(super) fn lack(policy: &Policy, change: &Change, branch: &str) -> String {
    let authors: Vec<String> = change.vendors().iter().map(ToString::to_string).collect();
    let rivals = independent(policy, change);
    let lack = match rivals.len() {
        0 => "no reviewer is independent".to_owned(),
        _ => format!(
            "it needs approvals of more vendors than {}, and no other reviewer is independent",
            rivals.into_iter().collect::<Vec<_>>().join(", ")
        ),
    };
    let mut way = format!(
        "{lack} of all its authors ({}): have one of another vendor added to {}",
        authors.join(", "),
        crate::domain::config::PATH
    );
    if change.vendors().iter().filter(|vendor| !vendor.is_person()).count() > 1 {
        // Squashed, or with a conflict resolved, it is one change of all of them.
        way.push_str(&format!(
            ", or bring each vendor's work as commits of its own on top of `{branch}`, which are judged part by part"
        ));
    }
    way
}
