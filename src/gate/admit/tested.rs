//! Whether what lands was tested: what the records on its tree say of the branch's test command.
//!
//! A record counts for exactly its tree, for the command and the setup of the target's own config, and only if it is
//! signed where verdicts have to be. Of several the newest counts.

use super::steps::Step;
use super::{BranchVerdicts, Candidate, New, Refusal};
use crate::domain::error::Result;
use crate::domain::policy::{Checks, Policy};
use crate::domain::text::shell::command_line;
use crate::domain::verdict::{TestCommand, TestRecord};
use crate::gate::store::Repo;
use gix::ObjectId;

/// What is known of a test command on a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    Unknown,
    Passed(TestRecord),
    Failed(TestRecord),
}

impl BranchVerdicts<'_> {
    /// What is known of that command on that tree.
    pub fn tested(&self, tree: ObjectId, test: &TestCommand) -> Result<Tested> {
        for record in self.notes()?.tests_on(tree)?.into_iter().rev().filter(|record| record.is_of(test)) {
            if self.is_proven(&record)? {
                return Ok(if record.passed() { Tested::Passed(record) } else { Tested::Failed(record) });
            }
        }
        Ok(Tested::Unknown)
    }

    /// The newest record of each command that failed on that tree.
    pub fn failed_tests(&self, tree: ObjectId) -> Result<Vec<TestRecord>> {
        let mut newest: Vec<TestRecord> = Vec::new();
        for record in self.notes()?.tests_on(tree)?.into_iter().rev() {
            let is_known = newest.iter().any(|known| known.command == record.command);
            if !is_known && self.is_proven(&record)? {
                newest.push(record);
            }
        }
        newest.retain(|record| !record.passed());
        Ok(newest)
    }

    fn is_proven(&self, record: &TestRecord) -> Result<bool> {
        if !self.policy().signed {
            return Ok(true);
        }
        let Some(signature) = &record.signature else { return Ok(false) };
        Ok(self.signers()?.check(signature, record.time, None, false)?.is_ok())
    }
}

/// Why the records on what would land keep it out; `None` if they do not.
pub(super) fn refusal(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    steps: &[Step],
) -> Result<Option<Refusal>> {
    let (Some(test), Some(last)) = (&policy.test, steps.last()) else { return Ok(None) };
    if repo.tree_of(candidate.old)? == last.tree || is_accepted(repo, candidate)? {
        return Ok(None);
    }
    let records = BranchVerdicts::new(repo, policy, &candidate.branch);
    let why = match (records.tested(last.tree, test)?, policy.checks) {
        (Tested::Passed(_), _) | (Tested::Unknown, Checks::Known) => return Ok(None),
        (Tested::Failed(record), _) => {
            let how = record.failure.as_deref().unwrap_or_default();
            format!("`{}` fails on what would land ({how}, on {})", test.command, record.host)
        }
        (Tested::Unknown, Checks::Require) => {
            format!("no test record says that `{}` passes on what would land", test.command)
        }
    };
    Ok(Some(Refusal { why, fix: vec![again(candidate, last.tree)], ..Refusal::default() }))
}

/// What a remote that guards the branch has let in needs no record here.
fn is_accepted(repo: &Repo, candidate: &Candidate) -> Result<bool> {
    match (candidate.new.commit(), candidate.accepted) {
        (Some(new), Some(accepted)) => repo.is_ancestor(new, accepted),
        _ => Ok(false),
    }
}

/// The command that tests exactly that.
fn again(candidate: &Candidate, tree: ObjectId) -> String {
    match &candidate.new {
        New::Tree { heads, .. } if heads.len() == 1 => {
            command_line!("git flow-ai test {} --onto {}", heads[0].to_hex_with_len(12), candidate.branch)
        }
        New::Tree { .. } => command_line!("git flow-ai test {}", tree.to_hex_with_len(12)),
        New::Commit(commit) => command_line!("git flow-ai test {}", commit.to_hex_with_len(12)),
    }
}
