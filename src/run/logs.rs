//! The agents' transcripts, as [`super::journal`] lays them out: `<run>/<task>.<attempt>[.review].log`.

use super::journal;
use crate::error::Result;
use crate::spec::Slug;
use crate::store::Repo;
use std::fs;
use std::path::PathBuf;

/// One transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The run's id; ids sort by time.
    pub run: String,
    /// The task's id.
    pub task: String,
    /// Which attempt.
    pub attempt: u32,
    /// Whether it is that of the review.
    pub review: bool,
    /// The file.
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
