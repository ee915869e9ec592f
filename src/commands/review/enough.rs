//! Whether there are reviewers enough for as many approvals as a change needs.

use super::{ReviewOutcome, Reviewer};
use crate::domain::change::Change;
use crate::domain::error::hint;
use crate::domain::policy::Demand;
use std::collections::BTreeSet;

/// Why a change can never have as many approvals as it needs, if the rivals that can be asked, and those who
/// have answered, are of too few vendors.
pub(crate) fn too_few(
    rivals: &[Reviewer],
    answered: &[ReviewOutcome],
    change: &Change,
    demand: &Demand,
) -> Option<anyhow::Error> {
    let answered = answered.iter().filter_map(ReviewOutcome::verdict);
    let answered = answered.map(|verdict| verdict.reviewer.vendor.as_str());
    let vendors: BTreeSet<&str> =
        rivals.iter().map(|rival| rival.who.vendor.as_str()).chain(answered).collect();
    let authors: Vec<String> = change.vendors().iter().map(ToString::to_string).collect();
    let authors = if authors.is_empty() { String::new() } else { format!(" ({} had)", authors.join(", ")) };
    (vendors.len() < demand.approvals as usize).then(|| {
        hint(
            format!(
                "{} approvals of distinct vendors are needed, and of the reviewers' vendors only {} had no hand in this \
                 change{}",
                demand.approvals,
                vendors.into_iter().collect::<Vec<_>>().join(", "),
                authors
            ),
            format!("add a reviewer of another vendor to {}", crate::domain::config::PATH),
        )
    })
}
