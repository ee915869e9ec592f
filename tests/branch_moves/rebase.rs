//! Rebases: of the protected branch, onto it, and of a stack that it is part of.

use super::row::Outcome::{Back, Free, Refused};
use super::row::{Judged::Never, Row, row};

const ABORT: &str = "git rebase --abort";
/// Back from a rebase of another branch than the one that was checked out.
const ELSEWHERE: &str = "git rebase --abort && git switch work";
/// `origin` moves on, and a commit of one's own waits to be pushed.
const OWN_WORK: &str = "git push --quiet origin straight:main
    echo mine > mine.txt; git add mine.txt; git commit --quiet -m Mine";

pub const ROWS: &[Row] = &[
    row("rebase (fast-forward)", "git rebase straight"),
    Row { judged: Never, ..row("rebase (replay)", "git rebase topic") },
    Row { setup: OWN_WORK, ..row("rebase of one's own work onto the remote's", "git rebase origin/main") },
    Row {
        setup: "echo dirty >> README.md",
        // Older ones forget what they have put aside.
        unjudged: Back("git rebase --quit && git stash pop"),
        from: Some(((2, 47), Refused)),
        ..row("rebase --autostash", "git rebase --autostash straight")
    },
    Row { on: "work", ..row("rebase of main from elsewhere", "git rebase straight main") },
    Row {
        judged: Never,
        ..row(
            "rebase -i",
            "GIT_SEQUENCE_EDITOR='sed -i s/^pick/reword/' GIT_EDITOR='sed -i s/Change/Touch/' git rebase -i HEAD~1",
        )
    },
    Row {
        judged: Never,
        ..row("rebase --exec", "git rebase --exec 'git commit --quiet --amend -m Other' HEAD~1")
    },
    row("rebase --apply (fast-forward)", "git rebase --apply straight"),
    Row { judged: Never, ..row("rebase --apply (replay)", "git rebase --apply topic") },
    row("pull --rebase (fast-forward)", "git pull --rebase fork main"),
    Row { judged: Never, ..row("pull --rebase (replay)", "git pull --rebase fork topic") },
    // Without pre-rebase, the branch itself is the fence.
    Row {
        unjudged: Back(ABORT),
        ..row("rebase --no-verify (fast-forward)", "git rebase --no-verify straight")
    },
    Row {
        unjudged: Back(ABORT),
        judged: Never,
        ..row("rebase --no-verify (replay)", "git rebase --no-verify topic")
    },
    Row {
        unjudged: Back("git switch main"),
        ..row("rebase --apply --no-verify (fast-forward)", "git rebase --apply --no-verify straight")
    },
    Row {
        unjudged: Back("git rebase --quit && git switch main"),
        judged: Never,
        ..row("rebase --apply --no-verify (replay)", "git rebase --apply --no-verify topic")
    },
    Row {
        unjudged: Back(ABORT),
        judged: Never,
        begun: "git rebase clash || { echo resolved > two.txt; git add two.txt; }",
        ..row("rebase with a conflict, then --continue", "GIT_EDITOR=true git rebase --continue")
    },
    Row {
        on: "work",
        unjudged: Back(ELSEWHERE),
        ..row("rebase --no-verify of main from elsewhere", "git rebase --no-verify straight main")
    },
    Row {
        on: "work",
        unjudged: Back(ELSEWHERE),
        judged: Never,
        ..row("rebase --no-verify of main from elsewhere (replay)", "git rebase --no-verify topic main")
    },
    Row {
        on: "topic",
        unjudged: Back("git switch topic"),
        ..row(
            "rebase --apply --no-verify of main from elsewhere",
            "git rebase --apply --no-verify straight main",
        )
    },
    Row {
        on: "straight",
        unjudged: Back(ABORT),
        judged: Never,
        ..row("rebase --update-refs of a stack with main in it", "git rebase --update-refs topic")
    },
    Row {
        on: "topic",
        unjudged: Free,
        ..row("rebase of another branch onto main", "git rebase --quiet main")
    },
    Row {
        unjudged: Free,
        begun: "git rebase --no-verify clash || true",
        ..row("rebase --abort", "git rebase --abort")
    },
];
