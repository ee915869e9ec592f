//! The config that `init` proposes: the agents found on the PATH, rival reviewers among them, and the
//! gate on the branch that is there.

use crate::agents::model;
use crate::domain::config::ApiKind;
use crate::domain::presets::{self, Preset};
use crate::system::program;
use std::collections::BTreeSet;
use std::path::Path;

/// The example of a team's own workflow.
pub(super) const WORKFLOW: &str = include_str!("../../../.zenflow-example/workflows/example.md");

/// The APIs that a reviewer is proposed for, by their names in configs.
const APIS: [(&str, ApiKind); 3] =
    [("anthropic", ApiKind::Anthropic), ("openai", ApiKind::Openai), ("google", ApiKind::Google)];

/// What was detected on this machine.
#[derive(Debug)]
pub(super) struct Detected {
    /// Presets whose program is on the PATH.
    pub agents: Vec<&'static Preset>,
    /// The same, if they run any vendor's models, so that the config has to name one.
    pub open: Vec<&'static Preset>,
    /// APIs whose key is set: the API's name and the variable's.
    pub keys: Vec<(&'static str, &'static str)>,
}

impl Detected {
    /// Looks around; starts nothing.
    pub fn look() -> Detected {
        let is_there = |preset: &&Preset| program::find(preset.program, None, preset.install).is_ok();
        let (agents, open) = presets::ALL.iter().filter(is_there).partition(|preset| preset.vendor.is_some());
        let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let key = |(name, api): &(&'static str, ApiKind)| {
            Some((*name, *model::key_variables(*api).iter().find(is_set)?))
        };
        Detected { agents, open, keys: APIS.iter().filter_map(key).collect() }
    }

    /// What was detected, a line each, and what the config has to say about it.
    pub fn describe(&self) -> Vec<String> {
        let agents = self
            .agents
            .iter()
            .map(|preset| format!("{} ({})", preset.name, preset.vendor.unwrap_or_default()));
        let open = self.open.iter().map(|preset| {
            format!("{}: runs anybody's model; to use it, name one: [agents.{0}] preset, model", preset.name)
        });
        let keys = self.keys.iter().map(|(_, variable)| format!("the key in {variable}"));
        agents.chain(open).chain(keys).collect()
    }

    /// How many vendors stand behind the agents: with one, no agent has a rival.
    pub fn vendors(&self) -> usize {
        self.agents.iter().filter_map(|preset| preset.vendor).collect::<BTreeSet<_>>().len()
    }
}

/// The whole config file.
pub(super) fn config(detected: &Detected, root: &Path, branch: &str) -> String {
    let head = "# What `git flow-ai` knows about this repository. It counts once it is committed: runs and the\n\
                # gate read it from the target branch, never from what is being merged.\n\
                version = 1\n\n";
    [head, &run(root), &agents(detected), &reviewers(detected), &gate(branch)].concat()
}

fn run(root: &Path) -> String {
    let verify = match verification(root) {
        Some(command) => format!("verify = {command:?}   # after each attempt\n"),
        None => "# verify = \"make test\"   # after each attempt\n".to_owned(),
    };
    format!(
        "[run]\nparallel = 3   # tasks at once\n\
         attempts = 3   # per task, findings and failures go back to the agent\n{verify}\
         # setup = \"npm ci\"        # once per new worktree\n\
         # copy = [\".env.dev\"]     # ignored files that a worktree needs\n\n"
    )
}

fn agents(detected: &Detected) -> String {
    let mut text = "# Who does the work, in order of preference.\n".to_owned();
    for Preset { name, vendor, .. } in &detected.agents {
        text.push_str(&format!("[agents.{name}]   # {}\npreset = {name:?}\n\n", vendor.unwrap_or_default()));
    }
    if detected.agents.is_empty() {
        text.push_str(&format!(
            "# None was found on the PATH. A preset ({}),\n\
             # or any command: prompt on standard input, work in the current directory.\n\
             # [agents.mine]\n# command = [\"my-agent\", \"--headless\"]\n# vendor = \"acme\"\n\n",
            Preset::names()
        ));
    }
    text
}

fn reviewers(detected: &Detected) -> String {
    let mut text =
        "# Who judges it. A change is judged by a rival: a reviewer whose model has another maker.\n"
            .to_owned();
    for Preset { name, .. } in &detected.agents {
        text.push_str(&format!("[reviewers.{name}]\nagent = {name:?}\n\n"));
    }
    if detected.vendors() < 2 {
        text.push_str("# There is no rival for everybody yet: add an agent or an API of another maker.\n");
    }
    for (api, variable) in &detected.keys {
        text.push_str(&format!(
            "# {variable} is set; with a model's name this is a reviewer:\n# [reviewers.{api}-api]\n# api = {api:?}\n# model = \"…\"\n# key_env = {variable:?}\n\n"
        ));
    }
    text
}

fn gate(branch: &str) -> String {
    format!(
        "[gate]\nbranches = [{branch:?}]       # protected: nothing enters without a rival's approval\n\
         rival = \"vendor\"         # vendor | model | any\napprovals = 1            # from as many vendors\n\
         block = [\"P0\", \"P1\"]     # findings that keep a change out\n\
         review_on_merge = true   # a merge obtains a missing review on the spot\n"
    )
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
