//! `init --uninstall`: everything that `init` did is undone, and nothing else.
//!
//! What was changed since stays, and is named. In a copy of a repository this undoes what is in the copy, and
//! never what is in the original.

use super::action::{Step, StepState};
use super::hooks_path;
use super::installed::{CONFIG, HOOKS_PATH, Installed, OwnFile, OwnHook, Setting};
use super::{InitReport, root, script};
use crate::commands::receipts;
use crate::domain::error::Result;
use crate::domain::text::shell::{Part, command_line};
use crate::gate::store::Repo;
use crate::gate::store::verdicts::LOG_REF;
use crate::system::git;
use anyhow::Context;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Undoes what the record says. With `dry_run`, only reports it.
pub fn uninstall(repo: &Repo, dry_run: bool) -> Result<InitReport> {
    let root = root(repo);
    let installed = Installed::read(repo)?;
    let mut steps = Vec::new();
    if installed.is_empty() {
        steps.push(Step::new(StepState::Already, "nothing of git-flow-ai is installed here"));
    }
    // Settings first: git must not look for hooks in a folder that is half gone.
    for setting in &installed.settings {
        steps.extend(unset(repo, setting, dry_run)?);
    }
    // A hook goes before what it reads.
    for hook in installed.hooks.iter().rev() {
        match Places::of(&installed, hook) {
            Some(places) => {
                steps.push(remove_hook(hook, &places, dry_run)?);
                steps.extend(remove_kept(hook, &places, dry_run)?);
            }
            None => {
                let what = format!("the hook {} is in another folder by now", hook.path.display());
                steps.push(Step::new(StepState::Kept, what));
            }
        }
    }
    for file in &installed.files {
        steps.push(remove_file(&root, file, dry_run)?);
    }
    steps.extend(remove_log(repo, dry_run)?);
    if !dry_run {
        receipts::forget(repo)?;
        Installed::forget(repo)?;
        let own = repo.common_dir().join("flow-ai");
        let in_git = installed.folders.iter().rev().filter_map(|folder| installed.absolute(folder));
        let in_tree = installed.tree_folders.iter().rev().filter_map(|folder| in_tree(&root, folder));
        for folder in in_git.chain(in_tree).chain([own.join("homes"), own.join("locks"), own]) {
            // A folder that is not empty holds what `init` did not make.
            let _ = fs::remove_dir(folder);
        }
    }
    let kept = steps.iter().any(|step| step.state == StepState::Kept);
    let next = kept.then(|| "what was kept is yours: remove it by hand if you do not want it".to_owned());
    Ok(InitReport { steps, next: next.into_iter().collect(), unasked: Vec::new() })
}

/// What `git log` was shown of verdicts; the verdicts themselves stay.
fn remove_log(repo: &Repo, dry_run: bool) -> Result<Option<Step>> {
    let Some(shown) = repo.find_ref(LOG_REF)? else { return Ok(None) };
    if !dry_run {
        repo.delete_ref(LOG_REF, shown)?;
    }
    Ok(Some(Step::new(StepState::Done, format!("remove {LOG_REF}"))))
}

/// Where a hook of ours is now, and what was there before us.
struct Places {
    path: PathBuf,
    moved: Option<PathBuf>,
}

impl Places {
    /// `None` if the record leads out of the git directory.
    fn of(installed: &Installed, hook: &OwnHook) -> Option<Places> {
        let moved = match &hook.moved {
            Some(moved) => Some(installed.absolute(moved)?),
            None => None,
        };
        Some(Places { path: installed.absolute(&hook.path)?, moved })
    }
}

/// A folder of the working tree; `None` if that leads out of it.
fn in_tree(root: &Path, folder: &Path) -> Option<PathBuf> {
    let is_plain = folder.components().all(|part| matches!(part, Component::Normal(_)));
    is_plain.then(|| root.join(folder))
}

/// Takes a setting back where we made it, and where git has copied it to.
fn unset(repo: &Repo, setting: &Setting, dry_run: bool) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for file in hooks_path::files(repo)? {
        if file == setting.file || setting.key == HOOKS_PATH {
            steps.extend(unset_in(repo, &file, setting, dry_run)?);
        }
    }
    if steps.is_empty() {
        steps.push(Step::new(StepState::Kept, format!("{} is no longer {}", setting.key, setting.value)));
    }
    Ok(steps)
}

