//! The whole story with three real CLIs: a plan of three tasks in parallel, rivals that judge each
//! other, a merge that the gate lets in and one that it does not.

use crate::scripted_model::{Options, start};
use crate::settings;
use crate::setup::{installed, tell};
use crate::support::{Out, Place};
use std::fs;
use std::path::Path;

const CLIS: [&str; 3] = ["claude", "codex", "gemini"];

/// Each author gets its text right, but codex leaves a bug at first, and mends it when it is told.
const PLAN: &str = r#"# Three words

### [ ] Step: Greeting
<!-- id: greeting -->
<!-- agent: claude -->
<!-- files: greeting.txt -->

Write the greeting.

MODEL: write greeting.txt hello\n
MODEL: say The greeting is written.

### [ ] Step: Number
<!-- id: number -->
<!-- agent: codex -->
<!-- files: number.txt -->

Write the number.

MODEL: unless off-by-one write number.txt fuor\n
MODEL: when off-by-one write number.txt three\n
MODEL: say The number is written.
REVIEW: unless +three verdict [{"path":"number.txt","line":1,"severity":"P1","body":"An off-by-one error.","suggestion":null}]

### [ ] Step: Farewell
<!-- id: farewell -->
<!-- agent: gemini -->
<!-- files: farewell.txt -->

Write the farewell.

MODEL: write farewell.txt bye\n
MODEL: say The farewell is written.
"#;

#[test]
fn three_real_agents_finish_a_plan_that_rivals_judge_and_the_gate_lets_in() {
    if !CLIS.iter().all(|cli| installed(cli)) {
        return;
    }
    let home = tempfile::Builder::new().prefix("walk").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let url = start(Options::default()).unwrap();
    let place = Place::with_config(config(&CLIS, &url, home.path()));
    place.flow(&["init"]).ok();
    plan(&place, "Three words", PLAN);

    let run = place.flow(&["run", "three-words", "--parallel", "3"]);
    tell(&format!("$ git flow-ai run\n{}{}", run.stdout, run.stderr));
    run.ok();
    for (file, text) in [("greeting", "hello"), ("number", "three"), ("farewell", "bye")] {
        let path = format!("flow/three-words/result:{file}.txt");
        assert_eq!(place.git_says(&["show", &path]), text);
    }
    let verdicts = place.git_says(&["log", "--notes=flow-ai", "--format=%N", "flow/three-words/number"]);
    assert!(verdicts.contains("An off-by-one error."), "no rival found the bug:\n{verdicts}");
    place.has_no_worktree();

    place.git(&["merge", "--no-edit", "flow/three-words/result"]).ok();
    assert_eq!(place.read("number.txt"), "three\n");
    tell(&place.git_says(&["log", "--graph", "--oneline", "--notes=flow-ai", "main"]));

    refuses_what_nobody_judged(&place);
}

/// A branch without a verdict does not enter while no reviewer can be asked.
fn refuses_what_nobody_judged(place: &Place) {
    place.git(&["switch", "--quiet", "--create", "unreviewed"]).ok();
    place.write("secret.txt", "unseen\n");
    place.git(&["add", "secret.txt"]).ok();
    place.git(&["commit", "--quiet", "-m", "Unseen"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    let (before, files) =
        (place.git_says(&["rev-parse", "main"]), place.git_says(&["status", "--porcelain"]));
    let binaries = Path::new(env!("CARGO_BIN_EXE_git-flow-ai")).parent().unwrap();
    let without_clis = format!("{}:/usr/local/bin:/usr/bin:/bin", binaries.display());
    for how in [&["merge", "unreviewed"][..], &["merge", "--no-ff", "--no-edit", "unreviewed"]] {
        let merge = place.command("git").args(how).env("PATH", &without_clis).output().unwrap();
        let merge = Out::of(merge);
        assert_ne!(merge.status, 0, "{how:?}: {}{}", merge.stdout, merge.stderr);
        tell(&format!("$ git {}\n{}{}", how.join(" "), merge.stdout, merge.stderr));
        assert_eq!(place.git_says(&["rev-parse", "main"]), before, "{how:?}");
        place.git(&["merge", "--abort"]);
        assert_eq!(place.git_says(&["status", "--porcelain"]), files, "{how:?} left something behind");
    }
}

/// A model that refuses is told from one that is done, even where its CLI says "success": nothing has
/// changed then, and the run says so.
pub fn refusal(cli: &'static str) {
    if !installed(cli) {
        return;
    }
    let home = tempfile::Builder::new().prefix("walk").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let url = start(Options::default()).unwrap();
    let place = Place::with_config(config(&[cli], &url, home.path()));
    plan(
        &place,
        "Refused",
        "# Refused\n\n### [ ] Step: It\n<!-- id: it -->\n\nDo it.\n\nMODEL: fault refuse *\n",
    );
    let run = place.flow(&["run", "refused", "--no-review"]).exits(1);
    tell(&format!("$ git flow-ai run # {cli} refuses\n{}", run.stdout));
    assert_eq!(place.git(&["rev-parse", "--verify", "--quiet", "flow/refused/result"]).status, 1);
}

/// Begins a spec of the built-in quick workflow and puts that plan in the place of its own.
fn plan(place: &Place, title: &str, plan: &str) {
    let slug = title.to_lowercase().replace(' ', "-");
    let file = |name: &str, text: &str| {
        let path = place.root().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let request = file("request.md", "Make it.\n");
    place.flow(&["spec", title, "--workflow", "quick", "--from", &request]).ok();
    place.flow(&["plan", &slug, "--from", &file("plan.md", plan)]).ok();
}

/// The config: these CLIs as agents and as reviewers.
fn config(clis: &[&str], url: &str, home: &Path) -> String {
    let mut config = toml::Table::new();
    config.insert("version".into(), 1.into());
    let (mut agents, mut reviewers) = (toml::Table::new(), toml::Table::new());
    for cli in clis.iter().copied() {
        let settings = settings::of(cli, url, home);
        let mut agent = toml::Table::new();
        agent.insert("preset".into(), cli.into());
        agent.extend(settings.model.map(|model| ("model".into(), model.into())));
        agent.extend(settings.vendor.map(|vendor| ("vendor".into(), vendor.to_string().into())));
        agent.insert("args".into(), settings.args.into());
        let env: toml::Table = settings.env.into_iter().map(|(name, value)| (name, value.into())).collect();
        agent.insert("env".into(), env.into());
        agents.insert(cli.into(), agent.into());
        reviewers.insert(cli.into(), toml::Table::from_iter([("agent".into(), cli.into())]).into());
    }
    config.insert("run".into(), toml::Table::from_iter([("attempts".into(), 2.into())]).into());
    config.insert("agents".into(), agents.into());
    config.insert("reviewers".into(), reviewers.into());
    config.to_string()
}
