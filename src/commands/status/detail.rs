//! One spec in full: documents, approvals, tasks, agents, attempts, what is under way, disk.

use super::{Judgement, NewestRun, Overview, SpecReader, Target, TaskStatus, branches_by_spec, newest_run};
use crate::agents::worktree;
use crate::domain::error::Result;
use crate::domain::plan;
use crate::domain::spec::{Approval, Slug, Spec};
use crate::gate::store::changes::trailer;
use crate::gate::store::{Repo, specs};
use crate::system::fs::disk_usage::{THOROUGH, Usage, measure};
use gix::ObjectId;
use serde::Serialize;
use std::path::PathBuf;

/// One spec in full.
#[derive(Debug, Clone, Serialize)]
pub struct Detail {
    /// What the list says of it.
    #[serde(flatten)]
    pub overview: Overview,
    pub documents: Vec<Document>,
    pub plan: Vec<TaskDetail>,
    /// Its newest run here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<NewestRun>,
    pub worktrees: Vec<WorktreeUsage>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Document {
    pub name: String,
    /// Who approved it as it stands.
    pub approved_by: Vec<String>,
    /// Who approved a text that it no longer has.
    pub void: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TaskDetail {
    pub id: String,
    pub title: String,
    pub status: TaskStatus,
    pub after: Vec<String>,
    /// Who did it, else who is to do it; `None` for the config's first agent.
    pub agent: Option<String>,
    /// The attempt that is on its branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The commit that its branch is at, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What was decided about that commit.
    pub verdicts: Vec<Judgement>,
}

#[derive(Debug, Clone, Serialize)]
pub struct WorktreeUsage {
    pub path: PathBuf,
    /// What it takes on disk.
    #[serde(flatten)]
    pub usage: Usage,
}

/// The spec of that name in full, and why verdicts that might be here are not counted; an error names those
/// spelt alike.
pub fn detail(repo: &Repo, slug: &Slug) -> Result<(Detail, Vec<anyhow::Error>)> {
    let refs = repo.refs(&format!("refs/heads/flow/{slug}/"))?;
    let spec = specs::read(repo, slug)?;
    let branches = branches_by_spec(&refs).remove(slug.as_str()).unwrap_or_default();
    let (target, unknown) = Target::read(repo, &refs);
    let reader = SpecReader::new(repo, &target, unknown);
    let (overview, plan) = reader.overview(&spec, &branches)?;
    let documents = spec.documents.iter().map(|(name, text)| document(repo, &spec, name, text)).collect();
    let tasks = plan.iter().flat_map(|plan| &plan.tasks).zip(&overview.tasks);
    let tasks = tasks
        .map(|(task, overview)| {
            task_detail(&reader, slug, task, overview.status, branches.tasks.get(&task.id).copied())
        })
        .collect::<Result<_>>()?;
    let run = newest_run::find(repo, slug.as_str())?;
    let detail = Detail { overview, documents, plan: tasks, run, worktrees: worktrees(repo, slug)? };
    Ok((detail, reader.warnings.take()))
}

fn document(repo: &Repo, spec: &Spec, name: &str, text: &str) -> Document {
    let stands = specs::text_id(repo, name, text);
    let approvals = spec.approvals.iter().filter(|approval| approval.document == name);
    let (holding, void): (Vec<_>, Vec<_>) = approvals.partition(|approval| approval.text == stands);
    let names =
        |approvals: Vec<&Approval>| approvals.into_iter().map(|approval| approval.by.clone()).collect();
    Document { name: name.to_owned(), approved_by: names(holding), void: names(void) }
}

fn task_detail(
    reader: &SpecReader<'_>,
    slug: &Slug,
    task: &plan::Task,
    status: TaskStatus,
    tip: Option<ObjectId>,
) -> Result<TaskDetail> {
    let mut detail = TaskDetail {
        id: task.id.clone(),
        title: task.title.clone(),
        status,
        after: task.after.clone(),
        agent: task.agent.clone(),
        attempt: None,
        commit: tip.map(|tip| tip.to_string()),
        verdicts: Vec::new(),
    };
    if let Some(tip) = tip {
        let commit = reader.repo.commit(tip)?;
        if let Some(agent) = commit.trailers(trailer::AGENT).next() {
            detail.agent = Some(agent.to_owned());
        }
        detail.attempt = commit.trailers(trailer::ATTEMPT).next().and_then(|attempt| attempt.parse().ok());
        let found = reader.told(slug.as_str(), reader.judged.task(tip));
        detail.verdicts = found.map(|(_, verdicts)| verdicts).unwrap_or_default();
    }
    Ok(detail)
}

/// The worktrees of a spec's tasks: their folders are called `<slug>.<task>`.
fn worktrees(repo: &Repo, slug: &Slug) -> Result<Vec<WorktreeUsage>> {
    let ours = worktree::ours(repo).into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.split_once('.').is_some_and(|(own, _)| own == slug.as_str())
    });
    Ok(ours.map(|path| WorktreeUsage { usage: measure(&path, THOROUGH), path }).collect())
}
