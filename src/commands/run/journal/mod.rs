//! A run's journal: every event in `<common git dir>/flow-ai/runs/<slug>/<run>/events.jsonl`, with the
//! agents' transcripts beside it.
//!
//! A line is written before what it says goes on; before what cannot be taken back (a branch that moves,
//! a folder that goes) it is on the disk as well. So the next run knows of everything that a killed one
//! may have done or left: attempts that ended, commits that no branch has, processes. The journal is
//! local and can be deleted at any time: what is done is read off refs and notes. It may repeat what
//! agents have seen, so only its owner may read it.

#[cfg(debug_assertions)]
mod failpoint;
mod history;
pub mod leftover_processes;

pub use history::History;

use crate::domain::error::{Result, hint_on};
use crate::domain::event::{Event, Events, What};
use crate::domain::spec::{Slug, Spec};
use crate::gate::store::Repo;
use crate::system::fs::temporary;
use crate::system::mark::own_mark;
use crate::system::process::identity::Identity;
use anyhow::Context;
use gix::ObjectId;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The version of the journal's lines.
const VERSION: u32 = 1;

/// The longest first line that is read, in bytes: of a file that is none of ours we read no more.
const LONGEST_HEAD: u64 = 1 << 20;

/// What the first line of any version has.
#[derive(Debug, Deserialize)]
struct AnyHead {
    version: u32,
    #[serde(default)]
    order: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    run: String,
    spec: String,
    /// Its place among the spec's runs, from 1, whatever the clock says.
    order: u64,
    /// The commit that the spec began with: another spec may have had the name before.
    begun: String,
    /// The process; `None` if the system does not identify it.
    process: Option<Identity>,
    /// What marks every process that it starts.
    mark: String,
    /// Where it makes temporary folders.
    temporary: PathBuf,
    /// The tasks whose attempts count from here on.
    retry: Vec<String>,
}

/// What is done next, and cannot be taken back or may be found half done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// The set-up command runs in a worktree.
    SetUp { folder: String },
    /// The task's branch moves to that commit, which is in no ref yet.
    Commit { commit: String, attempt: u32 },
    /// The result moves to that commit, which brings the task in.
    Merge { commit: String },
    /// A worktree is removed.
    Remove { folder: String },
    /// The task's attempts count from here on.
    Fresh,
}

/// A line that is written before an effect.
#[derive(Debug, Serialize, Deserialize)]
struct Before {
    at: Timestamp,
    task: String,
    #[serde(flatten)]
    effect: Effect,
}

/// Any line but the first.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Before(Before),
    Event(Event),
}

/// The journal of a run under way. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    dir: PathBuf,
    pen: Arc<Mutex<Pen>>,
}

/// The folder of a spec's journals.
pub fn folder(repo: &Repo, slug: &Slug) -> PathBuf {
    repo.common_dir().join("flow-ai/runs").join(slug.as_str())
}

/// The runs of a spec, oldest first. Their ids sort by time, but a clock can be set back: where journals
/// tell their order, that counts.
pub fn runs(repo: &Repo, slug: &Slug) -> Result<Vec<PathBuf>> {
    let folder = folder(repo, slug);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", folder.display())),
    };
    let mut runs = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    // Those of other people, in a shared repository, are not ours to read.
    runs.retain(|run| fs::read_dir(run).is_ok());
    runs.sort_by_cached_key(|run| (head(run).map_or(0, |head: AnyHead| head.order), run.clone()));
    Ok(runs)
}

