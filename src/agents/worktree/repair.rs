//! A worktree's private repository is restored after its agent, before anybody else looks.
//!
//! If nothing keeps an agent from it (no bubblewrap), it can rewrite what decides about what git runs
//! there: its `.git` file, `config`, hooks, attributes, alternates, `commondir`; it can put a link, a pipe
//! or a folder in the place of any file. So once its processes are gone, all of that is replaced from the
//! template, without following anything that was put there; what was found is set aside in the record.
//! Then the user's `git status` and `git log` in the worktree run nothing of the agent's, and our own
//! reading of its refs and objects stays in its folder. Staged files and submodules are only dealt with
//! when the worktree is to stay ([`close`]), since an agent may have another attempt.

use super::private_git::{self, FILES, FOLDERS};
use super::scratch_index::ScratchIndex;
use super::{Worktree, dissolve, scan};
use crate::domain::error::Result;
use crate::system::fs::move_new;
use anyhow::Context;
use gix::ObjectId;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The folders that git, or we, could not do without.
const NEEDED: &[&str] = &["", "hooks", "info", "objects", "objects/info", "objects/pack", "refs"];

/// What has no place in a private repository. `commondir` and `config.worktree` would bring another
/// configuration; the locks are of processes that are gone.
const ABSENT: &[(&str, bool)] = &[
    ("commondir", true),
    ("config.worktree", true),
    ("gitdir", true),
    ("config.lock", false),
    ("HEAD.lock", false),
    ("index.lock", false),
    ("packed-refs.lock", false),
    ("shallow.lock", false),
];

/// The most files that a private repository can hold for us to look at its objects.
const MOST: usize = 500_000;

#[derive(Debug, Default)]
pub(super) struct Repaired {
    /// What was changed and is restored, relative to the worktree or its git directory.
    pub changed: Vec<String>,
    /// Whether its refs and objects can be read without leaving its folder.
    pub is_readable: bool,
}

/// Restores what must not be changed.
pub(super) fn repair(worktree: &Worktree) -> Result<Repaired> {
    let (git, template) = (worktree.git_dir(), worktree.record.template());
    let mut changed = Vec::new();
    open_up(&worktree.files())?;
    let pointer = worktree.files().join(".git");
    let text = private_git::pointer(worktree);
    if worktree.is_there() && !holds(&pointer, &text) {
        replace(worktree, &pointer, &text)?;
        changed.push(".git".to_owned());
    }
    for folder in NEEDED {
        if !ensure_folder(worktree, &git.join(folder))? {
            changed.push(format!("{folder}/"));
        }
    }
    let is_readable = keep_plain_files(worktree, &git)?;
    for (name, is_reported) in ABSENT {
        if git.join(name).symlink_metadata().is_ok() {
            set_aside(worktree, &git.join(name))?;
            changed.extend(is_reported.then(|| (*name).to_owned()));
        }
    }
    for (folder, members) in FOLDERS {
        for entry in fs::read_dir(git.join(folder))? {
            let entry = entry?;
            if !members.iter().any(|member| entry.file_name() == **member) {
                set_aside(worktree, &entry.path())?;
                // git itself writes lists of packs there.
                changed.extend((*folder != "objects/info").then(|| format!("{folder}/")));
            }
        }
    }
    for file in FILES {
        let text = fs::read(template.join(file))?;
        if !holds(&git.join(file), &text) {
            replace(worktree, &git.join(file), &text)?;
            changed.push((*file).to_owned());
        }
    }
    if !is_head(&git.join("HEAD")) {
        replace(worktree, &git.join("HEAD"), format!("{}\n", worktree.base).as_bytes())?;
        changed.push("HEAD".to_owned());
    }
    changed.dedup();
    Ok(Repaired { changed, is_readable })
}

/// Makes it safe for the user, for good: what is staged becomes what was collected, and no submodule
/// leads to a repository of the agent's, in which `git status` would run what its configuration says.
pub(super) fn close(worktree: &mut Worktree) -> Result<()> {
    repair(worktree)?;
    dissolve::dissolve(worktree)?;
    if !worktree.is_there() || !worktree.is_complete() {
        return Ok(());
    }
    let last = Some(worktree.record.last_index()).filter(|last| last.exists());
    let text = fs::read(last.unwrap_or_else(|| worktree.record.index()))?;
    replace(worktree, &worktree.git_dir().join("index"), &text)?;
    for submodule in ScratchIndex::of_checkout(worktree)?.submodules()? {
        let folder = scan::as_path(&submodule);
        let inside = worktree.path.join(folder).join(".git");
        if scan::is_real_folder(&worktree.path, folder) && inside.symlink_metadata().is_ok() {
            set_aside(worktree, &inside)?;
        }
    }
    Ok(())
}

