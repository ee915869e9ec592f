//! `git flow-ai test`.

use crate::commands::test::{Outcome, Subject};
use crate::domain::error::{Exit, Result};
use crate::gate::store::Repo;
use crate::ui::args::trust::{TrustFlag, consent};
use crate::ui::report::{self, EventStyle, out, plain};
use crate::ui::runtime::block_on_watched;
use clap::Args;
use std::io::Write;
use std::rc::Rc;

/// Run the test command on a commit, and record whether it passes
///
/// The command is `run.verify` of the target branch's config. It runs in a clean checkout of the commit,
/// after `run.setup`. The record stands in the notes, bound to the commit's files: a merge of exactly
/// these files needs no second test, and one that is known to fail is refused. With
/// `gate.checks = "require"` nothing lands without a record that it passed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git flow-ai test                          # HEAD
  git flow-ai test topic --onto main        # what main would be")]
pub struct TestArgs {
    /// The commit
    #[arg(default_value = "HEAD")]
    revision: String,
    /// Test it as it would be merged into that branch
    #[arg(long, value_name = "BRANCH")]
    onto: Option<String>,
    #[command(flatten)]
    trust: TrustFlag,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: TestArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let subject = Subject::find(&repo, &args.revision, args.onto.as_deref())?;
    consent(&repo, subject.brings(), &args.trust)?;
    let repo = Rc::new(repo);
    let outcome = block_on_watched(EventStyle::choose(args.json), async |events, stop| {
        subject.test(repo, args.trust.is_given(), events, &stop).await
    })?;
    match args.json {
        true => report::json(&outcome)?,
        false => out().write_all(plain(&text(&outcome)).as_bytes())?,
    }
    Ok(if outcome.failure.is_none() { Exit::Yes } else { Exit::No })
}

/// What a test came to, for people.
pub fn text(outcome: &Outcome) -> String {
    let Outcome { what, command, failure, rewrites, .. } = outcome;
    match failure {
        Some(how) => format!("{what} fails: {how}\n"),
        None if *rewrites => {
            format!("{what} passes `{command}`, which changes files of the project that are not committed\n")
        }
        None => format!("{what} passes `{command}`\n"),
    }
}
