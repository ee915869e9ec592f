//! What an agent left in a worktree, as a tree.
//!
//! An agent can prepare its folder (`.git` file, nested repositories, submodule folders, hooks,
//! fsmonitor), so git is never run *by* that folder: it gets our own copy of the index from checkout
//! time, an explicit git directory, the settings of [`super::SETTINGS`], and an explicit list of
//! paths. `git add` would not do: it asks `git status` inside every submodule folder, which runs what
//! that folder's config says. Files of nested repositories are harvested like others, only their
//! `.git` is not. Attributes, filters, line ends and modes are as git has them.
//!
//! There are limits, because an agent knows none: a file of more than 100 MiB is left out and named (2 GiB
//! where the project has it already or a filter takes it, as for LFS), and more than 100,000 new files,
//! or five minutes of any git command, are an error ([`TooMuch`]) that fails the attempt and loses nothing.

use super::import::{OwnCommit, Tips};
use super::index::Index;
use super::walk::{Kind, Walk, as_path, kind};
use super::{TooMuch, Worktree};
use crate::domain::error::Result;
use anyhow::Context;
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::fs;
use std::path::PathBuf;

/// The largest file that is taken, in bytes. Hosts of repositories refuse larger ones, and they stay in a
/// history for ever.
pub const LARGEST: u64 = 100 << 20;

/// The largest file that is taken where the project has it already, or a filter of the person's takes it
/// (as for LFS), in bytes.
pub const LARGEST_KNOWN: u64 = 2 << 30;

/// The most new files that are taken: more than that are a build's, or an attack.
pub const MOST: usize = 100_000;

/// The longest path that is told whole, in bytes.
const LONGEST: usize = 400;

/// The most bytes in files that are new or changed.
const TOTAL: u64 = 8 << 30;

/// What was found in a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harvest {
    /// The tree of all that is not ignored.
    pub tree: ObjectId,
    /// How many paths differ from what the worktree was made from.
    pub changed: usize,
    /// What was left out and why.
    pub left_out: Vec<LeftOut>,
    /// What whoever worked in it has committed (or stashed) by itself, with content that the tree has not.
    /// Keep them under a ref, or [`Worktree::let_go`] forgets them.
    pub commits: Vec<OwnCommit>,
    /// What was changed of that which decides about what git runs in the worktree, and was put back.
    pub mended: Vec<String>,
    /// All tips of its own refs, which are settled once the harvest is let go.
    pub(super) seen: Vec<ObjectId>,
}

/// Something that a tree cannot or must not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where, relative to the worktree, as text for people.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why something is left out of a harvest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The `.git` of a repository inside; its files were harvested.
    NestedRepository,
    /// A FIFO, a socket or a device.
    SpecialFile,
    /// We may not read it.
    Unreadable,
    /// It is in the folder of a submodule, whose files belong to another repository.
    InSubmodule,
    /// git takes no file of that name.
    Name,
    /// git cannot take its content as the attributes ask: an encoding, a filter that fails.
    Content,
    /// It asks git for submodules as `git fsck` forbids them.
    Submodules,
    /// It is larger than [`LARGEST`].
    TooLarge,
    /// Commits of the agent's own that are broken, or too many.
    Commits,
}

impl Why {
    /// Whether a person might miss it: a worktree with such a thing is not removed.
    pub fn holds_content(self) -> bool {
        match self {
            Why::NestedRepository | Why::SpecialFile => false,
            Why::Unreadable
            | Why::InSubmodule
            | Why::Name
            | Why::Content
            | Why::Submodules
            | Why::TooLarge
            | Why::Commits => true,
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::NestedRepository => "is a git repository inside (its files are in)",
            Why::SpecialFile => "is no regular file",
            Why::Unreadable => "cannot be read",
            Why::InSubmodule => "is in a submodule",
            Why::Name => "has a name that git does not take",
            Why::Content => "cannot be taken as its attributes ask (an encoding, a filter)",
            Why::Submodules => "names submodules as git forbids it: programs, options, folders outside",
            Why::TooLarge => {
                return write!(f, "{} is larger than {} MiB", self.path, LARGEST >> 20);
            }
            Why::Commits => "holds commits of its own that cannot be read",
        };
        write!(f, "{} {why}", self.path)
    }
}

impl Worktree {
    /// Writes its files into the object store.
    pub fn harvest(&self) -> Result<Harvest> {
        self.gather().with_context(|| format!("cannot harvest {}", self.path.display()))
    }

    /// Remembers that this harvest's tree is in a commit and its commits are kept, or that nobody wants
    /// them: from now on the worktree may be removed as long as it holds nothing else.
    pub fn let_go(&self, harvest: &Harvest) -> Result<()> {
        self.record.settle(&harvest.seen)?;
        self.record.set_saved(harvest.tree)
    }

    /// Whether the checkout was complete, so that anybody can have worked in it.
    pub fn is_complete(&self) -> bool {
        self.record.index().exists()
    }

    /// Whether its folder is there, and a folder.
    pub fn is_there(&self) -> bool {
        self.path.symlink_metadata().is_ok_and(|data| data.is_dir())
    }

