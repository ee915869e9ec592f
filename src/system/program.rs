//! Finds a program on the PATH.
//!
//! Folders of the PATH that are not absolute are passed over, and so is a command that is: both would
//! be looked for in the worktree, where an agent could have put it.

use crate::domain::error::{Result, hint};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Our own PATH without folders that are not absolute.
pub fn path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    // What was split at colons can be joined by them. An empty one would mean the folder that one is in.
    let joined = env::join_paths(folders).unwrap_or_default();
    if joined.is_empty() { "/usr/local/bin:/usr/bin:/bin".into() } else { joined }
}

/// The program of that name or absolute path; `path` instead of our own PATH where it is given.
pub fn find(wanted: &str, path: Option<&str>, install: &str) -> Result<PathBuf> {
    if wanted.contains('/') {
        let absolute = Path::new(wanted);
        if !absolute.is_absolute() {
            return Err(hint(
                format!("`{wanted}` would be looked for in the worktree, where an agent could have put it"),
                "write an absolute path, or a name that is on the PATH",
            ));
        }
        return if is_program(absolute) {
            Ok(absolute.to_owned())
        } else {
            Err(hint(format!("{wanted} is not there, or may not be executed"), install))
        };
    }
    let path = path.map(OsString::from).or_else(|| env::var_os("PATH")).unwrap_or_default();
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(wanted))
        .find(|candidate| is_program(candidate))
        .ok_or_else(|| hint(format!("`{wanted}` is not on the PATH"), install))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
