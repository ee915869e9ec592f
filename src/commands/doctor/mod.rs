//! Is everything in place? git, repository, config, gate, agents, reviewers, leftovers, help.
//!
//! Every check says what is, and where it is not well, how to mend it. Nothing is changed, no agent is
//! started and no network is used: an agent counts as present when its program is on the PATH.

mod agents;
mod gate;
mod help;
mod hooks;
mod leftovers;
mod repository;
mod sandbox;
mod signing;
mod trust;

use crate::domain::error::{Hint, Result};
use crate::gate::store::{Repo, config};
use crate::system::git;
use serde::Serialize;

/// How well it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// In place.
    Good,
    /// Works, but could be better or should be known.
    Note,
    /// Does not work.
    Bad,
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about: `git`, `repository`, `config`, `gate`, `signing`, `agents`, `reviewers`, `trust`, `leftovers`, `help`.
    pub topic: &'static str,
    /// How well it stands.
    pub standing: Standing,
    /// What is, in one sentence without a full stop.
    pub says: String,
    /// How to mend it: a command or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Check {
    fn good(topic: &'static str, says: impl Into<String>) -> Check {
        Check { topic, standing: Standing::Good, says: says.into(), mend: None }
    }

    fn note(topic: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Check {
        Check { topic, standing: Standing::Note, says: says.into(), mend: Some(mend.into()) }
    }

    fn bad(topic: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Check {
        Check { topic, standing: Standing::Bad, says: says.into(), mend: Some(mend.into()) }
    }

    /// What an error says, as a check that failed.
    fn broken(topic: &'static str, error: &anyhow::Error) -> Check {
        let says: Vec<String> = error.chain().map(ToString::to_string).collect();
        let mend = error.chain().find_map(|link| link.downcast_ref::<Hint>()).map(|hint| hint.fix.clone());
        Check { topic, standing: Standing::Bad, says: says.join(": "), mend }
    }
}

/// Looks at everything, from the current directory.
pub fn examine() -> Vec<Check> {
    let mut checks = vec![git_version()];
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
    let target = match repo.target() {
        Ok(target) => target,
        Err(error) => {
            checks.push(Check::broken("config", &error));
            return Ok(checks);
        }
    };
    match config::load(repo, &target) {
        Ok(loaded) => {
            checks.push(configured(repo, &loaded, &target));
            checks.extend(gate::examine(repo, &loaded, &target)?);
            checks.extend(signing::examine(repo, &loaded, &target));
            // A server judges nothing and runs nobody: it reads what others have judged.
            if repo.work_dir().is_some() {
                checks.extend(agents::examine(&loaded.config));
                checks.push(sandbox::examine(repo, &loaded.config));
                checks.push(trust::examine(repo, &loaded));
            }
            checks.extend(leftovers::examine(repo, &loaded.config)?);
        }
        Err(error) => checks.push(Check::broken("config", &error)),
    }
    Ok(checks)
}

/// Only whether the gate is really asked.
pub fn gate(repo: &Repo, loaded: &config::Loaded, target: &str) -> Result<Vec<Check>> {
    gate::examine(repo, loaded, target)
}

fn configured(repo: &Repo, loaded: &config::Loaded, target: &str) -> Check {
    let says = format!("config from {}", loaded.origin);
    if repo.work_dir().is_none() && !loaded.origin.contains(&format!("{target}:")) {
        let mend = format!("push one to {target}; it is in force from then on");
        Check::note(
            "config",
            format!("{target} has no {}: nothing is protected", crate::domain::config::PATH),
            mend,
        )
    } else if repo.work_dir().is_some() && loaded.config.agents.is_empty() {
        Check::note("config", format!("{says}, without agents"), "git flow-ai init finds them on the PATH")
    } else if loaded.origin.contains(&format!("{target}:")) {
        Check::good("config", says)
    } else {
        let mend = format!(
            "commit {} on {target}: the gate reads it there and nowhere else",
            crate::domain::config::PATH
        );
        Check::note("config", says, mend)
    }
}

fn git_version() -> Check {
    match git::version() {
        Ok((major, minor)) if (major, minor) < (2, 38) => Check::bad(
            "git",
            format!("git {major}.{minor} cannot merge without a worktree"),
            "install git 2.38 or newer",
        ),
        Ok((major, minor)) => Check::good("git", format!("git {major}.{minor}")),
        Err(error) => Check::broken("git", &error),
    }
}
