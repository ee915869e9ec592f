//! Specs on their branches: listed in one pass, written without a checkout by compare-and-swap.
//!
//! The tip's trailers name the workflow and carry the approvals. When somebody else has committed to
//! the branch by hand, the newest commit of ours below it tells; approvals are bound to the text, so
//! such an edit makes void what it touched and nothing else.

use super::changes::trailer::one_line;
use super::written::again_if_gone;
use super::{Commit, Expected, Repo, trees};
use crate::domain::error::{Result, hint};
use crate::domain::plan;
use crate::domain::spec::{Approval, Slug, Spec};
use crate::domain::text::escape;
use anyhow::{Context, bail};
use gix::ObjectId;
use gix::objs::tree::EntryKind;

/// The trailer that carries an approval: `Flow-Approved: spec.md <blob> <time> Name <address>`.
pub const APPROVED: &str = "Flow-Approved";

/// The trailer that names the workflow.
pub const WORKFLOW: &str = "Flow-Workflow";

/// The document that holds what the person asked; its heading is the spec's title.
pub const REQUEST: &str = "request.md";

/// The file that holds the spec's copy of its workflow. It is not a document: it is neither written nor approved.
pub const RECIPE: &str = "workflow.md";

/// How far down a spec's branch a commit of ours is looked for.
const DEPTH: usize = 1000;

/// A spec without its documents' texts: what a list of thousands needs.
#[derive(Debug, Clone)]
pub struct Summary {
    pub slug: Slug,
    /// Its title: the heading of `request.md`.
    pub title: String,
    /// The tip of `flow/<slug>/spec`.
    pub commit: ObjectId,
    /// The workflow's name that it was begun with.
    pub workflow: String,
    /// Its copy of that workflow; none where none was kept.
    pub recipe: Option<ObjectId>,
    /// Its documents by file name and blob, in the tree's order.
    pub documents: Vec<(String, ObjectId)>,
    /// The approvals that the branch records, void ones included.
    pub approvals: Vec<Approval>,
}

impl Summary {
    /// The text of one document, read when asked for; none when there is no such document.
    pub fn document(&self, repo: &Repo, name: &str) -> Result<Option<String>> {
        match self.documents.iter().find(|(document, _)| document == name) {
            Some((_, blob)) => text(repo, *blob).map(Some),
            None => Ok(None),
        }
    }

    pub fn load(self, repo: &Repo) -> Result<Spec> {
        let read = |(name, blob)| Ok((name, text(repo, blob)?));
        let documents = self.documents.into_iter().map(read).collect::<Result<_>>()?;
        let recipe = self.recipe.map(|blob| text(repo, blob)).transpose()?;
        let Summary { slug, title, commit, workflow, approvals, .. } = self;
        Ok(Spec { slug, title, commit, workflow, recipe, documents, approvals })
    }
}

/// All specs without their texts, sorted by slug: one pass over the refs, and per spec a commit, a
/// tree and `request.md`.
pub fn summaries(repo: &Repo) -> Result<Vec<Summary>> {
    summaries_of(repo, &repo.refs("refs/heads/flow/")?)
}

/// The same for refs that have been read already; those of tasks and results are passed over.
pub fn summaries_of(repo: &Repo, refs: &[(String, ObjectId)]) -> Result<Vec<Summary>> {
    let mut all = Vec::new();
    for (name, tip) in refs {
        if let Some(slug) = slug_of(name) {
            all.push(summary(repo, slug, *tip)?);
        }
    }
    all.sort_by(|a, b| a.slug.cmp(&b.slug));
    Ok(all)
}

/// All specs with their texts, sorted by slug.
pub fn list(repo: &Repo) -> Result<Vec<Spec>> {
    summaries(repo)?.into_iter().map(|summary| summary.load(repo)).collect()
}

/// One spec; an error names those that exist and are spelt alike.
pub fn read(repo: &Repo, slug: &Slug) -> Result<Spec> {
    match repo.find_ref(&slug.spec_ref())? {
        Some(tip) => summary(repo, slug.clone(), tip)?.load(repo),
        None => Err(unknown(repo, slug)?),
    }
}

