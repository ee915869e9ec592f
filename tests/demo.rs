//! The demo's story is true, whoever asks git.

use crate::support::worktrees::{beside, has_no_worktree};
use crate::support::{Out, Place};
use std::time::{Duration, Instant};

#[test]
fn the_story_is_true_when_git_is_asked_afterwards() {
    let place = Place::new();
    let dir = place.root().join("demo");
    let begun = Instant::now();
    let out = place.flow(&["demo", "--dir", dir.to_str().unwrap()]).ok();
    assert!(begun.elapsed() < Duration::from_secs(60), "a person waits for it");
    assert!(!out.stdout.contains('✗'), "{}", out.stdout);
    for told in ["scripted", "$ git flow-ai run", "REQUEST CHANGES", "is refused", "Merged prices-for-people"]
    {
        assert!(out.stdout.contains(told), "`{told}` is missing in\n{}", out.stdout);
    }

    // Now without any of our own words: only git, in the repository that was left.
    let till = dir.join("till");
    let git = |args: &[&str]| Out::of(place.command("git").args(args).current_dir(&till).output().unwrap());
    let says = |args: &[&str]| git(args).ok().stdout.trim().to_owned();
    let branches = says(&["branch", "--format=%(refname:short)"]);
    for branch in ["spec", "discount", "tax", "show", "result"] {
        assert!(branches.contains(&format!("flow/prices-for-people/{branch}")), "{branches}");
    }
    has_no_worktree(&till);
    // The careless branch is not in main, the result is.
    assert_eq!(git(&["merge-base", "--is-ancestor", "faster-sum", "main"]).status, 1);
    git(&["merge-base", "--is-ancestor", "flow/prices-for-people/result", "main"]).ok();
    assert!(says(&["show", "main:lib/show.sh"]).contains("%02d"), "the bug was mended");
    assert!(
        says(&["show", "flow/prices-for-people/show~1:lib/show.sh"]).contains("%d.%d"),
        "the bug was there"
    );
    // Verdicts are in git's own notes: of the first attempt, the second, and the careless branch.
    let note = |of: &str| says(&["notes", "--ref=flow-ai", "show", of]);
    assert!(note("flow/prices-for-people/show~1").starts_with("REQUEST CHANGES"));
    assert!(note("flow/prices-for-people/show").starts_with("APPROVE"));
    assert!(note("flow/prices-for-people/result").starts_with("APPROVE"));
    assert!(note("faster-sum").starts_with("REQUEST CHANGES"));
    assert!(says(&["log", "--notes=flow-ai", "main"]).contains("APPROVE by"));
    // Three authors of three vendors, each recorded by us.
    let vendors = says(&["log", "--format=%(trailers:key=Flow-Vendor,valueonly,separator=%x2C)", "main"]);
    let mut vendors: Vec<&str> = vendors.split([',', '\n']).filter(|vendor| !vendor.is_empty()).collect();
    vendors.sort_unstable();
    vendors.dedup();
    assert_eq!(vendors, ["alder-labs", "birch-ai", "cedar-corp"]);
    // What was left behind is whole.
    git(&["fsck", "--no-dangling"]).ok();
    assert_eq!(says(&["status", "--porcelain"]), "");
}

#[test]
fn worktrees_that_are_kept_are_there_afterwards() {
    let place = Place::new();
    let dir = place.root().join("demo");
    let out = place.flow(&["demo", "--keep", "--dir", dir.to_str().unwrap()]).ok();
    assert!(!out.stdout.contains('✗'), "{}", out.stdout);
    let till = dir.join("till");
    let tasks = ["discount", "show", "tax"];
    assert_eq!(beside(&till), tasks.map(|task| format!("prices-for-people.{task}")));
    for task in tasks {
        let worktree = dir.join(".till.flow-ai").join(format!("prices-for-people.{task}"));
        let git = |args: &[&str]| {
            Out::of(place.command("git").args(args).current_dir(&worktree).output().unwrap()).ok().stdout
        };
        assert_eq!(git(&["rev-parse", "--show-toplevel"]).trim_end(), worktree.display().to_string());
        assert!(worktree.join(format!("lib/{task}.sh")).exists(), "the work of {task} can be looked at");
    }
}

/// A worktree that stays, put there by a git that makes it after each run.
#[test]
fn a_worktree_that_is_left_makes_it_fail() {
    let place = Place::new();
    let real = place.command("sh").args(["-c", "command -v git"]).output().unwrap();
    let real = String::from_utf8(real.stdout).unwrap();
    place.script(
        "git",
        &format!("'{}' \"$@\" || exit\n[ \"$2\" != run ] || mkdir -p ../.till.flow-ai/left", real.trim()),
    );
    let dir = place.root().join("demo");
    // Not by way of git, which would put its own folder, with itself in it, before ours.
    let out = Out::run(place.command("git-flow-ai").arg("demo").arg("--dir").arg(&dir)).exits(1);
    let wrong: Vec<&str> = out.stdout.lines().filter(|line| line.starts_with('✗')).collect();
    assert_eq!(wrong, ["✗ the worktrees are gone, their work is committed"], "{}", out.stdout);
}

#[test]
fn it_plays_in_no_folder_that_holds_something() {
    let place = Place::new();
    place.flow(&["demo", "--dir", "."]).exits(2).says("not empty");
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
}
