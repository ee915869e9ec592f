//! What a command that agents steer or wrote may touch, and who sees to it.
//!
//! A [`Scope`] says what one command needs; [`bounds`] adds what holds for all: the file system can be
//! read, secrets, other worktrees and our own folder cannot, and nothing can be written but the scope and
//! a temporary folder that vanishes with the command. The system's own means enforce it: bubblewrap on
//! Linux. Which of them is in force is found out by trying it, once, and told.

mod bounds;
mod bubblewrap;
mod environment;
mod secrets;
pub mod state;

pub use bounds::Scope;

use crate::config::{Config, Wish};
use crate::error::{Result, hint};
use crate::store::Repo;
use anyhow::Context;
use bounds::{Bounds, Ground};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

/// Who sees to it that a command stays in its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// Mount and process namespaces, by that program.
    Bubblewrap(PathBuf),
    /// Nobody: why.
    Nobody(String),
}

/// The sandbox that commands run in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    means: Means,
    ground: Arc<Ground>,
}

/// A command in its sandbox, and what has to live as long as it.
#[derive(Debug)]
pub struct Enclosed {
    /// The command, its environment complete.
    pub command: Command,
    /// What vanishes with it.
    pub keep: Keep,
}

/// What a command needs as long as it runs; dropping it takes that away.
#[derive(Debug, Default)]
pub struct Keep {
    _temporary: Option<TempDir>,
}

impl Sandbox {
    /// The sandbox for what runs for that repository.
    ///
    /// # Errors
    /// Where one is required and the system has none.
    pub fn of(repo: &Repo, config: &Config) -> Result<Sandbox> {
        let wish = config.run.sandbox.unwrap_or(Wish::Prefer);
        let means = match wish {
            Wish::Off => Means::Nobody("it is switched off".into()),
            Wish::Prefer | Wish::Require => available(),
        };
        if let (Wish::Require, Means::Nobody(why)) = (wish, &means) {
            return Err(hint(
                format!("a sandbox is required, and there is none: {why}"),
                "install bubblewrap (bwrap), or ask for less: `sandbox = \"prefer\"` under [run]",
            ));
        }
        let ground = Ground::of(repo, config)?;
        if ground.hosts.is_some() {
            return Err(hint("`hosts` of [sandbox] cannot be enforced here", "take it out"));
        }
        Ok(Sandbox { means, ground: Arc::new(ground) })
    }

    /// No sandbox: commands run as the person.
    pub fn none() -> Sandbox {
        Sandbox { means: Means::Nobody("nobody asked for one".into()), ground: Arc::default() }
    }

    /// Who sees to it.
    pub fn means(&self) -> &Means {
        &self.means
    }

    /// Whether commands are held.
    pub fn holds(&self) -> bool {
        !matches!(self.means, Means::Nobody(_))
    }

    /// The command as it is started. Its working directory is the scope's; of our environment it gets what
    /// is on the allow list, and what it was given explicitly.
    pub fn enclose(&self, command: &Command, scope: &Scope) -> Result<Enclosed> {
        match &self.means {
            Means::Nobody(_) => Ok(bare(command, scope)),
            Means::Bubblewrap(bwrap) => {
                let temporary = temporary()?;
                let bounds = Bounds::new(&self.ground, scope, command, temporary.path());
                let mut enclosed = bubblewrap::command(bwrap, &bounds, command);
                let inside = environment::allowed(&self.ground.env, &scope.env);
                enclosed.env_clear().envs(inside);
                enclosed.envs(bubblewrap::places(&bounds));
                environment::copy_explicit(command, &mut enclosed);
                enclosed.env("PWD", &scope.dir);
                Ok(Enclosed { command: enclosed, keep: Keep { _temporary: Some(temporary) } })
            }
        }
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.means {
            Means::Bubblewrap(_) => f.write_str(
                "bubblewrap: they write only their worktree and their own state, and see no secrets",
            ),
            Means::Nobody(why) => write!(f, "none ({why}): agents and commands can do what you can"),
        }
    }
}

/// The command as the person would start it.
fn bare(command: &Command, scope: &Scope) -> Enclosed {
    let mut bare = Command::new(command.get_program());
    bare.args(command.get_args()).current_dir(&scope.dir);
    environment::copy_explicit(command, &mut bare);
    bare.env("PWD", &scope.dir);
    Enclosed { command: bare, keep: Keep::default() }
}

/// A folder that only this command writes.
fn temporary() -> Result<TempDir> {
    tempfile::Builder::new().prefix("flow-ai-tmp-").tempdir().context("cannot make a temporary folder")
}

/// The best that this system has. Tried once: that a program is installed does not mean that it may do
/// its work (containers, hardened kernels).
fn available() -> Means {
    static FOUND: OnceLock<Means> = OnceLock::new();
    FOUND
        .get_or_init(|| match bubblewrap::find() {
            Ok(program) => Means::Bubblewrap(program),
            Err(why) => Means::Nobody(why),
        })
        .clone()
}

/// A path as the config writes it: absolute, or below the home.
fn expand(text: &str) -> Option<PathBuf> {
    let path = match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(text),
    };
    path.is_absolute().then_some(path)
}
