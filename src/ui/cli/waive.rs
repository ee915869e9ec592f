//! `git flow-ai waive`: a person lets a change in without a rival's approval, and says why.

use super::human_review::{said, speak};
use super::review::Told;
use super::subject::SubjectArgs;
use crate::commands::human_review::Word;
use crate::domain::error::{Exit, Result};
use crate::gate::store::{Repo, config};
use crate::ui::report::{self, plain};
use clap::Args;
use std::io::Write;

/// Let a change in without a rival's approval, and say why
///
/// A waiver lets in exactly the change that it was given for, wherever it is rebased or squashed to, and
/// answers what was said against it before; what is said afterwards counts again. It is kept in
/// refs/notes/flow-ai with the reason and your name, signed where you have a key. Only those may waive
/// whose addresses stand under `waivers` in the `gate` section of the target branch's config.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai waive topic --reason \"The reviewers are down, and this ends the outage\"
  git flow-ai waive --staged --reason \"A revert of what broke the build\"

Exit status: 0 waived, or nothing to waive; 1 you may not; 2 it could not be recorded.")]
pub struct WaiveArgs {
    #[command(flatten)]
    subject: SubjectArgs,

    /// Why, for those who read it later
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Print one JSON object, as `review` does
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: WaiveArgs) -> Result<Exit> {
    let json = args.json;
    super::review::told(json, waived(args))
}

fn waived(args: WaiveArgs) -> Result<Exit> {
    let reason = said(&args.reason, "--reason", "why it may enter unjudged")?;
    let repo = Repo::discover()?;
    let target = args.subject.target(&repo)?;
    let loaded = config::load(&repo, &target)?;
    let change = args.subject.change(&repo, &target)?;
    if change.is_empty() {
        let why = args.subject.nothing(&target);
        if args.json {
            let reasons = [format!("nothing to waive: {why}")];
            report::json(&Told { decision: None, verdicts: &[], reasons: &reasons })?;
        } else {
            writeln!(report::out(), "Nothing to waive: {}.", plain(&why))?;
        }
        return Ok(Exit::Yes);
    }
    speak(&repo, &change, &target, &loaded, Word::Waive(reason), args.json)
}
