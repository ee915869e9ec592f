//! Where the demo plays: a folder with a home, a repository and this program on the PATH.

use super::sample::File;
use super::{Narration, agent};
use crate::domain::error::{Result, hint, hint_on};
use anyhow::Context;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, ErrorKind, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// What git believes about the person who plays: an identity, and nothing that runs behind its back.
const GITCONFIG: &str = "[user]\n\tname = Demo Person\n\temail = demo@example.com\n[init]\n\tdefaultBranch = main\n\
[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
[flow-ai]\n\ttrust = *\n";

#[derive(Debug)]
pub struct Playground {
    root: PathBuf,
}

impl Playground {
    /// Makes one, in that folder (missing or empty) or in a new temporary one.
    pub(super) fn make(dir: Option<&Path>) -> Result<Playground> {
        let root = match dir {
            Some(dir) => {
                fs::create_dir_all(dir).map_err(|error| {
                    let fix = "name another folder, or leave --dir out";
                    hint_on(error.into(), format!("cannot make {}", dir.display()), fix)
                })?;
                let mut entries =
                    fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
                if entries.next().is_some() {
                    return Err(hint(
                        format!("{} is not empty", dir.display()),
                        "name a folder that is missing or empty",
                    ));
                }
                dir.to_owned()
            }
            None => tempfile::Builder::new()
                .prefix("git-flow-ai-demo-")
                .tempdir()
                .context("cannot make a temporary folder")?
                .keep(),
        };
        let playground = Playground { root: root.canonicalize().context("cannot find the folder again")? };
        for folder in [playground.home(), playground.bin(), playground.repo()] {
            fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(playground.home().join(".gitconfig"), GITCONFIG)
            .context("cannot write the demo's git configuration")?;
        let program = env::current_exe().context("cannot tell where this program is")?;
        std::os::unix::fs::symlink(program, playground.program())
            .context("cannot put this program on the demo's PATH")?;
        Ok(playground)
    }

    /// The folder around everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn repo(&self) -> PathBuf {
        self.root.join("till")
    }

    /// The names of the tasks' worktrees that are there. Each is a repository of its own, so that
    /// `git worktree list` does not know them: they are looked up where a run makes them.
    pub(super) fn worktrees(&self) -> Result<Vec<String>> {
        let folder = self.root.join(".till.flow-ai");
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries,
        };
        let cannot = || format!("cannot read {}", folder.display());
        let mut names = Vec::new();
        for entry in entries.with_context(cannot)? {
            names.push(entry.with_context(cannot)?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// The folder that has `git-flow-ai`.
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    pub(super) fn program(&self) -> PathBuf {
        self.bin().join("git-flow-ai")
    }

    fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Writes files of the repository.
    pub(super) fn write(&self, files: &[File<'_>]) -> Result<()> {
        agent::write(files, &self.repo())
    }

    /// A command in the repository that knows nothing of the machine but where programs are.
    fn command(&self, words: &[&str]) -> Result<Command> {
        let (program, args) = words.split_first().context("a command has a word")?;
        let usual = env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
        let path = env::join_paths(std::iter::once(self.bin()).chain(env::split_paths(&usual)))
            .context("the PATH cannot be extended")?;
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .current_dir(self.repo())
            .env("PWD", self.repo())
            .env("PATH", path)
            .env("HOME", self.home())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "false")
            .env("GIT_PAGER", "cat")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        for kept in ["TMPDIR", "NO_COLOR", "TZ"] {
            if let Some(value) = env::var_os(kept) {
                command.env(kept, value);
            }
        }
        Ok(command)
    }

    /// Runs a command as typed, telling each line that it prints; whether it succeeded.
    pub(super) fn run(&self, words: &[&str], narrate: &mut dyn FnMut(Narration<'_>)) -> Result<bool> {
        let (output, input) = pipe().context("cannot make a pipe")?;
        let mut command = self.command(words)?;
        command.stdout(input.try_clone().context("cannot make a pipe")?).stderr(input);
        let mut child = command.spawn().with_context(|| format!("cannot run {}", words.join(" ")))?;
        // Our own ends of the pipe must go, or it would never end.
        drop(command);
        for line in BufReader::new(output).split(b'\n') {
            narrate(Narration::Output(&String::from_utf8_lossy(
                &line.context("cannot read what the command prints")?,
            )));
        }
        Ok(child.wait().with_context(|| format!("lost {}", words.join(" ")))?.success())
    }

    /// What git says, trimmed; empty when it fails.
    pub(super) fn git(&self, args: &[&str]) -> Result<String> {
        let words: Vec<&str> = std::iter::once("git").chain(args.iter().copied()).collect();
        let output = self.command(&words)?.stderr(Stdio::null()).output().context("cannot run git")?;
        Ok(if output.status.success() {
            String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
        } else {
            String::new()
        })
    }
}
