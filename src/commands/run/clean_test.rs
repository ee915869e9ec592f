//! Test commands in a clean checkout: a commit with nothing beside it but the setup's work and `run.copy`, whatever
//! else lies in the folder in which it was made.
//!
//! What they come to is recorded in the notes, by tree (see [`TestRecord`]): what passed is not run again, and what
//! failed is known to whoever would merge it.

use super::checkout::{Checkout, CheckoutContext, CheckoutEnd, NO_OVERLAY, failure, line_to};
use crate::agents::sandbox::config_command::ShellEnd;
use crate::agents::worktree::needs_own_files;
use crate::domain::digest;
use crate::domain::error::{Result, messages};
use crate::domain::event::Events;
use crate::domain::verdict::{Signature, TestCommand, TestRecord, test_record};
use crate::gate::admit::{BranchVerdicts, Tested};
use crate::gate::signing::SigningKey;
use crate::gate::store::{Repo, trees, verdicts};
use gix::ObjectId;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a command names that is not the same in each checkout.
const OF_A_TASK: &str = "GIT_FLOW_AI_";

/// The end of the names of clean checkouts, but for that of the result: no task's id has a dot.
const SUFFIX: &str = ".test";

/// What the clean checkout of a result is called, behind the spec's name.
pub const RESULT: &str = "result";

/// The name of the checkout in which `what` of a spec is tested.
pub fn name(slug: &str, what: &str) -> String {
    if what == RESULT { format!("{slug}.{RESULT}") } else { format!("{slug}.{what}{SUFFIX}") }
}

/// Whether a worktree that is called so, behind the spec's name, was a clean checkout.
pub fn is_name(id: &str) -> bool {
    id == RESULT || id.ends_with(SUFFIX)
}

/// What is tested, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Testing<'a> {
    /// The commit whose files are tested.
    pub commit: ObjectId,
    /// The branch whose config has the commands.
    pub target: &'a str,
    /// The commands, one after the other; the first failure ends it.
    pub commands: &'a [String],
    /// The variables that the commands get.
    pub env: &'a [(String, String)],
    /// The checkout's name.
    pub name: &'a str,
    /// Whether commands that passed on the same files before are run all the same.
    pub again: bool,
}

/// What testing came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestEnd {
    /// Every command passed, or there is none.
    Passed {
        /// The commit's tree with what the commands changed of its files; `None` if they changed none.
        rewritten: Option<ObjectId>,
    },
    /// One failed: how, with the last lines of what it printed.
    Failed(String),
    /// The setup failed, so that none was run: how.
    SetupFailed(String),
    /// We were told to stop.
    Stopped,
}

/// Tests a commit, and records what it came to.
pub async fn test(context: &CheckoutContext, testing: Testing<'_>, events: &Events) -> Result<TestEnd> {
    let tree = context.repo.tree_of(testing.commit)?;
    if testing.commands.is_empty() || (!testing.again && is_known_to_pass(context, testing, tree)) {
        return Ok(TestEnd::Passed { rewritten: None });
    }
    let mut worktrees = context.worktrees.clone();
    loop {
        let made = Checkout::make(context, &worktrees, testing.name, testing.commit, testing.env, events);
        let checkout = match made.await? {
            CheckoutEnd::Ready(checkout) => checkout,
            CheckoutEnd::SetupFailed(how) => return Ok(TestEnd::SetupFailed(how)),
            CheckoutEnd::Stopped => return Ok(TestEnd::Stopped),
        };
        let is_overlay = checkout.is_overlay();
        let tested = commands(context, testing, &checkout, tree, events).await;
        checkout.give_up().await?;
        match &tested {
            Ok(TestEnd::Failed(how)) if is_overlay && needs_own_files(how) => {
                events.progress(NO_OVERLAY);
                worktrees = worktrees.without_layers();
            }
            _ => return tested,
        }
    }
}

/// Whether records that count say of each command that it passes. What is unknown is run.
fn is_known_to_pass(context: &CheckoutContext, testing: Testing<'_>, tree: ObjectId) -> bool {
    let records = BranchVerdicts::new(&context.repo, &context.policy, testing.target);
    testing.commands.iter().all(|command| {
        let test = TestCommand { command: command.clone(), setup: context.config.setup.clone() };
        !command.contains(OF_A_TASK) && matches!(records.tested(tree, &test), Ok(Tested::Passed(_)))
    })
}

async fn commands(
    context: &CheckoutContext,
    testing: Testing<'_>,
    checkout: &Checkout,
    tree: ObjectId,
    events: &Events,
) -> Result<TestEnd> {
    for command in testing.commands {
        let (mut show, digest) = (line_to(events), RefCell::new(Sha256::new()));
        let line = |line: &str| {
            digest.borrow_mut().update(line.as_bytes());
            digest.borrow_mut().update(b"\n");
            show(line);
        };
        let end = checkout.shell(context, command, testing.env, line).await?;
        let how = failure(command, &end);
        if end == ShellEnd::Stopped {
            return Ok(TestEnd::Stopped);
        }
        let overlay_only = how.as_deref().is_some_and(needs_own_files) && checkout.is_overlay();
        if !overlay_only {
            record(context, testing, tree, command, how.as_deref(), digest.into_inner(), events);
        }
        if let Some(how) = how {
            return Ok(TestEnd::Failed(how));
        }
    }
    let after = checkout.collect().await?.tree;
    Ok(TestEnd::Passed { rewritten: rewritten(&context.repo, tree, after)? })
}

/// The tree with those of its files changed that are there after the commands: a formatter's work. What is new, or
/// gone, was left by the commands, and is nobody's.
fn rewritten(repo: &Repo, tree: ObjectId, after: ObjectId) -> Result<Option<ObjectId>> {
    let changed = trees::changed(repo, tree, after)?;
    let rewritten = changed.into_iter().filter(|one| one.old.is_some() && one.new.is_some());
    let rewritten: BTreeMap<_, _> = rewritten.map(|one| (one.path, one.new)).collect();
    Ok(if rewritten.is_empty() { None } else { Some(trees::edit(repo, tree, &rewritten)?) })
}

/// Records the outcome. What cannot be recorded is run again where it is asked for.
fn record(
    context: &CheckoutContext,
    testing: Testing<'_>,
    tree: ObjectId,
    command: &str,
    how: Option<&str>,
    output: Sha256,
    events: &Events,
) {
    let write = || {
        let mut record = TestRecord {
            tree,
            target: testing.target.to_owned(),
            command: command.to_owned(),
            setup: context.config.setup.clone(),
            failure: how.map(|how| how.lines().next().unwrap_or_default().to_owned()),
            output: digest::finish(output),
            tester: context.repo.identity()?,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            time: Timestamp::now(),
            signature: None,
        };
        if let Some(key) = SigningKey::configured(&context.repo)? {
            let statement = test_record::statement(&record)?;
            let body = key.sign(&statement)?;
            record.signature = Some(Signature { statement, body });
        }
        verdicts::append_test(&context.repo, &record)
    };
    if let Err(error) = write() {
        events.warn(format!("the test is not recorded: {}", messages(&error).join("; ")));
    }
}
