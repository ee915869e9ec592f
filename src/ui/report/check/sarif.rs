//! The answer as SARIF 2.1.0, for services that keep results: one per finding, one per uncovered change.
//!
//! A result is known again by what it says of which file, never by commits or line numbers, so that it
//! stays the same over a rebase. Text is written so that no reader finds a link or a placeholder in it.

use super::{Level, inert, level, problems, relative, unexplained, who};
use crate::domain::digest;
use crate::domain::error::Result;
use crate::domain::verdict::Severity;
use crate::gate::check::{
    ChangedFile, CheckReport, GateAnswer, ReportPart, ReportedFinding, ReportedVerdict,
};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::HashMap;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The key of our fingerprints; a new way to make them gets a new number.
const FINGERPRINT: &str = "gitFlowAi/v1";

/// Rules in the order of their indices: id, name, loudness, what it means, what to do.
const RULES: [(&str, &str, Level, &str, &str); 6] = [
    (
        "finding-p0",
        "FindingP0",
        Level::Error,
        "A reviewer found data loss, a security hole, or that it does not work at all.",
        "Mend it, then have the change judged again: git flow-ai review.",
    ),
    (
        "finding-p1",
        "FindingP1",
        Level::Error,
        "A reviewer found a bug that users will meet.",
        "Mend it, then have the change judged again: git flow-ai review.",
    ),
    (
        "finding-p2",
        "FindingP2",
        Level::Warning,
        "A reviewer found what should be mended, and need not be now.",
        "Mend it when you are there again.",
    ),
    (
        "finding-p3",
        "FindingP3",
        Level::Note,
        "A reviewer would have done it in another way.",
        "Do as you like.",
    ),
    (
        "uncovered-change",
        "UncoveredChange",
        Level::Error,
        "No verdict that counts lets this change into the protected branch.",
        "Have a rival judge it (git flow-ai review) and share the verdict (git flow-ai sync), then check again.",
    ),
    (
        "cannot-enter",
        "CannotEnter",
        Level::Error,
        "The commits cannot become part of the protected branch as they are.",
        "Merge or rebase them onto the branch, and have the result judged.",
    ),
];

pub fn sarif(report: &CheckReport) -> Result<Value> {
    let target = report.target.as_deref().unwrap_or("unknown");
    let mut results = Vec::new();
    for (word, problem) in problems(&report.parts) {
        results.push(finding_result(word, problem));
    }
    for part in unexplained(&report.parts) {
        results.push(part_result(part));
    }
    if report.answer == GateAnswer::No && results.is_empty() {
        let text = report.why.iter().chain(&report.fix).cloned().collect::<Vec<_>>().join(". ");
        results.push(result("cannot-enter", Level::Error, &text, None, &[target]));
    }
    number(&mut results)?;
    Ok(json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "git flow-ai",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": RULES.iter().map(rule).collect::<Vec<_>>(),
            }},
            "automationDetails": {
                "id": format!("git-flow-ai/check/{}/", encoded(target.as_bytes())),
                "description": {"text": message(&format!("May these commits enter {target}?"))},
            },
            "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
            "invocations": [invocation(report)],
            "results": results,
        }],
    }))
}

fn rule((id, name, level, what, help): &(&str, &str, Level, &str, &str)) -> Value {
    json!({
        "id": id,
        "name": name,
        "shortDescription": {"text": what},
        "fullDescription": {"text": what},
        "help": {"text": help, "markdown": help},
        "defaultConfiguration": {"level": level.as_str()},
        "properties": {"tags": ["review"], "problem.severity": match level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "recommendation",
        }},
    })
}

fn invocation(report: &CheckReport) -> Value {
    let notification =
        |level: Level, text: &String| json!({"level": level.as_str(), "message": {"text": message(text)}});
    let failed = report.answer == GateAnswer::CannotTell;
    let why = report.why.iter().chain(&report.fix).filter(|_| failed);
    let errors = why.map(|text| notification(Level::Error, text));
    let notes = report.notes.iter().map(|text| notification(Level::Note, text));
    json!({
        "executionSuccessful": !failed,
        "exitCode": report.answer.exit().code(),
        "toolExecutionNotifications": errors.chain(notes).collect::<Vec<_>>(),
    })
}

