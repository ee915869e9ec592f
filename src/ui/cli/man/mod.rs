//! `git flow-ai man`: the man pages, from the same definition as the help.
//!
//! They are no decoration: git turns `git flow-ai --help` into `man git-flow-ai`, so they *are* the
//! help. The copies in `man/` are checked by a test.

mod markdown;
mod sections;

use crate::domain::error::{Exit, Result, hint};
use crate::ui::report;
use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What is explained on a page of its own: its name, what it is about, its text.
const GUIDES: [(&str, &str, &str); 2] = [
    ("gate", "what the gate guarantees, and what it cannot", include_str!("../../../../docs/gate.md")),
    (
        "server",
        "the gate on a server, and where it goes on which host",
        include_str!("../../../../docs/server.md"),
    ),
];

/// Write the man pages, so that `git flow-ai --help` works
///
/// Git turns `git flow-ai --help` into `man git-flow-ai`. Without `--dir` the pages go to `man1` and
/// `man7` of `share/man` beside the folder `bin` that holds this program, where `man` looks by itself.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git flow-ai man                 # for example to ~/.cargo/share/man
  git flow-ai man --dir man       # into a folder of your choice")]
pub struct ManArgs {
    /// The folder to write to; made when missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(args: ManArgs) -> Result<Exit> {
    let (dir, by_section) = match args.dir {
        Some(dir) => (dir, false),
        None => (beside_program()?, true),
    };
    let pages = pages()?;
    for (name, text) in &pages {
        let section = name.rsplit('.').next().unwrap_or_default();
        let dir = if by_section { dir.join(format!("man{section}")) } else { dir.clone() };
        fs::create_dir_all(&dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    writeln!(report::out(), "wrote {} man pages to {}", pages.len(), dir.display())?;
    Ok(Exit::Yes)
}

/// `share/man` beside the program's `bin`.
fn beside_program() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    match program.parent().and_then(Path::parent) {
        Some(prefix) => Ok(prefix.join("share/man")),
        None => Err(hint("this program is in no folder", "say where to: git flow-ai man --dir DIR")),
    }
}

/// Every page: its file's name and its text.
pub fn pages() -> Result<Vec<(String, Vec<u8>)>> {
    let mut root = crate::ui::cli::Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    collect(&root, &mut pages)?;
    for (topic, what, text) in GUIDES {
        let name = format!("git-flow-ai-{topic}");
        let page = markdown::render(&name, what, text);
        pages.push((format!("{name}.7"), page.to_roff().into_bytes()));
        // `git help flow-ai-gate` looks under this name, as for gitworkflows(7).
        pages.push((format!("gitflow-ai-{topic}.7"), format!(".so man7/{name}.7\n").into_bytes()));
    }
    pages.sort();
    Ok(pages)
}

fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for child in command.get_subcommands().filter(|child| !child.is_hide_set()) {
        collect(child, pages)?;
    }
    let man = Man::new(command.clone())
        .manual("git flow-ai")
        .source(concat!("git-flow-ai ", env!("CARGO_PKG_VERSION")));
    pages.push((man.get_filename(), page(&man, command)?));
    Ok(())
}

/// One page: what clap knows, then the examples as they stand, then what belongs to all commands.
fn page(man: &Man, command: &Command) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut roff = Roff::new();
    if let Some(examples) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        let examples = examples.to_string();
        let lines: Vec<&str> = examples.lines().filter(|line| !line.starts_with("Examples:")).collect();
        preformatted(&mut roff, "EXAMPLES", &lines);
    }
    if command.get_name() == "git-flow-ai" {
        for (heading, entries) in sections::SECTIONS {
            roff.control("SH", [*heading]);
            for (term, meaning) in *entries {
                roff.control("TP", []);
                roff.text([clap_mangen::roff::bold(*term)]);
                roff.text([roman(*meaning)]);
            }
        }
    } else {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([roman("git-flow-ai(1), also for exit statuses, environment and files")]);
    }
    roff.to_writer(&mut text)?;
    Ok(text)
}

/// Lines as they stand.
fn preformatted(roff: &mut Roff, heading: &str, lines: &[&str]) {
    roff.control("SH", [heading]);
    roff.control("nf", []);
    for line in lines {
        if line.is_empty() {
            roff.control("sp", []);
        } else {
            roff.text([roman(line.trim_start())]);
        }
    }
    roff.control("fi", []);
}
