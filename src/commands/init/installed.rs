//! What `init` did to a repository, written down so that it can be undone exactly:
//! `<common git dir>/flow-ai/installed.json`.

use crate::domain::digest;
use crate::domain::error::{Result, hint, hint_on};
use crate::gate::store::Repo;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The version of the record that we write, and the newest that we read.
const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Installed {
    pub version: u32,
    pub files: Vec<OwnFile>,
    /// Folders that were not there, outermost first.
    pub folders: Vec<PathBuf>,
    /// Hooks, by absolute path.
    pub hooks: Vec<OwnHook>,
    /// Settings in the repository's own git config.
    pub settings: Vec<Setting>,
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
    pub key: String,
    pub value: String,
    /// Its value in the repository's own config before; `None` if it was not set there.
    pub previous: Option<String>,
}

impl Default for Installed {
    fn default() -> Installed {
        let (files, folders, hooks, settings) = Default::default();
        Installed { version: VERSION, files, folders, hooks, settings }
    }
}

impl Installed {
    /// The record of a repository; an empty one where there is none.
    pub fn read(repo: &Repo) -> Result<Installed> {
        let path = path(repo);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Installed::default()),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let installed: Installed = serde_json::from_slice(&text).map_err(|error| {
            let message = format!("{} is not what `init` wrote", path.display());
            let fix = "move it away and run init again; hooks that carry our mark are taken as ours";
            hint_on(error.into(), message, fix)
        })?;
        if installed.version > VERSION {
            return Err(hint("a newer git-flow-ai was installed here", "use that one to uninstall"));
        }
        Ok(installed)
    }

    /// Whether a hook of ours was edited.
    pub fn is_edited(&self, path: &Path, there: &[u8]) -> bool {
        self.hooks.iter().any(|hook| hook.path == path && hook.is_edited(there))
    }

    /// Writes it down, or removes it when nothing is left to undo.
    pub fn write(&self, repo: &Repo) -> Result<()> {
        if *self == Installed::default() {
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
