//! `.zenflow/config.toml`: agents, reviewers, how runs go, what the gate demands.
//!
//! Unknown keys are errors with file, line and caret; every key has a documented default. A person's
//! own file adds agents and reviewers and overrides what concerns only the person; it can never
//! loosen the gate. Zenflow's `settings.json` is read too, for what the config leaves unsaid. Pure:
//! reading the right commit or file is the caller's business.

mod budget;
mod keep;
mod leaks;
mod locate;
mod parse;
mod personal;
mod settings;

pub use budget::Budget;
pub use keep::Keep;
pub(in crate::domain) use locate::Key;
pub(in crate::domain) use parse::explain_at;
pub use parse::parse;
pub use personal::parse_personal;
pub use settings::{SETTINGS, parse_settings};

use crate::domain::change::Vendor;
use crate::domain::parse_units;
use crate::domain::policy::Policy;
use crate::domain::verdict::TestCommand;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where the config lives in a repository.
pub const PATH: &str = ".zenflow/config.toml";

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The format's version: 1.
    pub version: u32,
    #[serde(default)]
    pub spec: SpecSection,
    #[serde(default)]
    pub run: RunSection,
    #[serde(default)]
    pub merge: MergeSection,
    /// What agents and commands may touch.
    #[serde(default)]
    pub sandbox: SandboxSection,
    #[serde(default)]
    pub review: ReviewSection,
    /// The agents, in order of preference.
    #[serde(default)]
    pub agents: IndexMap<String, AgentConfig>,
    /// The reviewers, in order of preference.
    #[serde(default)]
    pub reviewers: IndexMap<String, ReviewerConfig>,
    /// What the gate demands.
    #[serde(default)]
    pub gate: Policy,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            version: 1,
            spec: SpecSection::default(),
            run: RunSection::default(),
            merge: MergeSection::default(),
            sandbox: SandboxSection::default(),
            review: ReviewSection::default(),
            agents: IndexMap::new(),
            reviewers: IndexMap::new(),
            gate: Policy::default(),
        }
    }
}

impl Config {
    /// What tests a tree, if anything does.
    pub fn test(&self) -> Option<TestCommand> {
        let command = self.run.verify.clone()?;
        Some(TestCommand { command, setup: self.run.setup.clone() })
    }
}

/// `[spec]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpecSection {
    /// The workflow when none is named: `quick`, `fix`, `spec`, `sdd` or one of the team's own in
    /// `.zenflow/workflows/`. Default: `spec`.
    pub workflow: String,
}

impl Default for SpecSection {
    fn default() -> SpecSection {
        SpecSection { workflow: "spec".into() }
    }
}

/// `[run]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSection {
    /// How many tasks at once, at least 1. Default: 3.
    #[serde(deserialize_with = "parse_units::at_least_one")]
    pub parallel: usize,
    /// A shell command, once per new worktree. Default: none.
    pub setup: Option<String>,
    /// Patterns of the files that decide what `setup` makes: while they are the same, it is not run again. `[]`: it is
    /// run for each worktree. Default: what lists and pins dependencies.
    pub setup_inputs: Option<Vec<String>>,
    /// A shell command after each attempt; its failure goes back to the agent. Default: none.
    pub verify: Option<String>,
    /// How often an agent may try one task, at least once. Default: 3.
    #[serde(deserialize_with = "parse_units::at_least_one")]
    pub attempts: u32,
    /// Paths or globs of files that a worktree needs and git does not bring. Default: none.
    pub copy: Vec<String>,
    /// How long one attempt may take. Default: 30m.
    #[serde(deserialize_with = "parse_units::duration")]
    pub timeout: Duration,
    /// How long an agent may say nothing. Default: 10m.
    #[serde(deserialize_with = "parse_units::duration")]
    pub silence: Duration,
    /// How long a run may wait for the limits of an agent to pass when it can do nothing else; a limit
    /// that lasts longer is not waited for. Default: 6h.
    #[serde(deserialize_with = "parse_units::duration")]
    pub patience: Duration,
    /// What a run may cost in money, tokens and time; when it is spent, nothing new is started.
    /// Default: no limit.
    pub budget: Budget,
    /// The same for each task of a run; when it is spent, the task's agent is stopped. Default: no limit.
    pub task_budget: Budget,
    /// Whether starts wait while others run and the machine is short of memory. Default: true.
    pub pressure: bool,
    /// What becomes of a task that changes other files than its `files:` name: `report` or `enforce`. Default: report.
    pub files: FilesMode,
    /// The folder for worktrees, absolute or relative to the repository. Default: beside it.
    pub worktrees: Option<String>,
    /// Whether agents and commands run in a sandbox: `require`, `prefer` or `off`. A person can ask for
    /// more than the repository, never for less. Default: prefer.
    pub sandbox: Option<SandboxMode>,
    /// How long what was removed can be got back, and how much disk it may take before the oldest goes:
    /// `14d`, `5GB` or both. Journals and transcripts go by the same. Default: `14d 5GB`.
    pub keep: Keep,
}

impl Default for RunSection {
    fn default() -> RunSection {
        RunSection {
            parallel: 3,
            setup: None,
            setup_inputs: None,
            verify: None,
            attempts: 3,
            copy: Vec::new(),
            timeout: Duration::from_secs(30 * 60),
            silence: Duration::from_secs(10 * 60),
            patience: Duration::from_secs(6 * 3600),
            budget: Budget::default(),
            task_budget: Budget::default(),
            pressure: true,
            files: FilesMode::Report,
            worktrees: None,
            sandbox: None,
            keep: Keep::default(),
        }
    }
}

