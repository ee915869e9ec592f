//! The environment of a command that no user attends: editors, pagers and questions for a password fail at
//! once or do nothing instead of waiting.
//!
//! Set before what the config says, which wins. `CI` stays as it is: some tools, tests among them, do
//! something else if it is set.

use std::env;
use std::process::Command;

/// Variables and what they are set to.
const SET: &[(&str, &str)] = &[
    // `git commit` without a message says itself that there is none; a rebase can go on.
    ("GIT_EDITOR", "true"),
    ("GIT_SEQUENCE_EDITOR", "true"),
    ("EDITOR", "true"),
    ("VISUAL", "true"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("MANPAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("PIP_NO_INPUT", "1"),
];

/// Programs that ask for a password in a window.
const ASKING: &[&str] = &["GIT_ASKPASS", "SSH_ASKPASS", "SUDO_ASKPASS"];

pub fn unattended(command: &mut Command) {
    for (name, value) in SET {
        command.env(name, value);
    }
    for name in ASKING {
        command.env_remove(name);
    }
    // An unknown host or a locked key is an error then, not a question.
    if ["GIT_SSH_COMMAND", "GIT_SSH"].iter().all(|name| env::var_os(name).is_none()) {
        command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
    }
}
