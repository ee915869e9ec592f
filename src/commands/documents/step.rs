//! Where a spec stands in its workflow, and what to do next.
//!
//! The steps come from the spec's own copy of the workflow. The current step is the first whose
//! document is missing, cannot be carried out, or waits for approval; once the documents before the
//! implementation are settled, it is the plan's open tasks; then the documents after it.

use crate::domain::error::Result;
use crate::domain::plan::{self, Plan};
use crate::domain::spec::Spec;
use crate::domain::text::shell::command_line;
use crate::domain::workflow::{self, Step, Workflow};
use crate::gate::store::{Repo, specs};

/// Where a spec stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepStatus {
    /// What is to be done now.
    pub stage: Stage,
    /// The workflow's documents, in its order.
    pub documents: Vec<DocumentStatus>,
    /// The plan, once its turn has come.
    pub plan: Option<Plan>,
    /// What to run next; the first is the usual way, the others are alternatives.
    pub next: Vec<String>,
    /// How many of the documents come before the implementation.
    before_implementation: usize,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// This document must be written, mended or approved: the place in [`StepStatus::documents`].
    Document(usize),
    /// These tasks, by id, have not reached the result.
    Implementation(Vec<String>),
    /// All tasks have reached the result, and all documents are there.
    Done,
}

/// One document of the workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentStatus {
    pub document: String,
    /// The step that produces it.
    pub title: String,
    pub state: DocumentState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentState {
    /// Nobody has written it.
    Missing,
    /// It is there and cannot be carried out: why, with the line.
    Invalid(String),
    /// It is there, and nobody has approved this very text.
    Unapproved,
    /// A person has approved this very text.
    Approved,
    /// It is there, and its step asks for no approval.
    Written,
}

impl DocumentState {
    /// Whether the next step may begin.
    pub fn is_settled(&self) -> bool {
        matches!(self, DocumentState::Approved | DocumentState::Written)
    }

    /// In a word or two, for tables and scripts.
    pub fn as_str(&self) -> &'static str {
        match self {
            DocumentState::Missing => "missing",
            DocumentState::Invalid(_) => "invalid",
            DocumentState::Unapproved => "unapproved",
            DocumentState::Approved => "approved",
            DocumentState::Written => "written",
        }
    }
}

impl StepStatus {
    /// Whether everything that the workflow wants before the implementation is there and approved.
    pub fn may_run(&self) -> bool {
        match self.stage {
            // A report, say, is written of what has been run.
            Stage::Document(place) => place >= self.before_implementation && self.open_plan().is_none(),
            Stage::Implementation(_) | Stage::Done => true,
        }
    }

    /// The plan, where it cannot be carried out.
    fn open_plan(&self) -> Option<&DocumentStatus> {
        let is_invalid = |document: &&DocumentStatus| matches!(document.state, DocumentState::Invalid(_));
        self.document().filter(is_invalid)
    }

    /// Whether a document tells of the implementation, and so comes after it.
    pub fn is_after_implementation(&self, document: &str) -> bool {
        self.documents.iter().skip(self.before_implementation).any(|known| known.document == document)
    }

    /// The document that stands in the way.
    pub fn document(&self) -> Option<&DocumentStatus> {
        match self.stage {
            Stage::Document(place) => self.documents.get(place),
            Stage::Implementation(_) | Stage::Done => None,
        }
    }

    /// One line for people: `spec.md: unapproved`, `2 tasks to do`, `done`.
    pub fn summary(&self) -> String {
        match &self.stage {
            Stage::Document(_) => self.document().map_or_else(String::new, |document| {
                format!("{}: {}", document.document, document.state.as_str())
            }),
            Stage::Implementation(open) if open.len() == 1 => "1 task to do".to_owned(),
            Stage::Implementation(open) => format!("{} tasks to do", open.len()),
            Stage::Done => "done".to_owned(),
        }
    }
}

/// The spec's workflow: its own copy, else its plan, else the built-in one of that name.
///
/// # Errors
/// A step that cannot be read, with the line.
pub fn steps(spec: &Spec) -> Result<Workflow> {
    let (text, origin) = match (&spec.recipe, spec.document(plan::DOCUMENT)) {
        (Some(recipe), _) => (recipe.as_str(), specs::RECIPE),
        (None, Some(plan)) => (plan, plan::DOCUMENT),
        (None, None) => (workflow::built_in(&spec.workflow).unwrap_or_default(), spec.workflow.as_str()),
    };
    workflow::parse(&spec.workflow, text, origin)
}

