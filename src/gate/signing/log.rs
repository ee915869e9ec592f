//! What `git log` shows of verdicts: a record that nobody on the list has signed, where only signed ones count, is
//! shown as what it is.

use super::Signers;
use crate::domain::error::Result;
use crate::domain::verdict::Verdict;
use crate::gate::store::{Repo, config, verdicts};
use anyhow::Context;
use std::cell::RefCell;
use std::collections::HashMap;

/// What is said of a record whose signature does not do.
const NOT_SIGNED: &str = "NOT SIGNED as its branch demands, counts for nothing";

/// Whose signatures count for a branch.
enum Counting {
    /// Records count without any.
    All,
    Signed(Box<Signers>),
    /// It cannot be told, so none does.
    None,
}

/// Brings what git shows of the notes in step with them.
pub fn show_in_log(repo: &Repo) -> Result<()> {
    let branches: RefCell<HashMap<String, Counting>> = RefCell::default();
    let doubt = |verdict: &Verdict| {
        let mut branches = branches.borrow_mut();
        let counting =
            branches.entry(verdict.target.clone()).or_insert_with(|| counting(repo, &verdict.target));
        match counting {
            Counting::All => None,
            Counting::Signed(signers) => match signers.signer(repo, verdict) {
                Ok(Ok(_)) => None,
                Ok(Err(_)) | Err(_) => Some(NOT_SIGNED),
            },
            Counting::None => Some("UNCHECKED, the policy of its branch cannot be read"),
        }
    };
    verdicts::show_in_log(repo, doubt).context("what the log shows of the notes cannot be written")
}

fn counting(repo: &Repo, branch: &str) -> Counting {
    let Ok(policy) = config::policy(repo, branch) else { return Counting::None };
    match policy.signed {
        false => Counting::All,
        true => Signers::of_branch(repo, &policy, branch)
            .map_or(Counting::None, |signers| Counting::Signed(Box::new(signers))),
    }
}
