//! The access policy of a repository, and the rules of one command, path by path: the deepest path that is
//! named decides.
//!
//! Everything can be read unless it is hidden. Paths are followed to where they really are, because
//! backends know no links, and what does not exist is passed over. If the same path is named twice, the
//! stronger access wins: protected, then written, then read, then hidden.

use super::hosts::Hosts;
use super::{agent_state, environment, expand, secret_paths};
use crate::domain::config::{Config, SandboxSection};
use crate::domain::error::{Result, hint};
use crate::gate::store::Repo;
use crate::system::fs::home;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What of `/run` programs need: the resolver's file, a distribution's profile.
const OF_RUN: &[&str] = &[
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager/resolv.conf",
    "/run/current-system",
    "/run/wrappers",
    "/run/opengl-driver",
    "/run/nscd",
];

/// What one command may touch beside what is common to all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The folder that it works in, absolute.
    pub dir: PathBuf,
    /// Whether it may write there.
    pub edits: bool,
    /// Other files and folders that it may write.
    pub write: Vec<PathBuf>,
    /// What stays read-only inside what it may write.
    pub protect: Vec<PathBuf>,
    /// Settings inside that: they stay as they are, or a warning says that they did not.
    pub settings: Vec<PathBuf>,
    /// What it may read although it lies in something hidden.
    pub read: Vec<PathBuf>,
    /// Variables of ours that it gets: names, `PREFIX_*` or `*_SUFFIX`.
    pub env: Vec<String>,
}

/// What holds for every command of a repository.
#[derive(Debug, Default)]
pub struct AccessPolicy {
    hide: Vec<PathBuf>,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    /// Variables, as in [`Scope::env`].
    pub env: Vec<String>,
    /// The only hosts that may be talked to; `None`: any.
    pub hosts: Option<Hosts>,
}

impl AccessPolicy {
    /// What the config and the usual lists say, with these paths hidden as well: they may hold what the
    /// user did not mean to show, an `.env` in another worktree.
    pub fn new(repo: &Repo, config: &Config, hidden: Vec<PathBuf>) -> Result<AccessPolicy> {
        let SandboxSection { write, read, hide, env, hosts } = config.sandbox.clone();
        let common = repo.common_dir();
        let mut policy = AccessPolicy {
            hide: secret_paths::all(),
            read: paths("read", &read)?,
            write: paths("write", &write)?,
            env,
            hosts: hosts.as_deref().map(Hosts::read).transpose()?,
        };
        policy.hide.extend(paths("hide", &hide)?);
        let variable = |name: &str| env::var_os(name);
        policy.hide.extend(agent_state::all(&variable));
        let home = home::home();
        let is_around_home = |path: &PathBuf| home.as_ref().is_some_and(|home| home.starts_with(path));
        policy.hide.extend(hidden.into_iter().filter(|path| !is_around_home(path)));
        // A remote's address in its configuration can hold a token. Objects are for a worktree to open.
        policy.hide.push(common.to_owned());
        Ok(policy)
    }
}

/// The paths that a key of `[sandbox]` names.
fn paths(key: &str, texts: &[String]) -> Result<Vec<PathBuf>> {
    let path = |text: &String| {
        expand(text).ok_or_else(|| {
            hint(
                format!("`{text}` under {key} of [sandbox] is no path from the root or the home"),
                "begin it with / or ~/",
            )
        })
    };
    texts.iter().map(path).collect()
}

/// What may be done with a path and all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Access {
    /// Nothing: it looks empty.
    Hidden,
    /// It may be read.
    Read,
    /// It may be written.
    Write,
    /// It may be read, and nothing can take its place.
    Protected,
}

/// What one command may do.
#[derive(Debug, Default)]
pub struct AccessRules {
    /// What is named, parents before what is in them. What is not named can be read.
    pub paths: BTreeMap<PathBuf, Access>,
    pub dir: PathBuf,
    /// A folder that is its own, and goes with it.
    pub temporary: PathBuf,
    /// What must be seen wherever it lies: its home, its programs.
    pub needed: Vec<PathBuf>,
    /// Settings that should stay as they are, and are there.
    pub(super) settings: Vec<PathBuf>,
    /// Those that are not there, or are links.
    pub absent: Vec<PathBuf>,
    pub(super) home: Option<PathBuf>,
}

