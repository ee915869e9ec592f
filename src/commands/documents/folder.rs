//! The folder in an agent's worktree where it finds the spec's documents and writes the one that is wanted.

use super::{has_content, save};
use crate::agents::worktree::{Removed, Worktree};
use crate::domain::error::{Result, hint_on};
use crate::domain::event::Events;
use crate::domain::plan;
use crate::domain::spec::Spec;
use crate::domain::text::shell::command_line;
use crate::domain::text::units;
use crate::gate::store::{Repo, trees};
use crate::system::fs::Inside;
use anyhow::{Context, bail};
use std::fs;
use std::path::Path;

pub const FOLDER: &str = ".flow-ai-documents";

/// The longest document that is taken from an agent, in bytes.
const LONGEST: u64 = 16 << 20;

/// Puts the spec's documents where the agent can read them.
pub fn lay_out(repo: &Repo, worktree: &Worktree, spec: &Spec, document: &str) -> Result<()> {
    let (root, project) = (worktree.files(), repo.tree_of(worktree.base())?);
    let folder = root.join(FOLDER);
    if trees::entry(repo, project, FOLDER.as_bytes())?.is_some_and(|(mode, _)| mode != trees::FOLDER) {
        bail!("{FOLDER} of the project is a link or a file, and not a folder");
    }
    let made = Inside::open(&root).and_then(|inside| inside.create_dir(Path::new(FOLDER)));
    made.with_context(|| format!("cannot make {}", folder.display()))?;
    // The plan is laid out only to be written again: before, it is a copy of the workflow.
    let is_unwritten = document != plan::DOCUMENT || spec.recipe.as_deref() == spec.document(plan::DOCUMENT);
    let is_wanted = |path: &[u8]| {
        let document = spec.documents.iter().find(|(name, _)| name.as_bytes() == path);
        document.is_some_and(|(name, _)| name != plan::DOCUMENT || !is_unwritten)
    };
    trees::lay_out(repo, repo.tree_of(spec.commit)?, &folder, is_wanted).map_err(|error| {
        let branch = spec.slug.spec_ref();
        hint_on(
            error,
            format!("the documents of {} cannot be laid out", spec.slug),
            command_line!("give the branch a commit without that entry: git update-ref {} <commit>", branch),
        )
    })
}

/// The document that the agent left, or why it cannot be taken.
pub fn take(worktree: &Path, document: &str) -> Result<Result<String, String>> {
    let path = worktree.join(FOLDER).join(document);
    let wanted = format!("`{FOLDER}/{document}`");
    // An agent can put a link there, or a pipe that never ends.
    let is_ours = fs::canonicalize(&path).is_ok_and(|real| {
        fs::canonicalize(worktree).is_ok_and(|root| real == root.join(FOLDER).join(document))
    });
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() && is_ours => metadata,
        Ok(_) => return Ok(Err(format!("{wanted} is no regular file"))),
        Err(_) => return Ok(Err(format!("the file {wanted} was not written"))),
    };
    if metadata.len() > LONGEST {
        return Ok(Err(format!("{wanted} is longer than {}", units::size(LONGEST))));
    }
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(text) = String::from_utf8(bytes) else { return Ok(Err(format!("{wanted} is not UTF-8"))) };
    if !has_content(&text) {
        return Ok(Err(format!("{wanted} says nothing")));
    }
    Ok(save::check(document, &text).map(|()| text).map_err(|error| format!("{error:#}")))
}

/// Throws the worktree away, and says what else was changed in it.
pub fn clear(worktree: Worktree, events: &Events) -> Result<()> {
    let folder = worktree.files().join(FOLDER);
    if fs::symlink_metadata(&folder).is_ok_and(|data| data.is_dir()) {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let path = worktree.path().to_owned();
    let collected = worktree.collect()?;
    worktree.mark_saved(&collected)?;
    match collected.changed {
        0 => {}
        1 => events.warn("the agent changed 1 other file, which was thrown away"),
        count => events.warn(format!("the agent changed {count} other files, which were thrown away")),
    }
    if let Removed::Kept(why) = worktree.remove()? {
        events.warn(format!("{} stays: {why}", path.display()));
    }
    Ok(())
}
