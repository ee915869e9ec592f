//! What people read, whole: help, tables, refusals, hints. Each test is one situation, and each output is
//! one file in `tests/snapshots/`, so that a wording is reviewed as a diff.
//!
//! What the situations mean is proved by the journeys; here only the words count.

use crate::support::plan::task;
use crate::support::verdicts::{author, finding};
use crate::support::{Config, Out, Place, WRITE};
use git_flow_ai::domain::verdict::{Severity, Verdict};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// `main` is protected, no reviewer is asked during a merge, and none is named yet.
fn looked_up() -> Config {
    Config::new().gate("branches = [\"main\"]\nreview_on_merge = false")
}

/// `main` is protected by that config, and our hooks are in force. All that `init` would write is there
/// before the gate is.
fn protected(config: &Config) -> Place {
    let place = Place::new();
    place.write(".zenflow/workflows/example.md", "# Example\n\n### [ ] Step: Implementation\nDo it.\n");
    place.commit_saying("Configure", ".zenflow/config.toml", config.to_string());
    place.flow(&["init"]).ok();
    place
}

/// The same with two reviewers, none of whom is asked during a merge; `topic` is one commit ahead.
fn gated() -> Place {
    let place = protected(&looked_up().reviewer("judge", "zeta").reviewer("other", "eta"));
    place.reviewer("judge", "");
    place.reviewer("other", "");
    place.branch("topic", "main");
    place.commit("app.txt", "one\ntwo\nthree\n");
    place.switch("main");
    place
}

/// Runs it where no agents, reviewers and man pages are but those of the place.
fn alone(place: &Place, args: &[&str]) -> Out {
    let own = place.command("git");
    let path = own.get_envs().find_map(|(name, value)| value.filter(|_| name == "PATH")).unwrap();
    let has_git = |folder: &PathBuf| folder.join("git").exists();
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    let needed = folders[..2].iter().chain(folders.iter().find(|folder| has_git(folder)));
    let path = std::env::join_paths(needed.chain([&PathBuf::from("/usr/bin"), &PathBuf::from("/bin")]));
    let mut command = place.command("git-flow-ai");
    Out::run(command.args(args).env("PATH", path.unwrap()).env("MANPATH", place.root()))
}

/// From git 2.54 on its config names our hooks too, and `init` and `doctor` say so: what is compared here
/// is what they say of an older git.
fn has_config_hooks() -> bool {
    let has = git_flow_ai::system::git::version().unwrap() >= (2, 54);
    if has {
        println!("SKIPPED: these outputs are those of a git before 2.54");
    }
    has
}

/// Its verdict that blocks, on `topic`.
fn blocked() -> Place {
    let place = gated();
    let mut wrong = finding(Severity::P1, "Two is wrong");
    wrong.path = "app.txt".into();
    wrong.line = Some(2);
    wrong.suggestion = Some("Write 2.".into());
    let reviewer = author("judge", "zeta");
    place.record(&Verdict { reviewer, ..place.block("main", "topic", vec![wrong]) });
    place
}

/// A spec whose tasks end in each way that there is, one after the other.
fn planned() -> Place {
    let config = looked_up().run("attempts = 2\nverify = \"test ! -f bad.txt\"");
    let place = protected(&config.agent("mine", "acme").reviewer("judge", "rival"));
    place.agent(
        "mine",
        "case $task in bad) touch bad.txt;; mended) case $prompt in *'off by one'*) echo right > number;; \
             *) echo wrong > number;; esac;; esac\necho $task > $task.txt; echo done",
    );
    place.reviewer(
        "judge",
        r#"case $difference in *+wrong*) findings='[{"path":"number","line":1,"severity":"P1","body":"It is off by one.","suggestion":"Add one."}]';; esac"#,
    );
    let tasks = [task("good", ""), task("mended", ""), task("bad", ""), task("needs", "<!-- after: bad -->")];
    place.spec_with(&tasks.concat());
    place
}

