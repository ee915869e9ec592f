//! `git flow-ai spec`: begin a spec, write and show its documents, and what comes next.

use super::documents::{self, DocumentState, DocumentStatus, New, Saved, StepStatus};
use crate::domain::error::Result;
use crate::domain::plan::{self, Task};
use crate::domain::spec::{Approval, Slug, Spec};
use crate::gate::store::{Repo, specs};
use gix::ObjectId;

/// Where the first text of a new spec comes from.
#[derive(Debug)]
pub enum FirstText {
    /// This is the first document.
    Document(String),
    /// This is the request, from which an agent drafts the documents.
    Request(String),
    /// The user writes the first document in an editor.
    Editor,
    /// It is written later.
    Later,
}

/// Begins the spec with its first text.
pub fn begin(repo: &Repo, new: &New, first: FirstText) -> Result<()> {
    match first {
        FirstText::Document(text) => documents::begin(repo, new, Some((new.first_document(), text)))?,
        FirstText::Request(text) => documents::begin(repo, new, Some((specs::REQUEST, text)))?,
        FirstText::Editor => documents::edit_first(repo, new, |text| {
            documents::begin(repo, new, Some((new.first_document(), text)))
        })?,
        FirstText::Later => documents::begin(repo, new, None)?,
    };
    Ok(())
}

#[derive(Debug)]
pub struct Written {
    /// Whether its text is another now.
    pub is_changed: bool,
    /// Whether it was approved, and the approval does not hold for the new text.
    pub lost_approval: bool,
}

/// Writes that text to a document of a spec, or opens the user's editor on it without one.
pub fn write(repo: &Repo, slug: &Slug, document: &str, text: Option<&str>) -> Result<Written> {
    let spec = specs::read(repo, slug)?;
    let was_approved = specs::is_approved(repo, &spec, document);
    let saved = match text {
        Some(text) => documents::save(repo, &spec, document, text, &format!("Write {document}"))?,
        None => documents::edit(repo, &spec, document)?,
    };
    let lost_approval = was_approved && !specs::is_approved(repo, &specs::read(repo, slug)?, document);
    Ok(Written { is_changed: saved != Saved::Unchanged, lost_approval })
}

/// The document that an agent drafts next; `None` if the user has to do something first.
pub fn next_to_draft(repo: &Repo, slug: &Slug) -> Result<Option<String>> {
    let status = documents::step_of(repo, &specs::read(repo, slug)?)?;
    let missing = status.document().filter(|document| document.state == DocumentState::Missing);
    Ok(missing.map(|document| document.document.clone()))
}

/// What to run next for a spec: the usual way first, then the alternatives.
pub fn next(repo: &Repo, slug: &Slug) -> Result<Vec<String>> {
    Ok(documents::step_of(repo, &specs::read(repo, slug)?)?.next)
}

/// A spec with the state of its documents.
#[derive(Debug)]
pub struct Details {
    pub spec: Spec,
    pub status: StepStatus,
    /// The documents in the workflow's order, those that are missing included, then the others.
    pub documents: Vec<Document>,
    /// The tasks of its plan, if that can be read.
    pub tasks: Vec<Task>,
}

/// A document of a spec, written or not.
#[derive(Debug)]
pub struct Document {
    pub name: String,
    /// Its text; `None` if it is missing.
    pub text: Option<String>,
    /// The blob of its text.
    pub id: Option<ObjectId>,
    /// The step that produces it, and its state there.
    pub step: Option<DocumentStatus>,
    /// Every approval that it ever had, and whether it holds for the text.
    pub approvals: Vec<(Approval, bool)>,
}

pub fn details(repo: &Repo, spec: Spec) -> Result<Details> {
    let status = documents::step_of(repo, &spec)?;
    let approvals = specs::approvals_ever(repo, &spec)?;
    let in_steps = status.documents.iter().map(|document| &document.document);
    let mut names = vec![specs::REQUEST.to_owned()];
    for name in in_steps.chain(spec.documents.iter().map(|(name, _)| name)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let document = |name: String| {
        let text = spec.document(&name);
        let id = text.map(|text| specs::text_id(repo, &name, text));
        let own = approvals.iter().filter(|approval| approval.document == name);
        Document {
            text: text.map(str::to_owned),
            id,
            step: status.documents.iter().find(|document| document.document == name).cloned(),
            approvals: own.map(|approval| (approval.clone(), Some(approval.text) == id)).collect(),
            name,
        }
    };
    let documents = names.into_iter().map(document).collect();
    let plan = spec.document(plan::DOCUMENT).and_then(|text| plan::parse(text).ok());
    let tasks = plan.map(|plan| plan.tasks).unwrap_or_default();
    Ok(Details { spec, status, documents, tasks })
}

/// A document of a spec by its name, with or without `.md`: the name in full, and its text.
pub fn document(repo: &Repo, spec: &Spec, name: &str) -> Result<(String, String)> {
    let name = documents::document_meant(repo, spec, Some(name))?;
    let text = spec.document(&name).unwrap_or_default().to_owned();
    Ok((name, text))
}
