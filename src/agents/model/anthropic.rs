//! Anthropic Messages: <https://docs.anthropic.com/en/api/messages>.
//!
//! The schema goes into `output_config.format`. Only `end_turn` and `stop_sequence` end an answer;
//! tokens read from or written to the cache are counted apart there, and added here.

use super::json::{count, stopped, text, wants_tool};
use super::{Completion, CompletionRequest, ModelError};
use crate::domain::event::Usage;
use serde_json::{Value, json};

/// The API demands a limit; this is as much as any model of the family may answer unstreamed.
const MAX_TOKENS: u32 = 16_384;

pub fn body(model: &str, request: &CompletionRequest, structured: bool) -> Value {
    let mut body = json!({
        "model": model,
        "max_tokens": MAX_TOKENS,
        "system": request.system,
        "messages": [{ "role": "user", "content": request.prompt }],
    });
    if structured {
        body["output_config"] = json!({ "format": { "type": "json_schema", "schema": request.schema } });
    }
    body
}

pub fn read(body: &Value) -> Result<Completion, ModelError> {
    match text(&body["stop_reason"]) {
        "end_turn" | "stop_sequence" => {}
        why => return Err(stopped(why)),
    }
    let blocks = body["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    if blocks.iter().any(|block| block["type"] == "tool_use") {
        return Err(wants_tool());
    }
    let said = blocks.iter().filter(|block| block["type"] == "text").map(|block| text(&block["text"]));
    let usage = &body["usage"];
    Ok(Completion {
        text: said.collect(),
        usage: Usage {
            input_tokens: count(&usage["input_tokens"])
                + count(&usage["cache_read_input_tokens"])
                + count(&usage["cache_creation_input_tokens"]),
            output_tokens: count(&usage["output_tokens"]),
            cost: None,
        },
        model: body["model"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_finished_answer_is_one() {
        let body = |stop: &str| {
            json!({"model": "m", "stop_reason": stop, "content": [{"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "{\"a\":"}, {"type": "text", "text": "1}"}],
                "usage": {"input_tokens": 3, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 500, "output_tokens": 7}})
        };
        let answer = read(&body("end_turn")).unwrap();
        assert_eq!(answer.text, "{\"a\":1}");
        assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (543, 7));
        for stop in ["max_tokens", "refusal", "tool_use", "pause_turn", "model_context_window_exceeded", ""] {
            assert!(matches!(read(&body(stop)), Err(ModelError::NoAnswer(_))), "{stop}");
        }
    }
}
