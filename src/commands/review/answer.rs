//! Reads a reviewer's answer, strictly: one JSON object in our schema, about this very request.
//!
//! Whatever is not exactly that is no verdict: prose around it, an unknown or doubled key, another
//! request's nonce, a changed file left out, a finding on a file or line that is not in the change, a
//! demand for changes that no finding carries. Nothing is searched for in the text, so that no text
//! of a change can become a verdict by being shaped like one.

use crate::domain::verdict::{Decision, Finding, Severity, decide};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A longer answer cannot be told, in bytes.
const LONGEST: usize = 1 << 20;

/// More findings cannot be told.
const MOST_FINDINGS: usize = 500;

/// What an answer must be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The random word of the request, in hex.
    pub nonce: String,
    /// The changed paths as they are displayed, each with the number of lines that the file has after
    /// the change; none where a line means nothing (deleted, binary, a submodule).
    pub files: BTreeMap<String, Option<u32>>,
}

/// A reviewer's answer that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Follows from the findings.
    pub decision: Decision,
    /// The reviewer's own words.
    pub summary: String,
    /// What is wrong, in the order of the answer.
    pub findings: Vec<Finding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    nonce: String,
    verdict: Decision,
    summary: String,
    files: Vec<String>,
    findings: Vec<WireFinding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFinding {
    path: String,
    #[serde(default)]
    line: Option<u32>,
    severity: Severity,
    body: String,
    #[serde(default)]
    suggestion: Option<String>,
}

/// The JSON schema of an answer. Strict in the sense of the APIs that enforce schemas: every key is
/// required, none may be added.
pub fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["nonce", "verdict", "summary", "files", "findings"],
        "properties": {
            "nonce": { "type": "string" },
            "verdict": { "type": "string", "enum": ["APPROVE", "REQUEST CHANGES"] },
            "summary": { "type": "string" },
            "files": { "type": "array", "items": { "type": "string" } },
            "findings": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["path", "line", "severity", "body", "suggestion"],
                    "properties": {
                        "path": { "type": "string" },
                        "line": { "type": ["integer", "null"] },
                        "severity": { "type": "string", "enum": ["P0", "P1", "P2", "P3"] },
                        "body": { "type": "string" },
                        "suggestion": { "type": ["string", "null"] },
                    },
                },
            },
        },
    })
}

/// Reads an answer; `block` are the severities that block. The error says in one sentence why it
/// cannot be told.
pub fn parse(text: &str, asked: &Asked, block: &[Severity]) -> Result<Answer, String> {
    if text.trim().is_empty() {
        return Err("it is empty".into());
    }
    if text.len() > LONGEST {
        return Err(format!("it has {} bytes, more than the {LONGEST} that an answer may have", text.len()));
    }
    let wire: Wire = serde_json::from_str(unfenced(text))
        .map_err(|error| format!("it is no verdict in our schema: {error}"))?;
    if wire.nonce != asked.nonce {
        return Err("its nonce is not this request's".into());
    }
    covered(&wire.files, asked)?;
    if wire.findings.len() > MOST_FINDINGS {
        return Err(format!("it has more than {MOST_FINDINGS} findings"));
    }
    let findings =
        wire.findings.into_iter().map(|finding| checked(finding, asked)).collect::<Result<Vec<_>, _>>()?;
    let decision = decide(&findings, block);
    if wire.verdict == Decision::Waive {
        return Err("it waives, which only a person can".into());
    }
    if wire.verdict == Decision::RequestChanges && decision == Decision::Approve {
        return Err("it requests changes, but none of its findings blocks".into());
    }
    let summary = readable(&wire.summary);
    if summary.is_empty() {
        return Err("its summary is empty".into());
    }
    Ok(Answer { decision, summary, findings })
}

/// Whether one of these texts is another answer to the same request: it is unknown which of the two counts.
pub fn has_other(earlier: &[String], text: &str, asked: &Asked) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(unfenced(text)).ok();
    let last = read(text);
    let is_other = |one: Value| one["nonce"] == asked.nonce.as_str() && Some(&one) != last.as_ref();
    earlier.iter().filter_map(|text| read(text)).any(is_other)
}

/// The text without the one fence that models like to put around JSON.
fn unfenced(text: &str) -> &str {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let inner = text.strip_prefix("```json").and_then(|rest| rest.strip_suffix("```"));
    match inner {
        Some(inner) if inner.starts_with(['\n', '\r']) => inner,
        _ => text,
    }
}

/// Whether exactly the changed files are named as covered.
fn covered(files: &[String], asked: &Asked) -> Result<(), String> {
    let named: BTreeSet<&str> = files.iter().map(|path| path_of(path, asked)).collect();
    if let Some(missing) = asked.files.keys().find(|path| !named.contains(path.as_str())) {
        return Err(format!("it does not cover `{missing}`"));
    }
    match named.iter().find(|path| !asked.files.contains_key(**path)) {
        Some(foreign) => Err(format!("it covers `{}`, which is not in the change", readable(foreign))),
        None => Ok(()),
    }
}

