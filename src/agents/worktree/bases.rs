//! Clean checkouts that worktrees are seen through, one for each tree: made once, shared, never written again.
//!
//! `<common git dir>/flow-ai/bases/<key>/` holds `files/`, `git/index` as git wrote it, and `about`. The key is a
//! digest of the tree and of all that decides about the content of its files. A tree that differs little from one
//! that is there is made as a layer over it: git moves an overlay of that from one tree to the other.
//!
//! Where there are no overlays, worktrees are copied from it: see [`super::from_base`].
//!
//! One is made aside under a lock of its own and renamed into its place, so that a kill leaves nothing that counts.
//! It is used as long as a record names it: who looks for one holds [`HeldBase`] until a record does, and nothing is
//! removed meanwhile.

use super::view::GitScope;
use super::{Worktrees, aged, filters};
use crate::domain::digest;
use crate::domain::error::Result;
use crate::gate::store::{Repo, trees};
use crate::system::fs::disk_usage::{THOROUGH, measure};
use crate::system::fs::{lock, remove_tree};
use crate::system::overlay::Overlay;
use anyhow::Context;
use gix::ObjectId;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The most paths in which a tree may differ from the one that it is made from: beyond, git is as fast afresh.
const NEAR: usize = 5_000;

/// How many of those that were used last are looked at for one that is near.
const LOOKED_AT: usize = 4;

/// A clean checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub key: String,
    about: About,
}

/// What is known of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    tree: String,
    /// The digest of what decides about the content of files.
    settings: String,
    /// The one that it is a layer over.
    under: Option<String>,
    bytes: u64,
}

/// What a worktree does with a clean checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is seen through it.
    Layer,
    /// It is copied from it, which takes all files in one folder.
    Copy,
}

/// A clean checkout that is not removed as long as this is held.
pub(super) struct HeldBase {
    pub base: Base,
    _lock: File,
}

impl Base {
    /// The one of that key; `None` if it is not there.
    pub fn read(own: &Path, key: &str) -> Result<Option<Base>> {
        let path = own.join("bases").join(key).join("about");
        let Ok(text) = fs::read(&path) else { return Ok(None) };
        let about =
            serde_json::from_slice(&text).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Some(Base { key: key.to_owned(), about }))
    }

    /// The folders with its files, the topmost first, relative to our own folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let keys = [Some(&self.key), self.about.under.as_ref()].into_iter().flatten();
        keys.map(|key| Path::new("bases").join(key).join("files")).collect()
    }

    /// The folder with its index, relative to our own.
    pub fn git(&self) -> PathBuf {
        Path::new("bases").join(&self.key).join("git")
    }

    /// The one that it is a layer over.
    pub fn under(&self) -> Option<&str> {
        self.about.under.as_deref()
    }

    /// What it takes on the disk, in bytes.
    pub fn bytes(&self) -> u64 {
        self.about.bytes
    }

    /// The tree whose files it has.
    pub fn tree(&self) -> Result<ObjectId> {
        Ok(ObjectId::from_hex(self.about.tree.as_bytes())?)
    }
}

/// The clean checkout of that commit's tree, made if it is not there.
pub(super) fn take(worktrees: &Worktrees, commit: ObjectId, how: Use) -> Result<HeldBase> {
    let wanted = Wanted::new(worktrees, commit)?;
    if let Some(held) = wanted.found()? {
        return Ok(held);
    }
    let making =
        lock::take(&wanted.own.join("locks/.making-bases.lock")).context("cannot lock its making")?;
    if Base::read(&wanted.own, &wanted.key)?.is_none() {
        let about =
            About { tree: wanted.tree.to_string(), settings: wanted.settings.clone(), under: None, bytes: 0 };
        let near = match how {
            Use::Layer => near(worktrees, &about)?,
            Use::Copy => None,
        };
        make(worktrees, &wanted.key, commit, about, near)?;
    }
    drop(making);
    wanted.found()?.context("the clean checkout has gone")
}

/// The clean checkout of that commit's tree, if it is there.
pub(super) fn find(worktrees: &Worktrees, commit: ObjectId) -> Result<Option<HeldBase>> {
    Wanted::new(worktrees, commit)?.found()
}

/// What is looked for, while nothing is removed.
struct Wanted {
    own: PathBuf,
    tree: ObjectId,
    settings: String,
    key: String,
    in_use: File,
}

impl Wanted {
    fn new(worktrees: &Worktrees, commit: ObjectId) -> Result<Wanted> {
        let own = worktrees.own_dir();
        let in_use = in_use(&own)?;
        in_use.lock_shared().context("cannot lock the clean checkouts")?;
        let tree = Repo::open(&worktrees.common)?.tree_of(commit)?;
        let settings = settings(worktrees);
        let key = digest::short(format!("{tree} {settings}"));
        Ok(Wanted { own, tree, settings, key, in_use })
    }

    fn found(&self) -> Result<Option<HeldBase>> {
        let Some(base) = Base::read(&self.own, &self.key)? else { return Ok(None) };
        touch(&self.own, &self.key);
        Ok(Some(HeldBase { base, _lock: self.in_use.try_clone()? }))
    }
}

/// The digest of all that decides about the content of files, beside their tree.
fn settings(worktrees: &Worktrees) -> String {
    let attributes = fs::read(worktrees.common.join("info/attributes")).unwrap_or_default();
    digest::short([worktrees.settings.text.as_bytes(), b"\0", &attributes].concat())
}

/// Held shared by who uses clean checkouts, and alone by who removes some.
pub(super) fn in_use(own: &Path) -> Result<File> {
    let path = own.join("locks/.bases.lock");
    lock::open(&path).with_context(|| format!("cannot open {}", path.display()))
}

