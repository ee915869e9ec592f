//! Processes that outlived the run that started them, because it was killed.
//!
//! They are known by the run's mark, which every process inherits that does not wipe its environment; by
//! the number and moment at which we started them, which no other process shares; by the folder of ours
//! that they work in, if they carry any mark of ours. What they started is ended with them, and nothing
//! else is touched.

use super::Pid;
use super::identity::Identity;
use super::table::{self, Row};
use rustix::process::{Pid as SystemPid, Signal, kill_process};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long processes may take to die; one that waits for a disk can be slow.
const PATIENCE: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(5);

/// What the processes of dead runs are known by.
#[derive(Debug, Default)]
pub struct Traces {
    /// The marks of those runs.
    pub marks: Vec<String>,
    /// The processes that they are known to have started.
    pub processes: Vec<Identity>,
    /// Folders in which only they worked.
    pub folders: Vec<PathBuf>,
}

/// Kills the orphans that work in that folder, and returns how many there were.
pub fn end_in(dir: &Path) -> usize {
    let (killed, _) = Traces { folders: vec![dir.to_owned()], ..Traces::default() }.end();
    killed
}

impl Traces {
    /// Kills the processes that these lead to. Returns how many there were, and those that cannot be killed.
    pub fn end(&self) -> (usize, Vec<Pid>) {
        let mut killed = BTreeSet::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            // One that forks while it is killed is found in the next round.
            let found = self.found(&table::rows(), &table::boot());
            if found.is_empty() || Instant::now() >= deadline {
                return (killed.len(), found.into_iter().collect());
            }
            for pid in found {
                if let Some(system) = SystemPid::from_raw(pid) {
                    // It may have ended by itself meanwhile.
                    let _ = kill_process(system, Signal::KILL);
                }
                killed.insert(pid);
            }
            thread::sleep(PAUSE);
        }
    }

    /// The living processes that these lead to, with all that those started.
    fn found(&self, rows: &[Row], boot: &str) -> BTreeSet<Pid> {
        let own = ourselves(rows);
        let may = |row: &&Row| !own.contains(&row.pid);
        let mut found: BTreeSet<Pid> =
            rows.iter().filter(may).filter(|row| self.lead_to(row, boot)).map(|row| row.pid).collect();
        loop {
            let before = found.len();
            let below = rows.iter().filter(may).filter(|row| found.contains(&row.parent)).map(|row| row.pid);
            found.extend(below.collect::<Vec<_>>());
            if found.len() == before {
                return found;
            }
        }
    }

    fn lead_to(&self, row: &Row, boot: &str) -> bool {
        let is_started =
            |known: &Identity| known.pid == row.pid && known.started == row.started && known.boot == boot;
        if self.processes.iter().any(is_started) {
            return true;
        }
        let Some(mark) = &row.mark else { return false };
        let is_marked = mark.split('.').any(|part| self.marks.iter().any(|own| own == part));
        is_marked || self.folders.iter().any(|dir| row.folders.iter().any(|at| at.starts_with(dir)))
    }
}

/// We and our ancestors: an agent of a dead run may have started this process.
fn ourselves(rows: &[Row]) -> BTreeSet<Pid> {
    let mut own = BTreeSet::new();
    let mut next = Pid::try_from(std::process::id()).ok();
    while let Some(pid) = next.filter(|pid| own.insert(*pid)) {
        next = rows.iter().find(|row| row.pid == pid).map(|row| row.parent);
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pid: Pid, parent: Pid, mark: Option<&str>, folder: &str) -> Row {
        Row { pid, parent, started: "7".into(), mark: mark.map(str::to_owned), folders: vec![folder.into()] }
    }

    #[test]
    fn only_what_a_dead_run_started_is_found_wherever_it_went() {
        let rows = [
            row(101, 1, Some("run.aa"), "/"),
            row(102, 101, None, "/"),
            row(103, 102, None, "/"),
            row(104, 1, Some("outer.bb.run.cc"), "/tmp"),
            row(105, 1, Some("other.dd"), "/wt/a/deep"),
            row(106, 1, None, "/wt/a"),
            row(107, 1, Some("runner.ee"), "/wt/ab"),
            row(108, 1, None, "/"),
            row(109, 1, None, "/"),
        ];
        let known =
            |pid, started: &str, boot: &str| Identity { pid, started: started.into(), boot: boot.into() };
        let traces = Traces {
            marks: vec!["run".into()],
            processes: vec![known(108, "7", "now"), known(109, "6", "now"), known(107, "7", "before")],
            folders: vec!["/wt/a".into()],
        };
        assert_eq!(traces.found(&rows, "now"), BTreeSet::from([101, 102, 103, 104, 105, 108]));
    }

    #[test]
    fn neither_we_nor_who_waits_for_us_is_ended() {
        let own = Pid::try_from(std::process::id()).unwrap();
        let rows =
            [row(own, 50, Some("run"), "/"), row(50, 1, Some("run"), "/"), row(60, 50, Some("run"), "/")];
        let traces = Traces { marks: vec!["run".into()], ..Traces::default() };
        assert_eq!(traces.found(&rows, "now"), BTreeSet::from([60]));
    }
}
