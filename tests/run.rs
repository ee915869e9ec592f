//! Runs: many agents at once, every way in which they can fail, and every way in which we can be stopped.
//!
//! The agents are shell scripts that read their prompt; the rival is one too.

use crate::support::plan::task;
use crate::support::processes::wait_for;
use crate::support::{Config, Place, WRITE};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// A repository with agents `mine` and `yours`, a rival `judge`, and a spec `demo` with that plan. `run` is
/// the `[run]` section; the agents do what `act` says in shell, see [`Place::agent`].
fn stage(run: &str, act: &str, plan: &str) -> Place {
    let config = Config::new().run(run).agent("mine", "acme").agent("yours", "acme");
    let place = Place::with_config(config.reviewer("judge", "rival"));
    for agent in ["mine", "yours"] {
        place.agent(agent, act);
    }
    place.reviewer("judge", "");
    place.spec_with(plan);
    place
}

/// The starts of agents so far, sorted: those that work at the same time come in any order.
fn calls(stage: &Place) -> Vec<String> {
    let mut calls = stage.calls();
    calls.sort();
    calls
}

/// Nothing that a run needs is left when it is over, and nothing of the person's was touched.
#[track_caller]
fn is_tidy(stage: &Place) {
    stage.has_no_worktree();
    assert_eq!(stage.git_says(&["status", "--porcelain"]), "");
    assert_eq!(stage.git_says(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    stage.git(&["fsck", "--strict", "--no-dangling"]).ok();
}

fn is_alive(pid_file: &Path) -> bool {
    let Ok(pid) = fs::read_to_string(pid_file) else { return false };
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn three_tasks_are_at_work_at_the_same_time_and_reach_the_result() {
    // Each waits until all three have begun.
    let meet = "touch \"$root/met.$task\"\n\
                for i in $(seq 600); do [ $(ls \"$root\" | grep -c '^met') = 3 ] && break; sleep 0.05; done\n\
                [ $(ls \"$root\" | grep -c '^met') = 3 ] || exit 1\n";
    let plan = format!(
        "{}{}{}",
        task("api", "<!-- after: none -->"),
        task("web", "<!-- after: none -->\n<!-- agent: yours -->"),
        task("docs", "<!-- after: none -->")
    );
    let plan = plan.replace("<!-- after: none -->\n", "");
    let stage = stage("", &format!("{meet}{WRITE}"), &plan);
    stage.write("dirty.txt", "mine\n");
    stage.write("README.md", "# Changed\n");
    let status = stage.git_says(&["status", "--porcelain"]);
    let out = stage.run(&["--parallel", "3"]).ok();
    assert!(out.stdout.contains("APPROVE by judge (rival)"), "{}", out.stdout);
    for id in ["api", "web", "docs"] {
        assert!(stage.file("flow/demo/result", &format!("{id}.txt")).is_some(), "{id}");
        assert_eq!(stage.trailer(&format!("flow/demo/{id}"), "Flow-Vendor"), "acme");
    }
    assert_eq!(stage.trailer("flow/demo/web", "Flow-Agent"), "yours");
    let merges =
        stage.git_says(&["log", "--first-parent", "--reverse", "--format=%s", "main..flow/demo/result"]);
    let order: Vec<&str> = merges.lines().filter_map(|line| line.split([' ', ':']).nth(1)).collect();
    assert_eq!(order, ["api", "web", "docs"], "in the plan's order, whoever was fast");
    assert_eq!(stage.file("flow/demo/spec", "plan.md").unwrap().matches("[x]").count(), 3);
    assert_eq!(stage.git_says(&["status", "--porcelain"]), status, "the person's files are the person's");
    fs::remove_file(stage.repo().join("dirty.txt")).unwrap();
    stage.git(&["checkout", "--quiet", "."]).ok();
    is_tidy(&stage);
    // Again: there is nothing to do, and nothing is done.
    let tip = stage.git_says(&["rev-parse", "flow/demo/result"]);
    stage.run(&[]).ok().says("merged before");
    assert_eq!(stage.git_says(&["rev-parse", "flow/demo/result"]), tip);
    assert_eq!(calls(&stage).len(), 3);
}

#[test]
fn a_task_begins_from_the_work_of_what_it_depends_on_and_from_nothing_else() {
    let plan = [
        task("a", ""),
        task("b", ""),
        task("c", "<!-- after: a -->"),
        task("d", "<!-- after: a, b -->"),
        task("e", ""),
    ];
    let stage = stage("parallel = 2", &format!("ls *.txt > seen.$task 2>/dev/null\n{WRITE}"), &plan.concat());
    stage.run(&[]).ok();
    let seen = |id: &str| stage.file(&format!("flow/demo/{id}"), &format!("seen.{id}")).unwrap();
    assert_eq!(seen("a"), "");
    assert_eq!(seen("c"), "a.txt\n");
    assert_eq!(seen("d"), "a.txt\nb.txt\n");
    assert_eq!(seen("e"), "", "what others finished meanwhile is not in it");
    is_tidy(&stage);
}

#[test]
fn a_failed_verification_goes_back_to_the_agent_with_what_it_printed() {
    let act = "case $prompt in *'missing: 3'*) echo 3 > three.txt;; *) echo 1 > one.txt;; esac; echo ok";
    let verify = "verify = \"test ! -f one.txt || test -f three.txt || { echo missing: $((1+2)); exit 7; }\"";
    let stage = stage(verify, act, &task("api", ""));
    stage.run(&[]).ok();
    assert_eq!(calls(&stage), ["api 1", "api 2"]);
    assert!(stage.file("flow/demo/result", "one.txt").is_some(), "it went on from its own files");
    assert_eq!(stage.trailer("flow/demo/api", "Flow-Attempt"), "2");
    is_tidy(&stage);
}

#[test]
fn a_rivals_findings_go_back_to_the_author_until_the_rival_is_content() {
    let act =
        "case $prompt in *'off by one'*) echo right > api.txt;; *) echo wrong > api.txt;; esac; echo ok";
    let stage = stage("", act, &task("api", ""));
    stage.reviewer("judge", 
        r#"case $request in *+right*) ;; *+wrong*) findings='[{"path":"api.txt","line":1,"severity":"P1","body":"off by one","suggestion":null}]';; esac"#,
    );
    stage.run(&[]).ok();
    assert_eq!(calls(&stage), ["api 1", "api 2"]);
    assert_eq!(stage.file("flow/demo/result", "api.txt").unwrap(), "right\n");
    let notes = stage.git_says(&["log", "--notes=flow-ai", "--format=%N", "flow/demo/api"]);
    assert!(notes.contains("REQUEST CHANGES") && notes.contains("APPROVE"), "{notes}");
    stage.flow(&["log", "api"]).ok().says("ok");
    stage.flow(&["log", "api", "--review", "--attempt", "1"]).ok().says("off by one");
    is_tidy(&stage);
}

#[test]
fn when_no_attempt_is_left_the_work_stays_on_its_branch_and_others_go_on() {
    let act = format!(
        "echo $attempt >> $task.tries\n[ $task = bad ] && {{ echo $attempt > bad.txt; exit 0; }}\n{WRITE}"
    );
    let plan = [task("bad", ""), task("needs", "<!-- after: bad -->"), task("good", "")].concat();
    let stage = stage("attempts = 2\nverify = \"test ! -f bad.txt\"", &act, &plan);
    let out = stage.run(&[]).exits(1);
    for text in ["verification failed", "blocked", "--task bad --retry"] {
        assert!(out.stdout.contains(text), "{text}: {}", out.stdout);
    }
    assert_eq!(calls(&stage), ["bad 1", "bad 2", "good 1"]);
    assert_eq!(stage.file("flow/demo/bad", "bad.tries").unwrap(), "1\n2\n");
    assert!(stage.file("flow/demo/result", "good.txt").is_some());
    is_tidy(&stage);
    stage.run(&[]).exits(1);
    assert_eq!(calls(&stage).len(), 3, "attempts that were made count");
    stage.agent("mine", "rm -f bad.txt\necho x > new.$task; echo ok");
    stage.run(&["--retry"]).ok();
    assert_eq!(calls(&stage), ["bad 1", "bad 2", "bad 3", "good 1", "needs 1"]);
    is_tidy(&stage);
}

#[test]
fn however_an_agent_fails_the_run_goes_on_and_keeps_what_it_made() {
    let act = "echo some > $task.txt
case $task in
exits) echo no key >&2; exit 1;;
hangs) sleep 300;;
floods) yes 'a line of nothing' | head -c 20000000; exit 1;;
forks) (trap '' TERM; echo $$ > /dev/null; setsid sh -c 'trap \"\" TERM; echo $$ > \"$0/child\"; sleep 300' \"$root\" & ); sleep 0.3; exit 1;;
nothing) rm $task.txt; echo I looked at it; exit 0;;
esac
echo ok";
    let ids = ["exits", "hangs", "floods", "forks", "nothing", "works"];
    let plan: String = ids.iter().map(|id| task(id, "")).collect();
    let stage = stage("attempts = 1\ntimeout = \"20s\"\nparallel = 6", act, &plan);
    let out = stage.run(&["--json"]).exits(1);
    let last: serde_json::Value = serde_json::from_str(out.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "summary");
    let outcome = |id: &str| {
        let tasks = last["tasks"].as_array().unwrap();
        tasks.iter().find(|task| task["task"] == id).unwrap()["outcome"].as_str().unwrap().to_owned()
    };
    for (id, expected) in [
        ("exits", "agent-failed"),
        ("hangs", "agent-failed"),
        ("floods", "agent-failed"),
        ("forks", "agent-failed"),
        ("nothing", "no-change"),
        ("works", "done"),
    ] {
        assert_eq!(outcome(id), expected, "{id}: {}", out.stdout);
    }
    for id in ["exits", "hangs", "floods", "forks"] {
        assert_eq!(stage.file(&format!("flow/demo/{id}"), &format!("{id}.txt")).unwrap(), "some\n", "{id}");
    }
    assert!(!is_alive(&stage.root().join("child")), "a child that ignores TERM is dead");
    assert!(stage.file("flow/demo/result", "works.txt").is_some());
    is_tidy(&stage);
}

