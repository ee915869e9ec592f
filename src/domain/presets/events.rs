//! What the event streams have in common: one JSON object a line.

use crate::agents::agent::observed::Observed;
use crate::domain::event::Usage;
use crate::system::process::question::asks_person;
use serde_json::Value;

/// The event on a line. A line that is none is kept as an aside, and looked at for a question to a
/// person.
pub fn event(line: &str, observed: &mut Observed) -> Option<Value> {
    let parsed =
        line.trim_start().starts_with('{').then(|| serde_json::from_str::<Value>(line).ok()).flatten();
    if parsed.is_none() {
        observed.aside(line);
        if asks_person(line) {
            observed.waits(line);
        }
    }
    parsed
}

/// The text at that place of an event, a JSON pointer; empty where there is none.
pub fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at that place; 0 where there is none.
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
