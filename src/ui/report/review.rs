//! What `review` and `waive` print: verdicts of models and of people, and why there is none.

use super::{err, error, findings, json, out, plain};
use crate::commands::human_review::HumanReview;
use crate::domain::change::Change;
use crate::domain::error::{Exit, Interrupted, Result, fixes, hint, messages};
use crate::domain::verdict::{Decision, Verdict, record};
use crate::gate::signing;
use crate::gate::store::trees::Changed;
use serde::Serialize;
use std::io::Write;

/// What `--json` prints.
#[derive(Serialize)]
pub struct ReviewJson<'a> {
    /// `None` if there is no decision, or nothing to review.
    pub decision: Option<Decision>,
    /// The records as they are stored.
    pub verdicts: &'a [Verdict],
    pub reasons: &'a [String],
}

/// Prints an error as the object that a script asked for; without `--json` it stays an error.
pub fn or_error_as_json(is_json: bool, result: Result<Exit>) -> Result<Exit> {
    match result {
        Err(error) if is_json && !error.chain().any(|link| link.is::<Interrupted>()) => {
            let mut reasons = messages(&error);
            reasons.extend(fixes(&error).map(str::to_owned));
            json(&ReviewJson { decision: None, verdicts: &[], reasons: &reasons })?;
            Ok(Exit::CannotTell)
        }
        other => other,
    }
}

/// Prints that the change is empty: no reviewer is asked, and nothing is wrong.
pub fn nothing(verb: &str, why: &str, is_json: bool) -> Result<Exit> {
    if is_json {
        let reasons = [format!("nothing to {verb}: {why}")];
        json(&ReviewJson { decision: None, verdicts: &[], reasons: &reasons })?;
    } else {
        writeln!(out(), "Nothing to {verb}: {}.", plain(why))?;
    }
    Ok(Exit::Yes)
}

/// Prints what became of a person's verdict.
pub fn human(said: HumanReview, change: &Change, is_json: bool) -> Result<Exit> {
    let (verdict, changed) = match said {
        HumanReview::Recorded(verdict, changed) => (verdict, changed),
        HumanReview::AlreadyWaived(verdict) => {
            if !is_json {
                writeln!(err(), "This very change has been waived already; nothing was recorded.")?;
            }
            (verdict, Vec::new())
        }
        HumanReview::Refused { why, fix } => {
            if is_json {
                json(&ReviewJson { decision: None, verdicts: &[], reasons: &[why, fix] })?;
            } else {
                error(&hint(why, fix));
            }
            return Ok(Exit::No);
        }
    };
    if is_json {
        json(&ReviewJson {
            decision: Some(verdict.decision),
            verdicts: std::slice::from_ref(&*verdict),
            reasons: &[],
        })?;
    } else {
        human_verdict(&verdict, &changed, change)?;
    }
    Ok(match verdict.decision {
        Decision::RequestChanges => Exit::No,
        Decision::Approve | Decision::Waive => Exit::Yes,
    })
}

fn human_verdict(verdict: &Verdict, changed: &[Changed], change: &Change) -> Result<()> {
    let mut out = out();
    writeln!(out, "{}", plain(&record::headline(verdict)))?;
    findings(&mut out, verdict, &[])?;
    for one in changed {
        writeln!(out, "  {} {}", one.status, plain(&one.display()))?;
    }
    let in_the_end: Vec<String> = changed.iter().map(Changed::display).collect();
    // Of a waiver that was there before nothing is listed.
    let on_the_way = verdict.shown.files.iter().filter(|file| !in_the_end.contains(file));
    for file in on_the_way.take_while(|_| !changed.is_empty()) {
        writeln!(out, "  = {} (its commits change it and put it back)", plain(file))?;
    }
    let (from, to) = (verdict.base_tree.to_hex_with_len(10), verdict.head_tree.to_hex_with_len(10));
    let target = plain(&verdict.target);
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
            "Unverified. The record is not signed: nothing proves that it is yours. {} would sign the next one.",
            signing::CONFIGURE
        )?,
    }
    Ok(())
}
