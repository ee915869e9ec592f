//! `git flow-ai log`: what an agent or a reviewer said, from the run's transcripts.

use crate::commands::run::{Transcript, is_under_way, transcripts};
use crate::domain::error::{Exit, Result, hint};
use crate::domain::spec::Slug;
use crate::gate::store::{Repo, specs};
use crate::ui::report::{self, plain, table::Table};
use anyhow::Context;
use clap::Args;
use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::thread;
use std::time::Duration;

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

/// Runs the command.
pub fn run(args: LogArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let (slug, task) = match args.names.as_slice() {
        [slug, task] => (Some(slug.parse::<Slug>()?), Some(task.as_str())),
        [task] => (None, Some(task.as_str())),
        _ => (None, None),
    };
    let all = all(&repo, slug.as_ref())?;
    let Some(task) = task else { return list(&all) };
    let is_it = |of: &Transcript| {
        of.task == task
            && of.review == args.review
            && args.attempt.is_none_or(|attempt| of.attempt == attempt)
    };
    let found: Vec<&(Slug, Transcript)> = all.iter().filter(|(_, transcript)| is_it(transcript)).collect();
    let Some((slug, newest)) = found.last() else {
        return Err(hint(
            format!("there is no such transcript of `{task}`"),
            "git flow-ai log lists what there is",
        ));
    };
    if let Some((other, _)) = found.iter().find(|(other, _)| other != slug) {
        return Err(hint(
            format!("`{task}` is a task of {other} and of {slug}"),
            format!("name the spec: git flow-ai log {slug} {task}"),
        ));
    }
    heading(newest)?;
    let mut shown = Shown { file: open(newest)?, rest: Vec::new() };
    shown.go_on()?;
    if args.follow {
        shown = follow(&repo, slug, newest, shown, is_it)?;
    }
    shown.end()?;
    Ok(Exit::Yes)
}

fn all(repo: &Repo, slug: Option<&Slug>) -> Result<Vec<(Slug, Transcript)>> {
    let slugs = match slug {
        Some(slug) => vec![slug.clone()],
        None => specs::summaries(repo)?.into_iter().map(|spec| spec.slug).collect(),
    };
    let mut all = Vec::new();
    for slug in slugs {
        all.extend(transcripts(repo, &slug)?.into_iter().map(|transcript| (slug.clone(), transcript)));
    }
    Ok(all)
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

fn open(transcript: &Transcript) -> Result<File> {
    File::open(&transcript.path).with_context(|| format!("cannot read {}", transcript.path.display()))
}

fn heading(transcript: &Transcript) -> Result<()> {
    let of = if transcript.review { "review of attempt" } else { "attempt" };
    let line = format!("{}, {of} {}, run {}", transcript.task, transcript.attempt, transcript.run);
    Ok(writeln!(report::err(), "{}", plain(&line))?)
}

/// A transcript that has been shown up to a place.
struct Shown {
    file: File,
    /// The beginning of a line that is not whole yet; only on a terminal.
    rest: Vec<u8>,
}

impl Shown {
    /// Prints what is new in the file.
    fn go_on(&mut self) -> Result<()> {
        let terminal = std::io::stdout().is_terminal();
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let count = self.file.read(&mut bytes)?;
            if count == 0 {
                return Ok(());
            }
            if !terminal {
                report::out().write_all(&bytes[..count])?;
                continue;
            }
            self.rest.extend_from_slice(&bytes[..count]);
            let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let lines: Vec<u8> = self.rest.drain(..whole).collect();
            report::out().write_all(plain(&String::from_utf8_lossy(&lines)).as_bytes())?;
        }
    }

    /// Prints a last line that has no end.
    fn end(&self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Ok(writeln!(report::out(), "{}", plain(&String::from_utf8_lossy(&self.rest)))?)
    }
}

/// Goes on with this transcript and newer ones, until no run of the spec is under way.
fn follow(
    repo: &Repo,
    slug: &Slug,
    from: &Transcript,
    mut shown: Shown,
    is_it: impl Fn(&Transcript) -> bool,
) -> Result<Shown> {
    let mut current = from.clone();
    loop {
        let over = !is_under_way(repo, slug);
        shown.go_on()?;
        if let Some(newer) = transcripts(repo, slug)?.into_iter().rfind(|transcript| is_it(transcript))
            && newer.path != current.path
        {
            shown.end()?;
            heading(&newer)?;
            shown = Shown { file: open(&newer)?, rest: Vec::new() };
            current = newer;
        } else if over {
            return Ok(shown);
        }
        thread::sleep(Duration::from_millis(300));
    }
}
