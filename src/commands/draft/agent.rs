//! An agent drafts a document, in a temporary worktree of the target where it can read the code.
//!
//! What it is to write lies in a folder of its own in that worktree, and only that file is taken:
//! other changes are thrown away and counted. A draft that is missing, empty or no plan that can be
//! carried out goes back to the agent with the reason, as often as `run.attempts` says.

use super::{Stage, has_content, save, step_of, steps};
use crate::agents::cli::{Agent, Ending, Job, Mode};
use crate::agents::trust::{self, Purpose};
use crate::agents::worktree::{Removed, Worktree, Worktrees};
use crate::domain::error::{Interrupted, Result, hint};
use crate::domain::event::{Events, What};
use crate::domain::plan;
use crate::domain::spec::Spec;
use crate::domain::text::units;
use crate::domain::workflow::{ARTIFACTS, Step};
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;
use crate::system::fs::private;
use crate::system::process::stop::Stop;
use anyhow::Context;
use gix::ObjectId;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where an agent finds and writes documents, in its worktree.
const FOLDER: &str = ".flow-ai-documents";

/// The longest document that is taken from an agent, in bytes.
const LONGEST: u64 = 16 << 20;

/// What is to be drafted, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Drafting<'a> {
    /// The spec.
    pub spec: &'a Spec,
    /// The document.
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
    Written {
        /// The agent's name.
        agent: String,
    },
    /// The agent did not do it.
    Failed {
        /// The agent's name.
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
    let agent = choose(loaded, drafting.agent, step, events)?;
    let base = base(repo, spec, document, target)?;
    let worktrees = Worktrees::new(repo, &loaded.config)?;
    events.progress(format!("{} drafts {document}", agent.name));
    let worktree = worktrees.make(&format!("{}.draft", spec.slug), base)?;
    let outcome = attempts(repo, loaded, drafting, &agent, step, &worktree, events, stop).await;
    clear(worktree, events)?;
    match outcome? {
        Attempted::Text(text) => {
            save(repo, spec, document, &text, &format!("Draft {document} by {}", agent.name))?;
            Ok(Drafted::Written { agent: agent.name })
        }
        Attempted::Failed(why) => {
            Ok(Drafted::Failed { agent: agent.name, why, transcript: transcript(repo, spec)? })
        }
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
    code_of(repo, target)
}

/// Refuses to begin what nobody could draft: an agent that does not exist or cannot be started, or no
/// code to read. Asked before a spec is begun, so that a misspelt name leaves none behind.
///
/// # Errors
/// As said.
pub fn refuse_undraftable(repo: &Repo, loaded: &Loaded, agent: Option<&str>, target: &str) -> Result<()> {
    match agent {
        Some(name) => named(loaded, name)?.executable().map(drop)?,
        // Which it will be, the workflow's step has a say in.
        None => first(loaded).map(drop)?,
    }
    code_of(repo, target).map(drop)
}

fn code_of(repo: &Repo, target: &str) -> Result<ObjectId> {
    repo.find_ref(&format!("refs/heads/{target}"))?.ok_or_else(|| {
        hint(
            format!("an agent reads the code of {target}, which has no commit yet"),
            "make a first commit, or write the document yourself",
        )
    })
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

/// The agent that is asked for, else the step's own, else the first of the config.
fn choose(loaded: &Loaded, named_agent: Option<&str>, step: Option<&Step>, events: &Events) -> Result<Agent> {
    if let Some(name) = named_agent {
        return named(loaded, name);
    }
    if let Some(name) = step.and_then(|step| step.agent.as_deref()) {
        match loaded.config.agents.get(name) {
            Some(config) => return Agent::new(name, config),
            None => events.warn(format!(
                "the workflow names the agent `{name}`, which {} does not have",
                loaded.origin
            )),
        }
    }
    first(loaded)
}

fn named(loaded: &Loaded, name: &str) -> Result<Agent> {
    let agents = &loaded.config.agents;
    let Some(config) = agents.get(name) else {
        let known = agents.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(hint(
            format!("there is no agent `{name}` in {}", loaded.origin),
            format!("there are: {known}"),
        ));
    };
    Agent::new(name, config)
}

fn first(loaded: &Loaded) -> Result<Agent> {
    match loaded.config.agents.first() {
        Some((name, config)) => Agent::new(name, config),
        None => Err(hint(
            format!("there is no agent that could draft ({})", loaded.origin),
            "git flow-ai init proposes those it finds; or write the document yourself, without --draft",
        )),
    }
}

/// What the attempts came to.
enum Attempted {
    Text(String),
    Failed(String),
}

/// Lets the agent try until there is a document, or no attempt left.
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
) -> Result<Attempted> {
    let Drafting { spec, document, .. } = drafting;
    let run = &loaded.config.run;
    lay_out(worktree.path(), spec, document)?;
    let sandbox = crate::agents::sandbox_for(repo, &loaded.config)?;
    events.progress(format!("sandbox: {sandbox}"));
    let mut problem: Option<String> = None;
    for attempt in 1..=run.attempts {
        let mut prompt = prompt(spec, document, step);
        if let Some(problem) = &problem {
            let _ = write!(
                prompt,
                "\n\n# Your last draft was not taken\n\n{problem}\n\nMend the file and end.\n"
            );
        }
        let job = Job {
            prompt,
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
            return Ok(Attempted::Failed(why));
        }
        match take(worktree.path(), document)? {
            Ok(text) => return Ok(Attempted::Text(text)),
            Err(why) => {
                events.warn(format!("{}, attempt {attempt}: {why}", agent.name));
                problem = Some(why);
            }
        }
    }
    Ok(Attempted::Failed(problem.unwrap_or_else(|| "it wrote nothing".to_owned())))
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
    let folder = repo.own_dir()?.join("drafts");
    private::create_dir(&folder)?;
    Ok(folder.join(format!("{}.log", spec.slug)))
}

/// Puts the spec's documents where the agent can read them.
fn lay_out(worktree: &Path, spec: &Spec, document: &str) -> Result<()> {
    let folder = worktree.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in &spec.documents {
        // The plan is laid out only to be written again: before, it is a copy of the workflow.
        let is_unwritten_plan = name == plan::DOCUMENT
            && (document != plan::DOCUMENT || spec.recipe.as_deref() == Some(text.as_str()));
        if !is_unwritten_plan {
            fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))?;
        }
    }
    Ok(())
}