    fn gather(&self) -> Result<Harvest> {
        if !self.is_there() {
            anyhow::bail!("its folder is gone");
        }
        if let Some(why) = self.replaced()? {
            anyhow::bail!("{why}");
        }
        let sealed = self.seal()?;
        let mut left_out = BTreeMap::new();
        let tips = match sealed.is_readable {
            true => self.import()?,
            false => Tips { lost: vec![".git".into()], ..Tips::default() },
        };
        left_out.extend(tips.lost.iter().map(|name| (name.clone().into_bytes(), Why::Commits)));
        let index = Index::copy_of(self)?;
        let submodules = index.submodules()?;
        for path in &submodules {
            if fs::read_dir(self.path.join(as_path(path))).is_ok_and(|mut entries| entries.next().is_some()) {
                left_out.insert(path.clone(), Why::InSubmodule);
            }
        }
        let walk = Walk::over(&self.path, &submodules)?;
        for path in walk.traps() {
            self.set_aside(&self.path.join(as_path(path)))?;
        }
        let candidates = self.candidates(&index, &walk, &submodules, tips.head)?;
        left_out.extend(index.without_ignored(walk.odd)?);
        let copied: HashSet<PathBuf> = self.record.copied()?.into_iter().collect();
        let (mut present, mut gone) = (Vec::new(), Vec::new());
        let mut real_folders = HashSet::new();
        for path in candidates {
            if copied.contains(as_path(&path)) {
                continue;
            }
            match kind(&self.path, as_path(&path), &mut real_folders) {
                Kind::File { size } => present.push((path, size)),
                Kind::Unreadable => drop(left_out.insert(path, Why::Unreadable)),
                Kind::Nothing => gone.push(path),
            }
        }
        let (present, large) = within_limits(present, &index)?;
        left_out.extend(large.into_iter().map(|path| (path, Why::TooLarge)));
        let (present, refused): (Paths, Paths) =
            present.into_iter().partition(|path| path != b".gitmodules" || self.submodules_are_sound());
        left_out.extend(refused.into_iter().map(|path| (path, Why::Submodules)));
        // First what went: a file may have made room for a folder, or a folder for a file.
        index.update(&["--force-remove"], &gone)?;
        left_out.extend(index.update(&["--add", "--remove"], &present)?);
        let tree = index.write_tree()?;
        let changed = index.changed_from(self.base, tree)?;
        let commits = self.beyond(&tips, tree, &index, &copied)?;
        index.keep()?;
        let left_out = left_out.into_iter().map(|(path, why)| LeftOut { path: shown(&path), why }).collect();
        let seen = tips.new.into_keys().collect();
        Ok(Harvest { tree, changed, left_out, commits, mended: sealed.changed, seen })
    }

    /// Every path that may differ from the index: changed, gone, new, in nested repositories, and what
    /// the agent committed by itself although it is ignored.
    fn candidates(
        &self,
        index: &Index<'_>,
        walk: &Walk,
        submodules: &BTreeSet<Vec<u8>>,
        head: Option<ObjectId>,
    ) -> Result<BTreeSet<Vec<u8>>> {
        let new = index.list(&["ls-files", "--others", "--exclude-standard", "-z"])?;
        refuse_flood(new.len())?;
        let mut paths: BTreeSet<Vec<u8>> = index
            .list(&["diff-files", "--ignore-submodules=all", "--name-only", "-z"])?
            .into_iter()
            .collect();
        let mut nested = Vec::new();
        for path in new {
            match path.strip_suffix(b"/") {
                Some(repository) => nested.push(repository.to_vec()),
                None => drop(paths.insert(path)),
            }
        }
        for repository in nested {
            let files = walk.files_below(&self.path, &repository)?;
            paths.extend(
                index.without_ignored(files.into_iter().map(|path| (path, ())).collect())?.into_keys(),
            );
        }
        if let Some(head) = head {
            let (base, head) = (self.base.to_string(), format!("{head}^{{commit}}"));
            let added =
                ["diff-tree", "-r", "--no-renames", "--diff-filter=A", "--name-only", "-z", &base, &head];
            paths.extend(index.list(&added)?);
        }
        paths.retain(|path| !submodules.contains(path) && !submodules.iter().any(|sub| is_below(path, sub)));
        Ok(paths)
    }
}

/// An error when there are more new files than anybody meant to make.
pub(super) fn refuse_flood(count: usize) -> Result<()> {
    if count <= MOST {
        return Ok(());
    }
    Err(TooMuch(format!("{} new files; is something missing in .gitignore?", grouped(count))).into())
}

/// `1,000,000`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

type Paths = Vec<Vec<u8>>;

/// The files that are taken, and those that are too large for that.
fn within_limits(files: Vec<(Vec<u8>, u64)>, index: &Index<'_>) -> Result<(Paths, Paths)> {
    let large: Paths =
        files.iter().filter(|(_, size)| *size > LARGEST).map(|(path, _)| path.clone()).collect();
    let mut known = BTreeSet::new();
    if !large.is_empty() {
        known = index.filtered(&large)?;
        known.extend(index.tracked(&large)?);
    }
    let (mut taken, mut left, mut total) = (Vec::new(), Vec::new(), 0);
    for (path, size) in files {
        if size <= if known.contains(&path) { LARGEST_KNOWN } else { LARGEST } {
            total += size;
            taken.push(path);
        } else {
            left.push(path);
        }
    }
    if total > TOTAL {
        let text = format!("{} GiB in new files; is something missing in .gitignore?", total >> 30);
        return Err(TooMuch(text).into());
    }
    Ok((taken, left))
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

/// A path as text for people; of an absurdly long one the beginning and the end.
fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path).into_owned();
    if text.len() <= LONGEST {
        return text;
    }
    let (start, end) =
        (text.floor_char_boundary(LONGEST / 2), text.ceil_char_boundary(text.len() - LONGEST / 2));
    format!("{}…{}", &text[..start], &text[end..])
}
