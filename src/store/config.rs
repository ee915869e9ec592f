//! The config and workflows, read from the right place.
//!
//! Policy, agents and commands come from the *target* branch's tip. Where that has no config yet (a
//! fresh `init`), runs and reviews that a person starts use the working tree's and say so; the gate
//! never does.

use super::Repo;
use crate::config::Config;
use crate::error::Result;
use crate::policy::Policy;
use gix::ObjectId;

/// A config and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// With the person's own file and `git config flow-ai.*` applied.
    pub config: Config,
    /// For messages: `main:.zenflow/config.toml`, `.zenflow/config.toml (not committed yet)`, `defaults`.
    pub origin: String,
    /// SHA-256 of the repository's config text, in hex: the policy's digest.
    pub digest: String,
}

/// The config for what a person starts: at the target's tip, else in the working tree, else defaults.
pub fn load(repo: &Repo, target: &str) -> Result<Loaded> {
    let _ = (repo, target);
    todo!("store helper")
}

/// The policy in force at a commit, with its digest; none where that commit has no config.
pub fn policy_at(repo: &Repo, commit: ObjectId) -> Result<Option<(Policy, String)>> {
    let _ = (repo, commit);
    todo!("store helper")
}

/// A workflow's text by name: the team's own (at the target's tip, else in the working tree), else
/// the built-in one; an error lists the names that exist.
pub fn workflow(repo: &Repo, target: &str, name: &str) -> Result<(String, String)> {
    let _ = (repo, target, name);
    todo!("store helper")
}