/// What the agent is told.
fn prompt(spec: &Spec, document: &str, step: Option<&Step>) -> String {
    let instruction = match step {
        Some(step) => step.instruction.replace(ARTIFACTS, FOLDER),
        None => format!("Write `{FOLDER}/{document}`."),
    };
    let mut prompt = format!(
        "You write one document of a specification, in a checkout of the project. Read as much of the code as you need.\n\
         Write the document to `{FOLDER}/{document}`, in Markdown, and change no other file: other changes are thrown away.\n\
         Nobody answers questions while you work. Do not guess either: where the request leaves something open, write the \
         question into the document, under the heading `## Open questions`, with the answers that you can imagine and the \
         one that you would take. A person reads the document before anything is built.\n\n\
         # The step\n\n{instruction}\n\n# The request\n\n"
    );
    for (name, text) in spec.documents.iter().filter(|(name, _)| name != plan::DOCUMENT && name != document) {
        let _ = write!(prompt, "[{FOLDER}/{name}]\n{}\n\n", text.trim_end());
    }
    prompt
}

/// The document that the agent left, or why it cannot be taken.
fn take(worktree: &Path, document: &str) -> Result<Result<String, String>> {
    let path = worktree.join(FOLDER).join(document);
    let wanted = format!("`{FOLDER}/{document}`");
    // An agent can put a link there, or a pipe that never ends.
    let is_ours = fs::canonicalize(&path).is_ok_and(|real| {
        fs::canonicalize(worktree).is_ok_and(|root| real == root.join(FOLDER).join(document))
    });
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() && is_ours => metadata,
        Ok(_) => return Ok(Err(format!("{wanted} is no regular file"))),
        Err(_) => return Ok(Err(format!("the file {wanted} was not written"))),
    };
    if metadata.len() > LONGEST {
        return Ok(Err(format!("{wanted} is longer than {}", units::size(LONGEST))));
    }
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(text) = String::from_utf8(bytes) else { return Ok(Err(format!("{wanted} is not UTF-8"))) };
    if !has_content(&text) {
        return Ok(Err(format!("{wanted} says nothing")));
    }
    Ok(super::save::check(document, &text).map(|()| text).map_err(|error| format!("{error:#}")))
}

/// Throws the worktree away, and says what else was changed in it.
fn clear(worktree: Worktree, events: &Events) -> Result<()> {
    let folder = worktree.path().join(FOLDER);
    if fs::symlink_metadata(&folder).is_ok_and(|data| data.is_dir()) {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let path = worktree.path().to_owned();
    let collected = worktree.collect()?;
    worktree.mark_saved(&collected)?;
    match collected.changed {
        0 => {}
        1 => events.warn("the agent changed 1 other file, which was thrown away"),
        count => events.warn(format!("the agent changed {count} other files, which were thrown away")),
    }
    if let Removed::Kept(why) = worktree.remove()? {
        events.warn(format!("{} stays: {why}", path.display()));
    }
    Ok(())
}