/// Makes a folder of whatever is there; false if there was none.
fn ensure_folder(worktree: &Worktree, path: &Path) -> Result<bool> {
    let is_folder = path.symlink_metadata().is_ok_and(|data| data.is_dir());
    if !is_folder {
        set_aside(worktree, path)?;
        fs::create_dir(path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    open_up(path)?;
    Ok(is_folder)
}

/// Takes every link, pipe, socket and device out of a folder: a link among the objects could lead to
/// another repository. False if there are too many files.
fn keep_plain_files(worktree: &Worktree, root: &Path) -> Result<bool> {
    let mut folders = vec![root.to_owned()];
    let mut met = 0;
    while let Some(folder) = folders.pop() {
        open_up(&folder)?;
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let entry = entry?;
            met += 1;
            if met > MOST {
                return Ok(false);
            }
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => {}
                _ => set_aside(worktree, &entry.path())?,
            }
        }
    }
    Ok(true)
}

/// Puts a new file in the place of whatever is there, which nothing else has a name for.
fn replace(worktree: &Worktree, path: &Path, text: &[u8]) -> Result<()> {
    set_aside(worktree, path)?;
    let context = || format!("cannot restore {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(worktree.record.dir()))
        .with_context(context)?;
    std::io::Write::write_all(&mut file, text).with_context(context)?;
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).with_context(context)?;
    file.persist(path).map(drop).with_context(context)
}

/// Moves whatever is there into the record: nothing is followed.
pub(super) fn set_aside(worktree: &Worktree, path: &Path) -> Result<()> {
    let Ok(data) = path.symlink_metadata() else { return Ok(()) };
    let context = || format!("cannot set {} aside", path.display());
    if data.is_dir() {
        open_up(path)?;
    }
    let aside = worktree.record.scratch("aside");
    fs::create_dir_all(&aside).with_context(context)?;
    let folder = tempfile::Builder::new().prefix("").tempdir_in(&aside).with_context(context)?.keep();
    let name = path.file_name().map_or_else(|| PathBuf::from("it"), PathBuf::from);
    move_new(path, &folder.join(name)).with_context(context)
}

/// Whether that is a plain file with exactly that text.
fn holds(path: &Path, text: &[u8]) -> bool {
    let is_plain =
        path.symlink_metadata().is_ok_and(|data| data.is_file() && data.len() == text.len() as u64);
    is_plain && fs::read(path).is_ok_and(|found| found == text)
}

/// Whether git would take it for a HEAD.
fn is_head(path: &Path) -> bool {
    let text = small(path).unwrap_or_default();
    let text = text.trim_ascii_end();
    text.strip_prefix(b"ref: ").map_or_else(
        || ObjectId::from_hex(text).is_ok(),
        |name| name.starts_with(b"refs/") && !name.contains(&b'\n'),
    )
}

/// The text of a plain file that is no longer than a ref can be.
pub(super) fn small(path: &Path) -> Option<Vec<u8>> {
    let data = path.symlink_metadata().ok()?;
    (data.is_file() && data.len() < 4096).then(|| fs::read(path).ok()).flatten()
}

/// Makes a folder of ours readable and writable again.
fn open_up(path: &Path) -> Result<()> {
    let mode = match path.symlink_metadata() {
        Ok(data) if data.is_dir() => data.permissions().mode(),
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot look at {}", path.display())),
    };
    if mode & 0o700 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o700))
            .with_context(|| format!("cannot open {}", path.display()))?;
    }
    Ok(())
}

/// Whether a name of a file in a folder of refs or objects could be written into a list of git's.
pub(super) fn is_plain_name(name: &std::ffi::OsStr) -> bool {
    !name.as_bytes().iter().any(|byte| byte.is_ascii_control() || *byte == b' ')
}