/// One commit on the spec's branch: the given documents replaced or added, the approvals that still
/// hold plus `approvals` repeated as trailers. Returns the new tip. The commit is not signed, see
/// [`Repo::write_commit`].
pub fn write(
    repo: &Repo,
    slug: &Slug,
    expected: Expected,
    documents: &[(String, String)],
    workflow: &str,
    approvals: &[Approval],
    subject: &str,
) -> Result<ObjectId> {
    let before = match expected {
        Expected::Missing => None,
        Expected::At(tip) => Some(summary(repo, slug.clone(), tip)?),
    };
    let base = match expected {
        Expected::Missing => repo.empty_tree(),
        Expected::At(tip) => repo.tree_of(tip)?,
    };
    let tree = again_if_gone(|| with_documents(repo, base, documents))?;

    let documents = documents_of(repo, tree)?;
    let mut holding: Vec<Approval> = Vec::new();
    for approval in before.into_iter().flat_map(|before| before.approvals).chain(approvals.iter().cloned()) {
        if holds(repo, &documents, &approval)? && !holding.contains(&approval) {
            holding.push(approval);
        }
    }
    let parents: Vec<ObjectId> = match expected {
        Expected::Missing => Vec::new(),
        Expected::At(tip) => vec![tip],
    };
    let commit = repo.write_commit(tree, &parents, &message(subject, workflow, &holding))?;
    repo.set_ref(&slug.spec_ref(), commit, expected, subject)?;
    Ok(commit)
}

/// That tree with these documents.
fn with_documents(repo: &Repo, base: ObjectId, documents: &[(String, String)]) -> Result<ObjectId> {
    let mut tree = repo.gix.edit_tree(base).context("the spec's files cannot be read")?;
    for (name, text) in documents {
        if !is_document_name(name.as_bytes()) {
            bail!(
                "`{name}` is no name for a document: it must be one plain word, which begins with no dot or hyphen"
            );
        }
        let blob = repo.gix.write_blob(text).with_context(|| format!("{name} cannot be written"))?;
        tree.upsert(name.as_str(), EntryKind::Blob, blob)
            .with_context(|| format!("{name} cannot be written"))?;
    }
    Ok(tree.write().context("the spec's files cannot be written")?.detach())
}

/// The blob id that an approval of that text is bound to.
pub fn text_id(repo: &Repo, document: &str, text: &str) -> ObjectId {
    let kind = repo.gix.object_hash();
    let blob = |text: &str| gix::objs::compute_hash(kind, gix::objs::Kind::Blob, text.as_bytes());
    let id = if document == "plan.md" { blob(&plan::essence(text)) } else { blob(text) };
    // Hashing fails only on a collision attack; an approval of such a text must never hold.
    id.unwrap_or_else(|_| ObjectId::null(kind))
}

/// Whether the document as it stands has been approved.
pub fn is_approved(repo: &Repo, spec: &Spec, document: &str) -> bool {
    let Some(text) = spec.document(document) else { return false };
    let id = text_id(repo, document, text);
    !id.is_null()
        && spec.approvals.iter().any(|approval| approval.document == document && approval.text == id)
}

/// Every approval that the spec's branch has ever recorded, the newest first, void ones included.
pub fn approvals_ever(repo: &Repo, spec: &Spec) -> Result<Vec<Approval>> {
    let mut ever: Vec<Approval> = Vec::new();
    for commit in repo.first_parents(spec.commit, ObjectId::null(spec.commit.kind())).take(DEPTH) {
        let commit = commit?;
        let mut recorded: Vec<Approval> = commit.trailers(APPROVED).filter_map(approval).collect();
        recorded.retain(|approval| !ever.contains(approval));
        ever.append(&mut recorded);
    }
    Ok(ever)
}

/// The slug of `refs/heads/flow/<slug>/spec`.
fn slug_of(name: &str) -> Option<Slug> {
    name.strip_prefix("refs/heads/flow/")?.strip_suffix("/spec")?.parse().ok()
}

fn summary(repo: &Repo, slug: Slug, tip: ObjectId) -> Result<Summary> {
    let unreadable = || format!("the spec {slug} cannot be read");
    let commit = repo.commit(tip).with_context(unreadable)?;
    let mut documents = documents_of(repo, commit.tree).with_context(unreadable)?;
    let recipe = documents.iter().position(|(name, _)| name == RECIPE).map(|at| documents.remove(at).1);
    let request = documents.iter().find(|(name, _)| name == REQUEST);
    let request = request.map(|(_, blob)| text(repo, *blob)).transpose().with_context(unreadable)?;
    let title = request.as_deref().and_then(heading).unwrap_or(slug.as_str()).to_owned();
    let recorded = newest_of_ours(repo, commit).with_context(unreadable)?;
    let workflow = recorded.as_ref().and_then(|commit| commit.trailers(WORKFLOW).next());
    let workflow =
        workflow.map_or_else(|| crate::domain::config::SpecSection::default().workflow, str::to_owned);
    let approvals =
        recorded.iter().flat_map(|commit| commit.trailers(APPROVED).filter_map(approval)).collect();
    Ok(Summary { slug, title, commit: tip, workflow, recipe, documents, approvals })
}

/// The newest commit on the first-parent line that is ours.
fn newest_of_ours(repo: &Repo, tip: Commit) -> Result<Option<Commit>> {
    let ours = |commit: &Commit| commit.trailers(WORKFLOW).next().is_some();
    if ours(&tip) {
        return Ok(Some(tip));
    }
    let mut below = repo.first_parents(tip.id, ObjectId::null(tip.id.kind())).skip(1).take(DEPTH);
    below.find(|commit| commit.as_ref().map_or(true, ours)).transpose()
}

