//! What differs between the APIs: the address, how the key is sent, the request, the answer.
//!
//! One file per API does the two translations; this dispatches. The API is asked to
//! enforce our JSON schema. Servers that cannot say 400 or 422 and are asked again without: the prompt
//! says the schema too, and the answer is checked all the same.

use super::{
    ApiKey, Completion, CompletionRequest, Endpoint, ModelError, anthropic, chat, google, responses,
};
use crate::domain::config::ApiKind;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// The vendor's own address; `None` for servers that can be anywhere.
pub fn usual_address(api: ApiKind) -> Option<&'static str> {
    match api {
        ApiKind::Anthropic => Some("https://api.anthropic.com"),
        ApiKind::Openai | ApiKind::OpenaiChat => Some("https://api.openai.com/v1"),
        ApiKind::Google => Some("https://generativelanguage.googleapis.com"),
        ApiKind::OpenaiCompatible => None,
    }
}

impl Endpoint {
    /// The address of the request: the base as the vendor's own tools take it, plus the path.
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
    pub(super) fn headers(&self, key: Option<&ApiKey>) -> Result<HeaderMap, ModelError> {
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
            ModelError::Key(format!("the key {} holds characters that no key has", self.key.describe()))
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(headers)
    }

    /// The request's body; `structured` asks the API to enforce the schema.
    pub(super) fn body(&self, request: &CompletionRequest, structured: bool) -> Value {
        match self.api {
            ApiKind::Anthropic => anthropic::body(&self.model, request, structured),
            ApiKind::Openai => responses::body(&self.model, request, structured),
            ApiKind::OpenaiChat | ApiKind::OpenaiCompatible => chat::body(&self.model, request, structured),
            ApiKind::Google => google::body(request, structured),
        }
    }

    /// The answer in a body that came with status 200.
    pub(super) fn read(&self, body: &Value) -> Result<Completion, ModelError> {
        let answer = match self.api {
            ApiKind::Anthropic => anthropic::read(body),
            ApiKind::Openai => responses::read(body),
            ApiKind::OpenaiChat | ApiKind::OpenaiCompatible => chat::read(body),
            ApiKind::Google => google::read(body),
        }?;
        if answer.text.trim().is_empty() {
            return Err(ModelError::NoAnswer("the model answered nothing".into()));
        }
        Ok(answer)
    }
}
