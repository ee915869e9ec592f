//! Files that a killed process left before they were renamed into place.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;

/// Whether a file of that name is not renamed into place yet: `.tmp` and six letters, as `tempfile` and gix
/// call them.
pub fn is_half_written(name: &OsStr) -> bool {
    let letters = name.to_str().and_then(|name| name.strip_prefix(".tmp"));
    letters.is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The files among these that no living process has open: a file that is being written is open until it is
/// renamed. Empty if the system does not say which files are open.
pub fn abandoned(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    if !files.is_empty() {
        let open = open_files();
        files.retain(|file| open.as_ref().is_some_and(|open| !open.contains(file)));
    }
    files
}

/// The files that processes have open, as far as we may see.
#[cfg(target_os = "linux")]
fn open_files() -> Option<BTreeSet<PathBuf>> {
    use std::fs;
    let mut open = BTreeSet::new();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        for file in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
            open.extend(fs::read_link(file.path()));
        }
    }
    Some(open)
}

/// This system lists open files only through tools of its own.
#[cfg(not(target_os = "linux"))]
fn open_files() -> Option<BTreeSet<PathBuf>> {
    None
}
