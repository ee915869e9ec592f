//! The hooks that we install, as shell scripts.
//!
//! Regular files, since JGit ignores symbolic links; the program by its absolute path, since the PATH
//! is anybody's. Each asks us first and then runs what was there before, with the same arguments and
//! the same input; the first that says no wins.

use crate::process::quoted;
use std::path::Path;

/// How a script of ours is known.
const MARK: &str = "# Installed by git-flow-ai;";

/// The hooks by which git asks us.
pub const OURS: [&str; 5] =
    ["reference-transaction", "pre-merge-commit", "pre-commit", "pre-rebase", "pre-push"];

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

/// Hooks to which git writes something.
const READING: [&str; 6] =
    ["reference-transaction", "pre-push", "post-rewrite", "pre-receive", "post-receive", "proc-receive"];

/// Whether a hook's text is a script of ours.
pub(super) fn is_ours(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).lines().take(3).any(|line| line.starts_with(MARK))
}

/// The script of a hook. `chained` is what was there before, `protected` the branches that stay where
/// they are when the program is gone.
pub(super) fn of(name: &str, program: &Path, chained: &Path, protected: &[String]) -> String {
    let asks = match name {
        "reference-transaction" => include_str!("transaction.sh"),
        _ if OURS.contains(&name) => include_str!("hook.sh"),
        _ => include_str!("silent.sh"),
    };
    let runs_chained = if OURS.contains(&name) && READING.contains(&name) {
        include_str!("replay.sh")
    } else {
        include_str!("then.sh")
    };
    let protected: Vec<String> =
        protected.iter().map(|branch| quoted(&format!("refs/heads/{branch}"))).collect();
    let protected = if protected.is_empty() { "''".to_owned() } else { protected.join(" | ") };
    let text = format!("{asks}{runs_chained}");
    text.replace("@NAME@", name)
        .replace("@PROGRAM@", &quoted(&program.to_string_lossy()))
        .replace("@CHAINED@", &quoted(&chained.to_string_lossy()))
        .replace("@PROTECTED@", &protected)
}
