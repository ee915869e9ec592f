//! What a repository brings that would run on this machine, or send data away from it.
//!
//! Each item becomes lines that say all of it, one `key = value` each with the value in JSON, so that two
//! contents never have the same lines. The sections of the config are destructured here without `..`: a
//! new key does not compile until it is decided whether the user has to see it.

use crate::domain::config::{AgentConfig, Config, ReviewerConfig, RunSection, SandboxMode, SandboxSection};
use crate::domain::plan::Plan;
use crate::domain::spec::Slug;
use serde::Serialize;

/// What the items are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To carry out a plan.
    Run,
    /// To judge a change.
    Review,
    /// To draft a document.
    Draft,
    /// To run the test command.
    Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    /// Commands, and files that are handed to agents.
    Command,
    /// The folder that worktrees are made in.
    Place,
    /// Programs that are started, and how far they are let out of their sandbox.
    Program,
    /// Who is asked, and where a key is sent.
    Reviewer,
}

/// One item that a repository brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its key: `run.verify`, `agents.mine`.
    pub what: String,
    /// Where it is, if not in the config: a task of a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    pub lines: Vec<String>,
    #[serde(skip)]
    kind: ItemKind,
}

impl Item {
    fn serves(&self, purpose: Purpose) -> bool {
        match (self.kind, purpose) {
            (_, Purpose::Run) | (ItemKind::Program, _) => true,
            (ItemKind::Place, purpose) => matches!(purpose, Purpose::Draft | Purpose::Test),
            (ItemKind::Reviewer, purpose) => purpose == Purpose::Review,
            (ItemKind::Command, purpose) => purpose == Purpose::Test,
        }
    }
}

/// The items of a repository's config that matter for that purpose, in the config's order.
pub fn config_items(config: &Config, purpose: Purpose) -> Vec<Item> {
    let Config { version: _, spec: _, run, merge: _, sandbox, review: _, agents, reviewers, gate: _ } =
        config;
    let mut items = run_items(run);
    items.extend(sandbox_items(sandbox));
    items.extend(agents.iter().map(|(name, agent)| agent_item(name, agent)));
    items.extend(reviewers.iter().map(|(name, reviewer)| reviewer_item(name, reviewer)));
    items.retain(|item| item.serves(purpose));
    items
}

/// The commands that the tasks of a plan bring. The same command is the same item, whichever task or
/// config has it.
pub fn plan_items(slug: &Slug, plan: &Plan) -> Vec<Item> {
    let commands = plan.tasks.iter().filter_map(|task| Some((task, task.verify.as_ref()?)));
    let item = |(task, command): (&crate::domain::plan::Task, &String)| Item {
        place: Some(format!("the plan of {slug}, task {}", task.id)),
        ..command_item("run.verify", command)
    };
    commands.map(item).collect()
}

fn run_items(run: &RunSection) -> Vec<Item> {
    let RunSection {
        parallel: _,
        keep: _,
        setup,
        setup_inputs: _,
        verify,
        attempts: _,
        copy,
        timeout: _,
        silence: _,
        patience: _,
        budget: _,
        task_budget: _,
        pressure: _,
        files: _,
        worktrees,
        sandbox,
    } = run;
    let mut items = Vec::new();
    items.extend(setup.as_ref().map(|command| command_item("run.setup", command)));
    items.extend(verify.as_ref().map(|command| command_item("run.verify", command)));
    if !copy.is_empty() {
        items.push(item("run.copy", ItemKind::Command, vec![line("files", copy)]));
    }
    items.extend(
        worktrees.as_ref().map(|path| item("run.worktrees", ItemKind::Place, vec![line("folder", path)])),
    );
    if *sandbox == Some(SandboxMode::Off) {
        items.push(item("run.sandbox", ItemKind::Program, vec![line("sandbox", &"off")]));
    }
    items
}

/// What it opens; what it hides makes nothing less safe.
fn sandbox_items(sandbox: &SandboxSection) -> Vec<Item> {
    let SandboxSection { write, read, hide: _, env, hosts } = sandbox;
    let mut items = Vec::new();
    let lists = [("write", Some(write)), ("read", Some(read)), ("env", Some(env)), ("hosts", hosts.as_ref())];
    for (key, list) in lists {
        if let Some(list) = list.filter(|list| key == "hosts" || !list.is_empty()) {
            items.push(item(&format!("sandbox.{key}"), ItemKind::Program, vec![line(key, list)]));
        }
    }
    items
}

fn agent_item(name: &str, agent: &AgentConfig) -> Item {
    let AgentConfig { preset, command, review_command, model, vendor, args, env, home, env_command: _ } =
        agent;
    let mut lines = Vec::new();
    lines.extend(preset.as_ref().map(|preset| line("preset", preset)));
    lines.extend(command.as_ref().map(|command| line("command", command)));
    lines.extend(review_command.as_ref().map(|command| line("review_command", command)));
    lines.extend(model.as_ref().map(|model| line("model", model)));
    lines.extend(vendor.as_ref().map(|vendor| line("vendor", &vendor.as_str())));
    if !args.is_empty() {
        lines.push(line("args", args));
    }
    lines.extend(env.iter().map(|(name, value)| line("env", &[name, value])));
    if !home.is_empty() {
        lines.push(line("home", home));
    }
    item(&format!("agents.{}", key(name)), ItemKind::Program, lines)
}

