//! The documents of a spec: begun, written, drafted and approved on a branch that is never checked out.
//!
//! A spec begins with `request.md` (what the person asked), its own copy of the workflow, and
//! `plan.md`, which begins as that copy too. Every write is one commit by compare-and-swap, so that it
//! works from any worktree in any state, and of two at once one is told that it lost. What a person
//! typed is never lost with it: it stays in a file that the error names.

mod agent;
mod approval;
mod choose;
mod editor;
mod folder;
mod save;
mod step;
mod texts;

pub use agent::{Drafted, Drafting, draft};
pub use approval::{Which, approve, refuse_agents};
pub use choose::refuse_undraftable;
pub use editor::{edit, edit_first};
pub use save::{Saved, save};
pub use step::{DocumentState, DocumentStatus, Stage, StepStatus, has_content, step_of, steps};
pub use texts::{accept, is_current, stale, stale_of, text_for, text_of};

use crate::domain::error::{Result, hint, nearest};
use crate::domain::plan;
use crate::domain::spec::{Slug, Spec};
use crate::domain::text::shell::command_line;
use crate::domain::workflow::{self, Workflow};
use crate::gate::store::config::{self, Loaded};
use crate::gate::store::{Conflict, Expected, Repo, specs};
use gix::ObjectId;

/// A spec that is about to begin.
#[derive(Debug, Clone)]
pub struct New {
    /// Its short name, not taken when we looked.
    pub slug: Slug,
    /// Its title: one line.
    pub title: String,
    pub workflow: Workflow,
}

impl New {
    /// The document that a person writes first: that of the first step, else the request itself.
    pub fn first_document(&self) -> &str {
        let first = self.workflow.steps.first().and_then(|step| step.document.as_deref());
        // A plan is never written before it is known what is wanted.
        first.filter(|document| *document != plan::DOCUMENT).unwrap_or(specs::REQUEST)
    }
}

/// Settles name and workflow of a new spec, and writes nothing.
///
/// # Errors
/// A title of which no name can be made, a name that is taken, a workflow that does not exist or
/// cannot be read.
pub fn prepare(
    repo: &Repo,
    loaded: &Loaded,
    target: &str,
    title: &str,
    slug: Option<Slug>,
    workflow: Option<&str>,
) -> Result<New> {
    let title = title.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let title = title.collect::<Vec<_>>().join(" ");
    let slug = match slug {
        Some(slug) if title.is_empty() => {
            return Err(hint(format!("the spec {slug} has no title"), "give it one"));
        }
        Some(slug) => slug,
        None => Slug::from_title(&title)?,
    };
    refuse_taken(repo, &slug)?;
    let name = workflow.unwrap_or(&loaded.config.spec.workflow);
    let (text, origin) = config::workflow(repo, target, name)?;
    let workflow = workflow::parse(name, &text, &origin)?;
    if workflow.steps.is_empty() {
        return Err(hint(format!("{origin} has no steps"), "a step is a heading `### [ ] Step: Name`"));
    }
    Ok(New { slug, title, workflow })
}

/// Begins the spec: one commit on a branch that must not exist. Two who begin it with the same words
/// in the same second make the same commit, and have begun one spec.
///
/// # Errors
/// Where somebody else began a spec of that name since [`prepare`].
pub fn begin(repo: &Repo, new: &New, document: Option<(&str, String)>) -> Result<ObjectId> {
    refuse_agents("begin a spec")?;
    let mut documents = vec![
        (specs::REQUEST.to_owned(), format!("# {}\n", new.title)),
        (specs::RECIPE.to_owned(), new.workflow.source.clone()),
        (plan::DOCUMENT.to_owned(), new.workflow.source.clone()),
    ];
    if let Some((name, text)) = document {
        save::check(name, &text)?;
        let text = if name == specs::REQUEST { titled(&new.title, &text) } else { text };
        documents.retain(|(existing, _)| existing != name);
        documents.push((name.to_owned(), text));
    }
    let subject = format!("Begin the spec {}", new.slug);
    let written =
        specs::write(repo, &new.slug, Expected::Missing, &documents, &new.workflow.name, &[], &subject);
    // A lock that a killed git has left is a conflict as well, and nobody's spec.
    let is_taken = || repo.find_ref(&new.slug.spec_ref()).is_ok_and(|tip| tip.is_some());
    written.map_err(|error| match error.chain().any(|link| link.is::<Conflict>()) && is_taken() {
        true => hint(format!("somebody else began a spec `{}` just now", new.slug), taken_way_out(&new.slug)),
        false => error,
    })
}

/// The request under its title.
fn titled(title: &str, text: &str) -> String {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let heading = body.lines().find(|line| !line.trim().is_empty());
    if heading.and_then(|line| line.strip_prefix("# ")).is_some_and(|heading| heading.trim() == title) {
        body.to_owned()
    } else {
        format!("# {title}\n\n{body}")
    }
}

/// Refuses a name that a spec has already, or whose branch git could not make.
fn refuse_taken(repo: &Repo, slug: &Slug) -> Result<()> {
    if repo.find_ref(&slug.spec_ref())?.is_some() {
        let title = specs::read(repo, slug)?.title;
        return Err(hint(format!("there is a spec `{slug}` already: {title}"), taken_way_out(slug)));
    }
    for branch in ["flow".to_owned(), format!("flow/{slug}")] {
        if repo.find_ref(&format!("refs/heads/{branch}"))?.is_some() {
            return Err(hint(
                format!("your branch `{branch}` is where the branches of this spec would go"),
                command_line!("rename it: git branch -m {} <another name>", branch),
            ));
        }
    }
    Ok(())
}

fn taken_way_out(slug: &Slug) -> String {
    command_line!("go on with it: git flow-ai spec show {}; or name the new one: --slug another-name", slug)
}

/// The document that is meant: the named one, else that of the current step, else the request.
///
/// # Errors
/// A name that neither the spec nor its workflow has, with the one that was probably meant.
pub fn document_meant(repo: &Repo, spec: &Spec, named: Option<&str>) -> Result<String> {
    let status = step_of(repo, spec)?;
    let Some(named) = named else {
        let current = status.document().map(|document| document.document.as_str());
        return Ok(current.unwrap_or(specs::REQUEST).to_owned());
    };
    let of_steps = status.documents.iter().map(|document| document.document.as_str());
    let mut known: Vec<&str> = spec.documents.iter().map(|(name, _)| name.as_str()).chain(of_steps).collect();
    known.sort_unstable();
    known.dedup();
    if known.contains(&named) {
        return Ok(named.to_owned());
    }
    let with_ending = format!("{named}.md");
    if known.contains(&with_ending.as_str()) {
        return Ok(with_ending);
    }
    Err(hint(
        format!("the spec {} has no document `{named}`", spec.slug),
        match nearest(named, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`? there are: {}", known.join(", ")),
            None => format!("there are: {}", known.join(", ")),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::titled;

    #[test]
    fn a_request_has_its_title_once() {
        assert_eq!(titled("Dark mode", "Please.\n"), "# Dark mode\n\nPlease.\n");
        assert_eq!(titled("Dark mode", "\u{feff}\r\n# Dark mode\r\nPlease."), "\r\n# Dark mode\r\nPlease.");
        assert_eq!(titled("Dark mode", "# Another\n"), "# Dark mode\n\n# Another\n");
    }
}
