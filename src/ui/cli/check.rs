//! `git flow-ai check`: the gate's answer for CI.

use crate::domain::error::{Exit, Interrupted, Result};
use crate::gate::check::{self, CheckOptions, CheckReport};
use crate::gate::store::Repo;
use crate::ui::report;
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Say whether commits would be let into a protected branch
///
/// The gate's own answer, for a required check in CI: by the verdicts in refs/notes/flow-ai and by the
/// policy at the branch's tip before the change. Every change that no verdict covers is told, and every
/// finding that blocks. Nobody is asked for a review, and nothing is written.
///
/// With A..B the branch is taken to be at A and to become B. Where the branch has moved on from A, as
/// under a pull request, merging B into its tip is what is judged. Where it is behind A, as in a merge
/// queue, the policy at its tip holds beside the one at A.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai check                          what HEAD adds to the protected branch
  git flow-ai check main..topic --report     a range, with counts by reviewer
  git flow-ai check --format sarif > check.sarif

In CI, with the whole history and the notes (whole files for each service: docs/ci.md):
  git fetch origin '+refs/notes/flow-ai:refs/notes/flow-ai'

  GitHub, on: pull_request   git flow-ai check --target \"$GITHUB_BASE_REF\" --format github
  GitHub, on: merge_group    git flow-ai check \"$BASE_SHA..$HEAD_SHA\" --target main --format github
  GitLab                     git flow-ai check --target \"$CI_MERGE_REQUEST_TARGET_BRANCH_NAME\"
  anything else              git flow-ai check --target main

Exit status: 0 they would be let in; 1 they would not; 2 cannot tell.")]
pub struct CheckArgs {
    /// From the branch's tip to what it would become; what HEAD adds to the branch when not given
    #[arg(value_name = "REV|RANGE")]
    range: Option<String>,

    /// The protected branch; the first that the config names when not given
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,

    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Count the steps: admitted by whom, waived by whom and why, blocked, missing
    #[arg(long)]
    report: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One object, versioned
    Json,
    /// SARIF 2.1.0, for services that keep results
    Sarif,
    /// Annotations and a step summary for GitHub Actions
    Github,
}

pub fn run(args: CheckArgs) -> Result<Exit> {
    let answered = {
        let _patience = Patience::new();
        Repo::discover().and_then(|repo| {
            check::check(&repo, &CheckOptions { range: args.range.clone(), target: args.target.clone() })
        })
    };
    let report = match answered {
        Ok(report) => report,
        // A service gets its answer in its own form, whatever happened; a person gets the error.
        Err(error) if args.format == Format::Text || error.is::<Interrupted>() => return Err(error),
        Err(error) => {
            report::error(&error);
            CheckReport::from_error(&error)
        }
    };
    match args.format {
        Format::Text => report::out().write_all(report::check::text(&report, args.report).as_bytes())?,
        Format::Json => report::json(&report)?,
        Format::Sarif => report::json(&report::check::sarif(&report)?)?,
        Format::Github => {
            let text = report::check::annotations(&report, args.report);
            report::raw_out().write_all(text.as_bytes())?;
            if let Err(error) = summarise(&report) {
                report::warning(&format!("the step has no summary: {error:#}"));
            }
        }
    }
    Ok(report.answer.exit())
}

/// Adds to the summary of the job's step, where GitHub has one.
fn summarise(report: &CheckReport) -> Result<()> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .with_context(|| format!("{} cannot be opened", path.display()))?;
    Ok(file.write_all(report::check::summary(report).as_bytes())?)
}

/// Says what is going on where it takes longer than a second, until it is dropped.
struct Patience {
    _over: mpsc::Sender<()>,
}

impl Patience {
    fn new() -> Patience {
        let (over, wait) = mpsc::channel::<()>();
        thread::spawn(move || {
            if wait.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Without a reader it is not needed.
                let _ = writeln!(report::err(), "Replaying the changes that verdicts cover…");
            }
        });
        Patience { _over: over }
    }
}
