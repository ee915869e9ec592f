//! The config and workflows, read from the right place.
//!
//! Policy, agents and commands come from the *target* branch's tip, or from what its remote has where it
//! lags behind that; where nobody could work under the config there, from the newest that is in force (see
//! [`in_force`]). Where there is no config yet (a fresh `init`), runs and reviews that a person starts use the working tree's and say so; the gate
//! never does. On top come, in this order: Zenflow's `settings.json` for what the config leaves
//! unsaid, the person's own file, `git config flow-ai.*`. None of the three can touch the policy.

use super::in_force::{self, InForce, Mistake, WorkableConfig};
use super::{Branch, Repo, trees, upstream};
use crate::domain::config::{self, Config, SandboxMode};
use crate::domain::digest;
use crate::domain::error::{Result, fixes, hint, messages};
use crate::domain::policy::Policy;
use crate::domain::workflow;
use crate::system::fs::home::{self, Base};
use crate::system::secrets;
use anyhow::Context;
use gix::ObjectId;
use std::path::PathBuf;

/// The folder of a team's own workflows.
const WORKFLOWS: &str = ".zenflow/workflows";

/// A config and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// With the person's own file and `git config flow-ai.*` applied.
    pub config: Config,
    /// The same without those two: all that the repository brings, which a person has to trust before it
    /// is used.
    pub brought: Config,
    /// For messages: `main:.zenflow/config.toml`, `.zenflow/config.toml (not committed yet)`, `defaults`.
    pub origin: String,
    /// SHA-256 of the repository's config text, in hex: the policy's digest.
    pub digest: String,
    /// What a person should know and what does not stop us: keys of `settings.json` that mean nothing.
    pub warnings: Vec<String>,
    /// Why nobody could work under the config at the target's tip.
    pub unworkable: Option<Unworkable>,
}

/// Why nobody could work under a config.
#[derive(Debug, Clone)]
pub struct Unworkable {
    pub why: String,
    /// How to repair it.
    pub fix: String,
    /// Whether an earlier config goes on.
    pub is_replaced: bool,
    /// Whether it names no reviewer, so that nothing is protected yet.
    pub is_beginning: bool,
}

impl Loaded {
    /// Whether the gate protects that branch, or will once the config is committed.
    pub fn protects(&self, branch: &str) -> bool {
        let is_open = |mistake: &Unworkable| mistake.is_beginning && !mistake.is_replaced;
        !self.unworkable.as_ref().is_some_and(is_open) && self.config.gate.protects(branch)
    }
}

/// The config for what a person starts: what is in force at the target's tip, else in the working tree, else
/// defaults.
pub fn load(repo: &Repo, target: &str) -> Result<Loaded> {
    load_at(repo, target, upstream::current_policy_commit(repo, target)?)
}

/// The same for a branch as a remote has it: at its tip.
pub fn load_for(repo: &Repo, branch: &Branch) -> Result<Loaded> {
    match branch.remote {
        Some(_) => load_at(repo, &branch.name, branch.tip(repo)?),
        None => load(repo, &branch.name),
    }
}

fn load_at(repo: &Repo, target: &str, commit: Option<ObjectId>) -> Result<Loaded> {
    let Text { mut config, digest, origin, unworkable } = read(repo, target, commit)?;
    let mut warnings = Vec::new();
    if let Some(mistake) = &unworkable {
        warnings.push(format!(
            "nobody could work under the config, so {}: {}",
            mistake.effect(),
            mistake.why
        ));
    }
    if let Some((text, origin)) = versioned(repo, target, commit, config::SETTINGS)? {
        apply_settings(&mut config, &text, &origin, &mut warnings);
    }
    config.refuse_secrets(&origin, secrets::holds_secret)?;
    let brought = config.clone();
    apply_person(&mut config, &mut warnings)?;
    // A reviewer of somebody else's agents must not stop the others.
    if let Err(error) = config.validate(&origin) {
        warnings.extend(messages(&error).into_iter().chain(fixes(&error).map(str::to_owned)));
    }
    apply_git_config(&mut config, repo)?;
    Ok(Loaded { config, brought, origin, digest, warnings, unworkable })
}

/// The policy for what a user starts, read from where [`load`] reads it.
pub fn policy(repo: &Repo, target: &str) -> Result<Policy> {
    Ok(read(repo, target, upstream::current_policy_commit(repo, target)?)?.config.gate)
}

/// Why nobody could work under the config at a branch's tip; `None` if somebody can.
pub fn mistake(repo: &Repo, target: &str) -> Result<Option<Unworkable>> {
    Ok(read(repo, target, upstream::current_policy_commit(repo, target)?)?.unworkable)
}

