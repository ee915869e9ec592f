//! Hooks where `core.hooksPath` points, or where the repository's own folder of hooks is a link: a folder of
//! another tool, of the user or of the project.
//!
//! Nothing in it is touched. The setting is pointed at a folder of ours, whose hooks run ours and then
//! theirs; uninstalling points it back. A worktree may have a setting of its own (`config.worktree`), which
//! git prefers to the repository's: so each worktree is looked at, and the setting is changed where it stands.

use super::action::{Action, Step, StepState};
use super::checkout::{self, Checkout};
use super::installed::{CONFIG, HOOKS_PATH, Installed, Setting};
use super::script::{Hooks, Way};
use super::steps::Plan;
use crate::domain::digest;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::fs::home;
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where git looks for hooks.
pub(super) enum HooksFolder {
    /// In the repository's own folder.
    Own,
    Elsewhere(Elsewhere),
}

/// A folder of hooks that is not ours to write to.
pub(super) struct Elsewhere {
    /// The folder, before us; relative where the setting is, to the worktree that a hook runs in.
    pub folder: PathBuf,
    /// Whether the setting names a folder of ours by now, which passes on to that one.
    pub is_ours: bool,
    /// The worktree in which it was found.
    root: PathBuf,
    /// What git goes by now.
    now: Option<String>,
    /// What is set, or is to be; and what was set there before us.
    setting: Setting,
}

/// Where git looks for hooks from these checkouts, each place once.
pub(super) fn find(repo: &Repo, installed: &Installed, checkouts: &[Checkout]) -> Result<Vec<HooksFolder>> {
    let (mut found, mut files, mut has_own) = (Vec::new(), BTreeSet::new(), false);
    for checkout in checkouts {
        match find_one(repo, installed, checkout)? {
            None if has_own => {}
            None => {
                has_own = true;
                found.push(HooksFolder::Own);
            }
            Some(elsewhere) => {
                if files.insert(elsewhere.setting.file.clone()) {
                    found.push(HooksFolder::Elsewhere(elsewhere));
                }
            }
        }
    }
    Ok(found)
}

/// The folder that is not the repository's own to which git is sent from that checkout; `None` if it is sent
/// nowhere else.
fn find_one(repo: &Repo, installed: &Installed, place: &Checkout) -> Result<Option<Elsewhere>> {
    let own = repo.common_dir().join("hooks");
    let values = checkout::hooks_paths(&place.dir)?;
    let is_ours = |value: &str| {
        Path::new(value).starts_with(repo.common_dir().join("flow-ai"))
            || installed.hooks_path(value).is_some()
    };
    let before_us = |value: &str| match is_ours(value) {
        true => installed.hooks_path(value)?.previous.as_deref().map(home::expand),
        false => Some(PathBuf::from(value)),
    };
    let before = values.iter().filter_map(|(_, value)| before_us(value)).next_back();
    let last = values.last();
    let wins = last.is_some_and(|(_, value)| is_ours(value));
    let is_own = |folder: &Path| is_same(&place.dir.join(folder), &own);
    let folder = match before.filter(|folder| !is_own(folder)) {
        Some(folder) => folder,
        // A link leads to files that are somebody else's, and ours takes the place of what is no longer set.
        None if wins || is_link(&own) => own,
        None => return Ok(None),
    };
    let file = match last {
        Some((scope, _)) if scope == "worktree" => place.config_file(repo),
        _ => CONFIG.to_owned(),
    };
    let set = checkout::setting(&repo.common_dir().join(&file), HOOKS_PATH)?;
    let previous = match set {
        Some(value) if is_ours(&value) => installed.hooks_path(&value).and_then(|own| own.previous.clone()),
        other => other,
    };
    let value = own_folder(repo, &file, &folder).to_string_lossy().into_owned();
    Ok(Some(Elsewhere {
        folder,
        is_ours: wins,
        root: place.dir.clone(),
        now: last.map(|(_, value)| value.clone()),
        setting: Setting { file, key: HOOKS_PATH.into(), value, previous },
    }))
}

/// Our folder, which takes the place of that one. Worktrees with the same setting share it, and so does one
/// that is made from them later: git copies their settings.
fn own_folder(repo: &Repo, file: &str, before: &Path) -> PathBuf {
    let name = match file {
        CONFIG => "hooks".to_owned(),
        _ => format!("hooks.{}", &digest::sha256(before.as_os_str().as_encoded_bytes())[..8]),
    };
    repo.common_dir().join("flow-ai").join(name)
}

/// Ours takes the place of that folder and passes on to it: these hooks, and what else is there.
pub(super) fn plan(installed: &Installed, hooks: &Hooks<'_>, before: Elsewhere, names: &[&str]) -> Plan {
    let folder = PathBuf::from(&before.setting.value);
    let there = fs::read_dir(before.root.join(&before.folder)).into_iter().flatten().flatten();
    let there = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: BTreeSet<String> =
        names.iter().map(|name| (*name).to_owned()).chain(there.filter(|name| is_hook_name(name))).collect();
    let mut plan = Plan::default();
    for name in names {
        let theirs = before.folder.join(&name);
        for content in hooks.files(&name, &folder.join(&name), Way::InFrontOf(&theirs)) {
            plan.renew(content, installed);
        }
    }
    let Elsewhere { folder, now, setting, .. } = before;
    if now.as_deref() == Some(&*setting.value) {
        plan.steps.push(Step::new(StepState::Already, format!("hooks in {}", setting.value)));
    } else {
        plan.actions.push(Action::Setting { setting, add: false });
        if folder.to_string_lossy().contains(".husky") {
            let what = "husky sets core.hooksPath again whenever it is installed: run `git flow-ai init` \
                        after it, for example in the `prepare` script of package.json";
            plan.steps.push(Step::new(StepState::Todo, what));
        }
    }
    plan
}

/// Names as git's own: `pre-commit`, not `pre-commit.sample`, `_` or `husky.sh`.
fn is_hook_name(name: &str) -> bool {
    name.contains('-') && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        || matches!(name, "update")
}

/// Whether the last part of that path is a link.
pub(super) fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.is_symlink())
}

pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Every file of settings in which a folder of ours may be named by now: git copies that of a worktree into
/// those that are made from it.
pub(super) fn files(repo: &Repo) -> Result<Vec<String>> {
    let mut files = vec![CONFIG.to_owned(), "config.worktree".to_owned()];
    let Ok(worktrees) = fs::read_dir(repo.common_dir().join("worktrees")) else { return Ok(files) };
    for worktree in worktrees {
        let name = worktree.context("the worktrees cannot be listed")?.file_name();
        files.extend(name.to_str().map(|name| format!("worktrees/{name}/config.worktree")));
    }
    files.retain(|file| repo.common_dir().join(file).exists());
    Ok(files)
}
