//! A temporary worktree's life: make, collect, keep or remove.
//!
//! What is known of a worktree (where it is, what it was made from, the index that git wrote for it) is kept
//! in `<common git dir>/flow-ai/worktrees/<id>/`, out of reach of what runs in the worktree, and is locked as
//! long as its process lives: a record whose lock is free belongs to a process that died.
//!
//! # What lives where
//! | what | file |
//! |---|---|
//! | [`Worktrees`], where a repository's worktrees are made; [`Worktree`], one of them, with all that can be done to it | here |
//! | where they may be; which folder is ours | `root.rs`, `locate.rs` |
//! | `WorktreeRecord`, what is known of one; all of them; those of dead processes | `record.rs`, `records.rs`, `leftovers.rs` |
//! | its layers, if it has some: the clean checkout that many share, what a setup made, what was written over them; how it becomes a folder again | `layers.rs`, `bases.rs`, `setups.rs`, `upper.rs`, `dissolve.rs`; their removal: `unused.rs`; whether this system has them: `checkouts.rs`; files copied from a clean checkout where it has not, and made older: `from_base.rs`, `aged.rs` |
//! | git commands on its files, and where those are | `view.rs` |
//! | making one: its folder, its private repository with `GitSettings`, the files it needs, what its setup changed | `make.rs`, `private_git.rs`, `settings.rs`, `copy.rs`, `setup_changes.rs` |
//! | [`Collected`], its files as a tree, by `Scan` and `ScratchIndex`, without each [`LeftOut`] | `collect.rs`, `scan.rs`, `scratch_index.rs`, `left_out.rs` |
//! | its submodules: filled, looked at for work | `submodules/` |
//! | [`AgentCommit`], what its agent committed itself, by `AgentRefs` | `import.rs`, `agent_refs.rs` |
//! | the user's filters | `filters.rs` |
//! | restoring what decides about what git runs there | `repair.rs` |
//! | whether it holds anything that is nowhere else, by its `Contents`; its end | `unsaved.rs`, `contents.rs`, `remove.rs`, `deletions.rs` |
//! | [`Trash`], what was removed and can be restored | `trash.rs`, `ignored.rs` |
//! | git commands with limits | `bounded.rs` |
//! | [`Look`], from outside, only to read | `look.rs` |
//! | what worktrees take on the disk | `disk.rs` |
//!
//! # Why a repository of its own, and not a linked worktree
//! A linked worktree can be made safe under bubblewrap, by a detached HEAD, an object directory named in
//! the environment, and its `.git`, `commondir` and `gitdir` bound over themselves. But an agent there
//! shares refs, configuration and hooks with the user, so `stash`, `branch`, `tag`, `config` and
//! notes either fail or do harm, a tool that drops the variable writes into the shared objects, and
//! without bubblewrap nothing of this holds: Landlock cannot carve files out of a writable folder. A
//! private repository that reads the user's objects as alternates shares nothing that can be written,
//! whatever enforces it: every git command works, `git worktree prune` has nothing to lose, and making one
//! takes no lock of the user's.

mod aged;
mod agent_refs;
mod bases;
mod bounded;
mod checkouts;
mod collect;
mod contents;
mod copy;
mod deletions;
mod disk;
mod dissolve;
mod filters;
mod from_base;
mod ignored;
mod import;
mod layers;
mod left_out;
mod leftovers;
mod locate;
mod look;
mod make;
mod private_git;
mod record;
mod records;
mod remove;
mod repair;
mod root;
mod scan;
mod scratch_index;
mod settings;
mod setup_changes;
mod setups;
mod submodules;
mod trash;
mod unsaved;
mod unused;
mod upper;
mod view;

pub use checkouts::{Checkouts, checkouts, needs_own_files};
pub use collect::Collected;
pub use copy::Copied;
pub use deletions::half_deleted;
pub use disk::{DiskUsage, disk_usage};
pub use import::AgentCommit;
pub use left_out::{LeftOut, LeftOutReason};
pub use look::{Look, looks};
pub use remove::Removed;
pub use setups::{Keys, Prepared, Setup};
pub use trash::{Trash, TrashEntry, TrashKind};

