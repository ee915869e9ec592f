//! `git flow-ai waive`: the user lets a change in without a rival's approval.

use super::human_review::{self, HumanDecision, HumanReview};
use super::selection::Selected;
use crate::domain::error::Result;
use crate::gate::store::Repo;

/// Records a waiver of that change, with the reason; `None` if the change is empty.
pub fn waive(repo: &Repo, selected: &Selected, reason: String) -> Result<Option<HumanReview>> {
    let Selected { change, target, loaded, .. } = selected;
    if change.is_empty() {
        return Ok(None);
    }
    human_review::record(repo, change, target, loaded, HumanDecision::Waive(reason)).map(Some)
}
