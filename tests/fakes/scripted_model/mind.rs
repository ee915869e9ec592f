//! What the "model" answers: which script a request has, which step it is at, which fault is due.
//!
//! A request that holds a `REQUEST {…}` line is a review. It takes its script from the lines of that
//! message that start with `REVIEW: `, any other from those that start with `MODEL: `, so that a
//! reviewer who is shown a task does not do the task. Without such lines, or where none of their
//! conditions holds, the URL decides
//! (`/s/NAME/…`), else a review approves, a client with tools gets a file written, and anyone else
//! is told "Done.".
//!
//! Nothing is remembered between requests but how often a fault was met: the step is the number of
//! tools called since the message with the script.

use super::dialect::{Content, Dialect, Request, Turn};
use super::script::{Fault, Kind, Script, Step, directives};
use super::tools;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::HashMap;

/// How often each fault of each conversation was met.
pub type Met = HashMap<String, u32>;

/// What is answered, and what goes wrong with it.
#[derive(Debug)]
pub struct Decision {
    pub content: Content,
    pub fault: Option<Fault>,
    /// For the log.
    pub note: String,
}

/// Decides for one request; `name` is the script that its URL names.
pub fn decide(request: &Request, dialect: Dialect, name: Option<&str>, met: &mut Met) -> Result<Decision> {
    let (script, start) = script_of(request, name)?;
    let needs_tools = script.steps.iter().any(Step::needs_tool);
    if request.tools.is_empty() && (foreign_schema(request) || needs_tools && !takes_edits_as_text(request)) {
        return Ok(auxiliary(request));
    }
    let at = request.turns[start..].iter().filter(|turn| **turn == Turn::Call).count();
    let fault = due(&script, at, request, met);
    let step = script.steps.get(at).cloned().unwrap_or(Step::Say("Done.".into()));
    let content = match fault.as_ref().map(|fault| (fault.kind, fault.amount)) {
        Some((Kind::Refuse, _)) => Content::Refusal("I can't help with that request.".into()),
        Some((Kind::Empty, _)) => Content::Nothing,
        Some((Kind::Huge, bytes)) => Content::Text("x".repeat(usize::try_from(bytes.unwrap_or(5_000_000))?)),
        _ => answer(&step, request, dialect)?,
    };
    let note = match &fault {
        Some(fault) => format!("{:?} at step {at}", fault.kind),
        None => format!("step {at}"),
    };
    Ok(Decision { content, fault, note })
}

fn answer(step: &Step, request: &Request, dialect: Dialect) -> Result<Content> {
    Ok(match step {
        Step::Say(text) => Content::Text(text.clone()),
        Step::Verdict(wanted) => {
            let verdict = verdict(request, wanted)?;
            match request.tools.keys().find(|name| name.eq_ignore_ascii_case("structuredoutput")) {
                Some(tool) => Content::Call { tool: tool.clone(), arguments: verdict },
                None => Content::Text(verdict.to_string()),
            }
        }
        Step::Write { path, text } if request.tools.is_empty() => tools::edit_block(path, text),
        step => tools::call(step, request, dialect),
    })
}

/// The script and the turn that it starts from.
fn script_of(request: &Request, name: Option<&str>) -> Result<(Script, usize)> {
    let users = || {
        request.turns.iter().enumerate().rev().filter_map(|(at, turn)| match turn {
            Turn::User(text) => Some((at, text.as_str())),
            Turn::Call | Turn::Say => None,
        })
    };
    let review = users().find(|(_, text)| asked(text).is_some());
    let mark = if review.is_some() { "REVIEW: " } else { "MODEL: " };
    let scripted = users().find(|(_, text)| !directives(text, mark).is_empty());
    if let Some((at, text)) = scripted {
        let rest: Vec<&str> =
            text.lines().filter(|line| !line.contains("MODEL: ") && !line.contains("REVIEW: ")).collect();
        let script = Script::parse(directives(text, mark), &rest.join("\n"))?;
        if script != Script::default() {
            return Ok((script, at));
        }
    }
    let usual = if review.is_some() {
        "verdict"
    } else if request.tools.is_empty() && !takes_edits_as_text(request) {
        "say Done."
    } else {
        "write hello.txt hello from the scripted model\\n\nsay Done: hello.txt is written."
    };
    let spoken = request.turns.iter().rposition(|turn| *turn == Turn::Say).unwrap_or(0);
    let start = review.map_or(spoken, |(at, _)| at);
    Ok((Script::parse(named(name, usual)?.lines(), "")?, start))
}

