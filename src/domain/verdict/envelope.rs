//! The form that all records have: one line of JSON, so that git's `cat_sort_uniq` merge of notes is right.
//!
//! It is an [in-toto Statement](https://github.com/in-toto/attestation/tree/main/spec/v1) whose subject is the
//! tree that it is about, and a signature over the bytes of the statement as they stand in the line. What
//! a record says it is, its [`Kind`] and its version, stands in the statement, so that it is signed too.
//! Readers ignore unknown keys. They skip records of a kind or a version that they do not know, and say so.

use super::Kind;
use crate::domain::error::Result;
use crate::domain::text::escape;
use anyhow::Context;
use gix::ObjectId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the records that this program writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// What a Statement says it is (`_type`).
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// What the predicates of ours say they are, before their version.
pub const PREDICATE: &str = "https://github.com/git-flow-ai/git-flow-ai/attestation/v";

/// Why a record is malformed whose subject and predicate are about two things.
pub(super) const OTHER_SUBJECT: &str = "malformed: its subject is not what it judges";

/// A signature as it was read, with what it is over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The statement, byte for byte.
    pub statement: String,
    /// An SSH signature (`PROTOCOL.sshsig`): the armour's body without line breaks.
    pub body: String,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    statement: &'a RawValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement<Predicate> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Digest {
    #[serde(with = "super::id")]
    git_tree: ObjectId,
}

/// What a record of any version says it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(rename = "_type")]
    statement_type: String,
    predicate_type: String,
    predicate: Kinded,
}

#[derive(Deserialize)]
struct Kinded {
    kind: Option<String>,
}

/// A record whose kind is known.
pub(super) struct Opened<'a> {
    pub kind: Kind,
    /// The statement, byte for byte.
    pub text: &'a str,
    pub signature: Option<Signature>,
}

/// The Statement about that tree, on one line; `name` is the branch that it is for.
///
/// Texts of others stand in it only as JSON strings, where a line break is `\n`; what could deceive
/// a terminal is escaped.
pub(super) fn statement(name: &str, tree: ObjectId, predicate: &impl Serialize) -> Result<String> {
    let statement = Statement {
        kind: STATEMENT.to_owned(),
        subject: vec![Subject { name: name.to_owned(), digest: Digest { git_tree: tree } }],
        predicate_type: format!("{PREDICATE}{VERSION}"),
        predicate,
    };
    let mut text = String::new();
    for c in serde_json::to_string(&statement)?.chars() {
        if escape::is_hidden(c) {
            let mut units = [0; 2];
            text.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            text.push(c);
        }
    }
    Ok(text)
}

/// The line of a record.
pub(super) fn seal(statement: String, signature: Option<&str>) -> Result<String> {
    let statement = RawValue::from_string(statement).context("a record that is no JSON")?;
    Ok(serde_json::to_string(&Envelope { statement: &statement, signature })?)
}

/// Takes a line apart that says it is a record of ours; an error says why it cannot be read.
pub(super) fn open(line: &str) -> Result<Opened<'_>, String> {
    let not_a_record = |error: serde_json::Error| format!("not a record: {error}");
    let envelope: Envelope<'_> = serde_json::from_str(line).map_err(not_a_record)?;
    let text = envelope.statement.get();
    let kind = kind(&serde_json::from_str(text).map_err(not_a_record)?)?;
    let signature =
        envelope.signature.map(|body| Signature { statement: text.to_owned(), body: body.to_owned() });
    Ok(Opened { kind, text, signature })
}

/// The name and the tree of a statement's only subject, and its predicate.
pub(super) fn predicate<P: DeserializeOwned>(text: &str) -> Result<(String, ObjectId, P), String> {
    let statement: Statement<P> =
        serde_json::from_str(text).map_err(|error| format!("malformed: {error}"))?;
    match <[Subject; 1]>::try_from(statement.subject) {
        Ok([only]) => Ok((only.name, only.digest.git_tree, statement.predicate)),
        Err(_) => Err(OTHER_SUBJECT.into()),
    }
}

/// The kind of a record, if it is one that is read here.
fn kind(header: &Header) -> Result<Kind, String> {
    let Header { statement_type, predicate_type, predicate } = header;
    let version = predicate_type.strip_prefix(PREDICATE).filter(|_| statement_type == STATEMENT);
    match version {
        Some(version) if version == VERSION.to_string() => {}
        Some(version) => {
            return Err(format!("its version is {version}, and this program reads only {VERSION}"));
        }
        None => return Err(format!("its predicate is `{predicate_type}`, which is none of ours")),
    }
    let Some(name) = predicate.kind.as_deref() else {
        return Err("malformed: it does not say what kind of record it is".into());
    };
    match serde_json::from_value(name.into()) {
        Ok(kind @ (Kind::Verdict | Kind::Waiver | Kind::Test)) => Ok(kind),
        Ok(Kind::Decline | Kind::Acceptance) | Err(_) => {
            Err(format!("its kind is `{name}`, which this program does not read"))
        }
    }
}
