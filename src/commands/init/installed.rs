//! What `init` did to a repository, written down so that it can be undone exactly:
//! `<common git dir>/flow-ai/installed.json`.
//!
//! Every path in it is relative: a repository is copied and moved together with its record, and what a copy
//! says must never lead to the original. Paths that lead elsewhere are not believed.

use crate::domain::digest;
use crate::domain::error::{Result, hint, hint_on};
use crate::gate::store::Repo;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The repository's own file of settings.
pub(super) const CONFIG: &str = "config";

/// The setting that says where git looks for hooks.
pub(super) const HOOKS_PATH: &str = "core.hooksPath";

/// The version of the record that we write, and the newest that we read.
const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Installed {
    pub version: u32,
    pub files: Vec<OwnFile>,
    /// Folders of the working tree that were not there, outermost first.
    pub tree_folders: Vec<PathBuf>,
    /// Folders of the git directory that were not there, outermost first.
    pub folders: Vec<PathBuf>,
    /// Hooks, by their path in the git directory.
    pub hooks: Vec<OwnHook>,
    /// Settings in the repository's own files of settings.
    pub settings: Vec<Setting>,
    /// The git directory, as it is now.
    #[serde(skip)]
    base: PathBuf,
}

/// A file of ours in the working tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnFile {
    /// Relative to the working tree.
    pub path: String,
    /// As we wrote it: what differs was edited, and stays.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnHook {
    pub path: PathBuf,
    /// Where the hook that was there before has been moved.
    pub moved: Option<PathBuf>,
    /// As we wrote it, the last time and the time before, since it is noted before it is done; of a
    /// compiled one the digest. What differs from both was edited.
    pub texts: Vec<String>,
}

impl OwnHook {
    /// Notes what is about to be written there.
    pub fn note(&mut self, content: &[u8]) {
        let text = noted(content);
        self.texts.retain(|known| *known != text);
        self.texts.push(text);
        self.texts.drain(..self.texts.len().saturating_sub(2));
    }

    /// Whether what we wrote was edited.
    pub fn is_edited(&self, there: &[u8]) -> bool {
        !self.texts.contains(&noted(there))
    }
}

/// What a hook holds, for the record.
fn noted(content: &[u8]) -> String {
    match std::str::from_utf8(content) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => format!("sha256:{}", digest::sha256(content)),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setting {
    /// The file that it is in, relative to the git directory: that of a worktree may have its own.
    pub file: String,
    pub key: String,
    pub value: String,
    /// Its value in that file before; `None` if it was not set there.
    pub previous: Option<String>,
}

impl Installed {
    fn empty(repo: &Repo) -> Installed {
        let (files, tree_folders, folders, hooks, settings) = Default::default();
        let base = repo.common_dir().to_path_buf();
        Installed { version: VERSION, files, tree_folders, folders, hooks, settings, base }
    }

    /// Whether there is nothing to undo.
    pub fn is_empty(&self) -> bool {
        let Installed { files, tree_folders, folders, hooks, settings, .. } = self;
        files.is_empty()
            && tree_folders.is_empty()
            && folders.is_empty()
            && hooks.is_empty()
            && settings.is_empty()
    }

    /// The record of a repository; an empty one where there is none.
    pub fn read(repo: &Repo) -> Result<Installed> {
        let path = path(repo);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Installed::empty(repo)),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let mut installed: Installed = serde_json::from_slice(&text).map_err(|error| {
            let message = format!("{} is not what `init` wrote", path.display());
            let fix = "move it away and run init again; hooks that carry our mark are taken as ours";
            hint_on(error.into(), message, fix)
        })?;
        if installed.version > VERSION {
            return Err(hint("a newer git-flow-ai was installed here", "use that one to uninstall"));
        }
        installed.base = repo.common_dir().to_path_buf();
        Ok(installed)
    }

    /// Forgets all of it.
    pub fn forget(repo: &Repo) -> Result<()> {
        Installed::empty(repo).write(repo)
    }

    /// Whether a hook of ours was edited.
    pub fn is_edited(&self, path: &Path, there: &[u8]) -> bool {
        let Ok(path) = self.relative(path) else { return false };
        self.hooks.iter().any(|hook| hook.path == path && hook.is_edited(there))
    }

    /// What we set core.hooksPath to, if that is such a value: here, or where this was copied or moved from.
    pub fn hooks_path(&self, value: &str) -> Option<&Setting> {
        self.settings.iter().find(|own| own.key == HOOKS_PATH && own.value == value)
    }

    /// A path of the git directory as it is written down.
    pub fn relative(&self, path: &Path) -> Result<PathBuf> {
        let inside = path.strip_prefix(&self.base).map(Path::to_path_buf);
        inside.with_context(|| format!("{} is not in {}", path.display(), self.base.display()))
    }

    /// Where a path that is written down is now; `None` if it leads out of the git directory.
    pub fn absolute(&self, path: &Path) -> Option<PathBuf> {
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.base.join(path);
        (is_plain && self.is_inside(&path)).then_some(path)
    }

    /// Whether a file at that path is in the git directory, whatever links lead there.
    pub fn is_inside(&self, path: &Path) -> bool {
        let there = path.ancestors().skip(1).find(|folder| fs::symlink_metadata(folder).is_ok());
        let there = there.and_then(|folder| fs::canonicalize(folder).ok());
        there.is_some_and(|folder| folder.starts_with(&self.base))
    }

    /// Writes it down, or removes it when nothing is left to undo.
    pub fn write(&self, repo: &Repo) -> Result<()> {
        if self.is_empty() {
            return match fs::remove_file(path(repo)) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            };
        }
        let mut file = tempfile::NamedTempFile::new_in(repo.own_dir()?)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.persist(path(repo)).context("what was installed cannot be written down")?;
        Ok(())
    }
}

fn path(repo: &Repo) -> PathBuf {
    repo.common_dir().join("flow-ai/installed.json")
}
