//! Between a run's death and the next: what people, other programs and machines do in the meantime.

use super::checks;
use super::killed_run::{KilledRun, kill};
use crate::support::processes;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Copies a repository in which a run is at work, as a backup does: what a process removes between being
/// listed and being read is no part of the copy.
fn copy_living(repo: &Path, to: &Path) {
    let mut command = Command::new("cp");
    let out = command.arg("-a").arg(repo).arg(to).env("LC_ALL", "C").output().unwrap();
    let complaints = String::from_utf8_lossy(&out.stderr).into_owned();
    let has_vanished = |line: &str| line.ends_with("No such file or directory");
    assert!(out.status.success() || complaints.lines().all(has_vanished), "{complaints}");
}

fn newest_journal(scene: &KilledRun) -> PathBuf {
    let runs = scene.place.repo().join(".git/flow-ai/runs/demo");
    let mut runs: Vec<PathBuf> = fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    runs.pop().unwrap().join("events.jsonl")
}

/// A process of somebody else's, alive until it is dropped.
struct Foreign(Child);

impl Foreign {
    fn start(command: &mut Command) -> Foreign {
        Foreign(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn garbage_collection_in_between_takes_nothing_that_is_needed() {
    let scene = KilledRun::small();
    for _ in 0..4 {
        scene.killed_after(Duration::from_millis(fastrand::u64(300..900)), false);
        let gc = scene.place.git(&["gc", "--quiet", "--prune=now"]);
        if gc.status != 0 {
            // Killed while it wrote refs, it has left git's lock, which its next start takes away.
            gc.says("packed-refs.lock");
            continue;
        }
        scene.place.git(&["reflog", "expire", "--expire=now", "--all"]).ok();
    }
    scene.run().ok();
    scene.place.git(&["gc", "--quiet", "--prune=now"]).ok();
    checks::holds(&scene);
}

#[test]
fn a_repository_that_was_moved_goes_on_where_it_is() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let (root, moved) = (scene.place.root().to_owned(), scene.place.root().join("elsewhere"));
    fs::create_dir(&moved).unwrap();
    fs::rename(root.join("repo"), moved.join("repo")).unwrap();
    let mut command = scene.command();
    command.current_dir(moved.join("repo"));
    let out = scene.finish(command).ok();
    // Back again, for the checks; its worktrees had stayed where they were.
    fs::rename(moved.join("repo"), root.join("repo")).unwrap();
    fs::remove_dir(&moved).unwrap();
    println!("{}", out.stderr);
    checks::holds(&scene);
}

#[test]
fn a_folder_that_was_moved_with_everything_in_it_loses_nothing() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let (root, moved) = (scene.place.root().to_owned(), scene.place.root().join("elsewhere"));
    fs::create_dir(&moved).unwrap();
    for part in ["repo", ".repo.flow-ai"] {
        fs::rename(root.join(part), moved.join(part)).unwrap();
    }
    let mut command = scene.command();
    command.current_dir(moved.join("repo"));
    scene.finish(command).ok();
    assert!(!moved.join(".repo.flow-ai").exists());
    fs::rename(moved.join("repo"), root.join("repo")).unwrap();
    fs::remove_dir(&moved).unwrap();
    checks::holds(&scene);
}

#[test]
fn a_copy_of_a_repository_leaves_the_originals_worktrees_alone() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let worktrees = scene.place.root().join(".repo.flow-ai");
    let before = fs::read_dir(&worktrees).unwrap().count();
    let copy = scene.place.root().join("copy");
    fs::create_dir(&copy).unwrap();
    let status = Command::new("cp").arg("-a").arg(scene.place.repo()).arg(&copy).status().unwrap();
    assert!(status.success());
    // Nobody is at work in the original any more; with its journals copied too, nobody could tell.
    let mut command = scene.command();
    command.current_dir(copy.join("repo"));
    scene.finish(command).ok();
    assert_eq!(fs::read_dir(&worktrees).unwrap().count(), before);
    fs::remove_dir_all(&copy).unwrap();
    scene.run().ok();
    checks::nothing_is_left(&scene, &["fails", "commits"]);
}

