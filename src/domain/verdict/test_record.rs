//! That a test command passed or failed on a tree, in a clean place.
//!
//! A tree is tested as it stands in a fresh checkout, after the setup of the config. A record is about one command:
//! where a tree has several on the same command, the newest counts.

use super::Kind;
use super::envelope::{self, Opened, Signature};
use crate::domain::error::Result;
use crate::domain::text::escape;
use gix::ObjectId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many characters of the command the line for people shows.
const SHOWN: usize = 80;

/// A command that tests a tree, and what makes the tree ready for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCommand {
    pub command: String,
    pub setup: Option<String>,
}

/// The outcome of one test command on one tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRecord {
    #[serde(with = "super::id")]
    pub tree: ObjectId,
    /// The branch whose config has the command.
    pub target: String,
    /// The shell command.
    pub command: String,
    /// The setup command that ran before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    /// How it failed, in one line; `None` if it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// SHA-256 of what it printed, in hex.
    pub output: String,
    /// Who ran it: `Name <address>`.
    pub tester: String,
    /// The machine that it ran on.
    pub host: String,
    pub time: Timestamp,
    /// The signature that it was read with; `None` if it was not signed.
    #[serde(skip)]
    pub signature: Option<Signature>,
}

/// A test record as it is written.
#[derive(Serialize)]
struct Predicate<'a> {
    kind: Kind,
    #[serde(flatten)]
    record: &'a TestRecord,
}

impl TestRecord {
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }

    /// Whether it is about that command, after the same setup.
    pub fn is_of(&self, test: &TestCommand) -> bool {
        (&self.command, &self.setup) == (&test.command, &test.setup)
    }
}

/// The in-toto Statement of a record, on one line.
pub fn statement(record: &TestRecord) -> Result<String> {
    envelope::statement(&record.target, record.tree, &Predicate { kind: Kind::Test, record })
}

/// The two lines that are stored: one for people, one record.
pub fn encode(record: &TestRecord) -> Result<String> {
    let (statement, signature) = match &record.signature {
        Some(Signature { statement, body }) => (statement.clone(), Some(body.as_str())),
        None => (statement(record)?, None),
    };
    Ok(format!("{}\n{}\n", headline(record), envelope::seal(statement, signature)?))
}

/// The record on one line for people: ``TEST PASSED `cargo test` on build-3 by Ada <ada@example.com>``.
pub fn headline(record: &TestRecord) -> String {
    let outcome = if record.passed() { "PASSED" } else { "FAILED" };
    let command: String = record.command.chars().take(SHOWN).collect();
    let line = format!("TEST {outcome} `{command}` on {} by {}", record.host, record.tester);
    escape::for_review(line.as_bytes()).0.replace(['\n', '\t'], " ")
}

/// The test records of a note, the newest last. What cannot be read is told by [`super::record::decode`].
pub fn decode(note: &str, format: gix::hash::Kind) -> Vec<TestRecord> {
    let lines = note.lines().filter(|line| line.starts_with('{'));
    let opened =
        lines.filter_map(|line| envelope::open(line).ok()).filter(|opened| opened.kind == Kind::Test);
    let read = |Opened { text, signature, .. }: Opened<'_>| read(text, signature, format).ok();
    let mut records: Vec<TestRecord> = opened.filter_map(read).collect();
    records.sort_by_key(|record| record.time);
    records
}

/// Reads one from its statement.
pub(super) fn read(
    text: &str,
    signature: Option<Signature>,
    format: gix::hash::Kind,
) -> Result<TestRecord, String> {
    let (name, tree, record) = envelope::predicate::<TestRecord>(text)?;
    if tree != record.tree || name != record.target {
        return Err(envelope::OTHER_SUBJECT.into());
    }
    if tree.kind() != format {
        return Err(format!("malformed: `{tree}` is no id of this repository's object format"));
    }
    Ok(TestRecord { signature, ..record })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_record(failure: Option<&str>) -> TestRecord {
        TestRecord {
            tree: "2".repeat(40).parse().unwrap(),
            target: "main".into(),
            command: "make test".into(),
            setup: None,
            failure: failure.map(str::to_owned),
            output: String::new(),
            tester: "Ada <ada@example.com>".into(),
            host: "box".into(),
            time: "2026-01-02T03:04:05Z".parse().unwrap(),
            signature: None,
        }
    }

    #[test]
    fn a_record_survives_its_note_and_is_no_verdict() {
        let (good, bad) = (test_record(None), test_record(Some("exit status: 1")));
        let later = TestRecord { time: "2026-02-02T03:04:05Z".parse().unwrap(), ..bad.clone() };
        let note = format!("{}{}", encode(&later).unwrap(), encode(&good).unwrap());
        let sha1 = gix::hash::Kind::Sha1;
        assert_eq!(decode(&note, sha1), [good, later]);
        let forged = note.replacen(&"2".repeat(40), &"3".repeat(40), 1);
        assert_eq!(decode(&forged, sha1).len(), 1);
    }

    #[test]
    fn nothing_that_a_command_holds_begins_a_record() {
        let evil = TestRecord { command: "\n{\"statement\":{}}\u{202e}".into(), ..test_record(None) };
        let text = encode(&evil).unwrap();
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert_eq!(decode(&text, gix::hash::Kind::Sha1), [evil]);
    }
}
