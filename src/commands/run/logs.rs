//! The agents' transcripts, as [`super::journal`] lays them out: `<run>/<task>.<attempt>[.review].log`; and
//! the end of journals that have had their time.

use super::lock::{Lock, is_under_way};
use super::{Run, journal};
use crate::commands::recover;
use crate::domain::config::Keep;
use crate::domain::error::Result;
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::system::fs::disk_usage::{THOROUGH, measure};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The run's id; ids sort by time.
    pub run: String,
    pub task: String,
    pub attempt: u32,
    /// Whether it is that of the review.
    pub review: bool,
    pub path: PathBuf,
}

/// All transcripts of a spec here, oldest first.
pub fn transcripts(repo: &Repo, slug: &Slug) -> Result<Vec<Transcript>> {
    let mut found = Vec::new();
    for dir in journal::runs(repo, slug)? {
        let run = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut own: Vec<Transcript> = fs::read_dir(&dir)?
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let (task, attempt, review) = parse(&name)?;
                Some(Transcript { run: run.clone(), task, attempt, review, path: entry.path() })
            })
            .collect();
        own.sort_by(|a, b| (&a.task, a.attempt, a.review).cmp(&(&b.task, b.attempt, b.review)));
        found.append(&mut own);
    }
    Ok(found)
}

/// Deletes journals with their transcripts that are older than is kept, and beyond the size the oldest;
/// returns their folders. The newest of a spec that is there still is kept, as is all of a spec whose run
/// is under way (`held` is our own).
pub fn expire(repo: &Repo, keep: Keep, held: Option<&Slug>, dry_run: bool) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(repo.common_dir().join("flow-ai/runs")) else { return Ok(Vec::new()) };
    let mut old = Vec::new();
    // Held until the journals are gone, so that no run begins meanwhile.
    let mut locks = HashMap::new();
    let mut bytes = 0;
    for entry in entries.flatten() {
        let Ok(slug) = entry.file_name().to_string_lossy().parse::<Slug>() else { continue };
        let mut runs = journal::runs(repo, &slug)?;
        bytes += measure(&entry.path(), THOROUGH).bytes;
        if held != Some(&slug) {
            if is_under_way(repo, &slug) {
                continue;
            }
            match Lock::take(repo, &slug) {
                Ok(lock) => drop(locks.insert(slug.clone(), lock)),
                Err(_) => continue,
            }
        }
        // The run that holds the lock is the newest of its spec, as is the one that the user looks at last.
        if held == Some(&slug) || repo.find_ref(&slug.spec_ref())?.is_some() {
            runs.pop();
        }
        old.extend(runs.into_iter().map(|run| (age(&run), run)));
    }
    old.sort_by(|a, b| b.cmp(a));
    let mut gone = Vec::new();
    for (age, run) in old {
        if age <= keep.age && bytes <= keep.bytes {
            continue;
        }
        bytes = bytes.saturating_sub(measure(&run, THOROUGH).bytes);
        if !dry_run {
            fs::remove_dir_all(&run)?;
            // The spec's own folder, once it is empty.
            let _ = run.parent().map(fs::remove_dir);
        }
        gone.push(run);
    }
    Ok(gone)
}

/// Ends what has had its time, in the trash and among the journals. What cannot be deleted is told, and
/// stops nothing.
pub(super) fn tidy(run: &Run) {
    let keep = run.loaded.config.run.keep;
    let told = match recover::expire(&run.repo, keep, false) {
        Ok(gone) => gone.into_iter().filter_map(|(_, resists)| resists).collect(),
        Err(error) => vec![format!("the trash is left as it is: {error:#}")],
    };
    let journals = expire(&run.repo, keep, Some(run.slug()), false).err();
    for what in told.into_iter().chain(journals.map(|error| format!("old journals stay: {error:#}"))) {
        run.events.warn(what);
    }
}

/// How long ago anything in the folder was written last. A clock that was set back makes nothing old.
fn age(dir: &Path) -> Duration {
    let written = |path: &Path| path.symlink_metadata().and_then(|data| data.modified()).ok();
    let inside = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|entry| written(&entry.path()));
    let newest = inside.chain(written(dir)).max().unwrap_or_else(SystemTime::now);
    newest.elapsed().unwrap_or_default()
}

/// Task, attempt, and whether it is a review's.
fn parse(name: &str) -> Option<(String, u32, bool)> {
    let stem = name.strip_suffix(".log")?;
    let (stem, review) = match stem.strip_suffix(".review") {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    let (task, attempt) = stem.rsplit_once('.')?;
    Some((task.to_owned(), attempt.parse().ok()?, review))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_of_transcripts_are_read_back() {
        assert_eq!(parse("api.2.log"), Some(("api".into(), 2, false)));
        assert_eq!(parse("api.v1.12.review.log"), Some(("api.v1".into(), 12, true)));
        assert_eq!(parse("events.jsonl"), None);
        assert_eq!(parse("api.log"), None);
    }
}
