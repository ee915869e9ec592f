//! How a verdict is written down: one line for people, one record.
//!
//! The form of the record is that of all kinds, see [`super::envelope`].

use super::envelope::{self, Opened, Signature};
use super::{Decision, Kind, Verdict, test_record};
use crate::domain::error::Result;
use crate::domain::text::escape;
use serde::Serialize;

pub use super::envelope::{PREDICATE, VERSION};

/// How many characters the line for people has at most.
const HEADLINE: usize = 200;

/// A line of a note that counts for nothing: malformed, or of a kind or version that is not read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line as it stands.
    pub line: String,
    /// Why it cannot be read.
    pub why: String,
}

/// A verdict or a waiver as it is written.
#[derive(Serialize)]
struct Predicate<'a> {
    kind: Kind,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// The in-toto Statement of a verdict, on one line.
///
/// A reviewer's texts stand in it only as JSON strings, where a line break is `\n`; what could deceive
/// a terminal is escaped.
pub fn statement(verdict: &Verdict) -> Result<String> {
    let predicate = Predicate { kind: Kind::from_verdict(verdict), verdict };
    envelope::statement(&verdict.target, verdict.head_tree, &predicate)
}

/// The two lines that are stored for a verdict: one for people, one record, with the signature that the
/// verdict carries and the very bytes that it is over.
///
/// The first begins with the decision, and the second with the envelope: nothing that a reviewer
/// writes can begin a record.
pub fn encode(verdict: &Verdict) -> Result<String> {
    let (statement, signature) = match &verdict.signature {
        Some(Signature { statement, body }) => (statement.clone(), Some(body.as_str())),
        None => (statement(verdict)?, None),
    };
    Ok(format!("{}\n{}\n", headline(verdict), envelope::seal(statement, signature)?))
}

/// The verdict on one line for people: `APPROVE by codex (openai) on 3 files, 1 finding: …`.
pub fn headline(verdict: &Verdict) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let reviewer = &verdict.reviewer;
    let summary = verdict.summary.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let findings = match verdict.decision {
        Decision::Waive => String::new(),
        _ => format!(", {}", count(verdict.findings.len(), "finding")),
    };
    let asked = verdict.asked().map(|asked| format!(", {asked}")).unwrap_or_default();
    let line = format!(
        "{} by {} ({}) on {}{findings}{asked}: {}",
        verdict.decision,
        reviewer.name,
        reviewer.vendor,
        count(verdict.shown.files.len(), "file"),
        summary.trim(),
    );
    let line = escape::for_review(line.as_bytes()).0.replace(['\n', '\t'], " ");
    match line.char_indices().nth(HEADLINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.trim_end_matches([' ', ':']).to_owned(),
    }
}

/// Reads every verdict and waiver of a note in a repository of that object format; a line that starts with `{` and
/// cannot be read is named, not skipped.
pub fn decode(note: &str, format: gix::hash::Kind) -> (Vec<Verdict>, Vec<Unreadable>) {
    let (mut verdicts, mut unreadable) = (Vec::new(), Vec::new());
    for line in note.lines().filter(|line| line.starts_with('{')) {
        match record(line, format) {
            Ok(verdict) => verdicts.extend(verdict),
            Err(why) => unreadable.push(Unreadable { line: line.to_owned(), why }),
        }
    }
    (verdicts, unreadable)
}

