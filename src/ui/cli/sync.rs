//! `git flow-ai sync`.

use crate::commands::sync::{self, Synced};
use crate::domain::error::{Exit, Result};
use crate::domain::verdict::record;
use crate::gate::store::Repo;
use crate::gate::store::verdicts::Lost;
use crate::ui::report::{self, plain};
use clap::Args;
use serde::Serialize;
use std::io::{IsTerminal, Write, stderr};

/// How many records are named, of those that came and of those that went.
const NAMED: usize = 10;

/// Exchange verdicts with a remote
///
/// Fetches the remote's verdicts, joins them with the ones here (a record is never lost, nor doubled),
/// and pushes without force; where others push at the same time it does so again. What was judged goes
/// along, so that a server or a colleague can let in a topic that was rebased since. A verdict that
/// was deleted here, though the remote has it or had it when last fetched, comes back and is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai sync            with the remote of the current branch, or origin
  git flow-ai sync upstream
  git flow-ai sync --json     what came, went and was brought back, for a script

Exit status: 0 both sides have the same; 2 nothing could be fetched, or fetched and not pushed.")]
pub struct SyncArgs {
    /// The remote, by its name in `git remote`
    #[arg(value_name = "REMOTE")]
    remote: Option<String>,

    /// Print one JSON object: `came`, `went`, `restored`, `lost_there`, `not_pushed`
    #[arg(long)]
    json: bool,
}

pub fn run(args: SyncArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let remote = sync::remote(&repo, args.remote.as_deref())?;
    let is_watched = stderr().is_terminal() && !args.json;
    let synced = sync::sync(&repo, &remote, |line| {
        if is_watched {
            pass_on(line);
        }
    })?;
    if args.json {
        report::json(&SyncJson::new(&synced))?;
    } else {
        let text = match text(&synced) {
            text if text.is_empty() => format!("Nothing new here or at {}.\n", plain(&remote)),
            text => text,
        };
        report::out().write_all(text.as_bytes())?;
    }
    if let Some(why) = &synced.not_pushed {
        report::warning(&format!("fetched, but not pushed to {remote}: {}", plain(why)));
        return Ok(Exit::CannotTell);
    }
    Ok(Exit::Yes)
}

/// Prints a line of git's with the end that it has.
pub(super) fn pass_on(line: &str) {
    let (line, end) = line.split_at(line.len().saturating_sub(1));
    // Progress that cannot be printed stops nothing.
    let _ = report::err().write_all(format!("{}{end}", plain(line)).as_bytes());
}

/// Which records came, went and were brought back; empty if none did.
pub(super) fn text(synced: &Synced) -> String {
    let remote = plain(&synced.remote);
    let went = match synced.not_pushed {
        None => format!("went to {remote}"),
        Some(_) => format!("{remote} lacks"),
    };
    section(&format!("was deleted here, and is back from {remote}"), &synced.restored, usize::MAX)
        + &section(&format!("was deleted at {remote}, and is back there"), &synced.lost_there, usize::MAX)
        + &section(&format!("came from {remote}"), &without(&synced.came, &synced.restored), NAMED)
        + &section(&went, &without(&synced.went, &synced.lost_there), NAMED)
}

fn without(all: &[Lost], some: &[Lost]) -> Vec<Lost> {
    all.iter().filter(|one| !some.contains(one)).cloned().collect()
}

/// `3 verdicts came from origin`, then which.
pub(super) fn section(what: &str, records: &[Lost], most: usize) -> String {
    if records.is_empty() {
        return String::new();
    }
    let plural = if records.len() == 1 { "" } else { "s" };
    let mut text = format!("{} verdict{plural}: {what}\n", records.len());
    for record in records.iter().take(most) {
        text.push_str(&format!("  {} {}\n", record.on.to_hex_with_len(10), plain(&headline(record))));
    }
    if records.len() > most {
        text.push_str(&format!("  and {} more\n", records.len() - most));
    }
    text
}

fn headline(record: &Lost) -> String {
    match &record.verdict {
        Some(verdict) => format!("{}, for {}", record::headline(verdict), verdict.target),
        None => "a record that cannot be told".to_owned(),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct SyncJson<'a> {
    remote: &'a str,
    came: Vec<RecordJson<'a>>,
    restored: Vec<RecordJson<'a>>,
    went: Vec<RecordJson<'a>>,
    lost_there: Vec<RecordJson<'a>>,
    not_pushed: Option<&'a str>,
}

#[derive(Serialize)]
struct RecordJson<'a> {
    on: String,
    record: &'a str,
    what: String,
}

impl<'a> SyncJson<'a> {
    pub(super) fn new(synced: &'a Synced) -> SyncJson<'a> {
        let record =
            |one: &'a Lost| RecordJson { on: one.on.to_string(), record: &one.line, what: headline(one) };
        let records = |all: &'a [Lost]| all.iter().map(record).collect();
        SyncJson {
            remote: &synced.remote,
            came: records(&synced.came),
            restored: records(&synced.restored),
            went: records(&synced.went),
            lost_there: records(&synced.lost_there),
            not_pushed: synced.not_pushed.as_deref(),
        }
    }
}
