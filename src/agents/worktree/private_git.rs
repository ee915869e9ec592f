//! The repository that a worktree has to itself, and what its agent may touch of it.
//!
//! It lies in the worktree's record, `<common git dir>/flow-ai/worktrees/<id>/git/`: like a clone with
//! alternates, it reads the user's objects where they are and writes its own; it has its own refs
//! (a copy from when it was made), configuration, index and logs. What decides about what git *runs* or
//! *believes* there (the `.git` file, `config`, `hooks/`, `info/`, `objects/info/`) is kept a second time in
//! the record's `template/`, so that it can be restored: see [`super::repair`].

use super::record::WorktreeRecord;
use super::submodules::list;
use super::{Worktree, settings};
use crate::agents::sandbox::Scope;
use crate::domain::error::Result;
use crate::gate::store::{Expected, Repo};
use anyhow::Context;
use gix::ObjectId;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The files that are restored, relative to the private repository.
pub(super) const FILES: &[&str] = &["config", "info/exclude", "info/attributes", "objects/info/alternates"];

/// The folders that stay as they were made, relative to it, with what belongs in them.
pub(super) const FOLDERS: &[(&str, &[&str])] =
    &[("hooks", &[]), ("info", &["exclude", "attributes"]), ("objects/info", &["alternates"])];

/// How deep git follows alternates of alternates (`object-file.c`).
const ALTERNATES: usize = 5;

/// How long another process may hold the lock on packed refs, in all.
const PATIENCE: Duration = Duration::from_secs(3);

/// What an agent in it may touch: its files, and the private repository but for what decides about what
/// git runs there.
pub(super) fn scope(worktree: &Worktree) -> Scope {
    let git = worktree.git_dir();
    // Not the folder of the alternates: git writes its lists of packs beside them.
    let kept = ["config", "hooks", "info", "objects/info/alternates"];
    let mut protect = vec![worktree.seat().join(".git")];
    let overlays = worktree.layers.iter().flat_map(|layers| layers.overlays(worktree)).collect();
    protect.extend(kept.iter().map(|name| git.join(name)));
    let mut read = object_stores(&worktree.parent.common);
    read.extend(list::sources(&worktree.record).iter().flat_map(|source| object_stores(source)));
    // Large files of which commits hold only pointers.
    read.push(worktree.parent.common.join("lfs"));
    // So that its own git can add what a filter of the user's takes.
    read.extend(worktree.parent.settings.programs.iter().cloned());
    read.retain(|path| path.exists());
    Scope { dir: worktree.seat(), edits: true, write: vec![git], protect, read, overlays, ..Scope::default() }
}

/// Makes the private repository, and leads the worktree to it.
pub(super) fn create(worktree: &Worktree) -> Result<()> {
    let repo = Repo::open(&worktree.parent.common)?;
    fs::create_dir_all(worktree.record.template())?;
    fs::write(worktree.record.template().join("packed-refs"), packed_refs(&repo)?)?;
    keep_base(&repo, worktree)?;
    write_template(worktree)?;
    let (git, template) = (worktree.git_dir(), worktree.record.template());
    for folder in ["objects/pack", "objects/info", "refs/heads", "refs/tags", "hooks", "info"] {
        fs::create_dir_all(git.join(folder))?;
    }
    for file in FILES {
        fs::copy(template.join(file), git.join(file))?;
    }
    fs::copy(template.join("packed-refs"), git.join("packed-refs"))?;
    let shallow = worktree.parent.common.join("shallow");
    if shallow.exists() {
        fs::copy(&shallow, git.join("shallow"))?;
    }
    for (remote, branch) in default_branches(&repo)? {
        let head = git.join("refs/remotes").join(remote).join("HEAD");
        fs::create_dir_all(head.parent().unwrap_or(&git))?;
        fs::write(head, format!("ref: {branch}\n"))?;
    }
    fs::write(git.join("HEAD"), format!("{}\n", worktree.base))?;
    fs::write(worktree.files().join(".git"), pointer(worktree))?;
    Ok(())
}

/// What the worktree's `.git` file says.
pub(super) fn pointer(worktree: &Worktree) -> Vec<u8> {
    [b"gitdir: ", worktree.git_dir().as_os_str().as_bytes(), b"\n"].concat()
}