#[test]
fn ctrl_c_loses_nothing_and_the_next_run_repeats_nothing() {
    let act = format!(
        "[ $task = slow ] && [ ! -f \"$root/go\" ] && {{ echo half > half.txt; touch \"$root/half\"; sleep 300; }}\n{WRITE}"
    );
    let plan = [task("quick", ""), task("slow", "")].concat();
    let stage = stage("", &act, &plan);
    let mut run = stage.start_run();
    wait_for(|| stage.root().join("half").exists() && stage.file("flow/demo/result", "quick.txt").is_some());
    rustix::process::kill_process(rustix::process::Pid::from_child(&run), rustix::process::Signal::INT)
        .unwrap();
    let begin = Instant::now();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    is_tidy(&stage);
    assert_eq!(stage.file("flow/demo/slow", "half.txt").unwrap(), "half\n");
    assert_eq!(stage.trailer("flow/demo/slow", "Flow-State"), "partial");
    fs::write(stage.root().join("go"), "").unwrap();
    stage.run(&[]).ok();
    assert_eq!(calls(&stage), ["quick 1", "slow 1", "slow 1"], "only what was interrupted is taken up again");
    assert_eq!(stage.file("flow/demo/result", "half.txt").unwrap(), "half\n");
    is_tidy(&stage);
}

