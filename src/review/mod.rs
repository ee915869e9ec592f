//! A rival's review of one change: choose who, show what, check the answer, make the verdict.
//!
//! The reviewer gets data only: the spec, the diff computed from the two trees, the files around it
//! as far as the budget goes, fenced with a nonce of this request. It must answer in our JSON schema
//! with that nonce and the list of files it covered; anything else is "cannot tell", never an
//! approval.

pub mod answer;
pub mod reviewers;
pub mod visible;

pub use reviewers::{reviewers, rival, rivals};

use crate::change::{Author, Change};
use crate::error::Result;
use crate::event::Events;
use crate::process::Stop;
use crate::store::Repo;
use crate::store::config::Loaded;
use crate::verdict::Verdict;

/// Who can be asked.
#[derive(Debug, Clone)]
pub struct Reviewer {
    /// The name in the config, the vendor and the model.
    pub who: Author,
    /// How it is asked.
    pub means: Means,
}

/// How a reviewer is asked.
#[derive(Debug, Clone)]
pub enum Means {
    /// An agent, run read-only.
    Agent(crate::agent::Agent),
    /// An API over HTTP.
    Api(crate::model::Endpoint),
}

/// What is to be judged, and in what light.
#[derive(Debug)]
pub struct Request<'a> {
    /// The change.
    pub change: &'a Change,
    /// The branch it is meant for, by its short name.
    pub target: &'a str,
    /// What it is meant to do: the spec's documents, the task; empty when nobody said.
    pub intent: &'a str,
    /// The config that it is judged under.
    pub loaded: &'a Loaded,
    /// The folder that receives the reviewer's transcript; none: nowhere.
    pub transcripts: Option<&'a std::path::Path>,
}

/// What a review came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A verdict, recorded in the notes already.
    Judged(Box<Verdict>),
    /// No verdict: why, in one sentence.
    CannotTell(String),
}

/// Has one reviewer judge one change and records the verdict on `change.head_commit`, else on its
/// head tree.
pub async fn review(
    repo: &Repo,
    request: &Request<'_>,
    reviewer: &Reviewer,
    events: &Events,
    stop: &Stop,
) -> Result<Outcome> {
    let _ = (repo, request, reviewer, events, stop);
    todo!("review helper")
}

/// Asks rivals in order until the policy has enough approvals, one blocks, or all have been asked; a
/// reviewer that cannot tell is followed by the next rival, and the reason is told.
pub async fn judge(repo: &Repo, request: &Request<'_>, events: &Events, stop: &Stop) -> Result<Vec<Outcome>> {
    let _ = (repo, request, events, stop);
    todo!("review helper")
}
