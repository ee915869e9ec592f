//! A change as it is gathered for its reviewers.
//!
//! Everything comes from the two trees and from those of the commits between them, read in a git
//! directory of our own, so that nothing in the repository can hide a part.

use super::files::{self, File};
use super::history;
use crate::domain::change::Change;
use crate::domain::digest;
use crate::domain::error::Result;
use crate::domain::text::escape::{self, Hidden};
use crate::domain::text::lookalike;
use crate::domain::verdict::{Severity, ShownWay};
use crate::gate::store::trees::{Changed, Merger};
use crate::gate::store::{Repo, submodules};
use anyhow::Context;
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What reviewers are to judge, and what their requests need to know.
#[derive(Debug)]
pub struct Material {
    pub(super) files: Vec<File>,
    /// The whole difference, and after it what the commits add and take away again.
    pub(super) diff: String,
    /// Where the whole difference ends.
    pub(super) net: usize,
    /// What the record says of the commits.
    pub(super) way: Option<ShownWay>,
    pub(super) hidden: Hidden,
    /// What looks like something else or cannot be seen, each with path and line.
    pub(super) lookalikes: Vec<String>,
    /// The paths whose content is data that is not shown.
    pub(super) opaque: Vec<String>,
    pub(super) target: String,
    pub(super) title: String,
    pub(super) intent: String,
    /// What its commits say; empty if that is the title and nothing more.
    pub(super) messages: String,
    pub(super) instructions: String,
    pub(super) block: Vec<Severity>,
    /// How many bytes a request may have.
    pub(super) budget: usize,
    /// How many requests there may be.
    pub(super) most: usize,
}

/// Reads the change off the two trees. The inner error says in one sentence why it cannot be judged.
pub fn gather(repo: &Repo, request: &super::Request<'_>) -> Result<Result<Material, String>> {
    let change = request.change;
    let config = &request.loaded.config;
    let (budget, most) = (config.review.budget, config.review.parts);
    let room = budget.saturating_mul(most);
    let shown = match show(repo, change, room)? {
        Ok(shown) => shown,
        Err(why) => return Ok(Err(why)),
    };
    if shown.files.is_empty() {
        return Ok(Err("there is nothing to review: no file differs".into()));
    }
    if shown.diff.len() > room {
        return Ok(Err(too_many(shown.diff.len().div_ceil(budget), most)));
    }
    let way = shown.way(change);
    let ShownChange { files, diff, net, mut hidden, opaque, logs } = shown;
    let words = messages(repo, change)? + &logs;
    let (messages, hidden_in_messages) = escape::for_review(words.as_bytes());
    for (what, times) in hidden_in_messages {
        *hidden.entry(what).or_default() += times;
    }
    let lookalikes = lookalike::find(&diff);
    let material = Material {
        files,
        diff,
        net,
        way,
        hidden,
        lookalikes,
        opaque,
        target: request.target.to_owned(),
        title: escape::for_review(change.title.as_bytes()).0,
        intent: escape::for_review(request.intent.text.as_bytes()).0,
        messages,
        instructions: config.review.instructions.clone().unwrap_or_default(),
        block: config.gate.block.clone(),
        budget,
        most,
    };
    Ok(Ok(material))
}

/// The messages of a change's commits, parents first: they enter the history with it.
fn messages(repo: &Repo, change: &Change) -> Result<String> {
    let mut text = String::new();
    for id in &change.commits {
        let commit = repo.commit(*id)?;
        let message = commit.message.trim_end();
        if change.commits.len() == 1 && message == change.title {
            break;
        }
        let merge = if commit.parents.len() > 1 { " (a merge)" } else { "" };
        text.push_str(&format!("commit {}{merge}\n{message}\n\n", id.to_hex_with_len(10)));
    }
    Ok(text)
}

