//! Where every spec stands, and what to do next.
//!
//! Read off refs, commits and notes; the journal is asked only for what is under way. The list of all
//! specs is one pass over the refs and a handful of objects per spec, so that a thousand cost milliseconds; a
//! spec that cannot be read is shown as such and hides no other.

mod detail;
mod disk;
mod judged;
mod newest_run;
mod stage;

pub use detail::{Detail, TaskDetail, detail};
pub use disk::{Disk, disk};
pub use newest_run::NewestRun;
pub use stage::{Stage, TaskStatus};

use crate::commands::documents;
use crate::commands::run::TaskOutcome;
use crate::domain::change::Author;
use crate::domain::error::Result;
use crate::domain::plan::Plan;
use crate::domain::spec::Spec;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::Decision;
use crate::gate::admit::Tally;
use crate::gate::store::{Repo, specs};
use crate::system::fs::lock;
use anyhow::Context;
use gix::ObjectId;
use judged::{Judged, Target};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// One spec in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    pub slug: String,
    pub title: String,
    /// The workflow that it was begun with.
    pub workflow: String,
    /// How far it is.
    #[serde(flatten)]
    pub stage: Stage,
    /// Its tasks, in the plan's order; empty before there is a plan.
    pub tasks: Vec<TaskOverview>,
    /// What was decided about its result as it stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Judgement>,
    /// The command that comes next; `None` if there is nothing left to do.
    pub next: Option<String>,
}

/// A task and where it stands.
#[derive(Debug, Clone, Serialize)]
pub struct TaskOverview {
    pub id: String,
    pub status: TaskStatus,
}

/// A decision and whose it is.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// APPROVE or REQUEST CHANGES.
    pub decision: Decision,
    pub reviewer: Author,
}

/// The branches of one spec.
#[derive(Debug, Default)]
struct Branches {
    result: Option<ObjectId>,
    tasks: BTreeMap<String, ObjectId>,
}

/// Every spec, sorted by its short name; and why verdicts that might be here are not counted.
pub fn all(repo: &Repo) -> Result<(Vec<Overview>, Vec<anyhow::Error>)> {
    let refs = repo.refs("refs/heads/flow/")?;
    let mut branches = branches_by_spec(&refs);
    let (target, unknown) = Target::read(repo, &refs);
    let reader = SpecReader::new(repo, &target, unknown);
    let summaries = specs::summaries_of(repo, &refs)?;
    let mut all = Vec::with_capacity(summaries.len());
    for summary in summaries {
        let own = branches.remove(summary.slug.as_str()).unwrap_or_default();
        let (slug, title, workflow) = (summary.slug.clone(), summary.title.clone(), summary.workflow.clone());
        let overview = summary.load(repo).and_then(|spec| reader.overview(&spec, &own));
        all.push(match overview {
            Ok((overview, _)) => overview,
            Err(error) => Overview {
                next: Some(command_line!("git flow-ai spec show {}", slug)),
                slug: slug.to_string(),
                title,
                workflow,
                stage: Stage::Broken { why: error.to_string() },
                tasks: Vec::new(),
                verdicts: Vec::new(),
            },
        });
    }
    Ok((all, reader.warnings.take()))
}

/// Reads specs with what is the same for all of them, which is read once.
struct SpecReader<'a> {
    repo: &'a Repo,
    judged: Judged<'a>,
    /// The specs whose run is under way.
    running: BTreeSet<String>,
    /// Why the verdicts, or those on one spec, cannot be told.
    warnings: RefCell<Vec<anyhow::Error>>,
}

