//! The access policy of a repository, and the rules of one command, path by path: the deepest path that is
//! named decides.
//!
//! Of the system everything can be read unless it is hidden; of the user's homes nothing unless it is opened.
//! Paths are followed to where they really are, because backends know no links, and what does not exist is
//! passed over. If the same path is named twice, the stronger access wins: protected, then written, then read,
//! then hidden.

use super::hosts::Hosts;
use super::{environment, expand, secret_paths};
use crate::agents::home::{self as job_home, HomeCopy, Opened, user_homes};
use crate::domain::config::{Config, SandboxSection};
use crate::domain::error::{Result, hint};
use crate::gate::store::Repo;
use crate::system::fs::home;
use crate::system::overlay::Overlay;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
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
    /// What it may read although it lies in something hidden.
    pub read: Vec<PathBuf>,
    /// Variables of ours that it gets: names, `PREFIX_*` or `*_SUFFIX`.
    pub env: Vec<String>,
    /// Variables that it does not get: they name what is elsewhere in its home.
    pub without_env: Vec<String>,
    /// What is in its home when it starts.
    pub home: Vec<HomeCopy>,
    /// What is mounted for it alone, before it starts. [`Scope::dir`] may be such a place.
    pub overlays: Vec<Overlay>,
    /// Folders of ours that it finds in its home, to be read: where each is, and where it is found below the home.
    pub seeds: Vec<(PathBuf, PathBuf)>,
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
        policy.hide.extend(job_home::moved(&variable));
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
    let homes = user_homes(home::home().into_iter().chain(home::system_home()));
    let path = |text: &String| {
        let Some(path) = expand(text) else {
            return Err(hint(
                format!("`{text}` under {key} of [sandbox] is not a path from the root or the home"),
                "begin it with / or ~/",
            ));
        };
        let holds_home = |real: PathBuf| homes.iter().any(|home| home.starts_with(&real));
        if key != "hide" && path.canonicalize().is_ok_and(holds_home) {
            return Err(hint(
                format!("`{text}` under {key} of [sandbox] holds the whole home"),
                "name the folders in it that are needed",
            ));
        }
        Ok(path)
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
    /// What must be seen wherever it lies: its programs.
    pub needed: Vec<PathBuf>,
    /// The user's homes, which are hidden: where a command looks for its home, it finds its own.
    pub homes: Vec<PathBuf>,
    /// What is opened in the user's homes through a link: where it is looked for, and where it really is.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Where overlays are mounted, so that what is named in them need not be there yet.
    pub overlays: Vec<PathBuf>,
}

impl AccessRules {
    /// The rules of that command in that scope.
    pub fn new(policy: &AccessPolicy, scope: &Scope, command: &Command, temporary: &Path) -> AccessRules {
        let dir = real(&scope.dir);
        let program = Path::new(command.get_program());
        let variable = |name: &str| variable(command, name);
        let homes = [variable("HOME").map(PathBuf::from), home::home(), home::system_home()];
        // A home in the folder that it works in has nothing of anybody else.
        let homes =
            user_homes(homes.into_iter().flatten()).into_iter().filter(|home| !home.starts_with(&dir));
        let opened = Opened::new(homes.collect(), program, &variable);
        let mut rules = AccessRules {
            dir,
            temporary: real(temporary),
            needed: needed(command),
            homes: opened.homes,
            overlays: scope.overlays.iter().map(|overlay| overlay.at.clone()).collect(),
            ..AccessRules::default()
        };
        // Those that variables name may be another user's than ours.
        let secret = secret_paths::for_environment(&variable);
        let secret: Vec<PathBuf> = secret.into_iter().chain(job_home::moved(&variable)).collect();
        let homes: Vec<PathBuf> =
            rules.homes.iter().cloned().chain(secret_paths::home_folders(&variable)).collect();
        let is_secret = |path: &Path| {
            let real = real(path);
            policy.hide.iter().chain(&secret).any(|hidden| real.starts_with(hidden))
        };
        let opened: Vec<PathBuf> = opened.paths.into_iter().filter(|path| !is_secret(path)).collect();
        rules.set(&scope.dir, if scope.edits { Access::Write } else { Access::Read });
        if program.is_absolute() {
            rules.set(program, Access::Read);
        }
        let named = [
            (Access::Hidden, &policy.hide),
            (Access::Hidden, &secret),
            (Access::Hidden, &homes),
            (Access::Read, &opened),
            (Access::Read, &policy.read),
            (Access::Read, &scope.read),
            (Access::Write, &policy.write),
            (Access::Write, &scope.write),
            (Access::Protected, &scope.protect),
        ];
        for (access, paths) in named {
            for path in paths {
                rules.set(path, access);
            }
        }
        for (folder, at) in &scope.seeds {
            rules.set(folder, Access::Read);
            rules.links.extend(rules.homes.iter().map(|home| (home.join(at), real(folder))));
        }
        rules
    }

