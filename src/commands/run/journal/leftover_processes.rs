//! What the processes are known by that dead runs of a spec may have left.
//!
//! Read before anything else, and of every journal: a process that is still at work does not care which
//! spec has the name by now.

use super::{Head, head, runs};
use crate::domain::error::Result;
use crate::domain::event::{Event, What};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::system::process::identity::Identity;
use crate::system::process::orphans::Traces;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How much of a journal's end is looked at for the line that says that the run came to its end.
const TAIL: u64 = 4 << 10;

/// What runs left that did not come to their end.
#[derive(Debug)]
pub struct Remains {
    /// What their processes are known by.
    pub traces: Traces,
    /// When the first of them began.
    pub since: SystemTime,
    /// Where they made temporary folders, each with the mark in their names.
    pub temporary: Vec<(PathBuf, String)>,
}

/// What dead runs left; `None` if all came to their end. Only for the holder of the spec's lock: else they
/// may be alive.
pub fn read(repo: &Repo, slug: &Slug) -> Result<Option<Remains>> {
    let mut found: Option<Remains> = None;
    for run in runs(repo, slug)? {
        let (Some(head), false) = (head::<Head>(&run), is_over(&run)) else { continue };
        if head.process.as_ref().is_some_and(Identity::is_alive) {
            // This repository is a copy of one in which it is at work.
            continue;
        }
        let began = run.metadata()?.created().or_else(|_| run.metadata()?.modified())?;
        let remains = found.get_or_insert_with(|| Remains {
            traces: Traces::default(),
            since: began,
            temporary: Vec::new(),
        });
        remains.since = began.min(remains.since);
        remains.traces.processes.extend(processes(&run));
        remains.temporary.push((head.temporary, head.mark.clone()));
        remains.traces.marks.push(head.mark);
    }
    Ok(found)
}

/// Where the newest run made temporary folders, with the mark in their names; `None` if it is alive. It may have
/// been killed after the last line of its journal.
pub fn temporary_of_last(repo: &Repo, slug: &Slug) -> Result<Option<(PathBuf, String)>> {
    let Some(head) = runs(repo, slug)?.last().and_then(|run| head::<Head>(run)) else { return Ok(None) };
    let is_alive = head.process.as_ref().is_some_and(Identity::is_alive);
    Ok((!is_alive).then_some((head.temporary, head.mark)))
}

fn is_over(run: &Path) -> bool {
    let Ok(mut file) = File::open(run.join("events.jsonl")) else { return true };
    let mut end = Vec::new();
    let from = file.metadata().map_or(0, |data| data.len().saturating_sub(TAIL));
    let read = file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut end));
    let last = end.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap_or_default();
    let event = serde_json::from_slice::<Event>(last);
    read.is_ok() && event.is_ok_and(|event| matches!(event.what, What::RunFinished { .. }))
}

/// The processes that a journal names.
fn processes(run: &Path) -> Vec<Identity> {
    let Ok(file) = File::open(run.join("events.jsonl")) else { return Vec::new() };
    let lines = BufReader::new(file).split(b'\n').map_while(std::result::Result::ok);
    let named = lines.filter(|line| line.windows(PROCESS.len()).any(|part| part == PROCESS));
    named.filter_map(|line| serde_json::from_slice(&line).ok()).collect()
}

/// What the lines of processes have in them.
const PROCESS: &[u8] = br#""activity":"process""#;
