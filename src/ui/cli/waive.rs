//! `git flow-ai waive`: the user lets a change in without a rival's approval, and says why.

use crate::commands::selection::Selection;
use crate::commands::waive;
use crate::domain::error::{Exit, Result};
use crate::gate::store::Repo;
use crate::ui::args::human_review::not_empty;
use crate::ui::args::selection::SelectionArgs;
use crate::ui::report::review::{human, nothing, or_error_as_json};
use clap::Args;

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
    selection: SelectionArgs,

    /// Why, for those who read it later
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Print one JSON object, as `review` does
    #[arg(long)]
    json: bool,
}

pub fn run(args: WaiveArgs) -> Result<Exit> {
    let is_json = args.json;
    or_error_as_json(is_json, waive(args))
}

fn waive(args: WaiveArgs) -> Result<Exit> {
    // What a hint leaves blank is no reason, pasted as it is.
    let blank = |reason: &str| reason.trim().trim_matches('…').is_empty();
    let given = if blank(&args.reason) { "" } else { args.reason.as_str() };
    let reason = not_empty(given, "--reason", "why it may enter unjudged")?;
    let repo = Repo::discover()?;
    let selection = Selection::from(args.selection);
    let selected = selection.find(&repo)?;
    match waive::waive(&repo, &selected, reason)? {
        Some(said) => human(said, &selected.change, args.json),
        None => nothing("waive", &selection.why_empty(&selected.target), args.json),
    }
}
