//! What an agent left in a worktree, as a tree.
//!
//! An agent can prepare its folder (`.git` file, nested repositories, submodule folders, hooks,
//! fsmonitor), so git is never run *by* that folder: it gets our own copy of the index from checkout
//! time, an explicit git directory, the settings of [`super::SETTINGS`], and an explicit list of
//! paths. `git add` would not do: it asks `git status` inside every submodule folder, which runs what
//! that folder's config says. Files of nested repositories are harvested like others, only their
//! `.git` is not. Attributes, filters, line ends and modes are as git has them.

use super::Worktree;
use super::walk::{Kind, Walk, as_path, kind};
use crate::error::Result;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// What was found in a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harvest {
    /// The tree of all that is not ignored.
    pub tree: ObjectId,
    /// How many paths differ from what the worktree was made from.
    pub changed: usize,
    /// What was left out and why.
    pub left_out: Vec<LeftOut>,
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
}

impl Why {
    /// Whether a person might miss it: a worktree with such a thing is not removed.
    pub fn holds_content(self) -> bool {
        match self {
            Why::NestedRepository | Why::SpecialFile => false,
            Why::Unreadable | Why::InSubmodule | Why::Name => true,
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
        };
        write!(f, "{} {why}", self.path)
    }
}

impl Worktree {
    /// Writes its files into the object store.
    pub fn harvest(&self) -> Result<Harvest> {
        self.gather().with_context(|| format!("cannot harvest {}", self.path.display()))
    }

    /// Remembers that this tree of its files is in a commit, or that nobody wants it: from now on the
    /// worktree may be removed as long as it holds nothing else.
    pub fn let_go(&self, tree: ObjectId) -> Result<()> {
        self.record.set_saved(tree)
    }

    /// Whether the checkout was complete, so that anybody can have worked in it.
    pub fn is_complete(&self) -> bool {
        self.record.index().exists()
    }

    /// The branch that whoever worked in it has switched to; none where it is on none, as it was made.
    pub fn branch(&self) -> Option<String> {
        self.head().strip_prefix("ref: ").map(str::to_owned)
    }

    fn gather(&self) -> Result<Harvest> {
        let index = Index::copy_of(self)?;
        let mut left_out = BTreeMap::new();
        let submodules = index.submodules()?;
        for path in &submodules {
            if fs::read_dir(self.path.join(as_path(path))).is_ok_and(|mut entries| entries.next().is_some()) {
                left_out.insert(path.clone(), Why::InSubmodule);
            }
        }
        let walk = Walk::over(&self.path, &submodules);
        let candidates = self.candidates(&index, &walk, &submodules)?;
        for (path, why) in index.without_ignored(walk.odd)? {
            left_out.insert(path, why);
        }
        let copied: HashSet<PathBuf> = self.record.copied()?.into_iter().collect();
        let (mut present, mut gone) = (Vec::new(), Vec::new());
        let mut real_folders = HashSet::new();
        for path in candidates {
            if copied.contains(as_path(&path)) {
                continue;
            }
            match kind(&self.path, as_path(&path), &mut real_folders) {
                Kind::File => present.push(path),
                Kind::Unreadable => drop(left_out.insert(path, Why::Unreadable)),
                Kind::Nothing => gone.push(path),
            }
        }
        // First what went: a file may have made room for a folder, or a folder for a file.
        index.update(&["--force-remove"], &gone)?;
        for path in index.update(&["--add", "--remove"], &present)? {
            left_out.insert(path, Why::Name);
        }
        let tree = index.write_tree()?;
        let left_out = left_out.into_iter().map(|(path, why)| LeftOut { path: shown(&path), why });
        Ok(Harvest { tree, changed: index.changed_from(self.base, tree)?, left_out: left_out.collect() })
    }

    /// Every path that may differ from the index: changed, gone, new, in nested repositories, and what
    /// the agent committed by itself although it is ignored.
    fn candidates(
        &self,
        index: &Index<'_>,
        walk: &Walk,
        submodules: &BTreeSet<Vec<u8>>,
    ) -> Result<BTreeSet<Vec<u8>>> {
        let mut paths: BTreeSet<Vec<u8>> = index
            .list(&["diff-files", "--ignore-submodules=all", "--name-only", "-z"])?
            .into_iter()
            .collect();
        let mut nested = Vec::new();
        for path in index.list(&["ls-files", "--others", "--exclude-standard", "-z"])? {
            match path.strip_suffix(b"/") {
                Some(repository) => nested.push(repository.to_vec()),
                None => drop(paths.insert(path)),
            }
        }
        for repository in nested {
            let files = walk.files_below(&self.path, &repository);
            paths.extend(
                index.without_ignored(files.into_iter().map(|path| (path, ())).collect())?.into_keys(),
            );
        }
        paths.extend(self.committed_by_agent(index)?);
        paths.retain(|path| !submodules.contains(path) && !submodules.iter().any(|sub| is_below(path, sub)));
        Ok(paths)
    }

    /// The text of its HEAD, which the agent could write; empty when it is none.
    fn head(&self) -> String {
        let head = self.admin().join("HEAD");
        let regular = head.symlink_metadata().is_ok_and(|data| data.is_file() && data.len() < 4096);
        let text = if regular { fs::read_to_string(&head).unwrap_or_default() } else { String::new() };
        text.trim().to_owned()
    }

