//! Anthropic Messages: `POST …/v1/messages`.

use super::{Content, Event, Reply, Request, Turn, USAGE, list, pieces, schema, string, texts};
use serde_json::{Value, json};

pub fn read(body: &Value) -> Request {
    let turns = list(&body["messages"]).iter().map(|message| match message["role"].as_str() {
        Some("assistant") if list(&message["content"]).iter().any(|part| part["type"] == "tool_use") => {
            Turn::Call
        }
        Some("assistant") => Turn::Say,
        _ => Turn::User(texts(&message["content"])),
    });
    Request {
        model: string(&body["model"]),
        stream: body["stream"] == true,
        system: texts(&body["system"]),
        tools: list(&body["tools"])
            .iter()
            .map(|tool| (string(&tool["name"]), tool["input_schema"].clone()))
            .collect(),
        turns: turns.collect(),
        schema: schema(&body["output_config"]["format"]["schema"])
            .or_else(|| schema(&body["output_format"]["schema"])),
    }
}

pub fn whole(request: &Request, reply: &Reply) -> Value {
    let (block, stop) = block(reply);
    message(request, reply, block.into_iter().collect(), json!(stop))
}

pub fn events(request: &Request, reply: &Reply) -> Vec<Event> {
    let (block, stop) = block(reply);
    let mut events =
        vec![Event::named("message_start", json!({"message": message(request, reply, vec![], Value::Null)}))];
    if let Some(mut opening) = block {
        let deltas: Vec<Value> = match &reply.content {
            Content::Call { arguments, .. } => {
                opening["input"] = json!({});
                let text = arguments.to_string();
                pieces(&text)
                    .iter()
                    .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
                    .collect()
            }
            _ => {
                let text = string(&opening["text"]);
                opening["text"] = json!("");
                pieces(&text).iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect()
            }
        };
        events.push(Event::named("content_block_start", json!({"index": 0, "content_block": opening})));
        for delta in deltas {
            events.push(Event::named("content_block_delta", json!({"index": 0, "delta": delta})));
        }
        events.push(Event::named("content_block_stop", json!({"index": 0})));
    }
    let end =
        json!({"delta": {"stop_reason": stop, "stop_sequence": null}, "usage": {"output_tokens": USAGE.1}});
    events.push(Event::named("message_delta", end));
    events.push(Event::named("message_stop", json!({})));
    events
}

pub fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"})
}

fn block(reply: &Reply) -> (Option<Value>, &'static str) {
    match &reply.content {
        Content::Call { tool, arguments } => (
            Some(json!({"type": "tool_use", "id": reply.id("toolu_"), "name": tool, "input": arguments})),
            "tool_use",
        ),
        Content::Text(text) => (Some(json!({"type": "text", "text": text})), "end_turn"),
        Content::Refusal(text) => (Some(json!({"type": "text", "text": text})), "refusal"),
        Content::Nothing => (None, "end_turn"),
    }
}

fn message(request: &Request, reply: &Reply, content: Vec<Value>, stop: Value) -> Value {
    json!({
        "id": reply.id("msg_"), "type": "message", "role": "assistant", "model": request.model,
        "content": content, "stop_reason": stop, "stop_sequence": null,
        "usage": {"input_tokens": USAGE.0, "output_tokens": USAGE.1,
                  "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
    })
}