impl<'a> SpecReader<'a> {
    fn new(repo: &'a Repo, target: &'a Target, unknown: Option<anyhow::Error>) -> SpecReader<'a> {
        let judged = Judged::new(repo, target);
        let warnings = RefCell::new(unknown.into_iter().collect());
        SpecReader { repo, judged, running: running(repo), warnings }
    }

    /// What was found out about the verdicts on a spec. What cannot be told hides nothing else of it.
    fn told<T>(&self, slug: &str, found: Result<T>) -> Option<T> {
        let found = found.with_context(|| format!("the verdicts on `{slug}` cannot be told"));
        found.map_err(|error| self.warnings.borrow_mut().push(error)).ok()
    }

    /// What goes on where the newest run left nothing that a plain run would go on with: each task has spent its
    /// attempts, or waits for one that has, or one has to be done again.
    fn next_after(&self, slug: &str, tasks: &[(&str, TaskStatus)]) -> Option<String> {
        let outcomes = newest_run::outcomes(self.repo, slug);
        let open: Vec<_> = tasks.iter().filter(|(_, status)| *status != TaskStatus::Done).collect();
        let ended =
            |id: &str, is_meant: fn(&str) -> bool| outcomes.get(id).is_some_and(|word| is_meant(word));
        if let Some((id, _)) = open.iter().find(|(id, _)| ended(id, TaskOutcome::wants_redo)) {
            return Some(command_line!("git flow-ai run {} --redo {}", slug, id));
        }
        let is_spent = |id: &str| ended(id, TaskOutcome::wants_fresh_attempts);
        let waits = |(id, status): &&(&str, TaskStatus)| *status == TaskStatus::Waiting || is_spent(id);
        let is_over = open.iter().any(|(id, _)| is_spent(id)) && open.iter().all(waits);
        is_over.then(|| command_line!("git flow-ai run {} --retry", slug))
    }

    /// The overview of one spec, with its plan where its turn has come.
    fn overview(&self, spec: &Spec, branches: &Branches) -> Result<(Overview, Option<Plan>)> {
        let slug = spec.slug.as_str();
        let mut step = documents::step_of(self.repo, spec)?;
        let plan = step.plan.take();
        let mut stage = stage::from_step(&step);
        let stale = match plan.as_ref().filter(|_| !branches.tasks.is_empty()) {
            Some(plan) => documents::stale(self.repo, spec, &step, plan)?,
            None => Vec::new(),
        };
        let tasks = plan.as_ref().map(|plan| stage::tasks(plan, &branches.tasks, &stale)).unwrap_or_default();
        let mut judgements = Vec::new();
        if let Some(result) = branches.result {
            let heads: Vec<ObjectId> = branches.tasks.values().copied().collect();
            let (tally, merged);
            let found = self.told(slug, self.judged.result(result, &heads));
            (tally, judgements, merged) = found.unwrap_or((Tally::Unjudged, Vec::new(), false));
            if matches!(stage, Stage::Implementation) {
                stage = stage::from_result(&tasks, &tally, merged);
            }
            // Where no rival of all authors could judge the whole, the gate lets it in task by task.
            if matches!(stage, Stage::Unjudged | Stage::NeedsPerson)
                && self.told(slug, self.judged.approves_each(&heads)) == Some(true)
            {
                stage = Stage::Mergeable;
            }
        }
        if matches!(stage, Stage::Unjudged | Stage::NeedsPerson | Stage::Mergeable)
            && let Some(result) = branches.result
            && let Some(Some(command)) = self.told(slug, self.judged.failing(result))
        {
            stage = Stage::Failing { command };
        }
        if self.running.contains(slug) {
            stage = Stage::Running;
        }
        let next = match stage {
            Stage::Implementation if !stale.is_empty() => Some(command_line!("git flow-ai run {}", slug)),
            Stage::Implementation => self.next_after(slug, &tasks).or_else(|| step.next.first().cloned()),
            _ => stage.next(slug).or_else(|| step.next.first().cloned()),
        };
        let tasks =
            tasks.into_iter().map(|(id, status)| TaskOverview { id: id.to_owned(), status }).collect();
        let overview = Overview {
            slug: slug.to_owned(),
            title: spec.title.clone(),
            workflow: spec.workflow.clone(),
            stage,
            tasks,
            verdicts: judgements,
            next,
        };
        Ok((overview, plan))
    }
}

/// The task and result branches by slug.
fn branches_by_spec(refs: &[(String, ObjectId)]) -> BTreeMap<String, Branches> {
    let mut groups: BTreeMap<String, Branches> = BTreeMap::new();
    for (name, tip) in refs {
        let Some((slug, branch)) =
            name.strip_prefix("refs/heads/flow/").and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        let branches = groups.entry(slug.to_owned()).or_default();
        match branch {
            "spec" => {}
            "result" => branches.result = Some(*tip),
            task => {
                branches.tasks.insert(task.to_owned(), *tip);
            }
        }
    }
    groups
}

/// The slugs whose lock is held.
fn running(repo: &Repo) -> BTreeSet<String> {
    let locks = repo.common_dir().join("flow-ai/locks");
    let Ok(entries) = fs::read_dir(locks) else {
        return BTreeSet::new();
    };
    let names = entries.flatten().filter(|entry| lock::is_held(&entry.path()));
    let slugs = names.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".lock")?.to_owned()));
    slugs.collect()
}
