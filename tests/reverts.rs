//! What the branch took back stays out until it is reviewed anew, also as a part of more.

use crate::support::{Config, Out, Place};

const GUARD: &str = "check\nrun\n1\n2\n3\n4\nend\n";

/// `main` is protected and has a numbered file and a guard.
fn place() -> Place {
    let place = Place::with_config(Config::protected().names("gpt", "openai"));
    place.commit_saying("Number the lines", "lines", lines(""));
    place.commit_saying("Guard", "guard", GUARD);
    place
}

/// Thirty numbered lines, with one more after the tenth.
fn lines(more: &str) -> String {
    (1..=30).map(|line| if line == 10 { format!("10\n{more}") } else { format!("{line}\n") }).collect()
}

/// A commit on a branch of its own that starts at `main`, approved.
fn approved(place: &Place, branch: &str, file: &str, text: &str) {
    place.branch(branch, "main");
    place.commit_saying(branch, file, text);
    place.approve("main", branch);
}

/// `first` lands and is reverted, both under verdicts.
fn land_and_revert(place: &Place) {
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "first"]).ok();
    place.git(&["switch", "--quiet", "-c", "back", "main"]).ok();
    place.git(&["revert", "--no-edit", "HEAD"]).ok();
    place.approve("main", "back");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "back"]).ok();
}

/// Picks the branch onto `main` and asks whether it may enter.
fn picked(place: &Place, branch: &str) -> Out {
    place.git(&["switch", "--quiet", "-C", "work", "main"]).ok();
    place.git(&["cherry-pick", branch]).ok();
    place.flow(&["check", "main..work"])
}

#[test]
fn an_older_approval_of_more_brings_nothing_back() {
    let unguarded = GUARD.replace("check\n", "");
    let guarded_late = GUARD.replace("check\nrun\n", "run\ncheck\n");
    let spaced = GUARD.replace("check\n", "check\n\n");
    for (file, once, more) in [
        ("lines", lines("danger\n"), lines("danger\n").replace("25\n", "twenty-five\n")),
        ("guard", unguarded.clone(), unguarded.replace("end", "End")),
        ("guard", guarded_late.clone(), guarded_late.replace("end", "End")),
        ("guard", spaced.clone(), spaced.replace("end", "End")),
        ("new", "danger\n".into(), "danger\nand more\n".into()),
    ] {
        let place = place();
        approved(&place, "more", file, &more);
        approved(&place, "first", file, &once);
        land_and_revert(&place);
        picked(&place, "more").exits(1).says("taken out again");
        place.approve("main", "work");
        place.flow(&["check", "main..work"]).ok();
    }
}

/// The commits of the change are the branch's own then, not copies of them.
#[test]
fn what_came_in_as_the_lower_half_of_a_topic_comes_back_under_no_approval_of_the_whole() {
    let place = place();
    approved(&place, "first", "lines", &lines("danger\n"));
    place.git(&["switch", "--quiet", "-c", "more", "first"]).ok();
    place.commit_saying("more", "lines", lines("danger\n").replace("25\n", "twenty-five\n"));
    place.approve("main", "more");
    land_and_revert(&place);
    place.git(&["switch", "--quiet", "-C", "work", "main"]).ok();
    place.git(&["cherry-pick", "--no-commit", "more~2..more"]).ok();
    place.git(&["commit", "--quiet", "-m", "Once more"]).ok();
    place.flow(&["check", "main..work"]).exits(1).says("taken out again");
}

#[test]
fn a_mode_that_was_taken_back_comes_back_under_no_older_approval() {
    let place = place();
    for branch in ["more", "first"] {
        place.git(&["switch", "--quiet", "-c", branch, "main"]).ok();
        place.git(&["update-index", "--chmod=+x", "guard"]).ok();
        if branch == "more" {
            place.write("other", "other\n");
            place.git(&["add", "other"]).ok();
        }
        place.git(&["commit", "--quiet", "-m", branch]).ok();
        place.git(&["reset", "--quiet", "--hard"]).ok();
        place.approve("main", branch);
    }
    land_and_revert(&place);
    picked(&place, "more").exits(1).says("taken out again");
}

#[test]
fn what_took_back_something_else_does_not_matter() {
    let place = place();
    approved(&place, "other", "lines", &lines("").replace("25\n", "twenty-five\n"));
    approved(&place, "first", "lines", &lines("danger\n"));
    land_and_revert(&place);
    picked(&place, "other").ok();
}

#[test]
fn a_clone_too_shallow_to_know_does_not_say_yes() {
    let place = place();
    approved(&place, "more", "lines", &lines("danger\n").replace("25\n", "twenty-five\n"));
    approved(&place, "first", "lines", &lines("danger\n"));
    land_and_revert(&place);
    for number in 0..4 {
        place.commit_saying("Go on", "other", format!("{number}\n"));
    }
    picked(&place, "more").exits(1);
    let from = format!("file://{}", place.repo().display());
    place.git(&["clone", "--quiet", "--depth=3", "--branch=main", &from, "../shallow"]).ok();
    let clone = place.root().join("shallow");
    for branches in ["work:work", "more:more"] {
        place.git_in(&clone, &["fetch", "--quiet", "--depth=3", "origin", branches]).ok();
    }
    place.git_in(&clone, &["fetch", "--quiet", "origin", "refs/notes/flow-ai:refs/notes/flow-ai"]).ok();
    let check = |status| place.flow_in(&clone, &["check", "main..work"]).exits(status);
    check(2).says("git fetch");
    place.git_in(&clone, &["fetch", "--quiet", "--unshallow"]).ok();
    check(1).says("taken out again");
}

#[test]
fn what_a_merge_left_out_is_not_said_to_have_been_in() {
    let place = place();
    approved(&place, "first", "lines", &lines("new\n"));
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "-s", "ours", "first"]).ok();
    picked(&place, "first").exits(1).says("in its history, and it was left out or taken out again");
    place.approve("main", "work");
    place.flow(&["check", "main..work"]).ok();
}