/// `[merge]`: how finished tasks come into the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MergeSection {
    /// When the test command runs on the result: `each`, after each task, so that one is named where tasks pass alone
    /// and fail together; or `end`, once all are in. Default: each.
    pub verify: MergeTest,
}

/// When the result is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeTest {
    #[default]
    Each,
    End,
}

/// Whether a task may change other files than it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilesMode {
    /// They are named, to the reviewer too.
    #[default]
    Report,
    /// The task goes back to its agent.
    Enforce,
}

/// How much somebody wants a sandbox; the later ones want more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxMode {
    Off,
    /// The best that the system has, and a line that says what is in force.
    Prefer,
    /// Nothing runs without one.
    Require,
}

impl SandboxMode {
    /// The wish of that word.
    pub fn from_word(word: &str) -> Option<SandboxMode> {
        match word {
            "off" => Some(SandboxMode::Off),
            "prefer" => Some(SandboxMode::Prefer),
            "require" => Some(SandboxMode::Require),
            _ => None,
        }
    }
}

/// `[sandbox]`: what agents and commands may touch beside their worktree. Paths begin with `/` or `~/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxSection {
    /// Files and folders that they may write, such as a package manager's cache. Default: none.
    pub write: Vec<String>,
    /// What they may read although it is hidden by default, as the user's home is. Default: none.
    pub read: Vec<String>,
    /// What is hidden from them beside the usual secrets. Default: none.
    pub hide: Vec<String>,
    /// Variables of the environment that they get beside the usual ones: names, or `PREFIX_*`.
    /// Default: none.
    pub env: Vec<String>,
    /// The only hosts that they may talk to, by a proxy of ours: `example.com`, `*.example.com`,
    /// `example.com:8443`. Default: any.
    pub hosts: Option<Vec<String>>,
}

impl SandboxSection {
    /// Adds what somebody else says; hosts only where none are named yet.
    pub fn add(&mut self, other: SandboxSection) {
        self.write.extend(other.write);
        self.read.extend(other.read);
        self.hide.extend(other.hide);
        self.env.extend(other.env);
        self.hosts = self.hosts.take().or(other.hosts);
    }
}

/// `[review]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewSection {
    /// How many bytes one request may have. A longer difference is shown in parts, by a request each:
    /// whole files where they fit. At least 6000, and what the instructions take. Default: 400000.
    #[serde(deserialize_with = "parse_units::at_least_one")]
    pub budget: usize,
    /// How many parts at most; a change that takes more cannot be judged. Default: 20.
    #[serde(deserialize_with = "parse_units::at_least_one")]
    pub parts: usize,
    /// How long a review may take, or each part of it, a second or more. Default: 10m.
    #[serde(deserialize_with = "parse_units::duration")]
    pub timeout: Duration,
    /// What the team wants looked at, added to every request. Default: none.
    pub instructions: Option<String>,
}

impl Default for ReviewSection {
    fn default() -> ReviewSection {
        ReviewSection { budget: 400_000, parts: 20, timeout: Duration::from_secs(600), instructions: None }
    }
}

/// `[agents.NAME]`: a preset, or any command; exactly one of both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentConfig {
    /// The name of one of the [presets](super::presets). Default: none.
    pub preset: Option<String>,
    /// Any command, program first: prompt on standard input, work in the current directory. Default: none.
    pub command: Option<Vec<String>>,
    /// The same for reviews, where the command for editing will not do: answer on standard output.
    /// Default: `command`.
    pub review_command: Option<Vec<String>>,
    /// The model; the vendor follows from it. Default: the tool's own choice.
    pub model: Option<String>,
    /// The model's maker, where the model's name does not tell. Default: the preset's usual one.
    pub vendor: Option<Vendor>,
    /// Arguments added to the preset's own. Default: none.
    pub args: Vec<String>,
    /// Variables added to its environment. Default: none.
    pub env: IndexMap<String, String>,
    /// Files and folders of the user's home of which it gets a copy in the home of each job, beside those
    /// that the preset names. Paths begin with `~/`. Default: none.
    pub home: Vec<String>,
    /// Variables with keys that only this agent gets, each by a shell command that prints its value: in a
    /// person's own file only. Default: none.
    pub env_command: IndexMap<String, String>,
}

/// `[reviewers.NAME]`: an agent, run read-only, or an API; exactly one of both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewerConfig {
    /// The name of an agent of this config or of the person's own. Default: none.
    pub agent: Option<String>,
    /// The protocol of an HTTP API: `anthropic`, `openai`, `openai-chat`, `google` or
    /// `openai-compatible`. Default: none.
    pub api: Option<ApiKind>,
    /// Where the API is, without the protocol's own path. Default: the vendor's own;
    /// `openai-compatible` has none and needs it.
    pub base_url: Option<String>,
    /// The model. Default: the agent's; an API needs it.
    pub model: Option<String>,
    /// The model's maker, where the model's name does not tell. Default: the agent's or the API's.
    pub vendor: Option<Vendor>,
    /// The environment variable that holds the key. Default: the API's usual one.
    pub key_env: Option<String>,
    /// A shell command that prints the key: in a person's own file only. Default: none.
    pub key_command: Option<String>,
    /// `credential`: git's credential helpers have the key, hence the system's keyring where it is one of
    /// them. In a person's own file only. Default: none.
    pub key: Option<KeyFrom>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFrom {
    /// git's credential helpers, under the host of the API.
    Credential,
}

/// The protocols that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiKind {
    Anthropic,
    Openai,
    OpenaiChat,
    Google,
    /// Chat Completions at another address: Ollama, vLLM, a gateway. `base_url` is required.
    OpenaiCompatible,
}
