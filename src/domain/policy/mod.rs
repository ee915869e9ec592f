//! What the gate demands: which branches, how many approvals, of whom, and what blocks.
//!
//! A policy is read from the *target* branch's tip, never from the incoming change or the working
//! tree: the judge reads the policy of the target, not of the accused.

mod branches;
mod files;
mod paths;
pub mod signers;
mod ssh_key;

pub use files::is_policy_file;

use crate::domain::change::Author;
use crate::domain::parse_units;
use crate::domain::rival::Rival;
use crate::domain::verdict::{Severity, TestCommand};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The `[gate]` section of the config. Every key has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The protected branches, by their short names or by patterns such as `release/*`. Default: `main` and
    /// `master`.
    pub branches: Vec<String>,
    /// Who may judge. Default: another vendor.
    pub rival: Rival,
    /// Whether a verdict counts only while the config names its reviewer with the model that gave it.
    /// Default: no, so that a newer model leaves the verdicts of the older one as they are.
    pub pin_model: bool,
    /// How many approvals, from distinct vendors, at least 1. Default: 1.
    #[serde(deserialize_with = "parse_units::at_least_one")]
    pub approvals: u32,
    /// How often one reviewer may be asked about one change: a later approval does not count. Default: no limit.
    pub max_asks: Option<NonZeroU32>,
    /// The severities that block. Default: P0 and P1.
    pub block: Vec<Severity>,
    /// Whether the merge hook obtains a missing review on the spot. Default: yes.
    pub review_on_merge: bool,
    /// Whether only records that a known person has signed count. Default: no.
    pub signed: bool,
    /// The file of the branch that names who may sign (`ssh-keygen(1)`, ALLOWED SIGNERS). Default:
    /// `.zenflow/allowed_signers`.
    pub allowed_signers: String,
    /// Whose waivers count, by address. Default: none.
    pub waivers: Vec<String>,
    /// Branches whose judged commits may be picked onto a protected one, exactly as they landed there: `main`
    /// for backports to releases. Default: none.
    pub accept_from: Vec<String>,
    /// What is demanded on top where certain paths change. Default: nothing.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
    /// Whether a tree has to be tested before it lands: `known` refuses only one whose test is known to have failed,
    /// `require` wants a record that it passed. Default: known.
    pub checks: Checks,
    /// The reviewers that the same config names: no other's verdict counts.
    #[serde(skip)]
    pub reviewers: Vec<Author>,
    /// The test command of the same config.
    #[serde(skip)]
    pub test: Option<TestCommand>,
}

/// Which test records the gate asks for. They are about exactly the tree that lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checks {
    /// A tree is let in unless its newest record says that it failed.
    #[default]
    Known,
    /// A tree is let in if its newest record says that it passed.
    Require,
}

/// `[[gate.rule]]`: what is demanded on top of the rest where one of these paths changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Paths, as in a `.gitignore`: `crypto/`, `*.lock`. Needed.
    pub paths: Vec<String>,
    /// How many approvals, from distinct vendors, at least 1. Default: as many as everywhere.
    #[serde(deserialize_with = "parse_units::some_count")]
    pub approvals: Option<u32>,
    /// Whether a person has to approve as well. Default: no.
    pub human: bool,
    /// How a verdict carries a change of these paths to another base: `clean`, or `exact`. Default: clean.
    pub carry: Carry,
}

/// How a verdict may carry a change of a path to another base than the one that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carry {
    /// By a clean merge, at the place that was shown.
    #[default]
    Clean,
    /// The file has to be before and after what it was when it was judged.
    Exact,
}

/// What one change needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Approvals of models, from distinct vendors.
    pub approvals: u32,
    /// A person's approval as well.
    pub human: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            branches: vec!["main".into(), "master".into()],
            rival: Rival::Vendor,
            pin_model: false,
            approvals: 1,
            max_asks: None,
            block: vec![Severity::P0, Severity::P1],
            review_on_merge: true,
            signed: false,
            allowed_signers: ".zenflow/allowed_signers".into(),
            waivers: Vec::new(),
            accept_from: Vec::new(),
            rules: Vec::new(),
            checks: Checks::Known,
            reviewers: Vec::new(),
            test: None,
        }
    }
}

impl Policy {
    /// Whether that branch (`main`, not `refs/heads/main`) is protected.
    pub fn protects(&self, branch: &str) -> bool {
        branches::protect(&self.branches, branch)
    }

    /// The name or pattern of protected branches that could not be made beside that one; `None` if there is none.
    pub fn kept_out_by(&self, branch: &str) -> Option<&str> {
        branches::kept_out_by(&self.branches, branch)
    }

    /// The protected branches that are named one by one, and not by a pattern.
    pub fn named_branches(&self) -> impl Iterator<Item = &str> {
        self.branches.iter().map(String::as_str).filter(|name| !branches::is_pattern(name))
    }

