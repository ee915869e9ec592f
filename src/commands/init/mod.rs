//! A repository gets its config, its hooks and its settings, and gives them back.
//!
//! Nothing is overwritten: a config that is there stays, a hook that is there is chained,
//! a setting that is there is added to or left. Every step is written down before its effect, so that
//! uninstalling is exact even after a run that was cut off. Doing it twice changes nothing.

mod action;
mod checkout;
mod configured;
mod effective;
mod hooks;
mod hooks_path;
mod installed;
mod proposal;
mod script;
mod server;
mod steps;
mod uninstall;

pub use action::{Step, StepState};
pub use checkout::folder as hooks_folder;
pub use configured::name_of as configured_name;
pub use effective::{ByConfig, Unasked, by_config, unasked};
pub use hooks::lefthook_asks;
pub use script::{OURS as HOOKS, Taken, installed};
pub use server::path as servers_hook;
pub use uninstall::uninstall;

use crate::agents::trust::{self, Purpose};
use crate::commands::receipts;
use crate::domain::config::{self, Config};
use crate::domain::error::{Result, hint};
use crate::domain::policy::Policy;
use crate::domain::reviewers;
use crate::domain::text::shell::{Part, command_line, quote_path};
use crate::gate::signing;
use crate::gate::store::verdicts::LOG_PATTERN;
use crate::gate::store::{Repo, in_force};
use crate::system::git;
use action::Action;
use anyhow::Context;
use installed::{CONFIG, Installed, Setting};
use proposal::Detected;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use steps::Plan;

#[derive(Debug, Clone, Copy)]
pub struct InitOptions {
    pub hooks: bool,
    /// Whether to report only.
    pub dry_run: bool,
}

#[derive(Debug, Serialize)]
pub struct InitReport {
    /// What was done, found done, left alone, and is left to do.
    pub steps: Vec<Step>,
    /// What to do next, one sentence or command each.
    pub next: Vec<String>,
    /// The checkouts from which git asks nobody, although that was wanted.
    pub unasked: Vec<PathBuf>,
}

impl InitReport {
    /// Asks git, in every checkout, whether what was done works.
    fn look_whether_asked(&mut self, repo: &Repo) -> Result<()> {
        for unasked in unasked(repo)? {
            let (checkout, hooks) = (unasked.checkout, unasked.hooks.display());
            let what =
                format!("from {} git does not ask us: it looks for hooks in {hooks}", checkout.display());
            self.steps.push(Step::new(StepState::Todo, what));
            self.next.push(format!(
                "git -C {} config --show-origin --get-all core.hooksPath   # says who sends git there",
                quote_path(&checkout)
            ));
            self.unasked.push(checkout);
        }
        Ok(())
    }
}

/// Sets a repository up; from then on the gate watches its protected branches.
pub fn init(repo: &Repo, options: InitOptions) -> Result<InitReport> {
    let root = root(repo);
    let is_plain = |path: &Path| path.to_str().is_some_and(|text| !text.contains('\n'));
    if !is_plain(&root) || !is_plain(repo.common_dir()) {
        return Err(hint(
            format!("{} is not UTF-8 on one line: no hook can be installed there", root.display()),
            "rename that folder",
        ));
    }
    let mut report = match repo.work_dir() {
        Some(_) => in_working_tree(repo, &root, options)?,
        None => on_server(repo, &root, options)?,
    };
    if !options.dry_run {
        // The setting has come since the repository was opened.
        signing::show_in_log(&Repo::open(&root)?)?;
        if options.hooks {
            receipts::begin(repo)?;
            report.look_whether_asked(repo)?;
        }
    }
    Ok(report)
}

