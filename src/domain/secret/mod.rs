//! Keys and passwords in text: how they are found, and made unreadable.
//!
//! Two ways to know one: by its value, if it is one that we were given (also in base64, in an address
//! and in JSON), and by its looks, by the rules of a secret scanner. The time is linear in the text's
//! length. Which secrets we were given is remembered by `system::secrets`, through which everything that
//! an agent, a command or an error prints goes on its way to files, notes and terminals.

mod known;
mod patterns;

pub use known::{KnownSecrets, is_secret_name};
pub use patterns::find as find_patterns;

use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSecret {
    /// Where it is, in bytes.
    pub at: Range<usize>,
    /// The name of the variable that holds it, or of the rule that it matches.
    pub name: String,
    pub evidence: Evidence,
}

/// How a secret is known, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// It is a key that we use.
    Key,
    /// It is the value of a variable whose name says that it holds a secret.
    Variable,
    /// It looks like one.
    Pattern,
}

/// All of them in the text's order, none overlapping another.
pub fn merged(mut all: Vec<FoundSecret>) -> Vec<FoundSecret> {
    // Of two at one place the surer one goes first.
    all.sort_by_key(|found| (found.at.start, found.evidence));
    let mut merged: Vec<FoundSecret> = Vec::new();
    for one in all {
        match merged.last_mut().filter(|last| last.at.end > one.at.start) {
            Some(last) => last.at.end = last.at.end.max(one.at.end),
            None => merged.push(one),
        }
    }
    merged
}

/// The text without these.
pub fn without<'a>(text: &'a str, found: &[FoundSecret]) -> Cow<'a, str> {
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for FoundSecret { at, name, .. } in found {
        clean.push_str(&text[done..at.start]);
        clean.push_str(&format!("[redacted: {name}]"));
        done = at.end;
    }
    clean.push_str(&text[done..]);
    Cow::Owned(clean)
}

/// Redacts every text in a JSON value, but for names and ids that programs go by.
pub fn redact_json(value: &mut Value, redacted: &dyn Fn(&str) -> Cow<'_, str>) {
    const NAMES: [&str; 12] = [
        "event",
        "activity",
        "at",
        "task",
        "tasks",
        "state",
        "run",
        "spec",
        "base",
        "commit",
        "base_tree",
        "head_tree",
    ];
    match value {
        Value::String(text) => {
            let clean = match redacted(text) {
                Cow::Owned(clean) => clean,
                Cow::Borrowed(_) => return,
            };
            *text = clean;
        }
        Value::Array(values) => values.iter_mut().for_each(|one| redact_json(one, redacted)),
        Value::Object(entries) => entries
            .iter_mut()
            .filter(|(name, _)| !NAMES.contains(&name.as_str()))
            .for_each(|(_, one)| redact_json(one, redacted)),
        _ => {}
    }
}
