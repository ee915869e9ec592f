//! Deletions under way, and what earlier processes left half deleted.

use super::Worktrees;
use super::root::SEATS;
use crate::gate::store::Repo;
use crate::system::fs::{lock, remove_tree};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

/// Deletions under way; dropping waits for them, then removes the folder for worktrees if it is empty.
///
/// The folder stays as long as a process uses it: sandboxes that are being started name it.
#[derive(Debug)]
pub(super) struct Deletions {
    running: Mutex<Vec<JoinHandle<()>>>,
    root: PathBuf,
    /// Shared by all processes that use the folder; `None` if it cannot be opened.
    using: Option<File>,
}

impl Deletions {
    pub fn new(own: &Path, root: &Path) -> Deletions {
        // No spec's name begins with a dot.
        let lock = lock::open(&own.join("locks/.root.lock")).ok();
        let using = lock.filter(|file| file.lock_shared().is_ok());
        Deletions { running: Mutex::default(), root: root.to_owned(), using }
    }

    /// Deletes them in the background.
    pub fn start(&self, paths: Vec<PathBuf>) {
        let deletion = thread::spawn(move || {
            lower_priority();
            for path in paths {
                // What resists stays in the trash: the next start tries again, and `clean` says why.
                let _ = remove_tree(&path);
            }
        });
        match self.running.lock() {
            Ok(mut running) => running.push(deletion),
            Err(_) => drop(deletion.join()),
        }
    }
}

impl Drop for Deletions {
    fn drop(&mut self) {
        let running = self.running.get_mut().map(std::mem::take).unwrap_or_default();
        for deletion in running {
            let _ = deletion.join();
        }
        if let Some(using) = &self.using {
            // Another process that uses it does this when it ends.
            let _ = using.unlock();
            if using.try_lock().is_ok() {
                // Only if it is empty.
                let _ = fs::remove_dir(gone(&self.root));
                remove_seats(&self.root);
                let _ = fs::remove_dir(&self.root);
                let _ = using.unlock();
            }
        }
    }
}

/// Lets everything else go first: on Linux each thread has a priority of its own (`setpriority(2)`).
fn lower_priority() {
    #[cfg(target_os = "linux")]
    // Where that is refused, it is only less polite.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19);
}

/// Removes the empty folders at which worktrees were seen. No process may be using them: what is mounted there
/// would go with them.
pub(super) fn remove_seats(root: &Path) {
    let seats = root.join(SEATS);
    for seat in fs::read_dir(&seats).into_iter().flatten().flatten() {
        let _ = fs::remove_dir(seat.path());
    }
    let _ = fs::remove_dir(seats);
}

impl Worktrees {
    /// Deletes what earlier processes left half deleted, in the background.
    pub(super) fn resume_deletions(&self) {
        let paths = self.half_deleted();
        if !paths.is_empty() {
            self.deletions.start(paths);
        }
    }

    /// The same at once; returns what resists, each in one sentence.
    pub fn finish_deletions(&self) -> Vec<String> {
        let resisting = |path: PathBuf| {
            let error = remove_tree(&path).err()?;
            Some(format!("{} stays: {error}", path.display()))
        };
        self.half_deleted().into_iter().filter_map(resisting).collect()
    }

    fn half_deleted(&self) -> Vec<PathBuf> {
        [folders(&self.own_dir().join("trash")), folders(&gone(self.root()))].concat()
    }
}

/// What earlier removals have not deleted, or could not.
pub fn half_deleted(repo: &Repo) -> Vec<PathBuf> {
    folders(&repo.common_dir().join("flow-ai/trash"))
}

/// Where removed worktrees wait that cannot be renamed into the repository: on another file system. No spec's name
/// begins with a dot.
pub(super) fn gone(root: &Path) -> PathBuf {
    root.join(".gone")
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    // What we move there is a folder; anything else is not ours.
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}
