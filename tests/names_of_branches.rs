//! A protected branch by whatever name: other names of it, names that are no text, and what a pusher may do to
//! what was judged.

use crate::support::{Config, Out, Place};
use git_flow_ai::domain::verdict::Verdict;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// `topic` is a commit ahead of `main`, `other` too, and both are on a gated server, which lets in `main`.
fn place() -> Place {
    let place = Place::with_branches(Config::lookup_only(), &["topic", "other"]);
    let server = place.server("origin");
    place.flow_in(&server, &["init"]).ok();
    place.git(&["fetch", "--quiet", "origin"]).ok();
    place
}

fn odd(place: &Place, line: &[u8]) -> Out {
    Out::run(place.command("sh").arg("-c").arg(OsStr::from_bytes(line)))
}

#[test]
fn a_chain_of_names_is_one_branch_whenever_it_was_made() {
    let place = place();
    place.flow(&["init"]).ok();
    let main = place.id("main");
    let link = |from: &str, to: &str| {
        place.ungated(&["symbolic-ref", &format!("refs/heads/{from}"), &format!("refs/heads/{to}")]).ok()
    };
    // a → b → main
    link("b", "main");
    link("a", "b");
    for name in ["a", "b"] {
        place
            .git(&["update-ref", &format!("refs/heads/{name}"), "topic"])
            .exits(128)
            .says("`main` may not move");
    }
    // main → d → c, and a branch in the middle that is sent elsewhere.
    place.ungated(&["branch", "c", "main"]).ok();
    link("d", "c");
    link("main", "d");
    place.git(&["update-ref", "refs/heads/c", "topic"]).exits(128).says("`main` may not move");
    if git_flow_ai::system::git::version().unwrap() >= (2, 46) {
        place
            .git(&["symbolic-ref", "refs/heads/d", "refs/heads/topic"])
            .exits(128)
            .says("`main` is protected");
        place
            .git(&["symbolic-ref", "refs/heads/c", "refs/heads/topic"])
            .exits(128)
            .says("`main` is protected");
    }
    assert_eq!(place.id("main"), main);
    // One in the middle is not there yet, and the remote still has what was deleted here.
    place.ungated(&["update-ref", "--no-deref", "-d", "refs/heads/main"]).ok();
    link("main", "e");
    place.git(&["branch", "e", "topic"]).exits(128).says("`main` is protected, and was deleted here");
    place.git(&["branch", "e", "main~1"]);
    // At the server, by any of its names.
    let server = place.root().join("origin.git");
    let at = |from: &str, to: &str| place.git_in(&server, &["symbolic-ref", from, to]).ok();
    place.git_in(&server, &["branch", "trunk", "main"]).ok();
    at("refs/heads/between", "refs/heads/trunk");
    at("refs/heads/main", "refs/heads/between");
    for to in ["trunk", "between", "main"] {
        place
            .git(&["push", "--quiet", "--no-verify", "origin", &format!("topic:{to}")])
            .exits(1)
            .says("this push to `main` is refused");
    }
}

#[test]
fn a_name_that_is_no_text_hides_no_protected_branch_and_stops_nothing_else() {
    let place = place();
    place.flow(&["init"]).ok();
    odd(&place, b"git update-ref refs/heads/free-\xff main && git update-ref refs/heads/free-\xff topic")
        .ok();
    odd(&place, b"git push --quiet origin refs/heads/free-\xff").ok();
    odd(&place, b"git push --quiet origin other:refs/heads/free-\xfe").ok();
    place.git(&["pack-refs", "--all"]).ok();
    // `main` is only another name for it.
    odd(&place, b"git update-ref refs/heads/odd-\xff main").ok();
    let main = place.id("main");
    odd(&place, b"printf 'ref: refs/heads/odd-\\377\\n' > .git/refs/heads/main").ok();
    let out = odd(&place, b"git update-ref refs/heads/odd-\xff topic");
    assert_ne!(out.status, 0, "{out:?}");
    assert_eq!(place.id("main"), main);
    place.git(&["pack-refs", "--all"]).ok();
    place.git(&["gc", "--quiet"]).ok();
}

