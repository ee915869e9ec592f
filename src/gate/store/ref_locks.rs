//! Locks on refs that a killed process of ours left, which would block git and us for ever.
//!
//! git's lock files do not say who made them. So while we write refs, a file says which, and we hold it
//! locked ([`Intent`]). If such a file is there and not locked, its process was killed, and a ref's lock
//! made right after it is taken for that process's: it is removed, unless it changes within [`UNCHANGED`].
//! Any other lock stays, and is named in an error.

use super::Repo;
use std::fs::{self, File, Metadata};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

/// How the names of these files begin, in our own directory.
const PREFIX: &str = "writing-refs-";

/// How long after its intent a process makes its locks at most: writing refs takes milliseconds.
const LONGEST: Duration = Duration::from_secs(5);

/// How long a lock stays as it is before it counts as left: a living git is done with it by then.
const UNCHANGED: Duration = Duration::from_secs(10);

/// Says which refs are being written, until it is dropped.
pub(crate) struct Intent {
    file: Option<NamedTempFile>,
}

impl Intent {
    /// To be taken before the locks on these refs. Where it cannot be written, a lock that is left is only
    /// named.
    pub fn new<'a>(repo: &Repo, locked: impl IntoIterator<Item = &'a str>) -> Intent {
        let write = || {
            let mut file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(repo.own_dir()?)?;
            file.as_file().lock()?;
            for name in locked {
                file.write_all(format!("\n{name}").as_bytes())?;
            }
            anyhow::Ok(file)
        };
        Intent { file: write().ok() }
    }

    /// Says that the locks are still about to be made: the first byte is always a line break.
    pub fn renew(&self) {
        if let Some(file) = &self.file {
            // What is not renewed is removed less often, nothing worse.
            let _ = file.as_file().write_all_at(b"\n", 0);
        }
    }

    /// Has a child that makes the locks hold it too, as its empty input: it may outlive us.
    pub fn hand_to(&self, child: &mut Command) {
        if let Some(file) = self.file.as_ref().and_then(|file| file.as_file().try_clone().ok()) {
            child.stdin(Stdio::from(file));
        }
    }
}

impl Repo {
    /// Removes the locks that killed processes of ours left; returns which.
    pub fn remove_dead_locks(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.common_dir().join("flow-ai")).into_iter().flatten().flatten();
        let intents = files.filter(|file| file.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        let remove = |file: fs::DirEntry| {
            let mut opened = File::open(file.path())?;
            remove_locks_of(self.common_dir(), &file.path(), &mut opened)
        };
        intents.flat_map(|file| remove(file).unwrap_or_default()).collect()
    }
}

/// Removes the locks of that intent's process if it is dead, and the intent.
fn remove_locks_of(common: &Path, intent: &Path, file: &mut File) -> std::io::Result<Vec<PathBuf>> {
    // Another process may have removed both since it was opened; what is locked now is not what it was about.
    if file.try_lock().is_err() || !is_same(&file.metadata()?, &fs::symlink_metadata(intent)?) {
        return Ok(Vec::new());
    }
    let since = file.metadata()?.modified()?;
    let mut names = String::new();
    file.read_to_string(&mut names)?;
    let mut removed = Vec::new();
    for name in names.lines().filter(|name| !name.is_empty()) {
        let lock = common.join(format!("{name}.lock"));
        if is_left(&lock, since) && fs::remove_file(&lock).is_ok() {
            removed.push(lock);
        }
    }
    fs::remove_file(intent)?;
    Ok(removed)
}

/// Whether that lock was made right after that moment and does not change any more, for which it may wait.
fn is_left(lock: &Path, since: SystemTime) -> bool {
    let look = || fs::symlink_metadata(lock).and_then(|seen| Ok((seen.modified()?, seen)));
    let Ok((made, first)) = look() else { return false };
    // One that is from the future cannot be told to be old.
    let (Ok(later), Ok(age)) = (made.duration_since(since), made.elapsed()) else { return false };
    if later > LONGEST {
        return false;
    }
    thread::sleep(UNCHANGED.saturating_sub(age));
    // git writes the packed refs beside their lock, gix into it: this one is git's, which may take longer.
    if lock.ends_with("packed-refs.lock") && lock.with_extension("new").exists() {
        return false;
    }
    look().is_ok_and(|(still, second)| still == made && is_same(&first, &second))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(test)]
mod tests {
    use super::{Intent, LONGEST, Repo, UNCHANGED, remove_locks_of};
    use std::fs::{self, File};
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::thread;
    use std::time::{Duration, SystemTime};

