//! A run's journal: every event in `<common git dir>/flow-ai/runs/<slug>/<run>/events.jsonl`, with the
//! agents' transcripts beside it.
//!
//! It is written before what it tells of goes on, is local and can be deleted at any time: what is
//! done is read off refs and notes. One thing only it knows: attempts that left nothing to commit. It
//! may repeat what agents have seen, so only its owner may read it.

use super::limits::Limits;
use crate::error::Result;
use crate::event::{Event, Events, LimitKind, What};
use crate::spec::{Slug, Spec};
use crate::store::Repo;
use anyhow::Context;
use gix::ObjectId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The version of the journal's lines.
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    run: String,
    spec: String,
    /// The commit that the spec began with: another spec may have had the name before. Older journals
    /// do not tell.
    #[serde(default)]
    begun: Option<String>,
    pid: u32,
    /// The tasks whose attempts count from here on.
    retry: Vec<String>,
}

/// What of a line is read back.
#[derive(Debug, Deserialize)]
struct Line {
    event: String,
    #[serde(default)]
    task: Option<String>,
    #[serde(default)]
    attempt: Option<u32>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    limit: Option<LimitKind>,
    #[serde(default)]
    why: Option<String>,
    #[serde(default)]
    until: Option<Timestamp>,
}

/// The journal of a run under way.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
}

/// The folder of a spec's journals.
pub fn folder(repo: &Repo, slug: &Slug) -> PathBuf {
    repo.common_dir().join("flow-ai/runs").join(slug.as_str())
}

/// The runs of a spec, oldest first: their ids sort by time.
pub fn runs(repo: &Repo, slug: &Slug) -> Result<Vec<PathBuf>> {
    let folder = folder(repo, slug);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", folder.display())),
    };
    let mut runs = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    runs.retain(|run| run.is_dir());
    runs.sort();
    Ok(runs)
}

impl Journal {
    /// Begins one, and returns the events that are written to it before they are told.
    pub fn begin(
        repo: &Repo,
        spec: &Spec,
        run: &str,
        retry: &[String],
        events: &Events,
    ) -> Result<(Journal, Events)> {
        let dir = folder(repo, &spec.slug).join(run);
        let path = dir.join("events.jsonl");
        let context = || format!("cannot write the run's journal {}", path.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).with_context(context)?;
        let mut file =
            File::options().create_new(true).append(true).mode(0o600).open(&path).with_context(context)?;
        let head = Head {
            version: VERSION,
            run: run.to_owned(),
            spec: spec.slug.to_string(),
            begun: Some(begun(repo, spec)?),
            pid: std::process::id(),
            retry: retry.to_vec(),
        };
        write_line(&mut file, &head).with_context(context)?;
        let told = events.clone();
        let state = Mutex::new((file, false));
        let recorded = events.recorded(move |event: &Event| {
            let Ok(mut state) = state.lock() else { return };
            let (file, failed) = &mut *state;
            if let Err(error) = write_line(file, event)
                && !std::mem::replace(failed, true)
            {
                // The work itself does not depend on it; a full disk will show where it matters.
                told.warn(format!("the run's journal cannot be written: {error}"));
            }
        });
        Ok((Journal { dir }, recorded))
    }

    /// The transcript of an attempt; of its review.
    pub fn transcript(&self, task: &str, attempt: u32, review: bool) -> PathBuf {
        let review = if review { ".review" } else { "" };
        self.dir.join(format!("{task}.{attempt}{review}.log"))
    }
}

/// The first commit of a spec's branch.
fn begun(repo: &Repo, spec: &Spec) -> Result<String> {
    let mut first = spec.commit;
    for commit in repo.first_parents(spec.commit, ObjectId::null(spec.commit.kind())) {
        first = commit?.id;
    }
    Ok(first.to_string())
}

fn write_line(file: &mut File, value: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    // In one write, so that a reader beside us never sees half a line of a living run.
    file.write_all(&line)
}

/// The attempts of a spec's tasks that ended, since somebody last asked for fresh ones.
#[derive(Debug, Default, Clone)]
pub struct History {
    ended: BTreeMap<String, BTreeSet<u32>>,
    /// Per task, the run since which attempts count.
    since: BTreeMap<String, String>,
    /// Per task, the highest number of an attempt that ever ended.
    highest: BTreeMap<String, u32>,
    /// Per task, the attempt of which the last word was that it had ended and its files were being
    /// committed, with its ending.
    harvesting: BTreeMap<String, (u32, String)>,
    /// Per agent, the limit that it met last: its kind, what the agent said, when it passes.
    limits: BTreeMap<String, (LimitKind, String, Timestamp)>,
}