    /// What the agent's own commits added. The worktree's HEAD is only followed to a commit, by name, in
    /// the common repository.
    fn committed_by_agent(&self, index: &Index<'_>) -> Result<Vec<Vec<u8>>> {
        let text = self.head();
        let name = match text.strip_prefix("ref: ") {
            Some(name) if name.starts_with("refs/") => name,
            None if ObjectId::from_hex(text.as_bytes()).is_ok() => text.as_str(),
            _ => return Ok(Vec::new()),
        };
        let commit = format!("{name}^{{commit}}");
        let parsed =
            index.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).output()?;
        let id = String::from_utf8_lossy(&parsed.stdout).trim().to_owned();
        if !parsed.status.success() || ObjectId::from_hex(id.as_bytes()).is_ok_and(|id| id == self.base) {
            return Ok(Vec::new());
        }
        let base = self.base.to_string();
        index.list(&["diff-tree", "-r", "--no-renames", "--diff-filter=A", "--name-only", "-z", &base, &id])
    }
}

/// A scratch index, and git commands on it.
struct Index<'a> {
    worktree: &'a Worktree,
    file: PathBuf,
}

impl Drop for Index<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

impl<'a> Index<'a> {
    /// The index as it was after checkout, its time included: git takes a file for unchanged only when
    /// it is older than the index.
    fn copy_of(worktree: &'a Worktree) -> Result<Index<'a>> {
        let (from, file) = (worktree.record.index(), worktree.record.scratch("index.harvest"));
        fs::copy(&from, &file).context("cannot copy the index of the checkout")?;
        File::options().write(true).open(&file)?.set_modified(from.metadata()?.modified()?)?;
        Ok(Index { worktree, file })
    }

    fn git(&self) -> Command {
        let mut command = self.worktree.git(&self.worktree.place.common);
        command.env("GIT_INDEX_FILE", &self.file);
        command
    }

    /// The items of a command's output, which are separated by NUL.
    fn list(&self, args: &[&str]) -> Result<Vec<Vec<u8>>> {
        let mut command = self.git();
        let output = command.args(args).output().context("cannot run git")?;
        succeeded(&output, args, &[0])?;
        Ok(items(&output.stdout))
    }

    /// The paths of submodules.
    fn submodules(&self) -> Result<BTreeSet<Vec<u8>>> {
        let entries = self.list(&["ls-files", "--stage", "-z"])?;
        let links = entries.iter().filter(|entry| entry.starts_with(b"160000 "));
        Ok(links.filter_map(|entry| entry.split(|byte| *byte == b'\t').nth(1).map(<[u8]>::to_vec)).collect())
    }

    /// Takes out what is ignored.
    fn without_ignored<T>(&self, mut paths: BTreeMap<Vec<u8>, T>) -> Result<BTreeMap<Vec<u8>, T>> {
        if paths.is_empty() {
            return Ok(paths);
        }
        let mut command = self.git();
        command.args(["check-ignore", "--no-index", "-z", "--stdin"]).stdin(input(paths.keys())?);
        let output = command.output().context("cannot run git")?;
        // 1 says that none is ignored.
        succeeded(&output, &["check-ignore"], &[0, 1])?;
        for ignored in items(&output.stdout) {
            paths.remove(&ignored);
        }
        Ok(paths)
    }

    /// Takes the paths in (or out), and returns those whose names git refuses.
    fn update(&self, how: &[&str], paths: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = self.git();
        command.arg("update-index").args(how).args(["-z", "--stdin"]).stdin(input(paths)?);
        let output = command.output().context("cannot run git")?;
        succeeded(&output, &["update-index"], &[0])?;
        let lines = output.stderr.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| line.strip_prefix(b"Ignoring path ").map(<[u8]>::to_vec)).collect())
    }

    fn write_tree(&self) -> Result<ObjectId> {
        let output = self.git().arg("write-tree").output().context("cannot run git")?;
        succeeded(&output, &["write-tree"], &[0])?;
        Ok(ObjectId::from_hex(output.stdout.trim_ascii())?)
    }

    fn changed_from(&self, base: ObjectId, tree: ObjectId) -> Result<usize> {
        let (base, tree) = (format!("{base}^{{tree}}"), tree.to_string());
        Ok(self.list(&["diff-tree", "-r", "--no-renames", "--name-only", "-z", &base, &tree])?.len())
    }
}

/// An error with what git said, unless it exited so. Our settings would only hide the cause.
fn succeeded(output: &Output, args: &[&str], statuses: &[i32]) -> Result<()> {
    if output.status.code().is_some_and(|code| statuses.contains(&code)) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("git {} failed ({}): {}", args.first().unwrap_or(&""), output.status, said.trim());
}

/// Paths as a command's input, by way of a file: a pipe could fill while the command's own output
/// waits to be read.
fn input<'a>(paths: impl IntoIterator<Item = &'a Vec<u8>>) -> Result<Stdio> {
    let mut file = tempfile::tempfile().context("cannot make a temporary file")?;
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(path);
        bytes.push(0);
    }
    file.write_all(&bytes)?;
    file.rewind()?;
    Ok(file.into())
}

fn items(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split(|byte| *byte == 0).filter(|item| !item.is_empty()).map(<[u8]>::to_vec).collect()
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
