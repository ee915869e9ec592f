//! One run per spec, and one merge, at a time.

use crate::domain::error::{Result, hint};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::system::fs::lock::{self, Attempt, Owner};
use anyhow::Context;
use std::path::PathBuf;

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: lock::Lock,
}

/// Whether a run of the spec is under way.
pub fn is_under_way(repo: &Repo, slug: &Slug) -> bool {
    lock::is_held(&path(repo, slug.as_str()))
}

impl Lock {
    /// Takes the spec's lock, or says which process has it.
    pub fn take(repo: &Repo, slug: &Slug) -> Result<Lock> {
        Lock::take_named(repo, slug.as_str(), |process| {
            hint(
                format!("{slug} is at work already{process}"),
                "wait for it, or stop it with Ctrl-C; other specs can run meanwhile",
            )
        })
    }

    /// Takes the lock of merges: of two at once, the one that breaks off would take back the other's.
    pub fn take_merge(repo: &Repo) -> Result<Lock> {
        // No spec's name begins with a dot.
        Lock::take_named(repo, ".merge", |process| {
            hint(format!("another merge is under way{process}"), "wait for it, and then again")
        })
    }

    fn take_named(repo: &Repo, name: &str, held: impl FnOnce(&str) -> anyhow::Error) -> Result<Lock> {
        // Made with the rights of our own directory, before the lock file goes into it.
        repo.own_dir()?;
        let path = path(repo, name);
        let attempt = lock::try_take(&path, lock::GLANCE);
        match attempt.with_context(|| format!("cannot lock {}", path.display()))? {
            Attempt::Taken(file) => Ok(Lock { _file: file }),
            Attempt::Held(owner) => Err(held(&owner.map(in_process).unwrap_or_default())),
        }
    }
}

fn path(repo: &Repo, name: &str) -> PathBuf {
    repo.common_dir().join(format!("flow-ai/locks/{name}.lock"))
}

fn in_process(owner: Owner) -> String {
    format!(", in process {} on {}", owner.pid, owner.host)
}
