//! Submodules in the worktrees of agents: filled from what the user has, looked at for work, and no obstacle to
//! removing a worktree.

use crate::support::plan::task;
use crate::support::{Config, Out, Place};
use std::fs;

/// Each sandbox that there is here, and none.
const MEANS: [&str; 3] = ["bubblewrap", "landlock", "off"];

/// What an agent does that looks at all submodules, and updates them as a tool would.
const LOOK: &str = "cat lib/lib.txt lib/deep/deep.txt > seen.txt
git submodule update --init --recursive > /dev/null 2>&1 || echo failed >> seen.txt
git submodule status --recursive | grep -c '^ ' >> seen.txt
git -C lib log --oneline | grep -c . >> seen.txt
git -C lib status --porcelain >> seen.txt";

fn config(means: &str, more: &str) -> Config {
    let mode = if means == "off" { "off" } else { "require" };
    Config::new().agent("hand", "acme").run(format!("attempts = 1\nsandbox = \"{mode}\"\n{more}"))
}

/// A project with a submodule that has one itself. What they were cloned from is gone, so that nothing can be
/// fetched.
fn place(config: Config, means: &str) -> Place {
    let place = Place::with_config(config);
    if means != "off" {
        place.git(&["config", "flow-ai.sandbox-means", means]).ok();
    }
    let sources = place.root().join("sources");
    let make = |name: &str| {
        let folder = sources.join(name);
        fs::create_dir_all(&folder).unwrap();
        place.git_in(&folder, &["init", "--quiet"]).ok();
        fs::write(folder.join(format!("{name}.txt")), format!("{name}\n")).unwrap();
        folder
    };
    let add = |folder: &std::path::Path, source: &std::path::Path, path: &str| {
        let source = source.to_str().unwrap();
        place
            .git_in(
                folder,
                &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source, path],
            )
            .ok();
        place.git_in(folder, &["add", "--all"]).ok();
        place.git_in(folder, &["commit", "--quiet", "-m", "Add a submodule"]).ok();
    };
    let (deep, lib) = (make("deep"), make("lib"));
    place.git_in(&deep, &["add", "--all"]).ok();
    place.git_in(&deep, &["commit", "--quiet", "-m", "Deep"]).ok();
    place.git_in(&lib, &["add", "--all"]).ok();
    place.git_in(&lib, &["commit", "--quiet", "-m", "Lib"]).ok();
    add(&lib, &deep, "deep");
    add(&place.repo(), &lib, "lib");
    let update =
        ["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive"];
    place.git(&update).ok();
    fs::rename(&sources, place.root().join("gone")).unwrap();
    place
}

fn run(place: &Place, act: &str) -> Out {
    place.agent("hand", act);
    if place.git(&["rev-parse", "--verify", "--quiet", "flow/demo/spec"]).status != 0 {
        place.spec_with(&task("one", ""));
    }
    place.run(&["--no-review"])
}

#[test]
fn submodules_are_filled_at_every_depth_without_network_and_their_worktrees_go() {
    for means in MEANS {
        let place = place(config(means, "verify = \"test -s lib/deep/deep.txt\""), means);
        let out = run(&place, LOOK);
        let seen = place.file("flow/demo/result", "seen.txt");
        assert_eq!(seen.as_deref(), Some("lib\ndeep\n2\n2\n"), "{means}: {out:?}");
        assert_eq!(out.status, 0, "{means}: {out:?}");
        assert!(!out.stderr.contains("warning"), "{means}: {out:?}");
        place.git(&["diff", "--quiet", "main", "flow/demo/result", "--", "lib", ".gitmodules"]).ok();
        place.has_no_worktree();
    }
}

#[test]
fn setup_may_update_them_as_everybody_does() {
    for means in MEANS {
        let place = place(config(means, "setup = \"git submodule update --init --recursive\""), means);
        let out = run(&place, "cat lib/deep/deep.txt > seen.txt");
        assert_eq!(place.file("flow/demo/result", "seen.txt").as_deref(), Some("deep\n"), "{means}: {out:?}");
        place.has_no_worktree();
    }
}

#[test]
fn work_in_a_submodule_is_named_and_keeps_its_worktree() {
    for act in [
        "echo more >> lib/lib.txt",
        "echo more > lib/new.txt",
        "echo more >> lib/deep/deep.txt",
        "cd lib && git commit --quiet --allow-empty -m Mine",
        "cd lib && git branch mine HEAD~1",
        "rm -r lib/deep && ln -s /etc lib/deep",
    ] {
        let place = place(config("off", ""), "off");
        let out = run(&place, &format!("echo work > one.txt; {act}"));
        assert!(out.stderr.contains("not committed: lib is in a submodule"), "{act}: {out:?}");
        assert!(out.stderr.contains(".repo.flow-ai/demo.one is kept: "), "{act}: {out:?}");
        assert_eq!(place.file("flow/demo/one", "one.txt").as_deref(), Some("work\n"), "{act}");
    }
    // What builds leave there is ignored, and what only looks changes nothing.
    let place = place(config("off", ""), "off");
    fs::write(place.repo().join(".git/info/exclude"), "").unwrap();
    run(&place, "echo work > one.txt; git -C lib status > /dev/null; touch lib/lib.txt; git -C lib fetch --quiet || true")
        .ok();
    place.has_no_worktree();
}

#[test]
fn what_is_not_there_stays_empty_and_the_reason_is_told() {
    let place = place(config("off", ""), "off");
    fs::remove_dir_all(place.repo().join(".git/modules/lib/modules")).unwrap();
    let out = run(&place, "cat lib/lib.txt > seen.txt; ls lib/deep >> seen.txt").ok();
    assert_eq!(place.file("flow/demo/result", "seen.txt").as_deref(), Some("lib\n"));
    let out =
        out.says("the submodule lib/deep is empty: you have not fetched it (git submodule update --init");
    assert_eq!(out.stderr.matches("is empty").count(), 1, "{out:?}");
    place.has_no_worktree();
}

#[test]
fn those_that_setup_brings_are_no_work_either() {
    let place =
        place(config("off", "setup = \"git -c protocol.file.allow=always submodule update --init\""), "off");
    fs::rename(place.root().join("gone"), place.root().join("sources")).unwrap();
    fs::remove_dir_all(place.repo().join(".git/modules")).unwrap();
    run(&place, "cat lib/lib.txt > seen.txt; git -C lib status").ok();
    assert_eq!(place.file("flow/demo/result", "seen.txt").as_deref(), Some("lib\n"));
    place.has_no_worktree();
    let out = run(&place, "");
    out.ok();
}

#[test]
fn a_name_that_leads_elsewhere_fills_nothing() {
    for (name, path) in [("../../outside", "lib"), ("/etc", "lib"), ("lib", "other")] {
        let place = place(config("off", ""), "off");
        let outside = place.root().join("outside");
        fs::rename(place.root().join("gone/lib/.git"), &outside).unwrap();
        let pin = place.id("main:lib");
        place.write(".gitmodules", format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = x\n"));
        place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{pin},lib")]).ok();
        place.git(&["commit", "--quiet", "-m", "Odd", "--", ".gitmodules"]).ok();
        let out = run(&place, "ls -A lib > seen.txt; echo work > one.txt");
        assert_eq!(place.file("flow/demo/one", "seen.txt").as_deref(), Some(""), "{name}: {out:?}");
        assert!(out.stderr.contains("the submodule lib is empty: "), "{name}: {out:?}");
    }
}
