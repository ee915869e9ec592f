//! Lock files: held by `flock`, so that a lock ends with its process, whatever kills it.
//!
//! The file stays where it is: deleting it would let two processes hold two files of the same name. It says
//! which process took it last, for messages.

use rustix::system::uname;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Long enough that no process which only looks ([`is_held`]) is taken for one that holds the lock.
pub const GLANCE: Duration = Duration::from_millis(100);

const PAUSE: Duration = Duration::from_millis(5);

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// What came of trying to take a lock.
#[derive(Debug)]
pub enum Attempt {
    Taken(Lock),
    /// Another process holds it; the file says which, if that could be read.
    Held(Option<Owner>),
}

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub pid: u32,
    /// Where it runs: a repository may be on a file system that several machines share.
    pub host: String,
}

/// Takes the lock; waits as long as another process holds it.
pub fn take(path: &Path) -> io::Result<Lock> {
    let file = open(path)?;
    file.lock()?;
    Ok(Lock::signed(file))
}

/// Takes the lock, or says who still holds it after that time.
pub fn try_take(path: &Path, patience: Duration) -> io::Result<Attempt> {
    let mut file = open(path)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Attempt::Taken(Lock::signed(file))),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => return Ok(Attempt::Held(owner(&mut file))),
        }
    }
}

/// Whether a process holds the lock now.
pub fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Opens a lock file without locking it; makes it, and the directories above it, if they are missing.
pub fn open(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match File::options().create(true).truncate(false).read(true).write(true).open(path) {
        // Another person's, in a shared repository: a lock needs no right to write.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(path),
        opened => opened,
    }
}

impl Lock {
    /// Writes down that we hold it. A full disk is no reason not to.
    fn signed(mut file: File) -> Lock {
        let text = format!("{} {}\n", std::process::id(), uname().nodename().to_string_lossy());
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
        Lock { _file: file }
    }
}

fn owner(file: &mut File) -> Option<Owner> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let (pid, host) = text.trim_end().split_once(' ')?;
    Some(Owner { pid: pid.parse().ok()?, host: host.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_the_other_learns_who() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("locks/a.lock");
        assert!(!is_held(&path), "there is no file yet");
        let lock = take(&path).unwrap();
        assert!(is_held(&path));
        let Attempt::Held(Some(owner)) = try_take(&path, Duration::ZERO).unwrap() else { panic!("held") };
        assert_eq!(owner.pid, std::process::id());
        assert!(!owner.host.is_empty());
        drop(lock);
        assert!(!is_held(&path) && path.exists());
        assert!(matches!(try_take(&path, Duration::ZERO).unwrap(), Attempt::Taken(_)));
    }
}