#[test]
fn after_sigkill_the_next_run_takes_in_what_was_there_and_ends_who_is_still_at_work() {
    let act = format!(
        "[ $task = slow ] && [ ! -f \"$root/go\" ] && {{ echo half > half.txt; echo $$ > \"$root/agent\"; sleep 300; }}\n{WRITE}"
    );
    let plan = [task("quick", ""), task("slow", "")].concat();
    let stage = stage("", &act, &plan);
    let mut run = stage.start_run();
    wait_for(|| stage.root().join("agent").exists() && stage.file("flow/demo/result", "quick.txt").is_some());
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(stage.root().join(".repo.flow-ai/demo.slow").exists());
    stage.git(&["worktree", "prune", "--expire=now"]).ok();
    fs::write(stage.root().join("go"), "").unwrap();
    stage.run(&[]).ok();
    assert!(!is_alive(&stage.root().join("agent")), "the agent of the dead run has ended");
    assert_eq!(calls(&stage), ["quick 1", "slow 1", "slow 1"]);
    assert_eq!(stage.file("flow/demo/result", "half.txt").unwrap(), "half\n");
    assert!(stage.file("flow/demo/result", "quick.txt").is_some());
    is_tidy(&stage);
}

#[test]
fn of_two_runs_at_once_the_second_is_refused_and_names_the_first() {
    let act = format!("touch \"$root/begun\"\nwhile [ ! -f \"$root/go\" ]; do sleep 0.05; done\n{WRITE}");
    let stage = stage("", &act, &task("api", ""));
    let mut run = stage.start_run();
    wait_for(|| stage.root().join("begun").exists());
    stage.run(&[]).exits(2).says(&format!("in process {}", run.id()));
    stage.flow(&["clean"]).ok().says("at work already");
    fs::write(stage.root().join("go"), "").unwrap();
    assert!(run.wait().unwrap().success());
    assert_eq!(calls(&stage), ["api 1"]);
    is_tidy(&stage);
}