/// Writes what is restored if an agent changed it.
fn write_template(worktree: &Worktree) -> Result<()> {
    let (template, common) = (worktree.record.template(), &worktree.parent.common);
    for folder in ["info", "objects/info"] {
        fs::create_dir_all(template.join(folder))?;
    }
    let is_sha256 = worktree.base.kind() != gix::hash::Kind::Sha1;
    let config =
        format!("{}{}", worktree.parent.settings.text, settings::own(&worktree.git_dir(), is_sha256));
    fs::write(template.join("config"), config)?;
    for file in ["info/exclude", "info/attributes"] {
        let text = fs::read(common.join(file)).or_else(|error| match error.kind() {
            ErrorKind::NotFound => Ok(Vec::new()),
            _ => Err(error),
        });
        fs::write(template.join(file), text.with_context(|| format!("cannot read {file}"))?)?;
    }
    fs::write(template.join("objects/info/alternates"), alternates(common))?;
    Ok(())
}

/// The list of alternates by which a repository reads the objects of that one.
pub(super) fn alternates(git_dir: &Path) -> Vec<u8> {
    let stores = object_stores(git_dir);
    stores.iter().flat_map(|store| [store.as_os_str().as_bytes(), b"\n"].concat()).collect()
}

/// Keeps `git gc` from what the worktree was made from: perhaps no branch leads there any more.
fn keep_base(repo: &Repo, worktree: &Worktree) -> Result<()> {
    let name = base_ref(&worktree.record);
    patiently(|| repo.set_ref(&name, worktree.base, Expected::Missing, "a worktree's base"))
}

/// Lets `git gc` have it.
pub(super) fn release_base(common: &Path, record: &WorktreeRecord) -> Result<()> {
    let (name, repo) = (base_ref(record), Repo::open(common)?);
    patiently(|| match repo.find_ref(&name)? {
        Some(id) => repo.delete_ref(&name, id),
        None => Ok(()),
    })
}

fn base_ref(record: &WorktreeRecord) -> String {
    format!("refs/flow-ai/worktrees/{}", record.id().to_string_lossy().replace('.', "-"))
}

/// Tries again for a while: another process may hold the lock on packed refs.
fn patiently(mut write: impl FnMut() -> Result<()>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match write() {
            Err(_) if Instant::now() < deadline => sleep(Duration::from_millis(20)),
            done => return done,
        }
    }
}

/// Branches, tags and what remotes have, as git's `packed-refs`. Notes are not among them: verdicts are not an
/// agent's business.
fn packed_refs(repo: &Repo) -> Result<String> {
    let mut text = String::from("# pack-refs with: sorted \n");
    for kind in ["heads", "remotes", "tags"] {
        for (name, id) in repo.refs(&format!("refs/{kind}/"))? {
            text.push_str(&format!("{id} {name}\n"));
        }
    }
    Ok(text)
}

/// The default branches of the remotes.
fn default_branches(repo: &Repo) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for remote in repo.remotes() {
        if let Some(branch) = repo.default_branch(&remote)? {
            let name = format!("refs/remotes/{remote}/{branch}");
            all.push((remote, name));
        }
    }
    Ok(all)
}

/// The refs that a private repository had when it was made.
pub(super) fn parse_refs(text: &[u8]) -> BTreeMap<Vec<u8>, ObjectId> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
    let pairs = lines.filter_map(|line| {
        let space = line.iter().position(|byte| *byte == b' ')?;
        let id = ObjectId::from_hex(&line[..space]).ok()?;
        Some((line[space + 1..].to_vec(), id))
    });
    pairs.collect()
}

/// The folders in which the objects of a repository are: its own, and its alternates (`gitrepository-layout(5)`).
pub(super) fn object_stores(common: &Path) -> Vec<PathBuf> {
    let mut stores = vec![common.join("objects")];
    let mut level = stores.clone();
    for _ in 0..ALTERNATES {
        let mut next = Vec::new();
        for store in &level {
            let text = fs::read(store.join("info/alternates")).unwrap_or_default();
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let paths = lines.filter(|line| !line.starts_with(b"#")).map(|line| store.join(unquoted(line)));
            next.extend(paths.filter_map(|path| path.canonicalize().ok()));
        }
        next.retain(|store| !stores.contains(store));
        next.dedup();
        stores.extend(next.iter().cloned());
        level = next;
    }
    stores
}

/// A path of git's list of alternates, which is quoted like C when it begins with a quotation mark.
fn unquoted(line: &[u8]) -> OsString {
    let Some(inner) = line.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return OsStr::from_bytes(line).to_owned();
    };
    let mut bytes = Vec::new();
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => bytes.extend(rest.next()),
            byte => bytes.push(byte),
        }
    }
    OsStr::from_bytes(&bytes).to_owned()
}
