//! What an agent committed by itself in its private repository, brought into the person's objects.
//!
//! Its refs are read as files, never by git in its folder. The objects are listed, packed and taken in
//! from an empty repository of our own that has both object stores as alternates: no configuration,
//! attribute, replace ref or commit-graph of the agent's is looked at, and `index-pack --strict` computes
//! every id anew and refuses what is broken. Nothing here moves a ref: who asked gets to know the tips
//! that hold something which the harvest does not ([`super::Harvest::commits`]), and keeps those.
//!
//! The files of a commit count as harvested when each that it changed is in the harvested tree as the
//! commit has it. What an agent committed and then replaced itself, before its last commit, is a draft: it
//! goes with the private repository.

use super::bounded;
use super::index::Index;
use super::private::{object_stores, parse_refs};
use super::seal::{is_plain_name, small};
use super::{TooMuch, Worktree};
use crate::domain::error::Result;
use crate::gate::store::{Repo, trees};
use crate::system::git;
use crate::system::mark::mark;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The most tips that are taken in.
const MOST: usize = 1000;

/// After how many broken ones the rest is not tried.
const PATIENCE: usize = 10;

/// The most files that a commit may hold. The largest repositories have some millions.
const FILES: u64 = 10_000_000;

/// The largest file of refs or of a log that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The most that one import may bring, packed, in bytes.
const PACKED: u64 = 2 << 30;

/// What an agent called by a name in its own repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCommit {
    /// The name: `HEAD`, `refs/heads/x`, `refs/stash`, `refs/stash@{1}`.
    pub name: String,
    /// The commit, which is among the person's objects by now; no ref leads to it yet.
    pub id: ObjectId,
}

/// The tips of an agent's own refs.
#[derive(Debug, Default)]
pub(super) struct Tips {
    /// Its HEAD, when that is not where it was made.
    pub head: Option<ObjectId>,
    /// By id: its first name.
    pub new: BTreeMap<ObjectId, String>,
    /// The names of those that are broken.
    pub lost: Vec<String>,
}

impl Worktree {
    /// Brings in what the agent's refs lead to, and returns the tips that are new.
    pub(super) fn import(&self) -> Result<Tips> {
        let known: HashSet<ObjectId> = self.known_refs()?.into_iter().chain([self.base]).collect();
        let mut tips = self.tips(&known)?;
        if tips.new.is_empty() {
            return Ok(tips);
        }
        if self.has_own_objects() && self.take_objects(&known, tips.new.keys()).is_err() {
            self.take_one_by_one(&known, &mut tips)?;
        }
        // What does not exist, nobody committed.
        let repo = Repo::open(&self.place.common)?;
        tips.new.retain(|id, _| repo.has(*id));
        tips.head = tips.head.filter(|id| repo.has(*id));
        for id in tips.new.keys().copied().collect::<Vec<_>>() {
            if unpacks_too_far(&repo, id) {
                tips.lost.extend(tips.new.remove(&id));
                tips.head = tips.head.filter(|head| *head != id);
            }
        }
        let settled: HashSet<ObjectId> = self.record.settled()?.into_iter().collect();
        tips.new.retain(|id, _| !settled.contains(id));
        Ok(tips)
    }

    /// What its agent committed by itself, where somebody deleted its folder: then no harvest tells.
    pub fn orphans(&self) -> Result<Vec<OwnCommit>> {
        if self.is_there() || !self.is_complete() {
            return Ok(Vec::new());
        }
        if !self.seal()?.is_readable {
            bail!("its repository cannot be looked through");
        }
        let (tips, repo, settled) = (self.import()?, Repo::open(&self.place.common)?, self.record.settled()?);
        let commits = tips.new.into_iter().filter_map(|(id, name)| {
            let id = repo.commit_of(&id.to_string()).ok()?.id;
            (!settled.contains(&id)).then_some(OwnCommit { name, id })
        });
        Ok(commits.collect())
    }

    /// Remembers that these are kept.
    pub fn settle(&self, commits: &[OwnCommit]) -> Result<()> {
        self.record.settle(&commits.iter().map(|own| own.id).collect::<Vec<_>>())
    }

