//! A rival's review of one change: choose who, show what, check the answer, make the verdict.
//!
//! The reviewer gets data only: the spec, the diff computed from the two trees, the files around it
//! as far as the budget goes, fenced with a nonce of this request. It must answer in our JSON schema
//! with that nonce and the list of files it covered; anything else is "cannot tell", never an
//! approval. What is too much for one request is read in parts. Nobody is asked about a change that
//! changes nothing.

pub mod answer;
mod ask;
mod enough;
mod files;
mod head;
mod history;
pub mod intent;
mod material;
mod on_request;
mod parts;
mod reading;
mod request;
pub mod reviewers;
mod room;
mod split;

pub(crate) use enough::too_few;
pub use intent::Intent;
pub(crate) use material::show;
pub use on_request::{Earlier, ReviewOptions, Reviewed, let_in_already};
pub(crate) use on_request::{in_parts, parts, persons_way};
pub use reviewers::{reviewers, rival, rivals};
pub(crate) use split::by_authors;

use crate::agents::sandbox::Sandbox;
use crate::domain::change::{Author, Change, Vendor};
use crate::domain::error::Result;
use crate::domain::event::{Events, What};
use crate::domain::policy::{Demand, Policy};
use crate::domain::verdict::{self, Decision, Verdict};
use crate::gate::admit::{self, BranchVerdicts, Tally};
use crate::gate::signing;
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;
use crate::gate::store::verdicts;
use crate::system::process::stop::Stop;
use crate::system::secrets;
use jiff::Timestamp;
pub use reading::Read;
pub use request::{Bundle, Requests};

/// Who can be asked.
#[derive(Debug, Clone)]
pub struct Reviewer {
    /// The name in the config, the vendor and the model.
    pub who: Author,
    /// How it is asked.
    pub kind: ReviewerKind,
}

/// How a reviewer is asked.
#[derive(Debug, Clone)]
pub enum ReviewerKind {
    /// An agent, run read-only.
    Agent(Box<crate::agents::cli::Agent>),
    /// An API over HTTP.
    Api(crate::agents::model::Endpoint),
}

/// What is to be judged, and in what light.
#[derive(Debug)]
pub struct Request<'a> {
    pub change: &'a Change,
    /// The branch it is meant for, by its short name.
    pub target: &'a str,
    /// What it is meant to do: the spec's documents, the task (see [`intent`]); empty when nobody said.
    pub intent: &'a Intent,
    /// The config that it is judged under.
    pub loaded: &'a Loaded,
    /// Which attempt of a task it is, from 1, for those who watch.
    pub attempt: u32,
    /// Who holds reviewers that are agents.
    pub sandbox: &'a Sandbox,
    /// Where reviewers that are agents may read the files of the head; `None`: the request is all that they get.
    pub files: Option<&'a Repo>,
    /// The file that receives the reviewer's transcript; none: nowhere.
    pub transcript: Option<&'a std::path::Path>,
}

/// What a review came to.
#[derive(Debug, Clone)]
pub enum ReviewOutcome {
    /// A verdict, recorded in the notes already.
    Judged(Box<Verdict>),
    /// No verdict: why, in one sentence.
    CannotTell(String),
}

impl ReviewOutcome {
    /// The verdict, if there is one.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            ReviewOutcome::Judged(verdict) => Some(verdict),
            ReviewOutcome::CannotTell(_) => None,
        }
    }
}

/// The verdicts that are there on a change, whoever gave them.
pub(crate) fn known(
    repo: &Repo,
    policy: &Policy,
    target: &str,
    change: &Change,
) -> Result<Vec<ReviewOutcome>> {
    let known = BranchVerdicts::new(repo, policy, target).on_change(change)?;
    Ok(known.into_iter().map(|verdict| ReviewOutcome::Judged(Box::new(verdict))).collect())
}