/// The script of that name; `usual` is what is done where none is named.
fn named(name: Option<&str>, usual: &str) -> Result<String> {
    Ok(match name {
        None | Some("edit") => usual.to_owned(),
        Some("chat") => "say Hello from the scripted model.".to_owned(),
        Some("review") => "verdict".to_owned(),
        Some("reject") => {
            r#"verdict [{"path":"","line":1,"severity":"P1","body":"This is wrong.","suggestion":"Mend it."}]"#.into()
        }
        Some(name) => {
            let fault = name.strip_prefix("fault-").with_context(|| format!("no script is called `{name}`"))?;
            let (kind, times) = fault.split_once('-').unwrap_or((fault, "*"));
            format!("fault {kind} {times}\n{usual}")
        }
    })
}

/// The answer to a review request: its nonce and files filled in, an empty path as its first file.
fn verdict(request: &Request, wanted: &Value) -> Result<Value> {
    let users = request.turns.iter().rev().filter_map(|turn| match turn {
        Turn::User(text) => asked(text),
        Turn::Call | Turn::Say => None,
    });
    let Some(asked) = users.chain(asked(&request.system)).next() else {
        bail!("the prompt holds no REQUEST line, so there is no nonce to answer with")
    };
    let mut findings = if wanted.is_array() { wanted.clone() } else { json!([]) };
    for finding in findings.as_array_mut().into_iter().flatten() {
        if finding["path"] == "" {
            finding["path"] = asked["files"][0].clone();
        }
    }
    let decision = if findings.as_array().is_some_and(Vec::is_empty) { "APPROVE" } else { "REQUEST CHANGES" };
    let mut verdict = json!({"nonce": asked["nonce"], "verdict": decision, "summary": "Read by the scripted model.",
                             "files": asked["files"], "findings": findings});
    for (key, value) in wanted.as_object().into_iter().flatten() {
        verdict[key] = value.clone();
    }
    Ok(verdict)
}

/// What a review request asks for.
fn asked(text: &str) -> Option<Value> {
    text.lines().find_map(|line| {
        let asked: Value = serde_json::from_str(line.strip_prefix("REQUEST ")?).ok()?;
        (asked["nonce"].is_string() && asked["files"].is_array()).then_some(asked)
    })
}

/// The fault that this request meets; meeting it is counted.
fn due(script: &Script, at: usize, request: &Request, met: &mut Met) -> Option<Fault> {
    script.faults.iter().filter(|fault| fault.before == at).find_map(|fault| {
        let key = format!("{fault:?} {script:?} {:?}", request.turns);
        let met = met.entry(key).or_default();
        *met += 1;
        fault.times.is_none_or(|times| *met <= times).then(|| fault.clone())
    })
}

/// A title, a topic, a router's question: answered with little, and without faults.
fn auxiliary(request: &Request) -> Decision {
    let text = match &request.schema {
        Some(schema) => tools::smallest(schema).to_string(),
        None => "Scripted task".to_owned(),
    };
    Decision { content: Content::Text(text), fault: None, note: "auxiliary".into() }
}

/// Whether an answer is wanted in a schema that is not a verdict's.
fn foreign_schema(request: &Request) -> bool {
    request.schema.as_ref().is_some_and(|schema| schema["properties"].get("verdict").is_none())
}

fn takes_edits_as_text(request: &Request) -> bool {
    let mark = "SEARCH/REPLACE";
    request.system.contains(mark)
        || request.turns.iter().any(|turn| matches!(turn, Turn::User(text) if text.contains(mark)))
}
