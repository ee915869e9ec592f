//! Cleaning up: what is merged goes, what is not stays, and nothing is ever lost.

use crate::support::plan::task;
use crate::support::{Config, Place, WRITE};
use git_flow_ai::agents::worktree::Worktrees;
use git_flow_ai::gate::store::Repo;
use std::fs;
use std::time::{Duration, SystemTime};

/// A spec `demo` whose task `api` is done and in its result.
fn done() -> Place {
    let place = planned();
    place.run(&[]).ok();
    place
}

/// A spec `demo` with a task `api`.
fn planned() -> Place {
    let place = Place::with_config(Config::new().agent("mine", "acme").reviewer("judge", "rival"));
    place.agent("mine", WRITE);
    place.reviewer("judge", "");
    place.spec_with(&task("api", ""));
    place
}

#[test]
fn the_files_of_a_task_are_collected_once() {
    let place = planned();
    let path = std::env::var_os("PATH").unwrap();
    let git = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.exists()).unwrap();
    place.script("git", &format!("echo \"$*\" >> \"$HOME/calls\"; exec {} \"$@\"", git.display()));
    // git itself would look for its own first.
    assert!(place.command("git-flow-ai").args(["run", "demo"]).status().unwrap().success());
    let calls = fs::read_to_string(place.root().join("home/calls")).unwrap();
    let of_task = |call: &&str| call.contains("/demo.api") && call.contains(" update-index --add ");
    assert_eq!(calls.lines().filter(of_task).count(), 1, "{calls}");
    assert!(!place.root().join(".repo.flow-ai").exists());
}

fn branches(place: &Place) -> String {
    place.git_says(&["for-each-ref", "--format=%(refname:short)", "refs/heads/flow", "refs/flow-ai/archive"])
}

#[test]
fn a_merged_spec_goes_and_its_documents_stay_in_the_archive() {
    let place = done();
    place.flow(&["clean"]).ok().says("kept spec demo");
    assert!(branches(&place).contains("flow/demo/result"), "what is not merged stays");
    place.git(&["merge", "--quiet", "--no-edit", "flow/demo/result"]).ok();
    let spec = place.git_says(&["rev-parse", "flow/demo/spec"]);
    let before = branches(&place);
    place.flow(&["clean", "--dry-run"]).ok().says("would remove branch flow/demo/api");
    assert_eq!(branches(&place), before, "a dry run removes nothing");
    place.flow(&["clean"]).ok().says("archived spec demo as refs/flow-ai/archive/demo/spec");
    assert_eq!(branches(&place), "flow-ai/archive/demo/spec");
    assert_eq!(place.git_says(&["rev-parse", "refs/flow-ai/archive/demo/spec"]), spec);
    place.flow(&["clean"]).ok().says("nothing to clean");
    let logs = place.repo().join(".git/flow-ai/runs/demo");
    assert!(logs.exists(), "logs stay for a while");
    let old = SystemTime::now() - Duration::from_secs(31 * 24 * 60 * 60);
    for run in fs::read_dir(&logs).unwrap() {
        let run = run.unwrap().path();
        for file in fs::read_dir(&run).unwrap() {
            fs::File::open(file.unwrap().path()).unwrap().set_modified(old).unwrap();
        }
        fs::File::open(&run).unwrap().set_modified(old).unwrap();
    }
    place.flow(&["clean", "--json"]).ok().says("\"kind\":\"log\"");
    assert!(!logs.exists());
    place.git(&["fsck", "--strict"]).ok();
}

#[test]
fn a_spec_with_a_task_still_to_do_stays_although_its_result_is_merged() {
    let place = done();
    let plan = place.root().join("plan.md");
    let ticked = place.flow(&["spec", "show", "demo", "plan.md"]).ok().stdout;
    fs::write(&plan, format!("{ticked}\n### [ ] Step: Document it\n<!-- id: docs -->\nWrite.\n")).unwrap();
    place.flow(&["plan", "demo", "--from", plan.to_str().unwrap()]).ok();
    place.git(&["merge", "--quiet", "--no-edit", "flow/demo/result"]).ok();
    let before = branches(&place);
    place.flow(&["clean"]).ok().says("not done yet: docs");
    assert_eq!(branches(&place), before);
}

#[test]
fn a_branch_with_more_than_the_target_has_keeps_its_spec() {
    let place = done();
    place.git(&["merge", "--quiet", "--no-edit", "flow/demo/result"]).ok();
    place.git(&["switch", "--quiet", "flow/demo/api"]).ok();
    place.flow(&["clean"]).ok().says("is checked out");
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "More"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    let before = branches(&place);
    place.flow(&["clean", "demo"]).ok().says("flow/demo/api has commits that main has not");
    assert_eq!(branches(&place), before);
}

#[test]
fn old_journals_go_and_the_newest_of_a_spec_that_is_there_stays() {
    let place = done();
    let runs = place.repo().join(".git/flow-ai/runs/demo");
    let newest = fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    let old = runs.join("20200101T000000.000-0000");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("events.jsonl"), "x".repeat(10_000)).unwrap();
    place.flow(&["clean"]).ok();
    assert!(old.exists(), "written just now");
    place.git(&["config", "flow-ai.keep", "14d 1KB"]).ok();
    place.flow(&["clean", "--dry-run"]).ok().says("would remove logs");
    assert!(old.exists());
    // A run ends them as well.
    place.flow(&["run", "demo"]).ok();
    assert!(!old.exists());
    place.flow(&["clean"]).ok();
    assert_eq!(fs::read_dir(&runs).unwrap().count(), 1, "the newest stays whatever the size");
    assert!(!newest.exists());
    place.git(&["config", "flow-ai.keep", "a while"]).ok();
    place.flow(&["clean"]).exits(2).says("14d 5GB");
    place.flow(&["recover"]).ok();
}

#[test]
fn a_worktree_that_a_dead_process_left_goes_only_when_nothing_is_lost() {
    let place = done();
    let repo = Repo::open(&place.repo()).unwrap();
    let worktrees = Worktrees::new(&repo, &git_flow_ai::domain::config::Config::default()).unwrap();
    let head = repo.commit_of("HEAD").unwrap().id;
    let empty = worktrees.make("demo.empty", head).unwrap();
    let full = worktrees.make("demo.full", head).unwrap();
    fs::write(full.path().join("work.txt"), "work").unwrap();
    let (empty_path, full_path) = (empty.path().to_owned(), full.path().to_owned());
    place.flow(&["clean"]).ok();
    assert!(empty_path.exists(), "its process is alive");
    drop((empty, full));
    place.flow(&["clean"]).ok().says("it holds files that are in no commit; git flow-ai run demo commits it");
    assert!(!empty_path.exists());
    assert!(full_path.join("work.txt").exists());
    // A run takes its files in, even of a task that the plan does not have.
    place.flow(&["run", "demo"]).ok().says("refs/flow-ai/recovered/demo/full");
    assert!(!full_path.exists());
    let kept = place.git_says(&["for-each-ref", "--format=%(refname)", "refs/flow-ai/recovered"]);
    assert_eq!(place.git_says(&["cat-file", "blob", &format!("{kept}:work.txt")]), "work");
}
