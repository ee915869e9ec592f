//! Locks on refs that a killed process left. git would wait for them in vain for ever.
//!
//! A lock tells nobody who took it. It was somebody who is alive and began before the lock was written,
//! or nobody who is still alive. So a lock is broken when no program is left that could hold it: no git
//! that writes in this repository, and none of ours, unless it is a lock that only this spec's run takes,
//! or one that has stayed the same for longer than ours are ever held. Other programs may write refs
//! without a git of their own; they have time before the lock of packed refs, the only one that we share
//! with them, is broken. What is left standing is named, with the process that stands behind it.

use crate::domain::error::Result;
use crate::domain::event::Events;
use crate::domain::spec::Slug;
use crate::domain::verdict::NOTES_REF;
use crate::gate::store::{Repo, common_dir_at};
use crate::system::process::table::{self, Started};
use anyhow::Context;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How long ours are held at most: writing a ref takes milliseconds.
const LONGEST: Duration = Duration::from_secs(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// How much later than its maker a lock may seem to have been written, by the grain of the clocks.
const GRAIN: Duration = Duration::from_millis(50);

/// What git does that writes no ref, however long it takes: it may wait in a pager, or for ever.
const READERS: &[&str] = &[
    "blame",
    "cat-file",
    "credential",
    "credential-cache--daemon",
    "daemon",
    "diff",
    "diff-tree",
    "flow-ai",
    "fsmonitor--daemon",
    "grep",
    "gui",
    "help",
    "log",
    "ls-files",
    "ls-tree",
    "merge-tree",
    "rev-list",
    "show",
    "status",
];

/// A lock, and whose it may be.
struct Lock {
    path: PathBuf,
    /// Whether nobody but this spec's runs takes it.
    own: bool,
    /// Whether programs take it that are no git.
    shared: bool,
}

/// Removes the locks on refs that we write and that killed processes left.
pub(super) async fn break_locks(repo: &Repo, slug: &Slug, events: &Events) -> Result<()> {
    for lock in locks(repo.common_dir(), slug) {
        let mut seen = lock.path.symlink_metadata().ok();
        let mut since = Instant::now();
        while let Some(data) = &seen {
            // The clock may have been set back since.
            let age = data.modified()?.elapsed().unwrap_or_default().max(since.elapsed());
            let holders = holders(data, repo.common_dir());
            let (ours, gits): (Vec<&Started>, Vec<&Started>) = holders.iter().partition(|one| is_ours(one));
            let is_over = age >= LONGEST;
            if gits.is_empty() && (is_over || (!lock.shared && (lock.own || ours.is_empty()))) {
                remove(&lock.path, events)?;
                break;
            }
            if is_over {
                events.warn(standing(&lock.path, &gits));
                break;
            }
            tokio::time::sleep(PAUSE).await;
            let now = lock.path.symlink_metadata().ok();
            if now.as_ref().map(stamp) != seen.as_ref().map(stamp) {
                since = Instant::now();
            }
            seen = now;
        }
    }
    Ok(())
}

/// The locks on refs that we write.
fn locks(common: &Path, slug: &Slug) -> Vec<Lock> {
    let file = |name: &str| common.join(format!("{name}.lock"));
    let mut locks = vec![
        Lock { path: file("packed-refs"), own: false, shared: true },
        Lock { path: file(NOTES_REF), own: false, shared: false },
    ];
    let own = [format!("refs/flow-ai/recovered/{slug}"), slug.task_ref("")];
    for (folder, own) in own.iter().map(|own| (own.as_str(), true)).chain([("refs/flow-ai", false)]) {
        below(&common.join(folder), &mut |path| {
            if !locks.iter().any(|lock| lock.path == path) {
                locks.push(Lock { path, own, shared: false });
            }
        });
    }
    locks
}

/// The locks below a folder.
fn below(folder: &Path, found: &mut impl FnMut(PathBuf)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below(&path, found),
            Ok(_) if path.extension().is_some_and(|extension| extension == "lock") => found(path),
            _ => {}
        }
    }
}

/// The living programs that write refs in this repository and began before the lock was written.
fn holders(lock: &Metadata, common: &Path) -> Vec<Started> {
    let age = lock.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    let (age, own) = (age.unwrap_or_default(), i32::try_from(std::process::id()));
    let could = |one: &Started| {
        Ok(one.pid) != own && one.age + GRAIN >= age && writes_refs(&one.words) && is_here(one, common)
    };
    table::commands().into_iter().filter(could).collect()
}

fn program(words: &[String]) -> &str {
    words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default()
}

fn is_ours(one: &Started) -> bool {
    program(&one.words) == "git-flow-ai"
}

/// Whether it is a git, or one of ours, that may write refs.
fn writes_refs(words: &[String]) -> bool {
    let program = program(words);
    if let Some(command) = program.strip_prefix("git-") {
        return !READERS.contains(&command) || program == "git-flow-ai";
    }
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-c" | "-C" | "--git-dir" | "--work-tree" | "--namespace" => drop(rest.next()),
            option if option.starts_with('-') => {}
            command => return program == "git" && !READERS.contains(&command),
        }
    }
    program == "git"
}

/// Whether it may be at work in this repository: one that is in another is not, unless it was told so.
fn is_here(one: &Started, common: &Path) -> bool {
    let told = one.words.iter().any(|word| word.starts_with("--git-dir"));
    match &one.folder {
        Some(folder) if !told => common_dir_at(folder).is_some_and(|at| at == common),
        _ => true,
    }
}

fn stamp(data: &Metadata) -> (u64, i64, i64) {
    (data.ino(), data.mtime(), data.mtime_nsec())
}

fn remove(lock: &Path, events: &Events) -> Result<()> {
    match fs::remove_file(lock) {
        // Whoever had it was only slow.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", lock.display())),
        Ok(()) => {
            events.warn(format!("{} was left by a killed process, and is removed", lock.display()));
            Ok(())
        }
    }
}

fn standing(lock: &Path, holders: &[&Started]) -> String {
    let named: Vec<String> =
        holders.iter().map(|one| format!("process {} ({})", one.pid, one.words.join(" "))).collect();
    format!(
        "{} is in the way, and may be held by {}; when it is not: rm '{}'",
        lock.display(),
        named.join(", "),
        lock.display()
    )
}

#[cfg(test)]
mod tests {
    use super::writes_refs;

    #[test]
    fn only_what_may_write_a_ref_can_hold_its_lock() {
        let writes = |line: &str| writes_refs(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for line in [
            "git gc",
            "/usr/bin/git -c a.b=c -C /x commit -m x",
            "git --git-dir=/x pack-refs",
            "git",
            "/usr/lib/git-core/git-receive-pack /x",
            "/x/git-flow-ai run demo",
        ] {
            assert!(writes(line), "{line}");
        }
        for line in [
            "git log -p",
            "git -C /x --no-pager diff",
            "git fsmonitor--daemon run",
            "git flow-ai run",
            "vim git",
            "",
        ] {
            assert!(!writes(line), "{line}");
        }
    }
}
