//! The recipe: an ordered list of steps in Markdown, as in `.zenflow/workflows/*.md`.
//!
//! Zenflow's own format, read as it is: an H1, `### [ ] Step: Name` headings, directives as HTML
//! comments under them, every byte in between kept. Ours are in the same form, one per line:
//! `document`, `approval`, and for tasks `id`, `after`, `files`, `verify`. A step with a document is
//! written and approved; a step without one is implementation.

use crate::error::Result;

/// A workflow, or a plan: the same format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Its short name: the file's, without `.md`.
    pub name: String,
    /// Its H1.
    pub title: String,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// The whole text, byte for byte.
    pub source: String,
}

/// One stage of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The heading, without checkbox and `Step:`.
    pub title: String,
    /// Whether its box is ticked.
    pub done: bool,
    /// `<!-- agent: NAME -->`
    pub agent: Option<String>,
    /// The document that it produces: by `<!-- document: NAME.md -->`, else the first
    /// `{@artifacts_path}/NAME.md` of its instruction that no earlier step produces.
    pub document: Option<String>,
    /// Whether its document must be approved before the next step: the default;
    /// `<!-- approval: none -->` says no.
    pub approval: bool,
    /// The other directives, in order: name, value, line.
    pub directives: Vec<(String, String, usize)>,
    /// The Markdown under the heading, directives taken out.
    pub instruction: String,
    /// The heading's line in the file, from 1.
    pub line: usize,
}

/// Reads a workflow; `name` is the file's stem, `origin` the file's name for messages.
pub fn parse(name: &str, text: &str, origin: &str) -> Result<Workflow> {
    let _ = (name, text, origin);
    todo!("spec helper")
}

/// The built-in workflows by name: `quick`, `fix`, `spec`, `sdd`.
pub fn built_in(name: &str) -> Option<&'static str> {
    let _ = name;
    todo!("spec helper")
}
