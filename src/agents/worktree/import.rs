//! What an agent committed by itself in its private repository, brought into the user's objects.
//!
//! The objects are listed, packed and taken in from an empty repository of our own that has both object
//! stores as alternates: no configuration, attribute, replace ref or commit-graph of the agent's is looked
//! at, and `index-pack --strict` computes every id anew and refuses what is broken. Nothing here moves a
//! ref: the caller gets the tips that hold something which the collected tree does not
//! ([`super::Collected::commits`]), and keeps those.
//!
//! The files of a commit count as collected if each that it changed is in the collected tree as the
//! commit has it. What an agent committed and then replaced itself, before its last commit, is a draft: it
//! goes with the private repository.

use super::agent_refs::{self, AgentRefs};
use super::private_git::object_stores;
use super::scratch_index::ScratchIndex;
use super::{Worktree, bounded, repair, scan};
use crate::domain::error::Result;
use crate::gate::store::{Repo, trees};
use crate::system::git;
use crate::system::mark::mark;
use anyhow::bail;
use gix::ObjectId;
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// After how many broken tips the rest is not tried.
const PATIENCE: usize = 10;

/// The most files that a commit may hold. The largest repositories have some millions.
const FILES: u64 = 10_000_000;

/// The most that one import may bring, packed, in bytes.
const PACKED: u64 = 2 << 30;

/// What an agent called by a name in its own repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommit {
    /// The name: `HEAD`, `refs/heads/x`, `refs/stash`, `refs/stash@{1}`.
    pub name: String,
    /// The commit, which is among the user's objects by now; no ref leads to it yet.
    pub id: ObjectId,
}

/// Brings in what the agent's refs lead to, and returns the tips that are new.
pub(super) fn import(worktree: &Worktree) -> Result<AgentRefs> {
    let known = agent_refs::known(worktree)?;
    let mut refs = agent_refs::read(worktree, &known)?;
    if refs.new.is_empty() {
        return Ok(refs);
    }
    if has_own_objects(worktree) && take_objects(worktree, &known, refs.new.keys()).is_err() {
        take_one_by_one(worktree, &known, &mut refs)?;
    }
    // What does not exist, no agent committed.
    let repo = Repo::open(&worktree.parent.common)?;
    refs.new.retain(|id, _| repo.has(*id));
    refs.head = refs.head.filter(|id| repo.has(*id));
    for id in refs.new.keys().copied().collect::<Vec<_>>() {
        if unpacks_too_far(&repo, id) {
            refs.lost.extend(refs.new.remove(&id));
            refs.head = refs.head.filter(|head| *head != id);
        }
    }
    let settled: HashSet<ObjectId> = worktree.record.settled()?.into_iter().collect();
    refs.new.retain(|id, _| !settled.contains(id));
    Ok(refs)
}

/// What its agent committed by itself, if its folder was deleted: then nothing can be collected.
pub(super) fn commits_without_folder(worktree: &Worktree) -> Result<Vec<AgentCommit>> {
    if worktree.is_there() || !worktree.is_complete() {
        return Ok(Vec::new());
    }
    if !repair::repair(worktree)?.is_readable {
        bail!("its repository cannot be looked through");
    }
    let (refs, repo) = (import(worktree)?, Repo::open(&worktree.parent.common)?);
    let settled = worktree.record.settled()?;
    let commits = refs.new.into_iter().filter_map(|(id, name)| {
        let id = repo.commit_of(&id.to_string()).ok()?.id;
        (!settled.contains(&id)).then_some(AgentCommit { name, id })
    });
    Ok(commits.collect())
}

/// Those of the tips whose content the collected tree does not have.
pub(super) fn beyond(
    worktree: &Worktree,
    refs: &AgentRefs,
    tree: ObjectId,
    index: &ScratchIndex<'_>,
    copied: &HashSet<PathBuf>,
) -> Result<Vec<AgentCommit>> {
    let repo = Repo::open(&worktree.parent.common)?;
    let mut beyond = Vec::new();
    for (id, name) in &refs.new {
        // A tag of a file or a folder leads to no commit.
        let Ok(commit) = repo.commit_of(&id.to_string()) else { continue };
        let apart = name.starts_with("refs/stash") || name.starts_with("refs/notes/");
        if apart || !is_within(worktree.base, commit.tree, tree, index, copied)? {
            beyond.push(AgentCommit { name: name.clone(), id: commit.id });
        }
    }
    // By name: ids differ from run to run.
    beyond.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(beyond)
}

/// Whether all that the agent's tree has changed since the base is the same in the collected one.
fn is_within(
    base: ObjectId,
    own: ObjectId,
    collected: ObjectId,
    index: &ScratchIndex<'_>,
    copied: &HashSet<PathBuf>,
) -> Result<bool> {
    let differing = |one: &str| {
        let own = own.to_string();
        index.list(&["diff-tree", "-r", "--no-renames", "--diff-filter=d", "--name-only", "-z", one, &own])
    };
    let changed: BTreeSet<Vec<u8>> = differing(&format!("{base}^{{tree}}"))?.into_iter().collect();
    // From the collected tree, since what it lacks counts too.
    let missing = differing(&collected.to_string())?;
    Ok(!missing.iter().any(|path| changed.contains(path) && !copied.contains(scan::as_path(path))))
}

