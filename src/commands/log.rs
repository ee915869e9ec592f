//! `git flow-ai log`: which transcript is meant, and its bytes, also while they are being written.

use super::run::{Transcript, is_under_way, transcripts};
use crate::domain::error::{Result, hint};
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::gate::store::{Repo, specs};
use anyhow::Context;
use std::fs::File;
use std::io::Read;
use std::thread;
use std::time::Duration;

/// How long a follower waits before it looks again.
const PAUSE: Duration = Duration::from_millis(300);

/// The transcripts of a task that are wanted.
#[derive(Debug)]
pub struct Filter {
    pub task: String,
    /// That attempt; the newest without one.
    pub attempt: Option<u32>,
    /// The reviewer's instead of the agent's.
    pub review: bool,
}

impl Filter {
    fn matches(&self, transcript: &Transcript) -> bool {
        transcript.task == self.task
            && transcript.review == self.review
            && self.attempt.is_none_or(|attempt| transcript.attempt == attempt)
    }
}

/// The transcripts of that spec or of all specs, the oldest first.
pub fn list(repo: &Repo, slug: Option<&Slug>) -> Result<Vec<(Slug, Transcript)>> {
    let slugs = match slug {
        Some(slug) => vec![slug.clone()],
        None => specs::summaries(repo)?.into_iter().map(|spec| spec.slug).collect(),
    };
    let mut all = Vec::new();
    for slug in slugs {
        all.extend(transcripts(repo, &slug)?.into_iter().map(|transcript| (slug.clone(), transcript)));
    }
    Ok(all)
}

/// Opens the newest transcript that the filter matches.
pub fn open(repo: &Repo, slug: Option<&Slug>, filter: Filter, follow: bool) -> Result<Reader> {
    let task = &filter.task;
    let mut found = list(repo, slug)?;
    found.retain(|(_, transcript)| filter.matches(transcript));
    let Some((slug, newest)) = found.last() else {
        return Err(hint(
            format!("there is no such transcript of `{task}`"),
            "git flow-ai log lists what there is",
        ));
    };
    if let Some((other, _)) = found.iter().find(|(other, _)| other != slug) {
        return Err(hint(
            format!("`{task}` is a task of {other} and of {slug}"),
            command_line!("name the spec: git flow-ai log {} {}", slug, task),
        ));
    }
    let (slug, transcript, file) = (slug.clone(), newest.clone(), open_file(newest)?);
    Ok(Reader { slug, filter, follow, transcript, file, is_new: true, is_last_look: false })
}

/// Reads a transcript; a follower goes on with newer ones until no run of the spec is under way.
pub struct Reader {
    slug: Slug,
    filter: Filter,
    follow: bool,
    transcript: Transcript,
    file: File,
    /// Whether the transcript has not been announced yet.
    is_new: bool,
    /// Whether the run was over before the file was read to its end.
    is_last_look: bool,
}

/// What a [`Reader`] reads.
#[derive(Debug)]
pub enum Piece {
    Begin(Transcript),
    /// The next bytes of it.
    Bytes(Vec<u8>),
}

impl Reader {
    /// The next piece, once there is one; `None` at the end.
    pub fn next(&mut self, repo: &Repo) -> Result<Option<Piece>> {
        if std::mem::take(&mut self.is_new) {
            return Ok(Some(Piece::Begin(self.transcript.clone())));
        }
        loop {
            let mut bytes = vec![0; 64 * 1024];
            let count = self.file.read(&mut bytes)?;
            if count > 0 {
                bytes.truncate(count);
                return Ok(Some(Piece::Bytes(bytes)));
            }
            if !self.follow {
                return Ok(None);
            }
            let newest = transcripts(repo, &self.slug)?.into_iter().rfind(|one| self.filter.matches(one));
            if let Some(newer) = newest.filter(|newest| newest.path != self.transcript.path) {
                self.file = open_file(&newer)?;
                self.transcript = newer.clone();
                return Ok(Some(Piece::Begin(newer)));
            }
            if self.is_last_look {
                return Ok(None);
            }
            // What was written before the run ended is read once more.
            self.is_last_look = !is_under_way(repo, &self.slug);
            if !self.is_last_look {
                thread::sleep(PAUSE);
            }
        }
    }
}

fn open_file(transcript: &Transcript) -> Result<File> {
    File::open(&transcript.path).with_context(|| format!("cannot read {}", transcript.path.display()))
}