#[test]
fn tasks_that_do_not_merge_are_a_conflict_with_a_way_out_that_works() {
    let stage = stage("", "echo \"$task\" > same.txt; echo ok", &[task("one", ""), task("two", "")].concat());
    let out = stage.run(&[]).exits(1).says("conflict");
    assert!(out.stdout.contains("git merge flow/demo/two"), "{}", out.stdout);
    assert_eq!(stage.file("flow/demo/result", "same.txt").unwrap(), "one\n");
    is_tidy(&stage);
    stage.git(&["switch", "--quiet", "flow/demo/result"]).ok();
    stage.run(&[]).exits(2).says("checked out");
    stage.git(&["merge", "--quiet", "-X", "theirs", "--no-edit", "flow/demo/two"]).ok();
    stage.git(&["switch", "--quiet", "main"]).ok();
    stage.run(&[]).ok();
    assert_eq!(calls(&stage).len(), 2, "nobody works again");
    assert_eq!(stage.file("flow/demo/result", "same.txt").unwrap(), "two\n");
}

#[test]
fn a_run_that_nobody_could_judge_is_refused_before_it_begins_unless_that_is_wanted() {
    let stage = stage("", WRITE, &task("api", ""));
    stage.git(&["config", "flow-ai.parallel", "1"]).ok();
    fs::remove_file(stage.root().join("bin/judge")).unwrap();
    stage.run(&[]).exits(2).says("--no-review");
    assert!(calls(&stage).is_empty());
    stage.run(&["--no-review"]).ok().says("the gate will refuse it");
    stage.reviewer("judge", "");
    // The work is there: only the review is made up for.
    stage.run(&[]).ok();
    assert_eq!(calls(&stage), ["api 1"]);
}

#[test]
fn a_missing_agent_and_an_unknown_task_are_named_before_anything_starts() {
    let stage = stage("", WRITE, &task("api", ""));
    stage.run(&["--task", "nope"]).exits(2).says("it has: api");
    stage.run(&["--agent", "nobody"]).exits(2).says("it has: mine, yours, judge");
    fs::remove_file(stage.root().join("bin/mine")).unwrap();
    stage.run(&[]).exits(2).says("mine");
    stage.run(&["--agent", "yours", "--dry-run"]).ok().says("starts");
    assert!(calls(&stage).is_empty());
    assert_eq!(stage.git(&["rev-parse", "--verify", "--quiet", "flow/demo/api"]).status, 1);
}

#[test]
fn a_spec_that_is_not_approved_does_not_run() {
    let stage = stage("", WRITE, &task("api", ""));
    let request = stage.root().join("request.md");
    stage.flow(&["spec", "Other", "--workflow", "sdd", "--from", request.to_str().unwrap()]).ok();
    stage.flow(&["run", "other"]).exits(2).says("not ready to run");
}

#[test]
fn set_up_and_copied_files_are_there_for_the_agent_and_in_no_commit() {
    let run = "copy = [\".env\"]\nsetup = \"test -f .env && echo made > built.o\"";
    let stage = stage(run, "cat .env built.o > $task.txt; echo ok", &task("api", ""));
    stage.write(".gitignore", "*.o\n.env\n");
    stage.git(&["add", "."]).ok();
    stage.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    stage.write(".env", "secret\n");
    stage.run(&[]).ok();
    assert_eq!(stage.file("flow/demo/result", "api.txt").unwrap(), "secret\nmade\n");
    assert_eq!(stage.file("flow/demo/result", ".env"), None);
    assert_eq!(stage.file("flow/demo/result", "built.o"), None);
    is_tidy(&stage);
}

#[test]
fn together_the_tasks_must_pass_as_each_did_alone() {
    let verify = "verify = \"test ! -f one.txt || test ! -f two.txt\"";
    let stage = stage(verify, WRITE, &[task("one", ""), task("two", "")].concat());
    stage.run(&[]).exits(1).says("fails together with what it is merged into");
    assert!(stage.file("flow/demo/result", "one.txt").is_some());
    assert_eq!(stage.file("flow/demo/result", "two.txt"), None);
    is_tidy(&stage);
}

