//! What must be so before a run begins; everything is checked before anything is started.

use super::journal::History;
use super::{RunOptions, branch};
use crate::agents::cli::Agent;
use crate::agents::worktree;
use crate::commands::documents;
use crate::commands::review;
use crate::domain::config::Config;
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::plan::{self, Plan, Task};
use crate::domain::spec::{Slug, Spec};
use crate::domain::text::shell::{Part, Word, command_line};
use crate::gate::signing;
use crate::gate::store::config::Loaded;
use crate::gate::store::{Repo, config, specs};
use crate::system::git;
use gix::ObjectId;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// All that a run needs to know.
#[derive(Debug)]
pub(super) struct Prepared {
    pub spec: Spec,
    /// What its tasks are made from, by their ids.
    pub texts: HashMap<String, ObjectId>,
    /// What its earlier runs tell.
    pub history: History,
    pub plan: Plan,
    /// Those that were asked for, with what they depend on.
    pub chosen: Plan,
    pub loaded: Loaded,
    pub target: String,
    /// What tasks without dependencies begin from.
    pub base: ObjectId,
    /// By the task's id.
    pub agents: HashMap<String, Agent>,
}

/// What a run would do with one task.
#[derive(Debug, Clone, Serialize)]
pub struct Forecast {
    pub task: String,
    pub title: String,
    /// Who would do it.
    pub agent: String,
    /// What it waits for.
    pub after: Vec<String>,
    /// What would happen, in a few words.
    pub what: &'static str,
}

/// What a run would do, task by task, without doing it.
pub fn forecast(repo: &Repo, options: &RunOptions) -> Result<Vec<Forecast>> {
    let mut prepared = prepare(repo, options)?;
    let result = repo.find_ref(&options.slug.result_ref())?;
    let mut forecasts = Vec::new();
    for task in &prepared.chosen.tasks {
        let found = branch::read(repo, &options.slug, task, prepared.base, &mut prepared.history)?;
        let merged = match (result, found) {
            (Some(result), Some(found)) => repo.is_ancestor(found.head, result)?,
            _ => false,
        };
        let what = match found {
            _ if task.done || merged => "is merged",
            Some(_) => "goes on from its branch",
            None if task.after.is_empty() => "starts",
            None => "starts when those are done",
        };
        forecasts.push(Forecast {
            task: task.id.clone(),
            title: task.title.clone(),
            agent: prepared.agents.get(&task.id).map(|agent| agent.name.clone()).unwrap_or_default(),
            after: task.after.clone(),
            what,
        });
    }
    Ok(forecasts)
}

/// The spec that is meant when none is named: the only one with something left to run.
pub fn choose(repo: &Repo, named: Option<Slug>) -> Result<Slug> {
    if let Some(slug) = named {
        return Ok(slug);
    }
    let mut open = Vec::new();
    for spec in specs::list(repo)? {
        let status = documents::step_of(repo, &spec);
        if status.is_ok_and(|status| matches!(status.stage, documents::Stage::Implementation(_))) {
            open.push(spec.slug);
        }
    }
    match open.as_slice() {
        [slug] => Ok(slug.clone()),
        [] => Err(hint("no spec has a plan that could run", "git flow-ai status shows where each stands")),
        _ => {
            let names: Vec<&str> = open.iter().map(Slug::as_str).collect();
            Err(hint(
                "several specs could run",
                command_line!(
                    "name one: git flow-ai run {}",
                    Part(&names.iter().map(Word::word).collect::<Vec<_>>().join(" | "))
                ),
            ))
        }
    }
}

/// Reads everything and refuses with the way out.
pub(super) fn prepare(repo: &Repo, options: &RunOptions) -> Result<Prepared> {
    let slug = &options.slug;
    let spec = specs::read(repo, slug)?;
    let status = documents::step_of(repo, &spec)?;
    if !status.may_run() {
        let next =
            status.next.first().cloned().unwrap_or_else(|| command_line!("git flow-ai status {}", slug));
        return Err(hint(format!("{slug} is not ready to run: {}", status.summary()), next));
    }
    let mut plan = plan::parse(spec.document(plan::DOCUMENT).unwrap_or_default())?;
    if plan.tasks.is_empty() {
        return Err(hint(
            format!("the plan of {slug} has no tasks"),
            command_line!("git flow-ai plan {}", slug),
        ));
    }
    repo.identity()?;
    let target = repo.target()?;
    let loaded = config::load(repo, &target)?;
    if options.review {
        signing::ready(repo, &loaded.config.gate, &target, None, None)?;
    }
    refuse_checked_out(repo, slug)?;
    let base = base(repo, slug, &target)?;
    let history = History::read(repo, &spec)?;
    reopen(repo, slug, &mut plan, base, &history)?;
    let chosen = restrict(&plan, &options.tasks)?;
    let agents = agents(&loaded.config, &chosen, options).map_err(|error| whose_config(error, &loaded))?;
    let text = |task: &Task| (task.id.clone(), documents::text_of(repo, &spec, &status, task));
    let texts = chosen.tasks.iter().map(text).collect();
    Ok(Prepared { spec, texts, history, plan, chosen, loaded, target, base, agents })
}

