//! Branches and tags that are called like a ref in full, and what else has no place at a server: none of it keeps
//! out what was approved, or leads it astray.

use crate::support::{Config, Out, Place};
use std::path::PathBuf;

const NOTES: &str = "refs/notes/flow-ai";

/// A server whose `main` is protected, by a gate only if `guarded`; `topic` is approved.
fn place(guarded: bool) -> Place {
    let place = Place::with_config(Config::new().names("codex", "openai"));
    place.server("origin");
    if guarded {
        place.flow_in(&server(&place), &["init"]).ok();
    }
    place.branch("topic", "main");
    place.commit("new", "new\n");
    place.approve("main", "topic");
    place.switch("main");
    place
}

fn server(place: &Place) -> PathBuf {
    place.root().join("origin.git")
}

fn at_server(place: &Place, name: &str) -> Option<String> {
    let out = place.git_in(&server(place), &["show-ref", "--hash", "--verify", name]);
    (out.status == 0).then(|| out.stdout.trim().to_owned())
}

fn push(place: &Place, what: &str) -> Out {
    place.git(&["push", "--quiet", "origin", what])
}

/// What is at the server below a folder of refs.
fn below(place: &Place, folder: &str) -> String {
    place.git_in(&server(place), &["for-each-ref", folder]).ok().stdout
}

#[test]
fn a_server_takes_no_branch_or_tag_that_is_called_like_a_ref() {
    let place = place(true);
    for name in [
        "refs/heads/refs/heads/main",
        "refs/heads/refs/notes/flow-ai",
        "refs/tags/refs/heads/main",
        "refs/remotes/refs/heads/main",
        "refs/refs/heads/main",
    ] {
        push(&place, &format!("main:{name}")).exits(1).says("could be taken for another ref");
    }
    // One that is there goes away.
    let name = "refs/heads/refs/heads/main";
    place.git_in(&server(&place), &["update-ref", name, "main"]).ok();
    push(&place, &format!(":{name}")).ok();
    assert_eq!(at_server(&place, name), None);
}

#[test]
fn a_branch_called_like_main_keeps_nothing_out() {
    for how in ["topic:main", "ID:main", "main"] {
        let place = place(true);
        let decoys = ["refs/heads/refs/heads/main", "refs/tags/refs/heads/main", "refs/tags/main"];
        for name in decoys {
            place.git_in(&server(&place), &["update-ref", name, "main"]).ok();
        }
        let before = place.id("main");
        if how == "main" {
            place.ungated(&["merge", "--quiet", "topic"]).ok();
            // Names that a pattern could match as well.
            place.branch("main2", "main~1");
            place.branch("xmain", "main~1");
            place.switch("main");
        }
        let id = place.id("topic");
        let out = place.flow(&["push", "origin", &how.replace("ID", &id)]).ok();
        assert!(!out.stdout.contains("refs/flow-ai/push"), "{out:?}");
        assert_eq!(at_server(&place, "refs/heads/main"), Some(id.clone()), "{how}");
        assert!(decoys.iter().all(|name| at_server(&place, name) == Some(before.clone())), "{how}");
        assert_eq!(below(&place, "refs/heads").lines().count(), 2, "{how}");
        assert_eq!(place.git_says(&["for-each-ref", "refs/flow-ai/push"]), "");
    }
}

#[test]
fn a_new_branch_goes_to_its_own_name_and_several_at_once() {
    let place = place(true);
    place.git_in(&server(&place), &["update-ref", "refs/heads/refs/heads/topic", "main"]).ok();
    let decoy = at_server(&place, "refs/heads/refs/heads/topic");
    place.branch("topic2", "topic");
    place.flow(&["push", "origin", "topic", "topic2"]).ok();
    for name in ["topic", "topic2"] {
        assert_eq!(at_server(&place, &format!("refs/heads/{name}")), Some(place.id(name)));
    }
    assert_eq!(at_server(&place, "refs/heads/refs/heads/topic"), decoy);
}

#[test]
fn verdicts_are_exchanged_with_the_notes_and_nothing_else() {
    for folder in ["refs/heads/", "refs/tags/", "refs/remotes/", "refs/"] {
        let place = place(false);
        let decoy = format!("{folder}{NOTES}");
        place.git_in(&server(&place), &["update-ref", &decoy, "main"]).ok();
        let before = at_server(&place, &decoy);
        place.flow(&["sync"]).ok();
        assert_eq!(at_server(&place, NOTES), Some(place.id(NOTES)), "{folder}");
        assert_eq!(at_server(&place, &decoy), before, "{folder}");
        let again = place.flow(&["sync"]).ok();
        assert!(!again.stderr.contains("deleted"), "{again:?}");
        place.flow(&["push", "origin", "topic:main"]).ok();
        assert_eq!(at_server(&place, "refs/heads/main"), Some(place.id("topic")));
    }
}

#[test]
fn what_was_never_judged_is_not_kept() {
    let place = place(true);
    let tree = place.id("main^{tree}");
    let blob = place.id("main:README.md");
    place.git(&["tag", "-a", "-m", "Tag", "v1", "main"]).ok();
    let tag = place.id("refs/tags/v1");
    for id in [&tree, &blob, &tag] {
        let refspec = format!("{id}:refs/flow-ai/keep/{id}");
        push(&place, &refspec).exits(1).says("may only be the commit of that name");
    }
    push(&place, &format!("main:refs/flow-ai/keep/{tree}")).exits(1);
}

#[test]
fn what_a_server_keeps_wrongly_stops_nobody_and_is_cleaned() {
    let place = place(true);
    let tree = place.id("main^{tree}");
    let wrong = format!("refs/flow-ai/keep/{tree}");
    let elsewhere = format!("refs/flow-ai/keep/{}", "1".repeat(40));
    for (name, at) in [(&wrong, &tree), (&elsewhere, &place.id("main"))] {
        place.git_in(&server(&place), &["update-ref", name, at]).ok();
    }
    place.flow(&["sync"]).ok();
    assert_eq!(place.git_says(&["for-each-ref", &wrong, &elsewhere]), "", "they are taken over");
    place.flow(&["push", "origin", "topic:main"]).ok();
    assert_eq!(at_server(&place, "refs/heads/main"), Some(place.id("topic")));
    // Where one has come in all the same.
    place.git(&["update-ref", &wrong, &tree]).ok();
    place.flow(&["clean"]).ok().says("what was never judged");
    let there = place.flow_in(&server(&place), &["clean"]).ok();
    there.says(&wrong).says(&elsewhere);
    assert_eq!((at_server(&place, &wrong), at_server(&place, &elsewhere)), (None, None));
}
