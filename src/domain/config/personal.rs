//! A person's own `config.toml`, under `$XDG_CONFIG_HOME/git-flow-ai/`.
//!
//! It adds agents and reviewers and overrides what concerns only the person. It has no `[gate]`, no
//! `setup` and no `verify`: it can never loosen what the repository demands, and a name that the
//! repository has given keeps the repository's meaning.

use super::{AgentConfig, Budget, Config, Keep, ReviewerConfig, SandboxMode, SandboxSection, parse};
use crate::domain::error::{Result, hint};
use crate::domain::parse_units::{some_count, some_duration};
use indexmap::IndexMap;
use serde::Deserialize;
use std::time::Duration;

/// What a person may say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personal {
    /// The format's version: 1.
    pub version: u32,
    /// How the person's specs begin.
    #[serde(default)]
    pub spec: PersonalSpec,
    /// How the person's runs go.
    #[serde(default)]
    pub run: PersonalRun,
    /// What agents and commands may touch beside what the repository says.
    #[serde(default)]
    pub sandbox: SandboxSection,
    /// Agents besides the repository's.
    #[serde(default)]
    pub agents: IndexMap<String, AgentConfig>,
    /// Reviewers besides the repository's, and where one of those has its key.
    #[serde(default)]
    pub reviewers: IndexMap<String, ReviewerConfig>,
}

/// `[spec]` of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PersonalSpec {
    /// The workflow when none is named. Default: the repository's.
    pub workflow: Option<String>,
}

/// `[run]` of a person. What is not said is the repository's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PersonalRun {
    /// How many tasks at once.
    #[serde(deserialize_with = "some_count")]
    pub parallel: Option<usize>,
    /// How long one attempt may take.
    #[serde(deserialize_with = "some_duration")]
    pub timeout: Option<Duration>,
    /// How long an agent may say nothing.
    #[serde(deserialize_with = "some_duration")]
    pub silence: Option<Duration>,
    /// How long a run may wait for limits to pass.
    #[serde(deserialize_with = "some_duration")]
    pub patience: Option<Duration>,
    /// What a run may cost; of this and the repository's the stricter holds.
    pub budget: Budget,
    /// What each task may cost; of this and the repository's the stricter holds.
    pub task_budget: Budget,
    /// Whether starts wait while the machine is short of memory.
    pub pressure: Option<bool>,
    /// The folder for worktrees.
    pub worktrees: Option<String>,
    /// How much the person wants a sandbox.
    pub sandbox: Option<SandboxMode>,
    /// How long what was removed can be got back, and how much disk it may take.
    pub keep: Option<Keep>,
}

/// Reads a person's own file; `origin` is its name for messages.
///
/// # Errors
/// As [`parse()`], and for `[gate]` and the other keys that are the repository's alone.
pub fn parse_personal(text: &str, origin: &str) -> Result<Personal> {
    let personal: Personal = parse::read(text, origin)?;
    let whole = personal.agents.iter().filter(|(_, agent)| !only_gives_keys(agent));
    parse::check_agents(whole, text, origin)?;
    for (name, reviewer) in &personal.reviewers {
        let ways = [reviewer.key_env.is_some(), reviewer.key_command.is_some(), reviewer.key.is_some()];
        if ways.iter().filter(|is_said| **is_said).count() > 1 {
            return Err(hint(
                format!("{origin}: [reviewers.{name}] says in several ways where its key is"),
                "keep one of `key_env`, `key_command` and `key`",
            ));
        }
    }
    Ok(personal)
}

/// Whether it only says where the keys of an agent are that the repository has.
fn only_gives_keys(agent: &AgentConfig) -> bool {
    let keys = AgentConfig { env_command: agent.env_command.clone(), ..AgentConfig::default() };
    !agent.env_command.is_empty() && *agent == keys
}