fn in_working_tree(repo: &Repo, root: &Path, options: InitOptions) -> Result<InitReport> {
    refuse_links(root)?;
    let mut installed = Installed::read(repo)?;
    let branches = branches(repo, root)?;
    let detected = Detected::look();
    let mut plan = Plan::default();
    plan.steps.extend(detected.describe().into_iter().map(|what| Step::new(StepState::Found, what)));
    plan.extend(files(root, &detected, &branches));
    if options.hooks {
        plan.extend(hooks::plan(repo, root, &installed, &branches)?);
    }
    plan.extend(notes(root)?);
    let chosen = plan.actions.iter().find_map(Action::config).map(str::to_owned);
    let mut steps = carry_out(plan, repo, root, &mut installed, options)?;
    steps.extend(chosen.map(|text| trust_own(repo, &text, options)).transpose()?);
    let config = match root.join(config::PATH).exists() {
        true => configured(root)?,
        false => config::parse(&proposal::config(&detected, root, "main"), config::PATH)?,
    };
    if reviewers::named(&config).is_empty() {
        let what = format!("{} defines no reviewer: nothing is protected until there is one", config::PATH);
        steps.push(Step::new(StepState::Todo, what));
    }
    Ok(InitReport { steps, next: next(repo, root, &branches, &config)?, unasked: Vec::new() })
}

/// What we proposed and the user had written is their choice: it needs no further question.
fn trust_own(repo: &Repo, text: &str, options: InitOptions) -> Result<Step> {
    let items = trust::config_items(&config::parse(text, config::PATH)?, Purpose::Run);
    if !options.dry_run
        && !items.is_empty()
        && let Err(error) = trust::record(repo, &items)
    {
        return Ok(Step::new(
            StepState::Todo,
            format!("trust {} ({error}): git flow-ai trust", config::PATH),
        ));
    }
    Ok(Step::new(StepState::Done, format!("trust what {} has agents and commands do", config::PATH)))
}

/// There is no working tree to write a config to: the gate reads it from each branch's own tip.
fn on_server(repo: &Repo, root: &Path, options: InitOptions) -> Result<InitReport> {
    let mut installed = Installed::read(repo)?;
    let plan = if options.hooks { server::plan(repo, &installed)? } else { Plan::default() };
    let steps = carry_out(plan, repo, root, &mut installed, options)?;
    Ok(InitReport { steps, next: server::advice(repo)?, unasked: Vec::new() })
}

/// Does what is planned, each action recorded before its effect, and reports all of it.
fn carry_out(
    plan: Plan,
    repo: &Repo,
    root: &Path,
    installed: &mut Installed,
    options: InitOptions,
) -> Result<Vec<Step>> {
    let mut steps = plan.steps;
    for action in &plan.actions {
        action.refuse_elsewhere(installed)?;
    }
    for action in &plan.actions {
        if !options.dry_run {
            action.record(installed, root)?;
            installed.write(repo)?;
            action.apply(repo, root)?;
        }
        steps.push(Step::new(StepState::Done, action.describe()));
    }
    Ok(steps)
}

/// The root of the working tree; of a bare repository its own folder.
fn root(repo: &Repo) -> PathBuf {
    repo.work_dir().unwrap_or(repo.common_dir()).to_path_buf()
}

/// Refuses a config that is not a plain file in a plain folder: it would never be in force, and what is written
/// there would land wherever a link leads.
fn refuse_links(root: &Path) -> Result<()> {
    let folder = Path::new(config::PATH).parent().unwrap_or(Path::new(""));
    for (path, is_folder) in [(folder, true), (Path::new(config::PATH), false)] {
        let Ok(found) = fs::symlink_metadata(root.join(path)) else { continue };
        let kind = found.file_type();
        if if is_folder { !kind.is_dir() } else { !kind.is_file() } {
            let what = if kind.is_symlink() { "is a link" } else { "is something else" };
            return Err(hint(
                format!(
                    "{} {what}, and a policy is only read from a plain file in a plain folder",
                    path.display()
                ),
                format!("take it away, and init makes a plain one: rm {}", path.display()),
            ));
        }
    }
    Ok(())
}

/// The branches to protect: those of the config that is there, else the default branch.
fn branches(repo: &Repo, root: &Path) -> Result<Vec<String>> {
    if root.join(config::PATH).exists() {
        return Ok(configured(root)?.gate.branches);
    }
    Ok(vec![default_branch(repo)?])
}

