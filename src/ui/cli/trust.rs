//! `git flow-ai trust`, and the question that other commands put before they use what a repository brings.

use crate::agents::trust::{self, Item, Look, Record, Standing};
use crate::domain::error::{Exit, Result, hint_on};
use crate::domain::visible;
use crate::gate::store::{Repo, config};
use crate::ui::report::{self, plain};
use anstyle::AnsiColor;
use clap::Args;
use serde_json::json;
use std::io::{self, BufRead, IsTerminal, Write};

/// See what this repository brings that would run here, and trust it
///
/// A repository brings commands (`run.setup`, `run.verify`, a task's `verify`), files that agents are
/// handed (`run.copy`), agents, reviewers with the addresses that your keys are sent to, and holes in the
/// sandbox. None of it is used before you have seen it and said yes: `run`, `review` and --draft ask on a
/// terminal, and refuse where there is none, as in a hook. You trust exactly the content that is shown, of
/// this repository; when it changes you are asked again, and shown what has changed. What a command runs
/// in turn, such as a script of the repository, is not looked at: that is what the sandbox is for.
///
/// The list is yours alone: `$XDG_STATE_HOME/git-flow-ai/trust`, by default below `~/.local/state`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai trust                     show it, and ask
  git flow-ai trust --yes               show it, and trust it
  git flow-ai trust --list              all that is trusted on this machine
  git flow-ai trust --revoke            trust nothing of this repository any more
  git flow-ai run --trust               whatever it brings, this time: for CI
  git config --global flow-ai.trust ~/work   whatever the repositories below it bring; `*`: all

Exit status: 0 all of it is trusted; 1 it is not; 2 could not tell, or nobody could be asked.")]
pub struct TrustArgs {
    /// Trust what is shown, without asking
    #[arg(long, short)]
    yes: bool,

    /// Show all that is trusted on this machine
    #[arg(long, conflicts_with_all = ["yes", "revoke"])]
    list: bool,

    /// Take back all trust in this repository
    #[arg(long, conflicts_with = "yes")]
    revoke: bool,

    /// Change nothing; print one JSON object: what the repository brings, and what of it is trusted
    #[arg(long, conflicts_with_all = ["yes", "revoke"])]
    json: bool,
}

/// The flag of commands that use what a repository brings.
#[derive(Debug, Args)]
pub struct TrustFlag {
    /// Trust whatever this repository brings, this time; see git-flow-ai-trust(1)
    #[arg(long)]
    trust: bool,
}

impl TrustFlag {
    /// Whether the person has said so.
    pub fn is_given(&self) -> bool {
        self.trust
    }
}

/// Runs the command.
pub fn run(args: TrustArgs) -> Result<Exit> {
    if args.list {
        return list(&trust::all()?, args.json);
    }
    let repo = Repo::discover()?;
    if args.revoke {
        let count = trust::revoke(&repo)?;
        writeln!(report::out(), "Taken back: {count} thing{} of this repository", plural(count))?;
        return Ok(Exit::Yes);
    }
    let loaded = config::load(&repo, &repo.target()?)?;
    let look = trust::look(&repo, trust::everything(&repo, &loaded)?)?;
    if args.json {
        report::json(&value(&look))?;
        return Ok(if look.is_trusted() { Exit::Yes } else { Exit::No });
    }
    if look.is_trusted() {
        let what = if look.items.is_empty() {
            "This repository brings nothing that would run here or send anything away."
        } else if trust::is_wholly_trusted(&repo)? {
            "Your flow-ai.trust trusts this repository, whatever it brings."
        } else {
            "You trust all that this repository brings."
        };
        report::out().write_all(format!("{what}\n{}", shown(&look)).as_bytes())?;
        return Ok(Exit::Yes);
    }
    if args.yes {
        report::out().write_all(shown(&look).as_bytes())?;
        record(&repo, &look)?;
        writeln!(report::out(), "Trusted.")?;
        return Ok(Exit::Yes);
    }
    Ok(if asked(&repo, look)? { Exit::Yes } else { Exit::No })
}