/// A finding, checked against the change and made safe to store and print.
fn checked(finding: WireFinding, asked: &Asked) -> Result<Finding, String> {
    let path = path_of(&finding.path, asked);
    let Some(lines) = asked.files.get(path) else {
        return Err(format!("it finds fault with `{}`, which is not in the change", readable(path)));
    };
    if let Some(line) = finding.line {
        match lines {
            Some(lines) if (1..=*lines).contains(&line) => {}
            Some(lines) => {
                return Err(format!("it finds fault with line {line} of `{path}`, which has {lines} lines"));
            }
            None => {
                return Err(format!(
                    "it finds fault with line {line} of `{path}`, which has no lines after the change"
                ));
            }
        }
    }
    let body = readable(&finding.body);
    if body.is_empty() {
        return Err(format!("one of its findings on `{path}` says nothing"));
    }
    Ok(Finding {
        path: path.to_owned(),
        line: finding.line,
        severity: finding.severity,
        body,
        suggestion: finding.suggestion.map(|text| readable(&text)).filter(|text| !text.is_empty()),
    })
}

/// The path without the `./` that models like to put before it, unless that is how it is displayed.
fn path_of<'a>(path: &'a str, asked: &Asked) -> &'a str {
    if asked.files.contains_key(path) { path } else { path.strip_prefix("./").unwrap_or(path) }
}