/// With what the config lacks goes whose it is, where the newest is not the one that counts.
fn whose_config(error: anyhow::Error, loaded: &Loaded) -> anyhow::Error {
    match &loaded.unworkable {
        Some(mistake) if mistake.is_replaced => {
            let why = format!(
                "{} counts, since nobody could work under the newest: {}",
                loaded.origin, mistake.why
            );
            hint_on(error, why, &mistake.fix)
        }
        _ => error,
    }
}

/// The tip of the result, or of the target when there is none yet or the target has it already.
fn base(repo: &Repo, slug: &Slug, target: &str) -> Result<ObjectId> {
    let tip = repo.commit_of(&format!("refs/heads/{target}"))?.id;
    match repo.find_ref(&slug.result_ref())? {
        Some(result) if !repo.is_ancestor(result, tip)? => Ok(result),
        _ => Ok(tip),
    }
}

/// A tick says that a task is in the result. If that branch was deleted, the tasks are open
/// again whose work the base lacks: it is judged already, and merged anew. Where their own branches were
/// deleted too, the journals tell what was on them.
fn reopen(repo: &Repo, slug: &Slug, plan: &mut Plan, base: ObjectId, history: &History) -> Result<()> {
    if repo.find_ref(&slug.result_ref())?.is_some() {
        return Ok(());
    }
    for task in plan.tasks.iter_mut().filter(|task| task.done) {
        if let Some(head) = repo.find_ref(&slug.task_ref(&task.id))?.or_else(|| history.head(&task.id)) {
            task.done = repo.has(head) && repo.is_ancestor(head, base)?;
        }
    }
    Ok(())
}

/// The plan with only these tasks and all that they depend on.
fn restrict(plan: &Plan, wanted: &[String]) -> Result<Plan> {
    if wanted.is_empty() {
        return Ok(plan.clone());
    }
    let mut keep: HashSet<&str> = HashSet::new();
    let mut queue: Vec<&str> = wanted.iter().map(String::as_str).collect();
    while let Some(id) = queue.pop() {
        let Some(task) = plan.tasks.iter().find(|task| task.id == id) else {
            let ids: Vec<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
            return Err(hint(format!("the plan has no task `{id}`"), format!("it has: {}", ids.join(", "))));
        };
        if keep.insert(id) {
            queue.extend(task.after.iter().map(String::as_str));
        }
    }
    let tasks = plan.tasks.iter().filter(|task| keep.contains(task.id.as_str())).cloned().collect();
    Ok(Plan { tasks, ..plan.clone() })
}

/// Every task's agent, able to start, and with a rival to judge it.
fn agents(config: &Config, plan: &Plan, options: &RunOptions) -> Result<HashMap<String, Agent>> {
    let mut agents = HashMap::new();
    for task in plan.tasks.iter().filter(|task| !task.done) {
        let agent = agent(config, task, options.agent.as_deref())?;
        agent.executable()?;
        if options.review {
            review::rivals(config, &config.gate, &[agent.author()]).map_err(|error| {
                let fix = "or leave the tasks unreviewed: --no-review (the gate will refuse them)";
                hint_on(error, format!("nobody could judge the task {}", task.id), fix)
            })?;
        }
        agents.insert(task.id.clone(), agent);
    }
    Ok(agents)
}

fn agent(config: &Config, task: &Task, named: Option<&str>) -> Result<Agent> {
    let first = || config.agents.keys().next().map(String::as_str);
    let Some(name) = named.or(task.agent.as_deref()).or_else(first) else {
        return Err(hint(
            "no agent is configured",
            command_line!(
                "git flow-ai init proposes some, or add [agents.NAME] to {}",
                crate::domain::config::PATH
            ),
        ));
    };
    match config.agents.get(name) {
        Some(settings) => Agent::new(name, settings),
        None => {
            let known: Vec<&str> = config.agents.keys().map(String::as_str).collect();
            Err(hint(
                format!("the task {} wants the agent `{name}`, which the config does not have", task.id),
                match known.as_slice() {
                    [] => format!("add [agents.{name}] to {}", crate::domain::config::PATH),
                    _ => format!("it has: {}; for this run: --agent {}", known.join(", "), known[0]),
                },
            ))
        }
    }
}

/// The short name of a branch of the spec that a worktree of the user's has checked out. In a worktree of
/// ours only an agent can have done that, and it has ended.
pub fn checked_out(repo: &Repo, slug: &Slug) -> Result<Option<String>> {
    let dir = repo.work_dir().unwrap_or(repo.git_dir());
    let list = git::output(git::command(dir).args(["worktree", "list", "--porcelain"]))?;
    let (prefix, ours) = (slug.task_ref(""), worktree::ours(repo));
    let mut is_ours = false;
    for line in list.lines() {
        if let Some(path) = line.strip_prefix("worktree ") {
            is_ours = ours.iter().any(|own| own == Path::new(path));
        } else if let Some(name) = line.strip_prefix("branch ")
            && !is_ours
            && name.starts_with(&prefix)
        {
            return Ok(Some(name.trim_start_matches("refs/heads/").to_owned()));
        }
    }
    Ok(None)
}

/// A branch of ours that the user has checked out must not move.
pub(super) fn refuse_checked_out(repo: &Repo, slug: &Slug) -> Result<()> {
    match checked_out(repo, slug)? {
        Some(name) => Err(hint(
            format!("{name} is checked out, and the run would move it"),
            "go to another branch first, for example: git switch -",
        )),
        None => Ok(()),
    }
}