impl History {
    /// What the journals of the spec's earlier runs tell. A line that cannot be read tells nothing.
    pub fn read(repo: &Repo, spec: &Spec) -> Result<History> {
        let mut history = History::default();
        let begun = begun(repo, spec)?;
        for run in runs(repo, &spec.slug)? {
            history.add(&run, &begun);
        }
        Ok(history)
    }

    fn add(&mut self, run: &Path, begun: &str) {
        let Ok(file) = File::open(run.join("events.jsonl")) else { return };
        let mut lines = BufReader::new(file).split(b'\n').map_while(|line| line.ok());
        let Some(head) = lines.next().and_then(|line| serde_json::from_slice::<Head>(&line).ok()) else {
            return;
        };
        if head.version != VERSION || head.begun.is_some_and(|told| told != begun) {
            return;
        }
        self.forget(&head.retry, &head.run);
        if !head.retry.is_empty() {
            self.limits.clear();
        }
        for line in lines {
            let Ok(Line { event, task: Some(task), attempt, state, detail, agent, limit, why, until }) =
                serde_json::from_slice(&line)
            else {
                continue;
            };
            self.harvesting.remove(&task);
            if let (Some(agent), Some(limit), Some(until)) = (agent, limit, until) {
                self.limits.insert(agent, (limit, why.unwrap_or_default(), until));
            }
            match (event.as_str(), attempt) {
                ("attempt-finished", Some(attempt)) => self.ended(&task, attempt),
                ("state", Some(attempt)) if state.as_deref() == Some("harvesting") => {
                    self.harvesting.insert(task, (attempt, detail.unwrap_or_default()));
                }
                _ => {}
            }
        }
    }

    /// Attempts of these tasks count from that run on.
    pub fn forget(&mut self, tasks: &[String], run: &str) {
        for task in tasks {
            self.ended.remove(task);
            self.since.insert(task.clone(), run.to_owned());
        }
    }

    /// An attempt ended.
    pub fn ended(&mut self, task: &str, attempt: u32) {
        self.ended.entry(task.to_owned()).or_default().insert(attempt);
        let highest = self.highest.entry(task.to_owned()).or_default();
        *highest = (*highest).max(attempt);
    }

    /// The same for an attempt that a commit of that run tells of; it does not count when the run was
    /// before the fresh start.
    pub fn committed(&mut self, task: &str, attempt: u32, run: &str) {
        let counts = self.since.get(task).is_none_or(|since| run >= since.as_str());
        self.ended(task, attempt);
        if !counts && let Some(ended) = self.ended.get_mut(task) {
            ended.remove(&attempt);
        }
    }

    /// The attempt that had ended when the run was killed before its files were committed, and how it
    /// had ended.
    pub fn harvesting(&self, task: &str) -> Option<(u32, String)> {
        self.harvesting.get(task).cloned()
    }

    /// Tells the limits that are still in force.
    pub fn recall_limits(&self, limits: &mut Limits, now: Timestamp) {
        for (agent, (kind, why, until)) in &self.limits {
            limits.recall(agent, *kind, why, *until, now);
        }
    }

    /// How many attempts ended.
    pub fn made(&self, task: &str) -> u32 {
        self.ended.get(task).map_or(0, |ended| u32::try_from(ended.len()).unwrap_or(u32::MAX))
    }

    /// The number of the next attempt. One that was interrupted has not ended, so its number is given
    /// again.
    pub fn next(&self, task: &str) -> u32 {
        self.highest.get(task).map_or(1, |highest| highest + 1)
    }
}

/// The event that makes an attempt count.
pub fn attempt_finished(attempt: u32, ending: &str, commit: Option<ObjectId>) -> What {
    What::AttemptFinished { attempt, ending: ending.to_owned(), commit: commit.map(|id| id.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::History;

    #[test]
    fn an_attempt_counts_once_whoever_tells_of_it_and_not_after_a_fresh_start() {
        let mut history = History::default();
        assert_eq!((history.made("a"), history.next("a")), (0, 1));
        history.ended("a", 1);
        history.committed("a", 1, "20260101");
        assert_eq!((history.made("a"), history.next("a")), (1, 2));
        history.ended("a", 2);
        history.forget(&["a".into()], "20260102");
        assert_eq!((history.made("a"), history.next("a")), (0, 3));
        history.committed("a", 2, "20260101");
        history.committed("a", 3, "20260102");
        assert_eq!((history.made("a"), history.next("a")), (1, 4));
        assert_eq!(history.made("b"), 0);
    }
}
