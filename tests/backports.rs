//! `accept_from`: a release branch takes what `main` took, by an exact pick and on the same verdict.

use crate::support::{Config, Place};

/// `release` parts from `main`, accepts its changes, and is protected too. `topic` was judged for `main`.
fn place(accepts: bool) -> Place {
    let gate = "branches = [\"main\", \"release\"]\nreview_on_merge = false";
    let accept = if accepts { "\naccept_from = [\"main\"]" } else { "" };
    let place = Place::gated(Config::new().gate(format!("{gate}{accept}")).names("codex", "openai"));
    place.git(&["branch", "release"]).ok();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit_saying("Mend", "mend.txt", "one\ntwo\n");
    place.commit_saying("Mend more", "mend.txt", "one\ntwo\nthree\n");
    place.approve("main", "topic");
    place.git(&["switch", "--quiet", "main"]).ok();
    place
}

fn land(place: &Place) {
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"]).ok();
}

/// The pick of all of the topic onto the release; whether it came in.
fn pick(place: &Place) -> bool {
    place.git(&["switch", "--quiet", "-c", "port", "release"]).ok();
    place.git(&["cherry-pick", "release..topic"]).ok();
    place.git(&["push", "--quiet", ".", "port:release"]).status == 0
}

#[test]
fn what_landed_in_main_is_picked_on_the_same_verdict() {
    let place = place(true);
    land(&place);
    assert!(pick(&place));
    place.flow(&["verify", "--branch", "release"]);
    place.flow(&["check", "release~2..release", "--target", "release"]).ok();
}

#[test]
fn nothing_is_taken_where_the_policy_does_not_say_so() {
    let place = place(false);
    land(&place);
    assert!(!pick(&place));
}

#[test]
fn what_has_not_landed_there_is_not_taken() {
    let place = place(true);
    assert!(!pick(&place), "judged, and not in main");
}

#[test]
fn a_pick_that_is_not_exact_is_judged_anew() {
    let place = place(true);
    let lines: String = (1..40).map(|line| format!("{line}\n")).collect();
    place.git(&["switch", "--quiet", "-c", "long"]).ok();
    place.commit_saying("Long", "long.txt", &lines);
    place.approve("main", "long");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "--ff-only", "long"]).ok();
    // The release has the file in another form from the start.
    place.git(&["switch", "--quiet", "-c", "own", "release"]).ok();
    place.commit_saying("Long", "long.txt", lines.replace("30\n", "thirty\n"));
    let mut own = place.verdict("release", "own");
    own.target = "release".into();
    place.record(&own);
    place.git(&["switch", "--quiet", "release"]).ok();
    place.git(&["merge", "--quiet", "--ff-only", "own"]).ok();
    place.git(&["switch", "--quiet", "-c", "edit", "main"]).ok();
    place.commit_saying("Edit", "long.txt", lines.replacen("2\n", "two\n", 1));
    place.approve("main", "edit");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "--ff-only", "edit"]).ok();
    place.git(&["switch", "--quiet", "-c", "port", "release"]).ok();
    place.git(&["cherry-pick", "edit"]).ok();
    let tip = place.id("release");
    assert_ne!(place.git(&["push", "--quiet", ".", "port:release"]).status, 0);
    assert_eq!(place.id("release"), tip);
    // Judged for the release as well, it enters.
    let mut own = place.verdict("port~1", "port");
    own.target = "release".into();
    place.record(&own);
    place.git(&["push", "--quiet", ".", "port:release"]).ok();
}