/// One broken tip must not take the others with it.
fn take_one_by_one(worktree: &Worktree, known: &HashSet<ObjectId>, refs: &mut AgentRefs) -> Result<()> {
    let mut failures = 0;
    for (id, name) in &refs.new {
        if failures < PATIENCE && take_objects(worktree, known, [id].into_iter()).is_ok() {
            continue;
        }
        failures += 1;
        refs.lost.push(name.clone());
    }
    let lost = &refs.lost;
    refs.new.retain(|_, name| !lost.contains(name));
    refs.head = refs.head.filter(|_| !lost.iter().any(|name| name == "HEAD"));
    Ok(())
}

/// Whether anything was ever added or committed in it.
fn has_own_objects(worktree: &Worktree) -> bool {
    let objects = worktree.git_dir().join("objects");
    let is_any = |path: PathBuf| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    let mut entries = fs::read_dir(&objects).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name() != "info" && is_any(entry.path()))
}

/// Lists, packs and takes in the objects behind those tips.
fn take_objects<'a>(
    worktree: &Worktree,
    known: &HashSet<ObjectId>,
    tips: impl Iterator<Item = &'a ObjectId>,
) -> Result<()> {
    let clean = CleanRepo::new(worktree)?;
    let lines = tips.map(ObjectId::to_string).chain(known.iter().map(|id| format!("^{id}")));
    let wanted = lines.collect::<Vec<_>>().join("\n") + "\n";
    let mut list = bounded::scratch()?;
    let mut command = clean.git();
    command.args(["rev-list", "--objects", "--ignore-missing", "--stdin"]);
    command.stdin(bounded::text(wanted.as_bytes())?).stdout(list.try_clone()?).stderr(Stdio::null());
    if !bounded::wait(bounded::start(&mut command)?, "rev-list")?.success() {
        bail!("its history is broken");
    }
    if list.metadata()?.len() == 0 {
        return Ok(());
    }
    list.rewind()?;
    clean.pack(list, &worktree.parent.common.join("objects"))
}

/// Whether a commit holds more files than a program could list, or cannot be looked through.
fn unpacks_too_far(repo: &Repo, tip: ObjectId) -> bool {
    // A tag of a file or a folder is compared with nothing.
    let Ok(commit) = repo.commit_of(&tip.to_string()) else { return false };
    trees::files(repo, commit.tree).map_or(true, |files| files > FILES)
}

/// An empty repository of our own that sees the user's objects and the agent's.
struct CleanRepo {
    dir: PathBuf,
}

impl Drop for CleanRepo {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl CleanRepo {
    fn new(worktree: &Worktree) -> Result<CleanRepo> {
        let dir = worktree.record.scratch("import");
        let common = &worktree.parent.common;
        let clean = CleanRepo { dir };
        let _ = fs::remove_dir_all(&clean.dir);
        for folder in ["objects/info", "objects/pack", "refs"] {
            fs::create_dir_all(clean.dir.join(folder))?;
        }
        let mut alternates = Vec::new();
        for store in object_stores(common).into_iter().chain([worktree.git_dir().join("objects")]) {
            alternates.extend_from_slice(store.as_os_str().as_bytes());
            alternates.push(b'\n');
        }
        fs::write(clean.dir.join("objects/info/alternates"), alternates)?;
        fs::write(clean.dir.join("HEAD"), "ref: refs/heads/none\n")?;
        let format = match worktree.base.kind() {
            gix::hash::Kind::Sha1 => "[core]\n\trepositoryFormatVersion = 0\n",
            _ => "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tobjectFormat = sha256\n",
        };
        fs::write(clean.dir.join("config"), format!("{format}[core]\n\tbare = true\n"))?;
        let shallow = common.join("shallow");
        if shallow.exists() {
            fs::copy(shallow, clean.dir.join("shallow"))?;
        }
        Ok(clean)
    }

    fn git(&self) -> Command {
        let mut command = git::command(&self.dir);
        command.env("GIT_NO_LAZY_FETCH", "1").arg(format!("--git-dir={}", self.dir.display()));
        for setting in [
            "core.commitGraph=false",
            "core.multiPackIndex=false",
            "core.useReplaceRefs=false",
            // Above it, git streams a file instead of holding it in memory.
            "core.bigFileThreshold=16m",
            "pack.threads=1",
        ] {
            command.args(["-c", setting]);
        }
        mark(&mut command);
        command
    }

    /// Packs the listed objects, and indexes the pack into that store.
    fn pack(&self, list: File, store: &Path) -> Result<()> {
        let mut errors = bounded::scratch()?;
        let mut packer = self.git();
        packer.args(["pack-objects", "--quiet", "--stdout", "--delta-base-offset"]);
        packer.stdin(list).stdout(Stdio::piped()).stderr(errors.try_clone()?);
        let mut packer = bounded::start(&mut packer)?;
        let Some(pack) = packer.stdout.take() else { bail!("git pack-objects has no output") };
        let mut indexer = self.git();
        indexer.args(["index-pack", "--stdin", "--strict", &format!("--max-input-size={PACKED}")]);
        indexer.env("GIT_OBJECT_DIRECTORY", store);
        indexer.stdin(pack).stdout(Stdio::null()).stderr(errors.try_clone()?);
        let indexed = bounded::start(&mut indexer).and_then(|child| bounded::wait(child, "index-pack"));
        // Without a reader it ends by itself.
        drop(indexer);
        let packed = bounded::wait(packer, "pack-objects")?;
        if !indexed?.success() || !packed.success() {
            errors.rewind()?;
            let mut text = String::new();
            errors.take(4096).read_to_string(&mut text)?;
            bail!("its objects are refused: {}", text.trim());
        }
        Ok(())
    }
}
