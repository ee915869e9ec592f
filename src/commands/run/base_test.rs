//! Whether the base of a run is set up and passes the test command before any agent is started: what fails without
//! an agent's work would be billed to each of them, attempt by attempt.

use super::checkout::{Checkout, CheckoutEnd};
use super::clean_test::{self, TestEnd, Testing};
use super::context::environment;
use super::{Run, chain, verify};
use crate::domain::error::{Result, hint};
use crate::domain::event::{TaskState, What};
use crate::domain::plan::Plan;
use crate::domain::text::shell::command_line;

/// What the checkout of the base is called, behind the spec's name.
const BASE: &str = "base";

/// Tests the base, unless no agent would be started, the base is the spec's own result, or the user said that the plan
/// is to repair it.
///
/// # Errors
/// If it fails: what, and what to do.
pub(super) async fn require(run: &Run, chosen: &Plan) -> Result<()> {
    let attempts = run.loaded.config.run.attempts;
    let is_open = |id: &String| run.history.borrow().made(id) < attempts;
    let starts = chosen.tasks.iter().any(|task| !task.done && is_open(&task.id));
    let is_own = run.repo.find_ref(&format!("refs/heads/{}", run.target))? != Some(run.base);
    if !starts || is_own || run.options.failing_base || run.stop.is_set() {
        return Ok(());
    }
    let commands = verify::commands(run, []);
    let again = command_line!("git flow-ai run {}", run.slug());
    let end = match test(run, &commands).await {
        Ok(end) => end,
        Err(error) => {
            run.events.warn(format!("it is unknown whether the base passes its test: {}", chain(&error)));
            return Ok(());
        }
    };
    match end {
        TestEnd::Passed { .. } | TestEnd::Stopped => Ok(()),
        TestEnd::SetupFailed(how) => Err(hint(
            format!("no agent was started, since the setup fails on {}: {how}", place(run)),
            format!("correct `setup` under [run] in .zenflow/config.toml, then {again}"),
        )),
        TestEnd::Failed(how) => Err(hint(
            format!("no agent was started, since the test command fails on {} as it is: {how}", place(run)),
            format!(
                "correct it, or `verify` under [run] in .zenflow/config.toml; if the plan is to repair it: {again} --failing-base"
            ),
        )),
    }
}

/// Runs setup and test commands on the base. A setup alone is run where what it makes is kept for the tasks.
async fn test(run: &Run, commands: &[String]) -> Result<TestEnd> {
    let events = run.events.for_task(BASE);
    let env = environment(run, BASE, 1);
    let name = clean_test::name(run.slug().as_str(), BASE);
    let context = &run.checkouts;
    if !commands.is_empty() {
        let (agent, detail) = (String::new(), String::new());
        events.send(What::State { state: TaskState::Verifying, attempt: 1, agent, detail });
        let testing =
            Testing { commit: run.base, target: &run.target, commands, env: &env, name: &name, again: false };
        return clean_test::test(context, testing, &events).await;
    }
    if context.config.setup.is_none() || !context.worktrees.have_layers() {
        return Ok(TestEnd::Passed { rewritten: None });
    }
    Ok(match Checkout::make(context, &context.worktrees, &name, run.base, &env, &events).await? {
        CheckoutEnd::Ready(checkout) => {
            checkout.give_up().await?;
            TestEnd::Passed { rewritten: None }
        }
        CheckoutEnd::SetupFailed(how) => TestEnd::SetupFailed(how),
        CheckoutEnd::Stopped => TestEnd::Stopped,
    })
}

fn place(run: &Run) -> String {
    format!("{} ({})", run.target, run.base.to_hex_with_len(10))
}