/// Asks the person about what is not trusted yet; a refusal where they cannot be asked or say no.
pub fn consent(repo: &Repo, items: Vec<Item>, flag: &TrustFlag) -> Result<()> {
    if !flag.is_given() {
        let look = trust::look(repo, items.clone())?;
        if !look.is_trusted() && can_ask() {
            asked(repo, look)?;
        }
    }
    trust::require(repo, items, flag.is_given())
}

fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Shows it, asks, and writes a yes down; whether it was one.
fn asked(repo: &Repo, look: Look) -> Result<bool> {
    let mut err = report::err();
    err.write_all(b"This repository brings what would run here or send things away:\n\n")?;
    err.write_all(shown(&look).as_bytes())?;
    if let Some(trouble) = look.trouble {
        let why = "nothing can be trusted before that is mended";
        return Err(hint_on(trouble, why, "or trust it this time: --trust"));
    }
    if !can_ask() {
        let items = look.items.iter().map(|(item, _)| item.clone()).collect();
        trust::require(repo, items, false)?;
    }
    write!(err, "Trust exactly this? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    let is_yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if is_yes {
        record(repo, &look)?;
    }
    Ok(is_yes)
}

fn record(repo: &Repo, look: &Look) -> Result<()> {
    let new = look.items.iter().filter(|(_, standing)| *standing != Standing::Trusted);
    trust::record(repo, &new.map(|(item, _)| item.clone()).collect::<Vec<_>>())
}

/// Every thing with all its lines; marked is what is new, and what has changed since it was trusted.
fn shown(look: &Look) -> String {
    let (green, red) = (AnsiColor::Green.on_default(), AnsiColor::Red.on_default());
    let mut text = String::new();
    for (item, standing) in &look.items {
        let note = match standing {
            Standing::Trusted => "",
            Standing::New => " (new)",
            Standing::Changed(_) => " (changed)",
        };
        let place = item.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        text.push_str(&format!("{}{note}\n", visible_line(&format!("{}{place}", item.what))));
        let before: &[String] = match standing {
            Standing::Trusted => &item.lines,
            Standing::New => &[],
            Standing::Changed(lines) => lines,
        };
        for line in before.iter().filter(|line| !item.lines.contains(line)) {
            text.push_str(&format!("  {red}- {}{red:#}\n", visible_line(line)));
        }
        for line in &item.lines {
            let line_shown = visible_line(line);
            if before.contains(line) {
                text.push_str(&format!("    {line_shown}\n"));
            } else {
                text.push_str(&format!("  {green}+ {line_shown}{green:#}\n"));
            }
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A line as it is, with everything that could hide or steer written out.
fn visible_line(line: &str) -> String {
    plain(&visible::shown(line.as_bytes()).0)
}

fn list(records: &[Record], as_json: bool) -> Result<Exit> {
    if as_json {
        report::json(&records)?;
        return Ok(Exit::Yes);
    }
    let mut text = String::new();
    let mut repositories: Vec<&str> = records.iter().map(|record| record.repository.as_str()).collect();
    repositories.sort_unstable();
    repositories.dedup();
    for repository in repositories {
        text.push_str(&format!("{}\n", visible_line(repository)));
        for record in records.iter().filter(|record| record.repository == repository) {
            let digest = record.digest.get(..12).unwrap_or_default();
            text.push_str(&format!("  {}, {}, {digest}\n", visible_line(&record.what), record.at));
            for line in &record.lines {
                text.push_str(&format!("      {}\n", visible_line(line)));
            }
        }
    }
    if text.is_empty() {
        text.push_str("Nothing is trusted yet\n");
    }
    report::out().write_all(text.as_bytes())?;
    Ok(Exit::Yes)
}

fn value(look: &Look) -> serde_json::Value {
    let items: Vec<_> = look
        .items
        .iter()
        .map(|(item, standing)| {
            let word = match standing {
                Standing::Trusted => "trusted",
                Standing::New => "new",
                Standing::Changed(_) => "changed",
            };
            json!({ "what": item.what, "place": item.place, "lines": item.lines, "standing": word })
        })
        .collect();
    json!({
        "trusted": look.is_trusted(),
        "items": items,
        "trouble": look.trouble.as_ref().map(ToString::to_string),
    })
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
