//! All living processes, as far as we may look into them.

use super::Pid;
use crate::system::mark::MARK;
use std::path::PathBuf;

#[derive(Debug, Clone, Default)]
pub struct Row {
    pub pid: Pid,
    pub parent: Pid,
    /// When it started, as the system prints it.
    pub started: String,
    /// The mark in its environment; `None` if it has none, or we may not look into it.
    pub mark: Option<String>,
    /// The folders that it was started in and is in.
    pub folders: Vec<PathBuf>,
}

#[cfg(target_os = "linux")]
pub use linux::{boot, rows, started};

#[cfg(not(target_os = "linux"))]
pub use ps::{boot, rows, started};

#[cfg(target_os = "linux")]
mod linux {
    use super::{MARK, Pid, Row};
    use crate::system::process::stat::Stat;
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    /// The moment at which a living process started, in ticks since the boot.
    pub fn started(pid: Pid) -> Option<String> {
        Some(living(pid)?.started.to_string())
    }

    /// The boot that we live in, and the namespace that our numbers are from.
    pub fn boot() -> String {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        format!("{} {}", boot.trim(), namespace.display())
    }

    pub fn rows() -> Vec<Row> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(row).collect()
    }

    fn living(pid: Pid) -> Option<Stat> {
        Stat::read(pid).filter(|stat| !stat.has_ended())
    }

    fn row(pid: Pid) -> Option<Row> {
        let stat = living(pid)?;
        let mut row = Row { pid, parent: stat.parent, started: stat.started.to_string(), ..Row::default() };
        // A process that we may not look into is not one that we started.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        for variable in environment.split(|byte| *byte == 0) {
            if let Some(mark) = variable.strip_prefix(MARK.as_bytes()).and_then(|v| v.strip_prefix(b"=")) {
                row.mark = Some(String::from_utf8_lossy(mark).into_owned());
            } else if let Some(folder) = variable.strip_prefix(b"PWD=") {
                row.folders.push(PathBuf::from(OsStr::from_bytes(folder)));
            }
        }
        if row.mark.is_some() {
            row.folders.extend(fs::read_link(format!("/proc/{pid}/cwd")));
        }
        Some(row)
    }
}

#[cfg(not(target_os = "linux"))]
mod ps {
    use super::{MARK, Pid, Row};
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    /// How many words `lstart` has: `Sat Nov 21 15:24:38 2026`.
    const DATE: usize = 5;

    /// The date at which a living process started.
    pub fn started(pid: Pid) -> Option<String> {
        let text = ps(&["-o", "lstart=", "-p", &pid.to_string()]);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// A date names a boot by itself.
    pub fn boot() -> String {
        String::new()
    }

    /// All living processes, with their environments if we may see those.
    pub fn rows() -> Vec<Row> {
        let text = ps(&["-A", "-E", "-ww", "-o", "pid=,ppid=,stat=,lstart=,command="]);
        text.lines().filter_map(row).collect()
    }

    fn row(line: &str) -> Option<Row> {
        let mut words = line.split_ascii_whitespace();
        let (pid, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        if words.next()?.starts_with('Z') {
            return None;
        }
        let started = words.by_ref().take(DATE).collect::<Vec<_>>().join(" ");
        let mut row = Row { pid, parent, started, ..Row::default() };
        for word in words {
            if let Some(mark) = word.strip_prefix(MARK).and_then(|rest| rest.strip_prefix('=')) {
                row.mark = Some(mark.to_owned());
            } else if let Some(folder) = word.strip_prefix("PWD=") {
                row.folders.push(PathBuf::from(folder));
            }
        }
        Some(row)
    }

    fn ps(args: &[&str]) -> String {
        let output =
            Command::new(program::own("ps")).args(args).env("LC_ALL", "C").stdin(Stdio::null()).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }
}