/// What outcomes come to where so much is demanded: a blocking verdict ends it, enough approvals let it
/// in, and everything else cannot be told. What is only advice changes nothing. That a person has to approve as well is the gate's business,
/// not the reviewers'.
pub fn conclusion(outcomes: &[ReviewOutcome], policy: &Policy, demand: &Demand) -> Option<Decision> {
    let verdicts = outcomes.iter().filter_map(ReviewOutcome::verdict);
    let counting: Vec<Verdict> =
        verdicts.filter(|verdict| policy.names(&verdict.reviewer)).cloned().collect();
    match admit::tally(&counting, policy, demand) {
        Tally::Blocked(_) => Some(Decision::RequestChanges),
        Tally::Approved(verdicts) if verdicts.iter().any(|one| one.decision == Decision::Waive) => {
            Some(Decision::Waive)
        }
        Tally::Approved(_) | Tally::NeedsPerson(_) => Some(Decision::Approve),
        Tally::Short(_) | Tally::Unjudged => None,
    }
}

/// Has one reviewer judge one change and records the verdict on `change.head_commit`, else on its
/// head tree. Nothing is recorded unless every part of it was told.
pub async fn review(
    repo: &Repo,
    request: &Request<'_>,
    reviewer: &Reviewer,
    events: &Events,
    stop: &Stop,
) -> Result<ReviewOutcome> {
    // The record needs somebody's name and signature; without them the answer would be paid for and lost.
    repo.identity()?;
    let policy = &request.loaded.config.gate;
    let change = (request.change.base_tree, request.change.head_tree);
    signing::ready(repo, policy, request.target, None, Some(change))?;
    verdicts::room(repo, request.change.head_commit.unwrap_or(request.change.head_tree))?;
    let answers = BranchVerdicts::new(repo, policy, request.target).answers(request.change, &reviewer.who)?;
    if policy.was_asked_enough(answers) {
        let head = request.change.head_commit.map(|head| head.to_hex_with_len(10).to_string());
        return Ok(ReviewOutcome::CannotTell(format!(
            "{} has answered {answers} times on this very change, as often as gate.max_asks allows: change it, {}",
            reviewer.who.name,
            persons_way(policy, head.as_deref().unwrap_or("--staged"))
        )));
    }
    let requests = match requests(repo, request)? {
        Ok(requests) => requests,
        Err(why) => return Ok(ReviewOutcome::CannotTell(why)),
    };
    match reading::read(&requests, request, reviewer, events, stop).await? {
        Ok(read) => {
            let verdict = conclude(repo, request, reviewer, read)?;
            tell(request, &verdict, events);
            Ok(ReviewOutcome::Judged(Box::new(verdict)))
        }
        Err(why) => Ok(ReviewOutcome::CannotTell(why)),
    }
}

/// What reviewers are shown of a change. The inner error says in one sentence why it cannot be judged.
pub fn requests(repo: &Repo, request: &Request<'_>) -> Result<Result<Requests, String>> {
    match material::gather(repo, request)? {
        Ok(material) => Requests::divide(material),
        Err(why) => Ok(Err(why)),
    }
}

/// The verdict of a reviewer who has read all of a change, recorded.
pub fn conclude(repo: &Repo, request: &Request<'_>, reviewer: &Reviewer, read: Read) -> Result<Verdict> {
    let mut verdict = verdict_of(request, reviewer, read);
    // Who asks until somebody says yes leaves a trace.
    let policy = &request.loaded.config.gate;
    verdict.again =
        BranchVerdicts::new(repo, policy, request.target).answers(request.change, &reviewer.who)?;
    record(repo, request.change, &mut verdict)?;
    Ok(verdict)
}

