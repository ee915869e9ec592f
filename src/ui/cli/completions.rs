//! `git flow-ai completions`: for `git-flow-ai <TAB>`, and for `git flow-ai <TAB>` as well.
//!
//! clap_complete writes a script for the program's own name. Git dispatches by names of its own: its
//! bash completion calls `_git_flow_ai`, zsh's calls `_git-flow-ai` (which is what the script's
//! function is called already), fish's should ask the program's own completions, which 3.6 gets
//! wrong. So bash and fish need a shim.

use crate::domain::error::{Exit, Result};
use crate::ui::report;
use clap::{Args, CommandFactory, ValueEnum};
use std::io::Write;

/// What git's own bash completion calls for `git flow-ai`. It counts words from `git`, perhaps with
/// `-C` and the like in between; the generated function counts from the program's name.
const BASH_SHIM: &str = r#"
_git_flow_ai() {
    local at=${__git_cmd_idx:-1}
    local words=(git-flow-ai "${COMP_WORDS[@]:at+1}") count=$((COMP_CWORD - at))
    local COMP_WORDS=("${words[@]}") COMP_CWORD=$count
    _git__flow__ai git-flow-ai "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
}
"#;

/// The same for fish. It has to be known before git's completions are asked, hence `conf.d`.
const FISH_SHIM: &str = r#"
function __git_flow_ai_complete
    set -l words (commandline -opc)
    set -l at (contains --index -- flow-ai $words)
    and set -e words[1..$at]
    and complete -C "git-flow-ai $words "(commandline -ct)
end
complete -c git -f -n "__fish_git_using_command flow-ai" -a "(__git_flow_ai_complete)"
"#;

/// Print shell completions
///
/// They complete `git flow-ai` as well as `git-flow-ai`, when the shell's own completions for git
/// are installed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git flow-ai completions bash > ~/.local/share/bash-completion/completions/git-flow-ai
  git flow-ai completions zsh  > ~/.zfunc/_git-flow-ai      # a folder of your $fpath
  git flow-ai completions fish > ~/.config/fish/conf.d/git-flow-ai.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// The shells that we write completions for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub fn run(args: CompletionsArgs) -> Result<Exit> {
    report::out().write_all(script(args.shell).as_bytes())?;
    Ok(Exit::Yes)
}

fn script(shell: Shell) -> String {
    let (generator, shim) = match shell {
        Shell::Bash => (clap_complete::Shell::Bash, BASH_SHIM),
        Shell::Zsh => (clap_complete::Shell::Zsh, ""),
        Shell::Fish => (clap_complete::Shell::Fish, FISH_SHIM),
    };
    let mut script = Vec::new();
    // The program's own name, where help says `git flow-ai`: completions are for what is on the PATH.
    let mut command = super::Cli::command().bin_name("git-flow-ai");
    clap_complete::generate(generator, &mut command, "git-flow-ai", &mut script);
    String::from_utf8_lossy(&script).into_owned() + shim
}