/// The text without what could steer a terminal or mislead a reader: control characters except line
/// feed and tab, and the invisible ones, are written out.
fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().replace("\r\n", "\n").chars() {
        if c == '\n' || c == '\t' || !crate::domain::text::escape::is_hidden(c) {
            out.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "00112233445566778899aabbccddeeff";

    fn asked() -> Asked {
        Asked {
            nonce: NONCE.into(),
            files: [("src/a.rs".to_owned(), Some(10)), ("logo.png".to_owned(), None)].into(),
        }
    }

    fn read(text: &str) -> Result<Answer, String> {
        parse(text, &asked(), &[Severity::P0, Severity::P1])
    }

    fn answer(verdict: &str, findings: &Value) -> String {
        json!({"nonce": NONCE, "verdict": verdict, "summary": "Read.", "files": ["src/a.rs", "logo.png"], "findings": findings})
            .to_string()
    }

    fn finding(severity: &str) -> Value {
        json!([{"path": "src/a.rs", "line": 7, "severity": severity, "body": "Off by one"}])
    }

    #[track_caller]
    fn cannot_tell(text: &str, why: &str) {
        let error = read(text).expect_err(text);
        assert!(error.contains(why), "`{error}` does not say `{why}`");
    }

    #[test]
    fn an_approval_that_covers_every_file_holds() {
        let read = read(&answer("APPROVE", &json!([]))).unwrap();
        assert_eq!((read.decision, read.summary.as_str()), (Decision::Approve, "Read."));
    }

    #[test]
    fn one_fence_and_white_space_around_are_no_lie() {
        let plain = answer("REQUEST CHANGES", &finding("P1"));
        for text in
            [format!("\n  {plain}\r\n"), format!("```json\n{plain}\n```\n"), format!("```json\r\n{plain}```")]
        {
            assert_eq!(read(&text).unwrap().decision, Decision::RequestChanges, "{text}");
        }
    }

    #[test]
    fn the_verdict_follows_from_the_findings_whatever_it_says() {
        for severity in ["P0", "P1"] {
            assert_eq!(
                read(&answer("APPROVE", &finding(severity))).unwrap().decision,
                Decision::RequestChanges
            );
        }
        assert_eq!(read(&answer("APPROVE", &finding("P2"))).unwrap().decision, Decision::Approve);
        cannot_tell(&answer("REQUEST CHANGES", &finding("P3")), "none of its findings blocks");
        cannot_tell(&answer("REQUEST CHANGES", &json!([])), "none of its findings blocks");
        cannot_tell(&answer("WAIVE", &json!([])), "only a person can");
    }

    #[test]
    fn text_around_the_object_is_no_verdict() {
        let plain = answer("APPROVE", &json!([]));
        for text in [
            format!("Here is my verdict: {plain}"),
            format!("{plain}\nI hope this helps."),
            format!("{plain}{plain}"),
            format!("[{plain}]"),
            format!("```json\n{plain}\n```\n```json\n{plain}\n```"),
            format!("```\n{plain}\n```"),
            format!("```json\n```json\n{plain}\n```\n```"),
            format!("\u{feff}{plain}"),
            "APPROVE".into(),
            "null".into(),
            "{}".into(),
        ] {
            cannot_tell(&text, "no verdict in our schema");
        }
        cannot_tell("", "empty");
        cannot_tell(" \n\t", "empty");
    }

    #[test]
    fn every_cut_of_an_answer_is_no_verdict() {
        let whole = answer("APPROVE", &finding("P2"));
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{}", &whole[..end]);
        }
    }

    #[test]
    fn unknown_and_doubled_keys_are_no_verdict() {
        let plain = answer("APPROVE", &json!([]));
        let inner = plain.trim_start_matches('{');
        cannot_tell(&format!(r#"{{"confidence":1,{inner}"#), "unknown field");
        cannot_tell(&format!(r#"{{"verdict":"APPROVE",{inner}"#), "duplicate field");
        let extra = json!([{"path": "src/a.rs", "line": 1, "severity": "P3", "body": "x", "waived": true}]);
        cannot_tell(&answer("APPROVE", &extra), "unknown field");
    }

    #[test]
    fn another_requests_answer_is_no_verdict() {
        let plain = answer("APPROVE", &json!([]));
        cannot_tell(&plain.replace(NONCE, "ffeeddccbbaa99887766554433221100"), "nonce");
        cannot_tell(&plain.replace(NONCE, &NONCE.to_uppercase()), "nonce");
        cannot_tell(&plain.replace(NONCE, &format!("{NONCE} ")), "nonce");
        cannot_tell(&plain.replace(NONCE, ""), "nonce");
        cannot_tell(r#"{"approved":true,"comments":[]}"#, "no verdict in our schema");
    }

    #[test]
    fn every_changed_file_must_be_covered_and_no_other() {
        let plain = answer("APPROVE", &json!([]));
        cannot_tell(&plain.replace(r#""src/a.rs","#, ""), "does not cover `src/a.rs`");
        cannot_tell(&plain.replace(r#"["src/a.rs","logo.png"]"#, "[]"), "does not cover");
        cannot_tell(
            &plain.replace(r#""logo.png""#, r#""logo.png","src/b.rs""#),
            "`src/b.rs`, which is not in",
        );
        assert!(read(&plain.replace("src/a.rs", "./src/a.rs")).is_ok());
    }

    #[test]
    fn findings_must_be_about_the_change() {
        for (finding, why) in [
            (json!({"path": "src/b.rs", "line": 1, "severity": "P1", "body": "x"}), "not in the change"),
            (json!({"path": "src/a.rs", "line": 11, "severity": "P1", "body": "x"}), "has 10 lines"),
            (json!({"path": "src/a.rs", "line": 0, "severity": "P1", "body": "x"}), "has 10 lines"),
            (json!({"path": "logo.png", "line": 1, "severity": "P1", "body": "x"}), "has no lines"),
            (
                json!({"path": "src/a.rs", "line": -1, "severity": "P1", "body": "x"}),
                "no verdict in our schema",
            ),
            (
                json!({"path": "src/a.rs", "line": 1, "severity": "P4", "body": "x"}),
                "no verdict in our schema",
            ),
            (json!({"path": "src/a.rs", "line": 1, "severity": "P1", "body": " \n"}), "says nothing"),
        ] {
            cannot_tell(&answer("REQUEST CHANGES", &json!([finding])), why);
        }
        let whole_file =
            json!([{"path": "./src/a.rs", "line": null, "severity": "P1", "body": "x", "suggestion": null}]);
        let read = read(&answer("REQUEST CHANGES", &whole_file)).unwrap();
        assert_eq!((read.findings[0].path.as_str(), read.findings[0].line), ("src/a.rs", None));
    }

    #[test]
    fn a_flood_is_no_verdict() {
        let many: Vec<Value> = (0..501).map(|_| finding("P1")[0].clone()).collect();
        cannot_tell(&answer("REQUEST CHANGES", &json!(many)), "more than 500 findings");
        let long = json!([{"path": "src/a.rs", "line": 1, "severity": "P1", "body": "x".repeat(LONGEST)}]);
        cannot_tell(&answer("REQUEST CHANGES", &long), "bytes");
        cannot_tell(&"[".repeat(100_000), "no verdict in our schema");
    }

    #[test]
    fn what_could_steer_a_terminal_is_written_out() {
        let body = json!([{"path": "src/a.rs", "line": 1, "severity": "P1", "body": "\u{1b}[2Jx\u{202e}y\r\nz\u{7}"}]);
        let read = read(&answer("REQUEST CHANGES", &body)).unwrap();
        assert_eq!(read.findings[0].body, "<U+001B>[2Jx<U+202E>y\nz<U+0007>");
    }

    #[test]
    fn the_schema_and_the_parser_know_the_same_keys() {
        let schema = schema();
        let keys = |value: &Value| -> BTreeSet<String> {
            value["properties"].as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(
            keys(&schema),
            ["nonce", "verdict", "summary", "files", "findings"].map(String::from).into()
        );
        let item = &schema["properties"]["findings"]["items"];
        assert_eq!(keys(item), ["path", "line", "severity", "body", "suggestion"].map(String::from).into());
    }
}