/// Where a spec stands. A plan that cannot be read is a value; see [`DocumentState::Invalid`].
///
/// # Errors
/// Where the spec's copy of the workflow cannot be read.
pub fn step_of(repo: &Repo, spec: &Spec) -> Result<StepStatus> {
    let workflow = steps(spec)?;
    let mut documents = Vec::new();
    let mut before_implementation = 0;
    let mut has_implementation = false;
    for step in &workflow.steps {
        match &step.document {
            Some(document) => {
                let state = state_of(repo, spec, step, document);
                documents.push(DocumentStatus {
                    document: document.clone(),
                    title: step.title.clone(),
                    state,
                });
                before_implementation += usize::from(!has_implementation);
            }
            None => has_implementation = true,
        }
    }
    let is_open =
        |(place, document): (usize, &DocumentStatus)| (!document.state.is_settled()).then_some(place);
    let first_open = documents.iter().take(before_implementation).enumerate().find_map(is_open);
    let plan = plan::parse(spec.document(plan::DOCUMENT).unwrap_or_default());
    let (stage, documents) = match (first_open, plan.as_ref().map(open_tasks)) {
        (Some(place), _) => (Stage::Document(place), documents),
        (None, Ok(open)) if !open.is_empty() => (Stage::Implementation(open), documents),
        (None, Ok(_)) => {
            let open = documents.iter().enumerate().skip(before_implementation).find_map(is_open);
            (open.map_or(Stage::Done, Stage::Document), documents)
        }
        // A plan that no step asks for, and that cannot be carried out all the same.
        (None, Err(why)) => {
            documents.push(DocumentStatus {
                document: plan::DOCUMENT.to_owned(),
                title: "Plan".to_owned(),
                state: DocumentState::Invalid(why.to_string()),
            });
            (Stage::Document(documents.len() - 1), documents)
        }
    };
    let mut status = StepStatus { stage, documents, plan: None, next: Vec::new(), before_implementation };
    status.plan = plan.ok().filter(|_| status.may_run());
    let has_result = repo.find_ref(&spec.slug.result_ref())?.is_some();
    status.next = next(spec, &status, has_result);
    Ok(status)
}

fn state_of(repo: &Repo, spec: &Spec, step: &Step, document: &str) -> DocumentState {
    let Some(text) = spec.document(document).filter(|text| has_content(text)) else {
        return DocumentState::Missing;
    };
    if document == plan::DOCUMENT {
        // A plan begins as a copy of the workflow: as long as it is that, nobody has planned.
        let recipe = spec.recipe.as_deref();
        if recipe.is_some_and(|recipe| plan::essence(recipe) == plan::essence(text)) {
            return DocumentState::Missing;
        }
        match plan::parse(text) {
            Ok(plan) if plan.tasks.is_empty() => {
                return DocumentState::Invalid(
                    "plan.md has no task: a task is `### [ ] Step: Name`".to_owned(),
                );
            }
            Ok(_) => {}
            Err(error) => return DocumentState::Invalid(error.to_string()),
        }
    }
    if !step.approval {
        DocumentState::Written
    } else if specs::is_approved(repo, spec, document) {
        DocumentState::Approved
    } else {
        DocumentState::Unapproved
    }
}

/// The plan's tasks that have not reached the result.
fn open_tasks(plan: &Plan) -> Vec<String> {
    plan.tasks.iter().filter(|task| !task.done).map(|task| task.id.clone()).collect()
}

/// What to run next. A result that somebody deleted is made again by a run.
fn next(spec: &Spec, status: &StepStatus, has_result: bool) -> Vec<String> {
    let slug = &spec.slug;
    let Some(document) = status.document() else {
        return match status.stage {
            Stage::Done if has_result => vec![command_line!("git flow-ai merge {}", slug)],
            _ => vec![command_line!("git flow-ai run {}", slug)],
        };
    };
    let edit = if document.document == plan::DOCUMENT {
        command_line!("git flow-ai plan {}", slug)
    } else {
        command_line!("git flow-ai spec edit {} {}", slug, document.document)
    };
    match document.state {
        DocumentState::Missing => vec![format!("{edit} --draft"), edit],
        DocumentState::Invalid(_) => vec![edit],
        DocumentState::Unapproved | DocumentState::Approved | DocumentState::Written => {
            vec![command_line!("git flow-ai approve {}", slug), edit]
        }
    }
}

/// Whether a document says anything: more than headings, comments and white space.
pub fn has_content(text: &str) -> bool {
    let mut rest = text;
    let mut said = String::new();
    while let Some((before, after)) = rest.split_once("<!--") {
        said.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    said.push_str(rest);
    said.lines().map(|line| line.trim_matches(['\u{feff}', ' ', '\t', '\r'])).any(|line| {
        let is_step = line.starts_with("### [");
        !line.is_empty() && (is_step || !line.starts_with('#')) && line.chars().any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::has_content;

    #[test]
    fn a_template_alone_says_nothing() {
        assert!(!has_content(""));
        assert!(!has_content("\u{feff}# Title\r\n\r\n## Context\r\n<!-- what\r\nmatters -->\r\n---\r\n"));
        assert!(!has_content("<!-- never closed\nwords"));
        assert!(has_content("# Title\n\nWords"));
        assert!(has_content("<!-- a --> words <!-- b -->"));
        assert!(has_content("# Plan\n### [ ] Step: Do it\n"));
        assert!(has_content("要求"));
    }
}