#[test]
fn a_run_in_a_copy_ends_nobody_of_the_original_that_is_at_work() {
    let scene = KilledRun::small();
    let mut run = scene.at_work();
    let copy = scene.place.root().join("copy");
    fs::create_dir(&copy).unwrap();
    copy_living(&scene.place.repo(), &copy);
    let mut command = scene.command();
    command.current_dir(copy.join("repo"));
    let other = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert!(other.wait_with_output().unwrap().status.success());
    fs::remove_dir_all(&copy).unwrap();
    let done = fs::read_to_string(newest_journal(&scene)).unwrap();
    assert!(!done.contains(r#""ending":"failed","commit":null"#), "{done}");
    let attempts = scene.place.git_says(&[
        "log",
        "-1",
        "--format=%(trailers:key=Flow-Attempt,valueonly)",
        "flow/demo/commits",
    ]);
    assert_eq!(attempts.trim(), "1", "nobody was disturbed");
    checks::nothing_is_left(&scene, &["fails", "commits"]);
}

#[test]
fn a_worktree_that_was_deleted_by_hand_is_made_anew() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    for (pid, _) in processes::of_place(scene.place.root()) {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
    fs::remove_dir_all(scene.place.root().join(".repo.flow-ai")).unwrap();
    scene.run().ok();
    assert!(
        scene.place.git_says(&["ls-tree", "-r", "--name-only", "flow/demo/result"]).contains("commits.txt")
    );
    checks::nothing_is_left(&scene, &["fails", "commits"]);
}

#[test]
fn a_task_branch_deleted_by_hand_is_begun_anew_aloud_and_what_it_held_is_kept() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    // The run had not merged it yet, as far as anybody can tell.
    scene.place.git(&["update-ref", "-d", "refs/heads/flow/demo/result"]).ok();
    let plan = scene.place.git_says(&["show", "flow/demo/spec:plan.md"]).replace("[x]", "[ ]");
    let path = scene.place.root().join("plan.md");
    fs::write(&path, plan).unwrap();
    scene.place.flow(&["plan", "demo", "--from", path.to_str().unwrap()]).ok();
    let tip = scene.place.git_says(&["rev-parse", "flow/demo/fails"]);
    scene.place.git(&["branch", "-D", "flow/demo/fails"]).ok();
    scene.run().ok().says("flow/demo/fails was deleted");
    let kept = scene.place.git_says(&["for-each-ref", "--format=%(objectname)", "refs/flow-ai/recovered/"]);
    assert_eq!(kept, tip);
    let starts = scene.log().iter().filter(|line| line.starts_with("start fails")).count();
    assert_eq!(starts, 3, "one that failed, one that was done, one anew: {:?}", scene.log());
    // It is not begun anew again.
    scene.run().ok();
    assert_eq!(scene.log().iter().filter(|line| line.starts_with("start fails")).count(), 3);
}

#[test]
fn after_a_reboot_nobody_is_taken_for_an_agent_who_only_has_its_number() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let mut foreign = Foreign::start(Command::new("sleep").arg("100"));
    let journal = newest_journal(&scene);
    let stat = fs::read_to_string(format!("/proc/{}/stat", foreign.0.id())).unwrap();
    let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
    let text = fs::read_to_string(&journal).unwrap();
    let line = text.lines().rfind(|line| line.contains(r#""activity":"process""#)).unwrap();
    let told: serde_json::Value = serde_json::from_str(line).unwrap();
    let mut lines = text.clone();
    // The same number in another boot, and from another moment of this one.
    for (started, boot) in [(started.as_str(), "another boot"), ("1", told["boot"].as_str().unwrap())] {
        let mut other = told.clone();
        other["pid"] = foreign.0.id().into();
        other["started"] = started.into();
        other["boot"] = boot.into();
        lines += &format!("{other}\n");
    }
    fs::write(&journal, lines).unwrap();
    scene.run().ok();
    assert!(foreign.is_alive(), "it is none of ours");
    checks::holds(&scene);
}

#[test]
fn whoever_a_killed_run_left_is_ended_first_wherever_it_went() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let journal = fs::read_to_string(newest_journal(&scene)).unwrap();
    let head: serde_json::Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    let mark = |mark: &str| {
        let mut command = Command::new("sleep");
        command.arg("100").current_dir("/").env_clear().env("GIT_FLOW_AI_MARK", mark);
        command.env("PATH", "/usr/bin:/bin");
        command
    };
    let own = head["mark"].as_str().unwrap();
    let mut stray = Foreign::start(&mut mark(&format!("{own}.0123")));
    let mut inner = Foreign::start(&mut mark(&format!("outer.{own}.0123.more")));
    let mut other = Foreign::start(&mut mark("another-run.0123"));
    let mut blank = Foreign::start(&mut mark(""));
    scene.run().ok().says("were still alive");
    assert!(!stray.is_alive() && !inner.is_alive(), "ended");
    assert!(other.is_alive() && blank.is_alive(), "none of its");
    checks::holds(&scene);
}

#[test]
fn locks_that_a_killed_run_made_are_removed() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let common = scene.place.repo().join(".git");
    let refs = ["refs/heads/flow/demo/commits", "refs/heads/flow/demo/result", "refs/notes/flow-ai"];
    // As a process leaves them that is killed while it writes these refs: what it is about to do, then it.
    fs::write(common.join("flow-ai/writing-refs-killed"), format!("{}\npacked-refs", refs.join("\n")))
        .unwrap();
    for name in refs.iter().chain(&["packed-refs"]) {
        let lock = common.join(format!("{name}.lock"));
        fs::create_dir_all(lock.parent().unwrap()).unwrap();
        fs::write(lock, "").unwrap();
    }
    scene.run().ok().says("left by a killed process");
    checks::holds(&scene);
}

