//! What stands in the hooks that we install.
//!
//! Regular files, since JGit ignores symbolic links; the program by its absolute path, since anything can
//! change the PATH. Each asks us first and then runs what was there before, with the same arguments and
//! the same input; the first that refuses wins. `reference-transaction` is a compiled program, with its
//! settings in a file beside it: git starts it too often for a shell.

use crate::domain::text::shell::quote_path;
use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How a hook of ours is known.
pub(super) const MARK: &str = "# Installed by git-flow-ai;";

/// What a hook that was there is called from then on, after its name.
const CHAINED: &str = ".flow-ai-chained";

/// The program `reference_transaction.rs`, as `build.rs` compiled it.
static REFERENCE_TRANSACTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reference-transaction"));

/// The hook that sees nearly every way a branch can move.
const TRANSACTION: &str = "reference-transaction";

/// The hook by which a server asks us.
pub const SERVERS: &str = "pre-receive";

/// The hooks by which git asks us.
pub const OURS: [&str; 5] = [TRANSACTION, "pre-merge-commit", "pre-commit", "pre-rebase", "pre-push"];

/// The other hooks of people's own machines, which are passed on where we take the place of a whole
/// folder. Not among them: those whose mere presence changes what git does (`push-to-checkout`,
/// `proc-receive`, `fsmonitor-watchman`); they are passed on if they are there at the time.
pub(super) const OTHERS: [&str; 11] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-checkout",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "sendemail-validate",
];

/// The hooks of a server that are passed on where we take the place of a whole folder.
pub(super) const SERVERS_OTHERS: [&str; 3] = ["update", "post-receive", "post-update"];

/// Hooks to which git writes something.
const READING: [&str; 6] = [TRANSACTION, "pre-push", "post-rewrite", SERVERS, "post-receive", "proc-receive"];

/// Whether a hook is one of ours: a script that says so at its top, or the compiled program.
pub(super) fn is_ours(content: &[u8]) -> bool {
    let says_so = |text: &[u8]| text.windows(MARK.len()).any(|part| part == MARK.as_bytes());
    match content.starts_with(b"#!") {
        true => content.split(|byte| *byte == b'\n').take(3).any(says_so),
        false => says_so(content),
    }
}

/// Where a hook that is there goes.
pub(super) fn chained(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(CHAINED);
    name.into()
}

/// Why a file that git runs does not ask us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Missing,
    /// lefthook runs it; only its config knows whether we are asked.
    Lefthook,
    /// It is somebody else's.
    Foreign,
    /// git does not run it, since it is not executable.
    NotExecutable,
    /// It calls that program, which is gone.
    NoProgram(PathBuf),
    /// What it has to know is gone.
    NoSettings(PathBuf),
}

/// Whether the file at that path asks us when git runs it; else why not.
pub fn installed(path: &Path) -> Result<(), Taken> {
    let kept = kept_by_pre_commit(path);
    let path = kept.as_deref().unwrap_or(path);
    let Ok(hook) = fs::read(path) else { return Err(Taken::Missing) };
    if !is_ours(&hook) {
        let is_lefthooks = String::from_utf8_lossy(&hook).contains("lefthook");
        return Err(if is_lefthooks { Taken::Lefthook } else { Taken::Foreign });
    }
    if !is_executable(path) {
        return Err(Taken::NotExecutable);
    }
    let text = match hook.starts_with(b"#!") {
        true => hook,
        false => fs::read(beside(path)).map_err(|_| Taken::NoSettings(beside(path)))?,
    };
    match program_of(&String::from_utf8_lossy(&text)) {
        Some(program) if program.exists() => Ok(()),
        Some(program) => Err(Taken::NoProgram(program)),
        None => Err(Taken::NoSettings(path.to_path_buf())),
    }
}

/// Our program, as a hook or the file beside it names it.
fn program_of(text: &str) -> Option<PathBuf> {
    let named = text.lines().find_map(|line| match line.strip_prefix("program=") {
        Some(word) => shlex::split(word)?.pop(),
        None => line.strip_prefix("program ").map(str::to_owned),
    })?;
    Some(PathBuf::from(named))
}

pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}

/// The settings of the compiled program.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".flow-ai");
    name.into()
}

/// Where ours is when the tool pre-commit has taken its place: it keeps what it finds, and runs it.
pub(super) fn kept_by_pre_commit(path: &Path) -> Option<PathBuf> {
    let mut kept = path.as_os_str().to_owned();
    kept.push(".legacy");
    let is_theirs = fs::read(path).is_ok_and(|shim| {
        String::from_utf8_lossy(&shim)
            .lines()
            .take(3)
            .any(|line| line.starts_with("# File generated by pre-commit:"))
    });
    let is_kept = is_theirs && fs::read(&kept).is_ok_and(|hook| is_ours(&hook));
    is_kept.then_some(kept.into())
}

/// What the hooks of a repository have in common.
pub(super) struct Hooks<'a> {
    pub program: &'a Path,
    /// The branches that stay where they are when the program is gone.
    pub protected: &'a [String],
    /// The hooks by which git asks us here; all others are only passed on.
    pub asking: &'a [&'a str],
}

/// How a hook comes to be run, which decides what else runs.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    /// As a file that git looks for; what was there before stands beside it, as [`chained`] names it.
    File,
    /// The same, and what was there before is elsewhere; relative where it was set so.
    InFrontOf(&'a Path),
    /// By git's config, beside whatever file git looks for; silent where that one is ours.
    Config,
}

/// A file of a hook.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub path: PathBuf,
    pub bytes: Cow<'static, [u8]>,
    /// Whether it is run; else it is read by the one that is.
    pub runs: bool,
}

impl Hooks<'_> {
    /// The files of a hook at that path, in the order in which they are to be written.
    pub fn files(&self, name: &str, path: &Path, way: Way<'_>) -> Vec<Content> {
        let hook = |bytes| Content { path: path.to_path_buf(), bytes, runs: true };
        if name != TRANSACTION || !self.asking.contains(&name) {
            return vec![hook(Cow::Owned(self.script(name, way).into_bytes()))];
        }
        let settings = Cow::Owned(self.settings(way).into_bytes());
        vec![
            Content { path: beside(path), bytes: settings, runs: false },
            hook(Cow::Borrowed(REFERENCE_TRANSACTION)),
        ]
    }

    /// The settings of the compiled program.
    fn settings(&self, way: Way<'_>) -> String {
        let mut text =
            format!("{MARK} {TRANSACTION} reads it. What is said here is renewed by `git flow-ai init`.\n");
        text.push_str(&format!("program {}\n", self.program.display()));
        match way {
            Way::File => {}
            Way::InFrontOf(chained) => text.push_str(&format!("chained {}\n", chained.display())),
            Way::Config => text.push_str("stands-in for the file in git's folder of hooks\n"),
        }
        for branch in self.protected {
            // What a pattern means begins with what stands before its first sign.
            match branch.find(['*', '?', '[', '{']) {
                Some(end) => text.push_str(&format!("protected-below refs/heads/{}\n", &branch[..end])),
                None => text.push_str(&format!("protected refs/heads/{branch}\n")),
            }
        }
        text
    }

    fn script(&self, name: &str, way: Way<'_>) -> String {
        let asks = match (name, way) {
            _ if !self.asking.contains(&name) => include_str!("forward_hook.sh"),
            (SERVERS, _) => include_str!("server_hook.sh"),
            (_, Way::Config) => include_str!("config_hook.sh"),
            _ => include_str!("hook_file.sh"),
        };
        let then = match way {
            Way::Config => "",
            _ if self.asking.contains(&name) && READING.contains(&name) => {
                include_str!("run_both_on_input.sh")
            }
            _ => include_str!("run_chained.sh"),
        };
        let chained = match way {
            Way::InFrontOf(chained) => quote_path(chained),
            _ => format!("\"$0\"{CHAINED}"),
        };
        format!("{asks}{then}")
            .replace("@QUOTED@", include_str!("quoted.sh"))
            .replace("@NAME@", name)
            .replace("@PROGRAM@", &quote_path(self.program))
            .replace("@CHAINED@", &chained)
    }
}