#[test]
fn a_persons_commit_on_a_tasks_branch_is_verified_and_judged_like_an_agents() {
    let stage =
        stage("attempts = 1\nverify = \"test ! -f api.txt || test -f fixed.txt\"", WRITE, &task("api", ""));
    stage.run(&[]).exits(1);
    stage.git(&["switch", "--quiet", "flow/demo/api"]).ok();
    stage.write("fixed.txt", "by hand\n");
    stage.git(&["add", "fixed.txt"]).ok();
    stage.git(&["commit", "--quiet", "-m", "Mend it"]).ok();
    stage.git(&["switch", "--quiet", "main"]).ok();
    stage.run(&[]).ok();
    assert_eq!(calls(&stage), ["api 1"]);
    assert!(stage.file("flow/demo/result", "fixed.txt").is_some());
    is_tidy(&stage);
}

#[test]
fn where_every_vendor_had_a_hand_in_it_the_gate_lets_the_result_in_task_by_task() {
    let plan =
        [task("one", ""), task("two", "<!-- after: one -->\n<!-- agent: judge -->"), task("three", "")];
    let stage = stage("", WRITE, &plan.concat());
    // Both write and both judge: each is a rival of the other, and nobody of both.
    let config = stage.read(".zenflow/config.toml") + "[reviewers.mine]\nagent = \"mine\"\n";
    stage.write(".zenflow/config.toml", config);
    stage.git(&["commit", "--quiet", "--all", "-m", "Two reviewers"]).ok();
    stage.reviewer("review", "");
    for name in ["mine", "judge"] {
        stage.script(
            name,
            "[ $GIT_FLOW_AI_MODE = review ] && exec review\ncat > /dev/null\necho x > $GIT_FLOW_AI_TASK.txt; echo done",
        );
    }
    stage.flow(&["init"]).ok();
    stage.run(&[]).ok().says("task by task");
    stage.flow(&["merge", "demo"]).ok();
    assert!(stage.file("main", "two.txt").is_some());
    stage.run(&[]).ok().says("merged already");
}

#[test]
fn a_foreign_worktree_beside_is_left_alone() {
    let stage = stage("", WRITE, &[task("one", ""), task("two", "")].concat());
    stage.git(&["worktree", "add", "--quiet", "--detach", "../foreign"]).ok();
    fs::write(stage.root().join("foreign/work.txt"), "mine\n").unwrap();
    stage.run(&[]).ok();
    stage.flow(&["clean"]).ok();
    assert_eq!(fs::read_to_string(stage.root().join("foreign/work.txt")).unwrap(), "mine\n");
    assert_eq!(stage.git_says(&["worktree", "list"]).lines().count(), 2, "the foreign one stays");
    stage.has_no_worktree();
}

