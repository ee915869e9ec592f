//! An agent drafts a document, in a temporary worktree of the target where it can read the code.
//!
//! What it is to write lies in a folder of its own in that worktree, and only that file is taken:
//! other changes are thrown away and counted. A draft that is missing, empty or no plan that can be
//! carried out goes back to the agent with the reason, as often as `run.attempts` says.

use super::folder::{self, FOLDER};
use super::{Stage, choose, save, step_of, steps};
use crate::agents::cli::{Agent, Ending, Job, Mode};
use crate::agents::trust::{self, Purpose};
use crate::agents::worktree::{Worktree, Worktrees};
use crate::commands::prompts;
use crate::domain::error::{Interrupted, Result, hint};
use crate::domain::event::{Events, What};
use crate::domain::plan;
use crate::domain::spec::Spec;
use crate::domain::workflow::{ARTIFACTS, Step};
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;
use crate::system::process::stop::Stop;
use gix::ObjectId;
use serde::Serialize;
use std::path::PathBuf;

/// What is to be drafted, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Drafting<'a> {
    pub spec: &'a Spec,
    pub document: &'a str,
    /// The agent's name; none: the step's, else the first of the config.
    pub agent: Option<&'a str>,
    /// The target branch, whose code the agent reads.
    pub target: &'a str,
    /// Whether the person trusts, this time, whatever the repository brings.
    pub trust: bool,
}

/// What a drafting came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drafted {
    /// It is on the spec's branch, written by that agent.
    Written { agent: String },
    /// The agent did not do it.
    Failed {
        agent: String,
        /// Why, in one sentence.
        why: String,
        /// Everything that it printed.
        transcript: PathBuf,
    },
}

/// Has an agent draft one document.
///
/// # Errors
/// No agent, a step before it that is not settled, [`Interrupted`], or somebody else's change of the
/// same document. An agent that fails is a value.
pub async fn draft(
    repo: &Repo,
    loaded: &Loaded,
    drafting: Drafting<'_>,
    events: &Events,
    stop: &Stop,
) -> Result<Drafted> {
    let Drafting { spec, document, target, .. } = drafting;
    super::refuse_agents("have a document drafted")?;
    trust::require(repo, trust::config_items(&loaded.brought, Purpose::Draft), drafting.trust)?;
    refuse_too_early(repo, spec, document)?;
    let workflow = steps(spec)?;
    let step = workflow.steps.iter().find(|step| step.document.as_deref() == Some(document));
    let agent = choose::choose(loaded, drafting.agent, step, events)?;
    let base = base(repo, spec, document, target)?;
    let mut worktrees = Worktrees::new(repo, &loaded.config)?;
    let sandbox = crate::agents::sandbox_for(repo, &loaded.config)?;
    worktrees.share_checkouts(repo, &sandbox)?;
    events.progress(format!("{} drafts {document}", agent.name));
    if let Some(moved) = worktrees.moved() {
        events.progress(moved);
    }
    let worktree = worktrees.make(&format!("{}.draft", spec.slug), base)?;
    let outcome = attempts(repo, loaded, drafting, &agent, step, &worktree, events, stop).await;
    folder::clear(worktree, events)?;
    match outcome? {
        Ok(text) => {
            save(repo, spec, document, &text, &format!("Draft {document} by {}", agent.name))?;
            Ok(Drafted::Written { agent: agent.name })
        }
        Err(why) => Ok(Drafted::Failed { agent: agent.name, why, transcript: transcript(repo, spec)? }),
    }
}

/// The code that the agent reads: the target's; for a document that tells of the implementation, the
/// result's.
fn base(repo: &Repo, spec: &Spec, document: &str, target: &str) -> Result<ObjectId> {
    if step_of(repo, spec)?.is_after_implementation(document)
        && let Some(result) = repo.find_ref(&spec.slug.result_ref())?
    {
        return Ok(result);
    }
    choose::code_of(repo, target)
}

/// A draft builds on the documents before it: those must be settled.
fn refuse_too_early(repo: &Repo, spec: &Spec, document: &str) -> Result<()> {
    let status = step_of(repo, spec)?;
    let place = status.documents.iter().position(|known| known.document == document);
    match (status.stage.clone(), place) {
        (Stage::Document(current), Some(place)) if current < place => {
            let open = &status.documents[current];
            let next = status.next.first().cloned().unwrap_or_default();
            Err(hint(
                format!("{} comes first, and it is {}", open.document, open.state.as_str()),
                format!("go on with it: {next}"),
            ))
        }
        _ => Ok(()),
    }
}

