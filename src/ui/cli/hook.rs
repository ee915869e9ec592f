//! `git flow-ai hook`: what the installed hooks call.
//!
//! Looking a verdict up needs neither runtime nor progress; both are made only when a rival is asked.

use crate::commands::hook::review::{self, Pending};
use crate::commands::hook::{self, HookAnswer, Refused};
use crate::domain::error::{Exit, Result};
use crate::ui::report::{EventStyle, refusal};
use crate::ui::runtime::block_on_watched;
use clap::Args;
use std::io::stdin;

/// Called by git's hooks
///
/// Exit status 0 lets git go on, 1 stops it, 2 stops it because nobody could tell.
#[derive(Debug, Args)]
pub struct HookArgs {
    /// The hook's name, for example `pre-commit`.
    name: String,
    /// What git gives to the hook; its input is read too.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub fn run(args: HookArgs) -> Result<Exit> {
    let refused = ask(&args).inspect_err(|error| {
        if Exit::from_error(error) != Exit::Interrupted {
            refusal::cannot_tell(&args.name);
        }
    })?;
    Ok(match refused {
        Some(refused) => {
            refusal::print(&refused);
            Exit::No
        }
        None => Exit::Yes,
    })
}

fn ask(args: &HookArgs) -> Result<Option<Refused>> {
    match hook::ask(&args.name, &args.args, stdin().lock())? {
        HookAnswer::Pass => Ok(None),
        HookAnswer::Refuse(refused) => Ok(Some(refused)),
        HookAnswer::Review(pending) => settle(*pending),
    }
}

/// Has a rival asked, with progress for the user who waits.
pub(super) fn settle(pending: Pending) -> Result<Option<Refused>> {
    block_on_watched(EventStyle::choose(false), async |events, stop| {
        review::settle(pending, events, &stop).await
    })
}
