//! One request to a model over HTTP, one answer, per API.
//!
//! Timeouts, retry with back-off and `retry-after`, proxies from the environment. The client is made
//! on first use: it costs 5 ms and hooks that only look up a verdict must not pay them. An answer
//! that is cut, empty, refused or malformed is a failure with its reason, never a text.
//!
//! `api` says how each API is asked and what it answers, `http` sends one request, `retry` decides what
//! is worth another try and how long to wait for it.

mod anthropic;
mod api;
mod api_key;
mod chat;

mod google;
mod http;
mod json;
mod responses;
mod retry;

pub use api_key::{ApiKey, KeySource, key_variables};

use crate::domain::config::{ApiKind, ReviewerConfig};
use crate::domain::error::{Result, hint};
use crate::domain::event::{Activity, Usage};
use crate::system::process::stop::Stop;
use reqwest::Url;
use std::time::Duration;

/// A model behind an API.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub api: ApiKind,
    /// Where, without the protocol's own path.
    pub base_url: String,
    pub model: String,
    pub key: KeySource,
}

/// What a model is asked.
#[derive(Debug, Clone)]
pub struct CompletionRequest {
    /// The instructions that come before the prompt.
    pub system: String,
    pub prompt: String,
    /// The JSON schema that the answer must have.
    pub schema: serde_json::Value,
    /// How long all tries together may take.
    pub timeout: Duration,
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    pub text: String,
    pub usage: Usage,
    /// The model that the API says answered.
    pub model: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No key, or the wrong one (401, 403).
    #[error("{0}")]
    Key(String),
    /// The server was busy or the limit was hit (429, 529), for longer than we may wait.
    #[error("{0}")]
    Limited(String),
    /// The server was broken (5xx), cut the answer or could not be reached, every time.
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
    /// We were asked to stop.
    #[error("interrupted")]
    Stopped,
}

impl Endpoint {
    /// The endpoint of a reviewer's settings.
    ///
    /// # Errors
    /// Settings that do not make one.
    pub fn new(name: &str, config: &ReviewerConfig) -> Result<Endpoint> {
        let Some(api) = config.api else {
            return Err(hint(format!("[reviewers.{name}] has no `api`"), "for example: api = \"openai\""));
        };
        let Some(model) = config.model.clone().filter(|model| !model.trim().is_empty()) else {
            return Err(hint(format!("[reviewers.{name}] has no `model`"), "say which model is to judge"));
        };
        let base_url = match (&config.base_url, api::usual_address(api)) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(url)) => url.to_owned(),
            (None, None) => {
                return Err(hint(
                    format!("[reviewers.{name}] has no `base_url`"),
                    "say where the server is, for example: base_url = \"http://localhost:11434/v1\"",
                ));
            }
        };
        let endpoint = Endpoint { api, base_url, model, key: KeySource::from_config(name, config, api) };
        endpoint.check_address(name)?;
        Ok(endpoint)
    }

    /// Asks, retrying what is worth it. `on` receives limits and retries while it waits.
    pub async fn ask(
        &self,
        request: &CompletionRequest,
        stop: &Stop,
        on: impl FnMut(Activity),
    ) -> Result<Completion, ModelError> {
        let mut stop = stop.clone();
        if stop.is_set() {
            return Err(ModelError::Stopped);
        }
        tokio::select! {
            biased;
            () = stop.wait() => Err(ModelError::Stopped),
            answer = retry::ask(self, request, on) => answer,
        }
    }

    /// The server's name for messages.
    fn host(&self) -> String {
        Url::parse(&self.base_url)
            .ok()
            .and_then(|url| Some(url.host_str()?.to_owned()))
            .unwrap_or_else(|| self.base_url.clone())
    }

    /// A key goes nowhere unencrypted, except to this very machine.
    fn check_address(&self, name: &str) -> Result<()> {
        let url = Url::parse(&self.base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(url) = url.filter(|url| url.username().is_empty() && url.password().is_none()) else {
            return Err(hint(
                format!("[reviewers.{name}]: `base_url` is no address that can be asked"),
                "write it as https://host/path; the key goes into the environment",
            ));
        };
        if url.scheme() == "http" && self.key != KeySource::None && !http::is_loopback(&url) {
            return Err(hint(
                format!("[reviewers.{name}]: the key would go unencrypted to {}", self.host()),
                "use https, or leave out the key where the server needs none",
            ));
        }
        Ok(())
    }
}