use crate::agents::sandbox::launch::Launcher;
use crate::agents::sandbox::{Sandbox, Scope};
use crate::domain::config::Config;
use crate::domain::error::Result;
use crate::gate::store::{Repo, Sharing};
use crate::system::git;
use anyhow::Context;
use deletions::Deletions;
use gix::ObjectId;
use layers::Layers;
use record::WorktreeRecord;
use root::Root;
use settings::GitSettings;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Where a repository's temporary worktrees are made. Cheap to clone; when the last clone and the
/// last worktree of it are dropped, what was removed has been deleted from the disk.
#[derive(Debug, Clone)]
pub struct Worktrees {
    common: PathBuf,
    main: Option<PathBuf>,
    /// Where the git directories of submodules may be, by their names.
    modules: Vec<PathBuf>,
    root: PathBuf,
    /// Who else makes theirs there.
    sharing: Option<Sharing>,
    /// That it is not where the user would look for it, and why.
    moved: Option<String>,
    /// What the configuration of every private repository says.
    settings: Arc<GitSettings>,
    /// Where git runs if a filter of the user's could start a program of the project.
    filters: Option<Sandbox>,
    /// What mounts the layers of worktrees; `None` if this program is not git-flow-ai.
    launcher: Option<Launcher>,
    /// How new ones get their files.
    checkouts: Checkouts,
    /// The trees that one was made of already, so that the next one is worth a clean checkout.
    made: Arc<Mutex<HashSet<ObjectId>>>,
    /// Whether the config has a setup.
    has_setup: bool,
    deletions: Arc<Deletions>,
}

#[derive(Debug)]
pub struct Worktree {
    parent: Worktrees,
    name: String,
    path: PathBuf,
    base: ObjectId,
    record: WorktreeRecord,
    layers: Option<Layers>,
    empty_submodules: Vec<String>,
}

/// A worktree holds more than we take in, by far; what. Nothing is lost: it stays as it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TooMuch(pub String);

impl Worktrees {
    /// In the folder that [`root()`] names.
    pub fn new(repo: &Repo, config: &Config) -> Result<Worktrees> {
        let Root { path: root, instead_of } = place(repo, config)?;
        let moved = instead_of.as_deref().and_then(Path::parent).map(|beside| {
            let (root, beside) = (root.display(), beside.display());
            format!("worktrees are in {root}, since {beside} cannot be written (run.worktrees names another folder)")
        });
        repo.own_dir()?;
        let common = repo.common_dir().to_owned();
        let main = root::main_worktree(repo);
        let settings = Arc::new(settings::read(repo));
        // In a partial clone git has to fetch what it lacks, with keys that are hidden in a sandbox.
        let is_sandboxed = settings.has_strange_filters && !repo.is_partial();
        let filters = is_sandboxed.then(|| crate::agents::sandbox_for(repo, config)).transpose()?;
        let own = common.join("flow-ai");
        fs::create_dir_all(own.join("locks")).with_context(|| format!("cannot make {}", own.display()))?;
        let deletions = Arc::new(Deletions::new(&own, &root));
        // In a linked worktree of the user's, git keeps them beside that one's index.
        let mut modules = vec![repo.git_dir().join("modules"), common.join("modules")];
        modules.dedup();
        let sharing = Sharing::of(repo);
        // Nothing runs in one before it is known what works: see `share_checkouts`.
        let checkouts = Checkouts::Full("nothing else was asked for".into());
        let worktrees = Worktrees {
            common,
            main,
            modules,
            root,
            sharing,
            moved,
            settings,
            filters,
            launcher: Launcher::own(),
            checkouts,
            made: Arc::default(),
            has_setup: config.run.setup.is_some(),
            deletions,
        };
        worktrees.resume_deletions();
        Ok(worktrees)
    }

    /// The folder that holds the worktrees.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// That the folder is not where the user would look for it, and why, in one sentence.
    pub fn moved(&self) -> Option<&str> {
        self.moved.as_deref()
    }

    /// Our own folder in the common git directory.
    fn own_dir(&self) -> PathBuf {
        self.common.join("flow-ai")
    }
}

impl Worktree {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that it was asked for by; its folder may have a number behind it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The commit that it was made from.
    pub fn base(&self) -> ObjectId {
        self.base
    }

    /// Whether its files are there, in a folder.
    pub fn is_there(&self) -> bool {
        self.files().symlink_metadata().is_ok_and(|data| data.is_dir()) && !layers::are_emptied(self)
    }

    /// Whether the checkout was complete and set up, so that an agent can have worked in it.
    pub fn is_complete(&self) -> bool {
        self.record.index().exists() && !setup_changes::is_under_way(self)
    }

    /// Copies what these patterns of the config name. The files are never collected.
    pub fn copy(&self, patterns: &[String]) -> Result<Copied> {
        copy::copy(self, patterns)
    }

    /// Remembers that a setup is about to run: before its end nobody works in it.
    pub fn begin_setup(&self) -> Result<()> {
        setup_changes::begin(self)
    }

    /// Remembers what the setup has changed, which is never collected. Returns the files of the commit among that.
    pub fn end_setup(&self) -> Result<Vec<PathBuf>> {
        setup_changes::end(self)
    }

