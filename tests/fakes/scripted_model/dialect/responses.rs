//! OpenAI Responses: `POST …/responses`.

use super::{Content, Event, Reply, Request, Turn, USAGE, list, pieces, schema, string, texts};
use serde_json::{Value, json};

pub fn read(body: &Value) -> Request {
    let mut request = Request {
        model: string(&body["model"]),
        stream: body["stream"] == true,
        system: string(&body["instructions"]),
        schema: schema(&body["text"]["format"]["schema"]),
        ..Request::default()
    };
    for tool in list(&body["tools"]).iter().filter(|tool| tool["type"] == "function") {
        request.tools.insert(string(&tool["name"]), tool["parameters"].clone());
    }
    if let Some(text) = body["input"].as_str() {
        request.turns.push(Turn::User(text.to_owned()));
    }
    for item in list(&body["input"]) {
        match (item["type"].as_str().unwrap_or("message"), item["role"].as_str()) {
            ("function_call", _) => request.turns.push(Turn::Call),
            ("message", Some("assistant")) => request.turns.push(Turn::Say),
            ("message", Some("user")) => request.turns.push(Turn::User(texts(&item["content"]))),
            ("message", _) => request.system += &(texts(&item["content"]) + "\n"),
            _ => {} // a tool's result, reasoning
        }
    }
    request
}

pub fn whole(request: &Request, reply: &Reply) -> Value {
    let mut response = response(request, reply, "completed");
    response["output"] = json!(item(reply, "completed").into_iter().collect::<Vec<_>>());
    response["usage"] = json!({
        "input_tokens": USAGE.0, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": USAGE.1, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": USAGE.0 + USAGE.1,
    });
    response
}

pub fn events(request: &Request, reply: &Reply) -> Vec<Event> {
    let started = response(request, reply, "in_progress");
    let mut events = vec![Event::named("response.created", json!({"response": started}))];
    if let (Some(opening), Some(item)) = (item(reply, "in_progress"), item(reply, "completed")) {
        events.push(Event::named("response.output_item.added", json!({"output_index": 0, "item": opening})));
        events.extend(deltas(reply, &item));
        events.push(Event::named("response.output_item.done", json!({"output_index": 0, "item": item})));
    }
    events.push(Event::named("response.completed", json!({"response": whole(request, reply)})));
    for (number, event) in events.iter_mut().enumerate() {
        let rest = event.data.trim_start_matches('{');
        event.data = format!("{{\"sequence_number\":{number},{rest}");
    }
    events
}

fn deltas(reply: &Reply, item: &Value) -> Vec<Event> {
    let id = &item["id"];
    let text = |name, piece: &str| {
        Event::named(name, json!({"item_id": id, "output_index": 0, "content_index": 0, "delta": piece}))
    };
    match &reply.content {
        Content::Call { arguments, .. } => {
            let arguments = arguments.to_string();
            let at = |key: &str| json!({"item_id": id, "output_index": 0, key: arguments});
            vec![
                Event::named("response.function_call_arguments.delta", at("delta")),
                Event::named("response.function_call_arguments.done", at("arguments")),
            ]
        }
        Content::Text(whole) => pieces(whole).iter().map(|p| text("response.output_text.delta", p)).collect(),
        Content::Refusal(whole) => pieces(whole).iter().map(|p| text("response.refusal.delta", p)).collect(),
        Content::Nothing => Vec::new(),
    }
}

fn response(request: &Request, reply: &Reply, status: &str) -> Value {
    json!({"id": reply.id("resp_"), "object": "response", "created_at": 0, "model": request.model,
           "status": status, "output": [], "usage": null})
}

fn item(reply: &Reply, status: &str) -> Option<Value> {
    let part = match &reply.content {
        Content::Call { tool, arguments } => {
            let arguments = if status == "completed" { arguments.to_string() } else { String::new() };
            return Some(
                json!({"type": "function_call", "id": reply.id("fc_"), "call_id": reply.id("call_"),
                               "name": tool, "arguments": arguments, "status": status}),
            );
        }
        Content::Text(text) => json!({"type": "output_text", "text": text, "annotations": []}),
        Content::Refusal(text) => json!({"type": "refusal", "refusal": text}),
        Content::Nothing => return None,
    };
    let content = if status == "completed" { json!([part]) } else { json!([]) };
    Some(json!({"type": "message", "id": reply.id("msg_"), "role": "assistant", "status": status,
                "content": content}))
}