fn touch(own: &Path, key: &str) {
    let now = FileTimes::new().set_modified(SystemTime::now());
    // Where that fails it is removed earlier.
    let _ = File::options()
        .write(true)
        .open(own.join("bases").join(key).join("about"))
        .and_then(|file| file.set_times(now));
}

/// Makes it aside, over the one that is near if there is one.
fn make(worktrees: &Worktrees, key: &str, commit: ObjectId, about: About, near: Option<Base>) -> Result<()> {
    let bases = worktrees.own_dir().join("bases");
    fs::create_dir_all(&bases).with_context(|| format!("cannot make {}", bases.display()))?;
    let aside = Aside(bases.join(format!(".making-{key}")));
    // Whatever keeps git from that, it is checked out afresh.
    let over = near.and_then(|near| aside.over(worktrees, &near, commit, &about).ok().flatten());
    let mut about = match over {
        Some(about) => about,
        None => {
            aside.afresh(worktrees, commit)?;
            about
        }
    };
    about.bytes = measure(&aside.0, THOROUGH).bytes;
    fs::write(aside.0.join("about"), serde_json::to_vec(&about)?).context("cannot write about it")?;
    fs::rename(&aside.0, bases.join(key)).context("cannot put it into its place")
}

/// One that was used lately, and differs from that tree in few paths and in no attributes.
fn near(worktrees: &Worktrees, about: &About) -> Result<Option<Base>> {
    let (own, repo) = (worktrees.own_dir(), Repo::open(&worktrees.common)?);
    let tree = ObjectId::from_hex(about.tree.as_bytes())?;
    let candidates = all(&own)
        .into_iter()
        .filter(|(_, base)| base.about.under.is_none() && base.about.settings == about.settings);
    for (_, base) in candidates.rev().take(LOOKED_AT) {
        // Its tree may be gone: then git cannot start from it.
        let Ok(changed) = trees::changed(&repo, base.tree()?, tree) else { continue };
        let is_attributes = |path: &[u8]| path.ends_with(b".gitattributes");
        if changed.len() <= NEAR && !changed.iter().any(|one| is_attributes(&one.path)) {
            return Ok(Some(base));
        }
    }
    Ok(None)
}

/// All of them, by when they were used, the last one last.
pub(super) fn all(own: &Path) -> Vec<(SystemTime, Base)> {
    let entries = fs::read_dir(own.join("bases")).into_iter().flatten().flatten();
    let read = |entry: fs::DirEntry| {
        let base = Base::read(own, entry.file_name().to_str()?).ok()??;
        Some((entry.path().join("about").metadata().ok()?.modified().ok()?, base))
    };
    let mut all: Vec<_> = entries.filter_map(read).collect();
    all.sort_by(|(one, a), (other, b)| (one, &a.key).cmp(&(other, &b.key)));
    all
}

/// Where one is being made.
struct Aside(PathBuf);

impl Aside {
    fn clear(&self, folders: &[&str]) -> Result<()> {
        let context = || format!("cannot make {}", self.0.display());
        remove_tree(&self.0).with_context(context)?;
        folders.iter().try_for_each(|folder| fs::create_dir_all(self.0.join(folder)).with_context(context))
    }

    /// Checks out all of the commit's files.
    fn afresh(&self, worktrees: &Worktrees, commit: ObjectId) -> Result<()> {
        self.clear(&["files", "git"])?;
        let (files, index) = (self.0.join("files"), self.0.join("git/index"));
        let mut checkout = worktrees.git_on(&worktrees.common, &files);
        checkout.env("GIT_INDEX_FILE", &index);
        checkout.args(["read-tree", "--reset", "-u", "--no-recurse-submodules", &commit.to_string()]);
        let (folder, write) = (files.clone(), vec![self.0.clone()]);
        let on = GitScope { folder, edits: true, write, overlays: Vec::new() };
        filters::check_out(worktrees, commit, worktrees.start_git(filters::heard(checkout), on)?)?;
        aged::age(&index, &files, commit.kind())
    }

    /// Moves an overlay of that one to the commit's files. `None` if git cannot.
    fn over(
        &self,
        worktrees: &Worktrees,
        near: &Base,
        commit: ObjectId,
        about: &About,
    ) -> Result<Option<About>> {
        self.clear(&["files", "git", "work", "view"])?;
        let own = worktrees.own_dir();
        let (from, index) = (own.join(near.git()).join("index"), self.0.join("git/index"));
        fs::copy(&from, &index)?;
        File::options().write(true).open(&index)?.set_modified(from.metadata()?.modified()?)?;
        let name = self.0.strip_prefix(&own)?;
        let view = self.0.join("view");
        let overlay = Overlay {
            at: view.clone(),
            within: own.clone(),
            lower: near.files(),
            upper: Some((name.join("files"), name.join("work"))),
        };
        let mut checkout = worktrees.git_on(&worktrees.common, &view);
        checkout.env("GIT_INDEX_FILE", &index);
        checkout.args(["read-tree", "-m", "-u", "--no-recurse-submodules", &near.about.tree, &about.tree]);
        let on = GitScope { folder: view, edits: true, write: vec![self.0.clone()], overlays: vec![overlay] };
        if filters::check_out(worktrees, commit, worktrees.start_git(filters::heard(checkout), on)?).is_err()
        {
            return Ok(None);
        }
        for folder in ["work", "view"] {
            remove_tree(&self.0.join(folder))?;
        }
        aged::age(&index, &self.0.join("files"), commit.kind())?;
        Ok(Some(About { under: Some(near.key.clone()), ..about.clone() }))
    }
}