/// What a repository's config says.
struct Text {
    config: Config,
    digest: String,
    origin: String,
    unworkable: Option<Unworkable>,
}

fn read(repo: &Repo, target: &str, commit: Option<ObjectId>) -> Result<Text> {
    let mut unworkable = None;
    if let Some(tip) = commit {
        let InForce { found, mistake } = in_force::at(repo, tip)?;
        unworkable = mistake.map(|mistake| Unworkable::new(&mistake, found.is_some()));
        if let Some((commit, found)) = found {
            let at = if commit == tip { target.to_owned() } else { commit.to_hex_with_len(12).to_string() };
            let origin = format!("{at}:{}", config::PATH);
            let WorkableConfig { config, digest } = *found;
            return Ok(Text { config, digest, origin, unworkable });
        }
    }
    Ok(match versioned(repo, target, commit, config::PATH)? {
        Some((text, origin)) => {
            let config = in_force::parse(&text, &origin).map_err(|error| match &unworkable {
                Some(mistake) => {
                    hint(format!("{error}\nuntil that is repaired, {}", mistake.effect()), &mistake.fix)
                }
                None => error,
            })?;
            Text { config, digest: digest::sha256(&text), origin, unworkable }
        }
        None => Text {
            config: Config::default(),
            digest: digest::sha256(""),
            origin: "defaults".to_owned(),
            unworkable,
        },
    })
}

impl Unworkable {
    fn new(mistake: &Mistake, is_replaced: bool) -> Unworkable {
        Unworkable {
            why: messages(&mistake.why).join(": "),
            fix: fixes(&mistake.why).next().unwrap_or_default().to_owned(),
            is_replaced,
            is_beginning: mistake.is_beginning(),
        }
    }

    /// What follows from it.
    pub fn effect(&self) -> &'static str {
        match (self.is_replaced, self.is_beginning) {
            (true, _) => "the policy before it goes on, and only a change that repairs it enters",
            (false, true) => "nothing is protected yet",
            (false, false) => "only a change that repairs it enters",
        }
    }
}

/// What a commit's config says of branches: the policy that is in force there, else its own if that can be
/// read, though nobody could work under it.
pub fn stated_policy(repo: &Repo, commit: ObjectId) -> Result<Option<Policy>> {
    let InForce { found, mistake } = in_force::at(repo, commit)?;
    let stated = |mistake: Mistake| mistake.read.map(|config| config.gate);
    Ok(found.map(|(_, found)| found.config.gate).or_else(|| mistake.and_then(stated)))
}

/// A workflow's text by name: the team's own (at the target's tip, else in the working tree), else
/// the built-in one; an error lists the names that exist. With the text comes where it was found.
pub fn workflow(repo: &Repo, target: &str, name: &str) -> Result<(String, String)> {
    let is_name = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    if is_name {
        let commit = upstream::current_policy_commit(repo, target)?;
        if let Some(found) = versioned(repo, target, commit, &format!("{WORKFLOWS}/{name}.md"))? {
            return Ok(found);
        }
    }
    if let Some(text) = workflow::built_in(name) {
        return Ok((text.to_owned(), format!("the built-in workflow {name}")));
    }
    let names = workflows(repo, target)?.join(", ");
    Err(hint(format!("there is no workflow `{name}`"), format!("there are: {names}")))
}

/// The names of all workflows: the team's own first, then the built-in ones that they do not replace.
pub fn workflows(repo: &Repo, target: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if let Some(tip) = repo.find_ref(&format!("refs/heads/{target}"))? {
        names.extend(trees::names(repo, repo.tree_of(tip)?, WORKFLOWS)?);
    }
    if let Some(dir) = repo.work_dir() {
        let entries = std::fs::read_dir(dir.join(WORKFLOWS)).into_iter().flatten().flatten();
        names.extend(entries.filter_map(|entry| entry.file_name().into_string().ok()));
    }
    let mut names: Vec<String> =
        names.iter().filter_map(|name| name.strip_suffix(".md")).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    for name in workflow::BUILT_IN {
        if !names.iter().any(|own| own == name) {
            names.push((*name).to_owned());
        }
    }
    Ok(names)
}

/// The person's own file.
pub fn personal_path() -> Option<PathBuf> {
    Some(home::base(Base::Config)?.join("git-flow-ai/config.toml"))
}

