//! What runs and merges say of tests is what a fresh checkout says: the setup's and the test command's own doings are
//! nobody's work, each tree that lands was tested, and what failed is known.

use crate::support::plan::task;
use crate::support::processes::wait_for;
use crate::support::{Config, Place, WRITE};
use std::fs;

/// A gated project whose `check.sh` is its test command, with an agent and a rival.
fn stage(run: &str, gate: &str, check: &str, act: &str, plan: &str) -> Place {
    let config = Config::protected().gate(gate).run(format!("verify = \"sh check.sh\"\n{run}"));
    let place = Place::with_config(config.agent("hand", "acme").reviewer("judge", "zeta"));
    place.agent("hand", act);
    place.reviewer("judge", "");
    place.write("check.sh", check);
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "--no-verify", "-m", "Checks"]).ok();
    place.put_up_hooks();
    place.spec_with(plan);
    place
}

/// Another spec with that plan.
fn spec(place: &Place, slug: &str, plan: &str) {
    let request = place.beside("request.md", "Make it.\n");
    let plan = place.beside("plan.md", &format!("# Plan\n\n{plan}"));
    place.flow(&["spec", slug, "--workflow", "quick", "--from", request.to_str().unwrap()]).ok();
    place.flow(&["plan", slug, "--from", plan.to_str().unwrap()]).ok();
}

/// Runs the test command in a fresh clone of that branch: the only oracle.
#[track_caller]
fn passes_afresh(place: &Place, branch: &str) -> bool {
    let fresh = place.root().join(format!("fresh-{}", fastrand::u32(..)));
    let clone = ["clone", "--quiet", "--branch", branch, ".", fresh.to_str().unwrap()];
    place.git(&clone).ok();
    std::process::Command::new("sh").arg("check.sh").current_dir(&fresh).output().unwrap().status.success()
}

/// The lines for people of all test records.
fn records(place: &Place) -> Vec<String> {
    let log = place.git(&["log", "--reverse", "-p", "--format=", "refs/notes/flow-ai"]).stdout;
    log.lines().filter_map(|line| line.strip_prefix("+TEST ")).map(str::to_owned).collect()
}

#[test]
fn what_a_setup_changes_is_nobodys_work_in_any_kind_of_checkout() {
    let setup = "echo two > lock; echo x > new.txt; ln -s /tmp linked; echo y > other.txt; rm gone.txt";
    let act = "case $task in nothing) ;; *) echo mine >> other.txt; echo own > own.txt;; esac; echo done";
    for way in ["overlay", "copy", "full"] {
        let place = Place::with_config(
            Config::new()
                .agent("hand", "acme")
                .run(format!("attempts = 1\nparallel = 1\nsandbox = \"require\"\nsetup = '{setup}'")),
        );
        place.git(&["config", "flow-ai.checkouts", way]).ok();
        place.commit("lock", "one\n");
        place.commit("gone.txt", "gone\n");
        place.commit(".gitignore", "linked/\n");
        place.script("hand", &format!("cat >/dev/null\ntask=$GIT_FLOW_AI_TASK\n{act}"));
        place.spec_with(&[task("nothing", ""), task("something", "")].concat());
        let out = place.run(&["--no-review"]).exits(1);
        let out = out.says("which are left out: ");
        assert!(out.stdout.contains("changed nothing"), "{way}: {}", out.stdout);
        let changed = place.git_says(&["diff", "--name-status", "main", "flow/demo/something"]);
        assert_eq!(changed, "A\tother.txt\nA\town.txt", "{way}");
        assert_eq!(place.file("flow/demo/something", "other.txt").as_deref(), Some("y\nmine\n"), "{way}");
        place.has_no_worktree();
    }
}

#[test]
fn ignored_files_of_an_agent_do_not_make_its_work_pass() {
    let check = "[ ! -f use.txt ] || [ -f dep.log ]";
    for (way, setup) in
        [("overlay", ""), ("copy", ""), ("full", "setup = \"true\""), ("overlay", "setup = \"true\"")]
    {
        let place = stage(
            &format!("attempts = 1\nsandbox = \"require\"\n{setup}"),
            "",
            check,
            "echo x > dep.log; echo use > use.txt; echo done",
            &task("other", ""),
        );
        place.git(&["config", "flow-ai.checkouts", way]).ok();
        place
            .ungated(&["config", "core.excludesFile", place.beside("ignore", "*.log\n").to_str().unwrap()])
            .ok();
        place.script("hand", "cat >/dev/null; echo x > dep.log; echo use > use.txt; echo done");
        spec(&place, "more", &task("it", ""));
        place.flow(&["run", "more"]).exits(1);
        place.flow(&["merge", "more"]).exits(2);
        assert!(passes_afresh(&place, "main"), "{way} {setup}");
    }
}

