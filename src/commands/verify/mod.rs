//! Did anything come into a protected branch past the gate?
//!
//! Hooks see neither `git branch -C`, nor another git library, nor a file that is written by hand. So
//! the last tip that the gate has let in is kept per branch, and compared with where the branch is now.
//! That receipt is not written by the hooks: what finds the branch elsewhere (this command, and each
//! start of a command that acts) asks the gate about the way from there, and moves the receipt on where
//! verdicts cover it. So it costs nothing while a branch moves, and proves more than that a hook ran.

mod branch;
mod glance;
mod surroundings;
mod way;

pub use branch::{BranchState, VerifiedBranch};
pub use glance::glance;

use crate::commands::receipts;
use crate::domain::error::{Result, fixes, messages};
use crate::domain::text::shell::command_line;
use crate::gate::check::{self, GateAnswer};
use crate::gate::store::{Branch, Repo};
use serde::Serialize;

/// The version of [`VerifyReport`] as JSON. Keys may be added to a version, never changed or taken away.
pub const VERSION: u32 = 1;

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// See [`VERSION`].
    pub version: u32,
    pub answer: GateAnswer,
    pub branches: Vec<VerifiedBranch>,
    /// What weakens the gate or bends what is seen, though nothing came in by it.
    pub notes: Vec<VerifyNote>,
}

/// One thing to know, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyNote {
    /// What it is, in one sentence.
    pub says: String,
    /// A command or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl VerifyReport {
    /// What is said where an error kept us from looking.
    pub fn from_error(error: &anyhow::Error) -> VerifyReport {
        let fix = fixes(error).next().map(str::to_owned);
        let notes = vec![VerifyNote { says: messages(error).join(": "), fix }];
        VerifyReport { version: VERSION, answer: GateAnswer::CannotTell, branches: Vec::new(), notes }
    }
}

/// Compares every protected branch with what the gate last let in, and looks around.
pub fn verify(repo: &Repo) -> Result<VerifyReport> {
    let mut branches = Vec::new();
    for name in receipts::branches(repo)? {
        branches.push(branch::verify(repo, &name).unwrap_or_else(|error| unknown(name, &error)));
    }
    if branches.is_empty() {
        branches.extend(elsewhere(repo)?);
    }
    let notes = surroundings::look(repo, &mut branches)?;
    let is = |wanted: fn(&BranchState) -> bool| branches.iter().any(|branch| wanted(&branch.state));
    let answer = if is(BranchState::is_wrong) {
        GateAnswer::No
    } else if is(|state| *state == BranchState::Unknown) {
        GateAnswer::CannotTell
    } else {
        GateAnswer::Yes
    };
    Ok(VerifyReport { version: VERSION, answer, branches, notes })
}

/// A branch that is protected on a remote and is not here, as in a clone that a machine makes: there is nothing to
/// compare, and nobody may think that nothing is protected.
fn elsewhere(repo: &Repo) -> Result<Option<VerifiedBranch>> {
    let Ok(Branch { name, remote: Some(remote) }) = check::target(repo) else { return Ok(None) };
    let full = Branch { name: name.clone(), remote: Some(remote.clone()) };
    let Some(tip) = full.tip(repo)? else { return Ok(None) };
    let is_protected = receipts::protects(repo, &name, tip);
    if matches!(is_protected, Ok(false)) {
        return Ok(None);
    }
    let says = match is_protected {
        Err(error) => messages(&error).join(": "),
        Ok(_) => format!(
            "`{name}` is protected on {remote}, and there is no branch of that name here, so nothing here can be \
             compared with it"
        ),
    };
    Ok(Some(VerifiedBranch {
        says,
        fix: vec![
            command_line!("to compare it, have it here: git branch {} {}", name, format!("{remote}/{name}")),
            command_line!("to ask about what is checked out: git flow-ai check --target {}", name),
        ],
        ..VerifiedBranch::new(name, BranchState::Unknown)
    }))
}

/// A branch about which an error stood in the way.
fn unknown(name: String, error: &anyhow::Error) -> VerifiedBranch {
    VerifiedBranch {
        says: messages(error).join(": "),
        fix: fixes(error).map(str::to_owned).collect(),
        ..VerifiedBranch::new(name, BranchState::Unknown)
    }
}
