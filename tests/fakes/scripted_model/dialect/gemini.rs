//! Google Gemini: `POST …/models/MODEL:generateContent` and `:streamGenerateContent`.

use super::{Content, Event, Reply, Request, Turn, USAGE, list, pieces, schema, string, texts};
use serde_json::{Value, json};

pub fn read(body: &Value, path: &str) -> Request {
    let (model, verb) = path.rsplit('/').next().and_then(|last| last.split_once(':')).unwrap_or_default();
    let config = &body["generationConfig"];
    let mut request = Request {
        model: model.to_owned(),
        stream: verb == "streamGenerateContent",
        system: texts(&body["systemInstruction"]["parts"]),
        schema: schema(&config["responseJsonSchema"]).or_else(|| schema(&config["responseSchema"])),
        ..Request::default()
    };
    for function in list(&body["tools"]).iter().flat_map(|group| list(&group["functionDeclarations"])) {
        let arguments =
            schema(&function["parametersJsonSchema"]).unwrap_or_else(|| function["parameters"].clone());
        request.tools.insert(string(&function["name"]), arguments);
    }
    for content in list(&body["contents"]) {
        let called = list(&content["parts"]).iter().any(|part| !part["functionCall"].is_null());
        request.turns.push(match (content["role"].as_str(), called) {
            (Some("model"), true) => Turn::Call,
            (Some("model"), false) => Turn::Say,
            _ => Turn::User(texts(&content["parts"])),
        });
    }
    request
}

pub fn whole(request: &Request, reply: &Reply) -> Value {
    let parts = match &reply.content {
        Content::Call { tool, arguments } => json!([{"functionCall": {"name": tool, "args": arguments}}]),
        Content::Text(text) | Content::Refusal(text) => json!([{"text": text}]),
        Content::Nothing => json!([]),
    };
    last(request, reply, parts)
}

pub fn events(request: &Request, reply: &Reply) -> Vec<Event> {
    let (Content::Text(text) | Content::Refusal(text)) = &reply.content else {
        return vec![Event::plain(&whole(request, reply))];
    };
    let texts = pieces(text);
    let end = texts.len().saturating_sub(1);
    let event = |(at, piece): (usize, &String)| {
        let parts = json!([{"text": piece}]);
        Event::plain(&if at < end { answer(request, reply, parts) } else { last(request, reply, parts) })
    };
    texts.iter().enumerate().map(event).collect()
}

pub fn error(status: u16, message: &str) -> Value {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": message, "status": name}})
}

fn answer(request: &Request, reply: &Reply, parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}],
           "modelVersion": request.model, "responseId": reply.id("r")})
}

fn last(request: &Request, reply: &Reply, parts: Value) -> Value {
    let mut answer = answer(request, reply, parts);
    let refused = matches!(reply.content, Content::Refusal(_));
    answer["candidates"][0]["finishReason"] = json!(if refused { "SAFETY" } else { "STOP" });
    answer["usageMetadata"] = json!({"promptTokenCount": USAGE.0, "candidatesTokenCount": USAGE.1,
                                     "totalTokenCount": USAGE.0 + USAGE.1});
    answer
}