#[test]
fn what_a_test_rewrites_is_tested_again_and_what_it_leaves_is_nobodys() {
    let check = "[ ! -f w.txt ] && exit; grep -q ugly w.txt && sed -i s/ugly/pretty/ w.txt; echo junk > report.xml; grep -q pretty w.txt";
    for setup in ["", "setup = \"true\""] {
        let place = stage(setup, "", check, "echo ugly > w.txt; echo done", &task("it", ""));
        place.run(&[]).ok();
        assert_eq!(place.file("flow/demo/result", "w.txt").as_deref(), Some("pretty\n"), "{setup}");
        assert_eq!(place.file("flow/demo/result", "report.xml"), None, "{setup}");
        place.flow(&["merge", "demo"]).ok();
        assert!(passes_afresh(&place, "main"));
    }
    let never = "[ ! -f w.txt ] || date +%s%N >> w.txt";
    let place = stage("attempts = 1", "", never, "echo x > w.txt; echo done", &task("it", ""));
    place.run(&[]).exits(1).says("changes the project's files each time");
}

#[test]
fn tasks_that_pass_alone_and_fail_together_are_told_apart() {
    let check = "! { test -f one.txt && test -f two.txt; }";
    let plan = [task("one", ""), task("two", ""), task("three", "")].concat();
    let place = stage("attempts = 1\nparallel = 1", "", check, WRITE, &plan);
    place.run(&[]).exits(1).says("two").says("fails together with what it is merged into");
    let files = |branch: &str| place.git_says(&["ls-tree", "--name-only", branch]);
    let result = files("flow/demo/result");
    assert!(
        result.contains("one.txt") && result.contains("three.txt") && !result.contains("two.txt"),
        "{result}"
    );
    // What is offered has it done again, on what the others made.
    place.agent("hand", "[ -f one.txt ] && echo 2 > zwei.txt; echo done");
    place.flow(&["run", "demo", "--redo", "two"]).ok();
    assert!(files("flow/demo/result").contains("zwei.txt"));
    place.flow(&["merge", "demo"]).ok();
    assert!(passes_afresh(&place, "main"));
    // At the end only, the whole is named, and offered to nobody.
    let place = stage("attempts = 1\n[merge]\nverify = \"end\"", "", check, WRITE, &plan);
    place.run(&[]).exits(1).says("together they fail verification");
    place.flow(&["status", "demo"]).ok().says("fails its test").says("next: git flow-ai run demo");
    place.flow(&["status", "--json"]).ok().says("\"stage\":\"failing\"");
    place.flow(&["merge", "demo"]).exits(1).says("fails on what would land");
    place.git(&["merge", "--no-edit", "flow/demo/result"]).exits(128).says("fails on what would land");
    place.flow(&["check", "flow/demo/result", "--target", "main"]).exits(1).says("sh check.sh");
    assert!(passes_afresh(&place, "main"));
}

