//! A hermetic place for tests: a home, a repository, executables on the PATH, one function to run.
//!
//! Nothing of the machine's git configuration, identity, clock zone or language gets in. Fakes are
//! executables written by [`Place::script`]; the outcome of a command is one value, [`Out`].

#![allow(dead_code, reason = "each journey uses its own part of this")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub mod http;
pub mod server;
pub mod verdicts;

/// A temporary home with a repository in it.
pub struct Place {
    root: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Out {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// An empty repository on `main`.
    pub fn empty() -> Place {
        Place::at(tempfile::Builder::new().prefix("flow-ai-test-").tempdir().unwrap())
    }

    /// The same in memory where there is a file system for that: for floods of files.
    pub fn in_memory() -> Place {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let place = Place::at(tempfile::Builder::new().prefix("flow-ai-test-").tempdir_in(dir).unwrap());
        place.git(&["commit", "--quiet", "--allow-empty", "-m", "Begin"]).ok();
        place
    }

    /// An empty repository on `main`, in a new folder of that one.
    pub fn within(folder: &Path) -> Place {
        Place::at(tempfile::Builder::new().prefix("flow-ai-test-").tempdir_in(folder).unwrap())
    }

    fn at(root: tempfile::TempDir) -> Place {
        let place = Place { root };
        for dir in ["home", "bin", "repo"] {
            fs::create_dir(place.root.path().join(dir)).unwrap();
        }
        fs::write(
            place.root.path().join("home/.gitconfig"),
            "[user]\n\tname = Ada Lovelace\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[flow-ai]\n\tsandbox = off\n\ttrust = *\n\tpressure = false\n",
        )
        .unwrap();
        place.git(&["init", "--quiet"]).ok();
        place
    }

    /// A repository with one commit that holds `README.md`.
    pub fn new() -> Place {
        let place = Place::empty();
        place.write("README.md", "# A project\n");
        place.git(&["add", "README.md"]).ok();
        place.git(&["commit", "--quiet", "-m", "Begin"]).ok();
        place
    }

    /// A repository whose `main` holds that config (and `README.md`).
    pub fn with_config(config: &str) -> Place {
        let place = Place::new();
        place.write(".zenflow/config.toml", config);
        place.git(&["add", "."]).ok();
        place.git(&["commit", "--quiet", "-m", "Configure"]).ok();
        place
    }

    /// Another place that looks the same. What names this one by its absolute path still does.
    pub fn copy(&self) -> Place {
        let beside = self.root.path().parent().unwrap();
        let root = tempfile::Builder::new().prefix("flow-ai-test-").tempdir_in(beside).unwrap();
        let from = self.root.path().join(".");
        assert!(Command::new("cp").arg("-a").arg(from).arg(root.path()).status().unwrap().success());
        Place { root }
    }

    /// The folder around everything.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The repository.
    pub fn repo(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    /// Writes a file of the repository, with its folders.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the repository.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repo().join(path)).unwrap()
    }

    /// Puts a shell script on the PATH and returns its path.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.root.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Puts a reviewer on the PATH that answers in our schema: `decide` is shell that may set
    /// `findings` (a JSON array) after reading the whole request in `$request`.
    pub fn reviewer(&self, name: &str, decide: &str) -> PathBuf {
        self.script(
            name,
            &format!(
                r#"request=$(cat)
nonce=$(printf '%s\n' "$request" | sed -n 's/^REQUEST {{"nonce":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
files=$(printf '%s\n' "$request" | sed -n 's/^REQUEST .*"files":\(\[.*\]\)}}$/\1/p' | head -n 1)
findings='[]'
{decide}
if [ "$findings" = '[]' ]; then verdict=APPROVE; else verdict='REQUEST CHANGES'; fi
printf '{{"nonce":"%s","verdict":"%s","summary":"Read.","files":%s,"findings":%s}}\n' "$nonce" "$verdict" "$files" "$findings""#
            ),
        )
    }

    /// A command with the hermetic environment, in the repository.
    pub fn command(&self, program: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_git-flow-ai"));
        let path = std::env::join_paths(
            [self.root.path().join("bin"), binary.parent().unwrap().to_path_buf()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        )
        .unwrap();
        let mut command = Command::new(program);
        command
            .env_clear()
            .current_dir(self.repo())
            .env("PATH", path)
            .env("HOME", self.root.path().join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
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

    /// Runs git.
    pub fn git(&self, args: &[&str]) -> Out {
        Out::of(self.command("git").args(args).output().unwrap())
    }

    /// Runs git as a person does who walks around our hooks, whether git finds them by their folder or
    /// by its config.
    pub fn ungated(&self, args: &[&str]) -> Out {
        let mut git = self.command("git");
        git.args(["-c", "core.hooksPath=/dev/null"]);
        for event in git_flow_ai::commands::init::HOOKS {
            git.arg("-c").arg(format!("hook.flow-ai-{event}.enabled=false"));
        }
        Out::of(git.args(args).output().unwrap())
    }

    /// Switches our hooks off for good, in both places where git may find them.
    pub fn switch_hooks_off(&self) {
        self.git(&["config", "core.hooksPath", "/dev/null"]).ok();
        for event in git_flow_ai::commands::init::HOOKS {
            self.git(&["config", &format!("hook.flow-ai-{event}.enabled"), "false"]).ok();
        }
    }

    /// Runs `git flow-ai` as a user does, through git.
    pub fn flow(&self, args: &[&str]) -> Out {
        Out::of(self.command("git").arg("flow-ai").args(args).output().unwrap())
    }

    /// What git prints, trimmed; it must succeed.
    pub fn git_says(&self, args: &[&str]) -> String {
        self.git(args).ok().stdout.trim_end().to_owned()
    }
}

impl Out {
    /// What a finished process said.
    pub fn of(output: Output) -> Out {
        Out {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It must have succeeded.
    #[track_caller]
    pub fn ok(self) -> Out {
        self.exits(0)
    }

    /// It must have exited so.
    #[track_caller]
    pub fn exits(self, status: i32) -> Out {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Its standard output or error must hold that text.
    #[track_caller]
    pub fn says(self, text: &str) -> Out {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "`{text}` is missing\nstdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}
