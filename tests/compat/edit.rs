//! What editing must come to: the files, in the worktree and nowhere else, and a report that says so.

use crate::setup::{LONG, Setup};
use git_flow_ai::agents::cli::Ending;
use serde_json::Value;

pub fn files(cli: &'static str) {
    let Some(bed) = Setup::new(cli) else { return };
    let report = bed.edit(
        "Write the greeting.\nMODEL: write hello.txt hello \"world\"\\n\nMODEL: say The greeting is written.",
        LONG,
        LONG,
    );
    assert_eq!(report.ending, Ending::Done, "{}", bed.story());
    let written = std::fs::read_to_string(bed.worktree().join("hello.txt")).unwrap_or_default();
    assert_eq!(written, "hello \"world\"\n", "{}", bed.story());
    assert_eq!(bed.git(&bed.repo(), &["status", "--porcelain"]), "", "the main worktree was touched");
    let changes = bed.git(&bed.worktree(), &["status", "--porcelain", "--untracked-files=all"]);
    let changed: Vec<&str> = changes.lines().map(|line| &line[3..]).collect();
    assert_eq!(changed, ["hello.txt"], "something else was left in the worktree");
    assert_eq!(bed.git(&bed.repo(), &["rev-list", "--all", "--count"]), "1\n", "it committed by itself");
    if cli != "aider" {
        assert!(
            report.text.contains("The greeting is written."),
            "its text: {:?}{}",
            report.text,
            bed.story()
        );
        assert!(report.usage.input_tokens >= 1000, "its usage: {:?}{}", report.usage, bed.story());
    }
}

pub fn long_prompt(cli: &'static str) {
    let Some(bed) = Setup::new(cli) else { return };
    // Longer than an argument may be on Linux (128 KiB), with what shells and JSON would change.
    let line = "The dog's name is \"Ünïcödé\"; a $HOME, a `tick`, a \\ and 100 % of it.\n";
    let prompt = format!("Begin.\n{}MODEL: say Read.\nEnd of the prompt.", line.repeat(200_000 / line.len()));
    let report = bed.edit(&prompt, LONG, LONG);
    assert_eq!(report.ending, Ending::Done, "{}", bed.story());
    let whole = bed.bodies().iter().any(|body| holds(body, &prompt));
    assert!(whole, "no request held the whole prompt{}", bed.story());
}

/// Whether any text in it holds that text.
fn holds(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.contains(wanted),
        Value::Array(values) => values.iter().any(|value| holds(value, wanted)),
        Value::Object(values) => values.values().any(|value| holds(value, wanted)),
        _ => false,
    }
}
