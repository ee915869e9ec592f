//! `git flow-ai merge`: a spec's result through the same gate as everything else.

use crate::support::{Config, Out, Place};
use std::os::unix::fs::PermissionsExt;

const PLAN: &str =
    "# Quick Change\n\n## Workflow Steps\n\n### [x] Step: Do it\n<!-- id: do-it -->\n\nDo it.\n";

/// A spec whose one task is done and stands on its result branch, approved if told so.
fn place(approved: bool) -> Place {
    let place = Place::gated(Config::lookup_only());
    spec(&place, "dark-mode", PLAN);
    result(&place, "dark-mode");
    if approved {
        place.approve("main", "flow/dark-mode/result");
    }
    place
}

/// A spec of the built-in quick workflow with that plan.
fn spec(place: &Place, slug: &str, plan: &str) {
    place.git(&["switch", "--quiet", "--orphan", &format!("flow/{slug}/spec")]).ok();
    place.write("request.md", "# Dark mode\n\nMake it dark.\n");
    place.write("plan.md", plan);
    place.git(&["add", "request.md", "plan.md"]).ok();
    place.git(&["commit", "--quiet", "-m", "Begin\n\nFlow-Workflow: quick"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
}

fn result(place: &Place, slug: &str) {
    place.git(&["switch", "--quiet", "-c", &format!("flow/{slug}/result"), "main"]).ok();
    place.write("dark.css", "body { color: white }\n");
    place.git(&["add", "dark.css"]).ok();
    place.git(&["commit", "--quiet", "-m", "Make it dark"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
}

#[test]
fn an_approved_result_is_merged_and_the_commit_says_who_approved() {
    let place = place(true);
    place.flow(&["merge", "dark-mode"]).ok().says("Merged dark-mode into main").says("codex (openai)");
    let message = place.git_says(&["log", "-1", "--format=%B", "main"]);
    assert!(message.starts_with("Merge spec 'dark-mode': Dark mode"), "{message}");
    let reviewer = "%(trailers:key=Reviewed-by-model,valueonly)";
    assert_eq!(place.git_says(&["log", "-1", &format!("--format={reviewer}")]), "codex (openai)");
    assert_eq!(
        place.git_says(&["rev-parse", "main^2"]),
        place.git_says(&["rev-parse", "flow/dark-mode/result"])
    );
    place.flow(&["merge", "dark-mode"]).ok().says("already");
}

#[test]
fn without_a_name_the_only_result_is_merged() {
    let place = place(true);
    place.flow(&["merge"]).ok().says("Merged dark-mode");
    place.flow(&["merge"]).exits(2).says("no spec has a result to merge");
}

#[test]
fn an_unjudged_result_is_refused_and_nothing_is_touched() {
    let place = place(false);
    let before = place.git_says(&["rev-parse", "main"]);
    place.flow(&["merge", "dark-mode"]).exits(1).says("nothing was touched").says("git flow-ai review");
    assert_eq!(place.git_says(&["rev-parse", "main"]), before);
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
}

#[test]
fn open_tasks_and_unapproved_plans_are_not_merged() {
    let place = place(true);
    spec(&place, "half", &PLAN.replace("[x]", "[ ]"));
    result(&place, "half");
    place.flow(&["merge", "half"]).exits(2).says("do-it").says("git flow-ai run half");
    place.flow(&["merge", "unknown"]).exits(2).says("unknown");
}

#[test]
fn a_conflict_is_told_beforehand_and_leaves_nothing_behind() {
    let place = place(true);
    place.write("dark.css", "body { color: grey }\n");
    let ungated = |args: &[&str]| place.ungated(args).ok();
    ungated(&["add", "--all"]);
    ungated(&["commit", "--quiet", "-m", "Collide"]);
    place.flow(&["merge", "dark-mode"]).exits(1).says("conflicts with `main`").says("hint:");
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
}

#[test]
fn files_in_the_way_are_kept() {
    let place = place(true);
    place.write("dark.css", "mine\n");
    place.flow(&["merge", "dark-mode"]).exits(2).says("dark.css").says("everything is as it was");
    assert_eq!(place.read("dark.css"), "mine\n");
}

#[test]
fn a_merge_that_is_under_way_is_not_given_up() {
    let place = place(true);
    let ungated = |args: &[&str]| place.ungated(args).ok();
    ungated(&["switch", "--quiet", "-c", "other"]);
    ungated(&["commit", "--quiet", "--allow-empty", "-m", "Other"]);
    ungated(&["switch", "--quiet", "main"]);
    ungated(&["merge", "--quiet", "--no-ff", "--no-commit", "other"]);
    place.flow(&["merge", "dark-mode"]).exits(2).says("another merge is under way");
    place.git(&["rev-parse", "--verify", "MERGE_HEAD"]).ok();
}

#[test]
fn the_target_may_be_checked_out_elsewhere() {
    let place = place(true);
    place.git(&["switch", "--quiet", "-c", "other"]).ok();
    place.flow(&["merge", "dark-mode"]).exits(2).says("git switch main");
    let linked = place.root().join("linked");
    place.git(&["worktree", "add", "--quiet", linked.to_str().unwrap(), "main"]).ok();
    place.flow(&["merge", "dark-mode"]).ok();
    assert!(linked.join("dark.css").exists());
    let status = Out::of(place.command("git").current_dir(&linked).args(["status", "-s"]).output().unwrap());
    assert_eq!(status.ok().stdout, "");
}

#[test]
fn a_script_gets_json() {
    let place = place(true);
    let merged: serde_json::Value =
        serde_json::from_str(&place.flow(&["merge", "--json"]).ok().stdout).unwrap();
    assert_eq!(merged["spec"], "dark-mode");
    assert_eq!(merged["commit"], place.git_says(&["rev-parse", "main"]).as_str());
}

#[test]
fn neither_a_tag_of_that_name_nor_settings_for_merges_change_what_is_merged() {
    let place = place(true);
    place.git(&["tag", "flow/dark-mode/result", "main"]).ok();
    place.git(&["config", "branch.main.mergeOptions", "--no-commit"]).ok();
    place.flow(&["merge", "dark-mode"]).ok();
    place.git(&["merge-base", "--is-ancestor", "refs/heads/flow/dark-mode/result", "main"]).ok();
}

#[test]
fn of_two_merges_at_once_the_second_waits_for_no_chance_to_undo_the_first() {
    let place = place(true);
    let locks = place.repo().join(".git/flow-ai/locks");
    std::fs::create_dir_all(&locks).unwrap();
    let first = std::fs::File::create(locks.join(".merge.lock")).unwrap();
    first.lock().unwrap();
    let before = place.git_says(&["rev-parse", "main"]);
    place.flow(&["merge", "dark-mode"]).exits(2).says("another merge is under way");
    assert_eq!(place.git_says(&["rev-parse", "main"]), before);
    drop(first);
    place.flow(&["merge", "dark-mode"]).ok().says("Merged dark-mode");
}

#[test]
fn what_a_merge_is_about_to_lock_is_written_down_while_git_works() {
    let place = place(true);
    let git = place.repo().join(".git");
    let (hook, seen) = (git.join("hooks/post-merge"), place.root().join("seen"));
    let note = format!("#!/bin/sh\ncat '{}'/flow-ai/writing-refs-* >'{}'\n", git.display(), seen.display());
    std::fs::write(&hook, note).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    place.flow(&["merge", "dark-mode"]).ok();
    assert_eq!(std::fs::read_to_string(seen).unwrap(), "\nrefs/heads/main");
}
