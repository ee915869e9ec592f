//! Work that is done again: because the user asks for it, or because what it was made from was changed.

use crate::support::plan::task;
use crate::support::{Config, Place};

/// A gated project with an agent that writes what its prompt says, one color a task, and a rival.
fn stage(plan: &str) -> Place {
    let place = Place::with_config(Config::protected().agent("hand", "acme").reviewer("judge", "zeta"));
    place.agent(
        "hand",
        "color=$(printf '%s' \"$prompt\" | grep -o 'COLOR-[A-Z]*' | tail -n 1); echo \"$color $(ls | tr '\\n' ' ')\" > $task.txt; echo done",
    );
    place.reviewer("judge", "");
    place.put_up_hooks();
    let request = place.beside("request.md", "It must be COLOR-RED.\n");
    let plan = place.beside("plan.md", &format!("# Plan\n\n{plan}"));
    place.flow(&["spec", "Demo", "--from", request.to_str().unwrap()]).ok();
    place.flow(&["approve", "demo"]).ok();
    place.flow(&["plan", "demo", "--from", plan.to_str().unwrap()]).ok();
    place
}

/// Changes the spec's document, and approves it.
fn change(place: &Place, text: &str) {
    let text = place.beside("changed.md", text);
    place.flow(&["spec", "edit", "demo", "spec.md", "--from", text.to_str().unwrap()]).ok();
    place.flow(&["approve", "demo"]).ok();
}

