//! One run per spec, and one merge, at a time: a file lock that dies with its process, whatever kills it.

use crate::domain::error::{Result, hint};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use anyhow::Context;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::thread;
use std::time::Duration;

/// How long one look at the lock by somebody else may take, and how many are waited for.
const GLANCE: Duration = Duration::from_millis(5);
const GLANCES: u32 = 20;

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Whether a run of the spec is under way.
pub fn is_under_way(repo: &Repo, slug: &Slug) -> bool {
    let path = repo.common_dir().join(format!("flow-ai/locks/{slug}.lock"));
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl Lock {
    /// Takes the spec's lock, or says which process has it.
    pub fn take(repo: &Repo, slug: &Slug) -> Result<Lock> {
        Lock::of(repo, slug.as_str(), |process| {
            hint(
                format!("{slug} is at work already, in process {process}"),
                "wait for it, or stop it with Ctrl-C; other specs can run meanwhile",
            )
        })
    }

    /// Takes the lock of merges: of two at once, the one that breaks off would take back the other's.
    pub fn take_merge(repo: &Repo) -> Result<Lock> {
        // No spec's name begins with a dot.
        Lock::of(repo, ".merge", |process| {
            hint(format!("another merge is under way, in process {process}"), "wait for it, and then again")
        })
    }

    fn of(repo: &Repo, name: &str, taken: impl FnOnce(&str) -> anyhow::Error) -> Result<Lock> {
        let dir = repo.own_dir()?.join("locks");
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let path = dir.join(format!("{name}.lock"));
        let context = || format!("cannot lock {}", path.display());
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(context)?;
        let mut locked = file.try_lock();
        // A command that only looks whether a run is under way holds the lock for a moment.
        for _ in 0..GLANCES {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            thread::sleep(GLANCE);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {
                file.set_len(0).with_context(context)?;
                file.rewind()?;
                write!(file, "{}", std::process::id()).with_context(context)?;
                Ok(Lock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Only for the message.
                let _ = file.read_to_string(&mut pid);
                Err(taken(pid.trim()))
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(context),
        }
    }
}
