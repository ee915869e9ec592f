//! The config that `init` proposes: the agents found on the PATH, rival reviewers among them, and the
//! gate on the branch that is there.

use crate::agents::cli::Agent;
use crate::domain::change::Vendor;
use crate::domain::config::AgentConfig;
use crate::domain::presets::{self, Preset};
use std::collections::BTreeSet;
use std::path::Path;

/// The example of a team's own workflow.
pub(super) const WORKFLOW: &str = include_str!("../../../.zenflow-example/workflows/example.md");

/// An API: its name in configs, the variables that usually hold its key, and what to call a reviewer.
const APIS: [(&str, &[&str]); 3] = [
    ("anthropic", &["ANTHROPIC_API_KEY"]),
    ("openai", &["OPENAI_API_KEY"]),
    ("google", &["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
];

/// What was found on this machine.
#[derive(Debug)]
pub(super) struct Found {
    /// Presets whose program is on the PATH.
    pub agents: Vec<&'static Preset>,
    /// Presets whose program is on the PATH and whose vendor only a model's name tells.
    pub open: Vec<&'static Preset>,
    /// APIs whose key is set: the API's name and the variable's.
    pub keys: Vec<(&'static str, &'static str)>,
}

impl Found {
    /// Looks around; starts nothing.
    pub fn look() -> Found {
        let is_there = |preset: &&Preset| {
            // Whose model it runs does not matter for finding the program.
            let vendor = Some(Vendor::new(preset.vendor.unwrap_or("anybody")));
            let config =
                AgentConfig { preset: Some(preset.name.to_owned()), vendor, ..AgentConfig::default() };
            Agent::new(preset.name, &config).and_then(|agent| agent.executable()).is_ok()
        };
        let (agents, open) = presets::ALL.iter().filter(is_there).partition(|preset| preset.vendor.is_some());
        let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Found {
            agents,
            open,
            keys: APIS.iter().filter_map(|(api, names)| Some((*api, *names.iter().find(is_set)?))).collect(),
        }
    }

    /// For people: who was found, and who of them the config has to be told more about.
    pub fn describe(&self) -> Vec<String> {
        let mut told: Vec<String> = self
            .agents
            .iter()
            .map(|preset| format!("{} ({})", preset.name, preset.vendor.unwrap_or_default()))
            .collect();
        told.extend(self.open.iter().map(|preset| {
            format!("{}: runs anybody's model; to use it, name one: [agents.{0}] preset, model", preset.name)
        }));
        told.extend(self.keys.iter().map(|(_, variable)| format!("the key in {variable}")));
        told
    }

    /// How many makers of models stand behind the agents: with one, no agent has a rival.
    pub fn vendors(&self) -> usize {
        self.agents.iter().filter_map(|preset| preset.vendor).collect::<BTreeSet<_>>().len()
    }
}

/// The whole config file.
pub(super) fn config(found: &Found, root: &Path, branch: &str) -> String {
    let mut text = String::from(
        "# What `git flow-ai` knows about this repository. It counts once it is committed: runs and the\n\
         # gate read it from the target branch, never from what is being merged.\n\
         version = 1\n\n[run]\nparallel = 3   # tasks at once\nattempts = 3   # per task, findings and failures go back to the agent\n",
    );
    match verification(root) {
        Some(command) => text.push_str(&format!("verify = {command:?}   # after each attempt\n")),
        None => text.push_str("# verify = \"make test\"   # after each attempt\n"),
    }
    text.push_str("# setup = \"npm ci\"        # once per new worktree\n# copy = [\".env.dev\"]     # ignored files that a worktree needs\n\n# Who does the work, in order of preference.\n");
    for preset in &found.agents {
        text.push_str(&format!(
            "[agents.{}]   # {}\npreset = {:?}\n\n",
            preset.name,
            preset.vendor.unwrap_or_default(),
            preset.name
        ));
    }
    if found.agents.is_empty() {
        text.push_str(
            "# None was found on the PATH. A preset, or any command: prompt on standard input, work in the\n\
             # current directory. The presets:\n",
        );
        text.push_str(&format!("# {}\n", Preset::names()));
        text.push_str("# [agents.mine]\n# command = [\"my-agent\", \"--headless\"]\n# vendor = \"acme\"\n\n");
    }
    text.push_str(
        "# Who judges it. A change is judged by a rival: a reviewer whose model has another maker.\n",
    );
    for preset in &found.agents {
        text.push_str(&format!("[reviewers.{}]\nagent = {:?}\n\n", preset.name, preset.name));
    }
    if found.vendors() < 2 {
        text.push_str("# There is no rival for everybody yet: add an agent or an API of another maker.\n");
    }
    for (api, variable) in &found.keys {
        text.push_str(&format!(
            "# {variable} is set; with a model's name this is a reviewer:\n# [reviewers.{api}-api]\n# api = {api:?}\n# model = \"…\"\n# key_env = {variable:?}\n\n"
        ));
    }
    text.push_str(&format!(
        "[gate]\nbranches = [{branch:?}]       # protected: nothing enters without a rival's approval\n\
         rival = \"vendor\"         # vendor | model | any\napprovals = 1            # from as many vendors\n\
         block = [\"P0\", \"P1\"]     # findings that keep a change out\n\
         review_on_merge = true   # a merge obtains a missing review on the spot\n"
    ));
    text
}

/// How this project's own tests are usually run.
fn verification(root: &Path) -> Option<&'static str> {
    const USUAL: [(&str, &str); 5] = [
        ("Cargo.toml", "cargo test -q"),
        ("go.mod", "go test ./..."),
        ("package.json", "npm test"),
        ("pyproject.toml", "python -m pytest -q"),
        ("pom.xml", "mvn -q test"),
    ];
    USUAL.iter().find(|(file, _)| root.join(file).exists()).map(|(_, command)| *command)
}
