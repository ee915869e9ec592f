//! A temporary worktree's life: make, harvest, keep or remove.
//!
//! [`Worktrees`] is the place where a repository's temporary worktrees are made; a slow checkout can run
//! on another thread. What we know of a worktree (where it is, what it was made from, the index that git
//! wrote for it) is kept in `<common git dir>/flow-ai/worktrees/<id>/`, out of reach of what runs in the
//! worktree, and is locked as long as we are alive: a record whose lock is free belongs to a process that
//! died.
//!
//! # Why a repository of its own, and no linked worktree
//! A linked worktree can be made safe under bubblewrap, by a detached HEAD, an object directory named in
//! the environment, and its `.git`, `commondir` and `gitdir` bound over themselves. But whoever works
//! there shares refs, configuration and hooks with the person, so `stash`, `branch`, `tag`, `config` and
//! notes either fail or do harm, a tool that drops the variable writes into the shared objects, and
//! without bubblewrap nothing of this holds: Landlock cannot carve files out of a writable folder. A
//! private repository that reads the person's objects as alternates (`private.rs`) shares nothing that
//! can be written, whatever enforces it: every git command works, `git worktree prune` of anybody has
//! nothing to lose, and making one takes no lock of the person's. What the agent committed is brought over
//! by `import.rs`; what it changed of the repository is put back by `seal.rs`.

mod bounded;
mod copy;
mod harvest;
mod import;
mod index;
mod locate;
mod make;
pub mod measure;
mod private;
mod record;
mod remove;
mod root;
mod seal;
mod settings;
mod spare;
mod submodules;
pub mod trash;
mod walk;

pub use copy::Copied;
pub use harvest::{Harvest, LARGEST, LARGEST_KNOWN, LeftOut, MOST, Why};
pub use import::OwnCommit;
pub use remove::{Removed, half_deleted};

use crate::agents::sandbox::{Enclosed, Keep, Sandbox, Scope};
use crate::domain::config::Config;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::git;
use crate::system::mark::mark;
use anyhow::Context;
use gix::ObjectId;
use record::Record;
use remove::Deletions;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Where a repository's temporary worktrees are made. Cheap to clone; when the last clone and the
/// last worktree of it are dropped, what was removed has been deleted from the disk.
#[derive(Debug, Clone)]
pub struct Worktrees {
    common: PathBuf,
    main: Option<PathBuf>,
    root: PathBuf,
    /// What the configuration of every private repository says.
    settings: Arc<settings::Settings>,
    /// Holds git where a filter of the person's could start a program of the project.
    filters: Option<Sandbox>,
    deletions: Arc<Deletions>,
}

/// A temporary worktree.
#[derive(Debug)]
pub struct Worktree {
    place: Worktrees,
    name: String,
    path: PathBuf,
    base: ObjectId,
    record: Record,
}

/// A worktree holds more than we take in, by far; what. Nothing is lost: it stays as it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TooMuch(pub String);

impl Worktrees {
    /// The place for that repository, see [`root`].
    pub fn of(repo: &Repo, config: &Config) -> Result<Worktrees> {
        let root = root(repo, config)?;
        repo.own_dir()?;
        let common = repo.common_dir().to_owned();
        let main = root::main_worktree(repo);
        let settings = Arc::new(settings::of(repo));
        // In a partial clone git has to fetch what it lacks, with keys that are hidden from whoever is held.
        let is_held = settings.has_strange_filters && !repo.is_partial();
        let filters = is_held.then(|| crate::agents::sandbox_for(repo, config)).transpose()?;
        let own = common.join("flow-ai");
        fs::create_dir_all(own.join("locks")).with_context(|| format!("cannot make {}", own.display()))?;
        let deletions = Arc::new(Deletions::new(&own, &root));
        let worktrees = Worktrees { common, main, root, settings, filters, deletions };
        worktrees.delete_trash();
        Ok(worktrees)
    }

    /// The folder that holds the worktrees.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The worktrees that a process of ours left when it died, locked by us from now on. What cannot
    /// be read as one is passed over.
    pub fn leftovers(&self) -> Result<Vec<Worktree>> {
        self.sweep_half_made()?;
        let mut found = Vec::new();
        for record in record::unlocked(&self.own_dir())? {
            if let Some((name, path, base)) = record.read()? {
                let mut worktree = Worktree { place: self.clone(), name, path, base, record };
                worktree.follow()?;
                if worktree.belongs_to().is_none() {
                    worktree.record.sweep()?;
                    found.push(worktree);
                }
            } else {
                // It died before there was anything but the record.
                record.delete()?;
            }
        }
        Ok(found)
    }