#[test]
fn a_lock_that_may_be_anothers_stays_and_is_named_with_what_to_do() {
    let scene = KilledRun::small();
    let lock = scene.place.repo().join(".git/refs/heads/flow/demo/commits.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    let out = scene.run().exits(1).says("commits.lock is in the way");
    let said = format!("{}{}", out.stdout, out.stderr);
    assert!(said.contains(&format!("rm {}", lock.display())), "{said}");
    assert!(lock.exists());
    fs::remove_file(&lock).unwrap();
    let mut command = scene.command();
    command.arg("--retry");
    scene.finish(command).ok();
}

#[test]
fn a_lock_on_the_packed_refs_that_is_nobodys_ends_a_run_soon_with_what_to_do() {
    let scene = KilledRun::small();
    let lock = scene.place.repo().join(".git/packed-refs.lock");
    fs::write(&lock, "").unwrap();
    let since = Instant::now();
    let out = scene.run().exits(1).says("packed-refs.lock is in the way");
    let said = format!("{}{}", out.stdout, out.stderr);
    assert!(said.contains(&format!("rm {}", lock.display())), "{said}");
    assert!(!said.contains("was changed by somebody else"), "{said}");
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    assert!(lock.exists());
}

#[test]
fn a_clock_that_was_set_back_changes_no_order() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    // The journal of the killed run is from the future; the attempts that it tells of are of the past.
    let journal = newest_journal(&scene);
    let run = journal.parent().unwrap();
    let id = run.file_name().unwrap().to_str().unwrap().to_owned();
    let future = id.replacen("20", "29", 1);
    let text = fs::read_to_string(&journal).unwrap().replace(&id, &future);
    fs::write(&journal, text).unwrap();
    fs::rename(run, run.with_file_name(&future)).unwrap();
    let mut command = scene.command();
    command.arg("--retry");
    scene.finish(command).ok();
    let attempts: Vec<String> =
        scene.log().into_iter().filter(|line| line.starts_with("start commits")).collect();
    assert_eq!(attempts, ["start commits 1", "start commits 1"]);
    checks::holds(&scene);
    let orders: Vec<u64> = scene
        .journals()
        .iter()
        .map(|text| serde_json::from_str::<serde_json::Value>(text.lines().next().unwrap()).unwrap())
        .map(|head| head["order"].as_u64().unwrap())
        .collect();
    assert_eq!(orders, [2, 1], "by the clock the second was the first");
}

#[test]
fn journals_that_cannot_be_read_hide_nothing_and_stop_nobody() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let journal = newest_journal(&scene);
    let mut bytes = fs::read(&journal).unwrap();
    bytes.extend(b"\xff\xfe garbage\n{\"event\":\"state\",\"attempt\":\"many\"}\n\n{\"event\":\"atte");
    fs::write(&journal, bytes).unwrap();
    let beside = |name: &str, text: &str| {
        let run = journal.parent().unwrap().with_file_name(name);
        fs::create_dir(&run).unwrap();
        fs::write(run.join("events.jsonl"), text).unwrap();
    };
    beside("20200101T000000.000-0000", "");
    beside("20200101T000000.000-0001", "{\"version\":1,\"run\":\"2020");
    beside(
        "20200101T000000.000-0002",
        "{\"version\":99,\"run\":\"x\",\"spec\":\"demo\",\"pid\":1,\"retry\":[]}\n",
    );
    // One whose first line lacks what is needed to go on from it.
    beside(
        "20200101T000000.000-0003",
        "{\"version\":1,\"run\":\"20200101T000000.000-0003\",\"spec\":\"demo\",\"pid\":1,\"retry\":[]}\n",
    );
    fs::create_dir(journal.parent().unwrap().with_file_name("20200101T000000.000-0004")).unwrap();
    scene.run().ok().says("newer version");
    checks::holds(&scene);
}

#[test]
fn of_two_runs_that_begin_together_after_a_crash_one_wins_and_the_other_says_so() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    let runs: Vec<_> = (0..2).map(|_| scene.command().spawn().unwrap()).collect();
    let outs: Vec<_> =
        runs.into_iter().map(|run| crate::support::Out::of(run.wait_with_output().unwrap())).collect();
    let mut statuses: Vec<i32> = outs.iter().map(|out| out.status).collect();
    statuses.sort();
    assert_eq!(statuses, [0, 2], "{outs:?}");
    assert!(outs.iter().any(|out| out.stderr.contains("is at work already, in process")), "{outs:?}");
    checks::holds(&scene);
}

#[test]
fn a_killed_run_killed_while_it_is_being_taken_in_is_taken_in_by_the_next() {
    let scene = KilledRun::small();
    scene.killed_at_work();
    for time in [20, 40, 60, 80, 100] {
        let mut run = scene.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(time));
        kill(&mut run, true);
    }
    scene.run().ok();
    checks::holds(&scene);
}
