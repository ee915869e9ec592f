//! `git flow-ai merge`.

use crate::commands::hook::{HookAnswer, Refused};
use crate::commands::merge::{self, MergeState, Merged, Proposal};
use crate::domain::error::{Exit, Result};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::ui::args::trust::{TrustFlag, consent};
use crate::ui::report::{self, EventStyle, out, plain};
use crate::ui::runtime::block_on_watched;
use clap::Args;
use std::io::Write;
use std::rc::Rc;

/// Merge a spec's result through the gate
///
/// Asks the gate first: with a rival's verdict on the result (or on each of its tasks) the merge is
/// made at once, without network; without one a rival is asked during the merge, if the policy lets it.
/// Then the test command runs on what would land, unless that is on record. A refusal, a conflict or a
/// failure leaves everything as it was.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git flow-ai merge dark-mode
  git flow-ai merge             # the only spec whose result is ready")]
pub struct MergeArgs {
    /// The spec; without it, the only one whose result is ready
    slug: Option<Slug>,
    #[command(flatten)]
    trust: TrustFlag,
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
    let refused = match refused {
        None => tested(&repo, &proposal, &args)?,
        refused => refused,
    };
    if let Some(refused) = refused {
        report::refusal::print(&refused);
        return Ok(Exit::No);
    }
    print(&merge::merge(&repo, &proposal)?, args.json)?;
    Ok(Exit::Yes)
}

/// Tests what would land, unless that is on record; the refusal if it fails.
fn tested(repo: &Repo, proposal: &Proposal, args: &MergeArgs) -> Result<Option<Refused>> {
    let Some(subject) = merge::untested(repo, proposal)? else { return Ok(None) };
    consent(repo, subject.brings(), &args.trust)?;
    let own = Rc::new(Repo::discover()?);
    let outcome = block_on_watched(EventStyle::choose(args.json), async |events, stop| {
        subject.test(own, args.trust.is_given(), events, &stop).await
    })?;
    Ok(outcome.failure.map(|failure| merge::failed(proposal, &failure)))
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
