//! What the bodies of all APIs have in common: numbers, texts, and how an answer is not one.

use super::ModelError;
use serde_json::Value;

/// The error of a model that stopped before it was done, by the API's word for why.
pub fn stopped(why: &str) -> ModelError {
    ModelError::NoAnswer(match why {
        "max_tokens" | "max_output_tokens" | "length" | "MAX_TOKENS" | "model_context_window_exceeded" => {
            format!("the model's answer was cut off by its length limit ({why})")
        }
        "" => "the API does not say that the model's answer is complete".into(),
        "refusal" => "the model refused to answer".into(),
        _ => format!("the model did not answer to the end ({why})"),
    })
}

/// The only answer among those that a body lists: of several, it is unclear which is meant.
pub fn only(answers: &Value) -> Result<&Value, ModelError> {
    match answers.as_array().map(Vec::as_slice) {
        Some([one]) => Ok(one),
        Some(many) if !many.is_empty() => {
            Err(ModelError::NoAnswer(format!("the model gave {} answers, and one was asked for", many.len())))
        }
        _ => Ok(&Value::Null),
    }
}

/// The error of a model that wants to use a tool: it was given none, and is not done.
pub fn wants_tool() -> ModelError {
    ModelError::NoAnswer("the model wants to use a tool, and was given none".into())
}

/// A number of a body; 0 if there is none.
pub fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// A text of a body; empty if there is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