    /// A folder with an intent about these refs, written so long ago, which nobody holds.
    fn dead_intent(names: &str, ago: Duration) -> (tempfile::TempDir, PathBuf, SystemTime) {
        let dir = tempfile::tempdir().unwrap();
        let intent = dir.path().join("intent");
        fs::create_dir_all(dir.path().join("refs/heads")).unwrap();
        fs::write(&intent, names).unwrap();
        let since = SystemTime::now() - ago;
        File::options().write(true).open(&intent).unwrap().set_modified(since).unwrap();
        (dir, intent, since)
    }

    fn make(common: &Path, name: &str, time: SystemTime) -> PathBuf {
        let lock = common.join(format!("{name}.lock"));
        File::create(&lock).unwrap().set_modified(time).unwrap();
        lock
    }

    fn locks_of_dead(common: &Path, intent: &Path) -> Vec<PathBuf> {
        remove_locks_of(common, intent, &mut File::open(intent).unwrap()).unwrap()
    }

    #[test]
    fn only_a_dead_process_loses_only_the_locks_that_it_made() {
        let names = "\nrefs/heads/a\nrefs/heads/b\npacked-refs";
        let (dir, intent, since) = dead_intent(names, UNCHANGED * 2);
        let common = dir.path();
        let left = make(common, "refs/heads/a", since);
        make(common, "refs/heads/b", since + LONGEST + Duration::from_secs(1));
        make(common, "refs/heads/c", since);
        make(common, "packed-refs", since - Duration::from_secs(1));
        let held = File::open(&intent).unwrap();
        held.lock().unwrap();
        assert!(locks_of_dead(common, &intent).is_empty());
        drop(held);
        assert_eq!(locks_of_dead(common, &intent), [left]);
        assert!(!intent.exists());
        for name in ["refs/heads/b", "refs/heads/c", "packed-refs"] {
            assert!(common.join(format!("{name}.lock")).exists(), "{name}");
        }
    }

    #[test]
    fn a_lock_that_a_living_process_lets_go_and_another_takes_stays() {
        let (dir, intent, since) = dead_intent("\nrefs/heads/a", UNCHANGED - Duration::from_secs(1));
        let lock = make(dir.path(), "refs/heads/a", since);
        let (beside, taken) = (lock.with_extension("new"), lock.clone());
        let alive = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            // Another file of the same time: its inode alone tells.
            File::create(&beside).unwrap().set_modified(since).unwrap();
            fs::rename(beside, taken).unwrap();
        });
        assert!(locks_of_dead(dir.path(), &intent).is_empty());
        alive.join().unwrap();
        assert!(lock.exists() && !intent.exists());
    }

    #[test]
    fn a_lock_on_the_packed_refs_that_git_has_made_stays_however_long_it_takes() {
        let (dir, intent, since) = dead_intent("\npacked-refs", UNCHANGED * 2);
        let lock = make(dir.path(), "packed-refs", since);
        fs::write(dir.path().join("packed-refs.new"), "").unwrap();
        assert!(locks_of_dead(dir.path(), &intent).is_empty());
        assert!(lock.exists());
    }

    #[test]
    fn who_comes_second_to_a_dead_intent_removes_nothing() {
        let (dir, intent, since) = dead_intent("\nrefs/heads/a", UNCHANGED * 2);
        make(dir.path(), "refs/heads/a", since);
        let mut second = File::open(&intent).unwrap();
        assert_eq!(locks_of_dead(dir.path(), &intent).len(), 1);
        // The first goes on with its own write.
        let own = make(dir.path(), "refs/heads/a", since);
        assert!(remove_locks_of(dir.path(), &intent, &mut second).is_err());
        // And a third has an intent of the same name by now.
        fs::write(&intent, "").unwrap();
        assert!(remove_locks_of(dir.path(), &intent, &mut second).unwrap().is_empty());
        assert!(own.exists() && intent.exists());
    }

    #[test]
    fn an_intent_is_alive_as_long_as_the_child_that_it_was_handed_to() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Command::new("git").args(["init", "-q"]).arg(dir.path()).status().unwrap().success());
        let repo = Repo::open(dir.path()).unwrap();
        let intent = Intent::new(&repo, ["refs/heads/a"]);
        intent.renew();
        let mut command = Command::new("sleep");
        command.arg("60");
        intent.hand_to(&mut command);
        let mut child = command.spawn().unwrap();
        drop(command);
        // As if we were killed: the file stays, and we hold it no more.
        let path = intent.file.unwrap().into_temp_path().keep().unwrap();
        let since = fs::metadata(&path).unwrap().modified().unwrap();
        make(repo.common_dir(), "refs/heads/a", since);
        assert!(repo.remove_dead_locks().is_empty() && path.exists());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "\nrefs/heads/a");
        assert_eq!(repo.remove_dead_locks(), [repo.common_dir().join("refs/heads/a.lock")]);
        assert!(!path.exists());
    }
}
