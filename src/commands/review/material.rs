//! A change as it is gathered for its reviewers.
//!
//! Everything comes from the two trees, read in a git directory of our own, so that nothing in the
//! repository can hide a part.

use super::files::{self, File};
use crate::domain::error::Result;
use crate::domain::text::escape::{self, Hidden};
use crate::domain::verdict::Severity;
use crate::gate::store::Repo;
use crate::gate::store::trees::Sealed;
use anyhow::Context;

/// What reviewers are to judge, and what their requests need to know.
#[derive(Debug)]
pub struct Material {
    pub(super) files: Vec<File>,
    pub(super) diff: String,
    pub(super) hidden: Hidden,
    pub(super) target: String,
    pub(super) title: String,
    pub(super) intent: String,
    pub(super) instructions: String,
    pub(super) block: Vec<Severity>,
    /// How many bytes a request may have.
    pub(super) budget: usize,
    /// How many requests there may be.
    pub(super) most: usize,
}

/// Reads the change off the two trees. The inner error says in one sentence why it cannot be judged.
pub fn gather(repo: &Repo, request: &super::Request<'_>) -> Result<Result<Material, String>> {
    let change = request.change;
    let config = &request.loaded.config;
    let sealed = Sealed::over(repo)?;
    let files = files::changed(sealed, change.base_tree, change.head_tree)
        .context("cannot list the files of the change")?;
    if files.is_empty() {
        return Ok(Err("there is nothing to review: no file differs".into()));
    }
    if let Some(pair) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Ok(Err(format!("two changed paths cannot be told apart: {}", pair[0].path)));
    }
    let diff =
        sealed.diff(change.base_tree, change.head_tree, &[]).context("cannot compute the difference")?;
    let (budget, most) = (config.review.budget, config.review.parts);
    if diff.len() > budget.saturating_mul(most) {
        return Ok(Err(too_many(diff.len().div_ceil(budget), most)));
    }
    let (diff, hidden) = escape::for_review(&diff);
    let material = Material {
        files,
        diff,
        hidden,
        target: request.target.to_owned(),
        title: escape::for_review(change.title.as_bytes()).0,
        intent: escape::for_review(request.intent.as_bytes()).0,
        instructions: config.review.instructions.clone().unwrap_or_default(),
        block: config.gate.block.clone(),
        budget,
        most,
    };
    Ok(Ok(material))
}

/// Why something has no place in a request, and the way out.
pub(super) fn too_big(what: &str, needed: usize, budget: usize) -> String {
    format!(
        "{what} takes {needed} bytes to show, which with what a request needs beside is more than the {budget} of \
         review.budget, and a piece of it proves nothing: split it, or raise the budget in {}",
        crate::domain::config::PATH
    )
}

pub(super) fn too_many(needed: usize, most: usize) -> String {
    format!(
        "the change takes at least {needed} requests of review.budget to show, more than the {most} of \
         review.parts: split it, or raise one of them in {}",
        crate::domain::config::PATH
    )
}
