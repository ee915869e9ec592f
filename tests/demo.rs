//! The demo's story is true, whoever asks git.

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
    assert_eq!(says(&["worktree", "list"]).lines().count(), 1, "no worktree is left");
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
fn it_plays_in_no_folder_that_holds_something() {
    let place = Place::new();
    place.flow(&["demo", "--dir", "."]).exits(2).says("not empty");
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
}