#[test]
fn what_was_judged_is_kept_at_the_server_until_the_server_cleans() {
    let place = place();
    let verdict = place.verdict("main", "topic");
    place.record(&Verdict { time: jiff::Timestamp::now(), ..verdict });
    place.flow(&["sync"]).ok();
    let kept = place.git_says(&["for-each-ref", "--format=%(refname)", "refs/flow-ai/keep"]);
    let push = |refs: &[&str]| place.git(&[&["push", "--quiet", "--no-verify", "origin"], refs].concat());
    push(&[&format!(":{kept}")]).exits(1).says("may not be deleted").says("git flow-ai clean");
    push(&["--prune", "refs/flow-ai/keep/none*:refs/flow-ai/keep/*"]).exits(1).says("may not be deleted");
    push(&[&format!("+other:{kept}")]).exits(1).says("may only be the commit of that name");
    push(&["other:refs/flow-ai/keep/mine"]).exits(1).says("may only be the commit of that name");
    // What is not merged stays, what is goes.
    let server = place.root().join("origin.git");
    let there = || place.git_in(&server, &["for-each-ref", "refs/flow-ai/keep"]).stdout.lines().count();
    place.flow_in(&server, &["clean"]).ok();
    assert_eq!(there(), 1);
    place.git(&["push", "--quiet", "--no-verify", "origin", "topic:main"]).ok();
    place.flow_in(&server, &["clean"]).ok();
    assert_eq!(there(), 0);
    // What is old goes too, merged or not.
    place.approve("main", "other");
    place.flow(&["sync"]).ok();
    assert_ne!(there(), 0);
    place.flow_in(&server, &["clean"]).ok();
    assert_eq!(there(), 0);
}

#[test]
fn a_push_publishes_only_what_belongs_to_what_is_pushed() {
    let place = place();
    place.approve("main", "topic");
    // Somebody's work that is in no pushed branch, judged here.
    place.branch("secret", "main");
    place.commit_saying("Secret", "secret", "not to be published\n");
    let secret = place.id("secret");
    place.switch("main");
    place.approve("main", "secret");
    place.flow(&["push", "origin", "topic"]).ok();
    let server = place.root().join("origin.git");
    let kept = || place.git_in(&server, &["for-each-ref", "refs/flow-ai/keep"]).stdout.lines().count();
    assert_eq!(kept(), 1);
    place.git_in(&server, &["cat-file", "-e", &secret]).exits(1);
    // What was rebased is judged by what it was before, which is in no branch.
    place.git(&["switch", "--quiet", "-c", "rebased", "other"]).ok();
    place.approve("main", "other");
    place.branch("moved", "main");
    place.git(&["merge", "--quiet", "--squash", "topic"]).ok();
    place.git(&["commit", "--quiet", "-m", "Squashed"]).ok();
    place.flow(&["push", "origin", "moved:main"]).ok();
    assert_eq!(kept(), 1);
    place.git_in(&server, &["cat-file", "-e", &secret]).exits(1);
}

#[test]
fn a_name_of_a_branch_and_of_a_commit_is_both_and_nothing_is_lacking() {
    let place = place();
    let short = place.id("topic")[..7].to_owned();
    place.git(&["branch", &short, "main"]).ok();
    let out = place.flow(&["check", &short, "--target", "main"]).exits(2);
    let out = out.says("is the beginning of an object's name too").says("write which one in full");
    assert!(!out.stderr.contains("lacks the commit") && !out.stderr.contains("git fetch"), "{}", out.stderr);
    // One that is nobody's is lacking; only by its full name a remote can be asked for it.
    let all = "0123456789abcdef0123456789abcdef01234567";
    place.flow(&["check", all, "--target", "main"]).exits(2).says(&format!("git fetch origin {all}"));
    let out =
        place.flow(&["check", &all[..8], "--target", "main"]).exits(2).says("lacks the commit 01234567");
    assert!(!out.stderr.contains("git fetch origin 01234567"), "{}", out.stderr);
}

#[test]
fn a_branch_without_a_commit_is_not_a_repository_without_one() {
    let place = place();
    place.git(&["switch", "--quiet", "--orphan", "pages"]).ok();
    for args in [&["check"][..], &["review"], &["verdict", "list"], &["doctor"]] {
        let out = place.flow(args);
        let said = out.stdout.clone() + &out.stderr;
        assert!(
            !said.contains("this repository has no commit") && !said.contains("no commits yet"),
            "{said}"
        );
        assert!(!said.contains("-m Begin"), "{said}");
    }
    place
        .flow(&["check"])
        .exits(2)
        .says("`pages`, which HEAD is on, has no commit yet")
        .says("git switch <branch>");
}
