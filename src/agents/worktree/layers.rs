//! The layers that a worktree's files are seen through: a clean checkout that many share, and what was written.
//!
//! Each command of the worktree gets a mount namespace of its own, in which an overlay of the same layers is
//! mounted: at the worktree's path its files, and over its private repository the index that git wrote for the
//! checkout. Outside of that the path is a folder with nothing but a [`NOTE`], and all that was written lies in the
//! record (`upper/`), whatever ends the command. Nobody writes in a namespace while we look.

use super::bases::{self, Base, Use};
use super::record::WorktreeRecord;
use super::{Worktree, Worktrees};
use crate::domain::error::Result;
use crate::system::overlay::{Overlay, is_whiteout};
use anyhow::Context;
use gix::ObjectId;
use std::fs;
use std::path::{Path, PathBuf};

/// The file at the worktree's path that says where its files are.
const NOTE: &str = "ITS-FILES-ARE-IN-LAYERS.txt";

const TEXT: &str = "The files of this worktree are seen only by the commands that run in it.\n\
To look at them: git flow-ai open SPEC TASK\n";

/// What a worktree is seen through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layers {
    pub base: Base,
    /// The key of the layer that a setup made.
    pub setup: Option<String>,
}

impl Layers {
    /// What a record says of them; `None` if it has none. A clean checkout that somebody deleted is made again.
    pub fn read(worktrees: &Worktrees, record: &WorktreeRecord, commit: ObjectId) -> Result<Option<Layers>> {
        let Some((key, setup)) = record.layers()? else { return Ok(None) };
        let base = match Base::read(&worktrees.own_dir(), &key)? {
            Some(base) => base,
            None => {
                let held = bases::take(worktrees, commit, Use::Layer)?;
                record.set_layers(&held.base.key, setup.as_deref())?;
                held.base
            }
        };
        let is_there = |key: &String| worktrees.own_dir().join("setups").join(key).is_dir();
        Ok(Some(Layers { base, setup: setup.filter(is_there) }))
    }

    /// The same, but without making anything; `None` too if the clean checkout is not there.
    pub fn found(own: &Path, record: &WorktreeRecord) -> Result<Option<Layers>> {
        let Some((key, setup)) = record.layers()? else { return Ok(None) };
        Ok(Base::read(own, &key)?.map(|base| Layers { base, setup }))
    }

    /// Makes the folders that the overlays need.
    pub fn make(record: &WorktreeRecord, path: &Path) -> Result<()> {
        for folder in [record.upper(), record.work(), record.git_work(), record.view()] {
            fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        write_note(path)
    }

    /// What the commands of a worktree get: its files, and the index of its private repository.
    pub fn overlays(&self, worktree: &Worktree) -> Vec<Overlay> {
        let record = &worktree.record;
        let own = worktree.parent.own_dir();
        let files = Overlay {
            at: worktree.seat(),
            within: own.clone(),
            lower: self.lower(),
            upper: Some((record.relative("upper"), record.relative("work"))),
        };
        let git = Overlay {
            at: record.git_dir(),
            within: own,
            lower: vec![self.base.git()],
            upper: Some((record.relative("git"), record.relative("git.work"))),
        };
        vec![files, git]
    }

    /// What is only read, the topmost first.
    fn lower(&self) -> Vec<PathBuf> {
        let setup = self.setup.iter().map(|key| Path::new("setups").join(key).join("files"));
        setup.chain(self.base.files()).collect()
    }

    /// All files, to be read by us.
    pub fn view(&self, record: &WorktreeRecord) -> Overlay {
        let lower = [vec![record.relative("upper")], self.lower()].concat();
        Overlay { at: record.view(), within: record.own(), lower, upper: None }
    }

    /// Its private repository, to be read.
    pub fn git_view(&self, record: &WorktreeRecord) -> Overlay {
        let lower = vec![record.relative("git"), self.base.git()];
        Overlay { at: record.git_dir(), within: record.own(), lower, upper: None }
    }
}

/// Says at a worktree's path where its files are.
pub(super) fn write_note(path: &Path) -> Result<()> {
    fs::write(path.join(NOTE), TEXT).with_context(|| format!("cannot write {NOTE}"))
}

/// Whether everything was deleted, as far as that can be, its `.git` file too: nobody works on in such a place.
pub(super) fn are_emptied(worktree: &Worktree) -> bool {
    let Some(entries) = worktree.layers.as_ref().and_then(|_| fs::read_dir(worktree.files()).ok()) else {
        return false;
    };
    let data = |entry: std::io::Result<fs::DirEntry>| entry.and_then(|entry| entry.path().symlink_metadata());
    let all: Vec<_> = entries.map(data).collect();
    !all.is_empty() && all.iter().all(|data| data.as_ref().is_ok_and(is_whiteout))
}

/// What others have put where nothing but the note of a worktree with layers is.
pub(super) fn foreign(worktree: &Worktree) -> Option<String> {
    worktree.layers.as_ref()?;
    let names = fs::read_dir(&worktree.path).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.into_iter().find(|name| name != NOTE).map(|name| name.to_string_lossy().into_owned())
}