/// A change as it is shown.
#[derive(Debug)]
pub struct ShownChange {
    /// The changed files, and those that only commits on the way touch.
    pub files: Vec<File>,
    /// See [`Material::diff`].
    pub diff: String,
    pub net: usize,
    pub hidden: Hidden,
    /// The paths whose content is data that is not shown.
    pub opaque: Vec<String>,
    /// The logs of the submodules that it moves, as far as they are here.
    pub logs: String,
}

/// Shows a change; of more than about so many bytes of its commits' own, not all. The inner error says in one
/// sentence why it cannot be shown.
pub fn show(repo: &Repo, change: &Change, most: usize) -> Result<Result<ShownChange, String>> {
    let merger = Merger::new(repo);
    let sealed = merger.sealed()?;
    let (base, head) = (change.base_tree, change.head_tree);
    let changed = sealed.changed(base, head).context("cannot list the files of the change")?;
    let diff = sealed.diff(base, head, &[]).context("cannot compute the difference")?;
    let history = history::gather(repo, &merger, change, &changed, &diff, most)
        .context("cannot compute what the commits change by themselves")?;
    let logs = submodule_logs(repo, head, &changed)?;
    let mut files = files::read(sealed, &changed, |changed| logs.contains_key(&changed.path))?;
    let logs = logs.into_values().collect();
    let in_the_end: Vec<&[u8]> = changed.iter().map(|changed| changed.path.as_slice()).collect();
    let only_on_the_way = history.paths.iter().filter(|(path, _)| !in_the_end.contains(&path.as_slice()));
    files.extend(only_on_the_way.map(|(_, name)| File::as_before(name.clone())));
    files.sort_by(|one, two| one.path.cmp(&two.path));
    if let Some(pair) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Ok(Err(format!("two changed paths cannot be told apart: {}", pair[0].path)));
    }
    let opaque: BTreeSet<String> = history::opaque(&diff).chain(history::opaque(&history.text)).collect();
    let (mut diff, mut hidden) = escape::for_review(&diff);
    let (on_the_way, also_hidden) = escape::for_review(&history.text);
    for (what, times) in also_hidden {
        *hidden.entry(what).or_default() += times;
    }
    let net = diff.len();
    diff.push_str(&on_the_way);
    let opaque = opaque.into_iter().collect();
    Ok(Ok(ShownChange { files, diff, net, hidden, opaque, logs }))
}

/// What the commits say by which submodules move, by path, as far as these are here.
fn submodule_logs(repo: &Repo, tree: ObjectId, changed: &[Changed]) -> Result<BTreeMap<Vec<u8>, String>> {
    let mut logs = BTreeMap::new();
    for changed in changed {
        let (Some((files::SUBMODULE, old)), Some((files::SUBMODULE, new))) = (changed.old, changed.new)
        else {
            continue;
        };
        if let Some(log) = submodules::log(repo, tree, &changed.path, old, new)? {
            let (path, old, new) = (changed.display(), old.to_hex_with_len(10), new.to_hex_with_len(10));
            logs.insert(changed.path.clone(), format!("submodule {path} {old}...{new}\n{log}\n"));
        }
    }
    Ok(logs)
}

impl ShownChange {
    /// What the record says of the commits that were shown; `None` if there are none to show.
    pub fn way(&self, change: &Change) -> Option<ShownWay> {
        let history = &self.diff[self.net..];
        (!change.commits.is_empty()).then(|| ShownWay {
            commits: change.commits.clone(),
            sha256: digest::sha256(history),
            bytes: history.len() as u64,
        })
    }
}

impl Material {
    /// Where the whole difference stands.
    pub(super) fn difference(&self) -> Range<usize> {
        0..self.net
    }

    /// Where it stands what the commits add and take away again.
    pub(super) fn history(&self) -> Range<usize> {
        self.net..self.diff.len()
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

pub(super) fn too_many(needed: usize, most: usize) -> String {
    format!(
        "the change takes at least {needed} requests of review.budget to show, more than the {most} of \
         review.parts: split it, or raise one of them in {}",
        crate::domain::config::PATH
    )
}
