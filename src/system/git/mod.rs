//! The git executable: one function builds every command, one environment policy.
//!
//! What depends on the user's configuration (worktrees, merges that a user asked for, hooks, network) is
//! done by git itself. Git sets `GIT_DIR` and others when it runs us as a hook or an alias; a child that we
//! start elsewhere must not inherit them. Optional locks are off, so that looking never takes `index.lock`
//! from an agent.

pub mod error;
pub mod lock_file;
pub mod refspec;
pub mod talk;

use crate::domain::error::{Result, hint};
use crate::system::program;
use anyhow::{Context, bail};
use error::GitError;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The variables by which git tells a child which repository it is in.
pub const DISCOVERY: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CEILING_DIRECTORIES",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_SHALLOW_FILE",
    "GIT_IMPLICIT_WORK_TREE",
];

/// The git that we run: found once, in no folder that is relative or in the repository.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| program::own("git"))
}

/// A git command that runs in that directory and only knows the repository that it finds there.
pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(program());
    forget_repository(&mut command);
    // Nothing that git starts comes from a relative entry of the PATH, which an agent could have filled.
    command.env("PATH", program::path_for_git());
    command.current_dir(dir).env("PWD", dir).env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null());
    command
}

/// A git command in a git directory of our own, which sees no configuration but that directory's: not the
/// user's, not the system's, no attributes, no replace refs, and nothing of the environment but the PATH
/// and where temporary files go.
pub fn isolated(git_dir: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("PATH", program::path_outside())
        .envs(std::env::var_os("TMPDIR").map(|dir| ("TMPDIR", dir)))
        .env("GIT_DIR", git_dir)
        .env("HOME", git_dir)
        .env("XDG_CONFIG_HOME", git_dir.join("none"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_LITERAL_PATHSPECS", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .current_dir(git_dir)
        .stdin(Stdio::null());
    command
}

/// Removes every variable by which git told *us* which repository we are in.
pub fn forget_repository(command: &mut Command) {
    for name in DISCOVERY {
        command.env_remove(name);
    }
}

/// Runs it and returns what it printed, without the last line's end; if it fails, the error is a
/// [`GitError`].
pub fn output(command: &mut Command) -> Result<String> {
    let bytes = output_bytes(command)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// The same as bytes, untrimmed.
pub fn output_bytes(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot run {}", describe(command)))?;
    if !output.status.success() {
        return Err(GitError::new(command, output.status, &output.stderr).into());
    }
    Ok(output.stdout)
}

/// The command as a user would type it, for messages: of an argument of several lines only the first.
pub fn describe(command: &Command) -> String {
    let name = if command.get_program() == program() { OsStr::new("git") } else { command.get_program() };
    let words = std::iter::once(name).chain(command.get_args());
    let shown = words.map(|word| match word.to_string_lossy().split_once('\n') {
        Some((first, _)) => format!("{first}…"),
        None => word.to_string_lossy().into_owned(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// git's version as (major, minor), asked for once.
pub fn version() -> Result<(u32, u32)> {
    static VERSION: OnceLock<(u32, u32)> = OnceLock::new();
    if let Some(known) = VERSION.get() {
        return Ok(*known);
    }
    let text = output(Command::new(program()).arg("--version").current_dir("/"))
        .map_err(|_| hint("git is not on the PATH", "install git 2.38 or newer"))?;
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => Ok(*VERSION.get_or_init(|| (major, minor))),
        _ => bail!("`git --version` said `{text}`, which holds no version"),
    }
}
