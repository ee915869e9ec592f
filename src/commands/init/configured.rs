//! Hooks that git's config names, where git has them (2.54 and newer).
//!
//! They stand whatever becomes of the folder of hooks: `core.hooksPath`, husky and lefthook do not
//! reach them. The config is a file of its own, included only for the place where the repository is
//! now: when that is moved, or the file deleted, git goes on without it instead of failing at every
//! ref. The file hooks stay, for older gits on the same repository; where git runs both, the file asks.

use super::action::Action;
use super::checkout;
use super::installed::{CONFIG, Installed, Setting};
use super::script::{self, Content, Hooks, MARK, Way};
use super::steps::Plan;
use crate::domain::error::Result;
use crate::domain::text::shell::quote;
use crate::gate::store::Repo;
use crate::system::git;
use anyhow::Context;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Where they are, in the repository's git folder.
const FOLDER: &str = "flow-ai/configured";

/// The name by which git's config knows the hook of an event.
pub fn name_of(event: &str) -> String {
    format!("flow-ai-{event}")
}

/// The file that git's config names for an event.
pub(super) fn path_of(repo: &Repo, event: &str) -> PathBuf {
    repo.common_dir().join(FOLDER).join(event)
}

/// Whether this git runs them, or one that did has been here.
pub(super) fn is_wanted(installed: &Installed) -> Result<bool> {
    Ok(git::version()? >= (2, 54) || installed.hooks.iter().any(|hook| hook.path.ends_with(config_file())))
}

pub(super) fn plan(repo: &Repo, installed: &Installed, hooks: &Hooks<'_>) -> Result<Plan> {
    let common = repo.common_dir();
    let common = common.canonicalize().with_context(|| format!("{} is gone", common.display()))?;
    let folder = common.join(FOLDER);
    let mut plan = Plan::default();
    let mut config = format!("{MARK} git includes it, see .git/config.\n");
    for event in script::OURS {
        let path = folder.join(event);
        // Without a shell, where the path allows.
        let command = path.to_string_lossy();
        let plain = command.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+,@".contains(&byte));
        let command = if plain { command } else { Cow::Owned(format!("exec {}", quote(&command))) };
        let command = command.replace('\\', "\\\\").replace('"', "\\\"");
        let name = name_of(event);
        config.push_str(&format!("[hook \"{name}\"]\n\tevent = {event}\n\tcommand = \"{command}\"\n"));
        for content in hooks.files(event, &path, Way::Config) {
            plan.renew(content, installed);
        }
    }
    // Last, so that git is not sent to a hook that is not there yet.
    let bytes = Cow::Owned(config.into_bytes());
    plan.renew(Content { path: common.join(config_file()), bytes, runs: false }, installed);
    for pattern in [escaped(&common), format!("{}/worktrees/", escaped(&common))] {
        let key = format!("includeIf.gitdir:{pattern}.path");
        if checkout::setting(&common.join(CONFIG), &key)? != Some(config_file()) {
            let setting = Setting { file: CONFIG.into(), key, value: config_file(), previous: None };
            plan.actions.push(Action::Setting { setting, add: false });
        }
    }
    Ok(plan)
}

fn config_file() -> String {
    format!("{FOLDER}/config")
}

/// As a pattern that stands for itself.
fn escaped(path: &Path) -> String {
    let mut pattern = String::new();
    for character in path.to_string_lossy().chars() {
        if "*?[\\".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