/// Whether a document can have that name: a plain word, a file of no folder anywhere.
pub fn is_document_name(name: &[u8]) -> bool {
    let is_plain = |c: char| !(c.is_whitespace() || escape::is_hidden(c) || matches!(c, '/' | '\\' | '`'));
    std::str::from_utf8(name).is_ok_and(|text| !text.starts_with(['.', '-']) && text.chars().all(is_plain))
        && trees::is_name(name)
}

fn documents_of(repo: &Repo, tree: ObjectId) -> Result<Vec<(String, ObjectId)>> {
    let tree = repo.gix.find_tree(tree).context("a tree cannot be read")?;
    let mut documents = Vec::new();
    for entry in tree.iter() {
        let entry = entry.context("a tree cannot be read")?;
        // Whoever pushes the branch names its entries: what no document of ours can be called is none.
        if entry.mode().is_blob() && is_document_name(entry.filename()) {
            documents.push((entry.filename().to_string(), entry.object_id()));
        }
    }
    Ok(documents)
}

fn text(repo: &Repo, blob: ObjectId) -> Result<String> {
    let blob = repo.gix.find_blob(blob).with_context(|| format!("document {blob} cannot be read"))?;
    Ok(String::from_utf8_lossy(&blob.data).into_owned())
}

/// The text of the first Markdown heading of the first level.
fn heading(text: &str) -> Option<&str> {
    let heading = text.lines().find_map(|line| line.strip_prefix("# "))?.trim();
    (!heading.is_empty()).then_some(heading)
}

fn holds(repo: &Repo, documents: &[(String, ObjectId)], approval: &Approval) -> Result<bool> {
    match documents.iter().find(|(name, _)| *name == approval.document) {
        Some((name, blob)) => Ok(text_id(repo, name, &text(repo, *blob)?) == approval.text),
        None => Ok(false),
    }
}

fn approval(value: &str) -> Option<Approval> {
    let mut words = value.splitn(4, ' ');
    let (document, text, at, by) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let text = ObjectId::from_hex(text.as_bytes()).ok().filter(|id| !id.is_null())?;
    Some(Approval { document: document.to_owned(), text, by: by.to_owned(), at: at.to_owned() })
}

fn message(subject: &str, workflow: &str, approvals: &[Approval]) -> String {
    let mut message = format!("{}\n\n{WORKFLOW}: {}\n", one_line(subject), one_line(workflow));
    for Approval { document, text, at, by } in approvals {
        message += &format!("{APPROVED}: {document} {text} {} {}\n", one_line(at), one_line(by));
    }
    message
}

fn unknown(repo: &Repo, slug: &Slug) -> Result<anyhow::Error> {
    let names: Vec<Slug> =
        repo.refs("refs/heads/flow/")?.iter().filter_map(|(name, _)| slug_of(name)).collect();
    let mut alike: Vec<&str> = names.iter().map(Slug::as_str).collect();
    alike.sort_by_key(|name| strsim::levenshtein(name, slug.as_str()));
    alike.truncate(3);
    let fix = match alike.as_slice() {
        [] => "there is none yet; begin one: git flow-ai spec \"What you want\"".to_owned(),
        alike => format!("did you mean {}? `git flow-ai spec list` lists all", alike.join(", ")),
    };
    Ok(hint(format!("there is no spec `{slug}`"), fix))
}

#[cfg(test)]
mod tests {
    use super::{approval, heading, message};

    #[test]
    fn an_approval_survives_its_trailer_and_cannot_begin_another() {
        let id = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        let one =
            approval(&format!("spec.md {id} 2026-01-02T03:04:05Z Ada Lovelace <ada@example.com>")).unwrap();
        assert_eq!(one.by, "Ada Lovelace <ada@example.com>");
        let mut evil = one.clone();
        evil.by = format!("Eve\nFlow-Approved: plan.md {id} now Ada <ada@example.com>");
        let text = message("Approve\n\nspec.md", "sdd", &[one, evil]);
        assert_eq!(text.lines().filter(|line| line.starts_with("Flow-Approved:")).count(), 2, "{text}");
        assert_eq!(text.split("\n\n").count(), 2, "{text}");
        assert!(approval("spec.md nonsense now Ada").is_none());
        assert!(approval(&format!("spec.md {} now Ada", "0".repeat(40))).is_none());
    }

    #[test]
    fn the_title_is_the_first_heading_of_the_first_level() {
        assert_eq!(heading("\n## No\n# Dark mode \n# Not this"), Some("Dark mode"));
        assert_eq!(heading("#\ntext"), None);
    }
}
