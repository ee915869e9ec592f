//! A bare repository: the server's hook, which no push can avoid.
//!
//! A host that runs every file of a folder (Gitea and Forgejo: `hooks/pre-receive.d`, GitLab:
//! `custom_hooks/pre-receive.d`) gets one more file in it; elsewhere ours is `hooks/pre-receive`, and
//! what was there runs after it. Settings that narrow what a push may do are advice: they are the
//! server's own business.

use super::hooks_path::HooksFolder;
use super::installed::Installed;
use super::script::{Hooks, SERVERS, SERVERS_OTHERS, Way};
use super::steps::Plan;
use super::{checkout, hooks, hooks_path};
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::text::shell::command_line;
use crate::gate::store::{Repo, config};
use std::path::PathBuf;

/// Settings by which git itself refuses what the gate would refuse, and checks what it is sent.
const ADVISED: [&str; 3] = ["receive.denyDeletes", "receive.denyNonFastForwards", "receive.fsckObjects"];

/// What there is to do for the server's hook.
pub(super) fn plan(repo: &Repo, installed: &Installed) -> Result<Plan> {
    let program = hooks::program()?;
    let hooks = Hooks { program: &program, protected: &[], asking: &[SERVERS] };
    let own = repo.common_dir().join("hooks").join(SERVERS);
    let path = in_a_folder_of_many(repo).unwrap_or(own);
    let mut plan = Plan::default();
    for folder in hooks_path::find(repo, installed, &checkout::checkouts(repo, repo.common_dir())?[..1])? {
        match folder {
            HooksFolder::Elsewhere(before) if in_a_folder_of_many(repo).is_none() => {
                let names = [&[SERVERS][..], &SERVERS_OTHERS].concat();
                plan.extend(hooks_path::plan(installed, &hooks, before, &names));
            }
            _ => plan.extend(hooks::plan_file(&path, installed, hooks.files(SERVERS, &path, Way::File))),
        }
    }
    Ok(plan)
}

/// Where this server looks for it.
pub fn path(repo: &Repo) -> Result<PathBuf> {
    match in_a_folder_of_many(repo) {
        Some(path) => Ok(path),
        None => Ok(checkout::folder(repo.common_dir())?.join(SERVERS)),
    }
}

/// Where it is at a host that runs every file of a folder.
fn in_a_folder_of_many(repo: &Repo) -> Option<PathBuf> {
    let common = repo.common_dir();
    let (custom, gitea) = (common.join("custom_hooks"), common.join("hooks/pre-receive.d"));
    if custom.is_dir() || repo.git_config("gitlab.fullpath").is_some() {
        Some(custom.join("pre-receive.d/flow-ai"))
    } else {
        gitea.is_dir().then(|| gitea.join("flow-ai"))
    }
}

/// What the server's administrator may want to do besides.
pub(super) fn advice(repo: &Repo) -> Result<Vec<String>> {
    let mut advice = Vec::new();
    let head = repo.head_ref()?.unwrap_or_default();
    let branches = repo.branch_names()?;
    let usual = Policy::default();
    let is_usual = |branch: &&String| usual.protects(branch);
    if let Some(branch) = branches.iter().find(is_usual).or(branches.first())
        && repo.find_ref(&head)?.is_none()
    {
        advice.push(command_line!(
            "git symbolic-ref HEAD refs/heads/{}   # HEAD names no branch that is \
         here, and the policy of new branches is the default branch's",
            branch
        ));
    }
    let branch = head.trim_start_matches("refs/heads/");
    if repo.find_ref(&head)?.is_some()
        && let Some(mistake) = config::load(repo, branch)?.unworkable
    {
        let effect = mistake.effect();
        advice.push(format!(
            "repair the config of {branch} ({}); until then {effect}: {}",
            mistake.fix, mistake.why
        ));
    }
    let is_on = |key: &&str| repo.git_config(key).is_some_and(|value| value == "true");
    let off = ADVISED.iter().filter(|key| !is_on(key));
    advice.extend(
        off.map(|key| command_line!("git config {} true   # if nobody here needs the opposite", key)),
    );
    Ok(advice)
}
