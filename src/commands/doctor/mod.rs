//! Is everything in place? Each file here checks one topic; [`examine`] lists them in the order of the report.
//!
//! A check says what is, and if that is not well, how to fix it. Nothing is changed, no agent is started and no
//! network is used: an agent counts as present when its program is on the PATH.

mod agents;
mod config;
mod gate;
mod git_version;
mod help;
mod hooks;
mod leftovers;
mod repository;
mod sandbox;
mod signing;
mod trust;

use crate::domain::error::{Result, fixes, messages};
use crate::gate::store::Repo;
use crate::gate::store::config::{Loaded, load};
use serde::Serialize;

/// How well a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    Good,
    /// Works, but could be better or should be known.
    Note,
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about: `git`, `repository`, `config`, `gate`, `signing`, `agents`, `reviewers`, `sandbox`, `checkouts`, `trust`, `leftovers`, `help`.
    pub topic: &'static str,
    pub status: CheckStatus,
    /// What is, in one sentence without a full stop.
    pub says: String,
    /// How to fix it: a command or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    fn good(topic: &'static str, says: impl Into<String>) -> Check {
        Check { topic, status: CheckStatus::Good, says: says.into(), fix: None }
    }

    fn note(topic: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { topic, status: CheckStatus::Note, says: says.into(), fix: Some(fix.into()) }
    }

    fn bad(topic: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { topic, status: CheckStatus::Bad, says: says.into(), fix: Some(fix.into()) }
    }

    /// What an error says, as a check that failed.
    fn broken(topic: &'static str, error: &anyhow::Error) -> Check {
        let fix = fixes(error).next().map(str::to_owned);
        Check { topic, status: CheckStatus::Bad, says: messages(error).join(": "), fix }
    }
}

/// Looks at everything, from the current directory.
pub fn examine() -> Vec<Check> {
    let mut checks = vec![git_version::examine()];
    match Repo::discover() {
        Ok(repo) => match examine_repository(&repo) {
            Ok(found) => checks.extend(found),
            Err(error) => checks.push(Check::broken("repository", &error)),
        },
        Err(error) => {
            checks.push(Check::broken("repository", &error));
            checks.extend(agents::on_path());
        }
    }
    checks.extend(help::examine());
    checks
}

fn examine_repository(repo: &Repo) -> Result<Vec<Check>> {
    let mut checks = repository::examine(repo)?;
    let (loaded, target) = match repo.target().and_then(|target| Ok((load(repo, &target)?, target))) {
        Ok(found) => found,
        Err(error) => {
            checks.push(Check::broken("config", &error));
            return Ok(checks);
        }
    };
    checks.push(config::examine(repo, &loaded, &target));
    checks.extend(gate::examine(repo, &loaded, &target)?);
    checks.extend(gate::malformed(repo)?);
    checks.push(signing::examine(repo, &loaded, &target));
    // A server runs no agents and no reviewers: it reads verdicts from elsewhere.
    if repo.work_dir().is_some() {
        checks.extend(agents::examine(&loaded));
        checks.push(sandbox::examine(repo, &loaded.config));
        checks.push(sandbox::checkouts(repo, &loaded.config));
        checks.extend(sandbox::needed(repo, &loaded.config));
        checks.push(trust::examine(repo, &loaded));
    }
    checks.extend(leftovers::examine(repo, &loaded.config)?);
    Ok(checks)
}

/// Only whether the gate is really asked.
pub fn gate(repo: &Repo, loaded: &Loaded, target: &str) -> Result<Vec<Check>> {
    gate::examine(repo, loaded, target)
}