    /// Remembers that what came and went between these trees of its files is not the agent's work, and never collected.
    pub fn leave_out(&self, from: ObjectId, to: ObjectId) -> Result<()> {
        setup_changes::add(self, from, to)
    }

    /// Takes what that setup makes, if it is there from an earlier one.
    pub fn prepare_setup(&mut self, setup: &Setup<'_>) -> Result<Prepared> {
        setups::prepare(self, setup)
    }

    /// Keeps what the setup has made for other worktrees. Returns the files of the commit that it has changed.
    pub fn keep_setup(&mut self, keys: Keys) -> Result<Vec<PathBuf>> {
        setups::keep(self, keys)
    }

    /// Remembers that the ignored files which are there now can be made again.
    pub fn mark_set_up(&self) -> Result<()> {
        ignored::mark_set_up(self)
    }

    /// Whether its files are seen through layers.
    pub fn is_overlay(&self) -> bool {
        self.layers.is_some()
    }

    /// What an agent in it may touch.
    pub fn scope(&self) -> Scope {
        private_git::scope(self)
    }

    /// Writes its files into the object store.
    pub fn collect(&self) -> Result<Collected> {
        collect::collect(self).with_context(|| format!("cannot harvest {}", self.path.display()))
    }

    /// Remembers that the collected tree is in a commit and its commits are kept, or that they are
    /// unwanted: from now on the worktree may be removed as long as it holds nothing else.
    pub fn mark_saved(&self, collected: &Collected) -> Result<()> {
        self.record.settle(&collected.seen)?;
        self.record.set_saved(collected.tree)
    }

    /// The tree that was saved last.
    pub fn saved(&self) -> Result<Option<ObjectId>> {
        self.record.saved()
    }

    /// What its agent committed by itself, if its folder was deleted: then nothing can be collected.
    pub fn commits_without_folder(&self) -> Result<Vec<AgentCommit>> {
        import::commits_without_folder(self)
    }

    /// Remembers that these are kept.
    pub fn mark_commits_kept(&self, commits: &[AgentCommit]) -> Result<()> {
        self.record.settle(&commits.iter().map(|commit| commit.id).collect::<Vec<_>>())
    }

    /// Why it must stay, in one sentence; `None` if it can be removed.
    pub fn unsaved(&self) -> Result<Option<String>> {
        unsaved::unsaved(self)
    }

    /// Why only the user may remove it, in one sentence.
    pub fn not_ours(&self) -> Result<Option<String>> {
        unsaved::not_ours(self)
    }

    /// Leaves it to the user, with nothing in it that git would run.
    pub fn close(mut self) -> Result<()> {
        repair::close(&mut self)
    }

    /// Removes it, unless it holds something that is nowhere else.
    pub fn remove(self) -> Result<Removed> {
        remove::remove(self)
    }

    /// Moves it into the trash, whatever it holds; `holds` says what of it is nowhere else.
    pub fn move_to_trash(self, why: &str, holds: Option<String>) -> Result<TrashEntry> {
        trash::put(self, why, holds)
    }

    /// The submodules that stay empty, and why, each in one sentence.
    pub fn empty_submodules(&self) -> &[String] {
        &self.empty_submodules
    }

    /// The repository that it has to itself.
    fn git_dir(&self) -> PathBuf {
        self.record.git_dir()
    }
}

/// The folder for worktrees: by `git config flow-ai.worktrees`, else by the config's `run.worktrees`,
/// else `.<repository>.flow-ai` beside the main worktree, or the user's state directory. Refuses one in which worktrees would be in
/// danger, with a hint.
pub fn root(repo: &Repo, config: &Config) -> Result<PathBuf> {
    Ok(place(repo, config)?.path)
}

fn place(repo: &Repo, config: &Config) -> Result<Root> {
    let user = repo.git_config("flow-ai.worktrees");
    let main = root::main_worktree(repo);
    root::root(repo.common_dir(), main.as_deref(), user.as_deref(), config.run.worktrees.as_deref())
}

/// The folders of the worktrees that we made and did not remove, those of dead processes included.
pub fn ours(repo: &Repo) -> Vec<PathBuf> {
    records::paths(&repo.common_dir().join("flow-ai"))
}

/// The folders that hold work, the user's and ours, whether they exist or not.
pub fn all_folders(repo: &Repo, config: &Config) -> Result<Vec<PathBuf>> {
    Ok(registered(repo)?.into_iter().chain([root(repo, config)?]).collect())
}

/// The folders of all worktrees that git knows of the repository: the user's.
fn registered(repo: &Repo) -> Result<Vec<PathBuf>> {
    let dir = repo.work_dir().unwrap_or(repo.git_dir());
    let list = git::output_bytes(git::command(dir).args(["worktree", "list", "--porcelain", "-z"]))?;
    let paths = list.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"worktree "));
    Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
}
