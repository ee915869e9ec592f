//! Removing what is merged, and only that.
//!
//! A spec is removed when all its tasks are done, and its result and their branches are in the target, by
//! commit; its own
//! branch moves to `refs/flow-ai/archive/<slug>/spec`, so that its documents and approvals stay. A
//! worktree of ours goes when its process has died and it holds nothing that is nowhere else. What was
//! judged is no longer kept once it is in a protected branch, or when its verdict is old. What stays is
//! told with the reason. Nothing that we did not make is ever touched.

use crate::error::Result;
use crate::plan;
use crate::process;
use crate::run::{self, Lock};
use crate::spec::Slug;
use crate::store::{Expected, Repo, config, keep, specs};
use crate::worktree::{Removed, Worktrees};
use gix::ObjectId;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long the logs of removed specs stay.
const LOGS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long what was judged waits to be let in.
const JUDGED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its name: a branch, a folder.
    pub name: String,
    /// Why it is kept; none: it is removed.
    pub kept: Option<String>,
}

/// What can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A spec with its branches.
    Spec,
    /// A branch of a merged spec.
    Branch,
    /// A worktree that a run left.
    Worktree,
    /// The logs of a spec that is gone.
    Log,
    /// What was judged, kept from garbage collection.
    Judged,
}

/// Removes what can be of these specs, or of all; with `dry_run` only says so.
pub fn clean(repo: &Repo, slugs: &[Slug], dry_run: bool) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let wanted = match slugs {
        [] => specs::summaries(repo)?.into_iter().map(|spec| spec.slug).collect(),
        slugs => slugs
            .iter()
            .map(|slug| specs::read(repo, slug).map(|spec| spec.slug))
            .collect::<Result<Vec<_>>>()?,
    };
    let target = repo.target()?;
    worktrees(repo, &target, &wanted, slugs.is_empty(), dry_run, &mut items)?;
    for slug in &wanted {
        spec(repo, slug, &target, dry_run, &mut items)?;
    }
    if slugs.is_empty() {
        logs(repo, dry_run, &mut items)?;
        judged(repo, &target, dry_run, &mut items)?;
    }
    Ok(items)
}

/// Worktrees whose process has died.
fn worktrees(
    repo: &Repo,
    target: &str,
    wanted: &[Slug],
    all: bool,
    dry_run: bool,
    items: &mut Vec<Item>,
) -> Result<()> {
    let config = config::load(repo, target)?.config;
    for worktree in Worktrees::of(repo, &config)?.leftovers()? {
        let slug = worktree.name().split('.').next().unwrap_or_default().to_owned();
        if !all && !wanted.iter().any(|wanted| wanted.as_str() == slug) {
            continue;
        }
        let name = worktree.path().display().to_string();
        let kept = match dry_run {
            true => worktree.unsaved()?,
            false => {
                process::end_strays(worktree.path());
                match worktree.remove()? {
                    Removed::Gone => None,
                    Removed::Kept(why) => Some(why),
                }
            }
        };
        let kept = kept.map(|why| format!("{why}; git flow-ai run {slug} commits them"));
        items.push(Item { kind: Kind::Worktree, name, kept });
    }
    Ok(())
}

/// One spec, if it is merged.
fn spec(repo: &Repo, slug: &Slug, target: &str, dry_run: bool, items: &mut Vec<Item>) -> Result<()> {
    let mut item = |kind, name: String, kept| items.push(Item { kind, name, kept });
    // Held while branches go, so that no run begins meanwhile.
    let lock = Lock::take(repo, slug);
    let branches = repo.refs(&slug.task_ref(""))?;
    let kept = match &lock {
        Err(error) => Some(error.to_string()),
        Ok(_) => obstacle(repo, slug, target, &branches)?,
    };
    if kept.is_some() {
        item(Kind::Spec, slug.to_string(), kept);
        return Ok(());
    }
    for (name, tip) in &branches {
        let is_spec = *name == slug.spec_ref();
        if !dry_run {
            if is_spec {
                archive(repo, slug, *tip)?;
            }
            repo.delete_ref(name, *tip)?;
        }
        item(Kind::Branch, name.trim_start_matches("refs/heads/").to_owned(), None);
    }
    item(Kind::Spec, slug.to_string(), None);
    Ok(())
}

