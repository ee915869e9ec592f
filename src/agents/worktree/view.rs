//! Where a worktree's files are for us, and git commands on them that never look into the worktree to find
//! their repository, and run nothing that a repository could have prepared.
//!
//! A worktree without layers is a folder like any other. One with [layers](super::layers) has all of its files
//! only in a mount namespace of its own: there git sees them ([`Worktree::seen`]). What was written in it lies in
//! the topmost layer ([`Worktree::files`]), which everybody can read.

use super::root::SEATS;
use super::{Worktree, Worktrees};
use crate::agents::sandbox::{SandboxGuard, SandboxedCommand, Scope};
use crate::domain::error::Result;
use crate::system::git;
use crate::system::mark::mark;
use crate::system::overlay::Overlay;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

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

impl Worktrees {
    /// A git command with that git directory, on the files of that folder.
    pub(super) fn git_on(&self, git_dir: &Path, folder: &Path) -> Command {
        let mut command = git::command(&self.common);
        for (flag, path) in [("--git-dir=", git_dir), ("--work-tree=", folder)] {
            let mut argument = OsString::from(flag);
            argument.push(path);
            command.arg(argument);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        mark(&mut command);
        command
    }

    /// That command as it is started, if it may run the user's filters on the files of that folder. They can name
    /// programs of the project, which agents have written: then it is sandboxed like those.
    pub(super) fn start_git(&self, command: Command, on: GitScope) -> Result<SandboxedCommand> {
        let GitScope { folder, edits, write, overlays } = on;
        match (&self.filters, &self.launcher) {
            (Some(sandbox), _) => {
                let mut scope = Scope { dir: folder, edits, write, overlays, ..Scope::default() };
                scope.write.extend([self.common.join("objects"), self.common.join("lfs")]);
                scope.read =
                    [self.common.clone()].into_iter().chain(self.settings.programs.clone()).collect();
                sandbox.wrap(&command, &scope)
            }
            (None, Some(launcher)) if !overlays.is_empty() => {
                plain(launcher.in_overlays(&overlays, &command)?)
            }
            (None, None) if !overlays.is_empty() => {
                anyhow::bail!("only git-flow-ai itself can look into a worktree that is an overlay")
            }
            (None, _) => plain(command),
        }
    }
}

fn plain(command: Command) -> Result<SandboxedCommand> {
    Ok(SandboxedCommand { command, wrappers: 0, guard: SandboxGuard::default() })
}

/// What a git command works on.
pub(super) struct GitScope {
    /// Where it sees the files.
    pub folder: PathBuf,
    /// Whether it writes there.
    pub edits: bool,
    /// What it writes beside objects.
    pub write: Vec<PathBuf>,
    /// What has to be mounted for that.
    pub overlays: Vec<Overlay>,
}

impl Worktree {
    /// The folder that holds what was written in it since it was made, and all of its files if it has no layers.
    pub fn files(&self) -> PathBuf {
        if self.layers.is_some() { self.record.upper() } else { self.path.clone() }
    }

    /// Where its commands see its files.
    pub fn seat(&self) -> PathBuf {
        let project = self.parent.main.as_deref().and_then(Path::file_name);
        match self.layers.is_some() && self.parent.has_setup {
            true => self.parent.root.join(SEATS).join(project.unwrap_or(OsStr::new("project"))),
            false => self.path.clone(),
        }
    }

    /// Where git sees its files.
    pub(super) fn seen(&self) -> PathBuf {
        if self.layers.is_some() { self.record.view() } else { self.path.clone() }
    }

    /// A git command on its files, of the user's repository.
    pub(super) fn git(&self) -> Command {
        self.git_on(&self.parent.common, &self.seen())
    }

    /// The same with that git directory, on the files of that folder in it.
    pub(super) fn git_on(&self, git_dir: &Path, folder: &Path) -> Command {
        self.parent.git_on(git_dir, folder)
    }

    /// That command as it is started.
    pub(super) fn start_git(&self, command: Command, edits: bool) -> Result<SandboxedCommand> {
        let overlays = self.layers.iter().map(|layers| layers.view(&self.record)).collect();
        let write = vec![self.record.dir().to_owned()];
        self.parent.start_git(command, GitScope { folder: self.seen(), edits, write, overlays })
    }
}
