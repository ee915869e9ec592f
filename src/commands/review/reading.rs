//! One reviewer reads one change, part by part, until each is told or one cannot be.
//!
//! Each part is a request of its own with a nonce of its own; an answer that cannot be told is asked
//! for once more, and only that part of it. Before there is a verdict, the parts that were told must
//! make up exactly the changed files, and whoever answered must still be a rival.

use super::answer::{self, Answer};
use super::ask::{self, Reply};
use super::request::{Bundle, Requests};
use super::{Request, Reviewer};
use crate::commands::prompts;
use crate::domain::change::{Author, Vendor};
use crate::domain::digest;
use crate::domain::error::Result;
use crate::domain::event::{Events, TaskState, Usage, What};
use crate::domain::verdict::{Finding, Shown, ShownPart};
use crate::system::process::stop::Stop;
use std::collections::BTreeSet;
use tokio::time::Instant;

/// How often one reviewer is asked about one part for an answer that can be told.
const TRIES: u32 = 2;

/// What somebody said who has read all of a change.
#[derive(Debug)]
pub struct Read {
    /// What is wrong, in the order of the parts.
    pub findings: Vec<Finding>,
    /// The reviewer's own words; of several parts, each after its number.
    pub summary: String,
    pub shown: Shown,
    /// What it used, answers that could not be told included.
    pub usage: Usage,
    /// The model that it says it is.
    pub model: Option<String>,
}

/// Has a reviewer read all of a change. The inner error says in one sentence why it cannot be told.
pub async fn read(
    requests: &Requests,
    request: &Request<'_>,
    reviewer: &Reviewer,
    events: &Events,
    stop: &Stop,
) -> Result<Result<Read, String>> {
    let mut reading =
        Reading { requests, request, reviewer, events, stop, usage: Usage::default(), model: None };
    let mut told = Vec::new();
    for part in 0..requests.parts() {
        match reading.part(part).await? {
            Ok(answer) => told.push(answer),
            Err(why) => return Ok(Err(format!("{why}{}", reading.of_part(part)))),
        }
    }
    let (usage, model) = (reading.usage, reading.model);
    Ok(Read::new(requests, told).map(|read| Read { usage, model, ..read }))
}

/// One reviewer at one change.
struct Reading<'a> {
    requests: &'a Requests,
    request: &'a Request<'a>,
    reviewer: &'a Reviewer,
    events: &'a Events,
    stop: &'a Stop,
    usage: Usage,
    model: Option<String>,
}

impl Reading<'_> {
    /// Has one part read.
    async fn part(&mut self, part: usize) -> Result<Result<(Answer, ShownPart), String>> {
        let name = &self.reviewer.who.name;
        let config = &self.request.loaded.config;
        let deadline = Instant::now() + config.review.timeout;
        let mut before: Option<String> = None;
        for _ in 0..TRIES {
            let bundle = match self.requests.bundle(part, &prompts::nonce()?, before.as_deref())? {
                Ok(bundle) => bundle,
                Err(why) => return Ok(Err(why)),
            };
            if let Some(why) = &before {
                let what = format!("the answer of {name}{} cannot be told ({why})", self.of_part(part));
                self.events.warn(format!("{what}; asking once more"));
            }
            self.tell(part, &bundle);
            let asked =
                ask::ask(self.reviewer, self.request, &bundle, deadline, self.events, self.stop).await?;
            let reply = match asked {
                Ok(reply) => reply,
                Err(why) => return Ok(Err(format!("{name}: {why}"))),
            };
            self.usage = self.usage.plus(reply.usage);
            if let Some(why) = self.is_somebody_else(&reply) {
                return Ok(Err(why));
            }
            if answer::has_other(&reply.earlier, &reply.text, &bundle.asked) {
                return Ok(Err(format!("{name} gave two answers, and they are not the same")));
            }
            match answer::parse(&reply.text, &bundle.asked, &config.gate.block) {
                Ok(answer) => {
                    self.model = self.model.take().or(reply.model);
                    return Ok(Ok((answer, bundle.shown())));
                }
                Err(why) => before = Some(why),
            }
        }
        let why = before.unwrap_or_default();
        Ok(Err(format!("the answer of {name} is no verdict: {why}")))
    }

    /// Says who reads what, for those who wait.
    fn tell(&self, part: usize, bundle: &Bundle) {
        let size = self.requests.size(bundle);
        let detail = match self.requests.parts() {
            1 => format!("reads {size}"),
            all => format!("reads part {} of {all}: {size}", part + 1),
        };
        self.events.send(What::State {
            state: TaskState::InReview,
            attempt: self.request.attempt,
            agent: self.reviewer.who.name.clone(),
            detail,
        });
    }

    /// Why the answer is not that of the rival who was asked: behind a gateway another model may have
    /// spoken than the config names.
    fn is_somebody_else(&self, reply: &Reply) -> Option<String> {
        let model = reply.model.as_deref()?;
        let who = &self.reviewer.who;
        let vendor = Vendor::from_model(model)?;
        let answered = Author { name: who.name.clone(), vendor, model: Some(model.to_owned()) };
        let is_rival = self.request.loaded.config.gate.is_rival(&answered, &self.request.change.authors);
        if answered.vendor == who.vendor && is_rival {
            return None;
        }
        Some(format!(
            "{} was to answer as a model of {}, and {model} of {} did: mend `model` or `vendor` in [reviewers.{}]",
            who.name, who.vendor, answered.vendor, who.name
        ))
    }

    /// Which part a sentence is about; nothing where there is only one.
    fn of_part(&self, part: usize) -> String {
        match self.requests.parts() {
            1 => String::new(),
            all => format!(" (part {} of {all})", part + 1),
        }
    }
}

impl Read {
    /// What the answers to all parts come to. Doubt about what was covered is none.
    pub fn new(requests: &Requests, told: Vec<(Answer, ShownPart)>) -> Result<Read, String> {
        let parts = told.len();
        let (mut findings, mut summaries, mut shown) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (answer, part)) in told.into_iter().enumerate() {
            findings.extend(answer.findings);
            summaries.push(match parts {
                1 => answer.summary,
                _ => format!("Part {} of {parts}: {}", number + 1, answer.summary),
            });
            shown.push(part);
        }
        let shown = Shown { way: requests.way().cloned(), ..joined(shown) };
        let all: BTreeSet<&str> = requests.paths().collect();
        let covered: BTreeSet<&str> = shown.files.iter().map(String::as_str).collect();
        if all != covered || parts != requests.parts() || !shown.is_whole() {
            return Err("what was shown is not exactly the changed files".into());
        }
        Ok(Read { findings, summary: summaries.join("\n"), shown, usage: Usage::default(), model: None })
    }
}

/// What all requests showed.
fn joined(mut parts: Vec<ShownPart>) -> Shown {
    if parts.len() == 1 {
        let ShownPart { sha256, bytes, files } = parts.swap_remove(0);
        return Shown { sha256, bytes, files, ..Shown::default() };
    }
    let hashes: String = parts.iter().map(|part| part.sha256.as_str()).collect();
    let files: BTreeSet<&String> = parts.iter().flat_map(|part| &part.files).collect();
    Shown {
        sha256: digest::sha256(hashes),
        bytes: parts.iter().map(|part| part.bytes).sum(),
        files: files.into_iter().cloned().collect(),
        parts,
        ..Shown::default()
    }
}
