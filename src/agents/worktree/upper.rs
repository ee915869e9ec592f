//! What was changed in a worktree with layers, read off the topmost one: what it holds, and what it hides of the
//! clean checkout below. That costs what was changed, not what the tree holds.
//!
//! The layer is data that an agent made, and no symbolic link in it is followed. Folder by folder it is compared with
//! the tree of the checkout. git is asked which of the new paths it ignores, for many at once but not for all: a build
//! of a hundred thousand files in an ignored folder is not walked through.

use super::layers::Layers;
use super::left_out::{LeftOutReason, refuse_flood};
use super::scan::{self, as_path};
use super::{Worktree, bounded, repair};
use crate::agents::sandbox::SandboxedCommand;
use crate::domain::error::Result;
use crate::gate::store::{Repo, trees};
use crate::system::overlay::{is_opaque, is_whiteout, put_whiteout};
use anyhow::Context;
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many new paths are found before git is asked about them.
const AT_ONCE: usize = 1000;

/// What a topmost layer says.
#[derive(Debug, Default)]
pub(super) struct Upper {
    /// Every path that may differ from the tree: files and links that were written, what is gone.
    pub touched: Paths,
    /// What no tree can hold, and why.
    pub odd: BTreeMap<Vec<u8>, LeftOutReason>,
    /// New files and folders that git ignores; not what is in those folders.
    pub ignored: Vec<Vec<u8>>,
}

/// A folder of the layer, and the same one of the tree.
struct Level {
    path: Vec<u8>,
    tree: Option<ObjectId>,
}

type Paths = BTreeSet<Vec<u8>>;

/// What the reading of a layer needs of others.
struct Helpers<'a> {
    /// Says which of some paths git ignores.
    ignored: &'a dyn Fn(&Paths) -> Result<Paths>,
    /// Moves away what git would open, and perhaps wait for, before it is asked.
    set_aside: &'a dyn Fn(&Path) -> Result<()>,
}

/// What was found since git was asked last.
#[derive(Default)]
struct New {
    files: Paths,
    folders: Paths,
}

impl Upper {
    /// What was changed in a worktree with layers since it was made.
    pub fn of(worktree: &Worktree, layers: &Layers) -> Result<Upper> {
        let repo = Repo::open(&worktree.parent.common)?;
        let ignored = |paths: &Paths| {
            let mut command = worktree.git();
            command.args(["check-ignore", "--no-index", "-z", "--stdin"]);
            let SandboxedCommand { mut command, guard: _guard, .. } = worktree.start_git(command, false)?;
            let output = bounded::run("check-ignore", command.stdin(bounded::input(paths)?), &[0, 1])?;
            Ok(output.items().into_iter().collect())
        };
        // What is below must not come back in its place.
        let set_aside = |path: &Path| {
            repair::set_aside(worktree, path)?;
            put_whiteout(path).with_context(|| format!("cannot hide what is below {}", path.display()))
        };
        let helpers = Helpers { ignored: &ignored, set_aside: &set_aside };
        Upper::read(&worktree.files(), &repo, layers.base.tree()?, &helpers)
    }

    /// Reads the layer in that folder over that tree.
    ///
    /// # Errors
    /// [`super::TooMuch`] if there are more new files than anybody meant to make.
    fn read(root: &Path, repo: &Repo, tree: ObjectId, helpers: &Helpers<'_>) -> Result<Upper> {
        let mut upper = Upper::default();
        let mut open = VecDeque::from([Level { path: Vec::new(), tree: Some(tree) }]);
        while !open.is_empty() {
            let (mut new, mut later) = (New::default(), VecDeque::new());
            while let Some(folder) = open.pop_front() {
                if folder.tree.is_none() && new.files.len() + new.folders.len() >= AT_ONCE {
                    later.push_back(folder);
                } else {
                    upper.read_folder(root, repo, &folder, &mut open, &mut new)?;
                }
            }
            for path in scan::traps(&upper.odd) {
                (helpers.set_aside)(&root.join(as_path(path)))?;
            }
            let asked: Paths = new.files.union(&new.folders).cloned().collect();
            let ignored = if asked.is_empty() { Paths::new() } else { (helpers.ignored)(&asked)? };
            let is_in_ignored = |path: &Vec<u8>| folders_of(path).any(|folder| ignored.contains(folder));
            let is_left = |path: &Vec<u8>| !ignored.contains(path) && !is_in_ignored(path);
            upper.touched.extend(new.files.into_iter().filter(is_left));
            upper.odd.retain(|path, _| !is_in_ignored(path));
            upper.ignored.extend(ignored.iter().filter(|path| !is_in_ignored(path)).cloned());
            refuse_flood(upper.touched.len().max(upper.odd.len()))?;
            open = later.into_iter().filter(|folder| is_left(&folder.path)).collect();
        }
        Ok(upper)
    }

    fn read_folder(
        &mut self,
        root: &Path,
        repo: &Repo,
        folder: &Level,
        open: &mut VecDeque<Level>,
        new: &mut New,
    ) -> Result<()> {
        let here = root.join(as_path(&folder.path));
        let mut below = folder.tree.map(|tree| trees::entries(repo, tree)).transpose()?.unwrap_or_default();
        let Ok(entries) = fs::read_dir(&here) else {
            self.odd.insert(folder.path.clone(), LeftOutReason::Unreadable);
            return Ok(());
        };
        for entry in entries.flatten() {
            let name = entry.file_name().as_bytes().to_vec();
            let path = join(&folder.path, &name);
            let Ok(data) = entry.path().symlink_metadata() else {
                self.odd.insert(path, LeftOutReason::Unreadable);
                continue;
            };
            let kind = data.file_type();
            if name == b".git" {
                if !folder.path.is_empty() {
                    self.odd.insert(path, LeftOutReason::NestedRepository);
                }
                continue;
            }
            let before = below.remove(&name);
            let is_file = kind.is_file() || kind.is_symlink();
            match before {
                Some((trees::FOLDER, tree)) if kind.is_dir() => {
                    open.push_back(Level { path, tree: Some(tree) });
                    continue;
                }
                Some((mode, _)) if is_file && mode != trees::FOLDER => {
                    self.touched.insert(path);
                    continue;
                }
                _ => self.gone(repo, &path, before)?,
            }
            if kind.is_dir() {
                new.folders.insert(path.clone());
                open.push_back(Level { path, tree: None });
            } else if is_file {
                new.files.insert(path);
            } else if !is_whiteout(&data) {
                self.odd.insert(path, LeftOutReason::SpecialFile);
            }
        }
        // What the layer does not name is as it was, unless it hides all of it.
        if folder.tree.is_some() && is_opaque(&here) {
            for (name, before) in below {
                self.gone(repo, &join(&folder.path, &name), Some(before))?;
            }
        }
        Ok(())
    }

    /// Notes that what the tree has at a path is no longer there.
    fn gone(&mut self, repo: &Repo, path: &[u8], before: Option<trees::Entry>) -> Result<()> {
        let mut open: Vec<(Vec<u8>, trees::Entry)> =
            before.map(|before| (path.to_vec(), before)).into_iter().collect();
        while let Some((path, (mode, id))) = open.pop() {
            if mode == trees::FOLDER {
                open.extend(
                    trees::entries(repo, id)?.into_iter().map(|(name, entry)| (join(&path, &name), entry)),
                );
            } else {
                self.touched.insert(path);
            }
        }
        Ok(())
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// The folders that a path is in, relative ones.
fn folders_of(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at])
}
