//! A new worktree, from a pinned commit, beside any number of others being made.
//!
//! Nothing is registered in the user's repository: the worktree belongs to a private one, see
//! [`super::private_git`], so that no git meets a half-made admin folder (`git worktree add` fills its own
//! file by file, and takes `config.lock` for tracking), and `git worktree prune` has no say. The record comes
//! first, then the folder's content. Only the files are checked out by git itself, which knows filters,
//! line ends and sparse trees, or come from a clean checkout that it made.

use super::bases::{Base, HeldBase, Use};
use super::layers::Layers;
use super::record::{self, WorktreeRecord};
use super::records;
use super::{
    Checkouts, Worktree, Worktrees, aged, bases, deletions, filters, from_base, locate, private_git, remove,
    root, submodules,
};
use crate::domain::error::{Result, hint};
use crate::gate::store::{Repo, trees};
use crate::system::fs::lock;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

impl Worktrees {
    /// Makes a worktree with that commit's files, on no branch. Its folder is called `name`, with a
    /// number if that exists already.
    pub fn make(&self, name: &str, commit: ObjectId) -> Result<Worktree> {
        let held = self.clean_checkout(commit).with_context(|| format!("cannot make the worktree {name}"))?;
        let (layers, copied) = match held {
            Some((Use::Layer, held)) => (Some(held), None),
            Some((Use::Copy, held)) => (None, Some(held)),
            None => (None, None),
        };
        let making = self.making()?;
        let path = self.new_folder(name)?;
        let (id, folder) = (commit.to_string(), locate::identity(&path).unwrap_or_default());
        let mut files = vec![
            ("base", id.as_bytes()),
            ("path", path.as_os_str().as_bytes()),
            ("folder", folder.as_bytes()),
        ];
        files.extend(layers.iter().map(|held| (record::LAYERS, held.base.key.as_bytes())));
        let record = WorktreeRecord::create(&self.own_dir(), name, &files)?;
        drop(making);
        let mut worktree = Worktree {
            parent: self.clone(),
            name: name.to_owned(),
            path,
            base: commit,
            record,
            layers: layers.map(|held| Layers { base: held.base, setup: None }),
            empty_submodules: Vec::new(),
        };
        let filled = fill(&worktree, copied.as_ref().map(|held| &held.base));
        match filled.and_then(|()| submodules::fill(&worktree)) {
            Ok(empty) => {
                worktree.empty_submodules = empty;
                Ok(worktree)
            }
            Err(error) => {
                let path = worktree.path.clone();
                // No agent has worked in it, so nothing of value goes with it.
                remove::discard(worktree).with_context(|| format!("cannot clean up {}", path.display()))?;
                Err(error).with_context(|| format!("cannot make the worktree {}", path.display()))
            }
        }
    }

    /// The clean checkout that a worktree of that commit gets its files from, and how; `None` if git is to check them
    /// out.
    fn clean_checkout(&self, commit: ObjectId) -> Result<Option<(Use, HeldBase)>> {
        if matches!(self.checkouts, Checkouts::Full(_)) {
            return Ok(None);
        }
        let repo = Repo::open(&self.common)?;
        let tree = repo.tree_of(commit)?;
        // Submodules are filled in each by itself.
        let has_submodules = trees::entry(&repo, tree, b".gitmodules")?.is_some();
        if self.checkouts == Checkouts::Overlay && !has_submodules {
            return Ok(Some((Use::Layer, bases::take(self, commit, Use::Layer)?)));
        }
        // One worktree alone is not worth making it.
        let is_first = self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(tree);
        let held = match is_first {
            true => bases::find(self, commit)?,
            false => Some(bases::take(self, commit, Use::Copy)?),
        };
        // A layer over another is not all of its files.
        Ok(held.filter(|held| held.base.under().is_none()).map(|held| (Use::Copy, held)))
    }

    /// Held while a folder has no record yet, or a record no name, so that no process takes it for one that
    /// a killed process left.
    pub(super) fn making(&self) -> Result<File> {
        let file = self.making_file()?;
        file.lock_shared().context("cannot lock the making of worktrees")?;
        Ok(file)
    }

