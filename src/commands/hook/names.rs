//! The names of a branch: a symbolic ref is only another name for what it leads to, and moves with it.
//!
//! A chain of them (`a` → `b` → `main`, or `main` → `b` → `a`) is one branch. It is protected if one of its
//! names is, whichever of them is written to.

use crate::domain::error::{Result, hint};
use crate::domain::text::shell::command_line;
use crate::gate::store::{Repo, config};
use gix::ObjectId;

/// How long a chain of symbolic refs may be; git itself follows five.
const LONGEST_CHAIN: usize = 5;

/// The ref that moves when this one is written to.
pub(super) fn real(repo: &Repo, name: &str) -> Result<String> {
    let mut name = name.to_owned();
    for _ in 0..=LONGEST_CHAIN {
        match repo.symbolic_target(&name)? {
            Some(target) => name = target,
            None => return Ok(name),
        }
    }
    Err(hint(
        format!("{name} is a symbolic ref that leads nowhere"),
        command_line!("whoever keeps the repository removes it: git symbolic-ref --delete {}", name),
    ))
}

/// The branches that are only other names for that ref, by their short names.
fn others(repo: &Repo, real_name: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in repo.symbolic_refs("refs/heads/")? {
        // One that leads nowhere is nobody's name.
        if name != real_name
            && real(repo, &name).is_ok_and(|end| end == real_name)
            && let Some(branch) = name.strip_prefix("refs/heads/")
        {
            found.push(branch.to_owned());
        }
    }
    Ok(found)
}

/// The name under which a branch at that commit is protected: its own, or another of its names; its real one
/// if none is.
pub(super) fn protected(repo: &Repo, branch: &str, tip: ObjectId) -> Result<String> {
    let real_name = real(repo, &format!("refs/heads/{branch}"))?;
    // A policy that cannot be read is what the gate itself finds next.
    let policy = config::stated_policy(repo, tip).ok().flatten().unwrap_or_default();
    let own = real_name.strip_prefix("refs/heads/").unwrap_or(branch).to_owned();
    if policy.protects(&own) {
        return Ok(own);
    }
    Ok(others(repo, &real_name)?.into_iter().find(|other| policy.protects(other)).unwrap_or(own))
}

/// The other names that a branch which is not there yet would give its commit to.
pub(super) fn waiting(repo: &Repo, branch: &str) -> Result<Vec<String>> {
    others(repo, &format!("refs/heads/{branch}"))
}
