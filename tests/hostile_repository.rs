//! A repository that attacks whoever reviews or merges: attributes, config, replaced objects, hooks. None of
//! it changes what a reviewer is shown or what the gate decides, and none of it runs.

use crate::support::{Config, Place};
use git_flow_ai::gate::admit::{self, Candidate, New, Ruling};
use git_flow_ai::gate::store::{Repo, trees::Sealed};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn lines(two: &str, nine: &str) -> String {
    format!("1\n{two}\n3\n4\n5\n6\n7\n8\n{nine}\n10\n")
}

/// On a `main` that has moved: `good`, the merge of an approved topic; `evil`, a commit that nobody has
/// judged; `joined`, an approved topic that conflicts, its lines put beside those of `main`.
fn place() -> Place {
    let place = Place::with_config(Config::protected());
    place.commit_saying("Number the lines", "app.rs", lines("2", "9"));
    for (topic, text) in [("topic", lines("two", "9")), ("clash", lines("2", "neuf"))] {
        place.git(&["switch", "--quiet", "-c", topic, "main"]).ok();
        place.commit_saying("Spell", "app.rs", &text);
        place.approve("main", topic);
    }
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Main goes on", "app.rs", lines("2", "nine"));
    place.git(&["switch", "--quiet", "-c", "good", "main"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "-m", "Merge", "topic"]).ok();
    place.git(&["switch", "--quiet", "-c", "joined", "main"]).ok();
    place.commit_saying("Join", "app.rs", lines("2", "nine\nneuf"));
    place.git(&["switch", "--quiet", "-c", "evil", "main"]).ok();
    place.write(".gitattributes", "* -diff -text diff=evil merge=union filter=evil\n");
    place.commit_saying("Be evil", "app.rs", lines("2", "evil()"));
    place.git(&["switch", "--quiet", "--detach", "main"]).ok();
    place
}

#[track_caller]
fn nothing_changes(place: &Place, trick: &str) {
    let pwned = place.root().join("pwned");
    // Setting the trick up may have run it: that was the test's own git.
    let _ = fs::remove_file(&pwned);
    let repo = Repo::open(&place.repo()).unwrap();
    let id = |name: &str| repo.find_ref(&format!("refs/heads/{name}")).unwrap().unwrap();
    for (name, expected) in [("good", true), ("evil", false), ("joined", false)] {
        let candidate =
            Candidate { branch: "main".into(), old: id("main"), new: New::Commit(id(name)), accepted: None };
        let ruling = admit::admit(&repo, &candidate).unwrap();
        assert_eq!(matches!(ruling, Ruling::Allow(_)), expected, "{trick}: {name}: {ruling:?}");
        let status = i32::from(!expected);
        let range = format!("{}..{}", id("main"), id(name));
        let out = place.flow(&["check", "--target", "main", &range]);
        assert_eq!(out.status, status, "{trick}: {name}: {out:?}");
    }
    let trees = ["main", "evil"].map(|name| repo.commit(id(name)).unwrap().tree);
    let diff = Sealed::over(&repo).unwrap().diff(trees[0], trees[1], &[]).unwrap();
    let diff = String::from_utf8_lossy(&diff);
    assert!(diff.contains("-nine\n+evil()\n") && diff.contains("+* -diff"), "{trick}: {diff}");
    assert!(!pwned.exists(), "{trick} ran something");
}

#[test]
fn no_trick_of_a_repository_blinds_bends_or_runs_anything() {
    let place = place();
    nothing_changes(&place, "no trick");
    let git_dir = place.repo().join(".git");
    let evil = place.script("evil", &format!("touch '{}'", place.root().join("pwned").display()));
    let evil = evil.to_str().unwrap();
    let rev = |name: &str| place.git_says(&["rev-parse", name]);
    let (main, bad, tree) = (rev("main"), rev("evil"), rev("evil^{tree}"));

    fs::create_dir_all(git_dir.join("info")).unwrap();
    let attributes = "* -diff -text diff=evil filter=evil\napp.rs merge=evil\n";
    fs::write(git_dir.join("info/attributes"), attributes).unwrap();
    fs::write(place.repo().join(".gitattributes"), "* -diff merge=union\n").unwrap();
    let hooks = place.root().join("evil-hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in ["reference-transaction", "pre-commit", "post-index-change", "post-checkout"] {
        fs::copy(evil, hooks.join(hook)).unwrap();
        fs::set_permissions(hooks.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let included = place.root().join("included");
    fs::write(&included, format!("[diff]\n\texternal = {evil}\n[core]\n\tpager = {evil}\n")).unwrap();
    for (key, value) in [
        ("diff.external", evil),
        ("diff.evil.command", evil),
        ("diff.evil.textconv", evil),
        ("diff.evil.binary", "true"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.renames", "copies"),
        ("merge.evil.driver", evil),
        ("merge.default", "evil"),
        ("merge.directoryRenames", "true"),
        ("merge.renames", "false"),
        ("filter.evil.clean", evil),
        ("filter.evil.smudge", evil),
        ("filter.evil.process", evil),
        ("core.sshCommand", evil),
        ("core.pager", evil),
        ("core.editor", evil),
        ("core.alternateRefsCommand", evil),
        ("core.attributesFile", git_dir.join("info/attributes").to_str().unwrap()),
        ("alias.merge-tree", &format!("!{evil}")),
        ("includeIf.gitdir:/.path", included.to_str().unwrap()),
        ("core.fsmonitor", evil),
        ("core.hooksPath", hooks.to_str().unwrap()),
    ] {
        place.git(&["config", key, value]).ok();
    }
    nothing_changes(&place, "attributes, drivers, filters, hooks and config");

    place.git(&["config", "core.hooksPath", "/dev/null"]).ok();
    place.git(&["config", "--unset", "core.fsmonitor"]).ok();
    place.git(&["replace", &bad, &main]).ok();
    nothing_changes(&place, "a replaced commit");
    place.git(&["replace", "--delete", &bad]).ok();
    place.git(&["replace", &tree, &rev("main^{tree}")]).ok();
    nothing_changes(&place, "a replaced tree");
    place.git(&["replace", "--delete", &tree]).ok();

    // What evil's parent is said to be would make it the approved merge's own content.
    fs::write(git_dir.join("info/grafts"), format!("{bad} {}\n", rev("good"))).unwrap();
    nothing_changes(&place, "a graft");
    fs::remove_file(git_dir.join("info/grafts")).unwrap();

    place.git(&["commit-graph", "write", "--reachable"]).ok();
    let graph = git_dir.join("objects/info/commit-graph");
    let mut bytes = fs::read(&graph).unwrap();
    let [from, to] = [tree, rev("main^{tree}")].map(|hex| gix::ObjectId::from_hex(hex.as_bytes()).unwrap());
    let at = bytes.windows(20).position(|window| window == from.as_slice()).unwrap();
    bytes[at..at + 20].copy_from_slice(to.as_slice());
    fs::set_permissions(&graph, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&graph, bytes).unwrap();
    assert_eq!(
        place.git_says(&["log", "-1", "--format=", "--name-only", "evil"]),
        "",
        "git itself is blinded"
    );
    nothing_changes(&place, "a forged commit-graph");
}
