//! What grows with the number of commits: `check` and `verify`, where each commit has a verdict of its own.

use super::setting::Setting;
use super::{compare, within};
use std::process::Stdio;

/// `check` of so many commits: as they were judged, on a target that has moved on since, and rebased onto that.
pub fn check(rounds: usize) {
    let mut seconds = Vec::new();
    for commits in [20, 100, 500] {
        let setting = Setting::new();
        let main = setting.git(&["rev-parse", "main"]);
        setting.line("topic", &main, commits);
        setting.judge("main..topic");
        let goal = 2.0 * commits as f64 / 500.0;
        let check = |range: &str| setting.repeat(1, setting.ours().args(["check", range]));
        let what = format!("check of {commits} commits, a verdict on each");
        seconds.push(within(&what, goal, rounds, || check("main..topic")));
        let moved = setting.line("moved", &main, 20);
        setting.git(&["update-ref", "refs/heads/main", &moved]);
        within(&format!("{what}, main moved on"), goal, rounds, || check("main..topic"));
        setting.git(&["checkout", "--quiet", "--force", "-b", "rebased", "topic"]);
        setting.git(&["rebase", "--quiet", "--onto", "main", &main]);
        within(&format!("{what}, rebased"), goal, rounds, || check("main..rebased"));
    }
    println!(
        "{:<50} {:>38.1} {:>5.1}",
        "five times the commits: how many times as long",
        seconds[2] / seconds[1],
        5.0
    );
}

/// `check` of a small pack of many large versions that nobody has judged.
pub fn refusal(rounds: usize) {
    let setting = Setting::new();
    let lines = "a\n".repeat(450_000);
    setting.versions("large", "main", 400, |n| (n % 3, format!("{n}\n{lines}")));
    within("check of 400 large versions, no verdict", 4.0, rounds.min(3), || {
        let status = setting.ours().args(["check", "main..large"]).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(1));
    });
}

/// `verify` of 20,000 commits, and the glance at them that a command takes which does something else.
pub fn verify(rounds: usize) {
    let setting = Setting::new();
    let first = setting.git(&["rev-parse", "main"]);
    let tip = setting.line("line", &first, 20_000);
    setting.judge_at_once("main..line");
    setting.git(&["update-ref", "refs/heads/main", &tip]);
    setting.pack();
    let range = format!("{first}..main");
    let back = || setting.git(&["update-ref", "refs/flow-ai/admitted/main", &first]);
    within("verify, 20,000 commits, a verdict on each", 4.0, rounds.min(3), || {
        back();
        setting.repeat(1, setting.ours().arg("verify"));
    });
    compare(
        "verify, 20,000 commits / log --stat --notes",
        4.0,
        rounds.min(3),
        || {
            back();
            setting.repeat(1, setting.ours().arg("verify"));
        },
        || {
            let mut log = setting.command("git");
            log.args(["log", "--stat", "--format=%H %N", "--notes=flow-ai", &range]);
            setting.repeat(1, &mut log);
        },
    );
    compare(
        "a glance from 20,000 commits back / none",
        3.0,
        rounds,
        || {
            back();
            for _ in 0..20 {
                let _ = std::fs::remove_file(setting.repo().join(".git/flow-ai/verify-told"));
                setting.repeat(1, setting.ours().arg("clean").stderr(Stdio::null()));
            }
        },
        || {
            setting.git(&["update-ref", "refs/flow-ai/admitted/main", &tip]);
            setting.repeat(20, setting.ours().arg("clean").stderr(Stdio::null()));
        },
    );
}