#[test]
fn a_task_that_main_has_overtaken_is_offered_to_be_done_again() {
    let check = "! { test -f one.txt && test -f other.txt; }";
    // The second task keeps the first from the result until main has moved.
    let act = "case $task in one) echo 1 > one.txt;; *) exit 1;; esac; echo done";
    let place = stage("attempts = 1", "", check, act, &[task("two", ""), task("one", "")].concat());
    let mut run = place.command("git-flow-ai");
    let wait = "case $task in one) echo 1 > one.txt;; *) touch \"$root/begun\"; sleep 600;; esac; echo done";
    place.agent("hand", wait);
    let mut run = run.args(["run", "demo"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    wait_for(|| {
        place.root().join("begun").exists() && place.git(&["rev-parse", "flow/demo/one"]).status == 0
    });
    run.kill().unwrap();
    run.wait().unwrap();
    place.write("other.txt", "other\n");
    place.git(&["add", "other.txt"]).ok();
    place.ungated(&["commit", "--quiet", "--no-verify", "-m", "Other"]).ok();
    place.agent("hand", act);
    place
        .run(&[])
        .exits(1)
        .says("fails together with what it is merged into")
        .says("git flow-ai run demo --redo one");
    place.flow(&["status", "demo"]).ok().says("next: git flow-ai run demo --redo one");
    place.agent("hand", "echo 1 > uno.txt; echo done");
    place.flow(&["run", "demo", "--redo", "one", "--retry"]).ok();
    assert!(place.file("flow/demo/result", "uno.txt").is_some());
}

#[test]
fn two_specs_that_fail_together_do_not_both_land() {
    let check = "! { test -f one.txt && test -f two.txt; }";
    let place = stage("", "", check, WRITE, &task("one", ""));
    spec(&place, "more", &task("two", ""));
    place.run(&[]).ok();
    place.flow(&["run", "more"]).ok();
    let tested = records(&place).len();
    place.flow(&["merge", "demo"]).ok();
    assert_eq!(records(&place).len(), tested, "that tree was tested already");
    let out = place.flow(&["merge", "more"]).exits(1).says("fails its test");
    assert!(out.stderr.contains(
        "hint: if the test was wrong, run it again: git flow-ai test flow/more/result --onto main"
    ));
    assert!(passes_afresh(&place, "main"));
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
    place.git(&["merge", "--no-edit", "flow/more/result"]).exits(128).says("fails on what would land");
    // The test is mended, and run again as offered.
    place
        .flow(&["test", "flow/more/result", "--onto", "main"])
        .exits(1)
        .says("flow/more/result merged into main fails");
}

#[test]
fn where_records_are_required_nothing_lands_without_one_on_exactly_that_tree() {
    let check = "test ! -f broken.txt";
    let place = stage("", "checks = \"require\"", check, WRITE, &task("one", ""));
    place.branch("topic", "main");
    place.switch("topic");
    place.commit("topic.txt", "topic\n");
    place.switch("main");
    place.flow(&["review", "main..topic"]).ok();
    let refused = place.git(&["merge", "--no-ff", "--no-edit", "topic"]).exits(128);
    let refused = refused.says("no test record says that `sh check.sh` passes on what would land");
    let hint = refused
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("hint: git flow-ai test "))
        .unwrap()
        .to_owned();
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
    place.sh(&format!("git flow-ai test {hint}")).says("passes `sh check.sh`");
    place.git(&["merge", "--no-ff", "--no-edit", "topic"]).ok();
    // Of a run's result the record is there.
    place.run(&[]).ok();
    place.flow(&["merge", "demo"]).ok();
    assert!(
        records(&place).iter().all(|line| line.starts_with("PASSED `sh check.sh` on ")),
        "{:?}",
        records(&place)
    );
    // What is committed on the branch itself has no commit yet: the hint names its tree.
    place.write("staged.txt", "staged\n");
    place.git(&["add", "staged.txt"]).ok();
    place.flow(&["review", "--staged"]).ok();
    let refused = place.git(&["commit", "--quiet", "-m", "Staged"]).exits(1).says("no test record says");
    let hint = refused
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("hint: git flow-ai test "))
        .unwrap()
        .to_owned();
    place.sh(&format!("git flow-ai test {hint}")).says("passes `sh check.sh`");
    place.git(&["commit", "--quiet", "-m", "Staged"]).ok();
    // A record on another tree is none on this one.
    place.branch("other", "main");
    place.switch("other");
    place.commit("broken.txt", "broken\n");
    place.flow(&["test", "main"]).ok();
    place.flow(&["review", "main..other"]).ok();
    place.flow(&["test"]).exits(1).says("fails");
    place.switch("main");
    place.git(&["merge", "--ff-only", "other"]).exits(128);
    assert!(passes_afresh(&place, "main"));
}

#[test]
fn a_policy_that_requires_records_of_nothing_is_named() {
    let place = Place::with_config(Config::protected().gate("checks = \"require\""));
    place.flow(&["doctor"]).says("`checks` requires test records, and there is no test command");
    let place = Place::new();
    place.flow(&["test"]).exits(2).says("has no test command");
}

