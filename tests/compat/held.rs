//! Every CLI in every sandbox: it works as it does without, and cannot do what its model wants outside.

use crate::setup::{LONG, Setup};
use crate::{fault, review};
use git_flow_ai::agents::cli::Ending;
use std::fs;

pub fn edits_in_bubblewrap(cli: &'static str) {
    edits(cli, "bubblewrap");
}

pub fn answers_in_bubblewrap(cli: &'static str) {
    if let Some(bed) = Setup::held(cli, Some("bubblewrap")) {
        review::answers_in(&bed);
        review::writes_nothing_in(&bed);
        fault::stopped_in_a_tool_in(&bed);
    }
}

pub fn edits_in_landlock(cli: &'static str) {
    edits(cli, "Landlock");
}

pub fn answers_in_landlock(cli: &'static str) {
    if let Some(bed) = Setup::held(cli, Some("Landlock")) {
        review::answers_in(&bed);
        review::writes_nothing_in(&bed);
        fault::stopped_in_a_tool_in(&bed);
    }
}

fn edits(cli: &'static str, sandbox: &str) {
    let Some(bed) = Setup::held(cli, Some(sandbox)) else { return };
    let outside = bed.repo().parent().unwrap().join("outside");
    fs::create_dir(&outside).unwrap();
    let bad = |name: &str| outside.join(name).display().to_string();
    let prompt = format!(
        "Write the greeting.\nMODEL: write hello.txt hello\\n\nMODEL: run echo by a tool > tool.txt\n\
         MODEL: run echo hostile > {}; git -C {} update-ref refs/heads/evil HEAD; true\n\
         MODEL: write {} hostile\nMODEL: say The greeting is written.",
        bad("by-tool"),
        bed.repo().display(),
        bad("by-itself")
    );
    let report = bed.edit(&prompt, LONG, LONG);
    assert_eq!(report.ending, Ending::Done, "{}", bed.story());
    let read = |name: &str| fs::read_to_string(bed.worktree().join(name)).unwrap_or_default();
    assert_eq!(read("hello.txt"), "hello\n", "{}", bed.story());
    if cli != "aider" {
        // It has no tools.
        assert_eq!(read("tool.txt"), "by a tool\n", "{}", bed.story());
    }
    let written: Vec<_> = fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(written.is_empty(), "it wrote {written:?} outside{}", bed.story());
    assert_eq!(bed.git(&bed.repo(), &["for-each-ref", "--format=%(refname)", "refs/heads/evil"]), "");
}