#[test]
fn the_journal_and_transcripts_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let stage = stage("", WRITE, &task("api", ""));
    stage.run(&[]).ok();
    let runs = stage.repo().join(".git/flow-ai/runs/demo");
    let run = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let mut names = Vec::new();
    for entry in fs::read_dir(&run).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["api.1.log", "api.1.review.log", "events.jsonl"]);
    let journal = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    assert_eq!(first["version"], 1);
    for line in journal.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn an_agent_that_says_nothing_is_called_quiet_until_it_is_heard_again() {
    let act = "echo thinking; sleep 2.2; echo \"$task\" > $task.txt; echo written; sleep 2.2; echo done";
    let stage = stage("silence = \"2500ms\"", act, &task("api", ""));
    let said = stage.run(&["--json"]).ok().stdout;
    let states: Vec<&str> = said
        .lines()
        .filter(|line| line.contains(r#""event":"state""#))
        .filter_map(|line| line.split(r#""state":""#).nth(1)?.split('"').next())
        .collect();
    assert_eq!(&states[..6], ["preparing", "starting", "working", "quiet", "working", "quiet"], "{said}");
    assert!(said.contains("last: thinking"), "with what was seen last: {said}");
}

#[test]
fn an_agent_that_commits_on_the_tasks_own_branch_is_harvested_like_any_other() {
    let act = "git switch -q -c flow/demo/$task; echo one > one.txt; git add one.txt; git commit -q -m Mine; echo two > two.txt; echo done";
    let stage = stage("", act, &task("api", ""));
    stage.run(&[]).ok();
    assert_eq!(stage.trailer("flow/demo/api", "Flow-Vendor"), "acme");
    assert_eq!(
        stage.git_says(&["rev-list", "--count", "main..flow/demo/api"]),
        "1",
        "no commit passes for a person's"
    );
    assert_eq!(stage.file("flow/demo/result", "one.txt").unwrap(), "one\n");
    assert_eq!(stage.file("flow/demo/result", "two.txt").unwrap(), "two\n");
    is_tidy(&stage);
}

#[test]
fn what_an_agent_committed_and_its_files_do_not_hold_is_kept_where_it_can_be_found() {
    let act = "echo old > old.txt; git add .; git commit -q -m Old; git branch old; git rm -q old.txt; git commit -q -m Gone
        echo idea > idea.txt; git add .; git stash -q; git config core.pager evil; echo done > done.txt";
    let stage = stage("", act, &task("api", ""));
    stage
        .run(&[])
        .ok()
        .says("config of its private git, which is put back")
        .says("refs/flow-ai/recovered/demo/api/");
    let kept = stage.git_says(&["for-each-ref", "--format=%(refname)", "refs/flow-ai/recovered"]);
    assert!(kept.ends_with(".own") && kept.lines().count() == 1, "{kept}");
    let all = stage.git_says(&["log", "--format=%s", &kept]);
    assert!(all.lines().any(|line| line == "Old") && all.contains("Gone"), "{all}");
    stage.git(&["show", &format!("{kept}^{{/^Old}}:old.txt")]).ok();
    let about = stage.git_says(&["log", "-1", "--format=%B", &kept]);
    assert!(about.contains("refs/stash") && about.contains("refs/heads/old"), "{about}");
    assert_eq!(stage.file("flow/demo/result", "done.txt").unwrap(), "done\n");
    assert_eq!(stage.file("flow/demo/result", "old.txt"), None);
    is_tidy(&stage);
}

#[test]
fn too_much_fails_the_attempt_and_the_next_one_can_clean_up() {
    let act = "if [ $attempt = 1 ]; then for n in 1 2 3 4 5 6 7 8 9; do truncate -s 99M f$n; done; for d in $(seq 10); do mkdir d$d; for f in f*; do ln $f d$d/$f; done; done; exit 0; fi
        case \"$prompt\" in *'missing in .gitignore'*) rm -rf f* d*;; esac; echo done > done.txt";
    let stage = stage("", act, &task("api", ""));
    stage.run(&[]).ok();
    assert_eq!(calls(&stage), ["api 1", "api 2"]);
    assert_eq!(stage.file("flow/demo/result", "done.txt").unwrap(), "done\n");
    assert_eq!(stage.file("flow/demo/result", "f1"), None);
    is_tidy(&stage);
}

#[test]
fn a_branch_that_a_killed_agent_had_checked_out_is_in_nobodys_way() {
    let act = "[ -f \"$root/go\" ] || { git switch -q -c flow/demo/$task; echo half > half.txt; touch \"$root/half\"; sleep 300; }\necho done > $task.txt";
    let stage = stage("", act, &task("api", ""));
    let mut run = stage.start_run();
    wait_for(|| stage.root().join("half").exists());
    run.kill().unwrap();
    run.wait().unwrap();
    fs::write(stage.root().join("go"), "").unwrap();
    stage.run(&[]).ok();
    assert_eq!(stage.file("flow/demo/result", "half.txt").unwrap(), "half\n");
    assert_eq!(stage.file("flow/demo/result", "api.txt").unwrap(), "done\n");
    is_tidy(&stage);
}

#[test]
fn an_agent_that_removes_its_own_worktree_has_failed_and_gets_another() {
    let act = "[ $attempt = 1 ] && { here=$PWD; cd /; rm -rf \"$here\"; exit 0; }\necho done > $task.txt";
    let stage = stage("", act, &task("api", ""));
    stage.run(&[]).ok().says("removed the folder");
    assert_eq!(calls(&stage), ["api 1", "api 2"]);
    is_tidy(&stage);
}

#[test]
fn attempts_of_an_earlier_spec_of_that_name_do_not_count() {
    let stage = stage("attempts = 1", "exit 1", &task("api", ""));
    stage.run(&[]).exits(1);
    stage.run(&[]).exits(1);
    assert_eq!(calls(&stage), ["api 1"], "no attempt is left");
    stage.git(&["branch", "-q", "-D", "flow/demo/spec"]).ok();
    let again = stage.root().join("again.md");
    fs::write(&again, "Make it anew.\n").unwrap();
    let (again, plan) = (again.to_str().unwrap(), stage.root().join("plan.md"));
    stage.flow(&["spec", "Demo", "--workflow", "quick", "--from", again]).ok();
    stage.flow(&["plan", "demo", "--from", plan.to_str().unwrap()]).ok();
    stage.agent("mine", WRITE);
    stage.run(&[]).ok();
    assert_eq!(calls(&stage), ["api 1", "api 1"]);
}

#[test]
fn a_task_that_waits_for_a_place_is_announced_once() {
    let plan: String = ["a", "b", "c", "d", "e"].map(|id| task(id, "")).concat();
    let stage = stage("", WRITE, &plan);
    let out = stage.run(&["--parallel", "1", "--no-review", "--json"]).ok();
    let queued = out.stdout.lines().filter(|line| line.contains("\"state\":\"queued\"")).count();
    assert_eq!(queued, 4, "{}", out.stdout);
}

#[test]
fn what_a_person_adds_to_the_result_during_a_run_stays_and_stops_nobody() {
    let act = format!(
        "[ $task = slow ] && {{ touch \"$root/slow\"; while [ ! -f \"$root/go\" ]; do sleep 0.05; done; }}\n{WRITE}"
    );
    let stage = stage("", &act, &[task("quick", ""), task("slow", "")].concat());
    let mut run = stage.start_run();
    wait_for(|| stage.root().join("slow").exists() && stage.file("flow/demo/result", "quick.txt").is_some());
    let tree = stage.git_says(&["rev-parse", "flow/demo/result^{tree}"]);
    let own = stage.git_says(&["commit-tree", "-p", "flow/demo/result", "-m", "By hand", &tree]);
    stage.git(&["update-ref", "refs/heads/flow/demo/result", &own]).ok();
    fs::write(stage.root().join("go"), "").unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert!(stage.file("flow/demo/result", "slow.txt").is_some());
    stage.git(&["merge-base", "--is-ancestor", &own, "flow/demo/result"]).ok();
    is_tidy(&stage);
}

#[test]
fn an_approval_by_hand_does_not_stand_for_the_checks() {
    let stage =
        stage("attempts = 1\nverify = \"test ! -f api.txt || test -f proof.txt\"", WRITE, &task("api", ""));
    stage.run(&[]).exits(1).says("verification failed");
    stage.flow(&["review", "main..flow/demo/api"]).ok().says("APPROVE");
    stage.run(&[]).exits(1).says("verification failed");
    assert_eq!(stage.file("flow/demo/result", "api.txt"), None);
    is_tidy(&stage);
}

#[test]
fn an_approval_of_the_result_by_hand_does_not_stand_for_the_checks() {
    let plan = [task("one", ""), task("two", "")].concat();
    let run = "verify = \"test ! -f one.txt || test ! -f two.txt\"\n[merge]\nverify = \"end\"";
    let stage = stage(run, WRITE, &plan);
    stage.run(&[]).exits(1).says("together they fail");
    stage.flow(&["review", "main..flow/demo/result"]).ok().says("APPROVE");
    stage.run(&[]).exits(1).says("together they fail");
}

#[test]
fn a_worktree_that_could_not_be_prepared_is_not_left_behind() {
    let stage = stage("copy = [\"../outside\"]", WRITE, &task("api", ""));
    stage.run(&[]).exits(1).says("no path inside the repository");
    assert_eq!(calls(&stage), Vec::<String>::new());
    is_tidy(&stage);
}

#[test]
fn a_journal_that_was_cut_in_the_middle_of_a_character_hides_no_status() {
    let stage = stage("", WRITE, &task("api", ""));
    stage.run(&[]).ok();
    let runs = stage.repo().join(".git/flow-ai/runs/demo");
    let journal = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path().join("events.jsonl");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.extend(b"{\"event\":\"\xe8\n");
    fs::write(&journal, bytes).unwrap();
    stage.flow(&["status", "demo"]).ok().says("api");
}

#[test]
fn a_person_who_rewrites_a_task_under_way_is_told_that_it_was_done_from_the_text_before() {
    let act = format!("\"$root/rewrite\"\n{WRITE}");
    let stage = stage("", &act, &task("api", ""));
    let plan = stage.root().join("plan.md");
    let before = fs::read_to_string(&plan).unwrap();
    fs::write(&plan, before.replace("Write api.txt", "Write it otherwise")).unwrap();
    let rewrite = stage.script(
        "rewrite",
        &format!(
            "cd '{}' && env -u GIT_FLOW_AI_MODE git flow-ai plan demo --from '{}' > /dev/null",
            stage.repo().display(),
            plan.display()
        ),
    );
    fs::rename(rewrite, stage.root().join("rewrite")).unwrap();
    stage.run(&[]).ok().says("made from the text before");
    assert!(stage.file("flow/demo/spec", "plan.md").unwrap().contains("Write it otherwise"));
}

#[test]
fn a_result_branch_deleted_by_hand_is_made_again_and_no_attempt_repeated() {
    let plan = task("api", "") + &task("ui", "<!-- after: api -->");
    let stage = stage("", WRITE, &plan);
    stage.run(&[]).ok();
    let before = calls(&stage);
    let tree = stage.git_says(&["rev-parse", "flow/demo/result^{tree}"]);
    stage.git(&["branch", "-D", "flow/demo/result"]).ok();
    stage.run(&[]).ok().says("flow/demo/result is complete");
    assert_eq!(stage.git_says(&["rev-parse", "flow/demo/result^{tree}"]), tree);
    assert_eq!(calls(&stage), before, "what was done is not done again");
    is_tidy(&stage);
}

#[test]
fn an_approval_for_another_branch_is_none_for_the_target() {
    let stage = stage("", WRITE, &task("api", ""));
    stage.run(&["--no-review"]).ok();
    stage.git(&["branch", "other", "main"]).ok();
    stage.flow(&["review", "main..flow/demo/result", "--target", "other"]).ok().says("APPROVE");
    let asked = || stage.git_says(&["notes", "--ref=flow-ai", "show", "flow/demo/result"]);
    assert!(!asked().contains(r#""target":"main""#), "{}", asked());
    stage.run(&[]).ok();
    assert!(asked().contains(r#""target":"main""#), "the gate of main would not count it: {}", asked());
}

#[test]
fn tasks_whose_branches_were_all_deleted_by_hand_are_not_taken_for_done() {
    let plan = task("api", "") + &task("ui", "");
    let stage = stage("", WRITE, &plan);
    stage.run(&[]).ok();
    let made = stage.git_says(&["rev-parse", "flow/demo/api"]);
    stage.git(&["branch", "-D", "flow/demo/result", "flow/demo/api"]).ok();
    let fix = "git flow-ai run demo";
    stage.flow(&["status"]).ok().says(fix);
    stage.flow(&["merge", "demo"]).says(fix);
    stage.run(&[]).ok().says("flow/demo/api was deleted").says("flow/demo/result is complete");
    for id in ["api", "ui"] {
        assert!(stage.file("flow/demo/result", &format!("{id}.txt")).is_some(), "{id}");
    }
    let kept = stage.git_says(&["for-each-ref", "--format=%(objectname)", "refs/flow-ai/recovered/"]);
    assert_eq!(kept, made, "what was on the branch is kept aside");
    assert_eq!(calls(&stage), ["api 1", "api 2", "ui 1"], "what has a branch is not done again");
}

#[test]
fn a_deleted_folder_takes_nothing_that_its_agent_committed_with_it() {
    let act = format!(
        "[ -f \"$root/again\" ] || {{ echo own > own.txt; git add . && git commit -qm own; touch \"$root/ready\"; exec sleep 60; }}; {WRITE}"
    );
    let stage = stage("", &act, &task("api", ""));
    // Where its files are in that folder, and nowhere else.
    stage.git(&["config", "flow-ai.checkouts", "full"]).ok();
    let mut run = stage.start_run();
    wait_for(|| stage.root().join("ready").exists());
    run.kill().unwrap();
    run.wait().unwrap();
    stage.flow(&["status", "demo"]).ok().says("cut short");
    fs::remove_dir_all(stage.root().join(".repo.flow-ai/demo.api")).unwrap();
    fs::write(stage.root().join("again"), "").unwrap();
    stage
        .run(&[])
        .ok()
        .says("what its agent had committed by itself is kept at refs/flow-ai/recovered/demo/api/");
    let kept = stage.git_says(&["for-each-ref", "--format=%(refname)", "refs/flow-ai/recovered/"]);
    assert_eq!(stage.file(&kept, "own.txt").unwrap(), "own\n");
    is_tidy(&stage);
}

#[test]
fn the_newest_run_is_shown_although_the_clock_was_set_back() {
    let stage = stage("", WRITE, &task("api", ""));
    stage.run(&[]).ok();
    let runs = stage.repo().join(".git/flow-ai/runs/demo");
    let old = fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    let future = "20991231T000000.000-aaaa";
    let journal = fs::read_to_string(old.join("events.jsonl")).unwrap();
    let id = old.file_name().unwrap().to_string_lossy().into_owned();
    fs::write(old.join("events.jsonl"), journal.replace(&id, future)).unwrap();
    fs::rename(&old, runs.join(future)).unwrap();
    stage.run(&[]).ok();
    let told = stage.flow(&["status", "demo"]).ok();
    assert!(!told.stdout.contains(future), "{}", told.stdout);
    told.says(", over: ");
}