impl AccessRules {
    /// The rules of that command in that scope.
    pub fn new(policy: &AccessPolicy, scope: &Scope, command: &Command, temporary: &Path) -> AccessRules {
        let mut rules = AccessRules {
            paths: BTreeMap::new(),
            dir: real(&scope.dir),
            temporary: real(temporary),
            needed: needed(command),
            settings: scope.settings.iter().filter_map(|path| path.canonicalize().ok()).collect(),
            absent: Vec::new(),
            home: variable(command, "HOME").map(PathBuf::from).and_then(|home| home.canonicalize().ok()),
        };
        let hidden = hidden_from(command, &scope.dir);
        let named = [
            (Access::Hidden, &policy.hide),
            (Access::Hidden, &hidden),
            (Access::Read, &policy.read),
            (Access::Read, &scope.read),
            (Access::Write, &policy.write),
            (Access::Write, &scope.write),
            (Access::Protected, &scope.protect),
            (Access::Protected, &scope.settings),
        ];
        rules.set(&scope.dir, if scope.edits { Access::Write } else { Access::Read });
        let program = Path::new(command.get_program());
        if program.is_absolute() {
            rules.set(program, Access::Read);
        }
        for (access, paths) in named {
            for path in paths {
                rules.set(path, access);
            }
        }
        rules.absent = scope.settings.iter().filter_map(|path| rules.absent(path)).collect();
        rules
    }

    /// Where that would be, if it is not there and could be made, or is a link: nothing can be bound over one.
    fn absent(&self, path: &Path) -> Option<PathBuf> {
        let parent = path.parent()?.canonicalize().ok()?;
        let real = parent.join(path.file_name()?);
        let is_loose = real.symlink_metadata().map_or(true, |found| found.is_symlink());
        (is_loose && access_in(&self.paths, &parent) == Access::Write).then_some(real)
    }

    /// What should stay as it is in a folder that can be written: not every backend can enforce that.
    pub fn loose(&self) -> impl Iterator<Item = &Path> {
        let protected = self
            .paths
            .iter()
            .filter(|(_, access)| **access == Access::Protected)
            .map(|(path, _)| path.as_path());
        protected.filter(|path| {
            let is_inside =
                path.parent().is_some_and(|parent| access_in(&self.paths, parent) == Access::Write);
            is_inside && self.settings.iter().any(|settings| settings == path)
        })
    }

    fn set(&mut self, path: &Path, access: Access) {
        if let Ok(path) = path.canonicalize() {
            let known = self.paths.entry(path).or_insert(access);
            *known = (*known).max(access);
        }
    }

    /// Hides folders that are not the command's, and puts back into them what it needs of them.
    pub fn hide_shared(&mut self, folders: &[&str]) {
        let needed = OF_RUN.iter().map(PathBuf::from).chain(self.needed.iter().cloned());
        // What is hidden for another reason stays so.
        let is_put_back = |path: &PathBuf| {
            folders.iter().any(|folder| path.starts_with(folder))
                && path.exists()
                && access_in(&self.paths, path) != Access::Hidden
        };
        for path in needed.filter(is_put_back).collect::<Vec<_>>() {
            self.paths.entry(path).or_insert(Access::Read);
        }
        for folder in folders {
            self.paths.entry(PathBuf::from(folder)).or_insert(Access::Hidden);
        }
    }

    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }
}

/// What holds for that path: the word on the deepest path around it.
pub fn access_in(paths: &BTreeMap<PathBuf, Access>, path: &Path) -> Access {
    path.ancestors().find_map(|path| paths.get(path)).copied().unwrap_or(Access::Read)
}

/// The home, the program, and where programs are looked for.
fn needed(command: &Command) -> Vec<PathBuf> {
    let program = Path::new(command.get_program());
    let path = variable(command, "PATH").unwrap_or_default();
    let home = variable(command, "HOME").map(PathBuf::from);
    let of_program = program.parent().map(Path::to_owned);
    // Package managers link to where a program really is.
    let behind = program.canonicalize().ok().and_then(|program| program.parent().map(Path::to_owned));
    let all = env::split_paths(&path).chain(home).chain(of_program).chain(behind);
    all.filter(|path| path.is_absolute()).filter_map(|path| path.canonicalize().ok()).collect()
}

/// What is hidden of a home that the command has been given in place of ours. One in its own folder has
/// nothing of anybody else.
fn hidden_from(command: &Command, dir: &Path) -> Vec<PathBuf> {
    let is_others = |home: &OsStr| !Path::new(home).starts_with(dir);
    if !environment::explicit_value(command, "HOME").is_some_and(is_others) {
        return Vec::new();
    }
    let variable = |name: &str| variable(command, name);
    agent_state::all(&variable).into_iter().chain(secret_paths::for_environment(&variable)).collect()
}

/// A variable as the command will see it.
fn variable(command: &Command, name: &str) -> Option<OsString> {
    environment::explicit_value(command, name).map(OsString::from).or_else(|| env::var_os(name))
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
