//! Processes that outlived the run that started them, because it was killed.
//!
//! They carry our mark, and they are known by the folder that they were started in or are in. On
//! systems without `/proc` nobody can look for them, and they end by themselves.

use std::path::Path;

/// Kills what a dead run left at work in that folder, and returns how many processes that were.
#[cfg(target_os = "linux")]
pub fn end_strays(dir: &Path) -> usize {
    use rustix::process::{Pid, Signal, kill_process};
    use std::collections::BTreeSet;
    let mut killed = BTreeSet::new();
    // One that forks while it is killed is met again.
    for _ in 0..20 {
        let found = linux::at_work_in(dir);
        if found.is_empty() {
            break;
        }
        for pid in found {
            if let Some(pid) = Pid::from_raw(pid) {
                // It may have ended by itself meanwhile.
                let _ = kill_process(pid, Signal::KILL);
            }
            killed.insert(pid);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    killed.len()
}

/// Kills what a dead run left at work in that folder, and returns how many processes that were.
#[cfg(not(target_os = "linux"))]
pub fn end_strays(dir: &Path) -> usize {
    let _ = dir;
    0
}

#[cfg(target_os = "linux")]
mod linux {
    use super::super::MARK;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};

    /// The living processes with our mark that were started in the folder, or are in it.
    pub fn at_work_in(dir: &Path) -> Vec<i32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| is_at_work_in(*pid, dir)).collect()
    }

    fn is_at_work_in(pid: i32, dir: &Path) -> bool {
        // A process that is not ours to look into is not ours to end; a dead one has no environment.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
        let mut marked = false;
        let mut here = false;
        for variable in environment.split(|byte| *byte == 0) {
            marked |= variable.strip_prefix(MARK.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
            here |= variable.strip_prefix(b"PWD=").is_some_and(|pwd| pwd == dir.as_os_str().as_bytes());
        }
        let is_in =
            || fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd: PathBuf| cwd.starts_with(dir));
        marked && (here || is_in())
    }
}
