//! The decision on one change: a reviewer's verdict, a person's approval or waiver.
//!
//! A reviewer's decision follows from its findings: any P0 or P1 blocks, whatever the prose says. A
//! waiver is a person's decision that a change may enter without a rival's approval, and says why. The
//! proof of what a verdict is about is the pair of trees; the commit is only an index (see the gate's
//! admission by replay). Ids and times are parsed once, when a record is read ([`record`]).

mod envelope;
mod id;
mod kind;
pub mod record;
pub mod test_record;

pub use envelope::Signature;
pub use kind::Kind;
pub use record::Unreadable;
pub use test_record::{TestCommand, TestRecord};

use crate::domain::change::{Author, Change};
use gix::ObjectId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The notes ref that holds verdicts.
pub const NOTES_REF: &str = "refs/notes/flow-ai";

/// Yes, no, or yes in spite of that, to one change. The first two are Zenflow's words, which people know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    #[serde(rename = "APPROVE")]
    Approve,
    /// At least one finding blocks.
    #[serde(rename = "REQUEST CHANGES")]
    RequestChanges,
    /// A person lets it in without a rival's approval, for the reason that the summary gives.
    #[serde(rename = "WAIVE")]
    Waive,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Approve => "APPROVE",
            Decision::RequestChanges => "REQUEST CHANGES",
            Decision::Waive => "WAIVE",
        })
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Data loss, a security hole, does not work at all.
    P0,
    /// A bug that users will meet.
    P1,
    /// Should be mended, need not be now.
    P2,
    /// A matter of taste.
    P3,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// One thing that is wrong with a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The file, relative to the repository's root.
    pub path: String,
    /// The line in the head tree's version, from 1; none for the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    pub body: String,
    /// How it could be mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// What the reviewer was shown, so that anyone can see that the verdict is not vacuous.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shown {
    /// SHA-256 of the whole request, in hex; of several, of their hashes one after the other.
    pub sha256: String,
    /// Its size in bytes; of several, of all of them.
    pub bytes: u64,
    /// The changed files that the reviewer says it covered: all of them, or there is no verdict.
    pub files: Vec<String>,
    /// The requests, where the difference was too much for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ShownPart>,
    /// The commits that lead from base to head, where they were shown one by one beside the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<ShownWay>,
}

/// What the reviewer was shown of the commits between base and head: what they add and take away again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShownWay {
    /// The commits that were shown, each by what it changes: those that the head has and the base has not.
    #[serde(with = "id::list")]
    pub commits: Vec<ObjectId>,
    /// SHA-256 of what was shown of them, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// One request of several.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShownPart {
    /// SHA-256 of the request, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The files that it showed, whole or some hunks of one.
    pub files: Vec<String>,
}

impl Shown {
    /// Whether anything was shown, and the parts, where there are some, are of all the files and no other.
    pub fn is_whole(&self) -> bool {
        let all: BTreeSet<&String> = self.files.iter().collect();
        let in_parts: BTreeSet<&String> = self.parts.iter().flat_map(|part| &part.files).collect();
        let bytes = self.parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.bytes));
        let is_empty = |part: &ShownPart| part.bytes == 0 || part.files.is_empty();
        let parts_hold = || all == in_parts && bytes == self.bytes && !self.parts.iter().any(is_empty);
        self.bytes > 0 && (self.parts.is_empty() || parts_hold())
    }
}

/// The text of a spec that a change was judged for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// The spec, by its short name.
    pub spec: String,
    /// The id of the text: of a task, or of the spec as a whole.
    #[serde(with = "id")]
    pub text: ObjectId,
}

/// A verdict as it is stored. Self-contained, so that two clones' notes merge by union.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// A reviewer's follows from `findings` and the policy's blocking severities.
    pub decision: Decision,
    /// The tree that the change starts from. With `head_tree`, the proof.
    #[serde(with = "id")]
    pub base_tree: ObjectId,
    /// The tree that the change ends in.
    #[serde(with = "id")]
    pub head_tree: ObjectId,
    /// The commit that it starts from, where there is one; its tree is `base_tree`.
    #[serde(with = "id::optional", default, skip_serializing_if = "Option::is_none")]
    pub base_commit: Option<ObjectId>,
    /// The commit that carried it, where there is one. Its tree is `head_tree`, but where it was judged as it
    /// would land on `base_commit`.
    #[serde(with = "id::optional", default, skip_serializing_if = "Option::is_none")]
    pub head_commit: Option<ObjectId>,
    /// The branch it was meant for.
    pub target: String,
    /// Who made the change.
    pub authors: Vec<Author>,
    pub reviewer: Author,
    /// SHA-256 of the policy that it was judged under, in hex.
    pub policy: String,
    /// What the reviewer was shown.
    pub shown: Shown,
    /// What it was judged for; `None` if it belongs to no spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// How many answers of the same reviewer on the same change this one was asked for to replace.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again: u32,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The reviewer's own words, for people.
    pub summary: String,
    pub time: Timestamp,
    /// US dollars, where the reviewer reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Tokens in and out, where the reviewer reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<(u64, u64)>,
    /// The signature that it was read with; none where it was not signed.
    #[serde(skip)]
    pub signature: Option<Signature>,
}

impl Verdict {
    /// Whether it is about exactly this change.
    pub fn covers(&self, change: &Change) -> bool {
        (self.base_tree, self.head_tree) == (change.base_tree, change.head_tree)
    }

    /// How often its reviewer was asked about the change, where that was more than once: `asked 3 times`.
    pub fn asked(&self) -> Option<String> {
        (self.again > 0).then(|| format!("asked {} times", self.again.saturating_add(1)))
    }

    /// The commits that the reviewer was shown, one by one.
    pub fn commits(&self) -> &[ObjectId] {
        self.shown.way.as_ref().map_or(&[], |way| way.commits.as_slice())
    }

    /// Every object that it names.
    pub fn ids(&self) -> impl Iterator<Item = ObjectId> {
        let ends = [Some(self.base_tree), Some(self.head_tree), self.base_commit, self.head_commit];
        ends.into_iter().flatten().chain(self.commits().iter().copied())
    }

    /// The findings of the given severities.
    pub fn blocking<'a>(&'a self, block: &'a [Severity]) -> impl Iterator<Item = &'a Finding> {
        self.findings.iter().filter(move |finding| block.contains(&finding.severity))
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The decision that follows from findings: any of a blocking severity blocks.
pub fn decide(findings: &[Finding], block: &[Severity]) -> Decision {
    if findings.iter().any(|finding| block.contains(&finding.severity)) {
        Decision::RequestChanges
    } else {
        Decision::Approve
    }
}
