//! What differs between the APIs: the address, how the key is sent, the request, the answer.
//!
//! One file per API does the two translations; this dispatches. The answer is asked for in our JSON
//! schema by the API's own means. Servers that know no such means say 400 or 422 and are asked again
//! without: the prompt says the schema too, and the reader of the answer believes neither.

use super::{Answer, Endpoint, Failure, Key, Question, anthropic, chat, google, responses};
use crate::domain::config::ApiKind;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// The vendor's own address; none for servers that can be anywhere.
pub fn usual_address(api: ApiKind) -> Option<&'static str> {
    match api {
        ApiKind::Anthropic => Some("https://api.anthropic.com"),
        ApiKind::Openai | ApiKind::OpenaiChat => Some("https://api.openai.com/v1"),
        ApiKind::Google => Some("https://generativelanguage.googleapis.com"),
        ApiKind::OpenaiCompatible => None,
    }
}

impl Endpoint {
    /// The address of the question: the base as the vendor's own tools take it, plus the path.
    pub(super) fn url(&self) -> String {
        match self.api {
            ApiKind::Anthropic => format!("{}/v1/messages", self.base_url.trim_end_matches("/v1")),
            ApiKind::Openai => format!("{}/responses", self.base_url),
            ApiKind::OpenaiChat | ApiKind::OpenaiCompatible => format!("{}/chat/completions", self.base_url),
            ApiKind::Google => format!(
                "{}/v1beta/models/{}:generateContent",
                self.base_url.trim_end_matches("/v1beta"),
                self.model.trim_start_matches("models/")
            ),
        }
    }

    /// The headers that carry the key, and the API's version where it wants one.
    pub(super) fn headers(&self, key: Option<&Key>) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if self.api == ApiKind::Anthropic {
            headers
                .insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
        }
        let Some(key) = key else { return Ok(headers) };
        let (name, text) = match self.api {
            ApiKind::Anthropic => (HeaderName::from_static("x-api-key"), key.text.clone()),
            ApiKind::Google => (HeaderName::from_static("x-goog-api-key"), key.text.clone()),
            ApiKind::Openai | ApiKind::OpenaiChat | ApiKind::OpenaiCompatible => {
                (AUTHORIZATION, format!("Bearer {}", key.text))
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            Failure::Key(format!("the key {} holds characters that no key has", self.key.describe()))
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(headers)
    }

    /// The request's body; `structured` asks the API to enforce the schema.
    pub(super) fn body(&self, question: &Question, structured: bool) -> Value {
        match self.api {
            ApiKind::Anthropic => anthropic::body(&self.model, question, structured),
            ApiKind::Openai => responses::body(&self.model, question, structured),
            ApiKind::OpenaiChat | ApiKind::OpenaiCompatible => chat::body(&self.model, question, structured),
            ApiKind::Google => google::body(question, structured),
        }
    }

    /// The answer in a body that came with status 200.
    pub(super) fn read(&self, body: &Value) -> Result<Answer, Failure> {
        let answer = match self.api {
            ApiKind::Anthropic => anthropic::read(body),
            ApiKind::Openai => responses::read(body),
            ApiKind::OpenaiChat | ApiKind::OpenaiCompatible => chat::read(body),
            ApiKind::Google => google::read(body),
        }?;
        if answer.text.trim().is_empty() {
            return Err(Failure::NoAnswer("the model answered nothing".into()));
        }
        Ok(answer)
    }
}

/// The failure of a model that stopped before it was done, by the word that the API has for why.
pub fn stopped(why: &str) -> Failure {
    Failure::NoAnswer(match why {
        "max_tokens" | "max_output_tokens" | "length" | "MAX_TOKENS" | "model_context_window_exceeded" => {
            format!("the model's answer was cut off by its length limit ({why})")
        }
        "" => "the API does not say that the model's answer is complete".into(),
        "refusal" => "the model refused to answer".into(),
        _ => format!("the model did not answer to the end ({why})"),
    })
}

/// The only answer among those that a body lists: of several, nobody can tell which is meant.
pub fn only(answers: &Value) -> Result<&Value, Failure> {
    match answers.as_array().map(Vec::as_slice) {
        Some([one]) => Ok(one),
        Some(many) if !many.is_empty() => {
            Err(Failure::NoAnswer(format!("the model gave {} answers, and one was asked for", many.len())))
        }
        _ => Ok(&Value::Null),
    }
}

/// The failure of a model that wants to use a tool: it was given none, and is not done.
pub fn wants_tool() -> Failure {
    Failure::NoAnswer("the model wants to use a tool, and was given none".into())
}

/// A number of a body; 0 where there is none.
pub fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// A text of a body; empty where there is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