    /// Which of `branches` can mean no branch, and why.
    pub fn mistaken_branches(&self) -> impl Iterator<Item = (usize, String)> {
        self.branches.iter().enumerate().filter_map(|(at, name)| Some((at, branches::mistake(name)?)))
    }

    /// Whether the reviewer may judge what these authors made.
    pub fn is_rival(&self, reviewer: &Author, authors: &[Author]) -> bool {
        self.rival.may_judge(reviewer, authors)
    }

    /// Whether the config names that reviewer, by name and vendor. A person's word is not for the config to
    /// name.
    pub fn names(&self, reviewer: &Author) -> bool {
        reviewer.vendor.is_person() || self.named(reviewer).is_some()
    }

    /// Whether the config names that reviewer with another model, and that matters.
    pub fn has_other_model(&self, reviewer: &Author) -> bool {
        self.pin_model && self.named(reviewer).is_some_and(|named| !named.is_of_model(reviewer))
    }

    /// Whether so many earlier answers of a reviewer on a change are as many as it may give.
    pub fn was_asked_enough(&self, answers: u32) -> bool {
        self.max_asks.is_some_and(|most| answers >= most.get())
    }

    fn named(&self, reviewer: &Author) -> Option<&Author> {
        self.reviewers.iter().find(|named| named.name == reviewer.name && named.vendor == reviewer.vendor)
    }

    /// Whether that person's waivers count.
    pub fn may_waive(&self, person: &Author) -> bool {
        let address = person.address();
        person.vendor.is_person() && self.waivers.iter().any(|one| one.trim().eq_ignore_ascii_case(address))
    }

    /// Whether that path lands exactly as it was judged or not at all: a rule asks for it, or it is a
    /// policy file, the list of signers included.
    pub fn lands_exactly(&self, path: &[u8]) -> bool {
        let is_asked = |rule: &Rule| rule.carry == Carry::Exact && rule.concerns(&[path]);
        is_policy_file(path) || path == self.allowed_signers.as_bytes() || self.rules.iter().any(is_asked)
    }

    /// What every change needs, whatever its paths.
    pub fn base_demand(&self) -> Demand {
        Demand { approvals: self.approvals.max(1), human: false }
    }

    /// What a change of these paths needs: the most that any rule asks for.
    pub fn demand<P: AsRef<[u8]>>(&self, paths: &[P]) -> Demand {
        let mut demand = self.base_demand();
        for rule in self.rules.iter().filter(|rule| rule.concerns(paths)) {
            demand.approvals = demand.approvals.max(rule.approvals.unwrap_or(0));
            demand.human |= rule.human;
        }
        demand
    }

    /// The most that any rule can ask for: what a change needs whose paths cannot be told.
    pub fn strictest_demand(&self) -> Demand {
        let all = self.rules.iter();
        all.fold(self.base_demand(), |most, rule| Demand {
            approvals: most.approvals.max(rule.approvals.unwrap_or(0)),
            human: most.human || rule.human,
        })
    }
}

impl Rule {
    /// Which of `paths` means no path, and why.
    pub fn mistaken_paths(&self) -> impl Iterator<Item = (usize, String)> {
        self.paths.iter().enumerate().filter_map(|(at, pattern)| Some((at, paths::mistake(pattern)?)))
    }

    /// Whether one of these paths is meant, or stands where a pattern wants a folder: a link or another
    /// repository, through which its files change. A pattern that cannot be read means everything: doubt is
    /// refusal.
    pub fn concerns<P: AsRef<[u8]>>(&self, paths: &[P]) -> bool {
        match paths::Paths::new(&self.paths) {
            Some(meant) => paths.iter().any(|path| meant.mean(path.as_ref())),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_asks_for_more_where_its_paths_change() {
        let crypto =
            Rule { paths: vec!["crypto/**".into(), "*.lock".into()], approvals: Some(2), ..Rule::default() };
        let own = Rule { paths: vec![".zenflow/**".into()], human: true, ..Rule::default() };
        let policy = Policy { rules: vec![crypto, own], ..Policy::default() };
        let demand = |paths: &[&str]| policy.demand(paths);
        assert_eq!(demand(&["src/a.rs", "docs/crypto/a"]), Demand { approvals: 1, human: false });
        assert_eq!(demand(&["crypto/deep/a.rs"]), Demand { approvals: 2, human: false });
        assert_eq!(demand(&["Cargo.lock", ".zenflow/config.toml"]), Demand { approvals: 2, human: true });
        assert_eq!(demand(&["sub/Cargo.lock"]), Demand { approvals: 2, human: false });
        assert_eq!(policy.strictest_demand(), Demand { approvals: 2, human: true });
    }
}
