//! `git flow-ai merge`.

use crate::commands::hook::HookAnswer;
use crate::commands::merge::{self, MergeState, Merged};
use crate::domain::error::{Exit, Result};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::ui::report::{self, out, plain};
use clap::Args;
use std::io::Write;

/// Merge a spec's result through the gate
///
/// Asks the gate first: with a rival's verdict on the result (or on each of its tasks) the merge is
/// made at once, without network; without one a rival is asked on the spot, if the policy lets it. A
/// refusal, a conflict or a failure leaves everything as it was.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git flow-ai merge dark-mode
  git flow-ai merge             # the only spec whose result is ready")]
pub struct MergeArgs {
    /// The spec; without it, the only one whose result is ready
    slug: Option<Slug>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: MergeArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let proposal = match merge::find(&repo, args.slug.as_ref())? {
        MergeState::Ready(proposal) => proposal,
        MergeState::Done(merged) => {
            print(&merged, args.json)?;
            return Ok(Exit::Yes);
        }
    };
    let refused = match merge::ask(Repo::discover()?, &proposal)? {
        HookAnswer::Pass => None,
        HookAnswer::Refuse(refused) => Some(refused),
        HookAnswer::Review(pending) => super::hook::settle(*pending)?,
    };
    if let Some(refused) = refused {
        report::refusal::print(&refused);
        return Ok(Exit::No);
    }
    print(&merge::merge(&repo, &proposal)?, args.json)?;
    Ok(Exit::Yes)
}

fn print(merged: &Merged, json: bool) -> Result<()> {
    if json {
        return report::json(merged);
    }
    let Merged { spec, target, commit, reviewers, already } = merged;
    let text = if *already {
        format!("{spec} is in {target} already\n")
    } else {
        let by = if reviewers.is_empty() {
            String::new()
        } else {
            format!(", approved by {}", reviewers.join(", "))
        };
        format!("Merged {spec} into {target} at {}{}\n", report::short(commit), plain(&by))
    };
    Ok(out().write_all(text.as_bytes())?)
}
