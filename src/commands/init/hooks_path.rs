//! Hooks where `core.hooksPath` points: a folder of another tool or of the user's.
//!
//! Nothing in it is touched. The setting is pointed at a folder of ours, whose hooks run ours and then
//! theirs; uninstalling points it back.

use super::action::{Action, Step, StepState};
use super::installed::{Installed, Setting};
use super::script::{self, Hooks, Way};
use super::steps::Plan;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::fs::home;
use crate::system::git;
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The setting that says where git looks for hooks.
const HOOKS_PATH: &str = "core.hooksPath";

/// A setting of core.hooksPath, as it was before `init`.
pub(super) struct HooksPath {
    /// The folder; relative where the setting is, to the worktree that a hook runs in.
    pub folder: PathBuf,
    /// Whether the setting names our folder by now, which passes on to that one.
    pub is_ours: bool,
    /// The setting in the repository's own config, before us.
    local: Option<String>,
}

/// Our folder, which takes its place.
fn own_folder(repo: &Repo) -> PathBuf {
    repo.common_dir().join("flow-ai/hooks")
}

/// The setting that sends git to other hooks than the repository's own, if there is one. Where it names our
/// folder by now, our record has what it was.
pub(super) fn find(repo: &Repo, root: &Path, installed: &Installed) -> Result<Option<HooksPath>> {
    let ours = own_folder(repo);
    let local = setting(repo, root, &["--local"])?;
    let now = current(repo, root)?;
    let is_ours = now.as_ref() == Some(&ours);
    let (now, local) = match is_ours {
        true => {
            let noted = installed.settings.iter().find(|setting| setting.key == HOOKS_PATH);
            match noted.and_then(|setting| setting.previous.clone()) {
                Some(previous) => (Some(home::expand(&previous)), Some(previous)),
                // It was set above the repository: the person's own config or the system's.
                None => (above(repo, root)?, None),
            }
        }
        false => (now, local),
    };
    let own = repo.common_dir().join("hooks");
    let elsewhere = now.filter(|folder| !is_same(&root.join(folder), &own));
    Ok(elsewhere.map(|folder| HooksPath { folder, is_ours, local }))
}

/// Ours takes the place of that folder and passes on to it.
pub(super) fn plan(
    repo: &Repo,
    root: &Path,
    installed: &Installed,
    hooks: &Hooks<'_>,
    before: &HooksPath,
) -> Result<Plan> {
    let folder = own_folder(repo);
    let there = fs::read_dir(root.join(&before.folder)).into_iter().flatten().flatten();
    let there = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: BTreeSet<String> = script::OURS
        .into_iter()
        .chain(script::OTHERS)
        .map(str::to_owned)
        .chain(there.filter(|name| is_hook_name(name)))
        .collect();
    let mut plan = Plan::default();
    for name in names {
        let theirs = before.folder.join(&name);
        for content in hooks.files(&name, &folder.join(&name), Way::InFrontOf(&theirs)) {
            plan.renew(content, installed);
        }
    }
    let value = folder.to_string_lossy().into_owned();
    if before.is_ours {
        plan.steps.push(Step::new(StepState::Already, format!("hooks in {value}")));
    } else {
        let setting = Setting { key: HOOKS_PATH.into(), value, previous: before.local.clone() };
        plan.actions.push(Action::Setting { setting, add: false });
        if before.folder.to_string_lossy().contains(".husky") {
            let what = "husky sets core.hooksPath again whenever it is installed: run `git flow-ai init` \
                        after it, for example in the `prepare` script of package.json";
            plan.steps.push(Step::new(StepState::Todo, what));
        }
    }
    Ok(plan)
}

/// Names as git's own: `pre-commit`, not `pre-commit.sample`, `_` or `husky.sh`.
fn is_hook_name(name: &str) -> bool {
    name.contains('-') && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        || matches!(name, "update")
}

/// The folder of hooks that is set, wherever it is set.
fn current(repo: &Repo, root: &Path) -> Result<Option<PathBuf>> {
    Ok(setting(repo, root, &["--type=path"])?.map(PathBuf::from))
}

/// The folder of hooks that the person's own or the system's config sets.
fn above(repo: &Repo, root: &Path) -> Result<Option<PathBuf>> {
    for scope in ["--global", "--system"] {
        if let Some(value) = setting(repo, root, &["--type=path", scope])? {
            return Ok(Some(PathBuf::from(value)));
        }
    }
    Ok(None)
}

fn setting(repo: &Repo, root: &Path, how: &[&str]) -> Result<Option<String>> {
    let folder = if root.exists() { root } else { repo.common_dir() };
    let output = git::command(folder).arg("config").args(how).args(["--get", HOOKS_PATH]).output();
    let output = output.context("git config cannot be asked")?;
    let value = String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned();
    Ok((output.status.success() && !value.is_empty()).then_some(value))
}

pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
