//! `git flow-ai run`.

use crate::commands::run::{self, Forecast, RunOptions};
use crate::domain::config::Budget;
use crate::domain::error::{Exit, Hint, Result};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::ui::args::trust::{TrustFlag, consent};
use crate::ui::report::table::Table;
use crate::ui::report::{self, EventStyle, summary};
use crate::ui::runtime::block_on_watched;
use clap::Args;
use std::io::Write;
use std::rc::Rc;

/// Run a plan's tasks with agents in parallel worktrees
///
/// Every task that is ready is done by its agent, in a temporary worktree of its own, made from a
/// pinned commit. After each attempt the project's checks run; then a rival reviews the change. What
/// fails goes back to the agent, as often as `run.attempts` says. Finished tasks are merged in the
/// plan's order into `flow/<spec>/result`, which is verified and reviewed as a whole.
///
/// No agent is started where the test command (`run.verify`) or the setup fails on the base already.
///
/// A task that is done is done again when the documents or its own text were changed since, with what
/// depends on it; --accept keeps it as it is, on record.
///
/// A task whose agent meets a limit gives its place to others and goes on when the limit passes, as long as
/// `run.patience` finds that worth waiting for. A budget (`run.budget`, `run.task_budget`, --budget) that
/// is spent starts nothing new. An agent, or a command that it runs, that waits for a person is found
/// and ended. `git flow-ai status` says what each task is doing, since when, and how that is known.
///
/// Ctrl-C stops everything within seconds and loses nothing: run it again, and it goes on. Your branch,
/// index and files are never touched. A second Ctrl-C kills at once; the next run takes in what was there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai run                              the only spec that could run
  git flow-ai run dark-mode --parallel 3       at most three tasks at once
  git flow-ai run dark-mode --task api --retry fresh attempts for one task
  git flow-ai run dark-mode --redo api         once more, though it is merged
  git flow-ai run dark-mode --dry-run          what would start
  git flow-ai run dark-mode --json | jq .      events, then a summary, a line each

Exit status: 0 everything is done; 1 some task is not, or the result is rejected; 2 it could not begin;
130 interrupted.")]
pub struct RunArgs {
    /// The spec; without it, the only one that could run
    #[arg(value_name = "SPEC")]
    slug: Option<Slug>,

    /// How many tasks at once [default: run.parallel of the config]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    parallel: Option<u16>,

    /// Only this task and what it depends on; may be given several times
    #[arg(long = "task", value_name = "ID")]
    tasks: Vec<String>,

    /// The agent for every task, whatever the plan says
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,

    /// Give the tasks that are not done fresh attempts
    #[arg(long)]
    retry: bool,

    /// Do this task again, and what depends on it, from the present result; may be given several times
    #[arg(long, value_name = "ID")]
    redo: Vec<String>,

    /// Keep this task as it is, though what it was made from has been changed; may be given several times
    #[arg(long, value_name = "ID")]
    accept: Vec<String>,

    /// Have nobody review the tasks; the gate will refuse them
    #[arg(long)]
    no_review: bool,

    /// Start although the test command fails on the base, which the plan is to repair
    #[arg(long)]
    failing_base: bool,

    /// Keep the worktrees
    #[arg(long)]
    keep: bool,

    /// What the run may cost, instead of the config's run.budget: cost=10,tokens=2000000,time=2h
    #[arg(long, value_name = "BUDGET", value_parser = budget)]
    budget: Option<Budget>,

    /// Only say what would be done
    #[arg(long, short = 'n')]
    dry_run: bool,

    #[command(flatten)]
    trust: TrustFlag,

    /// Print every event as a line of JSON, the summary last
    #[arg(long)]
    json: bool,
}

pub fn run(args: RunArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let options = RunOptions {
        slug: run::choose(&repo, args.slug)?,
        parallel: args.parallel.map(usize::from),
        tasks: args.tasks,
        agent: args.agent,
        retry: args.retry,
        redo: args.redo,
        accept: args.accept,
        review: !args.no_review,
        failing_base: args.failing_base,
        keep: args.keep,
        trust: args.trust.is_given(),
        budget: args.budget.unwrap_or_default(),
    };
    if args.dry_run {
        return forecast(&run::forecast(&repo, &options)?, args.json);
    }
    consent(&repo, run::brought(&repo, &options)?, &args.trust)?;
    let slug = options.slug.clone();
    let repo = Rc::new(repo);
    let summary = block_on_watched(EventStyle::choose(args.json), async |events, stop| {
        run::run(repo, options, events, &stop).await
    })?;
    if args.json {
        summary::json(&summary)?;
    } else {
        report::out().write_all(summary::text(&summary, &slug).as_bytes())?;
    }
    Ok(match () {
        () if summary.stopped => Exit::Interrupted,
        () if summary.is_success() => Exit::Yes,
        () => Exit::No,
    })
}

/// Reads the flag; clap shows the way out in its own manner.
fn budget(text: &str) -> Result<Budget, String> {
    Budget::from_flag(text).map_err(|error| match error.downcast_ref::<Hint>() {
        Some(hint) => format!("{}: {}", hint.message, hint.fix),
        None => error.to_string(),
    })
}

fn forecast(forecasts: &[Forecast], json: bool) -> Result<Exit> {
    if json {
        report::json(&forecasts)?;
        return Ok(Exit::Yes);
    }
    let mut table = Table::new(["task", "agent", "after", "what"]);
    for forecast in forecasts {
        table.row([
            forecast.task.as_str().into(),
            forecast.agent.as_str().into(),
            forecast.after.join(", ").into(),
            forecast.what.into(),
        ]);
    }
    report::out().write_all(table.render().as_bytes())?;
    Ok(Exit::Yes)
}
