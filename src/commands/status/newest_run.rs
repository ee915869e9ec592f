//! What is under way: the lock says whether, the journal says what.

use crate::agents::cli::summary;
use crate::commands::run;
use crate::domain::error::Result;
use crate::domain::event::{Event, TaskState, What};
use crate::gate::store::Repo;
use crate::system::fs::lock;
use anyhow::Context;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How much of a journal's end says how its tasks ended, in bytes.
const END: u64 = 64 << 10;

/// The newest run of a spec.
#[derive(Debug, Clone, Serialize)]
pub struct NewestRun {
    pub run: String,
    pub under_way: bool,
    /// Whether it came to its end; else it was killed, or the machine went down.
    pub finished: bool,
    pub since: Option<Timestamp>,
    /// Its folder, with the journal and the agents' transcripts.
    pub folder: PathBuf,
    /// What its tasks were doing last, by id.
    pub tasks: IndexMap<String, TaskActivity>,
}

/// What a task was doing last.
#[derive(Debug, Clone, Serialize)]
pub struct TaskActivity {
    pub state: TaskState,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Who was at work.
    pub agent: String,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// Why it is said to be in that state: what was seen; empty where nothing has to be said.
    pub evidence: String,
    /// When anything was heard of it last.
    pub heard: Timestamp,
    /// Until when it waits, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How it ended; `None` while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// The newest run of a spec; `None` if there was none here.
pub(super) fn find(repo: &Repo, slug: &str) -> Result<Option<NewestRun>> {
    let own = repo.common_dir().join("flow-ai");
    let Some(folder) = slug.parse().ok().and_then(|slug| run::runs(repo, &slug).ok()?.pop()) else {
        return Ok(None);
    };
    let mut live = NewestRun {
        run: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        under_way: lock::is_held(&own.join(format!("locks/{slug}.lock"))),
        finished: false,
        since: None,
        tasks: IndexMap::new(),
        folder,
    };
    let journal = live.folder.join("events.jsonl");
    let Ok(file) = fs::File::open(&journal) else {
        return Ok(Some(live));
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.with_context(|| format!("cannot read {}", journal.display()))?;
        // A line may be half written, in the middle of a character too, and newer versions tell more
        // than we know.
        if let Ok(event) = serde_json::from_slice::<Event>(&line) {
            live.apply(event);
        }
    }
    Ok(Some(live))
}

/// How the tasks of the newest run of a spec ended, by id; empty if it did not come to its end. Only the end of its
/// journal is read, where that stands.
pub(super) fn outcomes(repo: &Repo, slug: &str) -> HashMap<String, String> {
    let folder = slug.parse().ok().and_then(|slug| run::runs(repo, &slug).ok()?.pop());
    let Some(text) = folder.and_then(|folder| end_of(&folder.join("events.jsonl")).ok()) else {
        return HashMap::new();
    };
    let (mut outcomes, mut finished) = (HashMap::new(), false);
    for event in
        text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Event>(line).ok())
    {
        match (event.task, event.what) {
            (Some(task), What::TaskFinished { outcome, .. }) => drop(outcomes.insert(task, outcome)),
            (_, What::RunFinished { .. }) => finished = true,
            _ => {}
        }
    }
    if finished { outcomes } else { HashMap::new() }
}

fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut text = Vec::new();
    file.take(END).read_to_end(&mut text)?;
    Ok(text)
}

impl NewestRun {
    fn apply(&mut self, event: Event) {
        self.since.get_or_insert(event.at);
        self.finished |= matches!(event.what, What::RunFinished { .. });
        let Some(task) = event.task else { return };
        match event.what {
            What::State { state, attempt, agent, detail } => {
                let heard = match state {
                    // Nothing was heard: that is the news.
                    TaskState::Quiet => self.tasks.get(&task).map_or(event.at, |before| before.heard),
                    _ => event.at,
                };
                let (since, until, outcome) = (event.at, None, None);
                let now =
                    TaskActivity { state, attempt, agent, since, evidence: detail, heard, until, outcome };
                self.tasks.insert(task, now);
            }
            What::Parked { until, .. } => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.until = Some(until);
                }
            }
            What::Activity(activity) => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.heard = event.at;
                    // What is waited for stays the evidence of waiting.
                    if let Some(seen) = summary(&activity).filter(|_| task.until.is_none()) {
                        task.evidence = seen;
                    }
                }
            }
            What::Output { line } => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.heard = event.at;
                    task.evidence = line;
                }
            }
            What::TaskFinished { outcome, .. } => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.outcome = Some(outcome);
                }
            }
            _ => {}
        }
    }
}