    /// One broken tip must not take the others with it.
    fn take_one_by_one(&self, known: &HashSet<ObjectId>, tips: &mut Tips) -> Result<()> {
        let mut failures = 0;
        for (id, name) in &tips.new {
            if failures < PATIENCE && self.take_objects(known, [id].into_iter()).is_ok() {
                continue;
            }
            failures += 1;
            tips.lost.push(name.clone());
        }
        let lost = &tips.lost;
        tips.new.retain(|_, name| !lost.contains(name));
        tips.head = tips.head.filter(|_| !lost.iter().any(|name| name == "HEAD"));
        Ok(())
    }

    /// Those of the tips whose content the harvested tree has not.
    pub(super) fn beyond(
        &self,
        tips: &Tips,
        tree: ObjectId,
        index: &Index<'_>,
        copied: &HashSet<PathBuf>,
    ) -> Result<Vec<OwnCommit>> {
        let repo = Repo::open(&self.place.common)?;
        let mut beyond = Vec::new();
        for (id, name) in &tips.new {
            // A tag of a file or a folder leads to no commit.
            let Ok(commit) = repo.commit_of(&id.to_string()) else { continue };
            let apart = name.starts_with("refs/stash") || name.starts_with("refs/notes/");
            if apart || !self.is_within(commit.tree, tree, index, copied)? {
                beyond.push(OwnCommit { name: name.clone(), id: commit.id });
            }
        }
        // By name: ids differ from run to run.
        beyond.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(beyond)
    }

    /// Whether whatever that tree has changed since the base is the same in the harvested one.
    fn is_within(
        &self,
        own: ObjectId,
        harvested: ObjectId,
        index: &Index<'_>,
        copied: &HashSet<PathBuf>,
    ) -> Result<bool> {
        let differing = |one: &str, other: &str| {
            index.list(&[
                "diff-tree",
                "-r",
                "--no-renames",
                "--diff-filter=d",
                "--name-only",
                "-z",
                one,
                other,
            ])
        };
        let base = format!("{}^{{tree}}", self.base);
        let changed: BTreeSet<Vec<u8>> = differing(&base, &own.to_string())?.into_iter().collect();
        // The other way round, since what the harvest lacks counts too.
        let missing = differing(&harvested.to_string(), &own.to_string())?;
        Ok(!missing.iter().any(|path| changed.contains(path) && !copied.contains(super::walk::as_path(path))))
    }

    /// The refs that it had when it was made.
    fn known_refs(&self) -> Result<Vec<ObjectId>> {
        let path = self.record.template().join("packed-refs");
        Ok(match fs::read(&path) {
            Ok(text) => parse_refs(&text).into_values().collect(),
            Err(_) => Vec::new(),
        })
    }

    /// Its HEAD, and what its branches, tags, notes and stashes lead to beyond what is known.
    fn tips(&self, known: &HashSet<ObjectId>) -> Result<Tips> {
        let git = self.git_dir();
        let mut refs = parse_refs(&bounded_text(&git.join("packed-refs"))?);
        let mut folders = vec![PathBuf::from("refs")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(git.join(&folder)).into_iter().flatten().flatten() {
                let (path, kind) = (folder.join(entry.file_name()), entry.file_type()?);
                if !is_plain_name(&entry.file_name()) {
                    continue;
                } else if kind.is_dir() {
                    folders.push(path);
                } else if let Some(id) = small(&git.join(&path)).and_then(|text| id_in(&text)) {
                    refs.insert(path.as_os_str().as_bytes().to_vec(), id);
                }
                if refs.len() > known.len() + MOST {
                    return Err(TooMuch(format!("it has more than {MOST} refs of its own")).into());
                }
            }
        }
        let head = small(&git.join("HEAD")).unwrap_or_default();
        let head = match head.trim_ascii_end().strip_prefix(b"ref: ") {
            Some(name) => refs.get(name).copied(),
            None => id_in(&head),
        };
        let mut new = BTreeMap::new();
        let mut note = |name: String, id: ObjectId| {
            if !known.contains(&id) && id.kind() == self.base.kind() {
                new.entry(id).or_insert(name);
            }
        };
        if let Some(head) = head {
            note("HEAD".into(), head);
        }
        for (name, id) in refs {
            note(String::from_utf8_lossy(&name).into_owned(), id);
        }
        let log = bounded_text(&git.join("logs/refs/stash"))?;
        for (number, line) in log.split(|byte| *byte == b'\n').rev().skip(1).take(MOST).enumerate() {
            if let Some(id) = line.split(|byte| *byte == b' ').nth(1).and_then(id_in) {
                note(format!("refs/stash@{{{number}}}"), id);
            }
        }
        if new.len() > MOST {
            return Err(TooMuch(format!("it has more than {MOST} refs of its own")).into());
        }
        Ok(Tips { head: head.filter(|id| *id != self.base), new, lost: Vec::new() })
    }