fn finding_result(word: &ReportedVerdict, problem: &ReportedFinding) -> Value {
    let finding = &problem.finding;
    let rule = match finding.severity {
        Severity::P0 => "finding-p0",
        Severity::P1 => "finding-p1",
        Severity::P2 => "finding-p2",
        Severity::P3 => "finding-p3",
    };
    let mut text = format!("{} ({})", finding.body.trim(), who(word));
    if let Some(suggestion) = &finding.suggestion {
        text.push_str(&format!("\n\nSuggestion: {}", suggestion.trim()));
    }
    let body = finding.body.split_whitespace().collect::<Vec<_>>().join(" ");
    let place = relative(&finding.path).map(|path| location(path.as_bytes(), finding.line));
    result(rule, level(problem), &text, place, &[&finding.path, word.reviewer.vendor.as_str(), &body])
}

fn part_result(part: &ReportPart) -> Value {
    let reasons = [part.why.as_deref(), part.fix.as_deref()];
    let text = reasons.into_iter().flatten().collect::<Vec<_>>().join(". ");
    let is_left = |file: &&ChangedFile| !file.deleted;
    let first = part.files.iter().find(is_left).or(part.files.first());
    let place = first.map(|file| location(&file.bytes, None));
    let mark = part.fingerprint.as_deref().unwrap_or_default();
    let rule = if part.change.is_some() { "uncovered-change" } else { "cannot-enter" };
    let mut result = result(rule, Level::Error, &text, place, &[mark]);
    let others: Vec<Value> = part
        .files
        .iter()
        .filter(|file| first.is_some_and(|first| first.bytes != file.bytes))
        .enumerate()
        .map(|(id, file)| {
            let mut place = location(&file.bytes, None);
            place["id"] = json!(id + 1);
            place
        })
        .collect();
    if !others.is_empty() {
        result["relatedLocations"] = json!(others);
    }
    result
}

/// A result; `content` is what it is known by, and is digested by [`number`].
fn result(rule: &str, level: Level, text: &str, place: Option<Value>, content: &[&str]) -> Value {
    let index = RULES.iter().position(|(id, ..)| *id == rule);
    let content = [&[rule], content].concat().join("\0");
    let mut result = json!({
        "ruleId": rule,
        "ruleIndex": index,
        "level": level.as_str(),
        "message": {"text": message(text)},
        "partialFingerprints": {(FINGERPRINT): content},
    });
    if let Some(place) = place {
        result["locations"] = json!([place]);
    }
    result
}

/// Turns what results are known by into fingerprints; equal content is numbered in its order.
fn number(results: &mut [Value]) -> Result<()> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for result in results {
        let slot = &mut result["partialFingerprints"][FINGERPRINT];
        let content = slot.as_str().context("a result without content")?;
        let digest = digest::short(content);
        let count = seen.entry(digest.clone()).or_default();
        *count += 1;
        *slot = json!(format!("{digest}:{count}"));
    }
    Ok(())
}

fn location(path: &[u8], line: Option<u32>) -> Value {
    let mut place = json!({"physicalLocation": {
        "artifactLocation": {"uri": encoded(path), "uriBaseId": "%SRCROOT%"},
    }});
    if let Some(line) = line.filter(|line| *line > 0) {
        place["physicalLocation"]["region"] = json!({"startLine": line});
    }
    place
}

/// A path as a relative reference (RFC 3986): everything but unreserved characters is percent-encoded.
fn encoded(path: &[u8]) -> String {
    let mut out = String::new();
    for byte in path {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(*byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A message in which brackets are no link and braces no placeholder (SARIF, 3.11.5 and 3.11.6).
fn message(text: &str) -> String {
    let mut out = String::new();
    for c in inert(text).chars() {
        match c {
            '[' | ']' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '{' | '}' => {
                out.push(c);
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{encoded, message};

    #[test]
    fn any_path_is_a_relative_reference() {
        assert_eq!(encoded(b"src/a b#c?d%\xff:e.rs"), "src/a%20b%23c%3Fd%25%FF%3Ae.rs");
        assert_eq!(encoded("ä/[x].rs".as_bytes()), "%C3%A4/%5Bx%5D.rs");
    }

    #[test]
    fn a_message_has_no_links_and_no_placeholders() {
        assert_eq!(message("[click](http://x) {0} \u{1b}[2J"), "\\[click\\](http://x) {{0}} ␛\\[2J");
    }
}
