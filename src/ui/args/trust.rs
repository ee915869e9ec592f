//! `--trust`, and the question that commands ask before they use what a repository brings.

use crate::agents::trust::{self, Item, TrustCheck, TrustStatus};
use crate::commands::trust as command;
use crate::domain::error::{Result, hint_on};
use crate::domain::text::escape;
use crate::gate::store::Repo;
use crate::ui::confirm::confirm;
use crate::ui::report::{self, plain};
use anstyle::AnsiColor;
use clap::Args;
use std::io::{self, IsTerminal, Write};

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

/// Asks the user about what is not trusted yet; an error if they cannot be asked or say no.
pub fn consent(repo: &Repo, items: Vec<Item>, flag: &TrustFlag) -> Result<()> {
    if !flag.is_given() {
        let look = trust::check(repo, items.clone())?;
        if !look.is_trusted() && can_ask() {
            ask(repo, look)?;
        }
    }
    trust::require(repo, items, flag.is_given())
}

fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Shows what the repository brings and asks; a yes is recorded and returned.
pub fn ask(repo: &Repo, look: TrustCheck) -> Result<bool> {
    let mut err = report::err();
    err.write_all(b"This repository brings what would run here or send things away:\n\n")?;
    err.write_all(describe(&look).as_bytes())?;
    if let Some(trouble) = look.trouble {
        let why = "nothing can be trusted before that is mended";
        return Err(hint_on(trouble, why, "or trust it this time: --trust"));
    }
    if !can_ask() {
        let items = look.items.iter().map(|(item, _)| item.clone()).collect();
        trust::require(repo, items, false)?;
    }
    let is_yes = confirm("Trust exactly this?")?;
    if is_yes {
        command::record(repo, &look)?;
    }
    Ok(is_yes)
}

/// Each item with all its lines; marks what is new, and what has changed since it was trusted.
pub fn describe(look: &TrustCheck) -> String {
    let (green, red) = (AnsiColor::Green.on_default(), AnsiColor::Red.on_default());
    let mut text = String::new();
    for (item, status) in &look.items {
        let note = match status {
            TrustStatus::Trusted => "",
            TrustStatus::New => " (new)",
            TrustStatus::Changed(_) => " (changed)",
        };
        let place = item.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        text.push_str(&format!("{}{note}\n", visible_line(&format!("{}{place}", item.what))));
        let before: &[String] = match status {
            TrustStatus::Trusted => &item.lines,
            TrustStatus::New => &[],
            TrustStatus::Changed(lines) => lines,
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

/// A line in which everything is visible that could hide text or steer the terminal.
pub fn visible_line(line: &str) -> String {
    plain(&escape::for_review(line.as_bytes()).0)
}
