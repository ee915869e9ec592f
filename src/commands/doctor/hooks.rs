//! Whether git would really run our hooks, here and in every worktree.
//!
//! A hook counts when git itself would run it: the file in the folder of hooks (`git rev-parse
//! --git-path hooks`, which husky and others move, and a worktree's own config too), or from 2.54 on
//! the one that git's config names (`git hook list`), unless it is switched off there.

use super::{Check, CheckStatus};
use crate::commands::init::{
    HOOKS, Taken, configured_name, configured_path, installed, lefthook_asks, servers_hook,
};
use crate::domain::error::Result;
use crate::domain::text::shell::quote_path;
use crate::gate::store::Repo;
use crate::system::git;
use std::path::{Path, PathBuf};

pub(super) const TOPIC: &str = "gate";
pub(super) const INSTALL: &str = "git flow-ai init";

/// The hook that sees nearly every way a branch can move.
const TRANSACTION: &str = HOOKS[0];

pub(super) fn examine(repo: &Repo, dir: &Path, target: &str) -> Result<Vec<Check>> {
    if repo.work_dir().is_none() {
        return Ok(vec![server(repo)]);
    }
    let mut checks = Vec::new();
    let hooks = folder(dir)?;
    if repo
        .git_config("core.hooksPath")
        .is_some_and(|path| !Path::new(&path).is_absolute() && !path.starts_with('~'))
    {
        checks.push(Check::note(
            TOPIC,
            format!(
                "core.hooksPath is relative ({}): a fresh worktree may have no hooks there",
                hooks.display()
            ),
            "make it absolute, or see that every checkout holds that folder",
        ));
    }
    let knows_config = git::version()? >= (2, 54);
    let found = checks.len();
    for name in HOOKS {
        let by_config = if knows_config { by_config(repo, dir, name)? } else { ByConfig::No };
        checks.extend(fault(dir, &hooks, name, by_config));
    }
    if !checks[found..].iter().any(|check| check.status == CheckStatus::Bad) {
        let from = if knows_config { "git's config and " } else { "" };
        let says = format!("{from}hooks in {} ask before {target} moves", hooks.display());
        checks.insert(found, Check::good(TOPIC, says));
    }
    checks.extend(other_worktrees(repo, dir, &hooks, knows_config)?);
    Ok(checks)
}

/// The server's hook of a bare repository.
fn server(repo: &Repo) -> Check {
    let path = servers_hook(repo);
    match installed(&path) {
        Ok(()) => Check::good(TOPIC, format!("{} asks before a push moves a branch", path.display())),
        Err(taken) => bad(&path, "pre-receive", taken),
    }
}

/// The folder in which git looks for hooks, from there.
fn folder(dir: &Path) -> Result<PathBuf> {
    Ok(dir.join(git::output(git::command(dir).args(["rev-parse", "--git-path", "hooks"]))?))
}

/// Whether git's config has us asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByConfig {
    Yes,
    No,
    SwitchedOff,
}

fn by_config(repo: &Repo, dir: &Path, event: &str) -> Result<ByConfig> {
    // Status 1 means that there are none.
    let output = git::command(dir).args(["hook", "list", event]).output()?;
    let (text, name) = (String::from_utf8_lossy(&output.stdout).into_owned(), configured_name(event));
    let named = text.lines().find(|line| line.rsplit('\t').next() == Some(&name));
    Ok(match named {
        Some(line) if line != name => ByConfig::SwitchedOff,
        Some(_) if installed(&configured_path(repo, event)).is_ok() => ByConfig::Yes,
        _ => ByConfig::No,
    })
}

/// What keeps a hook from asking us, or should be known of it; `None` if all is well.
fn fault(dir: &Path, hooks: &Path, name: &str, by_config: ByConfig) -> Option<Check> {
    let key = format!("hook.{}.enabled", configured_name(name));
    match (installed(&hooks.join(name)), by_config) {
        (Ok(()), ByConfig::SwitchedOff) => Some(Check::note(
            TOPIC,
            format!("git's config switches off our hook {name}; only the file asks"),
            format!("git config --show-origin --get-all {key} says where"),
        )),
        (Err(_), ByConfig::SwitchedOff) => Some(Check::bad(
            TOPIC,
            format!("git's config switches off our hook {name}, and no file asks"),
            format!("git config --show-origin --get-all {key} says where"),
        )),
        (Ok(()), _) | (Err(Taken::Lefthook), ByConfig::Yes) => None,
        (Err(Taken::Lefthook), ByConfig::No) if lefthook_asks(dir, name) => None,
        (Err(_), ByConfig::Yes) => Some(Check::note(
            TOPIC,
            format!("the hook {name} is asked by git's config only: no git older than 2.54 asks it"),
            format!("{INSTALL}, run by such a git, if one works on this repository"),
        )),
        (Err(taken), ByConfig::No) => Some(bad(&hooks.join(name), name, taken)),
    }
}

fn bad(path: &Path, name: &str, taken: Taken) -> Check {
    let shown = path.display();
    match taken {
        Taken::Missing => Check::bad(TOPIC, format!("the hook {name} is not installed"), INSTALL),
        Taken::Lefthook => Check::bad(
            TOPIC,
            format!("lefthook runs the hook {name}, and its lefthook.yml does not have us asked"),
            format!("{INSTALL} says what to add to it"),
        ),
        Taken::Foreign => {
            Check::bad(TOPIC, format!("the hook {shown} is not ours and does not call us"), INSTALL)
        }
        Taken::NotExecutable => {
            let says = format!("git ignores the hook {name}: it is not executable");
            Check::bad(TOPIC, says, format!("chmod +x {}", quote_path(path)))
        }
        Taken::NoProgram(program) => {
            let says = format!("the hook {name} calls {}, which is gone", program.display());
            Check::bad(TOPIC, says, INSTALL)
        }
        Taken::NoSettings(file) => {
            let says = format!("the hook {name} cannot tell what to ask: {} is gone or cut", file.display());
            Check::bad(TOPIC, says, INSTALL)
        }
    }
}

/// Other worktrees of this repository that look for hooks elsewhere, and find none that ask.
fn other_worktrees(repo: &Repo, dir: &Path, hooks: &Path, knows_config: bool) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    let listed = git::output(git::command(dir).args(["worktree", "list", "--porcelain"]))?;
    for worktree in listed.lines().filter_map(|line| line.strip_prefix("worktree ")).map(Path::new) {
        if !worktree.is_dir() || (knows_config && by_config(repo, worktree, TRANSACTION)? == ByConfig::Yes) {
            continue;
        }
        let theirs = folder(worktree)?;
        if theirs != hooks && installed(&theirs.join(TRANSACTION)).is_err() {
            checks.push(Check::bad(
                TOPIC,
                format!("in the worktree {} git looks for hooks in {}", worktree.display(), theirs.display()),
                "git config --show-origin --get-all core.hooksPath, asked there, says why",
            ));
        }
    }
    Ok(checks)
}