    /// Our own folder in the common git directory.
    fn own_dir(&self) -> PathBuf {
        self.common.join("flow-ai")
    }
}

impl Worktree {
    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that it was asked for by; its folder may have a number behind it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tree of its files that was last known to be safe elsewhere, see [`Worktree::let_go`].
    pub fn saved(&self) -> Result<Option<ObjectId>> {
        self.record.saved()
    }

    /// The commit that it was made from.
    pub fn base(&self) -> ObjectId {
        self.base
    }

    /// Whether the project has submodules, which we leave empty.
    pub fn has_submodules(&self) -> bool {
        self.path.join(".gitmodules").symlink_metadata().is_ok()
    }

    /// The repository that it has to itself.
    fn git_dir(&self) -> PathBuf {
        self.record.git_dir()
    }

    /// A git command on the worktree's files that never looks into the worktree to learn which
    /// repository it is in, and runs nothing that a repository could have prepared.
    fn git(&self) -> Command {
        let mut command = git::command(&self.place.common);
        let mut flag = std::ffi::OsString::from("--git-dir=");
        flag.push(&self.place.common);
        command.arg(flag);
        let mut flag = std::ffi::OsString::from("--work-tree=");
        flag.push(&self.path);
        command.arg(flag);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        mark(&mut command);
        command
    }

    /// That command as it is started where it runs the person's filters. They can name programs of the
    /// project, which agents have written: then it is held like those.
    fn enclose(&self, command: Command, checks_out: bool) -> Result<Enclosed> {
        let Some(sandbox) = &self.place.filters else {
            return Ok(Enclosed { command, holders: 0, keep: Keep::default() });
        };
        let common = &self.place.common;
        let scope = Scope {
            dir: self.path.clone(),
            edits: checks_out,
            write: vec![self.record.dir().to_owned(), common.join("objects"), common.join("lfs")],
            read: vec![common.clone()],
            ..Scope::default()
        };
        sandbox.enclose(&command, &scope)
    }
}

/// The settings that every git command on a worktree gets: no hook, no daemon, no cached belief about
/// which files changed, no name that another system takes for `.git`, no surprise on line ends.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    // Hooks that the config names do not look at that path.
    "hook.reference-transaction.enabled=false",
    "hook.post-checkout.enabled=false",
    "hook.post-index-change.enabled=false",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "core.ignoreStat=false",
    "core.trustctime=true",
    "core.checkStat=default",
    "core.sparseCheckout=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.safecrlf=false",
    "submodule.recurse=false",
    "advice.addEmbeddedRepo=false",
    "gc.auto=0",
];

/// The folder for worktrees: by `git config flow-ai.worktrees`, else by the config's `run.worktrees`,
/// else `.<repository>.flow-ai` beside the main worktree. Refuses a place where worktrees would be in
/// danger, with the way out.
pub fn root(repo: &Repo, config: &Config) -> Result<PathBuf> {
    let person = repo.git_config("flow-ai.worktrees");
    let main = root::main_worktree(repo);
    root::root(repo.common_dir(), main.as_deref(), person.as_deref(), config.run.worktrees.as_deref())
}

/// The folders of the worktrees that we made, those of dead processes included.
pub fn ours(repo: &Repo) -> Vec<PathBuf> {
    record::paths(&repo.common_dir().join("flow-ai"))
}

/// The folders that hold work, the user's and ours, whether they exist or not.
pub fn all_folders(repo: &Repo, config: &Config) -> Result<Vec<PathBuf>> {
    Ok(registered(repo)?.into_iter().chain([root(repo, config)?]).collect())
}

/// The folders of all worktrees that git knows of the repository, whether they still exist or not: the
/// person's.
fn registered(repo: &Repo) -> Result<Vec<PathBuf>> {
    let dir = repo.work_dir().unwrap_or(repo.git_dir());
    let list = git::output_bytes(git::command(dir).args(["worktree", "list", "--porcelain", "-z"]))?;
    let paths = list.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"worktree "));
    Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
}
