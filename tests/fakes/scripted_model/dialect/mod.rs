//! The four protocols: how each asks, answers, streams and complains.
//!
//! Reading keeps only what a script needs: the tools on offer, the words of the user and where the
//! assistant spoke or called a tool. Writing turns one [`Reply`] into a whole body or into events.

mod anthropic;
mod chat;
mod gemini;
mod responses;

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Anthropic,
    Chat,
    Responses,
    Gemini,
}

/// What a client asks, whatever its dialect.
#[derive(Debug, Default)]
pub struct Request {
    pub model: String,
    pub stream: bool,
    pub system: String,
    /// The tools on offer, with the JSON schema of their arguments.
    pub tools: BTreeMap<String, Value>,
    /// The conversation.
    pub turns: Vec<Turn>,
    /// The JSON schema that the answer must have.
    pub schema: Option<Value>,
}

/// One part of a conversation.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// The user's words.
    User(String),
    /// The assistant called a tool.
    Call,
    /// The assistant spoke.
    Say,
}

/// One answer; `id` makes the ids in it unique.
#[derive(Debug)]
pub struct Reply {
    pub id: u64,
    pub content: Content,
}

/// What an answer holds.
#[derive(Debug, PartialEq)]
pub enum Content {
    Text(String),
    Call { tool: String, arguments: Value },
    Refusal(String),
    Nothing,
}

/// One server-sent event.
#[derive(Debug)]
pub struct Event {
    pub name: Option<&'static str>,
    pub data: String,
}

/// The tokens that every answer reports to have read and written: fixed, so that tests can be exact.
pub const USAGE: (u64, u64) = (1000, 50);

impl Dialect {
    /// The protocol that a path belongs to.
    pub fn of(path: &str) -> Option<Dialect> {
        if path.contains("/messages") {
            Some(Dialect::Anthropic)
        } else if path.ends_with("/chat/completions") {
            Some(Dialect::Chat)
        } else if path.ends_with("/responses") {
            Some(Dialect::Responses)
        } else if path.contains("/models/") {
            Some(Dialect::Gemini)
        } else {
            None
        }
    }

    /// Reads a request's body.
    pub fn read(self, body: &Value, path: &str) -> Request {
        match self {
            Dialect::Anthropic => anthropic::read(body),
            Dialect::Chat => chat::read(body),
            Dialect::Responses => responses::read(body),
            Dialect::Gemini => gemini::read(body, path),
        }
    }

    /// A whole answer.
    pub fn whole(self, request: &Request, reply: &Reply) -> Value {
        match self {
            Dialect::Anthropic => anthropic::whole(request, reply),
            Dialect::Chat => chat::whole(request, reply),
            Dialect::Responses => responses::whole(request, reply),
            Dialect::Gemini => gemini::whole(request, reply),
        }
    }

    /// The same answer as events.
    pub fn events(self, request: &Request, reply: &Reply) -> Vec<Event> {
        match self {
            Dialect::Anthropic => anthropic::events(request, reply),
            Dialect::Chat => chat::events(request, reply),
            Dialect::Responses => responses::events(request, reply),
            Dialect::Gemini => gemini::events(request, reply),
        }
    }

    /// The body of an error.
    pub fn error(self, status: u16, message: &str) -> Value {
        match self {
            Dialect::Anthropic => anthropic::error(status, message),
            Dialect::Chat | Dialect::Responses => chat::error(status, message),
            Dialect::Gemini => gemini::error(status, message),
        }
    }
}

impl Reply {
    /// An id with that prefix.
    fn id(&self, prefix: &str) -> String {
        format!("{prefix}scripted{:06}", self.id)
    }
}

impl Event {
    fn named(name: &'static str, mut data: Value) -> Event {
        data["type"] = json!(name);
        Event { name: Some(name), data: data.to_string() }
    }

    fn plain(data: &Value) -> Event {
        Event { name: None, data: data.to_string() }
    }
}

/// All text in a message's content: a string, one part, or a list of parts.
fn texts(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        part => part["text"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The items of a list, or none.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A schema, if there is one.
fn schema(value: &Value) -> Option<Value> {
    (!value.is_null()).then(|| value.clone())
}

/// A text as about four deltas, at most 64 KiB each.
fn pieces(text: &str) -> Vec<String> {
    let size = (text.chars().count() / 4).clamp(16, 65_536);
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size).map(|piece| piece.iter().collect()).collect()
}
