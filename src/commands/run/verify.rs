//! Whether the test commands pass on what is in a worktree, with all that lies beside the commit there: between
//! attempts, where a clean checkout would have to be set up anew. See [`super::clean_test`] for what decides.

use super::Run;
use super::checkout::{Checkout, failure, line_to};
use crate::agents::sandbox::config_command::ShellEnd;
use crate::domain::error::Result;
use crate::domain::event::Events;
use crate::domain::plan::Task;

/// What verification came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Verification {
    /// Every command passed, or there is none.
    Passed,
    /// One did not: how, with the last lines of what it printed.
    Failed(String),
    /// We were told to stop.
    Stopped,
}

/// The commands that must pass for these tasks: the config's, then each task's own, each once.
pub fn commands<'a>(run: &Run, tasks: impl IntoIterator<Item = &'a Task>) -> Vec<String> {
    let mut commands: Vec<String> = run.loaded.config.run.verify.iter().cloned().collect();
    for command in tasks.into_iter().filter_map(|task| task.verify.as_ref()) {
        if !commands.contains(command) {
            commands.push(command.clone());
        }
    }
    commands
}

/// Runs them one after the other; the first failure ends it.
pub async fn verify(
    run: &Run,
    commands: &[String],
    checkout: &Checkout,
    env: &[(String, String)],
    events: &Events,
) -> Result<Verification> {
    for command in commands {
        let end = checkout.shell(&run.checkouts, command, env, line_to(events)).await?;
        match (failure(command, &end), end) {
            (_, ShellEnd::Stopped) => return Ok(Verification::Stopped),
            (Some(how), _) => return Ok(Verification::Failed(how)),
            (None, _) => {}
        }
    }
    Ok(Verification::Passed)
}
