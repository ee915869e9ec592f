//! Google Gemini: <https://ai.google.dev/api/generate-content>.
//!
//! The schema goes into `generationConfig.responseJsonSchema`. Only the finish reason `STOP` ends an
//! answer; a blocked prompt has no candidate at all. Thoughts are counted as tokens written.

use super::json::{count, only, stopped, text, wants_tool};
use super::{Completion, CompletionRequest, ModelError};
use crate::domain::event::Usage;
use serde_json::{Value, json};

pub fn body(request: &CompletionRequest, structured: bool) -> Value {
    let mut body = json!({
        "systemInstruction": { "parts": [{ "text": request.system }] },
        "contents": [{ "role": "user", "parts": [{ "text": request.prompt }] }],
    });
    if structured {
        body["generationConfig"] =
            json!({ "responseMimeType": "application/json", "responseJsonSchema": request.schema });
    }
    body
}

pub fn read(body: &Value) -> Result<Completion, ModelError> {
    let blocked = text(&body["promptFeedback"]["blockReason"]);
    if !blocked.is_empty() {
        return Err(ModelError::NoAnswer(format!("the API refused the request ({blocked})")));
    }
    let candidate = only(&body["candidates"])?;
    match text(&candidate["finishReason"]) {
        "STOP" => {}
        why => return Err(stopped(why)),
    }
    let parts = candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    if parts.iter().any(|part| part["functionCall"].is_object()) {
        return Err(wants_tool());
    }
    let said = parts.iter().filter(|part| part["thought"] != true).map(|part| text(&part["text"]));
    let usage = &body["usageMetadata"];
    Ok(Completion {
        text: said.collect(),
        usage: Usage {
            input_tokens: count(&usage["promptTokenCount"]),
            output_tokens: count(&usage["candidatesTokenCount"]) + count(&usage["thoughtsTokenCount"]),
            cost: None,
        },
        model: body["modelVersion"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_candidate_that_stopped_by_itself_is_an_answer() {
        let body = |finish: &str| {
            json!({"modelVersion": "m", "candidates": [{"finishReason": finish, "content": {"parts": [
                {"text": "hm", "thought": true}, {"text": "{}"}]}}],
                "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 5, "thoughtsTokenCount": 2}})
        };
        let answer = read(&body("STOP")).unwrap();
        assert_eq!((answer.text.as_str(), answer.usage.output_tokens), ("{}", 7));
        for finish in ["MAX_TOKENS", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "OTHER", ""] {
            assert!(matches!(read(&body(finish)), Err(ModelError::NoAnswer(_))), "{finish}");
        }
        let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
        assert!(matches!(read(&blocked), Err(ModelError::NoAnswer(_))));
    }
}
