//! What a record in the notes is.

use super::{Decision, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a record is. `docs/verdicts.md` has the keys of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A reviewer's or a person's decision on a change.
    Verdict,
    /// A person lets a change in without a rival's approval.
    Waiver,
    /// A test command passed or failed on a tree.
    Test,
    /// A finding that somebody declines to follow, and why.
    Decline,
    /// Which acceptance criteria of a spec are met, with evidence.
    Acceptance,
}

impl Kind {
    pub(super) fn from_verdict(verdict: &Verdict) -> Kind {
        if verdict.decision == Decision::Waive { Kind::Waiver } else { Kind::Verdict }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
