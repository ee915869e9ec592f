//! Whether git would really run our hooks, here and in every worktree.
//!
//! A hook counts when git itself would run it: the file in the folder of hooks (`git rev-parse
//! --git-path hooks`, which husky and others move, and a worktree's own config too), or from 2.54 on
//! the one that git's config names (`git hook list`), unless it is switched off there.

use super::{Check, CheckStatus};
use crate::commands::init::{
    ByConfig, HOOKS, Taken, Unasked, by_config, configured_name, hooks_folder, installed, lefthook_asks,
    servers_hook, unasked,
};
use crate::domain::error::Result;
use crate::domain::text::shell::{command_line, quote_path};
use crate::gate::store::Repo;
use crate::system::git;
use std::path::Path;

pub(super) const TOPIC: &str = "gate";
pub(super) const INSTALL: &str = "git flow-ai init";

pub(super) fn examine(repo: &Repo, dir: &Path, target: &str) -> Result<Vec<Check>> {
    if repo.work_dir().is_none() {
        return Ok(vec![server(repo)?]);
    }
    let mut checks = Vec::new();
    let hooks = hooks_folder(dir)?;
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
        checks.extend(fault(dir, &hooks, name, by_config(repo, dir, name)?));
    }
    if !checks[found..].iter().any(|check| check.status == CheckStatus::Bad) {
        let from = if knows_config { "git's config and " } else { "" };
        let says = format!("{from}hooks in {} ask before {target} moves", hooks.display());
        checks.insert(found, Check::good(TOPIC, says));
    }
    checks.extend(other_worktrees(repo, dir)?);
    Ok(checks)
}

/// The server's hook of a bare repository.
fn server(repo: &Repo) -> Result<Check> {
    let path = servers_hook(repo)?;
    Ok(match installed(&path) {
        Ok(()) => Check::good(TOPIC, format!("{} asks before a push moves a branch", path.display())),
        Err(taken) => bad(&path, "pre-receive", taken),
    })
}

/// What keeps a hook from asking us, or should be known of it; `None` if all is well.
fn fault(dir: &Path, hooks: &Path, name: &str, by_config: ByConfig) -> Option<Check> {
    let key = format!("hook.{}.enabled", configured_name(name));
    match (installed(&hooks.join(name)), by_config) {
        (Ok(()), ByConfig::SwitchedOff) => Some(Check::note(
            TOPIC,
            format!("git's config switches off our hook {name}; only the file asks"),
            command_line!("git config --show-origin --get-all {} says where", key),
        )),
        (Err(_), ByConfig::SwitchedOff) => Some(Check::bad(
            TOPIC,
            format!("git's config switches off our hook {name}, and no file asks"),
            command_line!("git config --show-origin --get-all {} says where", key),
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
fn other_worktrees(repo: &Repo, dir: &Path) -> Result<Vec<Check>> {
    let others = unasked(repo)?.into_iter().filter(|unasked| unasked.checkout != dir);
    let check = |Unasked { checkout, hooks }: Unasked| {
        let (checkout, hooks) = (checkout.display(), hooks.display());
        let says =
            format!("in the worktree {checkout} git looks for hooks in {hooks}, and none there asks us");
        Check::bad(TOPIC, says, INSTALL)
    };
    Ok(others.map(check).collect())
}