    /// Removes what processes left that were killed while they made a worktree: half a record, a folder
    /// that has none.
    pub(super) fn sweep_half_made(&self) -> Result<()> {
        let lock = self.making_file()?;
        if lock.try_lock().is_err() {
            // Another process is making one now, and the next start sweeps as well.
            return Ok(());
        }
        records::sweep_stage(&self.own_dir())?;
        let Ok(entries) = fs::read_dir(&self.root) else { return Ok(()) };
        let known = records::paths(&self.own_dir());
        let gone = deletions::gone(&self.root);
        let paths = entries.flatten().map(|entry| entry.path());
        let seats = self.root.join(root::SEATS);
        for path in paths.filter(|path| *path != gone && *path != seats && !known.contains(path)) {
            // One that holds anything stays: it is not ours.
            let _ = fs::remove_dir(path);
        }
        Ok(())
    }

    fn making_file(&self) -> Result<File> {
        // No spec's name begins with a dot.
        let path = self.own_dir().join("locks/.worktrees.lock");
        lock::open(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    /// Makes a folder that several worktrees are in, for all who share the repository. One that is there is
    /// somebody's, who decided about its rights.
    pub(super) fn make_shared(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder.parent().unwrap_or(folder))?;
        match (fs::create_dir(folder), self.sharing) {
            (Err(error), _) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            (Ok(()), Some(sharing)) => {
                sharing.share_like(folder, &self.common);
                Ok(())
            }
            (made, _) => made,
        }
    }

    fn new_folder(&self, name: &str) -> Result<PathBuf> {
        let refused = |error: std::io::Error, path: &Path| {
            hint(
                format!("cannot make {}: {error}", path.display()),
                "name a folder that you can write to: git config flow-ai.worktrees <folder>, or `worktrees` under [run] in .zenflow/config.toml",
            )
        };
        self.make_shared(&self.root).map_err(|error| refused(error, &self.root))?;
        for number in 1..10_000 {
            let folder = if number == 1 { name.to_owned() } else { format!("{name}.{number}") };
            let path = self.root.join(folder);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // Another process removed the empty root in between.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.make_shared(&self.root).map_err(|error| refused(error, &self.root))?;
                }
                Err(error) => return Err(refused(error, &path)),
            }
        }
        bail!("{} holds ten thousand worktrees called {name} already", self.root.display())
    }
}

/// Puts its files into it, from that clean checkout if there is one to copy from.
fn fill(worktree: &Worktree, copied: Option<&Base>) -> Result<()> {
    if let Some(layers) = &worktree.layers {
        Layers::make(&worktree.record, &worktree.path)?;
        fs::create_dir_all(worktree.seat()).context("cannot make the folder where its files are seen")?;
        private_git::create(worktree).context("cannot make its private repository")?;
        let index = worktree.record.own().join(layers.base.git()).join("index");
        // No agent reaches either, and git replaces an index instead of writing into it.
        return fs::hard_link(index, worktree.record.index()).context("cannot keep the index");
    }
    private_git::create(worktree).context("cannot make its private repository")?;
    match copied {
        Some(base) => from_base::copy(worktree, base)?,
        None => check_out(worktree)?,
    }
    // Aside first: the index in the record is what says that the checkout was complete.
    let aside = worktree.record.scratch("index.new");
    fs::copy(worktree.git_dir().join("index"), &aside).context("cannot keep a copy of the index")?;
    fs::rename(&aside, worktree.record.index())?;
    Ok(())
}

/// Has git check out all of its files.
fn check_out(worktree: &Worktree) -> Result<()> {
    // With the user's own git directory, since no agent has been in the worktree yet: filters, large
    // files and objects that only a remote has are found as in any checkout.
    let mut checkout = worktree.git();
    checkout
        .env("GIT_INDEX_FILE", worktree.git_dir().join("index"))
        .args(["read-tree", "--reset", "-u", "--no-recurse-submodules"])
        .arg(worktree.base.to_string());
    let checkout = worktree.start_git(filters::heard(checkout), true)?;
    filters::check_out(&worktree.parent, worktree.base, checkout)?;
    aged::age(&worktree.git_dir().join("index"), &worktree.path, worktree.base.kind())
}
