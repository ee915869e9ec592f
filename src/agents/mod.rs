//! Who works: agent CLIs and model APIs, their sandbox and homes, worktrees and credentials, and what is trusted to run.

pub mod cli;
pub(crate) mod credentials;
pub mod home;
pub mod model;
mod proxy;
pub mod sandbox;
pub(crate) mod trust;
pub mod worktree;

use crate::domain::config::Config;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use sandbox::Sandbox;
use sandbox::launch::Launcher;
use std::path::Path;

/// The sandbox for what runs for that repository: other work, and what the user trusts, are hidden from it.
///
/// # Errors
/// If the config requires a sandbox and the system has none.
pub fn sandbox_for(repo: &Repo, config: &Config) -> Result<Sandbox> {
    sandbox_launched_by(Launcher::own(), repo, config)
}

/// The same with that launcher, for a program that is not ours.
pub fn sandbox_launched_by(launcher: Option<Launcher>, repo: &Repo, config: &Config) -> Result<Sandbox> {
    let mut hidden = worktree::all_folders(repo, config)?;
    hidden.extend(trust::list_path().as_deref().and_then(Path::parent).map(Path::to_owned));
    Sandbox::new(launcher, repo, config, hidden)
}