/// The branch that others are merged into: what a remote calls its default branch, else the usual one that is
/// there, else the one that is checked out.
fn default_branch(repo: &Repo) -> Result<String> {
    let mut remotes = repo.remotes();
    remotes.sort_by_key(|remote| remote != "origin");
    for remote in remotes {
        if let Some(branch) = repo.default_branch(&remote)? {
            return Ok(branch);
        }
    }
    for branch in Policy::default().branches.into_iter().chain(repo.git_config("init.defaultBranch")) {
        if repo.find_ref(&format!("refs/heads/{branch}"))?.is_some() {
            return Ok(branch);
        }
    }
    let head = repo.head_ref()?.and_then(|head| head.strip_prefix("refs/heads/").map(str::to_owned));
    Ok(head.unwrap_or_else(|| "main".into()))
}

/// The config in the working tree.
fn configured(root: &Path) -> Result<Config> {
    let path = root.join(config::PATH);
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    config::parse(&text, config::PATH)
}

/// The files of the working tree.
fn files(root: &Path, detected: &Detected, branches: &[String]) -> Plan {
    let branch = branches.first().map_or("main", String::as_str);
    let wanted = [
        (config::PATH, proposal::config(detected, root, branch)),
        (".zenflow/workflows/example.md", proposal::WORKFLOW.to_owned()),
    ];
    let is_there = |path: &str| fs::symlink_metadata(root.join(path)).is_ok();
    let has_workflows = is_there(".zenflow/workflows");
    let mut plan = Plan::default();
    for (path, text) in wanted {
        if is_there(path) {
            plan.steps.push(Step::new(StepState::Already, path));
        } else if path == config::PATH || !has_workflows {
            plan.actions.push(Action::File { path: path.into(), text });
        }
    }
    plan
}

/// Settings by which `git log` shows verdicts, and merges of their notes keep every record.
fn notes(root: &Path) -> Result<Plan> {
    let values = |key: &str| -> Result<Vec<String>> {
        let output = git::command(root).args(["config", "--get-all", key]).output();
        let output = output.context("git config cannot be asked")?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    };
    let Plan { mut actions, mut steps } = Plan::default();
    let new = |key: &str, value: &str| Setting {
        file: CONFIG.into(),
        key: key.into(),
        value: value.into(),
        previous: None,
    };
    let shown = values("notes.displayRef")?;
    if shown.iter().any(|glob| glob == LOG_PATTERN) {
        steps.push(Step::new(StepState::Already, "git log shows verdicts".to_owned()));
    } else {
        actions.push(Action::Setting { setting: new("notes.displayRef", LOG_PATTERN), add: true });
    }
    let (key, wanted) = ("notes.flow-ai.mergeStrategy", "cat_sort_uniq");
    match values(key)?.last() {
        Some(value) if value == wanted => {
            steps.push(Step::new(StepState::Already, format!("{key} = {wanted}")))
        }
        Some(value) => {
            let what = format!(
                "{key} is {value}: merging notes may lose verdicts; {}",
                command_line!("git config {} {}", key, wanted)
            );
            steps.push(Step::new(StepState::Kept, what));
        }
        None => actions.push(Action::Setting { setting: new(key, wanted), add: false }),
    }
    Ok(Plan { actions, steps })
}

/// What the user does next.
fn next(repo: &Repo, root: &Path, branches: &[String], config: &Config) -> Result<Vec<String>> {
    let mut next = Vec::new();
    if reviewers::named(config).is_empty() {
        next.push(format!(
            "add an agent and a reviewer of another vendor to {}   # nothing is protected until a reviewer is in it",
            config::PATH
        ));
    } else if config.reviewers.len() < 2 {
        next.push(format!("add a reviewer of another vendor to {}, or nobody is a rival", config::PATH));
    }
    let branch = branches.first().map_or("main", String::as_str);
    let tip = repo.find_ref(&format!("refs/heads/{branch}"))?;
    let in_force = match tip {
        Some(tip) => in_force::at(repo, tip).is_ok_and(|policy| policy.found.is_some()),
        None => false,
    };
    if !in_force {
        let folder = if root.join(".zenflow").exists() { ".zenflow" } else { config::PATH };
        let then = match reviewers::named(config).is_empty() {
            true => format!("the gate is in force once a reviewer is in it, on {branch}"),
            false => format!("the gate is in force once this is on {branch}"),
        };
        next.push(command_line!(
            "git add {} && git commit -m \"Configure git flow-ai\"   # {}",
            folder,
            Part(&then)
        ));
    }
    next.push("git flow-ai spec \"…\"".into());
    Ok(next)
}
