//! A person approves a document's exact text.
//!
//! An approval names the blob, so that it holds for what was there when it was given and for nothing
//! else. It is a person's act: what runs inside an agent of ours is refused.

use super::{DocumentState, Stage, document_meant, step_of};
use crate::domain::error::{Result, hint};
use crate::domain::spec::{Approval, Slug, Spec};
use crate::domain::text::shell::command_line;
use crate::gate::store::{Conflict, Expected, Repo, specs};
use jiff::{Timestamp, Unit};

/// Set by us for everything that runs as an agent or reviewer.
const INSIDE_AN_AGENT: &str = "GIT_FLOW_AI_MODE";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// The document of the current step.
    Current,
    /// The document of that name.
    Document(&'a str),
    /// Every document that waits for approval.
    All,
}

/// Approves documents of a spec and returns the approvals made: none where nothing waits for one.
///
/// # Errors
/// A document that is missing, says nothing or cannot be carried out; a change by somebody else in
/// the meantime; an agent that tries.
pub fn approve(repo: &Repo, slug: &Slug, which: Which<'_>) -> Result<Vec<Approval>> {
    refuse_agents("approve anything")?;
    let spec = specs::read(repo, slug)?;
    let documents = waiting(repo, &spec, which)?;
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let (by, at) = (repo.identity()?, Timestamp::now().round(Unit::Second)?.to_string());
    let approvals: Vec<Approval> = documents
        .iter()
        .filter_map(|document| {
            let text = specs::text_id(repo, document, spec.document(document)?);
            Some(Approval { document: document.clone(), text, by: by.clone(), at: at.clone() })
        })
        .collect();
    let subject = format!("Approve {}", documents.join(", "));
    let written =
        specs::write(repo, slug, Expected::At(spec.commit), &[], &spec.workflow, &approvals, &subject);
    let has_moved = || repo.find_ref(&slug.spec_ref()).is_ok_and(|tip| tip != Some(spec.commit));
    match written {
        Ok(_) => Ok(approvals),
        Err(error) if error.chain().any(|link| link.is::<Conflict>()) && has_moved() => Err(hint(
            format!("{slug} was changed by somebody else in the meantime, so nothing was approved"),
            command_line!("look at it again: git flow-ai spec show {}", slug),
        )),
        Err(error) => Err(error),
    }
}

/// The documents that are meant and wait for approval.
fn waiting(repo: &Repo, spec: &Spec, which: Which<'_>) -> Result<Vec<String>> {
    let status = step_of(repo, spec)?;
    let mut waiting = Vec::new();
    match which {
        Which::Current => {
            let Stage::Document(_) = status.stage else { return Ok(waiting) };
            if let Some(current) = status.document() {
                refuse(spec, &current.document, &current.state)?;
                waiting.push(current.document.clone());
            }
        }
        Which::Document(name) => {
            let name = document_meant(repo, spec, Some(name))?;
            let known = status.documents.iter().find(|document| document.document == name);
            let has_text = spec.document(&name).is_some_and(super::has_content);
            match known {
                Some(known) => refuse(spec, &name, &known.state)?,
                None if !has_text => refuse(spec, &name, &DocumentState::Missing)?,
                None => {}
            }
            if !specs::is_approved(repo, spec, &name) {
                waiting.push(name);
            }
        }
        Which::All => {
            for document in &status.documents {
                if let DocumentState::Invalid(_) = document.state {
                    refuse(spec, &document.document, &document.state)?;
                }
                if document.state == DocumentState::Unapproved {
                    waiting.push(document.document.clone());
                }
            }
            if let (true, Some(current)) = (waiting.is_empty(), status.document()) {
                refuse(spec, &current.document, &current.state)?;
            }
        }
    }
    Ok(waiting)
}

/// Refuses what nobody can have read.
fn refuse(spec: &Spec, document: &str, state: &DocumentState) -> Result<()> {
    let slug = &spec.slug;
    match state {
        DocumentState::Missing => Err(hint(
            format!("{document} is not written yet, so there is nothing to approve"),
            command_line!(
                "write it: git flow-ai spec edit {} {} (with --draft, an agent does)",
                slug,
                document
            ),
        )),
        DocumentState::Invalid(why) => {
            Err(hint(why.clone(), command_line!("mend it: git flow-ai spec edit {} {}", slug, document)))
        }
        DocumentState::Unapproved | DocumentState::Approved | DocumentState::Written => Ok(()),
    }
}

/// Refuses to do for an agent what is a person's to do.
///
/// # Errors
/// Inside a process that we started as an agent or reviewer.
pub fn refuse_agents(what: &str) -> Result<()> {
    match std::env::var_os(INSIDE_AN_AGENT) {
        None => Ok(()),
        Some(_) => Err(hint(
            format!("an agent cannot {what}: that is for a person to do"),
            format!("write down what you would have done; a person will read it ({INSIDE_AN_AGENT} is set)"),
        )),
    }
}
