//! What must hold whatever happened on the way.

use super::killed_run::{KilledRun, TASKS};
use crate::support::processes;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What agents and journals had told when a run was over.
#[derive(Default)]
pub struct Record {
    seen: usize,
    journals: usize,
    /// The attempts of which a journal said that they ended.
    ended: BTreeSet<(String, u64)>,
}

impl Record {
    /// After each run: no attempt is begun that a journal had called ended before, and none ends twice.
    #[track_caller]
    pub fn take(&mut self, scene: &KilledRun) {
        let log = scene.log();
        for line in &log[self.seen..] {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["start", task, attempt] = words[..] {
                let attempt = (task.to_owned(), attempt.parse().unwrap());
                assert!(!self.ended.contains(&attempt), "{attempt:?} had ended, and was begun again");
            }
        }
        self.seen = log.len();
        let journals = scene.journals();
        for journal in &journals[self.journals..] {
            for line in journal.lines() {
                let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
                if line["event"] == "attempt-finished" {
                    let attempt =
                        (line["task"].as_str().unwrap().to_owned(), line["attempt"].as_u64().unwrap());
                    assert!(self.ended.insert(attempt.clone()), "{attempt:?} ended twice");
                }
            }
        }
        self.journals = journals.len();
    }
}

/// The tasks of a scene are done, once each, nothing is lost, and nothing is left.
#[track_caller]
pub fn holds(scene: &KilledRun) {
    let done: Vec<&str> = done(scene);
    let place = &scene.place;
    for (task, _, attempts) in TASKS.iter().filter(|(task, ..)| done.contains(task)) {
        let format = "--format=%(trailers:key=Flow-Attempt,valueonly)%(trailers:key=Flow-State,valueonly)";
        let told = place.git_says(&["log", "-1", format, &format!("flow/demo/{task}")]);
        let words: Vec<&str> = told.split_whitespace().collect();
        assert_eq!(words, [&attempts.to_string(), "made"], "{task}");
        let merges = place.git_says(&["log", "--first-parent", "--format=%s", "flow/demo/result"]);
        let of_task = format!("Merge {task}:");
        assert_eq!(merges.lines().filter(|line| line.starts_with(&of_task)).count(), 1, "{merges}");
    }
    assert_eq!(place.git_says(&["show", "flow/demo/spec:plan.md"]).matches("[x]").count(), done.len());
    nothing_is_lost(scene, &done);
    nothing_is_left(scene, &done);
}

fn done(scene: &KilledRun) -> Vec<&'static str> {
    let plan = scene.place.git_says(&["show", "flow/demo/spec:plan.md"]);
    let ids = TASKS.iter().map(|(task, ..)| *task);
    ids.filter(|task| plan.contains(&format!("id: {task} "))).collect()
}

/// Every file that an agent had written is in its task's branch, and the result holds these and no other.
#[track_caller]
fn nothing_is_lost(scene: &KilledRun, done: &[&str]) {
    let place = &scene.place;
    let (mut begun, mut written) = (BTreeSet::new(), BTreeMap::new());
    for line in scene.log() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["begin", _, path] => drop(begun.insert(path.to_owned())),
            ["wrote", task, path] => drop(written.insert(path.to_owned(), task.to_owned())),
            _ => {}
        }
    }
    for (path, task) in &written {
        let blob = place.git(&["cat-file", "blob", &format!("flow/demo/{task}:{path}")]);
        assert_eq!(
            (blob.status, blob.stdout),
            (0, format!("{path} by {task}\n")),
            "{path} of {task} is lost"
        );
    }
    let mut expected: BTreeSet<String> =
        [".gitignore", ".zenflow/config.toml", "README.md"].map(str::to_owned).into();
    expected.extend(done.iter().map(|task| format!("{task}.txt")));
    if done.contains(&"shapes") {
        expected.extend(["tool", "link"].map(str::to_owned));
    }
    if done.contains(&"mended") {
        expected.insert("mended.state".into());
        assert_eq!(place.git_says(&["show", "flow/demo/result:mended.state"]), "right");
    }
    expected.extend(written.into_keys());
    let tree = place.git_says(&["ls-tree", "-r", "--name-only", "flow/demo/result"]);
    let found: BTreeSet<String> = tree.lines().map(str::to_owned).collect();
    assert_eq!(expected.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
    // What was cut off between its first byte and the note that it was written.
    let half = |path: &&String| !begun.contains(*path) && !path.starts_with("own.");
    assert_eq!(found.difference(&expected).filter(half).collect::<Vec<_>>(), Vec::<&String>::new(), "stray");
}

/// No worktree, lock, process, temporary file or ref that the result does not need.
#[track_caller]
pub fn nothing_is_left(scene: &KilledRun, done: &[&str]) {
    let place = &scene.place;
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
    assert_eq!(place.git_says(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    place.git(&["fsck", "--strict", "--no-dangling"]).ok();
    let mut branches: BTreeSet<String> = ["main", "flow/demo/spec", "flow/demo/result"]
        .iter()
        .map(|name| format!("refs/heads/{name}"))
        .chain(done.iter().map(|task| format!("refs/heads/flow/demo/{task}")))
        .collect();
    branches.insert("refs/notes/flow-ai".into());
    let refs = place.git_says(&["for-each-ref", "--format=%(refname)"]);
    let refs = refs.lines().filter(|name| !name.starts_with("refs/flow-ai/keep/")).map(str::to_owned);
    assert_eq!(refs.collect::<BTreeSet<_>>(), branches);
    let own = place.repo().join(".git/flow-ai");
    for folder in ["stage", "trash"] {
        assert_eq!(files(&own.join(folder)), Vec::<PathBuf>::new(), "{folder}");
    }
    assert_eq!(names(&place.root().join(".repo.flow-ai")), Vec::<String>::new());
    // What setup had made is in the trash if the run was killed before it could note whose it was.
    for record in names(&own.join("worktrees")) {
        let record = own.join("worktrees").join(record);
        let kept: BTreeSet<PathBuf> = files(&record)
            .into_iter()
            .map(|file| file.strip_prefix(&record).unwrap().to_owned())
            .filter(|file| !file.ends_with("lock"))
            .collect();
        assert_eq!(kept, ["files/build/setup", "name", "path", "removed"].map(PathBuf::from).into());
    }
    let odd = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_lock = name.ends_with(".lock") && !path.starts_with(own.join("locks"));
        // Half an object or half a pack of git's own, which git's own `prune` knows.
        let is_gits =
            ["obj", "pack", "idx", "rev"].iter().any(|what| name.starts_with(&format!("tmp_{what}_")));
        is_lock || name.ends_with(".new") || (name.contains("tmp") && !is_gits)
    };
    let left: Vec<PathBuf> = files(&place.repo().join(".git")).into_iter().filter(odd).collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "locks and temporary files");
    assert_eq!(files(&scene.tmp()), Vec::<PathBuf>::new(), "temporary files");
    no_process_is_left(place.root());
}

/// No process that was started in this place is alive; one that is being killed has a moment for it.
#[track_caller]
pub fn no_process_is_left(root: &Path) {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let left = processes::of_place(root);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still alive: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What is in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The files below a folder, and folders in which there are none; the folder itself not counted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
