//! A limit that an agent met.

use super::summary::short;
use crate::domain::event::LimitKind;
use crate::domain::{phrases, retry_time};
use jiff::Zoned;

/// A limit that an agent met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub kind: LimitKind,
    /// After how many seconds it passes, as far as the tool said.
    pub seconds: Option<u64>,
    /// What the tool said, on one line.
    pub why: String,
}

impl Limit {
    /// The limit that a fault reports.
    pub fn from_fault(fault: &str) -> Limit {
        Limit {
            kind: phrases::limit(fault).unwrap_or(LimitKind::Requests),
            seconds: retry_time::seconds(fault, &Zoned::now()),
            why: short(fault),
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.why)?;
        match self.seconds {
            Some(seconds) => write!(f, " (for {seconds} s more)"),
            None => Ok(()),
        }
    }
}