fn reviewer_item(name: &str, reviewer: &ReviewerConfig) -> Item {
    // The last two are never a repository's.
    let ReviewerConfig { agent, api, base_url, model, vendor, key_env, key_command: _, key: _ } = reviewer;
    let mut lines = Vec::new();
    lines.extend(agent.as_ref().map(|agent| line("agent", agent)));
    lines.extend(api.as_ref().map(|api| line("api", api)));
    lines.extend(base_url.as_ref().map(|url| line("base_url", url)));
    lines.extend(model.as_ref().map(|model| line("model", model)));
    lines.extend(vendor.as_ref().map(|vendor| line("vendor", &vendor.as_str())));
    lines.extend(key_env.as_ref().map(|name| line("key_env", name)));
    if base_url.is_some() && key_env.is_none() && api.is_some() {
        lines.push("# your usual key of that API goes to that address".to_owned());
    }
    item(&format!("reviewers.{}", key(name)), ItemKind::Reviewer, lines)
}

/// A name as a config writes it: one that could be taken for more than a name is quoted.
fn key(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match name.bytes().all(is_plain) {
        true => name.to_owned(),
        false => serde_json::to_string(name).unwrap_or_default(),
    }
}

fn command_item(what: &str, command: &str) -> Item {
    item(what, ItemKind::Command, vec![line("command", &command)])
}

fn item(what: &str, kind: ItemKind, lines: Vec<String>) -> Item {
    Item { what: what.to_owned(), place: None, lines, kind }
}

fn line(key: &str, value: &impl Serialize) -> String {
    // Texts and lists of texts are always JSON.
    format!("{key} = {}", serde_json::to_string(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Purpose, config_items};
    use crate::domain::config::{Config, parse};

    fn whats(config: &Config, purpose: Purpose) -> Vec<String> {
        config_items(config, purpose).into_iter().map(|item| item.what).collect()
    }

    #[test]
    fn a_repository_that_brings_nothing_asks_for_nothing() {
        assert!(config_items(&Config::default(), Purpose::Run).is_empty());
        let config = parse(
            "version = 1\n[run]\nparallel = 9\nsandbox = \"require\"\n[sandbox]\nhide = [\"~/x\"]\n[gate]\napprovals = 2\n",
            "c",
        );
        assert!(config_items(&config.expect("reads"), Purpose::Run).is_empty());
    }

    #[test]
    fn each_purpose_asks_for_what_it_uses() {
        let text = "version = 1\n[run]\nsetup = \"a\"\nverify = \"b\"\ncopy = [\".env\"]\nworktrees = \"/w\"\nsandbox = \"off\"\n\
            [sandbox]\nwrite = [\"/x\"]\n[agents.a]\npreset = \"claude\"\n[reviewers.r]\napi = \"openai\"\nmodel = \"m\"\n";
        let config = parse(text, "c").expect("reads");
        let all = [
            "run.setup",
            "run.verify",
            "run.copy",
            "run.worktrees",
            "run.sandbox",
            "sandbox.write",
            "agents.a",
            "reviewers.r",
        ];
        assert_eq!(whats(&config, Purpose::Run), all);
        assert_eq!(
            whats(&config, Purpose::Review),
            ["run.sandbox", "sandbox.write", "agents.a", "reviewers.r"]
        );
        assert_eq!(
            whats(&config, Purpose::Draft),
            ["run.worktrees", "run.sandbox", "sandbox.write", "agents.a"]
        );
    }

    #[test]
    fn a_name_is_one_line_and_shows_where_it_ends() {
        let text = "version = 1\n[agents.\"a\\ncommand = x\"]\ncommand = [\"y\"]\n";
        let config = parse(text, "c").expect("reads");
        assert_eq!(whats(&config, Purpose::Run), [r#"agents."a\ncommand = x""#]);
    }

    #[test]
    fn two_contents_never_have_the_same_lines() {
        let lines = |agent: &str| {
            let config =
                parse(&format!("version = 1\n[agents.a]\n{agent}\nvendor = \"v\"\n"), "c").expect("reads");
            config_items(&config, Purpose::Run).remove(0).lines
        };
        let contents = [
            "command = [\"a\", \"b\"]",
            "command = [\"a b\"]",
            "command = [\"a\\\", \\\"b\"]",
            "command = [\"a\"]\nargs = [\"b\"]",
            "command = [\"a\"]\nenv = { A = \"1\", B = \"2\" }",
            "command = [\"a\"]\nenv = { A = \"1\\nenv = [\\\"B\\\",\\\"2\\\"]\" }",
        ];
        for (number, one) in contents.iter().enumerate() {
            for other in &contents[number + 1..] {
                assert_ne!(lines(one), lines(other));
            }
        }
    }
}