/// The first line of a run's journal; `None` if there is none that we can read.
fn head<T: DeserializeOwned>(run: &Path) -> Option<T> {
    let file = File::open(run.join("events.jsonl")).ok()?;
    let mut line = Vec::new();
    BufReader::new(io::Read::take(file, LONGEST_HEAD)).read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

impl Journal {
    /// Begins one, the next after those of that history, and returns the events that are written to it
    /// before anything else happens.
    pub fn begin(
        repo: &Repo,
        spec: &Spec,
        run: &str,
        retry: &[String],
        history: &History,
        events: &Events,
    ) -> Result<(Journal, Events)> {
        let dir = repo.own_folder(&format!("runs/{}", spec.slug))?.join(run);
        let path = dir.join("events.jsonl");
        let context = || format!("cannot write the run's journal {}", path.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).with_context(context)?;
        let file =
            File::options().create_new(true).append(true).mode(0o600).open(&path).with_context(context)?;
        let head = Head {
            version: VERSION,
            run: run.to_owned(),
            spec: spec.slug.to_string(),
            order: history.last_order() + 1,
            begun: begun(repo, spec)?,
            process: Identity::own(),
            mark: own_mark()?,
            temporary: temporary::root(),
            retry: retry.to_vec(),
        };
        let mut pen = Pen { file, torn: false, failed: false };
        // Nothing may be started that the next run could not find.
        pen.write(&head, true).map_err(|error| full_or_not(error, &path))?;
        let pen = Arc::new(Mutex::new(pen));
        let (told, shared) = (events.clone(), pen.clone());
        let recorded = events.recorded(move |event: &Event| {
            let mut pen = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let counts = matches!(event.what, What::AttemptFinished { .. });
            if let Err(error) = pen.write(event, counts)
                && !std::mem::replace(&mut pen.failed, true)
            {
                // The work itself does not depend on it; a full disk will show where it matters.
                told.warn(format!("the run's journal cannot be written: {error}"));
            }
        });
        Ok((Journal { dir, pen }, recorded))
    }

    /// Writes down what is done next. If that fails, it must not be done: the next run would not know.
    pub fn before(&self, task: &str, effect: Effect) -> Result<()> {
        let lasting = !matches!(effect, Effect::SetUp { .. });
        let line = Before { at: Timestamp::now(), task: task.to_owned(), effect };
        let mut pen = self.pen.lock().unwrap_or_else(PoisonError::into_inner);
        pen.write(&line, lasting).map_err(|error| full_or_not(error, &self.dir.join("events.jsonl")))
    }

    /// The transcript of an attempt; of its review.
    pub fn transcript(&self, task: &str, attempt: u32, review: bool) -> PathBuf {
        let review = if review { ".review" } else { "" };
        self.dir.join(format!("{task}.{attempt}{review}.log"))
    }
}

#[derive(Debug)]
struct Pen {
    file: File,
    /// Whether the last line may have no end, since the disk was full.
    torn: bool,
    /// Whether a warning has said that it cannot be written.
    failed: bool,
}

impl Pen {
    /// Writes a line; with `lasting` it is on the disk when this returns.
    fn write(&mut self, value: &impl Serialize, lasting: bool) -> io::Result<()> {
        #[cfg(debug_assertions)]
        failpoint::point();
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        if self.torn {
            line.insert(0, b'\n');
        }
        // In one write, so that a reader beside us never sees half a line of a living run.
        self.torn = true;
        self.file.write_all(&line)?;
        self.torn = false;
        if lasting {
            self.file.sync_data()?;
        }
        #[cfg(debug_assertions)]
        failpoint::point();
        Ok(())
    }
}

fn full_or_not(error: io::Error, path: &Path) -> anyhow::Error {
    let is_full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let fix = match is_full {
        true => "make room on that disk, and run again: nothing is lost",
        false => "see that it can be written to, and run again: nothing is lost",
    };
    let message = format!("the run's journal {} cannot be written: {error}", path.display());
    hint_on(error.into(), message, fix)
}

/// The first commit of a spec's branch.
fn begun(repo: &Repo, spec: &Spec) -> Result<String> {
    let mut first = spec.commit;
    for commit in repo.first_parents(spec.commit, ObjectId::null(spec.commit.kind())) {
        first = commit?.id;
    }
    Ok(first.to_string())
}