/// Asks rivals in order until the policy has enough approvals, one blocks, or all have been asked; whose verdict
/// is among the earlier ones is not asked again. A reviewer that cannot tell is followed by the next rival, and the reason is told. A change that
/// changes nothing has no outcomes: nobody is asked.
pub async fn judge(
    repo: &Repo,
    request: &Request<'_>,
    earlier: &[ReviewOutcome],
    events: &Events,
    stop: &Stop,
) -> Result<Vec<ReviewOutcome>> {
    if request.change.is_empty() {
        return Ok(Vec::new());
    }
    let config = &request.loaded.config;
    let rivals = rivals(config, &config.gate, &request.change.authors)?;
    for (name, why) in reviewers(config).1 {
        events.progress(format!("the reviewer {name} cannot be asked: {why}"));
    }
    let demand = admit::demand(repo, &config.gate, request.change.base_tree, request.change.head_tree)?;
    let mut outcomes = earlier.to_vec();
    let mut approving: Vec<Vendor> = vendors_of(earlier, &config.gate);
    for (index, rival) in rivals.iter().enumerate() {
        // A second approval of the same vendor counts for nothing.
        if approving.contains(&rival.who.vendor) {
            continue;
        }
        let outcome = review(repo, request, rival, events, stop).await?;
        match &outcome {
            ReviewOutcome::Judged(_) => approving.push(rival.who.vendor.clone()),
            // Of the last one the outcome tells.
            ReviewOutcome::CannotTell(why) => {
                if let Some(next) = rivals.get(index + 1) {
                    events.warn(format!("{why}; the next rival is {}", next.who.name));
                }
            }
        }
        outcomes.push(outcome);
        if conclusion(&outcomes, &config.gate, &demand).is_some() {
            break;
        }
    }
    Ok(outcomes.split_off(earlier.len()))
}

/// The vendors whose verdicts are there and count.
fn vendors_of(outcomes: &[ReviewOutcome], policy: &Policy) -> Vec<Vendor> {
    let counts = |verdict: &&Verdict| {
        verdict.decision != Decision::Waive
            && policy.names(&verdict.reviewer)
            && !verdict.reviewer.vendor.is_person()
    };
    let counting = outcomes.iter().filter_map(ReviewOutcome::verdict).filter(counts);
    counting.map(|verdict| verdict.reviewer.vendor.clone()).collect()
}

/// The verdict that somebody's reading makes.
fn verdict_of(request: &Request<'_>, reviewer: &Reviewer, read: Read) -> Verdict {
    let change = request.change;
    let usage = read.usage;
    let reported = usage.input_tokens > 0 || usage.output_tokens > 0;
    Verdict {
        decision: verdict::decide(&read.findings, &request.loaded.config.gate.block),
        base_tree: change.base_tree,
        head_tree: change.head_tree,
        base_commit: change.base_commit,
        head_commit: change.head_commit,
        target: request.target.to_owned(),
        authors: change.authors.clone(),
        reviewer: Author { model: reviewer.who.model.clone().or(read.model), ..reviewer.who.clone() },
        policy: request.loaded.digest.clone(),
        shown: read.shown,
        purpose: request.intent.purpose.clone(),
        again: 0,
        findings: read.findings,
        summary: read.summary,
        time: now(),
        cost: usage.cost,
        tokens: reported.then_some((usage.input_tokens, usage.output_tokens)),
        signature: None,
    }
}

/// Signs a verdict where there is a key, and writes it down before anybody acts on it.
pub(crate) fn record(repo: &Repo, change: &Change, verdict: &mut Verdict) -> Result<()> {
    // Notes are pushed, and who judges may quote what they found.
    verdict.summary = secrets::redacted(&verdict.summary).into_owned();
    for finding in &mut verdict.findings {
        finding.body = secrets::redacted(&finding.body).into_owned();
        finding.suggestion = finding.suggestion.take().map(|text| secrets::redacted(&text).into_owned());
    }
    signing::sign(repo, verdict)?;
    verdicts::append(repo, change.head_commit.unwrap_or(change.head_tree), verdict)?;
    if verdict.decision == Decision::RequestChanges && change.head_commit.is_some() {
        // There it is found whatever commit carries the change next.
        verdicts::append(repo, change.head_tree, verdict)?;
    }
    // What the log shows is made again with the next record: the verdict counts without.
    let _ = signing::show_in_log(repo);
    Ok(())
}

/// Tells those who watch.
fn tell(request: &Request<'_>, verdict: &Verdict, events: &Events) {
    let block = &request.loaded.config.gate.block;
    events.send(What::Judged {
        reviewer: verdict.reviewer.name.clone(),
        vendor: verdict.reviewer.vendor.clone(),
        decision: verdict.decision,
        blocking: verdict.blocking(block).cloned().collect(),
        findings: verdict.findings.len(),
    });
}

/// Now, in UTC, to the millisecond: of two verdicts of one reviewer the newer counts.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(jiff::Unit::Millisecond).unwrap_or(now)
}
