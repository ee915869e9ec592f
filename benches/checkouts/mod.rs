//! What a task costs in a large project, most of which nobody touches: a run of tasks whose agents write one file,
//! against a script of `git worktree add`, the agent, a commit and a removal, one after the other.
//!
//! A run before has made the clean checkout, whose price is a row of its own: a first run of one task against one round
//! of the script.

use super::compare;
use super::setting::Setting;
use super::tasks::{spec_of, with_agent};
use std::cell::Cell;
use std::fs;
use std::process::Stdio;

/// How many tasks a run has.
const TASKS: usize = 8;

/// What a run of those tasks does, one task after the other.
fn script(tasks: usize) -> String {
    format!(
        "for i in $(seq {tasks}); do git worktree add --quiet --detach ../bare-$i main && (cd ../bare-$i && \
         ../agent </dev/null >/dev/null && git add --all && git commit --quiet --no-verify -m $i) && \
         git worktree remove --force ../bare-$i; done"
    )
}

/// Measures projects of so many files, in each way of making a checkout.
pub fn cost(rounds: usize) {
    let sizes = std::env::var("FILES").unwrap_or_else(|_| "2000 20000".into());
    for files in sizes.split_whitespace().filter_map(|files| files.parse().ok()) {
        for (way, goal) in [("overlay", 0.1), ("copy", 0.9), ("full", 1.2)] {
            let setting = project(files, way);
            let number = Cell::new(0);
            let run = |tasks: usize, at_once: &'static str| {
                number.set(number.get() + 1);
                let name = spec_of(&setting, number.get(), tasks);
                move |setting: &Setting| {
                    let mut run = setting.ours();
                    run.args(["run", &name, "--no-review", "--parallel", at_once]);
                    setting.repeat(1, run.stderr(Stdio::null()));
                }
            };
            if way == "overlay" {
                let first = run(1, "1");
                compare(
                    &format!("first task, {files} files, {way} / script"),
                    1.2,
                    1,
                    || first(&setting),
                    || setting.repeat(1, setting.command("sh").args(["-c", &script(1)])),
                );
            }
            for at_once in ["1", "8"] {
                let mut runs = (0..=rounds).map(|_| run(TASKS, at_once)).collect::<Vec<_>>().into_iter();
                compare(
                    &format!("{TASKS} tasks, {at_once} at once, {files} files, {way} / script"),
                    goal,
                    rounds,
                    || runs.next().unwrap()(&setting),
                    || setting.repeat(1, setting.command("sh").args(["-c", &script(TASKS)])),
                );
            }
        }
    }
}

/// A project of that many files of some kilobytes, with an agent.
fn project(files: usize, way: &str) -> Setting {
    let setting = with_agent("prefer");
    let root = setting.repo();
    for number in 0..files {
        let folder = root.join(format!("src/{:02}/{:02}", number % 50, number / 50 % 40));
        fs::create_dir_all(&folder).unwrap();
        let text = format!("line of file {number}\n").repeat(150);
        fs::write(folder.join(format!("{number}.txt")), text).unwrap();
    }
    setting.git(&["add", "--all"]);
    setting.git(&["commit", "--quiet", "--no-verify", "-m", "A project"]);
    setting.git(&["config", "flow-ai.checkouts", way]);
    setting
}
