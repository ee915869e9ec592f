//! A change as it is gathered for its reviewers, divided into what each request shows of it.
//!
//! Everything comes from the two trees, read in a git directory of our own, so that nothing in the
//! repository can hide a part.

use super::files::{self, File};
use super::parts::{self, Part, Unfit};
use super::request;
use crate::domain::error::Result;
use crate::domain::text::escape::{self, Hidden};
use crate::domain::verdict::Severity;
use crate::gate::store::Repo;
use crate::gate::store::trees::Sealed;
use anyhow::Context;

/// Stands for the number of parts before that is known: the room that it takes is enough.
const MOST: usize = 99_999;

/// A change, gathered once; each time that somebody is asked it becomes a `Bundle`.
#[derive(Debug)]
pub struct Material {
    pub(super) files: Vec<File>,
    pub(super) diff: String,
    /// What each request shows of the difference; together, all of it.
    pub(super) parts: Vec<Part>,
    pub(super) hidden: Hidden,
    pub(super) target: String,
    pub(super) title: String,
    pub(super) intent: String,
    pub(super) instructions: String,
    pub(super) block: Vec<Severity>,
    pub(super) budget: usize,
}

/// Reads the change off the two trees. The inner error says in one sentence why it cannot be judged.
pub fn gather(repo: &Repo, request: &super::Request<'_>) -> Result<Result<Material, String>> {
    let change = request.change;
    let config = &request.loaded.config;
    let sealed = Sealed::over(repo)?;
    let files = files::changed(&sealed, change.base_tree, change.head_tree)
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
        parts: Vec::new(),
        hidden,
        target: request.target.to_owned(),
        title: escape::for_review(change.title.as_bytes()).0,
        intent: escape::for_review(request.intent.as_bytes()).0,
        instructions: config.review.instructions.clone().unwrap_or_default(),
        block: config.gate.block.clone(),
        budget,
    };
    Ok(material.divided(most))
}

impl Material {
    /// How many requests it takes.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The changed files, by the paths that are displayed.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }

    /// With its parts: one that shows everything where that fits the budget, else as few as can be.
    fn divided(mut self, most: usize) -> Result<Material, String> {
        let paths: Vec<&str> = self.paths().collect();
        let free = vec![0; paths.len()];
        let whole = parts::split(&self.diff, &paths, &free, usize::MAX).map_err(|why| self.unfit(why))?;
        self.parts = whole;
        if self.length(0) <= self.budget {
            return Ok(self);
        }
        // What every request takes that shows nothing of the difference.
        self.parts = vec![Part::default(); MOST + 1];
        let bare = self.length(MOST);
        if bare >= self.budget {
            return Err(too_big("what is said beside the difference", bare, self.budget));
        }
        let paths: Vec<&str> = self.paths().collect();
        let cost: Vec<usize> = self.files.iter().map(request::cost).collect();
        let parts = parts::split(&self.diff, &paths, &cost, self.budget - bare);
        self.parts = parts.map_err(|why| self.unfit(why))?;
        match self.parts.len() {
            needed if needed > most => Err(too_many(needed, most)),
            _ => Ok(self),
        }
    }

    fn unfit(&self, why: Unfit) -> String {
        match why {
            Unfit::Line(file, bytes) => {
                too_big(&format!("one line of {}", self.files[file].path), bytes, self.budget)
            }
            Unfit::Unclear(why) => format!("the difference cannot be told apart by files: {why}"),
        }
    }
}

/// Why something has no place in a request, and the way out.
pub(super) fn too_big(what: &str, needed: usize, budget: usize) -> String {
    format!(
        "{what} takes {needed} bytes to show, which with what a request needs beside is more than the {budget} of \
         review.budget, and a piece of it proves nothing: split it, or raise the budget in {}",
        crate::domain::config::PATH
    )
}

fn too_many(needed: usize, most: usize) -> String {
    format!(
        "the change takes at least {needed} requests of review.budget to show, more than the {most} of \
         review.parts: split it, or raise one of them in {}",
        crate::domain::config::PATH
    )
}