    /// Whether anything was ever added or committed in it.
    fn has_own_objects(&self) -> bool {
        let objects = self.record.git_dir().join("objects");
        let is_any = |path: PathBuf| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        fs::read_dir(&objects)
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_name() != "info" && is_any(entry.path()))
    }

    /// Lists, packs and takes in the objects behind those tips.
    fn take_objects<'a>(
        &self,
        known: &HashSet<ObjectId>,
        tips: impl Iterator<Item = &'a ObjectId>,
    ) -> Result<()> {
        let clean = Clean::new(self)?;
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
        clean.pack(list, &self.place.common.join("objects"))
    }
}

/// Whether a commit holds more files than a program could list, or cannot be looked through.
fn unpacks_too_far(repo: &Repo, tip: ObjectId) -> bool {
    // A tag of a file or a folder is compared with nothing.
    let Ok(commit) = repo.commit_of(&tip.to_string()) else { return false };
    trees::files(repo, commit.tree).map_or(true, |files| files > FILES)
}

/// An empty repository of our own that sees the person's objects and the agent's.
struct Clean {
    dir: PathBuf,
}

impl Drop for Clean {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Clean {
    fn new(worktree: &Worktree) -> Result<Clean> {
        let dir = worktree.record.scratch("import");
        let common = &worktree.place.common;
        let clean = Clean { dir };
        let _ = fs::remove_dir_all(&clean.dir);
        for folder in ["objects/info", "objects/pack", "refs"] {
            fs::create_dir_all(clean.dir.join(folder))?;
        }
        let mut alternates = Vec::new();
        for store in object_stores(common).into_iter().chain([worktree.record.git_dir().join("objects")]) {
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
    fn pack(&self, list: File, store: &std::path::Path) -> Result<()> {
        let mut said = bounded::scratch()?;
        let mut packer = self.git();
        packer.args(["pack-objects", "--quiet", "--stdout", "--delta-base-offset"]);
        packer.stdin(list).stdout(Stdio::piped()).stderr(said.try_clone()?);
        let mut packer = bounded::start(&mut packer)?;
        let Some(pack) = packer.stdout.take() else { bail!("git pack-objects has no output") };
        let mut indexer = self.git();
        indexer.args(["index-pack", "--stdin", "--strict", &format!("--max-input-size={PACKED}")]);
        indexer.env("GIT_OBJECT_DIRECTORY", store);
        indexer.stdin(pack).stdout(Stdio::null()).stderr(said.try_clone()?);
        let indexed = bounded::start(&mut indexer).and_then(|child| bounded::wait(child, "index-pack"));
        // Without a reader it ends by itself.
        drop(indexer);
        let packed = bounded::wait(packer, "pack-objects")?;
        if !indexed?.success() || !packed.success() {
            said.rewind()?;
            let mut text = String::new();
            said.take(4096).read_to_string(&mut text)?;
            bail!("its objects are refused: {}", text.trim());
        }
        Ok(())
    }
}

/// The id at the beginning of a file or field.
fn id_in(text: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(text.trim_ascii()).ok()
}

/// A plain file's text, unless it is absurdly large.
fn bounded_text(path: &std::path::Path) -> Result<Vec<u8>> {
    match path.symlink_metadata() {
        Ok(data) if data.is_file() && data.len() <= LARGEST => {
            fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        }
        Ok(data) if data.is_file() => {
            Err(TooMuch(format!("{} is larger than {} MiB", path.display(), LARGEST >> 20)).into())
        }
        _ => Ok(Vec::new()),
    }
}