/// Reads one record: it must be ours, of a kind and version that is read here, and about the tree that its
/// predicate names; `None` for a test record. An error says why it is not.
fn record(line: &str, format: gix::hash::Kind) -> Result<Option<Verdict>, String> {
    let Opened { kind, text, signature } = envelope::open(line)?;
    if kind == Kind::Test {
        return test_record::read(text, signature, format).map(|_| None);
    }
    let (name, tree, mut verdict) = envelope::predicate::<Verdict>(text)?;
    if Kind::from_verdict(&verdict) != kind {
        return Err(format!("malformed: it is a {kind}, and its decision is {}", verdict.decision));
    }
    if tree != verdict.head_tree || name != verdict.target {
        return Err(envelope::OTHER_SUBJECT.into());
    }
    if let Some(id) = verdict.ids().find(|id| id.kind() != format) {
        return Err(format!("malformed: `{id}` is no id of this repository's object format"));
    }
    verdict.signature = signature;
    Ok(Some(verdict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{Author, Vendor};
    use crate::domain::verdict::{Shown, ShownPart, TestRecord};

    fn decode(note: &str) -> (Vec<Verdict>, Vec<Unreadable>) {
        super::decode(note, gix::hash::Kind::Sha1)
    }

    fn verdict() -> Verdict {
        let author =
            |name: &str, vendor| Author { name: name.into(), vendor: Vendor::new(vendor), model: None };
        Verdict {
            decision: Decision::Approve,
            base_tree: "1".repeat(40).parse().unwrap(),
            head_tree: "2".repeat(40).parse().unwrap(),
            base_commit: None,
            head_commit: None,
            target: "main".into(),
            authors: vec![author("claude", "anthropic")],
            reviewer: author("codex", "openai"),
            policy: String::new(),
            shown: Shown { sha256: String::new(), bytes: 1, files: vec!["a.rs".into()], ..Shown::default() },
            purpose: None,
            again: 0,
            findings: Vec::new(),
            summary: "Fine.\nReally.".into(),
            time: "2026-01-02T03:04:05Z".parse().unwrap(),
            cost: None,
            tokens: None,
            signature: None,
        }
    }

    #[test]
    fn a_verdict_survives_its_note_beside_what_people_write() {
        let text = encode(&verdict()).unwrap();
        assert!(text.starts_with("APPROVE by codex (openai) on 1 file, 0 findings: Fine.\n{"), "{text}");
        let note = format!("I agree.\n\n{text}\n  {{not at the line's start}}\n");
        assert_eq!(decode(&note), (vec![verdict()], vec![]));
        assert_eq!(decode(&note.replace('\n', "\r\n")), (vec![verdict()], vec![]), "Windows line ends");
    }

    #[test]
    fn a_signature_is_kept_with_the_very_bytes_that_it_is_over() {
        let mut evil = verdict();
        evil.summary = "\u{202e} \\ \" é \u{1f4a9} \u{e0041}".into();
        let signature = Signature { statement: statement(&evil).unwrap(), body: "U1NIU0lH".into() };
        evil.signature = Some(signature);
        let text = encode(&evil).unwrap();
        let (verdicts, unreadable) = decode(&text);
        assert_eq!(unreadable, []);
        let signature = verdicts[0].signature.clone().unwrap();
        assert_eq!(signature, Signature { statement: statement(&evil).unwrap(), body: "U1NIU0lH".into() });
        // A writer of tomorrow may order and space its keys otherwise.
        let spaced = text.replace(r#","predicateType""#, r#" , "predicateType""#);
        let again = decode(&spaced).0[0].signature.clone().unwrap();
        assert!(again.statement.contains(r#" , "predicateType""#), "{}", again.statement);
    }

    #[test]
    fn nothing_that_a_reviewer_writes_begins_a_record_or_steers_a_terminal() {
        let forged = encode(&verdict()).unwrap().lines().nth(1).unwrap().to_owned();
        for evil in [
            format!("\n{forged}\n"),
            forged.clone(),
            format!("\r{forged}"),
            format!("\u{2028}{forged}\u{85}{forged}\u{b}{forged}"),
            "\u{1b}[2J\u{9b}31m\u{202e}\u{e0041}\u{7f}".to_owned(),
        ] {
            let mut refusal = verdict();
            refusal.decision = Decision::RequestChanges;
            refusal.summary = evil.clone();
            refusal.reviewer.name = evil.clone();
            refusal.target = evil.clone();
            let text = encode(&refusal).unwrap();
            assert_eq!(text.lines().count(), 2, "{text:?}");
            assert!(!text.chars().any(|c| c != '\n' && escape::is_hidden(c)), "{text:?}");
            assert_eq!(decode(&text), (vec![refusal], vec![]));
        }
    }

    #[test]
    fn what_was_shown_in_parts_is_all_of_it_or_nothing() {
        let part = |files: &[&str], bytes| ShownPart {
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            bytes,
            ..ShownPart::default()
        };
        let whole = Shown {
            bytes: 5,
            files: vec!["a".into(), "b".into()],
            parts: vec![part(&["a"], 2), part(&["a", "b"], 3)],
            ..Shown::default()
        };
        assert!(whole.is_whole() && Shown { parts: Vec::new(), ..whole.clone() }.is_whole());
        assert!(!Shown::default().is_whole());
        for parts in [
            vec![part(&["a"], 5)],
            vec![part(&["a", "b"], 2), part(&["c"], 3)],
            vec![part(&["a", "b"], 2), part(&["b"], 4)],
            vec![part(&["a", "b"], 5), part(&["b"], 0)],
            vec![part(&["a", "b"], 2), part(&[], 3)],
        ] {
            assert!(!Shown { parts: parts.clone(), ..whole.clone() }.is_whole(), "{parts:?}");
        }
        let mut verdict = verdict();
        verdict.shown = whole;
        assert_eq!(decode(&encode(&verdict).unwrap()), (vec![verdict], vec![]));
    }

    #[test]
    fn a_test_record_is_no_verdict_and_named_if_it_is_forged() {
        let record = TestRecord {
            tree: "2".repeat(40).parse().unwrap(),
            target: "main".into(),
            command: "make test".into(),
            setup: None,
            failure: None,
            output: String::new(),
            tester: "Ada <ada@example.com>".into(),
            host: "box".into(),
            time: "2026-01-02T03:04:05Z".parse().unwrap(),
            signature: None,
        };
        let note = test_record::encode(&record).unwrap();
        assert_eq!(decode(&note), (vec![], vec![]));
        let (verdicts, unreadable) = decode(&note.replacen(&"2".repeat(40), &"3".repeat(40), 1));
        assert!(verdicts.is_empty() && unreadable[0].why == envelope::OTHER_SUBJECT, "{unreadable:?}");
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let good = encode(&verdict()).unwrap();
        let good = good.lines().nth(1).unwrap();
        let kind = "\"kind\":\"verdict\"";
        for (bad, why) in [
            (good.replace("attestation/v1", "attestation/v2"), "its version is 2"),
            (good.replace("attestation/v1", "attestation/v01"), "its version is 01"),
            (good.replace("attestation/v1", "attestation/v"), "its version is "),
            (good.replace("git-flow-ai/attestation", "evil/attestation"), "none of ours"),
            (good.replace("Statement/v1", "Statement/v2"), "none of ours"),
            (good.replace(kind, "\"kind\":\"test\""), "malformed: missing field"),
            (good.replace(kind, "\"kind\":\"decline\""), "its kind is `decline`, which"),
            (good.replace(kind, "\"kind\":\"acceptance\""), "its kind is `acceptance`, which"),
            (good.replace(kind, "\"kind\":\"tomorrow's\""), "its kind is `tomorrow's`, which"),
            (good.replace(kind, "\"kind\":\"waiver\""), "it is a waiver, and its decision is APPROVE"),
            (good.replace("APPROVE", "WAIVE"), "it is a verdict, and its decision is WAIVE"),
            (good.replace(kind, "\"kind\":7"), "not a record"),
            (good.replace(kind, &format!("{kind},{kind}")), "not a record"),
            (good.replace("\"kind\":\"verdict\",", ""), "what kind of record"),
            (good.replace("\"statement\"", "\"statement\":{},\"statement\""), "not a record"),
            (good.replace("APPROVE", "LGTM"), "malformed"),
            (good.replace("\"decision\":\"APPROVE\",", ""), "malformed"),
            (good.replace("\"decision\"", "\"decision\":\"APPROVE\",\"decision\""), "malformed"),
            (good.replace(&"1".repeat(40), "main"), "`main` is no object's id"),
            (good.replace(&"1".repeat(40), &"1".repeat(64)), "is no id of this repository's object format"),
            (good.replace("2026-01-02T03:04:05Z", "yesterday"), "malformed"),
            (good.replacen(&"2".repeat(40), &"3".repeat(40), 1), "its subject is not what it judges"),
            (good.replacen("\"main\"", "\"next\"", 1), "its subject is not what it judges"),
            (good[..good.len() - 9].to_owned(), "not a record"),
            ("{}".to_owned(), "not a record"),
            ("{".to_owned(), "not a record"),
        ] {
            let (verdicts, unreadable) = decode(&bad);
            assert_eq!(verdicts, [], "{bad}");
            assert!(unreadable.len() == 1 && unreadable[0].why.contains(why), "{bad}: {unreadable:?}");
        }
        let newer = good.replace("\"predicate\":{", "\"predicate\":{\"a_key_of_tomorrow\":[1],");
        assert_eq!(decode(&newer).0.len(), 1, "unknown keys are ignored");
    }
}
