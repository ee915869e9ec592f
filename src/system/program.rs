//! Finds a program on the PATH.
//!
//! Directories of the PATH that are not absolute are skipped, and a command with a relative path is refused:
//! both would be looked for in the worktree, where an agent could have put them.

use crate::domain::error::{Result, hint};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Our own PATH without directories that are not absolute.
pub fn path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    // What was split at colons can be joined by them. An empty PATH would mean the current directory.
    let joined = env::join_paths(folders).unwrap_or_default();
    if joined.is_empty() { "/usr/local/bin:/usr/bin:/bin".into() } else { joined }
}

/// The program with that name or absolute path, looked for on `path` or else on our own PATH. `install` is the
/// hint if it is missing.
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