/// What the result has in that file, without the list of files.
fn color(place: &Place, task: &str) -> String {
    let text = place.file("flow/demo/result", &format!("{task}.txt")).unwrap_or_default();
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

fn calls(place: &Place) -> Vec<String> {
    let mut calls = place.calls();
    calls.sort();
    calls
}

#[test]
fn a_task_is_done_again_with_what_depends_on_it_from_the_present_result() {
    let plan = [task("api", ""), task("ui", "<!-- after: api -->"), task("docs", "")].concat();
    let place = stage(&plan);
    place.run(&[]).ok();
    let before = place.id("flow/demo/api");
    let out = place.run(&["--task", "api", "--retry"]).ok();
    assert!(out.stdout.contains("next: git flow-ai run demo --redo api"), "{}", out.stdout);
    assert_eq!(calls(&place), ["api 1", "docs 1", "ui 1"]);
    place.agent("hand", "echo again \"$(ls | tr '\\n' ' ')\" > $task.txt; echo done");
    place.run(&["--redo", "api"]).ok();
    assert_eq!(calls(&place), ["api 1", "api 2", "docs 1", "ui 1", "ui 2"]);
    let api = place.file("flow/demo/result", "api.txt").unwrap();
    assert!(api.starts_with("again") && api.contains("docs.txt"), "it saw what the others made: {api}");
    let kept =
        place.git_says(&["for-each-ref", "--format=%(objectname)", "refs/flow-ai/recovered/demo/api/"]);
    assert_eq!(kept, before, "what was there is kept");
    assert_eq!(place.file("flow/demo/spec", "plan.md").unwrap().matches("[x]").count(), 3);
    // After the merge as well.
    place.flow(&["merge", "demo"]).ok();
    place.agent("hand", "echo third > $task.txt; echo done");
    place.run(&["--redo", "docs"]).ok();
    place.flow(&["merge", "demo"]).ok();
    assert_eq!(place.file("main", "docs.txt").as_deref(), Some("third\n"));
    place.run(&["--redo", "no"]).exits(2).says("the plan has no task `no`").says("api, ui, docs");
    place.has_no_worktree();
}

#[test]
fn a_changed_text_makes_its_work_stale_and_a_run_does_that_again() {
    let place = stage(&[task("one", ""), task("two", "")].concat());
    place.run(&[]).ok();
    assert_eq!([color(&place, "one"), color(&place, "two")], ["COLOR-RED", "COLOR-RED"]);
    change(&place, "It must be COLOR-BLUE.\n");
    place.flow(&["status", "demo"]).ok().says("stale").says("next: git flow-ai run demo");
    place.flow(&["status", "--json"]).ok().says("\"status\":\"stale\"");
    place.flow(&["merge", "demo"]).exits(2).says("was made from another text").says("git flow-ai run demo");
    let plain = ["merge", "--no-ff", "--no-edit", "flow/demo/result"];
    place.git(&plain).exits(128).says("was judged for another text than it has now");
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
    place.run(&[]).ok().says("what one was made from has been changed since it was done");
    assert_eq!([color(&place, "one"), color(&place, "two")], ["COLOR-BLUE", "COLOR-BLUE"]);
    place.flow(&["merge", "demo"]).ok();
    // What has landed stays judged: it can be pushed, and verified.
    change(&place, "It must be COLOR-GREY.\n");
    let server = place.server("server.git");
    place.git(&["push", "--quiet", server.to_str().unwrap(), "main"]).ok();
    change(&place, "It must be COLOR-BLUE.\n");
    // The text of one task alone.
    let plan = place.file("flow/demo/spec", "plan.md").unwrap();
    let changed = plan.replacen("Make two", "Make two anew", 1);
    let changed = place.beside("plan.md", &changed);
    place.flow(&["plan", "demo", "--from", changed.to_str().unwrap()]).ok();
    place.flow(&["approve", "demo"]);
    let before = calls(&place).len();
    place.run(&[]);
    let since = calls(&place).into_iter().filter(|call| call.starts_with("two")).count();
    assert_eq!((calls(&place).len() - before, since), (1, 3), "{:?}", calls(&place));
    place.has_no_worktree();
}

#[test]
fn stale_work_is_kept_on_record_if_the_user_says_so() {
    let place = stage(&[task("one", ""), task("two", "")].concat());
    place.run(&[]).ok();
    change(&place, "It must be COLOR-RED. (A comma was missing.)\n");
    let called = calls(&place).len();
    place.run(&["--accept", "one", "--accept", "two"]).ok();
    assert_eq!(calls(&place).len(), called);
    let log = place.git_says(&["log", "--format=%B", "flow/demo/spec"]);
    assert!(log.contains("Flow-Accepted: one "), "{log}");
    place.flow(&["merge", "demo"]).ok();
    // What an agent found to be right when it was asked again is kept in the same way.
    change(&place, "It must be COLOR-GREEN.\n");
    place.agent("hand", "echo done");
    let out = place.run(&[]).exits(1);
    assert!(
        out.stdout.contains("git flow-ai run demo --accept one keeps what is in the result"),
        "{}",
        out.stdout
    );
    place.run(&["--accept", "one", "--accept", "two"]).ok();
    place.flow(&["status", "demo"]).ok().says("merged");
    place.run(&["--accept", "no"]).exits(2).says("has no task `no`");
}

#[test]
fn a_spec_that_is_given_up_can_be_had_back() {
    let place = stage(&[task("one", ""), task("two", "")].concat());
    place.run(&[]).ok();
    let result = place.id("flow/demo/result");
    place.git(&["switch", "--quiet", "flow/demo/one"]).ok();
    place.flow(&["spec", "abandon", "demo"]).exits(2).says("flow/demo/one is checked out");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.flow(&["spec", "abandon", "demo"]).ok().says("Next: git flow-ai recover");
    assert_eq!(place.git_says(&["for-each-ref", "refs/heads/flow"]), "");
    place.flow(&["status"]).ok();
    place.flow(&["spec", "abandon", "demo"]).exits(2);
    let kept =
        place.git_says(&["for-each-ref", "--format=%(objectname)", "refs/flow-ai/recovered/demo/result/"]);
    assert_eq!(kept, result);
    place.flow(&["recover"]).ok().says("demo");
}

#[test]
fn a_next_command_starts_something_after_spent_attempts() {
    let config = Config::new().agent("hand", "acme").reviewer("judge", "zeta").run("attempts = 1");
    let place = Place::with_config(config);
    place.reviewer("judge", "");
    place.agent("hand", "echo 'I give up' >&2; exit 1");
    place.spec_with(&[task("one", ""), task("two", "<!-- after: one -->")].concat());
    place.run(&[]).exits(1);
    place.flow(&["status", "demo"]).ok().says("next: git flow-ai run demo --retry");
    let before = calls(&place).len();
    place.flow(&["run", "demo", "--retry"]).exits(1);
    assert_eq!(calls(&place).len(), before + 1);
}
