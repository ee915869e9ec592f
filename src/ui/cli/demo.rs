//! `git flow-ai demo`, and the hidden command that its scripted agents are.

use crate::agents::sandbox::shell::quoted;
use crate::commands::demo::{self, Beat, Options};
use crate::domain::error::{Exit, Result};
use crate::ui::report::{self, plain};
use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::Args;
use std::io::{Read, Write, stdin};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Play the whole story in a temporary repository, without network or keys
///
/// Spec, approval, three tasks in parallel worktrees, a bug that the tests miss and a rival's review
/// catches, a refused merge, an allowed one, the notes. git and this program are real; the three
/// agents are scripted. The repository is left for looking around.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 when every step came out as told, which git itself is asked, else 1.")]
pub struct DemoArgs {
    /// Keep the tasks' worktrees too, which go when their work is committed
    #[arg(long)]
    keep: bool,
    /// The folder to play in, missing or empty; a new temporary one without it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: DemoArgs) -> Result<Exit> {
    let mut out = report::out();
    writeln!(
        out,
        "git and git flow-ai are real in what follows; the agents are scripted, so that no key is needed."
    )?;
    let begun = Instant::now();
    let mut failed = None;
    let played = demo::play(&Options { dir: args.dir, keep: args.keep }, &mut |beat| {
        if let Err(error) = out.write_all(words(beat).as_bytes()) {
            failed.get_or_insert(error);
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    // Typed as it stands, `rm -rf` of a folder with a space in its name must not meet others.
    let typed = |path: &Path| quoted(&path.to_string_lossy());
    let (repo, root, bin) = (played.place.repo(), played.place.root(), played.place.bin());
    let seconds = begun.elapsed().as_secs_f32();
    writeln!(out, "\nPlayed in {seconds:.1} s. Look around, and throw it away when you have seen enough:")?;
    writeln!(out, "  cd {} && export PATH={}:$PATH", typed(&repo), typed(&bin))?;
    writeln!(out, "  rm -rf {}", typed(root))?;
    if played.true_to_story {
        return Ok(Exit::Yes);
    }
    report::warning("not every step came out as told, see the lines marked with ✗");
    Ok(Exit::No)
}

fn words(beat: Beat<'_>) -> String {
    let bold = Style::new().bold();
    let (cyan, green, red) =
        (AnsiColor::Cyan.on_default(), AnsiColor::Green.on_default(), AnsiColor::Red.on_default());
    match beat {
        Beat::Chapter(title) => format!("\n{bold}== {title}{bold:#}\n"),
        Beat::Say(sentence) => format!("{sentence}\n"),
        Beat::Command(line) => format!("{cyan}$ {line}{cyan:#}\n"),
        // Records are one long line each; what follows their beginning is for programs.
        Beat::Output(line) => format!("  {}\n", console::truncate_str(&plain(line), 200, "…")),
        Beat::Proof(claim, true) => format!("{green}✓{green:#} {claim}\n"),
        Beat::Proof(claim, false) => format!("{red}✗ {claim}{red:#}\n"),
    }
}

/// An agent of the demo
#[derive(Debug, Args)]
pub struct AgentArgs {}

/// Runs the command: prompt on standard input, answer on standard output, as every agent.
pub fn run_agent(_: AgentArgs) -> Result<Exit> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let mut prompt = String::new();
    stdin().lock().read_to_string(&mut prompt).context("cannot read the prompt")?;
    let dir = std::env::current_dir().context("cannot tell the current folder")?;
    let answer = demo::act(&variable("GIT_FLOW_AI_MODE"), &variable("GIT_FLOW_AI_TASK"), &prompt, &dir)?;
    writeln!(report::out(), "{answer}")?;
    Ok(Exit::Yes)
}
