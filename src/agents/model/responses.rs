//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>.
//!
//! The schema goes into `text.format`, strict. Only `completed` ends an answer; a refusal is a part
//! of its own kind. Nothing is kept on the server.

use super::json::{count, stopped, text, wants_tool};
use super::{Completion, CompletionRequest, ModelError};
use crate::domain::event::Usage;
use serde_json::{Value, json};

pub fn body(model: &str, request: &CompletionRequest, structured: bool) -> Value {
    let mut body = json!({
        "model": model,
        "instructions": request.system,
        "input": request.prompt,
        "store": false,
    });
    if structured {
        body["text"] = json!({ "format": {
            "type": "json_schema", "name": "verdict", "strict": true, "schema": request.schema,
        } });
    }
    body
}

pub fn read(body: &Value) -> Result<Completion, ModelError> {
    match text(&body["status"]) {
        "completed" => {}
        "incomplete" => return Err(stopped(text(&body["incomplete_details"]["reason"]))),
        status => return Err(stopped(status)),
    }
    let items = body["output"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.iter().any(|item| item["type"] == "function_call") {
        return Err(wants_tool());
    }
    let messages = items.iter().filter(|item| item["type"] == "message");
    let mut said = String::new();
    for part in messages.filter_map(|message| message["content"].as_array()).flatten() {
        match text(&part["type"]) {
            "output_text" => said.push_str(text(&part["text"])),
            "refusal" => return Err(stopped("refusal")),
            _ => {}
        }
    }
    let usage = &body["usage"];
    Ok(Completion {
        text: said,
        usage: Usage {
            input_tokens: count(&usage["input_tokens"]),
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
    fn only_a_completed_answer_without_a_refusal_is_one() {
        let body = |status: &str, kind: &str| {
            json!({"model": "m", "status": status, "incomplete_details": {"reason": "max_output_tokens"},
                "output": [{"type": "reasoning", "summary": []},
                    {"type": "message", "content": [{"type": kind, "text": "{}", "refusal": "no"}]}],
                "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 7}})
        };
        let answer = read(&body("completed", "output_text")).unwrap();
        assert_eq!((answer.text.as_str(), answer.usage.input_tokens), ("{}", 3));
        for (status, kind) in [
            ("completed", "refusal"),
            ("incomplete", "output_text"),
            ("failed", "output_text"),
            ("", "output_text"),
        ] {
            assert!(matches!(read(&body(status, kind)), Err(ModelError::NoAnswer(_))), "{status} {kind}");
        }
    }
}
