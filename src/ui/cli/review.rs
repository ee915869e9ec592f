//! `git flow-ai review`: a rival's review of any change, on request.

use crate::agents::trust::{self, Purpose};
use crate::commands::human_review;
use crate::commands::review::{self, Earlier, Intent, ReviewOptions, Reviewed};
use crate::commands::selection::Selected;
use crate::domain::error::{Exit, Result, hint};
use crate::domain::spec::Slug;
use crate::domain::verdict::{Decision, record};
use crate::gate::store::Repo;
use crate::ui::args::human_review::HumanReviewArgs;
use crate::ui::args::input;
use crate::ui::args::selection::SelectionArgs;
use crate::ui::args::trust::{TrustFlag, consent};
use crate::ui::report::review::{ReviewJson, human, nothing, or_error_as_json};
use crate::ui::report::{self, EventStyle};
use crate::ui::runtime::block_on_watched;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Have a rival review a change
///
/// The reviewer is of another vendor than everybody who made the change (see `gate.rival` in the
/// config). It is shown the whole difference between the two trees, what the change is meant to do,
/// and the changed files as far as `review.budget` goes. A difference that is longer than that is read
/// in parts, by a request each. Where the target could not take the change in from its own base, it is
/// judged as it would land on the target's tip. Commits of several vendors that no reviewer is
/// independent of are judged one after the other. The verdict follows from the findings and is kept in
/// refs/notes/flow-ai.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai review                           what HEAD adds to the target branch
  git flow-ai review main..topic --json        a range, for a script
  git flow-ai review --staged --author claude  what is about to be committed, and who wrote it
  git flow-ai review topic --reviewer codex    by this one of the config's reviewers
  git flow-ai review topic --approve           by yourself: a person's approval, no model's

Exit status: 0 approved, or nothing to review; 1 changes requested; 2 cannot tell; 130 interrupted.")]
pub struct ReviewArgs {
    #[command(flatten)]
    selection: SelectionArgs,

    /// Ask this reviewer of the config; it must be a rival
    #[arg(long, value_name = "NAME")]
    reviewer: Option<String>,

    #[command(flatten)]
    human_review: HumanReviewArgs,

    /// A file that says what the change is meant to do; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "spec")]
    intent: Option<PathBuf>,

    /// The spec that the change carries out; on its own branches it is known without
    #[arg(long, value_name = "SLUG")]
    spec: Option<Slug>,

    /// An agent, model or vendor that had a hand in the change, besides those it names itself
    #[arg(long = "author", value_name = "AGENT|TOOL:MODEL|VENDOR")]
    authors: Vec<String>,

    /// Ask again, even if the change has been judged
    #[arg(long)]
    again: bool,

    #[command(flatten)]
    trust: TrustFlag,

    /// Print one JSON object: the decision, the verdicts, and the reasons when there is none
    #[arg(long)]
    json: bool,
}

pub fn run(args: ReviewArgs) -> Result<Exit> {
    let is_json = args.json;
    or_error_as_json(is_json, run_review(args))
}

fn run_review(args: ReviewArgs) -> Result<Exit> {
    let decision = args.human_review.decision()?;
    let repo = Repo::discover()?;
    let options = ReviewOptions {
        selection: args.selection.into(),
        authors: args.authors,
        spec: args.spec,
        reviewer: args.reviewer,
    };
    let selected = options.select(&repo)?;
    let Selected { change, target, loaded, .. } = &selected;
    if change.is_empty() {
        return nothing("review", &options.selection.why_empty(target), args.json);
    }
    if let Some(decision) = decision {
        return human(human_review::record(&repo, change, target, loaded, decision)?, change, args.json);
    }
    let earlier = Earlier::find(&repo, &selected)?;
    if !args.again
        && options.reviewer.is_none()
        && let Some(reviewed) = earlier.decided(&selected)
    {
        if !args.json {
            writeln!(report::err(), "This very change has been judged already; --again asks again.")?;
        }
        return print(&reviewed, &selected, args.json);
    }
    if !args.again
        && options.reviewer.is_none()
        && let Some(verdicts) = review::let_in_already(&repo, &selected)?
    {
        if !args.json {
            writeln!(
                report::err(),
                "The gate of `{}` lets this in already; --again asks again.",
                report::plain(target)
            )?;
        }
        let decision = Some(Decision::Approve);
        let reviewed = Reviewed { decision, verdicts, reasons: Vec::new(), transcript: None };
        return print(&reviewed, &selected, args.json);
    }
    if let Some(landing) = selected.landing.as_ref().filter(|_| !args.json) {
        writeln!(
            report::err(),
            "It is judged as it would land on `{}` at {}: by itself, {}.",
            report::plain(target),
            landing.tip.to_hex_with_len(10),
            report::plain(&landing.why)
        )?;
    }
    consent(&repo, trust::config_items(&loaded.brought, Purpose::Review), &args.trust)?;
    let intent = match &args.intent {
        Some(file) => {
            let text = String::from_utf8_lossy(&input::read(file, "--intent")?).into_owned();
            Intent { text, purpose: None }
        }
        None => {
            let (intent, warning) = options.intent(&repo, change)?;
            warning.iter().for_each(|warning| report::warning(warning));
            intent
        }
    };
    let style = if args.json { EventStyle::WarningsOnly } else { EventStyle::choose(false) };
    let reviewer = options.reviewer.as_deref();
    let reviewed = block_on_watched(style, async |events, stop| {
        earlier.ask(&repo, &selected, &intent, (reviewer, args.again), events, &stop).await
    })?;
    print(&reviewed, &selected, args.json)
}

/// Prints the verdicts, or why there is no decision, and chooses the status.
fn print(reviewed: &Reviewed, selected: &Selected, is_json: bool) -> Result<Exit> {
    let Reviewed { decision, verdicts, reasons, .. } = reviewed;
    if is_json {
        report::json(&ReviewJson { decision: *decision, verdicts, reasons })?;
    } else {
        let mut out = report::out();
        for verdict in verdicts {
            writeln!(out, "{}", report::plain(&record::headline(verdict)))?;
            report::findings(&mut out, verdict, &selected.loaded.config.gate.block)?;
        }
        if decision.is_none() {
            return Err(undecided(reviewed));
        }
        // The decision stands without them: an answer that is only advice, a reviewer that gave none.
        reasons.iter().for_each(|reason| report::warning(reason));
    }
    Ok(match decision {
        Some(Decision::Approve | Decision::Waive) => Exit::Yes,
        Some(Decision::RequestChanges) => Exit::No,
        None => Exit::CannotTell,
    })
}

fn undecided(reviewed: &Reviewed) -> anyhow::Error {
    let fix = match &reviewed.transcript {
        Some(transcript) => format!("what the reviewer said is in {}", transcript.display()),
        // No reviewer was asked: the reason says what to do, about the change or about the reviewers.
        None => "mend that and ask again; `git flow-ai doctor` checks the reviewers".into(),
    };
    hint(format!("cannot tell: {}", reviewed.reasons.join("; ")), fix)
}
