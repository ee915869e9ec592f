//! The files that people copy from, and Zenflow's own, are read as they are.

use crate::support::Place;
use git_flow_ai::domain::config::{self, Config};
use git_flow_ai::domain::policy::Policy;
use git_flow_ai::domain::{plan, workflow};
use std::fs;
use std::path::Path;

fn example(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".zenflow-example").join(path)).unwrap()
}

/// The example config with every key that is commented out put in.
fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            format!("{setting}\n")
        }
        _ => format!("{line}\n"),
    };
    example("config.toml").lines().map(line).collect()
}

#[test]
fn the_example_config_is_read_with_and_without_its_comments() {
    let bare = config::parse(&example("config.toml"), "example").unwrap();
    let full = config::parse(&uncommented(), "example").unwrap();
    bare.validate("example").unwrap();
    full.validate("example").unwrap();
    assert_eq!(bare.run, Config::default().run, "what is commented out is the default");
}

#[test]
fn the_example_config_shows_the_true_defaults() {
    let full = config::parse(&uncommented(), "example").unwrap();
    let default = Config::default();
    let gate = Policy {
        waivers: Vec::new(),
        accept_from: Vec::new(),
        rules: Vec::new(),
        max_asks: None,
        ..full.gate
    };
    assert_eq!(gate, default.gate);
    assert_eq!(full.spec, default.spec);
    assert_eq!(full.run.sandbox, Some(config::SandboxMode::Prefer), "what holds where nobody says anything");
    let run = config::RunSection {
        setup: None,
        setup_inputs: None,
        verify: None,
        copy: Vec::new(),
        worktrees: None,
        sandbox: None,
        budget: default.run.budget,
        task_budget: default.run.task_budget,
        ..full.run
    };
    assert_eq!(run, default.run);
    assert_eq!(config::ReviewSection { instructions: None, ..full.review }, default.review);
}

#[test]
fn the_example_config_shows_every_key() {
    let text = uncommented();
    for section in [
        "",
        "[spec]",
        "[run]",
        "[sandbox]",
        "[review]",
        "[gate]",
        "[[gate.rule]]",
        "[agents.x]",
        "[reviewers.x]",
    ] {
        let wrong = format!("version = 1\n{section}\nno_such_key = 1\n");
        let error = config::parse(&wrong, "wrong").unwrap_err().to_string();
        let keys = error.split_once("expected").unwrap().1.split('`').skip(1).step_by(2);
        for key in keys.filter(|key| *key != "no_such_key") {
            let shown = text.lines().any(|line| {
                // What only a person's own file may say stands in a comment.
                let line = line.strip_prefix("#   ").unwrap_or(line);
                let named = line.trim_start_matches('[').trim_start_matches("gate.");
                named.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '.', ']']))
            });
            assert!(shown, "{section} {key} is not in the example");
        }
    }
}

#[test]
fn the_example_workflow_and_spec_can_be_carried_out() {
    let workflow = workflow::parse("example", &example("workflows/example.md"), "example.md").unwrap();
    assert!(workflow.warnings.is_empty(), "{:?}", workflow.warnings);
    assert_eq!(workflow.steps.len(), 3);
    assert_eq!(workflow.steps[0].document.as_deref(), Some("survey.md"));
    let plan = plan::parse(&example("workflows/example.md")).unwrap();
    assert_eq!(plan.tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>(), ["harmless", "breaking"]);

    let plan = plan::parse(&example("spec/dark-mode/plan.md")).unwrap();
    assert_eq!(plan.tasks[2].after, ["colours", "setting"]);
    assert!(plan.warnings.is_empty());
}

#[test]
fn a_team_s_zenflow_files_work_unmodified() {
    let place = Place::new();
    let bump = "# Dependency bump\r\n\r\n## Configuration\r\n- **Artifacts Path**: {@artifacts_path}\r\n\r\n---\r\n\r\n## Workflow Steps\r\n\r\n### [ ] Step: Survey\r\n<!-- agent: deep-thinker -->\r\nList outdated crates and breaking notes in `{@artifacts_path}/survey.md`.\r\n\r\n### [ ] Step: Upgrade\r\n<!-- agent: quick-hands -->\r\nBump in small commits; keep `cargo test` green.\r\n";
    place.write(".zenflow/workflows/bump.md", bump);
    place.write(".zenflow/settings.json", "{ \"setup_script\": \"true\", \"checkpoints\": {} }");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "-qm", "Zenflow"]).ok();
    place
        .flow(&["spec", "Bump", "--workflow", "bump", "--no-edit"])
        .ok()
        .says("`checkpoints` is not known here");
    assert_eq!(place.git(&["show", "flow/bump/spec:plan.md"]).ok().stdout, bump, "every byte is kept");
    place.flow(&["spec", "show", "bump"]).ok().says("survey.md: missing");
    place.write("s.md", "# Survey\n\nserde 1 to 2.\n");
    place.flow(&["spec", "edit", "bump", "--from", "s.md"]).ok().says("git flow-ai approve bump");
    place.flow(&["approve", "bump"]).ok().says("git flow-ai run bump");
    let plan = place.flow(&["plan", "bump", "--json"]).ok().stdout;
    assert!(plan.contains("\"agent\":\"quick-hands\"") && plan.contains("\"id\":\"upgrade\""), "{plan}");
}

#[test]
fn a_workflow_that_cannot_be_read_or_found_is_named() {
    let place = Place::new();
    place.write(".zenflow/workflows/own.md", "# Own\n\n### [?] Step: Guess\n");
    place
        .flow(&["spec", "A", "--workflow", "own", "--no-edit"])
        .exits(2)
        .says(".zenflow/workflows/own.md (not committed yet):3: this step cannot be read");
    place
        .flow(&["spec", "A", "--workflow", "sd", "--no-edit"])
        .exits(2)
        .says("quick")
        .says("sdd")
        .says("own");
    assert_eq!(place.git_says(&["branch", "--list", "flow/*"]), "", "nothing was begun");
}
