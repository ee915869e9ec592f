//! The mark in the environment of everything that this process starts.
//!
//! It is random, so that a process which carries it after our death is ours: the next run finds and ends
//! what a killed one left.

use crate::domain::digest;
use crate::domain::error::Result;
use anyhow::Context;
use std::process::Command;
use std::sync::LazyLock;

/// The variable: words with dots between. First comes [`own_mark`], then the tree's; inside another tree
/// of ours both follow what that one was marked with.
pub const MARK: &str = "GIT_FLOW_AI_MARK";

/// The first word of the marks of everything that this process starts.
pub fn own_mark() -> Result<String> {
    static OWN: LazyLock<std::result::Result<String, getrandom::Error>> = LazyLock::new(random);
    OWN.clone().context("the system gives no random numbers")
}

/// Marks a short-lived command of ours, so that the next run finds it when it outlives this one.
pub fn mark(command: &mut Command) {
    // Without randomness no run has begun, whose death could leave it.
    if let Ok(mark) = next_mark() {
        command.env(MARK, mark);
    }
}

/// The mark of one more tree of processes.
pub fn next_mark() -> Result<String> {
    let outer = std::env::var(MARK).map(|outer| outer + ".").unwrap_or_default();
    let tree = random().context("the system gives no random numbers")?;
    Ok(format!("{outer}{}.{tree}", own_mark()?))
}

fn random() -> std::result::Result<String, getrandom::Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    Ok(digest::hex(&random))
}