impl Config {
    /// Adds what the person says. Returns what could not be taken over, for a warning.
    ///
    /// A reviewer that the repository has too may only say where the person keeps its key: were its
    /// model or vendor the person's to choose, so would be who counts as a rival.
    pub fn merge_personal(&mut self, personal: Personal) -> Vec<String> {
        let mut kept = Vec::new();
        for (name, mut agent) in personal.agents {
            let only_keys = only_gives_keys(&agent);
            let keys = std::mem::take(&mut agent.env_command);
            match self.agents.get_mut(&name) {
                // Keys are never given to another command than the person thinks of.
                Some(ours) if only_keys || *ours == agent => ours.env_command = keys,
                Some(_) => kept.push(format!(
                    "your own agent `{name}` is not used: the repository's config has one of that name"
                )),
                None if only_keys => {
                    kept.push(format!("your own agent `{name}` says only where its keys are, and no more"));
                }
                None => {
                    self.agents.insert(name, AgentConfig { env_command: keys, ..agent });
                }
            }
        }
        for (name, reviewer) in personal.reviewers {
            let Some(ours) = self.reviewers.get_mut(&name) else {
                self.reviewers.insert(name, reviewer);
                continue;
            };
            let ReviewerConfig { key_env, key_command, key, .. } = reviewer;
            if key_env.is_some() || key_command.is_some() || key.is_some() {
                ours.key_env = key_env.or(ours.key_env.take());
                (ours.key_command, ours.key) = (key_command, key);
            } else {
                kept.push(format!(
                    "your own reviewer `{name}` is not used: the repository's config has one of that name"
                ));
            }
        }
        let run = personal.run;
        self.spec.workflow = personal.spec.workflow.unwrap_or(std::mem::take(&mut self.spec.workflow));
        self.run.parallel = run.parallel.unwrap_or(self.run.parallel);
        self.run.timeout = run.timeout.unwrap_or(self.run.timeout);
        self.run.silence = run.silence.unwrap_or(self.run.silence);
        self.run.patience = run.patience.unwrap_or(self.run.patience);
        self.run.budget = self.run.budget.stricter(run.budget);
        self.run.task_budget = self.run.task_budget.stricter(run.task_budget);
        self.run.pressure = run.pressure.unwrap_or(self.run.pressure);
        self.run.worktrees = run.worktrees.or(self.run.worktrees.take());
        self.run.keep = run.keep.unwrap_or(self.run.keep);
        // `None` is less than anything.
        self.run.sandbox = self.run.sandbox.max(run.sandbox);
        self.sandbox.add(personal.sandbox);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, parse, parse_personal};

    #[test]
    fn a_person_cannot_loosen_the_gate_nor_choose_commands_for_the_repository() {
        for text in [
            "[gate]\napprovals = 1",
            "gate = {}",
            "gate.rival = 'any'",
            "[gate.x]",
            "[\"gate\"]",
            "[run]\nverify = \"true\"",
            "[run]\nattempts = 9",
        ] {
            let error = parse_personal(&format!("version = 1\n{text}\n"), "own").expect_err(text);
            assert!(error.to_string().contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn a_name_of_the_repository_keeps_its_meaning() {
        let mut config = parse(
            "version = 1\n[agents.a]\npreset = \"claude\"\n[reviewers.r]\napi = \"openai\"\nmodel = \"gpt\"\n",
            "repo",
        )
        .expect("reads");
        let before = config.clone();
        let personal = parse_personal(
            "version = 1\n[agents.a]\ncommand = [\"evil\"]\nvendor = \"acme\"\n[agents.b]\npreset = \"codex\"\n[reviewers.r]\napi = \"google\"\nmodel = \"mine\"\nkey_env = \"MY_KEY\"\n[run]\nparallel = 9\n",
            "own",
        )
        .expect("reads");
        let warnings = config.merge_personal(personal);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert_eq!(config.agents["a"], before.agents["a"]);
        assert!(config.agents.contains_key("b"));
        assert_eq!(config.reviewers["r"].model.as_deref(), Some("gpt"));
        assert_eq!(config.reviewers["r"].key_env.as_deref(), Some("MY_KEY"));
        assert_eq!((config.run.parallel, config.gate), (9, before.gate));
    }

    #[test]
    fn nothing_said_changes_nothing() {
        let mut config = Config::default();
        assert!(config.merge_personal(parse_personal("version = 1", "own").expect("reads")).is_empty());
        assert_eq!(config, Config::default());
    }
}
