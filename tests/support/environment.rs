//! The hermetic environment: nothing of the machine's git configuration, identity, clock zone or language
//! gets in, and no repository above the folder is found.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Who works here.
pub const IDENTITY: &str = "[user]\n\tname = Ada Lovelace\n\temail = ada@example.com\n";

/// And no program that git starts behind our back.
const GITCONFIG: &str = "[init]\n\tdefaultBranch = main\n\
[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";

/// Settings of ours for most tests: what is tried is neither the sandbox nor the question for trust.
const TRUSTING: &str = "[flow-ai]\n\tsandbox = off\n\ttrust = *\n\tpressure = false\n";

/// How worktrees are checked out in all tests, if that is tried with another way than what is the best here.
const CHECKOUTS: &str = "FLOW_AI_CHECKOUTS";

/// Makes the folders that [`command`] expects below `root`, and git's configuration.
pub fn prepare(root: &Path) {
    for dir in ["home", "bin", "repo"] {
        fs::create_dir(root.join(dir)).unwrap();
    }
    let checkouts = std::env::var(CHECKOUTS).map(|way| format!("\tcheckouts = {way}\n")).unwrap_or_default();
    fs::write(root.join("home/.gitconfig"), format!("{IDENTITY}{GITCONFIG}{TRUSTING}{checkouts}")).unwrap();
}

/// Takes back that everything is trusted.
pub fn distrust(root: &Path) {
    fs::write(root.join("home/.gitconfig"), format!("{IDENTITY}{GITCONFIG}[flow-ai]\n\tsandbox = off\n"))
        .unwrap();
}

/// A command in the repository of that folder, which has the folder's executables on its PATH.
pub fn command(root: &Path, program: &str) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_git-flow-ai"));
    let own = [root.join("bin"), binary.parent().unwrap().to_path_buf()];
    let usual = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&usual))).unwrap();
    let mut command = Command::new(program);
    command
        .env_clear()
        .current_dir(root.join("repo"))
        .env("PATH", path)
        .env("HOME", root.join("home"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CEILING_DIRECTORIES", root.parent().unwrap())
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_EDITOR", "false")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null());
    if let Some(tmp) = std::env::var_os("TMPDIR") {
        command.env("TMPDIR", tmp);
    }
    command
}