/// The commands that a help lists.
fn listed(help: &str) -> Vec<String> {
    let after =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let rows = after.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = rows.map(|row| row.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

#[test]
fn help_of_every_command() {
    let place = Place::new();
    let mut open = vec![vec!["help".to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(words) = open.pop() {
        let help = place.flow(&words.iter().map(String::as_str).collect::<Vec<_>>());
        help.is_snapshot(&place, &words.join("-"));
        open.extend(listed(&help.stdout).into_iter().map(|name| [&words[..], &[name]].concat()));
        seen.insert(format!("{}.snap", words.join("-")));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = names.filter(|name| name.starts_with("help")).collect();
    assert_eq!(there, seen, "no snapshot is left of a command that has gone");
}

#[test]
fn init_in_a_new_repository_again_and_taken_back() {
    if has_config_hooks() {
        return;
    }
    let place = Place::new();
    place.script("claude", "echo 1.0");
    place.script("codex", "echo 1.0");
    for (args, name) in [
        (&["init", "--dry-run"][..], "init-dry-run"),
        (&["init"], "init"),
        (&["init"], "init-again"),
        (&["init", "--uninstall"], "init-uninstall"),
    ] {
        alone(&place, args).is_snapshot(&place, name);
    }
}

#[test]
fn doctor_of_a_healthy_repository_and_of_one_with_faults() {
    if has_config_hooks() {
        return;
    }
    let place = gated();
    alone(&place, &["doctor"]).is_snapshot(&place, "doctor");
    fs::remove_file(place.root().join("bin/judge")).unwrap();
    place.switch_hooks_off();
    alone(&place, &["doctor"]).is_snapshot(&place, "doctor-with-faults");
}

#[test]
fn a_run_its_status_and_what_is_left_to_do() {
    let place = planned();
    place.flow(&["status"]).is_snapshot(&place, "status-planned");
    place.run(&["--parallel", "1"]).is_snapshot(&place, "run");
    place.flow(&["status"]).is_snapshot(&place, "status-after-run");
    place.flow(&["status", "demo"]).is_snapshot(&place, "status-of-a-spec");
    place.run(&["--parallel", "1"]).is_snapshot(&place, "run-again");
}

#[test]
fn status_of_a_repository_without_specs() {
    let place = gated();
    place.flow(&["status"]).is_snapshot(&place, "status-empty");
}

#[test]
fn refusals_of_the_merge_hook() {
    let place = gated();
    place.git(&["merge", "topic"]).is_snapshot(&place, "refused-merge-unreviewed");
    place.git(&["merge", "--no-ff", "--no-edit", "topic"]).is_snapshot(&place, "refused-merge-no-ff");
    let place = blocked();
    place.git(&["merge", "topic"]).is_snapshot(&place, "refused-merge-blocked");
    place.switch("main");
    place.write("README.md", "# Unjudged\n");
    place.git(&["commit", "--quiet", "--all", "-m", "Unjudged"]).is_snapshot(&place, "refused-commit");
}

#[test]
fn refusals_of_a_server() {
    let place = Place::with_config(Config::lookup_only());
    let server = place.server("origin");
    place.flow_in(&server, &["init"]).is_snapshot(&place, "init-on-a-server");
    place.topic("new.txt");
    place.git(&["push", "origin", "topic:main"]).is_snapshot(&place, "refused-push-unreviewed");
    place.record(&place.block("main", "topic", vec![finding(Severity::P0, "It is wrong.")]));
    place.git(&["push", "origin", "refs/notes/flow-ai"]).ok();
    place.git(&["push", "origin", "topic:main"]).is_snapshot(&place, "refused-push-blocked");
}

#[test]
fn answers_of_check() {
    let place = blocked();
    place.flow(&["check", "--target", "main", "main..topic"]).is_snapshot(&place, "check-blocked");
    let place = gated();
    place.flow(&["check", "--target", "main", "main..topic"]).is_snapshot(&place, "check-unreviewed");
    place.record(&Verdict { reviewer: author("judge", "zeta"), ..place.verdict("main", "topic") });
    place.flow(&["check", "--target", "main", "main..topic"]).is_snapshot(&place, "check-approved");
}

#[test]
fn verify_where_all_came_through_the_gate_and_where_something_did_not() {
    let place = gated();
    place.flow(&["verify"]).is_snapshot(&place, "verify-begins");
    place.record(&Verdict { reviewer: author("judge", "zeta"), ..place.verdict("main", "topic") });
    place.git(&["merge", "--quiet", "topic"]).ok();
    place.flow(&["verify"]).is_snapshot(&place, "verify-covered");
    place.write("README.md", "# Unjudged\n");
    place.ungated(&["commit", "--quiet", "--all", "-m", "Unjudged"]).ok();
    place.flow(&["verify"]).is_snapshot(&place, "verify-past-the-gate");
}

#[test]
fn a_review_and_the_verdicts() {
    let place = gated();
    place.flow(&["verdict", "list"]).is_snapshot(&place, "verdict-list-empty");
    place.flow(&["verdict", "show", "topic"]).is_snapshot(&place, "verdict-show-none");
    place.flow(&["review", "topic"]).is_snapshot(&place, "review-approved");
    place.reviewer(
        "judge",
        r#"findings='[{"path":"app.txt","line":2,"severity":"P1","body":"Two is wrong","suggestion":"Write 2."}]'"#,
    );
    place.flow(&["review", "topic", "--again"]).is_snapshot(&place, "review-blocked");
    place.flow(&["verdict", "list", "topic"]).is_snapshot(&place, "verdict-list");
    place.flow(&["verdict", "show", "topic"]).is_snapshot(&place, "verdict-show");
}

#[test]
fn recover_of_nothing_and_of_commits() {
    let place = Place::new();
    place.flow(&["recover"]).is_snapshot(&place, "recover-empty");
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Lost work"]).ok();
    let lost = place.id("HEAD");
    place.git(&["update-ref", &format!("refs/flow-ai/recovered/demo/api/{lost}"), &lost]).ok();
    place.git(&["reset", "--quiet", "--hard", "HEAD~1"]).ok();
    place.flow(&["recover"]).is_snapshot(&place, "recover");
    place.flow(&["recover", "nothing"]).is_snapshot(&place, "recover-unknown");
}

#[test]
fn trust_of_what_a_repository_brings() {
    let place = Place::with_config(
        Config::new()
            .run("setup = \"make\"\nverify = \"make test\"")
            .agent("mine", "acme")
            .reviewer("judge", "rival"),
    );
    place.distrust();
    place.agent("mine", WRITE);
    place.reviewer("judge", "");
    place.flow(&["trust"]).is_snapshot(&place, "trust");
    place.spec_with(&task("api", ""));
    place.run(&[]).is_snapshot(&place, "trust-refused-run");
    place.flow(&["trust", "--yes"]).is_snapshot(&place, "trust-yes");
    place.flow(&["trust"]).is_snapshot(&place, "trust-again");
}

#[test]
fn the_demo() {
    let place = Place::new();
    let dir = place.root().join("demo");
    let mut out = Out::run(place.command("git-flow-ai").arg("demo").arg("--dir").arg(&dir));
    out.stdout = sorted_by_task(&out.stdout);
    out.is_snapshot_but_for(&place, "demo", &[(r"sandbox: .*", "sandbox: [SANDBOX]")]);
}

/// The lines of a run, sorted by task: three work at the same time in the demo, so they come in any order.
/// Whether one had to wait is up to the machine.
fn sorted_by_task(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.retain(|line| !line.contains("] queued: ") && !line.contains("no more is started for now"));
    let at = |words: &str| lines.iter().position(|line| line.contains(words)).unwrap();
    let run = at(": 3 tasks from ") + 1..at(" 0 failed, ");
    let task = |line: &&str| {
        let words = line.trim_start().trim_start_matches("merged ").trim_start_matches('[');
        words.split([' ', ']']).next().map(str::to_owned)
    };
    lines[run].sort_by_key(task);
    lines.concat()
}
