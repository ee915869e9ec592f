//! Settings inside an agent's own state that no backend could protect: compared before it starts and after
//! its end.
//!
//! What was made where nothing was is set aside: a hook that an agent planted would run outside of any
//! sandbox the next time that the user starts it. What was there and has changed is only reported: it may
//! have been the user, or another agent, and what to restore is unknown.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What stands behind the name of what was set aside.
const ASIDE: &str = ".from-sandbox";

/// How many files of one folder are looked at.
const MOST: usize = 5_000;

#[derive(Debug)]
pub struct SettingsGuard(Vec<(PathBuf, Vec<FileState>)>);

/// What differs if a file was changed. Only the kernel sets the time of the last change.
type FileState = (PathBuf, u64, u64, i64, i64);

impl SettingsGuard {
    pub fn new(paths: Vec<OsString>) -> SettingsGuard {
        let observe = |path: PathBuf| {
            let states = states(&path);
            (path, states)
        };
        SettingsGuard(paths.into_iter().map(PathBuf::from).map(observe).collect())
    }

    /// What has changed since, a line each.
    pub fn compare(self) -> Vec<String> {
        let different = self.0.into_iter().filter(|(path, before)| states(path) != *before);
        different
            .filter_map(
                |(path, before)| if before.is_empty() { set_aside(&path) } else { Some(changed(&path)) },
            )
            .collect()
    }
}

fn changed(path: &Path) -> String {
    format!(
        "could not keep {} from being changed; look at it before you start the agent yourself",
        path.display()
    )
}

fn set_aside(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let free = (0..100).map(|number| match number {
        0 => path.with_file_name(format!("{name}{ASIDE}")),
        number => path.with_file_name(format!("{name}{ASIDE}-{number}")),
    });
    let aside = free.into_iter().find(|aside| aside.symlink_metadata().is_err())?;
    match fs::rename(path, &aside) {
        Ok(()) => Some(format!("set aside what was made at {}: {}", path.display(), aside.display())),
        Err(_) => Some(changed(path)),
    }
}

/// A file, or a folder with all that is in it; empty if nothing is there.
fn states(path: &Path) -> Vec<FileState> {
    let mut found = Vec::new();
    let mut ahead = vec![path.to_owned()];
    while let Some(path) = ahead.pop().filter(|_| found.len() < MOST) {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            ahead.extend(entries.map(|entry| entry.path()));
        }
        found.push((path, metadata.ino(), metadata.len(), metadata.ctime(), metadata.ctime_nsec()));
    }
    found.sort();
    found
}
