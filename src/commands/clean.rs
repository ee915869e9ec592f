//! Removal of what is merged, and only that.
//!
//! A spec is removed if all its tasks are done, and its result and their branches are in the target, by
//! commit; its own branch moves to `refs/flow-ai/archive/<slug>/spec`, so that its documents and approvals
//! stay. A worktree of ours goes if its process has died and it holds nothing that is nowhere else; with what
//! is nowhere else it goes only if asked for, and then to the trash, from which [`crate::commands::recover`]
//! restores it. What is in the trash, and journals, expire by age and size. What was judged is no longer kept
//! once it is in a protected branch, or if its verdict is old. What stands among the notes and no reader takes
//! for one goes, and every record stays. What stays is listed with the reason. What we did not make is never
//! touched.

use crate::agents::worktree::{Removed, Worktree, Worktrees};
use crate::commands::recover;
use crate::commands::run::{self, Lock};
use crate::domain::config::Keep;
use crate::domain::error::Result;
use crate::domain::plan;
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::NOTES_REF;
use crate::gate::store::{Expected, Repo, config, keep, specs, verdicts};
use crate::system::process::orphans;
use gix::ObjectId;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// How long what was judged waits to be let in.
const JUDGED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// One thing that was examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CleanItem {
    pub kind: CleanKind,
    /// Its name: a branch, a folder.
    pub name: String,
    /// Why it is kept; `None` if it is removed.
    pub kept: Option<String>,
    /// Its id in the trash, from which it can be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trash: Option<String>,
}

impl CleanItem {
    fn new(kind: CleanKind, name: String, kept: Option<String>) -> CleanItem {
        CleanItem { kind, name, kept, trash: None }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct CleanOptions {
    /// Only say what would go.
    pub dry_run: bool,
    /// Move worktrees to the trash also with what is nowhere else.
    pub trash: bool,
}

/// What can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CleanKind {
    /// A spec with its branches.
    Spec,
    /// A branch of a merged spec.
    Branch,
    /// A worktree that a run left.
    Worktree,
    /// A run's journal, with the transcripts.
    Log,
    /// Something in the trash, for good.
    Trash,
    /// What an earlier removal could not delete.
    Remains,
    /// What was judged, kept from garbage collection.
    Judged,
    /// What stands among the notes and is none.
    Malformed,
    /// A ref among what was judged that is nothing of the kind.
    Misplaced,
}

/// Removes what can be of these specs, or of all.
pub fn clean(repo: &Repo, slugs: &[Slug], options: CleanOptions) -> Result<Vec<CleanItem>> {
    let CleanOptions { dry_run, .. } = options;
    let mut items = Vec::new();
    let wanted = match slugs {
        [] => specs::summaries(repo)?.into_iter().map(|spec| spec.slug).collect(),
        slugs => slugs
            .iter()
            .map(|slug| specs::read(repo, slug).map(|spec| spec.slug))
            .collect::<Result<Vec<_>>>()?,
    };
    let target = repo.target()?;
    let config = config::load(repo, &target)?.config;
    let worktrees = Worktrees::new(repo, &config)?;
    remove_worktrees(&worktrees, &wanted, slugs.is_empty(), options, &mut items)?;
    for slug in &wanted {
        spec(repo, slug, &target, dry_run, &mut items)?;
    }
    if slugs.is_empty() {
        expire(repo, config.run.keep, dry_run, &mut items)?;
        if !dry_run {
            worktrees.sweep_checkouts(true)?;
            let resisting = worktrees.finish_deletions();
            items.extend(
                resisting.into_iter().map(|why| CleanItem::new(CleanKind::Remains, String::new(), Some(why))),
            );
        }
        judged(repo, &target, dry_run, &mut items)?;
        malformed(repo, dry_run, &mut items)?;
    }
    Ok(items)
}

/// Worktrees whose process has died.
fn remove_worktrees(
    worktrees: &Worktrees,
    wanted: &[Slug],
    all: bool,
    options: CleanOptions,
    items: &mut Vec<CleanItem>,
) -> Result<()> {
    for worktree in worktrees.leftovers()? {
        let slug = worktree.name().split('.').next().unwrap_or_default().to_owned();
        if all || wanted.iter().any(|wanted| wanted.as_str() == slug) {
            items.push(remove_worktree(worktree, &slug, options));
        }
    }
    Ok(())
}

/// One of them. An error keeps it, and no other.
fn remove_worktree(worktree: Worktree, slug: &str, options: CleanOptions) -> CleanItem {
    let name = worktree.path().display().to_string();
    // With that neither a run nor the trash has anything to do.
    if let Ok(Some(why)) = worktree.not_ours() {
        return CleanItem::new(CleanKind::Worktree, name, Some(why));
    }
    let fix =
        command_line!("git flow-ai run {} commits it, git flow-ai clean --trash moves it to the trash", slug);
    let outcome = match options {
        CleanOptions { dry_run: true, .. } => worktree.unsaved().map(|why| (why, None)),
        CleanOptions { trash, .. } => {
            orphans::end_in(worktree.path());
            match trash {
                true => to_trash(worktree),
                false => worktree.remove().map(|removed| match removed {
                    Removed::Gone => (None, None),
                    Removed::Kept(why) => (Some(why), None),
                }),
            }
        }
    };
    match outcome {
        Ok((kept, trash)) => {
            let kept = kept.map(|why| format!("{why}; {fix}"));
            CleanItem { trash, ..CleanItem::new(CleanKind::Worktree, name, kept) }
        }
        Err(error) => CleanItem::new(CleanKind::Worktree, name, Some(format!("{error:#}; {fix}"))),
    }
}

/// Removes it, to the trash where it holds something. Returns why it stays, and its id in the trash.
fn to_trash(worktree: Worktree) -> Result<(Option<String>, Option<String>)> {
    // What cannot even be looked through is kept whole.
    let holds = worktree.unsaved().unwrap_or_else(|error| Some(format!("{error:#}")));
    match holds.filter(|_| worktree.is_there()) {
        None => match worktree.remove()? {
            Removed::Gone => Ok((None, None)),
            Removed::Kept(why) => Ok((Some(why), None)),
        },
        holds => Ok((None, Some(worktree.move_to_trash("git flow-ai clean --trash", holds)?.id))),
    }
}

/// One spec, if it is merged.
fn spec(repo: &Repo, slug: &Slug, target: &str, dry_run: bool, items: &mut Vec<CleanItem>) -> Result<()> {
    let mut item = |kind, name: String, kept| items.push(CleanItem::new(kind, name, kept));
    // Locked while branches go, so that no run begins meanwhile.
    let lock = Lock::take(repo, slug);
    let branches = repo.refs(&slug.task_ref(""))?;
    let kept = match &lock {
        Err(error) => Some(error.to_string()),
        Ok(_) => obstacle(repo, slug, target, &branches)?,
    };
    if kept.is_some() {
        item(CleanKind::Spec, slug.to_string(), kept);
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
        item(CleanKind::Branch, name.trim_start_matches("refs/heads/").to_owned(), None);
    }
    item(CleanKind::Spec, slug.to_string(), None);
    Ok(())
}

/// Why a spec must stay; `None` if all of it is in the target.
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
    // A plan that cannot be read any more says nothing; its branches said enough.
    let open = plan.and_then(Result::ok).map(|plan| plan.tasks).unwrap_or_default();
    let open: Vec<&str> = open.iter().filter(|task| !task.done).map(|task| task.id.as_str()).collect();
    if !open.is_empty() {
        let open = open.join(", ");
        return Ok(Some(format!(
            "not done yet: {open}; tick or remove them: {}",
            command_line!("git flow-ai plan {}", slug)
        )));
    }
    let taken = run::checked_out(repo, slug)?;
    Ok(taken.map(|name| format!("{name} is checked out")))
}