fn unset_in(repo: &Repo, file: &str, setting: &Setting, dry_run: bool) -> Result<Option<Step>> {
    let Setting { key, value, previous, .. } = setting;
    let output = git::command(repo.common_dir()).args(["config", "--file", file, "--get-all", key]).output();
    let output = output.context("git config cannot be asked")?;
    if !String::from_utf8_lossy(&output.stdout).lines().any(|line| line == value) {
        return Ok(None);
    }
    let place = if file == CONFIG { String::new() } else { format!(" (in {file})") };
    let what = match previous {
        Some(previous) => command_line!("git config {} {}{}", key, previous, Part(&place)),
        None => command_line!("git config --unset {} {}{}", key, value, Part(&place)),
    };
    if !dry_run {
        let mut config = git::command(repo.common_dir());
        config.args(["config", "--file", file, "--fixed-value"]);
        match previous {
            Some(previous) => config.args(["--replace-all", key, previous, value]),
            None => config.args(["--unset-all", key, value]),
        };
        git::output(&mut config)?;
    }
    Ok(Some(Step::new(StepState::Done, what)))
}

fn remove_hook(hook: &OwnHook, places: &Places, dry_run: bool) -> Result<Step> {
    let Places { path, moved } = places;
    let shown = path.display();
    let mut edited = None;
    match fs::read(path) {
        _ if hooks_path::is_link(path) => {
            return Ok(Step::new(StepState::Kept, format!("the hook {shown} is another tool's now")));
        }
        Ok(text) if script::is_ours(&text) && hook.is_edited(&text) => edited = Some(aside(path)),
        Ok(text) if script::is_ours(&text) => {}
        Ok(_) => return Ok(Step::new(StepState::Kept, format!("the hook {shown} is another tool's now"))),
        Err(_) => return Ok(Step::new(StepState::Already, format!("the hook {shown} is gone"))),
    }
    let moved = moved.as_ref().filter(|moved| fs::symlink_metadata(moved).is_ok());
    if !dry_run {
        // It must not ask us any more, and what was written into it must not be lost.
        let cleared = match (&edited, moved) {
            (Some(aside), _) => fs::rename(path, aside),
            (None, Some(_)) => Ok(()),
            (None, None) => fs::remove_file(path),
        };
        let done = cleared.and_then(|()| moved.map_or(Ok(()), |moved| fs::rename(moved, path)));
        done.with_context(|| format!("the hook {shown} cannot be restored"))?;
    }
    if let Some(aside) = edited {
        let what = format!("the hook {shown} had been edited; it is now {}", aside.display());
        return Ok(Step::new(StepState::Kept, what));
    }
    Ok(Step::new(
        StepState::Done,
        match moved {
            Some(_) => format!("put back the hook {shown}"),
            None => format!("remove the hook {shown}"),
        },
    ))
}

/// Other tools move a hook of ours aside (lefthook to `.old`, pre-commit to `.legacy`, which it runs),
/// and leave what we had moved: it goes where it stands in their place again.
fn remove_kept(hook: &OwnHook, places: &Places, dry_run: bool) -> Result<Vec<Step>> {
    let mut gone = Vec::new();
    for suffix in [".old", ".legacy"] {
        let kept = PathBuf::from(format!("{}{suffix}", places.path.display()));
        let is_as_written =
            fs::read(&kept).is_ok_and(|text| script::is_ours(&text) && !hook.is_edited(&text));
        gone.extend(is_as_written.then_some(kept));
    }
    if let Some(moved) = &places.moved
        && matches!((fs::read(moved), fs::read(&places.path)), (Ok(moved), Ok(there)) if moved == there)
    {
        gone.push(moved.clone());
    }
    let mut steps = Vec::new();
    for path in gone {
        if !dry_run {
            fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        steps.push(Step::new(StepState::Done, format!("remove {}", path.display())));
    }
    Ok(steps)
}

/// A free name beside a hook, by which git does not run it.
fn aside(path: &Path) -> PathBuf {
    let named = |suffix: &str| PathBuf::from(format!("{}.flow-ai-edited{suffix}", path.display()));
    let mut free = named("");
    let mut number = 2;
    while free.symlink_metadata().is_ok() {
        free = named(&format!("-{number}"));
        number += 1;
    }
    free
}

fn remove_file(root: &Path, file: &OwnFile, dry_run: bool) -> Result<Step> {
    let path = root.join(&file.path);
    let OwnFile { path: name, text } = file;
    match fs::read(&path) {
        Ok(there) if there == text.as_bytes() => {}
        Ok(_) => return Ok(Step::new(StepState::Kept, format!("{name} has been changed"))),
        Err(_) => return Ok(Step::new(StepState::Already, format!("{name} is gone"))),
    }
    let tracked = git::command(root).args(["ls-files", "--error-unmatch", "--", name]).output();
    if tracked.context("git ls-files cannot be asked")?.status.success() {
        return Ok(Step::new(StepState::Kept, format!("{name} is committed")));
    }
    if !dry_run {
        fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    }
    Ok(Step::new(StepState::Done, format!("remove {name}")))
}
