//! Our hooks beside everybody else's.
//!
//! Where git looks in the repository's own hooks folder, a hook that is there is moved aside and runs
//! after ours. Where `core.hooksPath` points elsewhere (husky, a team's or a person's folder of hooks),
//! or the folder is a link, nothing in that folder is touched, see [`hooks_path`]. Files that lefthook keeps rewriting are left
//! to it, with the lines to add. From 2.54 on git also runs hooks that its config names, and those
//! stand whatever becomes of the files, see [`mod@configured`].

use super::action::{Action, Step, StepState};
use super::hooks_path::HooksFolder;
use super::installed::Installed;
use super::script::{self, Content, Hooks, Way};
use super::steps::{Plan, edited};
use super::{checkout, configured, hooks_path};
use crate::domain::error::Result;
use crate::domain::text::shell::command_line;
use crate::gate::store::Repo;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// What there is to do for our hooks.
pub(super) fn plan(repo: &Repo, root: &Path, installed: &Installed, branches: &[String]) -> Result<Plan> {
    let program = program()?;
    let hooks = Hooks { program: &program, protected: branches, asking: &script::OURS };
    let by_config = configured::is_wanted(installed)?;
    let mut plan = Plan::default();
    for folder in hooks_path::find(repo, installed, &checkout::checkouts(repo, root)?)? {
        match folder {
            HooksFolder::Own => plan.extend(plan_own_folder(repo, root, installed, &hooks, by_config)),
            HooksFolder::Elsewhere(before) if by_config && !before.is_ours => {
                let what = format!(
                    "git looks for hooks in {}: 2.54 and newer ask us all the same, by their config; older \
                     ones do not, unless one of them runs `git flow-ai init`",
                    before.folder.display()
                );
                plan.steps.push(Step::new(StepState::Kept, what));
            }
            HooksFolder::Elsewhere(before) => {
                let names = [&script::OURS[..], &script::OTHERS].concat();
                plan.extend(hooks_path::plan(installed, &hooks, before, &names));
            }
        }
    }
    if by_config {
        plan.extend(configured::plan(repo, installed, &hooks)?);
    }
    Ok(plan)
}

/// In the repository's own folder of hooks.
fn plan_own_folder(
    repo: &Repo,
    root: &Path,
    installed: &Installed,
    hooks: &Hooks<'_>,
    by_config: bool,
) -> Plan {
    let mut plan = Plan::default();
    for name in script::OURS {
        let path = repo.common_dir().join("hooks").join(name);
        match fs::read(&path) {
            Ok(there) if is_lefthooks(&there) && by_config => {
                let what = format!("lefthook owns the hook {name}; git asks us by its config");
                plan.steps.push(Step::new(StepState::Already, what));
            }
            Ok(there) if is_lefthooks(&there) && lefthook_asks(root, name) => {
                let what = format!("lefthook's hook {name} asks us, its config says so");
                plan.steps.push(Step::new(StepState::Already, what));
            }
            Ok(there) if is_lefthooks(&there) => {
                plan.steps.push(Step::new(StepState::Todo, for_lefthook(name)));
            }
            _ => plan.extend(plan_file(&path, installed, hooks.files(name, &path, Way::File))),
        }
    }
    plan
}

/// A hook's files at that path; what is there and not ours is moved aside, and runs after it.
pub(super) fn plan_file(path: &Path, installed: &Installed, files: Vec<Content>) -> Plan {
    let mut plan = Plan::default();
    if let Some(kept) = script::kept_by_pre_commit(path) {
        for content in files {
            plan.renew(Content { path: kept.clone(), ..content }, installed);
        }
        let what = format!("the hook {}: pre-commit runs it", kept.display());
        plan.steps.push(Step::new(StepState::Already, what));
        return plan;
    }
    let there = fs::read(path).unwrap_or_default();
    let is_there = fs::symlink_metadata(path).is_ok();
    // A link is somebody's own, wherever it leads: it is moved as it is, and what it leads to stays as it is.
    let is_ours = is_there && script::is_ours(&there) && !hooks_path::is_link(path);
    let moved = script::chained(path);
    if is_ours && installed.is_edited(path, &there) {
        plan.steps.push(Step::new(StepState::Kept, edited(path)));
    } else if is_there && !is_ours && fs::symlink_metadata(&moved).is_ok() {
        let (path, moved) = (path.display(), moved.display());
        let what = format!("{path} is another tool's again, and {moved} is in the way");
        plan.steps.push(Step::new(StepState::Kept, what));
    } else {
        let is_anothers = is_there && !is_ours;
        for content in files {
            if is_anothers && content.runs {
                plan.actions.push(Action::Hook { content, moved: Some(moved.clone()) });
            } else {
                plan.renew(content, installed);
            }
        }
        if plan.actions.is_empty() {
            plan.steps.push(Step::new(StepState::Already, format!("the hook {}", path.display())));
        }
    }
    plan
}

/// Our program's path: as the PATH names it, so that an upgrade that moves the file does not break
/// the hooks, else as it was started.
pub(super) fn program() -> Result<PathBuf> {
    let running = std::env::current_exe().context("our own program cannot be found")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("git-flow-ai"))
        .find(|candidate| hooks_path::is_same(candidate, &running));
    Ok(named.unwrap_or(running))
}

fn is_lefthooks(hook: &[u8]) -> bool {
    !script::is_ours(hook) && String::from_utf8_lossy(hook).contains("lefthook")
}

/// lefthook rewrites its hooks whenever its config changes, and forgets what it finds there.
fn for_lefthook(name: &str) -> String {
    format!(
        "lefthook owns the hook {name}; add to lefthook.yml: \
         {name}: {{ commands: {{ git-flow-ai: {{ run: '{} {{0}}', use_stdin: true }} }} }}",
        question(name)
    )
}

/// How lefthook asks us.
fn question(name: &str) -> String {
    command_line!("git flow-ai hook {}", name)
}

/// Whether lefthook's config calls us in that hook.
pub fn lefthook_asks(root: &Path, name: &str) -> bool {
    let names = ["lefthook", ".lefthook", "lefthook-local", ".lefthook-local", ".config/lefthook"];
    let files = names.iter().flat_map(|name| {
        ["yml", "yaml", "toml", "json"].map(|extension| root.join(format!("{name}.{extension}")))
    });
    let mut texts = files.filter_map(|file| fs::read_to_string(file).ok());
    texts.any(|text| {
        text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(&question(name)))
    })
}