/// A file of the target's commit, else in the working tree; with where it was found, for messages.
fn versioned(
    repo: &Repo,
    target: &str,
    commit: Option<ObjectId>,
    path: &str,
) -> Result<Option<(String, String)>> {
    if let Some(commit) = commit
        && let Some(bytes) = trees::file(repo, repo.tree_of(commit)?, path)?
    {
        let origin = format!("{target}:{path}");
        return Ok(Some((utf8(bytes, &origin)?, origin)));
    }
    let Some(dir) = repo.work_dir() else { return Ok(None) };
    match std::fs::read(dir.join(path)) {
        Ok(bytes) => Ok(Some((utf8(bytes, path)?, format!("{path} (not committed yet)")))),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{path} cannot be read")),
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

fn utf8(bytes: Vec<u8>, origin: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| hint(format!("{origin} is not UTF-8"), "save it as UTF-8"))
}

/// Fills what the config leaves unsaid. Never fatal: the file is another program's.
fn apply_settings(config: &mut Config, text: &str, origin: &str, warnings: &mut Vec<String>) {
    match config::parse_settings(text, origin) {
        Ok(settings) => {
            config.run.fill_in(&settings);
            warnings.extend(settings.warnings);
        }
        Err(error) => warnings.push(format!("ignored: {error}")),
    }
}

/// Adds what the person's own file says.
fn apply_person(config: &mut Config, warnings: &mut Vec<String>) -> Result<()> {
    let Some(path) = personal_path() else { return Ok(()) };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let origin = path.display().to_string();
    let text = utf8(bytes, &origin)?;
    if toml::from_str(&text).is_ok_and(|table: toml::Table| table.contains_key("gate")) {
        return Err(hint(
            format!("{origin} has a [gate], and a person's own file cannot change the gate"),
            format!("take it out there; what the gate demands stands in the repository's {}", config::PATH),
        ));
    }
    let personal = config::parse_personal(&text, &origin)?;
    warnings.extend(config.merge_personal(personal));
    Ok(())
}

/// What concerns only the person: how many at once, whom first, where worktrees go.
fn apply_git_config(config: &mut Config, repo: &Repo) -> Result<()> {
    if let Some(text) = repo.git_config("flow-ai.parallel") {
        let parallel = text.trim().parse().ok().filter(|parallel| *parallel > 0);
        config.run.parallel = parallel.ok_or_else(|| {
            hint(format!("flow-ai.parallel is `{text}`, which is no number"), "git config flow-ai.parallel 3")
        })?;
    }
    if let Some(name) = repo.git_config("flow-ai.agent") {
        let Some(at) = config.agents.get_index_of(&name) else {
            let names = config.agents.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(hint(
                format!("flow-ai.agent is `{name}`, and no agent has that name"),
                format!("there are: {names}; change it: git config flow-ai.agent NAME"),
            ));
        };
        config.agents.move_index(at, 0);
    }
    if let Some(workflow) = repo.git_config("flow-ai.workflow") {
        config.spec.workflow = workflow;
    }
    if let Some(text) = repo.git_config("flow-ai.sandbox") {
        let wish = SandboxMode::from_word(text.trim()).ok_or_else(|| {
            hint(
                format!("flow-ai.sandbox is `{text}`, which is none of require, prefer and off"),
                "git config flow-ai.sandbox prefer",
            )
        })?;
        config.run.sandbox = config.run.sandbox.max(Some(wish));
    }
    if let Some(text) = repo.git_config("flow-ai.pressure") {
        config.run.pressure = match text.trim() {
            "true" | "yes" | "on" | "1" => true,
            "false" | "no" | "off" | "0" => false,
            _ => {
                return Err(hint(
                    format!("flow-ai.pressure is `{text}`, which is neither true nor false"),
                    "git config flow-ai.pressure true",
                ));
            }
        };
    }
    if let Some(text) = repo.git_config("flow-ai.keep") {
        let keep = text
            .parse()
            .map_err(|why| hint(format!("flow-ai.keep: {why}"), "git config flow-ai.keep \"14d 5GB\""))?;
        config.run.keep = keep;
    }
    if let Some(folder) = repo.git_config("flow-ai.worktrees") {
        config.run.worktrees = Some(folder);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::apply_settings;
    use crate::domain::config::Config;

    #[test]
    fn settings_fill_what_the_config_leaves_unsaid_and_nothing_else() {
        let mut config = Config::default();
        config.run.setup = Some("make".into());
        let mut warnings = Vec::new();
        let text = r#"{"setup_script": "no", "verification_script": "make test", "copy_files": [".env"], "checkpoints": 1}"#;
        apply_settings(&mut config, text, "settings.json", &mut warnings);
        assert_eq!(config.run.setup.as_deref(), Some("make"));
        assert_eq!(config.run.verify.as_deref(), Some("make test"));
        assert_eq!(config.run.copy, [".env"]);
        assert_eq!(warnings, ["settings.json: `checkpoints` is not known here, ignored"]);
        apply_settings(&mut config, "{", "settings.json", &mut warnings);
        assert_eq!(warnings.len(), 2, "a broken file is told, and stops nothing");
    }
}
