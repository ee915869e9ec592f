//! A temporary home with a repository in it, and how commands are run there.

use super::{Out, environment};
use git_flow_ai::commands::init::HOOKS;
use git_flow_ai::gate::store::Repo;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The folder around everything: `home`, `bin`, `repo`.
pub struct Place {
    root: TempDir,
}

impl Place {
    /// An empty repository on `main`.
    pub fn empty() -> Place {
        Place::within(&std::env::temp_dir())
    }

    /// The same in memory where there is a file system for that: for floods of files.
    pub fn in_memory() -> Place {
        let memory = Path::new("/dev/shm");
        let place =
            if memory.is_dir() { Place::within(memory) } else { Place::within(&std::env::temp_dir()) };
        place.git(&["commit", "--quiet", "--allow-empty", "-m", "Begin"]).ok();
        place
    }

    /// An empty repository on `main`, in a new folder of that one.
    pub fn within(folder: &Path) -> Place {
        let place = Place { root: temporary(folder) };
        environment::prepare(place.root());
        place.git(&["init", "--quiet"]).ok();
        place
    }

    /// A repository with one commit that holds `README.md`.
    pub fn new() -> Place {
        let place = Place::empty();
        place.commit_saying("Begin", "README.md", "# A project\n");
        place
    }

    /// A repository whose `main` holds that config (and `README.md`).
    pub fn with_config(config: impl Display) -> Place {
        let place = Place::new();
        place.commit_saying("Configure", ".zenflow/config.toml", config.to_string());
        place
    }

    /// The same with branches, each with one commit that `main` lacks, which adds a file of its name.
    pub fn with_branches(config: impl Display, names: &[&str]) -> Place {
        let place = Place::with_config(config);
        for name in names {
            place.branch(name, "main");
            place.commit_saying(name, name, "new\n");
        }
        place.switch("main");
        place
    }

    /// A repository with that config, our hooks in force, and what `init` writes committed.
    pub fn gated(config: impl Display) -> Place {
        let place = Place::with_config(config);
        place.put_up_hooks();
        place
    }

    /// Puts our hooks in force, and commits what `init` writes.
    pub fn put_up_hooks(&self) {
        self.flow(&["init"]).ok();
        self.ungated(&["add", "--all"]).ok();
        self.ungated(&["commit", "--quiet", "--allow-empty", "-m", "Add an example"]).ok();
    }

    /// Another place that looks the same. What names this one by its absolute path still does.
    pub fn copy(&self) -> Place {
        let root = temporary(self.root().parent().unwrap());
        let from = self.root().join(".");
        assert!(Command::new("cp").arg("-a").arg(from).arg(root.path()).status().unwrap().success());
        Place { root }
    }

    /// Takes back that everything is trusted here.
    pub fn distrust(&self) {
        environment::distrust(self.root());
    }

    /// The folder around everything.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The repository.
    pub fn repo(&self) -> PathBuf {
        self.root().join("repo")
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

    /// Commits all that there is with that file's new content: `Change <path>`.
    pub fn commit(&self, path: &str, text: impl AsRef<[u8]>) {
        self.commit_saying(&format!("Change {path}"), path, text);
    }

    /// The same with that message.
    pub fn commit_saying(&self, message: &str, path: &str, text: impl AsRef<[u8]>) {
        self.write(path, text);
        self.git(&["add", "--all"]).ok();
        self.git(&["commit", "--quiet", "-m", message]).ok();
    }

    /// Makes a branch at that revision and goes there.
    pub fn branch(&self, name: &str, at: &str) {
        self.git(&["switch", "--quiet", "--create", name, at]).ok();
    }

    /// Goes to a branch.
    pub fn switch(&self, name: &str) {
        self.git(&["switch", "--quiet", name]).ok();
    }

    /// A bare repository beside ours that has all that ours has, as its remote of that name. The remote is
    /// a relative path: in a copy of the place it is the copy's.
    pub fn server(&self, name: &str) -> PathBuf {
        let url = format!("../{name}.git");
        self.git(&["clone", "--quiet", "--bare", ".", &url]).ok();
        self.git(&["remote", "add", name, &url]).ok();
        self.root().join(format!("{name}.git"))
    }

    /// A command with the hermetic environment, in the repository.
    pub fn command(&self, program: &str) -> Command {
        environment::command(self.root(), program)
    }

    /// Runs git.
    pub fn git(&self, args: &[&str]) -> Out {
        Out::run(self.command("git").args(args))
    }

    /// Runs git in that folder.
    pub fn git_in(&self, folder: &Path, args: &[&str]) -> Out {
        Out::run(self.command("git").current_dir(folder).args(args))
    }

    /// Runs git as a person does who walks around our hooks, whether git finds them by their folder or
    /// by its config.
    pub fn ungated(&self, args: &[&str]) -> Out {
        let mut git = self.command("git");
        git.args(["-c", "core.hooksPath=/dev/null"]);
        for event in HOOKS {
            git.arg("-c").arg(format!("hook.flow-ai-{event}.enabled=false"));
        }
        Out::run(git.args(args))
    }

    /// Switches our hooks off for good, in both places where git may find them.
    pub fn switch_hooks_off(&self) {
        self.git(&["config", "core.hooksPath", "/dev/null"]).ok();
        for event in HOOKS {
            self.git(&["config", &format!("hook.flow-ai-{event}.enabled"), "false"]).ok();
        }
    }

    /// Runs `git flow-ai` as a user does, through git.
    pub fn flow(&self, args: &[&str]) -> Out {
        self.flow_in(&self.repo(), args)
    }

    /// Runs `git flow-ai` in that folder.
    pub fn flow_in(&self, folder: &Path, args: &[&str]) -> Out {
        Out::run(self.command("git").current_dir(folder).arg("flow-ai").args(args))
    }

    /// Runs `git flow-ai` as Bob, who had no hand in what Ada made.
    pub fn flow_as_bob(&self, args: &[&str]) -> Out {
        let who = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com", "flow-ai"];
        self.git(&[&who, args].concat())
    }

    /// What a person types, in a shell.
    pub fn sh(&self, line: &str) -> Out {
        Out::run(self.command("sh").args(["-c", line]))
    }

    /// What git prints, trimmed; it must succeed.
    pub fn git_says(&self, args: &[&str]) -> String {
        self.git(args).ok().stdout.trim_end().to_owned()
    }

    /// The id of a revision.
    pub fn id(&self, revision: &str) -> String {
        self.git_says(&["rev-parse", revision])
    }

    /// A file of a revision, if it is there.
    pub fn file(&self, revision: &str, path: &str) -> Option<String> {
        let out = self.git(&["cat-file", "blob", &format!("{revision}:{path}")]);
        (out.status == 0).then_some(out.stdout)
    }
}

fn temporary(folder: &Path) -> TempDir {
    tempfile::Builder::new().prefix("flow-ai-test-").tempdir_in(folder).unwrap()
}

/// A repository, opened in this process. The environment of commands means nothing to it, so that it says itself
/// who writes there, unless it does.
pub fn open(folder: &Path) -> Repo {
    let repo = Repo::open(folder).unwrap();
    let config = repo.common_dir().join("config");
    let text = fs::read_to_string(&config).unwrap();
    if text.contains("[user]") {
        return repo;
    }
    fs::write(&config, text + environment::IDENTITY).unwrap();
    Repo::open(folder).unwrap()
}
