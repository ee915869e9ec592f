//! Which of the advertised tools does a step, and with which arguments.
//!
//! Every client names its tools and their arguments differently, so they are found by likeness. A
//! step that no advertised tool can do is called by its usual name all the same: that is what a
//! model does that will not keep to its limits, and the client has to refuse it.

use super::dialect::{Content, Dialect, Request, Turn};
use super::script::Step;
use serde_json::{Map, Value, json};

const SHELLS: &[&str] = &[
    "bash",
    "shell",
    "execcommand",
    "shellcommand",
    "runshellcommand",
    "localshell",
    "execute",
    "runcommand",
    "executecommand",
    "runterminalcommand",
    "terminal",
];
const COMMANDS: &[&str] = &["command", "cmd", "commands", "script"];
const WRITERS: &[&str] =
    &["write", "writefile", "create", "createfile", "writetofile", "createnewfile", "savefile", "editor"];
const PATHS: &[&str] = &["file_path", "filePath", "filepath", "path", "absolute_path", "filename", "file"];
const CONTENTS: &[&str] = &["content", "contents", "file_text", "text", "new_text", "fileText"];

/// The answer that takes this step.
pub fn call(step: &Step, request: &Request, dialect: Dialect) -> Content {
    let (tool, arguments) = match step {
        Step::Call { tool, arguments } => (tool.clone(), arguments.clone()),
        Step::Write { path, text } => write(path, text, request, dialect),
        Step::Run(command) => run(command, request, dialect),
        Step::Say(_) | Step::Verdict(_) => return Content::Nothing,
    };
    Content::Call { tool, arguments }
}

/// A `write` for a client that takes edits as text (aider).
pub fn edit_block(path: &str, text: &str) -> Content {
    let text = text.trim_end_matches('\n');
    Content::Text(format!("{path}\n```\n<<<<<<< SEARCH\n=======\n{text}\n>>>>>>> REPLACE\n```\n"))
}

/// The smallest value that fits a JSON schema.
pub fn smallest(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(first) = ["anyOf", "oneOf"].iter().find_map(|key| schema[key].as_array()?.first()) {
        return smallest(first);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    let kind = kind.unwrap_or(if schema["properties"].is_object() { "object" } else { "string" });
    match kind.to_ascii_lowercase().as_str() {
        "object" => Value::Object(required(schema)),
        "array" => json!([]),
        "boolean" => json!(false),
        "integer" | "number" => json!(1),
        "null" => Value::Null,
        _ => json!("ok"),
    }
}

fn required(schema: &Value) -> Map<String, Value> {
    let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| (name.to_owned(), smallest(&schema["properties"][name]))).collect()
}

fn write(path: &str, text: &str, request: &Request, dialect: Dialect) -> (String, Value) {
    let full = match working_directory(request) {
        Some(folder) if !path.starts_with('/') => format!("{folder}/{path}"),
        _ => path.to_owned(),
    };
    for (name, schema) in advertised(WRITERS, request) {
        if let (Some(place), Some(content)) = (property(PATHS, schema), property(CONTENTS, schema)) {
            let mut arguments = required(schema);
            arguments.insert(place.into(), json!(full));
            arguments.insert(content.into(), json!(text));
            return (name.clone(), Value::Object(arguments));
        }
    }
    if advertised(SHELLS, request).next().is_some() {
        let (text, path) = (quoted(text), quoted(path));
        return run(
            &format!("mkdir -p \"$(dirname {path})\" && printf %s {text} > {path}"),
            request,
            dialect,
        );
    }
    let (name, place) = match dialect {
        Dialect::Anthropic => ("Write", "file_path"),
        Dialect::Chat => ("write", "filePath"),
        Dialect::Responses | Dialect::Gemini => ("write_file", "file_path"),
    };
    (name.to_owned(), json!({place: full, "content": text}))
}

fn run(command: &str, request: &Request, dialect: Dialect) -> (String, Value) {
    for (name, schema) in advertised(SHELLS, request) {
        if let Some(place) = property(COMMANDS, schema) {
            let mut arguments = required(schema);
            let words = schema["properties"][place]["type"] == "array";
            arguments
                .insert(place.into(), if words { json!(["bash", "-c", command]) } else { json!(command) });
            return (name.clone(), Value::Object(arguments));
        }
    }
    let (name, place) = match dialect {
        Dialect::Anthropic => ("Bash", "command"),
        Dialect::Chat => ("bash", "command"),
        Dialect::Responses => ("exec_command", "cmd"),
        Dialect::Gemini => ("run_shell_command", "command"),
    };
    (name.to_owned(), json!({place: command, "description": "scripted"}))
}

fn advertised<'a>(names: &[&str], request: &'a Request) -> impl Iterator<Item = (&'a String, &'a Value)> {
    request.tools.iter().filter(move |(name, _)| {
        let plain: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        names.contains(&plain.to_ascii_lowercase().as_str())
    })
}

fn property(names: &[&'static str], schema: &Value) -> Option<&'static str> {
    names.iter().copied().find(|name| schema["properties"].get(name).is_some())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The folder that the client says it works in: some write tools want absolute paths.
fn working_directory(request: &Request) -> Option<String> {
    let users = request.turns.iter().filter_map(|turn| match turn {
        Turn::User(text) => Some(text.as_str()),
        Turn::Call | Turn::Say => None,
    });
    std::iter::once(request.system.as_str()).chain(users).find_map(|text| {
        let lower = text.to_ascii_lowercase();
        ["<cwd>", "working directory", "working directories", "current directory", "workspace"]
            .iter()
            .find_map(|mark| {
                lower.match_indices(mark).find_map(|(at, _)| absolute_path_soon(&text[at + mark.len()..]))
            })
    })
}

/// The absolute path that begins within the next 60 characters, if one does.
fn absolute_path_soon(text: &str) -> Option<String> {
    let at = text.char_indices().take(60).find(|(_, c)| *c == '/')?.0;
    let before = text[..at].chars().next_back();
    if before.is_some_and(|c| c.is_alphanumeric() || c == '<') {
        return None;
    }
    let path: &str = text[at..].split(|c: char| c.is_whitespace() || "`'\"<>,)".contains(c)).next()?;
    (path.len() > 1).then(|| path.trim_end_matches('.').to_owned())
}
