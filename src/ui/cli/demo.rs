//! `git flow-ai demo`.

use crate::commands::demo::{self, DemoOptions, Narration};
use crate::domain::error::{Exit, Result};
use crate::domain::text::shell::quote_path;
use crate::ui::report::{self, plain};
use anstyle::{AnsiColor, Style};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
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

pub fn run(args: DemoArgs) -> Result<Exit> {
    let mut out = report::out();
    writeln!(
        out,
        "git and git flow-ai are real in what follows; the agents are scripted, so that no key is needed."
    )?;
    let begun = Instant::now();
    let mut failed = None;
    let played = demo::play(&DemoOptions { dir: args.dir, keep: args.keep }, &mut |beat| {
        if let Err(error) = out.write_all(words(beat).as_bytes()) {
            failed.get_or_insert(error);
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    // Typed as it stands, `rm -rf` of a folder with a space in its name must not meet others.
    let (repo, root, bin) = (played.playground.repo(), played.playground.root(), played.playground.bin());
    let seconds = begun.elapsed().as_secs_f32();
    writeln!(out, "\nPlayed in {seconds:.1} s. Look around, and throw it away when you have seen enough:")?;
    writeln!(out, "  cd {} && export PATH={}:$PATH", quote_path(&repo), quote_path(&bin))?;
    writeln!(out, "  rm -rf {}", quote_path(root))?;
    if played.succeeded {
        return Ok(Exit::Yes);
    }
    report::warning("not every step came out as told, see the lines marked with ✗");
    Ok(Exit::No)
}

fn words(beat: Narration<'_>) -> String {
    let bold = Style::new().bold();
    let (cyan, green, red) =
        (AnsiColor::Cyan.on_default(), AnsiColor::Green.on_default(), AnsiColor::Red.on_default());
    match beat {
        Narration::Chapter(title) => format!("\n{bold}== {title}{bold:#}\n"),
        Narration::Say(sentence) => format!("{sentence}\n"),
        Narration::Command(line) => format!("{cyan}$ {line}{cyan:#}\n"),
        // Records are one long line each; what follows their beginning is for programs.
        Narration::Output(line) => format!("  {}\n", console::truncate_str(&plain(line), 200, "…")),
        Narration::Proof(claim, true) => format!("{green}✓{green:#} {claim}\n"),
        Narration::Proof(claim, false) => format!("{red}✗ {claim}{red:#}\n"),
    }
}
