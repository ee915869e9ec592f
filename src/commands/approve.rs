//! `git flow-ai approve`: the user approves documents of a spec as they are.

use super::documents::{self, Which};
use crate::domain::error::Result;
use crate::domain::spec::{Approval, Slug, Spec};
use crate::gate::store::{Repo, specs};

#[derive(Debug)]
pub struct Approved {
    /// The spec with the approved texts.
    pub spec: Spec,
    /// Empty if no document waits for approval.
    pub approvals: Vec<Approval>,
}

/// Approves those documents of the spec.
pub fn approve(repo: &Repo, slug: &Slug, which: Which<'_>) -> Result<Approved> {
    let spec = specs::read(repo, slug)?;
    let approvals = documents::approve(repo, slug, which)?;
    Ok(Approved { spec, approvals })
}