/// Why a spec must stay; none when all of it is in the target.
fn obstacle(
    repo: &Repo,
    slug: &Slug,
    target: &str,
    branches: &[(String, ObjectId)],
) -> Result<Option<String>> {
    let Some(tip) = repo.find_ref(&format!("refs/heads/{target}"))? else {
        return Ok(Some(format!("{target} has no commit yet")));
    };
    if !branches.iter().any(|(name, _)| *name == slug.result_ref()) {
        return Ok(Some("it has no result yet".into()));
    }
    for (name, head) in branches.iter().filter(|(name, _)| *name != slug.spec_ref()) {
        if !repo.is_ancestor(*head, tip)? {
            let short = name.trim_start_matches("refs/heads/");
            return Ok(Some(format!("{short} has commits that {target} has not")));
        }
    }
    let plan = specs::read(repo, slug)?.document(plan::DOCUMENT).map(plan::parse);
    // A plan that cannot be read any more tells nothing; its branches told enough.
    let open = plan.and_then(Result::ok).map(|plan| plan.tasks).unwrap_or_default();
    let open: Vec<&str> = open.iter().filter(|task| !task.done).map(|task| task.id.as_str()).collect();
    if !open.is_empty() {
        let open = open.join(", ");
        return Ok(Some(format!("not done yet: {open}; tick or remove them: git flow-ai plan {slug}")));
    }
    let taken = run::checked_out(repo, slug)?;
    Ok(taken.map(|name| format!("{name} is checked out")))
}

/// Moves the spec's branch out of sight.
fn archive(repo: &Repo, slug: &Slug, tip: ObjectId) -> Result<()> {
    let mut name = format!("refs/flow-ai/archive/{slug}/spec");
    let mut number = 2;
    // An earlier spec of that name has been archived.
    while let Some(earlier) = repo.find_ref(&name)? {
        if earlier == tip {
            return Ok(());
        }
        name = format!("refs/flow-ai/archive/{slug}/spec.{number}");
        number += 1;
    }
    repo.set_ref(&name, tip, Expected::Missing, "archive")
}

/// The logs of specs that are gone, thirty days after they were last written.
fn logs(repo: &Repo, dry_run: bool, items: &mut Vec<Item>) -> Result<()> {
    let Ok(entries) = fs::read_dir(repo.common_dir().join("flow-ai/runs")) else { return Ok(()) };
    for entry in entries.flatten() {
        let Ok(slug) = entry.file_name().to_string_lossy().parse::<Slug>() else { continue };
        if repo.find_ref(&slug.spec_ref())?.is_some() || !is_old(&entry.path()) {
            continue;
        }
        if !dry_run {
            fs::remove_dir_all(entry.path())?;
        }
        items.push(Item { kind: Kind::Log, name: entry.path().display().to_string(), kept: None });
    }
    Ok(())
}

/// What was judged and is in a protected branch now, or was judged long ago.
fn judged(repo: &Repo, target: &str, dry_run: bool, items: &mut Vec<Item>) -> Result<()> {
    let protected = config::load(repo, target)?.config.gate.branches;
    let mut tips = Vec::new();
    for branch in protected.iter().map(String::as_str).chain([target]) {
        tips.extend(repo.find_ref(&format!("refs/heads/{branch}"))?);
    }
    let oldest = Timestamp::now().saturating_sub(JUDGED)?.as_second();
    let mut gone = Vec::new();
    for kept in keep::all(repo)? {
        let mut is_in = false;
        for (tip, head) in tips.iter().flat_map(|tip| kept.parents.iter().map(move |head| (*tip, *head))) {
            is_in = is_in || repo.is_ancestor(head, tip)?;
        }
        if is_in || kept.time < oldest {
            items.push(Item {
                kind: Kind::Judged,
                name: kept.id.to_hex_with_len(12).to_string(),
                kept: None,
            });
            gone.push((kept.name, kept.id));
        }
    }
    if dry_run { Ok(()) } else { repo.delete_refs(&gone) }
}

/// Whether nothing in the folder was written in the last thirty days.
fn is_old(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    entries.flatten().all(|entry| {
        let path = entry.path();
        let age = path.symlink_metadata().ok().and_then(|data| data.modified().ok()?.elapsed().ok());
        age.is_some_and(|age| age > LOGS) && (!path.is_dir() || is_old(&path))
    })
}
