//! What the gate demands: which branches, how many approvals, of whom, and what blocks.
//!
//! A policy is read from the *target* branch's tip, never from the incoming change or the working
//! tree: the judge reads the law of the land, not of the accused.

use crate::change::{Author, Vendor};
use crate::verdict::Severity;
use serde::{Deserialize, Serialize};

/// Who may judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rival {
    /// Another vendor than any author's.
    #[default]
    Vendor,
    /// Another model than any author's.
    Model,
    /// Anybody, even the author's own model in a fresh session.
    Any,
}

/// The `[gate]` section of the config. Every key has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The protected branches, by their short names. Default: `main` and `master`.
    pub branches: Vec<String>,
    /// Who may judge. Default: another vendor.
    pub rival: Rival,
    /// How many approvals, from distinct vendors, at least 1. Default: 1.
    #[serde(deserialize_with = "crate::config::at_least_one")]
    pub approvals: u32,
    /// The severities that block. Default: P0 and P1.
    pub block: Vec<Severity>,
    /// Whether the merge hook obtains a missing review on the spot. Default: yes.
    pub review_on_merge: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            branches: vec!["main".into(), "master".into()],
            rival: Rival::Vendor,
            approvals: 1,
            block: vec![Severity::P0, Severity::P1],
            review_on_merge: true,
        }
    }
}

impl Policy {
    /// Whether that branch (`main`, not `refs/heads/main`) is protected.
    pub fn protects(&self, branch: &str) -> bool {
        self.branches.iter().any(|protected| protected == branch)
    }

    /// Whether the reviewer may judge what these authors made.
    pub fn is_rival(&self, reviewer: &Author, authors: &[Author]) -> bool {
        match self.rival {
            Rival::Vendor => authors.iter().all(|author| author.vendor != reviewer.vendor),
            Rival::Model => authors.iter().all(|author| {
                author.vendor != reviewer.vendor
                    || (author.model.is_some() && reviewer.model.is_some() && author.model != reviewer.model)
            }),
            Rival::Any => true,
        }
    }

    /// Whether reviewers of these vendors are enough.
    pub fn is_enough(&self, approving: &[Vendor]) -> bool {
        let mut vendors: Vec<&Vendor> = approving.iter().collect();
        vendors.sort();
        vendors.dedup();
        vendors.len() >= self.approvals.max(1) as usize
    }
}
