//! Where every spec stands, and what to do next.
//!
//! Read off refs, commits and notes; the journal is asked only for what is under way. The list of all
//! specs is one pass over the refs and four objects per spec, so that a thousand cost milliseconds; a
//! spec that cannot be read is shown as such and hides no other.

mod detail;
mod disk;
mod live;
mod stage;

pub use detail::{Detail, Document, TaskDetail, Worktree, of};
pub use live::{Live, LiveTask};
pub use stage::{Stage, Standing};

use crate::change::Author;
use crate::error::Result;
use crate::plan::{self, Plan};
use crate::spec::Slug;
use crate::store::specs::{self, Summary};
use crate::store::{Repo, verdicts};
use crate::verdict::Decision;
use gix::ObjectId;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// One spec in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    /// Its short name.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// The workflow that it was begun with.
    pub workflow: String,
    /// How far it is.
    #[serde(flatten)]
    pub stage: Stage,
    /// Its tasks, in the plan's order; empty before there is a plan.
    pub tasks: Vec<TaskStanding>,
    /// What was decided about its result as it stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Judgement>,
    /// The command that comes next; none when there is nothing left to do.
    pub next: Option<String>,
}

/// A task and where it stands.
#[derive(Debug, Clone, Serialize)]
pub struct TaskStanding {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub standing: Standing,
}

/// A decision and whose it is.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// APPROVE or REQUEST CHANGES.
    pub decision: Decision,
    /// Whose.
    pub reviewer: Author,
}

/// The branches of one spec.
#[derive(Debug, Default)]
struct Branches {
    result: Option<ObjectId>,
    tasks: BTreeMap<String, ObjectId>,
}

/// Every spec, sorted by its short name.
pub fn all(repo: &Repo) -> Result<Vec<Overview>> {
    let refs = repo.refs("refs/heads/flow/")?;
    let mut branches = group(&refs);
    let scene = Scene::look(repo, &refs)?;
    let summaries = specs::summaries_of(repo, &refs)?;
    let overview = |summary: Summary| {
        let own = branches.remove(summary.slug.as_str()).unwrap_or_default();
        scene.overview(repo, &summary, &own).map(|(overview, _)| overview)
    };
    summaries.into_iter().map(overview).collect()
}

/// What is the same for all specs, looked at once.
struct Scene {
    /// The tip of the target branch; none where there is no such branch yet.
    target: Option<ObjectId>,
    /// The specs whose run is under way.
    running: BTreeSet<String>,
}

impl Scene {
    fn look(repo: &Repo, refs: &[(String, ObjectId)]) -> Result<Scene> {
        // Only what has a result can have been merged: the config need not be read before.
        let any_result = refs.iter().any(|(name, _)| name.ends_with("/result"));
        let target =
            if any_result { repo.find_ref(&format!("refs/heads/{}", repo.target()?))? } else { None };
        Ok(Scene { target, running: running(repo) })
    }

    /// The overview of one spec, with its plan where it has one.
    fn overview(
        &self,
        repo: &Repo,
        summary: &Summary,
        branches: &Branches,
    ) -> Result<(Overview, Option<Plan>)> {
        let slug = summary.slug.as_str();
        let text = summary.document(repo, plan::DOCUMENT)?;
        let mut stage = stage::of_documents(repo, summary, text.as_deref());
        let plan = text.as_deref().map(plan::parse).and_then(|parsed| match parsed {
            Ok(plan) => Some(plan),
            Err(error) if matches!(stage, Stage::Implementation) => {
                stage = Stage::Broken { why: error.to_string() };
                None
            }
            // Before the plan's turn it is a copy of the workflow, and no plan yet.
            Err(_) => None,
        });
        let plan = plan.filter(|_| matches!(stage, Stage::Implementation));
        let tasks = plan.as_ref().map(|plan| stage::tasks(plan, &branches.tasks)).unwrap_or_default();
        let mut judgements = Vec::new();
        if let Some(result) = branches.result {
            judgements = judged(repo, result)?;
            let merged = match self.target {
                Some(target) => repo.is_ancestor(result, target)?,
                None => false,
            };
            if matches!(stage, Stage::Implementation) {
                stage = stage::of_result(&tasks, &judgements, merged);
            }
        }
        if self.running.contains(slug) {
            stage = Stage::Running;
        }
        let next = stage.next(slug, tasks.is_empty());
        let tasks =
            tasks.into_iter().map(|(id, standing)| TaskStanding { id: id.to_owned(), standing }).collect();
        let overview = Overview {
            slug: slug.to_owned(),
            title: summary.title.clone(),
            workflow: summary.workflow.clone(),
            stage,
            tasks,
            verdicts: judgements,
            next,
        };
        Ok((overview, plan))
    }
}

/// The task and result branches by slug.
fn group(refs: &[(String, ObjectId)]) -> BTreeMap<String, Branches> {
    let mut groups: BTreeMap<String, Branches> = BTreeMap::new();
    for (name, tip) in refs {
        let Some((slug, branch)) =
            name.strip_prefix("refs/heads/flow/").and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        let group = groups.entry(slug.to_owned()).or_default();
        match branch {
            "spec" => {}
            "result" => group.result = Some(*tip),
            task => {
                group.tasks.insert(task.to_owned(), *tip);
            }
        }
    }
    groups
}

/// What was decided about a commit.
fn judged(repo: &Repo, commit: ObjectId) -> Result<Vec<Judgement>> {
    let (verdicts, _) = verdicts::on(repo, commit)?;
    Ok(verdicts
        .into_iter()
        .map(|verdict| Judgement { decision: verdict.decision, reviewer: verdict.reviewer })
        .collect())
}

/// The slugs whose lock somebody holds.
fn running(repo: &Repo) -> BTreeSet<String> {
    let locks = repo.common_dir().join("flow-ai/locks");
    let Ok(entries) = fs::read_dir(locks) else {
        return BTreeSet::new();
    };
    let names = entries.flatten().filter(|entry| live::is_locked(&entry.path()));
    let slugs = names.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".lock")?.to_owned()));
    slugs.collect()
}

/// One spec by its short name, or the error that names those spelt alike.
fn summary_of(repo: &Repo, slug: &Slug, refs: &[(String, ObjectId)]) -> Result<Summary> {
    let own: Vec<_> = refs.iter().filter(|(name, _)| *name == slug.spec_ref()).cloned().collect();
    match specs::summaries_of(repo, &own)?.pop() {
        Some(summary) => Ok(summary),
        // Words the error.
        None => specs::read(repo, slug).and_then(|_| anyhow::bail!("{slug} was made just now: look again")),
    }
}
