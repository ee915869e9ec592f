//! What a person says of a change, on the command line: the flags of `review`, and what is printed.

use super::review::Told;
use crate::commands::human_review::{self, Said, Word};
use crate::domain::change::Change;
use crate::domain::error::{Exit, Result, hint};
use crate::domain::verdict::{Decision, Verdict, record};
use crate::gate::signing;
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;
use crate::gate::store::trees::Changed;
use crate::ui::report::{self, plain};
use clap::Args;
use std::io::Write;

/// A person's own verdict, in place of a model's.
#[derive(Debug, Args)]
pub struct PersonArgs {
    /// Approve it yourself: a person's own verdict, without asking a model
    #[arg(long, conflicts_with_all = ["request_changes", "reviewer", "again", "intent", "spec"])]
    approve: bool,

    /// Block it yourself until it is mended; say why with --message
    #[arg(long, requires = "message", conflicts_with_all = ["reviewer", "again", "intent", "spec"])]
    request_changes: bool,

    /// What you have to say of it
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,

    /// The file that your request for changes is about, where there are several
    #[arg(long, value_name = "PATH[:LINE]", requires = "request_changes")]
    on: Option<String>,
}

impl PersonArgs {
    /// What the person says; none where a model is to be asked.
    pub(super) fn word(&self) -> Result<Option<Word>> {
        let message = self.message.as_deref().map(str::trim);
        if !self.approve && !self.request_changes {
            return match message {
                Some(_) => Err(hint(
                    "--message says what a person thinks, and no model is asked with it",
                    "add --approve or --request-changes; for a model, --intent says what the change is for",
                )),
                None => Ok(None),
            };
        }
        if self.approve {
            let summary = message.filter(|text| !text.is_empty()).unwrap_or("Approved by a person.");
            return Ok(Some(Word::Approve(summary.to_owned())));
        }
        let body = said(message.unwrap_or_default(), "--message", "what is wrong")?;
        Ok(Some(Word::RequestChanges(body, self.on.as_deref().map(place))))
    }
}

/// A text that must say something.
pub(super) fn said(text: &str, flag: &str, what: &str) -> Result<String> {
    match text.trim() {
        "" => Err(hint(format!("{flag} is empty"), format!("say {what}, for those who read it later"))),
        text => Ok(text.to_owned()),
    }
}

/// `path:line`, or a path.
fn place(text: &str) -> (String, Option<u32>) {
    match text.rsplit_once(':').map(|(path, line)| (path, line.parse())) {
        Some((path, Ok(line))) => (path.to_owned(), Some(line)),
        _ => (text.to_owned(), None),
    }
}

/// Records what the person says, and tells what that means.
pub(super) fn speak(
    repo: &Repo,
    change: &Change,
    target: &str,
    loaded: &Loaded,
    word: Word,
    json: bool,
) -> Result<Exit> {
    let (verdict, changed) = match human_review::say(repo, change, target, loaded, word)? {
        Said::Recorded(verdict, changed) => (verdict, changed),
        Said::Already(verdict) => {
            if !json {
                writeln!(report::err(), "This very change has been waived already; nothing was recorded.")?;
            }
            (verdict, Vec::new())
        }
        Said::Refused { why, fix } => {
            if json {
                report::json(&Told { decision: None, verdicts: &[], reasons: &[why, fix] })?;
            } else {
                report::error(&hint(why, fix));
            }
            return Ok(Exit::No);
        }
    };
    if json {
        report::json(&Told { decision: Some(verdict.decision), verdicts: &[&verdict], reasons: &[] })?;
    } else {
        print(&verdict, &changed, change)?;
    }
    Ok(match verdict.decision {
        Decision::RequestChanges => Exit::No,
        Decision::Approve | Decision::Waive => Exit::Yes,
    })
}

fn print(verdict: &Verdict, changed: &[Changed], change: &Change) -> Result<()> {
    let mut out = report::out();
    writeln!(out, "{}", plain(&record::headline(verdict)))?;
    report::findings(&mut out, verdict, &[])?;
    for one in changed {
        writeln!(out, "  {} {}", one.status, plain(&one.display()))?;
    }
    let short = |id: &str| id.get(..10).unwrap_or(id).to_owned();
    let (from, to, target) = (short(&verdict.base_tree), short(&verdict.head_tree), plain(&verdict.target));
    let exactly = format!("exactly this change (from tree {from} to tree {to}, {})", plain(&change.title));
    match verdict.decision {
        Decision::Waive => writeln!(
            out,
            "This lets {exactly} into {target} without a rival's approval, in spite of what was said \
             before. What is said of it from now on counts again."
        )?,
        Decision::Approve => writeln!(
            out,
            "This is a person's approval of {exactly} for {target}. It stands beside the rivals', not for them."
        )?,
        Decision::RequestChanges => {
            writeln!(out, "This keeps {exactly} out of {target} until you approve it, or it is waived.")?
        }
    }
    match &verdict.signature {
        Some(_) => writeln!(out, "The record is signed.")?,
        None => writeln!(
            out,
            "The record is not signed: nothing proves that it is yours. {} would sign the next one.",
            signing::CONFIGURE
        )?,
    }
    Ok(())
}
