//! Specs on their branches: listed in one pass, written without a checkout by compare-and-swap.

use super::{Expected, Repo};
use crate::error::Result;
use crate::spec::{Approval, Slug, Spec};
use gix::ObjectId;

/// The trailer that carries an approval: `Flow-Approved: spec.md <blob> <time> Name <address>`.
pub const APPROVED: &str = "Flow-Approved";

/// The trailer that names the workflow.
pub const WORKFLOW: &str = "Flow-Workflow";

/// All specs, sorted by slug, in one pass over the refs.
pub fn list(repo: &Repo) -> Result<Vec<Spec>> {
    let _ = repo;
    todo!("store helper")
}

/// One spec; an error names those that exist and are spelt alike.
pub fn read(repo: &Repo, slug: &Slug) -> Result<Spec> {
    let _ = (repo, slug);
    todo!("store helper")
}

/// One commit on the spec's branch: the given documents replaced or added, the approvals that still
/// hold plus `approvals` repeated as trailers. Returns the new tip.
pub fn write(
    repo: &Repo,
    slug: &Slug,
    expected: Expected,
    documents: &[(String, String)],
    workflow: &str,
    approvals: &[Approval],
    subject: &str,
) -> Result<ObjectId> {
    let _ = (repo, slug, expected, documents, workflow, approvals, subject);
    todo!("store helper")
}

/// The blob id that an approval of that text is bound to.
pub fn text_id(repo: &Repo, document: &str, text: &str) -> ObjectId {
    let _ = (repo, document, text);
    todo!("store helper")
}

/// Whether the document as it stands has been approved by somebody.
pub fn is_approved(repo: &Repo, spec: &Spec, document: &str) -> bool {
    let _ = (repo, spec, document);
    todo!("store helper")
}
