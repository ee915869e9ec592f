//! OpenAI Chat Completions: `POST …/chat/completions`. Ollama, vLLM and gateways speak it too.

use super::{Content, Event, Reply, Request, Turn, USAGE, list, pieces, schema, string, texts};
use serde_json::{Value, json};

pub fn read(body: &Value) -> Request {
    let mut request = Request {
        model: string(&body["model"]),
        stream: body["stream"] == true,
        schema: schema(&body["response_format"]["json_schema"]["schema"]),
        ..Request::default()
    };
    for tool in list(&body["tools"]) {
        let function = &tool["function"];
        request.tools.insert(string(&function["name"]), function["parameters"].clone());
    }
    for message in list(&body["messages"]) {
        match message["role"].as_str() {
            Some("system" | "developer") => request.system += &(texts(&message["content"]) + "\n"),
            Some("user") => request.turns.push(Turn::User(texts(&message["content"]))),
            Some("assistant") if !list(&message["tool_calls"]).is_empty() => request.turns.push(Turn::Call),
            Some("assistant") => request.turns.push(Turn::Say),
            _ => {} // a tool's result
        }
    }
    request
}

pub fn whole(request: &Request, reply: &Reply) -> Value {
    let mut message = json!({"role": "assistant", "content": null});
    match &reply.content {
        Content::Text(text) => message["content"] = json!(text),
        Content::Call { arguments, .. } => {
            message["tool_calls"] = json!([call(reply, &arguments.to_string())])
        }
        Content::Refusal(text) => {
            message["content"] = json!(text);
            message["refusal"] = json!(text);
        }
        Content::Nothing => {}
    }
    json!({
        "id": reply.id("chatcmpl-"), "object": "chat.completion", "created": 0, "model": request.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish(reply)}], "usage": usage(),
    })
}

pub fn events(request: &Request, reply: &Reply) -> Vec<Event> {
    let chunk = |choices: Value| {
        json!({"id": reply.id("chatcmpl-"), "object": "chat.completion.chunk", "created": 0,
               "model": request.model, "choices": choices})
    };
    let delta = |delta: Value, finish: Value| {
        Event::plain(&chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}])))
    };
    let mut events = Vec::new();
    match &reply.content {
        Content::Call { arguments, .. } => {
            let mut opening = call(reply, "");
            opening["index"] = json!(0);
            let start = json!({"role": "assistant", "content": null, "tool_calls": [opening]});
            events.push(delta(start, Value::Null));
            for piece in pieces(&arguments.to_string()) {
                let more = json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
                events.push(delta(more, Value::Null));
            }
        }
        Content::Text(text) | Content::Refusal(text) => {
            events.push(delta(json!({"role": "assistant", "content": ""}), Value::Null));
            events.extend(pieces(text).iter().map(|piece| delta(json!({"content": piece}), Value::Null)));
        }
        Content::Nothing => events.push(delta(json!({"role": "assistant", "content": ""}), Value::Null)),
    }
    events.push(delta(json!({}), json!(finish(reply))));
    let mut last = chunk(json!([]));
    last["usage"] = usage();
    events.push(Event::plain(&last));
    events.push(Event { name: None, data: "[DONE]".into() });
    events
}

pub fn error(status: u16, message: &str) -> Value {
    let kind = if status >= 500 { "server_error" } else { "invalid_request_error" };
    let code = match status {
        401 => Some("invalid_api_key"),
        429 => Some("rate_limit_exceeded"),
        _ => None,
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

fn call(reply: &Reply, arguments: &str) -> Value {
    let Content::Call { tool, .. } = &reply.content else { return Value::Null };
    json!({"id": reply.id("call_"), "type": "function", "function": {"name": tool, "arguments": arguments}})
}

fn finish(reply: &Reply) -> &'static str {
    match reply.content {
        Content::Call { .. } => "tool_calls",
        Content::Refusal(_) => "content_filter",
        Content::Text(_) | Content::Nothing => "stop",
    }
}

fn usage() -> Value {
    json!({"prompt_tokens": USAGE.0, "completion_tokens": USAGE.1, "total_tokens": USAGE.0 + USAGE.1})
}
