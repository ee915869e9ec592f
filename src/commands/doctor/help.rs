//! Whether `git flow-ai`, its help and its completions are found by git, man and the shell.

use super::Check;
use crate::domain::text::shell::command_line;
use crate::system::fs::home::{self, Base};
use crate::system::program;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const TOPIC: &str = "help";

pub(super) fn examine() -> Vec<Check> {
    let mut checks = Vec::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|dir| dir.join("git-flow-ai").is_file()) {
        checks.push(Check::bad(
            TOPIC,
            "git-flow-ai is not on the PATH, so `git flow-ai` is no command",
            "add the folder of this program to PATH",
        ));
    }
    let man = Command::new(program::own("man"))
        .args(["-w", "git-flow-ai"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match man {
        Ok(status) if status.success() => checks.push(Check::good(TOPIC, "man pages are installed")),
        Ok(_) => checks.push(Check::note(TOPIC, "`git flow-ai --help` finds no man page", "git flow-ai man")),
        Err(_) => checks.push(Check::note(
            TOPIC,
            "`git flow-ai --help` needs man, which is not installed",
            "git flow-ai help shows the same without it",
        )),
    }
    checks.extend(completions());
    checks
}

/// Whether the login shell finds completions, where its places are known; zsh's can be anywhere.
fn completions() -> Option<Check> {
    let shell = PathBuf::from(std::env::var_os("SHELL")?);
    let (name, places) = match shell.file_name()?.to_str()? {
        "bash" => {
            let file = "bash-completion/completions/git-flow-ai";
            let data = home::base(Base::Data)?.join(file);
            (
                "bash",
                vec![
                    data,
                    PathBuf::from("/usr/local/share").join(file),
                    PathBuf::from("/usr/share").join(file),
                ],
            )
        }
        "fish" => ("fish", vec![home::base(Base::Config)?.join("fish/conf.d/git-flow-ai.fish")]),
        _ => return None,
    };
    Some(match places.iter().find(|place| place.is_file()) {
        Some(_) => Check::good(TOPIC, format!("completions for {name} are installed")),
        None => Check::note(
            TOPIC,
            format!("no completions for {name}"),
            command_line!("git flow-ai completions {} > {}", name, places[0].display()),
        ),
    })
}
