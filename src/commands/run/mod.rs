//! A run: every task of a plan that is ready, each by an agent in its own worktree, verified, committed,
//! judged by a rival, and merged in the plan's order.
//!
//! What is done is read off branches, their commits' trailers and verdict notes, so a run that was
//! stopped, or killed at any instant, goes on where it was: what is merged is skipped, what is
//! approved is not repeated, an attempt that ended counts, an interrupted one continues from its files.
//! All of it is one thread: the repository stays here, agents are processes, and slow file work is
//! sent elsewhere.
//!
//! # Where what lives
//! | when | file | type |
//! |---|---|---|
//! | before | `preflight`, `base_test` | what must be so before a run begins: `Prepared`, [`Forecast`] |
//! | | `lock`, `salvage` | what a killed run left |
//! | | `redo` | tasks that are done again |
//! | all along | `scheduler` | which task starts when: `Scheduler` |
//! | | `journal`, `logs` | `Journal`, its `History` for the next run, agents' transcripts |
//! | | `provider_limits`, `budget` | what agents may not use now, and what was used: `Limits`, `BudgetTracker` |
//! | one task | `task` | the loop from judging to trying again: `TaskRunner` |
//! | | `context` | what its parts share: `TaskContext` |
//! | | `base`, `branch` | the commit that it begins from; what its branch records: `TaskBranch`, `ReviewStatus` |
//! | | `workspace`, `checkout` | its branch with its worktree: `Workspace`; the worktree alone: `Checkout` |
//! | | `attempt`, `prompt`, `monitor` | one try of the agent, what it is told, its output: `OutputMonitor` |
//! | | `clean_test`, `verify`, `review` | the test commands, in a clean checkout or the agent's own; rivals' verdicts |
//! | | `agent_commits` | what the agent committed by itself |
//! | after | `integrate`, `result` | tasks merged into the result: `Merging`; the result checked as a whole |
//! | | `outcome`, `summary` | how a task ended: [`TaskOutcome`]; everything together: [`Summary`] |

mod agent_commits;
mod attempt;
mod base;
mod base_test;
mod branch;
mod budget;
mod checkout;
pub mod clean_test;
mod context;
mod integrate;
mod journal;
mod lock;
mod logs;
mod monitor;
mod outcome;
mod preflight;
mod prompt;
mod provider_limits;
mod redo;
mod result;
mod review;
mod salvage;
mod scheduler;
mod summary;
mod task;
mod verify;
mod workspace;

pub use checkout::CheckoutContext;
pub use clean_test::{TestEnd, Testing};
pub use journal::runs;
pub use lock::{Lock, is_under_way};
pub use logs::{Transcript, expire as expire_journals, transcripts};
pub use outcome::TaskOutcome;
pub use preflight::{Forecast, checked_out, choose, forecast};
pub use summary::{ResultReport, Summary, TaskReport};

use crate::agents::cli::Agent;
use crate::agents::trust::{self, Purpose};
use crate::commands::documents;
use crate::domain::config::{Budget, SandboxMode};
use crate::domain::error::Result;
use crate::domain::event::{Events, Usage, What};
use crate::domain::plan::{Plan, Task};
use crate::domain::spec::{Slug, Spec};
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;
use crate::system::process::stop::Stop;
use budget::BudgetTracker;
use gix::ObjectId;
use jiff::Timestamp;
use journal::{Effect, History, Journal};
use preflight::Prepared;
use provider_limits::Limits;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct RunOptions {
    pub slug: Slug,
    /// How many tasks at once; `None`: as the config says.
    pub parallel: Option<usize>,
    /// Only these tasks and what they depend on; empty: all.
    pub tasks: Vec<String>,
    /// The agent for every task, whatever the plan says.
    pub agent: Option<String>,
    /// Whether the tasks get fresh attempts.
    pub retry: bool,
    /// Tasks that are done again, though they were done before.
    pub redo: Vec<String>,
    /// Tasks that are not done again, though they were made from another text than the spec has now.
    pub accept: Vec<String>,
    pub review: bool,
    /// Whether agents are started although the test command fails on the base.
    pub failing_base: bool,
    /// Whether worktrees are kept.
    pub keep: bool,
    /// Whether the user trusts, this time, all that the repository brings.
    pub trust: bool,
    /// What the run may cost, if the user says otherwise than the config.
    pub budget: Budget,
}

/// All that the tasks of a run share.
#[derive(Debug)]
struct Run {
    repo: Rc<Repo>,
    id: String,
    options: RunOptions,
    spec: Spec,
    loaded: Loaded,
    target: String,
    base: ObjectId,
    agents: HashMap<String, Agent>,
    checkouts: CheckoutContext,
    journal: Journal,
    events: Events,
    stop: Stop,
    history: RefCell<History>,
    /// The tasks that are done again.
    redone: Vec<String>,
    /// How the setup failed on the base, if it did: it would again.
    setup_failed: RefCell<Option<String>>,
    /// What each task is made from, by its id.
    texts: HashMap<String, ObjectId>,
    /// The limits that agents are known to be under.
    limits: RefCell<Limits>,
    /// What was used, and may be.
    budget: BudgetTracker,
}

impl Run {
    fn slug(&self) -> &Slug {
        &self.options.slug
    }
}

