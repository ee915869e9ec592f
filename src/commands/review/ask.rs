//! Puts one request to one reviewer and returns what it answered, or why it did not.
//!
//! An agent runs in a folder that vanishes: in a checkout, the change's own `CLAUDE.md`, hooks or settings could
//! steer it, and everything that it needs is in the prompt. One that can be kept from starting processes finds the
//! files of the head there as data (`head.rs`), for the others it is empty.

use super::answer::schema;
use super::request::Bundle;
use super::{Request, Reviewer, ReviewerKind, head};
use crate::agents::cli::{Agent, AgentReport, Ending, Job, Mode, Transcript};
use crate::agents::model::{Completion, CompletionRequest, Endpoint, ModelError};
use crate::agents::sandbox::Scope;
use crate::domain::error::{Interrupted, Result};
use crate::domain::event::{Activity, Events, Usage, What};
use crate::domain::presets::Reading;
use crate::domain::secret::Evidence;
use crate::system::fs::temporary;
use crate::system::process::stop::Stop;
use crate::system::secrets;
use anyhow::Context;
use std::path::Path;
use tokio::time::Instant;

/// How many things that look like secrets are told of, for one request.
const MOST_TOLD: usize = 5;

/// What a reviewer answered.
#[derive(Debug)]
pub struct Reply {
    pub text: String,
    /// What it said before that looks like an answer, too.
    pub earlier: Vec<String>,
    pub usage: Usage,
    /// The model that it says it is.
    pub model: Option<String>,
}

/// Asks, until the deadline. The inner error says in one sentence why there is no answer.
pub async fn ask(
    reviewer: &Reviewer,
    request: &Request<'_>,
    bundle: &Bundle,
    deadline: Instant,
    events: &Events,
    stop: &Stop,
) -> Result<Result<Reply, String>> {
    if let Err(why) = look_for_secrets(&bundle.prompt, &reviewer.who.name, events) {
        return Ok(Err(why));
    }
    match &reviewer.kind {
        ReviewerKind::Agent(agent) => ask_agent(agent, request, bundle, deadline, events, stop).await,
        ReviewerKind::Api(endpoint) => ask_api(endpoint, request, bundle, deadline, events, stop).await,
    }
}

/// What is asked is not altered: a verdict is about exactly the change. But a key that we use is sent to
/// nobody, and of what looks like one the person is told.
fn look_for_secrets(prompt: &str, reviewer: &str, events: &Events) -> Result<(), String> {
    let found = secrets::find(prompt);
    if let Some(key) = found.iter().find(|found| found.evidence == Evidence::Key) {
        return Err(format!(
            "what it would be shown holds the key {}{}, which is sent to nobody: take it out of the change and \
             its commits, and have the key changed",
            key.name,
            file_at(prompt, key.at.start)
        ));
    }
    let mut told = Vec::new();
    for one in found {
        let what = format!("{}{}", one.name, file_at(prompt, one.at.start));
        if !told.contains(&what) && told.len() < MOST_TOLD {
            events.warn(format!("{reviewer} is shown what looks like a secret: {what}"));
            told.push(what);
        }
    }
    Ok(())
}

/// The file that a place in the difference belongs to.
fn file_at(prompt: &str, at: usize) -> String {
    let file = prompt[..at].lines().rev().find_map(|line| line.split_once("+++ b/"));
    file.map(|(_, path)| format!(" in {}", path.trim_end())).unwrap_or_default()
}

async fn ask_api(
    endpoint: &Endpoint,
    request: &Request<'_>,
    bundle: &Bundle,
    deadline: Instant,
    events: &Events,
    stop: &Stop,
) -> Result<Result<Reply, String>> {
    let completion = CompletionRequest {
        system: bundle.system.clone(),
        prompt: bundle.prompt.clone(),
        schema: schema(),
        timeout: deadline.saturating_duration_since(Instant::now()),
    };
    match endpoint.ask(&completion, stop, |activity| events.send(What::Activity(activity))).await {
        Ok(answer) => {
            events.send(What::Activity(Activity::Usage(answer.usage)));
            if let Some(transcript) = request.transcript
                && let Err(error) = keep(transcript, &answer.text)
            {
                // The verdict is worth more than the record of how it was said.
                events.warn(format!("{error:#}"));
            }
            let Completion { text, usage, model } = answer;
            Ok(Ok(Reply { text, earlier: Vec::new(), usage, model }))
        }
        Err(ModelError::Stopped) => Err(Interrupted.into()),
        Err(failure) => Ok(Err(failure.to_string())),
    }
}

/// Adds what a model said to the transcript.
fn keep(transcript: &Path, text: &str) -> Result<()> {
    let mut transcript = Transcript::open(Some(transcript))?;
    match text.lines().find_map(|line| transcript.add(line.to_owned(), false)) {
        Some(why) => Err(anyhow::anyhow!(why)),
        None => Ok(()),
    }
}

async fn ask_agent(
    agent: &Agent,
    request: &Request<'_>,
    bundle: &Bundle,
    deadline: Instant,
    events: &Events,
    stop: &Stop,
) -> Result<Result<Reply, String>> {
    let folder = temporary::create_dir("review").context("the reviewer needs an empty folder")?;
    // Some systems have links in the path of their temporary folder, and some agents mind.
    let dir = folder.path().canonicalize().context("cannot find the reviewer's folder")?;
    let mut prompt = bundle.text();
    let reads = request.sandbox.is_active() && agent.reading() == Reading::Files;
    if let Some(repo) = request.files.filter(|_| reads)
        && head::lay_out(repo, request.change.head_tree, &dir)?
    {
        prompt.push_str(head::NOTE);
    }
    // A repository around the system's temporary folder is not the reviewer's.
    let ceiling = dir.parent().unwrap_or(&dir).display().to_string();
    let job = Job {
        prompt,
        scope: Scope { dir, ..Scope::default() },
        sandbox: request.sandbox.clone(),
        mode: Mode::Review,
        env: vec![("GIT_CEILING_DIRECTORIES".into(), ceiling)],
        transcript: request.transcript.map(Into::into),
        timeout: deadline.saturating_duration_since(Instant::now()),
        silence: request.loaded.config.run.silence,
        schema: Some(schema()),
    };
    let report = agent.run(&job, stop, |activity| events.send(What::Activity(activity))).await?;
    Ok(Err(match report.ending {
        Ending::Done if report.went_on => {
            "it went on after its own end, so that its answer may be somebody else's".to_owned()
        }
        Ending::Done if report.was_killed => {
            "a signal ended it, so that its answer may be somebody else's".to_owned()
        }
        Ending::Done => {
            let AgentReport { text, earlier, usage, model, .. } = report;
            return Ok(Ok(Reply { text, earlier, usage, model }));
        }
        Ending::Stopped => return Err(Interrupted.into()),
        Ending::Failed(why) => why,
        Ending::Refused(why) => format!("it refused or answered nothing: {why}"),
        Ending::WaitingForPerson(what) => format!("it waits for a person: {what}"),
        Ending::RateLimited(limit) => format!("it met {limit}"),
        Ending::TimedOut => {
            format!("no answer within {} s (review.timeout)", request.loaded.config.review.timeout.as_secs())
        }
        Ending::Silent => format!("it said nothing for {} s (run.silence)", job.silence.as_secs()),
    }))
}
