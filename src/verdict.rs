//! A reviewer's decision on one change, and the record that keeps it.
//!
//! The decision follows from the findings: any P0 or P1 blocks, whatever the prose says. One record
//! is one line of JSON, after a short line for people, so that git's `cat_sort_uniq` notes merge is
//! right. Readers ignore unknown keys, never unknown versions. The proof is the pair of trees; the
//! commit is only an index (see the gate's admission by replay).

use crate::change::{Author, Change};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of [`Verdict`] that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// The notes ref that holds verdicts.
pub const NOTES_REF: &str = "refs/notes/flow-ai";

/// Yes or no to one change. Zenflow's two words, which people know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// No finding blocks.
    #[serde(rename = "APPROVE")]
    Approve,
    /// At least one finding blocks.
    #[serde(rename = "REQUEST CHANGES")]
    RequestChanges,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Approve => "APPROVE",
            Decision::RequestChanges => "REQUEST CHANGES",
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
    /// What is wrong.
    pub body: String,
    /// How it could be mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// What the reviewer was shown, so that anyone can see that the verdict is not vacuous.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// SHA-256 of the whole request, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The changed files that the reviewer says it covered: all of them, or there is no verdict.
    pub files: Vec<String>,
}

/// A verdict as it is stored. Self-contained, so that two clones' notes merge by union.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// See [`VERSION`].
    pub version: u32,
    /// Follows from `findings` and the policy's blocking severities.
    pub decision: Decision,
    /// The tree that the change starts from, in hex. With `head_tree`, the proof.
    pub base_tree: String,
    /// The tree that the change ends in, in hex.
    pub head_tree: String,
    /// The commit that carried it, in hex; an index only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_commit: Option<String>,
    /// The branch it was meant for.
    pub target: String,
    /// Who made the change.
    pub authors: Vec<Author>,
    /// Who judged it.
    pub reviewer: Author,
    /// SHA-256 of the policy that it was judged under, in hex.
    pub policy: String,
    /// What the reviewer was shown.
    pub shown: Shown,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The reviewer's own words, for people.
    pub summary: String,
    /// When, as RFC 3339 in UTC.
    pub time: String,
    /// US dollars, where the reviewer reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Tokens in and out, where the reviewer reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<(u64, u64)>,
}

impl Verdict {
    /// Whether it is about exactly this change.
    pub fn covers(&self, change: &Change) -> bool {
        self.base_tree == change.base_tree.to_string() && self.head_tree == change.head_tree.to_string()
    }

    /// Whether its reviewer's vendor is none of the vendors of its authors.
    pub fn is_rival(&self) -> bool {
        self.authors.iter().all(|author| author.vendor != self.reviewer.vendor)
    }

    /// The findings of the given severities.
    pub fn blocking<'a>(&'a self, block: &'a [Severity]) -> impl Iterator<Item = &'a Finding> {
        self.findings.iter().filter(move |finding| block.contains(&finding.severity))
    }
}

/// The decision that follows from findings: any of a blocking severity blocks.
pub fn decide(findings: &[Finding], block: &[Severity]) -> Decision {
    if findings.iter().any(|finding| block.contains(&finding.severity)) {
        Decision::RequestChanges
    } else {
        Decision::Approve
    }
}

/// A line of a note that could not be told: malformed, or of a version we do not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line as it stands.
    pub line: String,
    /// Why it cannot be told.
    pub why: String,
}

/// The two lines that are stored for a verdict: one for people, one record.
pub fn encode(verdict: &Verdict) -> Result<String> {
    let _ = verdict;
    todo!("store helper")
}

/// Reads every record of a note; a line that starts with `{` and cannot be told is named, not skipped.
pub fn decode(note: &str) -> (Vec<Verdict>, Vec<Unreadable>) {
    let _ = note;
    todo!("store helper")
}