/// Runs a plan. What goes wrong with a task is in the summary; an error means that the run could not
/// begin or go on.
pub async fn run(repo: Rc<Repo>, options: RunOptions, events: &Events, stop: &Stop) -> Result<Summary> {
    let begin = Instant::now();
    let _lock = Lock::take(&repo, &options.slug)?;
    salvage::end_processes(&repo, &options.slug, events)?;
    let id = new_id()?;
    documents::accept(&repo, &options.slug, &options.accept)?;
    let redone = redo::open(&repo, &options, &id, events)?;
    let Prepared { spec, texts, mut history, plan, chosen, loaded, target, base, agents } =
        preflight::prepare(&repo, &options)?;
    // What is asked about here is what runs: nothing is read again.
    trust::require(&repo, brings(&loaded, &options.slug, &plan), options.trust)?;
    let retry: Vec<String> = match options.retry {
        true => chosen.tasks.iter().filter(|task| !task.done).map(|task| task.id.clone()).collect(),
        false => Vec::new(),
    };
    history.forget(&retry, &id);
    let mut limits = Limits::new(loaded.config.run.patience);
    if !options.retry {
        history.recall_limits(&mut limits, Timestamp::now());
    }
    let budget = BudgetTracker::new(&loaded.config, options.budget);
    let (journal, events) = Journal::begin(&repo, &spec, &id, &retry, &history, events)?;
    for task in &redone {
        journal.before(task, Effect::Fresh)?;
        history.begin_anew(task, &id);
    }
    let events = events.recorded(budget.recorder());
    // Only now: what is tried leaves files when it is killed, and the next run finds them by the journal.
    let (checkouts, way) =
        CheckoutContext::new(repo.clone(), &loaded.config, base, Some(journal.clone()), &events, stop)?;
    checkouts.worktrees.sweep_checkouts(false)?;
    for warning in loaded.warnings.iter().chain(&plan.warnings) {
        events.warn(warning.as_str());
    }
    if history.newer() > 0 {
        events.warn(format!(
            "{} journals of earlier runs were written by a newer version and are passed over: attempts that left no commit are not counted",
            history.newer()
        ));
    }
    let run = Rc::new(Run {
        repo,
        id,
        options,
        spec,
        loaded,
        target,
        base,
        agents,
        checkouts,
        journal,
        events,
        stop: stop.clone(),
        history: RefCell::new(history),
        redone,
        setup_failed: RefCell::default(),
        texts,
        limits: RefCell::new(limits),
        budget,
    });
    let sandbox = &run.checkouts.sandbox;
    run.events.progress(format!("sandbox: {sandbox}"));
    let is_off = run.loaded.config.run.sandbox == Some(SandboxMode::Off);
    if !is_off && let Some(why) = sandbox.backend().forbidden() {
        run.events.progress(why);
    }
    run.events.progress(format!("checkouts: {way}"));
    if let Some(moved) = run.checkouts.worktrees.moved() {
        run.events.progress(moved);
    }
    redo::discard(&run.checkouts.worktrees, run.slug(), &run.redone).await?;
    salvage::take_in(&run, &plan).await?;
    salvage::begin_anew(&run, &chosen)?;
    logs::tidy(&run);
    if let Err(error) = base_test::require(&run, &chosen).await {
        let (failed, usage) = (chosen.tasks.len(), Usage::default());
        run.events.send(What::RunFinished { done: 0, failed, seconds: begin.elapsed().as_secs(), usage });
        return Err(error);
    }
    let tasks = LocalSet::new().run_until(scheduler::run_plan(&run, &plan, &chosen)).await?;
    let result = match result::check(&run, &plan).await {
        Ok(report) => report,
        Err(error) => ResultReport::NoVerdict { why: chain(&error) },
    };
    logs::tidy(&run);
    let summary = Summary {
        run: run.id.clone(),
        spec: run.slug().to_string(),
        tasks,
        result,
        usage: run.budget.used(),
        budget: run.budget.report(),
        stopped: stop.is_set(),
        duration: begin.elapsed(),
    };
    let done = summary.tasks.iter().filter(|task| task.outcome.is_success()).count();
    run.events.send(What::RunFinished {
        done,
        failed: summary.tasks.len() - done,
        seconds: summary.duration.as_secs(),
        usage: summary.usage,
    });
    Ok(summary)
}

/// What the repository brings to that run, for the user to see before it begins.
///
/// # Errors
/// If the run could not begin anyway.
pub fn brought(repo: &Repo, options: &RunOptions) -> Result<Vec<trust::Item>> {
    let Prepared { plan, loaded, .. } = preflight::prepare(repo, options)?;
    Ok(brings(&loaded, &options.slug, &plan))
}

fn brings(loaded: &Loaded, slug: &Slug, plan: &Plan) -> Vec<trust::Item> {
    let mut items = trust::config_items(&loaded.brought, Purpose::Run);
    items.extend(trust::plan_items(slug, plan));
    items
}

fn not_run(run: &Run, task: &Task, outcome: TaskOutcome) -> TaskReport {
    TaskReport {
        task: task.id.clone(),
        agent: run.agents.get(&task.id).map(|agent| agent.name.clone()).unwrap_or_default(),
        attempts: 0,
        outcome,
        duration: Duration::ZERO,
        usage: Usage::default(),
        verdict: None,
        head: None,
        kept: None,
    }
}

/// The time to the millisecond, then four random digits: ids sort by time, and two never meet.
fn new_id() -> Result<String> {
    let now = Timestamp::now();
    let millisecond = now.subsec_millisecond();
    Ok(format!("{}.{millisecond:03}-{:04x}", now.strftime("%Y%m%dT%H%M%S"), getrandom::u32()? & 0xffff))
}

/// An error with all that it came from, on one line.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
