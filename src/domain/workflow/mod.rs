//! The recipe: an ordered list of steps in Markdown, as in `.zenflow/workflows/*.md`.
//!
//! Zenflow's own format, read as it is: an H1, `### [ ] Step: Name` headings, directives as HTML
//! comments under them, every byte in between kept. Ours are in the same form, one per line:
//! `document`, `approval`, and for tasks `id`, `after`, `files`, `verify`. A step with a document is
//! written and approved; a step without one is implementation.

mod document;
mod lines;
mod parse;

pub use lines::{Line, LineKind, lines};
pub use parse::parse;

/// What `{@artifacts_path}` stays in the file: the folder of the task's documents.
pub const ARTIFACTS: &str = "{@artifacts_path}";

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
    /// What is most probably a mistake and does not stop us: a misspelt directive.
    pub warnings: Vec<String>,
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
    /// `{@artifacts_path}/NAME.md` that its instruction says to write and that no earlier step
    /// produces. Steps called "Implement…" and steps with a task's directives produce none.
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

impl Step {
    /// The values of a directive, with their lines.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, usize)> + 'a {
        self.directives
            .iter()
            .filter(move |(n, _, _)| n == name)
            .map(|(_, value, line)| (value.as_str(), *line))
    }
}

/// The names of the built-in workflows, the lightest first.
pub const BUILT_IN: &[&str] = &["quick", "fix", "spec", "sdd"];

/// The built-in workflows by name: `quick`, `fix`, `spec`, `sdd`.
pub fn built_in(name: &str) -> Option<&'static str> {
    match name {
        "quick" => Some(include_str!("built_in/quick.md")),
        "fix" => Some(include_str!("built_in/fix.md")),
        "spec" => Some(include_str!("built_in/spec.md")),
        "sdd" => Some(include_str!("built_in/sdd.md")),
        _ => None,
    }
}
