//! Files that a worktree needs and git does not bring: copied from the main worktree.
//!
//! Paths or globs of the config (`run.copy`), relative to the main worktree. A file that the commit
//! has is left as it is. Symbolic links are copied as such, and only when they stay inside the main
//! worktree. `std::fs::copy` shares blocks where the file system can.

use super::Worktree;
use crate::domain::error::{Result, hint};
use crate::gate::store::{Repo, trees};
use crate::system::fs::Inside;
use anyhow::Context;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// What was brought into a worktree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// The files, relative to the worktree.
    pub files: Vec<PathBuf>,
    /// What was not copied, and why, each in one sentence.
    pub skipped: Vec<String>,
}

/// Copies what the patterns name. The files are never collected.
pub(super) fn copy(worktree: &Worktree, patterns: &[String]) -> Result<Copied> {
    let mut copied = Copied::default();
    let Some(main) = worktree.parent.main.clone().filter(|_| !patterns.is_empty()) else { return Ok(copied) };
    let main = main.canonicalize().with_context(|| format!("cannot find {}", main.display()))?;
    let inside = Inside::open(&worktree.files())?;
    for path in sources(worktree, &main, patterns, &mut copied.skipped)? {
        copy_tree(worktree, &inside, &main, &path, &mut copied)?;
    }
    worktree.record.add_copied(&copied.files)?;
    Ok(copied)
}

/// The paths that the patterns name, relative to the main worktree.
fn sources(
    worktree: &Worktree,
    main: &Path,
    patterns: &[String],
    skipped: &mut Vec<String>,
) -> Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    let mut globs = GlobSetBuilder::new();
    for pattern in patterns {
        let path = Path::new(pattern);
        let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !plain || path.starts_with(".git") {
            return Err(hint(
                format!("`{pattern}` under run.copy is no path inside the repository"),
                "name files relative to the repository's root, such as \".env.dev\"",
            ));
        }
        if main.join(path).symlink_metadata().is_ok() {
            sources.push(path.components().filter(|part| *part != Component::CurDir).collect());
        } else if pattern.contains(['*', '?', '[', '{']) {
            let glob = GlobBuilder::new(pattern).literal_separator(true).build();
            globs.add(glob.map_err(|error| {
                hint(
                    format!("`{pattern}` under run.copy is no pattern: {error}"),
                    "see gitignore(5) for patterns",
                )
            })?);
        } else {
            skipped.push(format!("`{pattern}` of run.copy does not exist"));
        }
    }
    let globs = globs.build()?;
    if !globs.is_empty() {
        matching(worktree, main, &globs, &mut sources)?;
    }
    sources.sort();
    sources.dedup();
    Ok(sources)
}

fn matching(worktree: &Worktree, main: &Path, globs: &GlobSet, found: &mut Vec<PathBuf>) -> Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(main.join(&folder)) else { continue };
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            if entry.file_name() == ".git" || entry.path() == worktree.parent.root {
                continue;
            }
            if globs.is_match(&path) {
                found.push(path);
            } else if entry.file_type()?.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(())
}

/// What the commit of a worktree with layers has where a file is to go.
enum InCommit {
    Nothing,
    File,
    /// Something that is no folder stands where one would have to be.
    Blocked,
}

fn in_commit(worktree: &Worktree, path: &Path) -> Result<InCommit> {
    let repo = Repo::open(&worktree.parent.common)?;
    let tree = repo.tree_of(worktree.base)?;
    let entry = |path: &Path| trees::entry(&repo, tree, path.as_os_str().as_bytes());
    let folders: Vec<&Path> = path.ancestors().skip(1).filter(|folder| *folder != Path::new("")).collect();
    for folder in folders {
        if entry(folder)?.is_some_and(|(mode, _)| mode != trees::FOLDER) {
            return Ok(InCommit::Blocked);
        }
    }
    Ok(if entry(path)?.is_some() { InCommit::File } else { InCommit::Nothing })
}

fn copy_tree(
    worktree: &Worktree,
    inside: &Inside,
    main: &Path,
    path: &Path,
    copied: &mut Copied,
) -> Result<()> {
    let (from, to) = (main.join(path), worktree.files().join(path));
    let kind =
        from.symlink_metadata().with_context(|| format!("cannot copy {}", path.display()))?.file_type();
    if kind.is_dir() {
        for entry in fs::read_dir(&from).with_context(|| format!("cannot copy {}", path.display()))? {
            let name = entry?.file_name();
            // A repository in the folder stays one of the main worktree's own.
            if name != ".git" {
                copy_tree(worktree, inside, main, &path.join(name), copied)?;
            }
        }
        return Ok(());
    }
    if worktree.layers.is_some() {
        match in_commit(worktree, path)? {
            InCommit::Nothing => {}
            // As if it stood there.
            InCommit::File => return Ok(()),
            InCommit::Blocked => {
                copied.skipped.push(format!("{} would land outside the worktree", path.display()));
                return Ok(());
            }
        }
    }
    let made = inside.create_dir(path.parent().unwrap_or(Path::new("")));
    match made {
        // The commit may hold a symbolic link or a file where the main worktree has a folder.
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            copied.skipped.push(format!("{} would land outside the worktree", path.display()));
            return Ok(());
        }
        made => made.with_context(|| format!("cannot make the folder of {}", path.display()))?,
    }
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    let context = || format!("cannot copy {} into the worktree", path.display());
    if kind.is_symlink() {
        let inside = from.canonicalize().is_ok_and(|target| target.starts_with(main));
        let target = fs::read_link(&from).with_context(context)?;
        if !inside || target.is_absolute() {
            copied.skipped.push(format!("{} is a symbolic link out of the repository", path.display()));
            return Ok(());
        }
        std::os::unix::fs::symlink(target, &to).with_context(context)?;
    } else if kind.is_file() {
        match fs::copy(&from, &to) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other.map(drop).with_context(context)?,
        }
    } else {
        copied.skipped.push(format!("{} is no regular file", path.display()));
        return Ok(());
    }
    copied.files.push(path.to_owned());
    Ok(())
}
