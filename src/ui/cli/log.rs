//! `git flow-ai log`: what an agent or a reviewer said, from the run's transcripts.

use crate::commands::log::{self, Filter, Piece};
use crate::commands::run::Transcript;
use crate::domain::error::{Exit, Result};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::ui::report::{self, plain, table::Table};
use clap::Args;
use std::io::{IsTerminal, Write};

/// Show an agent's transcript
///
/// The newest one of the task, unless an attempt is named. On a terminal, control characters are made
/// visible; in a pipe, every byte is as the agent printed it. Transcripts are local: they are in
/// `.git/flow-ai/runs/`, and only you can read them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai log                       what there is
  git flow-ai log api                   the newest attempt of the task `api`
  git flow-ai log dark-mode api --attempt 1
  git flow-ai log api --review          what its reviewer said
  git flow-ai log api --follow          as it is written")]
pub struct LogArgs {
    /// The task, with its spec before it where several specs have such a task
    #[arg(value_name = "[SPEC] TASK", num_args = 0..=2)]
    names: Vec<String>,

    /// That attempt, not the newest
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,

    /// What the reviewer said
    #[arg(long)]
    review: bool,

    /// Go on as it is written, until the run is over
    #[arg(long, short)]
    follow: bool,
}

pub fn run(args: LogArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let (slug, task) = match args.names.as_slice() {
        [slug, task] => (Some(slug.parse::<Slug>()?), Some(task)),
        [task] => (None, Some(task)),
        _ => (None, None),
    };
    let Some(task) = task else { return list(&log::list(&repo, slug.as_ref())?) };
    let filter = Filter { task: task.clone(), attempt: args.attempt, review: args.review };
    let mut reader = log::open(&repo, slug.as_ref(), filter, args.follow)?;
    let mut printer = Printer::default();
    while let Some(piece) = reader.next(&repo)? {
        match piece {
            Piece::Begin(transcript) => {
                printer.end()?;
                heading(&transcript)?;
            }
            Piece::Bytes(bytes) => printer.print(&bytes)?,
        }
    }
    printer.end()?;
    Ok(Exit::Yes)
}

fn list(all: &[(Slug, Transcript)]) -> Result<Exit> {
    if all.is_empty() {
        report::out().write_all(b"There are no transcripts yet; git flow-ai run makes them.\n")?;
        return Ok(Exit::Yes);
    }
    let mut table = Table::new(["spec", "task", "attempt", "of", "run"]);
    for (slug, transcript) in all {
        table.row([
            slug.as_str().into(),
            transcript.task.as_str().into(),
            transcript.attempt.to_string().into(),
            if transcript.review { "review" } else { "agent" }.into(),
            transcript.run.as_str().into(),
        ]);
    }
    report::out().write_all(table.render().as_bytes())?;
    Ok(Exit::Yes)
}

fn heading(transcript: &Transcript) -> Result<()> {
    let of = if transcript.review { "review of attempt" } else { "attempt" };
    let line = format!("{}, {of} {}, run {}", transcript.task, transcript.attempt, transcript.run);
    Ok(writeln!(report::err(), "{}", plain(&line))?)
}

/// Prints transcripts: on a terminal by whole lines with control characters visible, else byte for byte.
#[derive(Default)]
struct Printer {
    /// The beginning of a line that is not whole yet.
    rest: Vec<u8>,
}

impl Printer {
    fn print(&mut self, bytes: &[u8]) -> Result<()> {
        if !std::io::stdout().is_terminal() {
            return Ok(report::raw_out().write_all(bytes)?);
        }
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        Ok(report::out().write_all(plain(&String::from_utf8_lossy(&lines)).as_bytes())?)
    }

    /// Prints a last line that has no end.
    fn end(&mut self) -> Result<()> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return Ok(());
        }
        Ok(writeln!(report::out(), "{}", plain(&String::from_utf8_lossy(&rest)))?)
    }
}