/// Moves the spec's branch out of sight.
pub(super) fn archive(repo: &Repo, slug: &Slug, tip: ObjectId) -> Result<()> {
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

/// What is in the trash, and journals, once they have had their time; and what cannot be deleted.
fn expire(repo: &Repo, keep: Keep, dry_run: bool, items: &mut Vec<CleanItem>) -> Result<()> {
    for (found, resists) in recover::expire(repo, keep, dry_run)? {
        items.push(CleanItem::new(CleanKind::Trash, format!("{} ({})", found.id, found.goes_to), resists));
    }
    for run in run::expire_journals(repo, keep, None, dry_run)? {
        items.push(CleanItem::new(CleanKind::Log, run.display().to_string(), None));
    }
    Ok(())
}

/// What stands among the notes and is none; every record stays.
fn malformed(repo: &Repo, dry_run: bool, items: &mut Vec<CleanItem>) -> Result<()> {
    let Some(tip) = repo.find_ref(NOTES_REF)? else { return Ok(()) };
    let faults = verdicts::faults(repo, None, tip)?;
    if !faults.is_empty() && !dry_run {
        verdicts::heal(repo)?;
    }
    items.extend(faults.into_iter().map(|fault| CleanItem::new(CleanKind::Malformed, fault, None)));
    Ok(())
}

/// What was judged and is in a protected branch now, or was judged long ago.
fn judged(repo: &Repo, target: &str, dry_run: bool, items: &mut Vec<CleanItem>) -> Result<()> {
    let protected = repo.protected_branches(&config::load(repo, target)?.config.gate)?;
    let mut tips = Vec::new();
    for branch in protected.iter().map(String::as_str).chain([target]) {
        tips.extend(repo.find_ref(&format!("refs/heads/{branch}"))?);
    }
    let oldest = Timestamp::now().saturating_sub(JUDGED)?.as_second();
    let (mut gone, mut alone) = (keep::misplaced(repo)?, Vec::new());
    let misplaced = gone.iter().map(|(name, _)| CleanItem::new(CleanKind::Misplaced, name.clone(), None));
    items.extend(misplaced);
    for kept in keep::all(repo)? {
        let mut is_in = false;
        for (tip, head) in tips.iter().flat_map(|tip| kept.parents.iter().map(move |head| (*tip, *head))) {
            is_in = is_in || repo.is_ancestor(head, tip)?;
        }
        if is_in || kept.time < oldest {
            items.push(CleanItem::new(CleanKind::Judged, kept.id.to_hex_with_len(12).to_string(), None));
            if !is_in && recover::is_in_no_branch(repo, kept.parents.first().copied().unwrap_or(kept.id))? {
                alone.push(kept.id);
            }
            gone.push((kept.name, kept.id));
        }
    }
    if dry_run {
        return Ok(());
    }
    // Old, and in no branch any more: the user who deleted that may still want it.
    for id in alone {
        let name = format!("{}judged/{}", recover::RECOVERED, id.to_hex_with_len(12));
        if repo.find_ref(&name)?.is_none() {
            repo.set_ref(&name, id, Expected::Missing, "judged long ago")?;
        }
    }
    repo.delete_refs(&gone)
}
