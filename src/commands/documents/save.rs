//! Writing one document of a spec that exists.

use super::{has_content, refuse_agents};
use crate::domain::error::{Result, hint};
use crate::domain::plan;
use crate::domain::spec::Spec;
use crate::domain::text::shell::command_line;
use crate::gate::store::{Conflict, Expected, Repo, specs};
use gix::ObjectId;

/// What a save came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// The document has that very text already.
    Unchanged,
    /// The spec's branch is now at that commit.
    At(ObjectId),
}

/// How often a save is tried again when the branch moves for another document's sake.
const RETRIES: usize = 20;

/// Writes a document. When the branch has moved since `spec` was read, but not this document, it is
/// written on top; when this document has, the save is refused: two people wrote it at once.
///
/// # Errors
/// A document that says nothing, a plan that cannot be carried out, somebody else's change.
pub fn save(repo: &Repo, spec: &Spec, document: &str, text: &str, subject: &str) -> Result<Saved> {
    refuse_agents("write a spec's documents")?;
    check(document, text)?;
    let before = spec.document(document);
    if before == Some(text) {
        return Ok(Saved::Unchanged);
    }
    let documents = [(document.to_owned(), text.to_owned())];
    let mut tip = spec.commit;
    let mut blocked = None;
    for _ in 0..RETRIES {
        let written =
            specs::write(repo, &spec.slug, Expected::At(tip), &documents, &spec.workflow, &[], subject);
        match written {
            Ok(commit) => return Ok(Saved::At(commit)),
            Err(error) if error.chain().any(|link| link.is::<Conflict>()) => {
                let now = specs::read(repo, &spec.slug)?;
                // Where nothing moved, a lock is in the way, and the error says which.
                blocked = (now.commit == tip).then_some(error);
                if now.document(document) != before {
                    break;
                }
                tip = now.commit;
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(error) = blocked {
        return Err(error);
    }
    Err(hint(
        format!("{document} of {} was changed by somebody else in the meantime", spec.slug),
        command_line!("look at it: git flow-ai spec show {} {}", spec.slug, document),
    ))
}

/// Refuses a text that can be no such document.
///
/// # Errors
/// As said for [`save`].
pub fn check(document: &str, text: &str) -> Result<()> {
    if !has_content(text) {
        return Err(hint(
            format!("{document} would say nothing: it has no text besides headings and comments"),
            "write something, or leave it for later",
        ));
    }
    if document == plan::DOCUMENT && plan::parse(text)?.tasks.is_empty() {
        return Err(hint("plan.md has no task", "a task is a heading `### [ ] Step: Name` and what to do"));
    }
    Ok(())
}
