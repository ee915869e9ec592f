//! What holds agents and commands here, what that cannot hold, and how to get better.

use super::Check;
use crate::domain::config::{Config, SandboxMode};
use crate::gate::store::Repo;

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
