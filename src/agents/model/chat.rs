//! OpenAI Chat Completions, and the many servers that speak it (Ollama, vLLM, gateways):
//! <https://platform.openai.com/docs/api-reference/chat>.
//!
//! The schema goes into `response_format`, strict. Only the finish reason `stop` ends an answer.
//! Some gateways report what the answer cost.

use super::json::{count, only, stopped, text, wants_tool};
use super::{Completion, CompletionRequest, ModelError};
use crate::domain::event::Usage;
use serde_json::{Value, json};

pub fn body(model: &str, request: &CompletionRequest, structured: bool) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [
            { "role": "system", "content": request.system },
            { "role": "user", "content": request.prompt },
        ],
        "stream": false,
    });
    if structured {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": { "name": "verdict", "strict": true, "schema": request.schema },
        });
    }
    body
}

pub fn read(body: &Value) -> Result<Completion, ModelError> {
    let choice = only(&body["choices"])?;
    let message = &choice["message"];
    if !text(&message["refusal"]).is_empty() {
        return Err(stopped("refusal"));
    }
    match text(&choice["finish_reason"]) {
        "stop" => {}
        why => return Err(stopped(why)),
    }
    if message["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty()) {
        return Err(wants_tool());
    }
    let said = match &message["content"] {
        Value::Array(parts) => parts.iter().map(|part| text(&part["text"])).collect(),
        content => text(content).to_owned(),
    };
    let usage = &body["usage"];
    Ok(Completion {
        text: said,
        usage: Usage {
            input_tokens: count(&usage["prompt_tokens"]),
            output_tokens: count(&usage["completion_tokens"]),
            cost: usage["cost"].as_f64(),
        },
        model: body["model"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_stopped_by_itself_is_one() {
        let body = |finish: Value, refusal: Value| {
            json!({"model": "m", "choices": [{"finish_reason": finish, "message": {"content": "{}", "refusal": refusal}}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 7, "cost": 0.25}})
        };
        let answer = read(&body(json!("stop"), Value::Null)).unwrap();
        assert_eq!((answer.text.as_str(), answer.usage.cost), ("{}", Some(0.25)));
        for (finish, refusal) in [
            (json!("length"), Value::Null),
            (json!("content_filter"), Value::Null),
            (json!("tool_calls"), Value::Null),
            (Value::Null, Value::Null),
            (json!("stop"), json!("I cannot help with that.")),
        ] {
            assert!(matches!(read(&body(finish.clone(), refusal)), Err(ModelError::NoAnswer(_))), "{finish}");
        }
        assert!(matches!(read(&json!({"choices": []})), Err(ModelError::NoAnswer(_))));
    }
}