#[test]
fn a_base_that_fails_is_billed_to_no_agent() {
    for (run, says) in [
        ("verify = \"test -f api.txt\"", "the test command fails on main"),
        ("verify = \"no-such-tool\"", "127"),
        ("setup = \"false\"\nverify = \"true\"", "the setup fails on main"),
    ] {
        let place = Place::with_config(Config::new().agent("hand", "acme").run(run));
        place.agent("hand", WRITE);
        place.spec_with(&[task("api", ""), task("ui", "")].concat());
        place.run(&["--no-review"]).exits(2).says(says).says("no agent was started");
        assert_eq!(place.calls(), [""; 0]);
        place.flow(&["status", "demo"]).ok();
        place.has_no_worktree();
    }
    // Without a test command, and with no checkout that could be kept, the first task finds out for all.
    let setup = "setup = \"echo ran >> $HOME/ran; false\"\nparallel = 1";
    let place = Place::with_config(Config::new().agent("hand", "acme").run(setup));
    place.agent("hand", WRITE);
    place.spec_with(&[task("api", ""), task("ui", "")].concat());
    place.run(&["--no-review"]);
    assert_eq!(fs::read_to_string(place.root().join("home/ran")).unwrap(), "ran\n");
    let place = Place::with_config(Config::new().agent("hand", "acme").run("verify = \"test -f api.txt\""));
    place.agent("hand", WRITE);
    place.spec_with(&task("api", ""));
    place.run(&["--no-review", "--failing-base"]).ok();
    // What passed is not tested again.
    let place = Place::with_config(Config::new().agent("hand", "acme").run("verify = \"echo tested\""));
    place.agent("hand", WRITE);
    place.spec_with(&task("api", ""));
    place.run(&["--no-review"]).ok().says("[base]   tested");
    spec(&place, "more", &task("ui", ""));
    let again = place.flow(&["run", "more", "--no-review"]).ok();
    assert!(!again.stderr.contains("[base]   tested"), "{}", again.stderr);
}

#[test]
fn files_that_a_task_does_not_name_are_said_or_refused() {
    let act = "mkdir -p notes; echo n > notes/n.md; echo more >> a.txt; echo done";
    let plan = task("one", "<!-- files: notes/** -->");
    let place = stage("", "", "true", act, &plan);
    place.watched_reviewer("judge", "");
    place.run(&[]).ok().says("it changes files that the task does not name: a.txt");
    assert!(place.request().contains("It changes other files too: a.txt"), "{}", place.request());
    let act = "mkdir -p notes; echo n > notes/n.md; case $attempt in 1) echo more >> a.txt;; *) rm -f a.txt;; esac; echo done";
    let place = stage("files = \"enforce\"", "", "true", act, &plan);
    place.run(&[]).ok();
    assert_eq!(place.calls().len(), 2);
    assert_eq!(place.file("flow/demo/result", "a.txt"), None);
}

#[test]
fn records_count_signed_where_verdicts_must_be() {
    let place = Place::judged("signed = true\nreview_on_merge = false\nchecks = \"require\"", "");
    place.write(".zenflow/config.toml", place.read(".zenflow/config.toml") + "[run]\nverify = \"true\"\n");
    for name in ["ada", "stranger"] {
        place.key(name, "ed25519");
    }
    place.git(&["config", "flow-ai.signingKey", "~/ada"]).ok();
    place.protect(&format!("ada@example.com {}\n", place.public("ada")));
    place.topic("new.txt");
    place.flow(&["review", "topic"]).ok();
    place.merge_topic().exits(128).says("no test record says that `true` passes");
    for (key, status) in [("~/stranger", 128), ("~/ada", 0)] {
        place.git(&["config", "flow-ai.signingKey", key]).ok();
        place.flow(&["test", "topic"]).ok();
        place.merge_topic().exits(status);
    }
}

#[test]
fn a_record_that_does_not_count_spares_no_test() {
    let place = stage("", "", "test ! -f one.txt", "echo done", &task("one", ""));
    // Somebody who may write notes says that it passes; where records must be signed, that is nobody's word.
    let config = place.read(".zenflow/config.toml").replace("[gate]\n", "[gate]\nsigned = true\n");
    place.key("ada", "ed25519");
    place.key("eve", "ed25519");
    place.write(".zenflow/config.toml", config);
    place.write(".zenflow/allowed_signers", format!("ada@example.com {}\n", place.public("ada")));
    place.git(&["add", "--all"]).ok();
    place.ungated(&["commit", "--quiet", "--no-verify", "-m", "Signed"]).ok();
    place.git(&["config", "flow-ai.signingKey", "~/eve"]).ok();
    place.flow(&["test", "main"]).ok();
    place.git(&["config", "flow-ai.signingKey", "~/ada"]).ok();
    place.run(&["--no-review"]);
    // Eve's, and the one of the run, which tested the base all the same.
    let passed = records(&place).iter().filter(|line| line.starts_with("PASSED")).count();
    assert_eq!(passed, 2, "{:?}", records(&place));
}
