//! Whether an agent has left work in the folder of a submodule, which no commit of ours takes: it belongs to another
//! repository.

use super::list::{Submodule, read};
use crate::agents::sandbox::SandboxedCommand;
use crate::agents::worktree::bounded::run;
use crate::agents::worktree::{Worktree, ignored, scan};
use crate::domain::error::Result;
use gix::ObjectId;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Those of the worktree's submodules, by their paths, in which something is that was not there when its setup was
/// done. What cannot be looked at counts as work.
pub fn with_work(worktree: &Worktree, submodules: &BTreeSet<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    let known = read(&worktree.record)?;
    let mut found = Vec::new();
    for path in submodules {
        let inside: Vec<&Submodule> =
            known.iter().filter(|submodule| submodule.path.starts_with(scan::as_path(path))).collect();
        let is_work = match inside.is_empty() {
            true => is_newer(worktree, scan::as_path(path)),
            false => inside.iter().any(|submodule| has_work(worktree, submodule, &known).unwrap_or(true)),
        };
        if is_work {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn has_work(worktree: &Worktree, submodule: &Submodule, known: &[Submodule]) -> Result<bool> {
    let folder = worktree.path.join(&submodule.path);
    if folder.symlink_metadata().is_err() {
        return Ok(false);
    }
    if !scan::is_real_folder(&worktree.path, &submodule.path) {
        return Ok(true);
    }
    let Some(source) = &submodule.source else { return Ok(is_newer(worktree, &submodule.path)) };
    if has_commits(worktree, submodule) {
        return Ok(true);
    }
    let scratch = worktree.record.scratch_index()?;
    let index = submodule.index(worktree);
    fs::copy(&index, &scratch)?;
    fs::File::options().write(true).open(&scratch)?.set_modified(index.metadata()?.modified()?)?;
    let list = |args: &[&str]| {
        let mut command = submodule.git(worktree, source, &scratch);
        command.args(args);
        let SandboxedCommand { mut command, guard: _guard, .. } = worktree.start_git(command, false)?;
        Ok::<_, anyhow::Error>(run(args.first().unwrap_or(&""), &mut command, &[0, 1])?.items())
    };
    let changed = || {
        list(&["update-index", "-q", "--ignore-submodules", "--refresh"])?;
        let mut changed = list(&["diff-files", "--ignore-submodules=all", "--name-only", "-z"])?;
        changed.extend(list(&["ls-files", "--others", "--exclude-standard", "-z"])?);
        // A submodule of its own, which setup may have filled, is looked at by itself.
        changed.retain(|path| {
            let path = submodule.path.join(scan::as_path(path.strip_suffix(b"/").unwrap_or(path)));
            !known.iter().any(|other| other.path == path)
        });
        Ok(!changed.is_empty())
    };
    let answer = changed();
    let _ = fs::remove_file(&scratch);
    answer
}

/// Whether its private repository has commits of the agent: it was made without any branch.
fn has_commits(worktree: &Worktree, submodule: &Submodule) -> bool {
    let git = worktree.git_dir().join(&submodule.private);
    let head = fs::read(git.join("HEAD")).ok().and_then(|text| ObjectId::from_hex(text.trim_ascii()).ok());
    let is_empty =
        |name: &str| fs::read_dir(git.join(name)).is_ok_and(|mut entries| entries.next().is_none());
    let is_absent = |name: &str| git.join(name).symlink_metadata().is_err();
    head != Some(submodule.commit)
        || !["refs/heads", "refs/tags"].iter().all(|name| is_empty(name))
        || !["refs/stash", "packed-refs"].iter().all(|name| is_absent(name))
}

/// Whether a folder that we did not fill holds a file that was written since the setup was done.
fn is_newer(worktree: &Worktree, path: &Path) -> bool {
    let since = ignored::ready(worktree);
    let mut open = vec![worktree.path.join(path)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            // Nothing is there, or something that is no folder.
            if folder.symlink_metadata().is_ok() {
                return true;
            }
            continue;
        };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(data) if data.is_dir() => open.push(entry.path()),
                Ok(data) if !ignored::is_new(&data, since) || is_gits(&entry.file_name()) => {}
                _ => return true,
            }
        }
    }
    false
}

/// What git writes there itself when it only looks.
fn is_gits(name: &std::ffi::OsStr) -> bool {
    [&b"index"[..], b"FETCH_HEAD"].contains(&name.as_bytes())
}