/// Lets the agent try until there is a document or no attempt left: the document, or why there is none.
#[expect(clippy::too_many_arguments, reason = "one call, which names them all")]
async fn attempts(
    repo: &Repo,
    loaded: &Loaded,
    drafting: Drafting<'_>,
    agent: &Agent,
    step: Option<&Step>,
    worktree: &Worktree,
    events: &Events,
    stop: &Stop,
) -> Result<Result<String, String>> {
    let Drafting { spec, document, .. } = drafting;
    let run = &loaded.config.run;
    folder::lay_out(repo, worktree, spec, document)?;
    let sandbox = crate::agents::sandbox_for(repo, &loaded.config)?;
    events.progress(format!("sandbox: {sandbox}"));
    let mut problem: Option<String> = None;
    for attempt in 1..=run.attempts {
        let job = Job {
            prompt: prompt(spec, document, step, problem.as_deref())?,
            scope: worktree.scope(),
            sandbox: sandbox.clone(),
            mode: Mode::Edit,
            env: vec![
                ("GIT_FLOW_AI_SPEC".to_owned(), spec.slug.to_string()),
                ("GIT_FLOW_AI_ATTEMPT".to_owned(), attempt.to_string()),
            ],
            transcript: Some(transcript(repo, spec)?),
            timeout: run.timeout,
            silence: run.silence,
            schema: None,
        };
        let report = agent.run(&job, stop, |activity| events.send(What::Activity(activity))).await?;
        if let Some(why) = failure(&report.ending)? {
            return Ok(Err(why));
        }
        match folder::take(&worktree.files(), document)? {
            Ok(text) => return Ok(Ok(text)),
            Err(why) => {
                events.warn(format!("{}, attempt {attempt}: {why}", agent.name));
                problem = Some(why);
            }
        }
    }
    Ok(Err(problem.unwrap_or_else(|| "it wrote nothing".to_owned())))
}

/// Why an agent that has ended did not do it; none when it says that it did.
fn failure(ending: &Ending) -> Result<Option<String>> {
    Ok(Some(match ending {
        Ending::Done => return Ok(None),
        Ending::Stopped => return Err(Interrupted.into()),
        Ending::Failed(why) => format!("it failed: {why}"),
        Ending::Refused(why) => format!("it refused: {why}"),
        Ending::WaitingForPerson(what) => format!("it asks what nobody can answer here: {what}"),
        Ending::RateLimited(limit) => format!("it met {limit}"),
        Ending::TimedOut => "it took longer than `run.timeout`".to_owned(),
        Ending::Silent => "it said nothing for longer than `run.silence`".to_owned(),
    }))
}

/// Where the agent's output goes.
fn transcript(repo: &Repo, spec: &Spec) -> Result<PathBuf> {
    let folder = repo.own_folder("drafts")?;
    Ok(folder.join(format!("{}.log", spec.slug)))
}

/// The values of `draft.md`.
#[derive(Serialize)]
struct DraftPrompt<'a> {
    folder: &'static str,
    document: &'a str,
    /// The step's; `None` if no step of the workflow produces the document.
    instruction: Option<String>,
    documents: String,
    /// Why the last draft was not taken.
    problem: Option<&'a str>,
    nonce: String,
}

fn prompt(spec: &Spec, document: &str, step: Option<&Step>, problem: Option<&str>) -> Result<String> {
    let values = DraftPrompt {
        folder: FOLDER,
        document,
        instruction: step.map(|step| step.instruction.replace(ARTIFACTS, FOLDER)),
        documents: prompts::documents(spec, &[plan::DOCUMENT, document], Some(FOLDER))?,
        problem,
        nonce: prompts::nonce()?,
    };
    prompts::render("draft.md", values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_told_its_step_the_documents_before_it_and_what_was_wrong() {
        let document = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let spec = Spec {
            slug: "demo".parse().unwrap(),
            title: "Demo".into(),
            commit: ObjectId::null(gix::hash::Kind::Sha1),
            workflow: "spec".into(),
            documents: vec![
                document("request.md", "# Demo\n"),
                document("spec.md", "old"),
                document("plan.md", ""),
            ],
            approvals: Vec::new(),
            recipe: None,
        };
        let text = "### [ ] Step: Specify\nWrite `{@artifacts_path}/spec.md`.\n";
        let workflow = crate::domain::workflow::parse("spec", text, "spec.md").unwrap();
        let text = prompt(&spec, "spec.md", workflow.steps.first(), None).unwrap();
        let end = "# The step\n\nWrite `.flow-ai-documents/spec.md`.\n\n# The request\n\n[.flow-ai-documents/request.md]\n# Demo\n";
        assert!(text.ends_with(end), "{text}");
        let text = prompt(&spec, "report.md", None, Some("it says nothing")).unwrap();
        assert!(text.contains("# The step\n\nWrite `.flow-ai-documents/report.md`.\n"), "{text}");
        assert!(
            text.contains("spec.md]\nold\n\n# Your last draft was not taken\n\n")
                && text.contains("\n| it says nothing\n>>>DATA "),
            "{text}"
        );
    }
}
