//! A lock file of git's in our way: how old it is, and whether a process is at work behind it.
//!
//! git locks a file by making another beside it (`index.lock`), which stays if it is killed; then every git
//! fails that wants to write, and its own message often does not name the file.

use crate::domain::text::shell::quote_path;
use crate::domain::text::units;
use crate::system::process::Pid;
#[cfg(target_os = "linux")]
use crate::system::process::ancestors;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A lock file that is there.
#[derive(Debug)]
pub struct LockFile {
    pub path: PathBuf,
    /// Since it was written last; a clock that was set back makes it new.
    pub age: Duration,
    holder: Holder,
}

/// Who may still need it.
#[derive(Debug, PartialEq, Eq)]
enum Holder {
    /// The process that has it open.
    Open(Pid),
    /// A git that runs in that repository and could have made it: it closes the file before it is done.
    Working(Pid),
    Nobody,
    /// The system does not say.
    Unknown,
}

impl LockFile {
    /// The one at that path; `folders` are those in which a git that made it runs.
    pub fn find(path: &Path, folders: &[&Path]) -> Option<LockFile> {
        let written = path.symlink_metadata().ok()?.modified().ok()?;
        let age = written.elapsed().unwrap_or_default();
        Some(LockFile { path: path.to_owned(), age, holder: holder(path, folders) })
    }

    /// What to do about it.
    pub fn fix(&self) -> String {
        let remove = format!("rm {}", quote_path(&self.path));
        match self.holder {
            Holder::Open(pid) | Holder::Working(pid) => {
                format!("wait until process {pid} has ended; if the file is still there then: {remove}")
            }
            Holder::Nobody => format!("a git that was killed has left it: {remove}"),
            Holder::Unknown => format!("if no git is running there, a killed one has left it: {remove}"),
        }
    }
}

impl fmt::Display for LockFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is there, {} old", self.path.display(), units::duration(self.age))?;
        match self.holder {
            Holder::Open(pid) => write!(f, ", and process {pid} has it open"),
            Holder::Working(pid) => write!(f, ", and process {pid} is a git at work there"),
            Holder::Nobody => write!(f, ", and no process has it open"),
            Holder::Unknown => Ok(()),
        }
    }
}

#[cfg(target_os = "linux")]
fn holder(path: &Path, folders: &[&Path]) -> Holder {
    if !Path::new("/proc/self/fd").exists() {
        return Holder::Unknown;
    }
    let processes = || {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse::<Pid>().ok())
    };
    let has_open = |pid: &Pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| file == path)
    };
    if let Some(pid) = processes().find(has_open) {
        return Holder::Open(pid);
    }
    // The git that runs us as its command, or as its hook, waits for us.
    let above = ancestors::pids();
    let is_working = |pid: &Pid| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let here = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        name.trim_end() == "git"
            && !above.contains(pid)
            && folders.iter().any(|folder| here.starts_with(folder))
    };
    processes().find(is_working).map_or(Holder::Nobody, Holder::Working)
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &Path, _: &[&Path]) -> Holder {
    Holder::Unknown
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Holder, LockFile};
    use std::fs::File;

    #[test]
    fn who_has_it_open_is_named_and_else_that_it_may_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("index.lock");
        assert!(LockFile::find(&path, &[]).is_none());
        let file = File::create(&path).unwrap();
        let held = LockFile::find(&path, &[]).unwrap();
        assert_eq!(held.holder, Holder::Open(std::process::id().try_into().unwrap()));
        assert!(held.fix().starts_with("wait until process "), "{}", held.fix());
        drop(file);
        let left = LockFile::find(&path, &[dir.path()]).unwrap();
        assert_eq!(left.holder, Holder::Nobody);
        assert!(left.fix().ends_with(&format!(": rm {}", path.display())), "{}", left.fix());
        assert!(left.to_string().ends_with("0s old, and no process has it open"), "{left}");
    }
}