    fn set(&mut self, path: &Path, access: Access) {
        let Ok(real) = path.canonicalize().or_else(|error| self.mounted(path).ok_or(error)) else { return };
        let is_in_home = || self.homes.iter().any(|home| path.starts_with(home));
        if access != Access::Hidden && real != path && is_in_home() {
            self.links.push((path.to_owned(), real.clone()));
        }
        let known = self.paths.entry(real).or_insert(access);
        *known = (*known).max(access);
    }

    /// Where a path really is that is there only once the overlays are mounted.
    fn mounted(&self, path: &Path) -> Option<PathBuf> {
        self.overlays.iter().find_map(|at| Some(real(at).join(path.strip_prefix(at).ok()?)))
    }

    /// What is opened through links, but for what is seen anyway.
    pub fn linked(&self) -> impl Iterator<Item = (&Path, &Path)> {
        let is_seen = |path: &Path| access_in(&self.paths, path) != Access::Hidden;
        self.links.iter().map(|(path, real)| (&**path, &**real)).filter(move |(path, _)| !is_seen(path))
    }

    /// What is opened of the user's homes, by its place below the home, and where it really is.
    pub fn opened_in_homes(&self) -> Vec<(PathBuf, PathBuf)> {
        let opened = self.paths.iter().filter(|(_, access)| **access != Access::Hidden);
        let all: Vec<_> = opened.map(|(path, _)| (&**path, &**path)).chain(self.linked()).collect();
        let in_home = |home: &PathBuf| {
            let inside = all.iter().filter_map(|(path, real)| Some((path.strip_prefix(home).ok()?, *real)));
            inside.map(|(at, real)| (at.to_owned(), real.to_owned())).collect::<Vec<_>>()
        };
        self.homes.iter().flat_map(in_home).collect()
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

    /// Whether that path is one of the user's homes, in whose place the command's own is put.
    pub fn is_home(&self, path: &Path) -> bool {
        self.homes.iter().any(|home| home == path) && self.paths.get(path) == Some(&Access::Hidden)
    }
}

/// What holds for that path: the word on the deepest path around it.
pub fn access_in(paths: &BTreeMap<PathBuf, Access>, path: &Path) -> Access {
    path.ancestors().find_map(|path| paths.get(path)).copied().unwrap_or(Access::Read)
}

/// The program, and where programs are looked for.
fn needed(command: &Command) -> Vec<PathBuf> {
    let program = Path::new(command.get_program());
    let path = variable(command, "PATH").unwrap_or_default();
    let of_program = program.parent().map(Path::to_owned);
    // Package managers link to where a program really is.
    let behind = program.canonicalize().ok().and_then(|program| program.parent().map(Path::to_owned));
    let all = env::split_paths(&path).chain(of_program).chain(behind);
    all.filter(|path| path.is_absolute()).filter_map(|path| path.canonicalize().ok()).collect()
}

/// A variable as the command will see it.
fn variable(command: &Command, name: &str) -> Option<OsString> {
    environment::explicit_value(command, name).map(OsString::from).or_else(|| env::var_os(name))
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
