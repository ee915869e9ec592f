//! One question to a model over HTTP, one answer, per API.
//!
//! Timeouts, retry with back-off and `retry-after`, proxies from the environment. The client is made
//! on first use: it costs 5 ms and hooks that only look a verdict up must not pay them. An answer
//! that is cut, empty, refused or malformed is a failure with its reason, never a text.

use crate::config::{ApiKind, ReviewerConfig};
use crate::error::Result;
use crate::event::{Activity, Usage};
use crate::process::Stop;
use std::time::Duration;

/// A model behind an API.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The protocol.
    pub api: ApiKind,
    /// Where, without the protocol's own path.
    pub base_url: String,
    /// The model.
    pub model: String,
    /// The environment variable with the key; none where no key is needed.
    pub key_env: Option<String>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The rules.
    pub system: String,
    /// The matter.
    pub prompt: String,
    /// The JSON schema that the answer must have.
    pub schema: serde_json::Value,
    /// How long all tries together may take.
    pub timeout: Duration,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The text, whole.
    pub text: String,
    /// What it used.
    pub usage: Usage,
    /// The model that the API says answered.
    pub model: Option<String>,
}

/// Why there is no answer. Each becomes "cannot tell" with this sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No key, or the wrong one (401, 403).
    #[error("{0}")]
    Key(String),
    /// The server was busy or the limit was hit (429, 529), for longer than we may wait.
    #[error("{0}")]
    Limited(String),
    /// The server was broken (5xx), cut the stream or could not be reached, every time.
    #[error("{0}")]
    Unreachable(String),
    /// The request was not accepted (400, 404, 413).
    #[error("{0}")]
    Rejected(String),
    /// The model refused, answered nothing, or was cut off by its length limit.
    #[error("{0}")]
    NoAnswer(String),
    /// It took too long.
    #[error("{0}")]
    TimedOut(String),
    /// We were told to stop.
    #[error("interrupted")]
    Stopped,
}

impl Endpoint {
    /// The endpoint of a reviewer's settings; an error where they do not make one.
    pub fn new(name: &str, config: &ReviewerConfig) -> Result<Endpoint> {
        let _ = (name, config);
        todo!("model helper")
    }

    /// Asks, retrying what may pass.
    pub async fn ask(
        &self,
        question: &Question,
        stop: &Stop,
        on: impl FnMut(Activity),
    ) -> Result<Answer, Failure> {
        let _ = (question, stop, on);
        todo!("model helper")
    }
}
