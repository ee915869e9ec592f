//! What holds agents and commands here, what that cannot hold, how to get better, and what of the home the
//! project seems to need.

use super::Check;
use crate::agents::home::seems_needed;
use crate::agents::worktree;
use crate::domain::config::{Config, SandboxMode};
use crate::gate::store::Repo;
use crate::system::fs::home;

const TOPIC: &str = "sandbox";

pub(super) fn examine(repo: &Repo, config: &Config) -> Check {
    match crate::agents::sandbox_for(repo, config) {
        Ok(sandbox) => {
            let says = sandbox.to_string();
            match sandbox.backend().upgrade_hint() {
                _ if config.run.sandbox == Some(SandboxMode::Off) => Check::note(
                    TOPIC,
                    says,
                    "`sandbox = \"prefer\"` under [run], or git config flow-ai.sandbox prefer",
                ),
                Some(fix) => Check::note(TOPIC, says, fix),
                None if sandbox.is_active() => Check::good(TOPIC, says),
                None => Check::note(TOPIC, says, "run where there is one: Linux, or macOS"),
            }
        }
        Err(error) => Check::broken(TOPIC, &error),
    }
}

/// How worktrees are checked out for commands in it.
pub(super) fn checkouts(repo: &Repo, config: &Config) -> Check {
    let tried = crate::agents::sandbox_for(repo, config);
    match tried.and_then(|sandbox| worktree::checkouts(repo, &sandbox)) {
        Ok(checkouts) => Check::good("checkouts", checkouts.to_string()),
        Err(error) => Check::broken("checkouts", &error),
    }
}

/// Files of the home with settings and tokens in one, which the project seems to need and nothing opens.
pub(super) fn needed(repo: &Repo, config: &Config) -> Vec<Check> {
    let Some((project, home)) = repo.work_dir().zip(home::home()) else { return Vec::new() };
    if config.run.sandbox == Some(SandboxMode::Off) {
        return Vec::new();
    }
    let opened: Vec<_> = config.sandbox.read.iter().map(|path| home::expand(path)).collect();
    let needed = seems_needed(project, &home).into_iter();
    let closed = needed.filter(|(_, file)| !opened.iter().any(|path| home.join(file).starts_with(path)));
    let check = |(marker, file): (&str, &str)| {
        Check::note(
            TOPIC,
            format!("~/{file} is hidden from agents and commands; with {marker} the project may need it"),
            format!(
                "if it does, `read = [\"~/{file}\"]` under [sandbox] of your own config (its tokens can then be read)"
            ),
        )
    };
    closed.map(check).collect()
}
