//! Our hooks beside everybody else's.
//!
//! Where git looks in the repository's own hooks folder, a hook that is there is moved aside and runs
//! after ours. Where `core.hooksPath` points elsewhere (husky, a team's or a person's folder of
//! hooks), nothing in that folder is touched: the setting is pointed at a folder of ours whose hooks
//! run ours and then theirs. Files that lefthook keeps rewriting are left to it, with the lines to add.

use super::action::{Action, State, Step};
use super::installed::{Installed, Setting};
use super::script;
use crate::error::Result;
use crate::git;
use crate::store::Repo;
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The setting that says where git looks for hooks.
const HOOKS_PATH: &str = "core.hooksPath";

/// Where git looks for hooks, before us.
struct Before {
    /// The folder; relative where the setting is, to the worktree that a hook runs in.
    folder: PathBuf,
    /// Whether a setting names it.
    by_setting: bool,
    /// That setting in the repository's own config.
    local: Option<String>,
}

/// What there is to do for our hooks, and what to tell.
pub(super) fn plan(
    repo: &Repo,
    root: &Path,
    installed: &Installed,
    branches: &[String],
) -> Result<(Vec<Action>, Vec<Step>)> {
    let program = program()?;
    let before = before(repo, root, installed)?;
    if before.by_setting {
        return in_folder_of_ours(repo, root, installed, &before, branches);
    }
    let (mut actions, mut steps) = (Vec::new(), Vec::new());
    for name in script::OURS {
        let path = before.folder.join(name);
        let chained = before.folder.join(format!("{name}.flow-ai-chained"));
        let text = script::of(name, &program, &chained, branches);
        match fs::read(&path) {
            Ok(there) if there == text.as_bytes() => {
                steps.push(Step::new(State::Already, format!("the hook {}", path.display())));
            }
            Ok(there) if script::is_ours(&there) && installed.is_edited(&path, &there) => {
                steps.push(Step::new(State::Kept, edited(&path)));
            }
            Ok(there) if script::is_ours(&there) => actions.push(Action::Hook { path, text, moved: None }),
            Ok(there) if String::from_utf8_lossy(&there).contains("lefthook") => {
                steps.push(Step::new(State::Todo, for_lefthook(name)));
            }
            Ok(_) if chained.exists() => steps.push(Step::new(
                State::Kept,
                format!(
                    "{} is another tool's again, and {} is in the way",
                    path.display(),
                    chained.display()
                ),
            )),
            Ok(_) => actions.push(Action::Hook { path, text, moved: Some(chained) }),
            Err(_) if fs::symlink_metadata(&path).is_ok() => {
                actions.push(Action::Hook { path, text, moved: Some(chained) });
            }
            Err(_) => actions.push(Action::Hook { path, text, moved: None }),
        }
    }
    Ok((actions, steps))
}

/// The folder that a setting names is somebody else's: ours takes its place and passes on to it.
fn in_folder_of_ours(
    repo: &Repo,
    root: &Path,
    installed: &Installed,
    before: &Before,
    branches: &[String],
) -> Result<(Vec<Action>, Vec<Step>)> {
    let program = program()?;
    let folder = repo.common_dir().join("flow-ai/hooks");
    let there = fs::read_dir(root.join(&before.folder)).into_iter().flatten().flatten();
    let there = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: BTreeSet<String> = script::OURS
        .into_iter()
        .chain(script::OTHERS)
        .map(str::to_owned)
        .chain(there.filter(|name| is_hook_name(name)))
        .collect();
    let (mut actions, mut steps) = (Vec::new(), Vec::new());
    for name in names {
        let text = script::of(&name, &program, &before.folder.join(&name), branches);
        let path = folder.join(&name);
        match fs::read(&path) {
            Ok(there) if there == text.as_bytes() => continue,
            Ok(there) if installed.is_edited(&path, &there) => {
                steps.push(Step::new(State::Kept, edited(&path)));
                continue;
            }
            _ => {}
        }
        actions.push(Action::Hook { path, text, moved: None });
    }
    let value = folder.to_string_lossy().into_owned();
    if current(repo, root)?.is_some_and(|now| now == folder) {
        steps.push(Step::new(State::Already, format!("hooks in {value}")));
    } else {
        let setting = Setting { key: HOOKS_PATH.into(), value, previous: before.local.clone() };
        actions.push(Action::Setting { setting, add: false });
        if before.folder.to_string_lossy().contains(".husky") {
            let what = "husky sets core.hooksPath again whenever it is installed: run `git flow-ai init` \
                        after it, for example in the `prepare` script of package.json";
            steps.push(Step::new(State::Todo, what));
        }
    }
    Ok((actions, steps))
}

/// What is said about a hook of ours that somebody has changed.
fn edited(path: &Path) -> String {
    let path = path.display();
    format!("the hook {path} has been edited; to have it renewed, move it away and run init again")
}

/// Names as git's own: `pre-commit`, not `pre-commit.sample`, `_` or `husky.sh`.
fn is_hook_name(name: &str) -> bool {
    name.contains('-') && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        || matches!(name, "update")
}

/// Where git looked before us, read from our record where we have taken the place already.
fn before(repo: &Repo, root: &Path, installed: &Installed) -> Result<Before> {
    let own = repo.common_dir().join("hooks");
    let ours = repo.common_dir().join("flow-ai/hooks");
    let local = setting(repo, root, &["--local"])?;
    let (now, local) = match current(repo, root)? {
        Some(now) if now == ours => {
            let noted = installed.settings.iter().find(|setting| setting.key == HOOKS_PATH);
            let previous = noted.and_then(|setting| setting.previous.clone());
            match &previous {
                Some(previous) => (Some(expanded(previous)), Some(previous.clone())),
                // It was set above the repository: the person's own config or the system's.
                None => (above(repo, root)?, None),
            }
        }
        now => (now, local),
    };
    Ok(match now {
        Some(folder) if !is_same(&root.join(&folder), &own) => Before { folder, by_setting: true, local },
        _ => Before { folder: own, by_setting: false, local },
    })
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

/// `~/hooks` as git reads it.
fn expanded(value: &str) -> PathBuf {
    match (value.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(value),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Our program's path: as the PATH names it, so that an upgrade that moves the file does not break
/// the hooks, else as it was started.
fn program() -> Result<PathBuf> {
    let running = std::env::current_exe().context("our own program cannot be found")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("git-flow-ai"))
        .find(|candidate| is_same(candidate, &running));
    Ok(named.unwrap_or(running))
}

/// lefthook rewrites its hooks whenever its config changes, and forgets what it finds there.
fn for_lefthook(name: &str) -> String {
    format!(
        "lefthook owns the hook {name}; add to lefthook.yml: \
         {name}: {{ commands: {{ git-flow-ai: {{ run: git flow-ai hook {name} {{0}}, use_stdin: true }} }} }}"
    )
}
