//! What the event streams have in common: one JSON object a line.

use super::Observed;
use crate::domain::event::Usage;
use serde_json::Value;

/// The event on a line. A line that is not an event is kept as a stray one.
pub fn event(line: &str, observed: &mut Observed) -> Option<Value> {
    let parsed =
        line.trim_start().starts_with('{').then(|| serde_json::from_str::<Value>(line).ok()).flatten();
    if parsed.is_none() {
        observed.stray(line);
    }
    // A line behind the end that is none of the tool's events may be meant to pass for an answer.
    let is_event = parsed.as_ref().is_some_and(|event| event["type"].is_string());
    observed.went_on |= observed.has_ended && !is_event && !line.trim().is_empty();
    parsed
}

/// The text at that place of an event, a JSON pointer; empty if there is none.
pub fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at that place; 0 if there is none.
pub fn number(event: &Value, pointer: &str) -> u64 {
    event.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// Anthropic's way to count: what was cached is not part of what was read.
pub fn anthropic_usage(usage: &Value) -> Usage {
    Usage {
        input_tokens: number(usage, "/input_tokens")
            + number(usage, "/cache_creation_input_tokens")
            + number(usage, "/cache_read_input_tokens"),
        output_tokens: number(usage, "/output_tokens"),
        cost: None,
    }
}
