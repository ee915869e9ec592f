//! Several reviewers: how many it takes, and who can take back a no.

use crate::support::verdicts::author;
use crate::support::{Config, Out, Place};

const BLOCK: &str = r#"findings='[{"path":"app.txt","line":1,"severity":"P1","body":"Wrong"}]'"#;

/// Reviewers `a`, `b` and `c` of three vendors, `twin` of b's, of whom two must approve; hooks are installed.
fn place() -> Place {
    let config = Config::new().gate("approvals = 2").review("timeout = \"60s\"");
    let reviewers = [("a", "alpha"), ("b", "beta"), ("twin", "beta"), ("c", "gamma")];
    let place = Place::with_config(
        reviewers.iter().fold(config, |config, (name, vendor)| config.reviewer(name, vendor)),
    );
    for (name, _) in reviewers {
        place.watched_reviewer(name, "");
    }
    place.flow(&["init"]).ok();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit("app.txt", "one\n");
    place
}

/// Merges the topic into main, asking nobody.
fn merge(place: &Place) -> Out {
    place.git(&["switch", "--quiet", "main"]).ok();
    let out = place.git(&["merge", "--no-edit", "topic"]);
    place.git(&["switch", "--quiet", "topic"]).ok();
    out
}

#[test]
fn two_vendors_must_approve_and_two_of_one_are_one() {
    let place = place();
    place.flow(&["review", "--reviewer", "b"]).exits(2).says("2 approvals of distinct vendors");
    place.flow(&["review", "--reviewer", "twin"]).exits(2).says("2 approvals of distinct vendors");
    assert_eq!(place.asked_since(), ["b", "twin"]);
    place.flow(&["review", "--reviewer", "a"]).ok();
    let before = place.id("main");
    merge(&place).ok();
    assert_ne!(place.id("main"), before);
    assert_eq!(place.asked_since(), ["a"], "the merge asked nobody");
}

#[test]
fn rivals_are_asked_until_enough_vendors_approve() {
    let place = place();
    place.flow(&["review"]).ok();
    assert_eq!(place.asked_since(), ["a", "b"]);
    merge(&place).ok();
    assert_eq!(place.asked_since(), [""; 0]);
}

#[test]
fn whose_verdict_is_there_is_asked_anew_only_if_the_user_says_so() {
    let place = place();
    place.flow(&["review", "--reviewer", "b"]).exits(2);
    place.flow(&["review", "--reviewer", "b"]).exits(2).says("2 approvals of distinct vendors");
    assert_eq!(place.asked_since(), ["b"]);
    place.flow(&["review", "--again", "--reviewer", "b"]).exits(2);
    assert_eq!(place.asked_since(), ["b"]);
    place.flow(&["review"]).ok();
    assert_eq!(place.asked_since(), ["a"], "neither b nor its twin, whose approval adds nothing");
}

#[test]
fn where_too_few_vendors_are_left_nobody_is_paid_and_the_way_is_said() {
    let place = place();
    let both = "Flow-Vendor: alpha\nFlow-Vendor: beta";
    place.git(&["commit", "--quiet", "--amend", "-m", "All", "-m", both]).ok();
    let refused = place.flow(&["review"]).exits(2);
    refused
        .says("only gamma had no hand in this change")
        .says("add a reviewer of another vendor")
        .says("waivers");
    let refused = merge(&place).exits(128).says("it needs approvals of more vendors than gamma");
    assert!(!refused.stderr.contains("have it judged"), "{}", refused.stderr);
    assert_eq!(place.asked_since(), [""; 0]);
}

#[test]
fn only_who_blocked_can_take_it_back() {
    let place = place();
    place.watched_reviewer("b", BLOCK);
    place.flow(&["review"]).exits(1).says("REQUEST CHANGES by b (beta)");
    assert_eq!(place.asked_since(), ["a", "b"], "a no ends it");
    let before = place.id("main");
    merge(&place).exits(128).says("b (beta)");
    assert_eq!(place.id("main"), before);

    // Others' approvals do not help, not even those of two vendors or of one of its own vendor.
    for other in ["c", "twin", "a"] {
        place.flow(&["review", "--again", "--reviewer", other]).exits(1).says("REQUEST CHANGES by b (beta)");
    }
    merge(&place).exits(128).says("b (beta)");
    assert_eq!(place.id("main"), before);
    assert_eq!(place.asked_since(), ["c", "twin", "a"]);

    // Asked again without a name, it is the one that blocks.
    place.flow(&["review", "--again"]).exits(1);
    assert_eq!(place.asked_since(), ["b"]);
    place.watched_reviewer("b", "");
    place.flow(&["review", "--again", "--reviewer", "b"]).ok().says("APPROVE by b (beta)");
    merge(&place).ok();
    assert_ne!(place.id("main"), before);
    assert_eq!(place.asked_since(), ["b"]);
}

#[test]
fn a_namesake_of_another_vendor_is_somebody_else() {
    let place = place();
    place.watched_reviewer("b", BLOCK);
    place.flow(&["review"]).exits(1);
    // Whoever owns the branch hires another vendor under the old name.
    let config = place.git_says(&["show", "main:.zenflow/config.toml"]).replacen(
        "vendor = \"beta\"",
        "vendor = \"delta\"",
        1,
    );
    place.git(&["switch", "--quiet", "main"]).ok();
    place.write(".zenflow/config.toml", config);
    place
        .git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-a", "--no-verify", "-m", "Hire"])
        .ok();
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.watched_reviewer("b", "");
    place.flow(&["review", "--again", "--reviewer", "b"]).says("APPROVE by b (delta)");
    // The config does not name the old one any more: what it said is advice, and the new one has to judge.
    let list = place.flow(&["verdict", "list", "--json"]).ok().stdout;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let of_old: Vec<&str> = list["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["verdict"]["reviewer"]["vendor"] == "beta")
        .map(|one| one["why"].as_str().unwrap())
        .collect();
    assert_eq!(of_old, ["it is advice: the branch's config does not name its reviewer"]);
}

#[test]
fn asking_until_somebody_says_yes_leaves_a_trace() {
    let place = place();
    place.flow(&["review"]).ok();
    place.watched_reviewer("b", BLOCK);
    for _ in 0..2 {
        place.flow(&["review", "--again", "--reviewer", "b"]).exits(1);
    }
    place.watched_reviewer("b", "");
    place
        .flow(&["review", "--again", "--reviewer", "b"])
        .ok()
        .says("APPROVE by b (beta) on 2 files, 0 findings, asked 4 times:");
    place
        .flow(&["verdict", "list"])
        .ok()
        .says("APPROVE (asked 4 times)")
        .says("REQUEST CHANGES (asked 3 times)");
    place.flow(&["verdict", "show"]).ok().says("again       asked 4 times: its earlier answers");
    // Also where the gate is asked, and by a new message on the same change.
    place.flow(&["check", "main..topic"]).ok().says("APPROVE by b (beta), asked 4 times:");
    place.git(&["commit", "--quiet", "--amend", "-m", "Anew"]).ok();
    place
        .flow(&["review", "--again", "--reviewer", "b"])
        .says("APPROVE by b (beta) on 2 files, 0 findings, asked 4 times:");
}

#[test]
fn the_policy_limits_how_often_one_reviewer_is_asked() {
    let config = Config::new().gate("max_asks = 2").reviewer("a", "alpha").reviewer("b", "beta");
    let place = Place::with_config(config);
    place.watched_reviewer("a", BLOCK);
    place.watched_reviewer("b", "");
    place.flow(&["init"]).ok();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit("app.txt", "one\n");
    place.flow(&["review"]).exits(1);
    place.flow(&["review", "--again"]).exits(1).says("asked 2 times");
    place.watched_reviewer("a", "");
    assert_eq!(place.asked_since(), ["a", "a"]);
    place.flow(&["review", "--again"]).exits(1).says("a has answered 2 times on this very change");
    assert_eq!(place.asked_since(), [""; 0], "nobody was asked");
    merge(&place).exits(128).says("a (alpha)");
    // What is recorded in spite of it does not count.
    let mut late = place.verdict("main", "topic");
    late.reviewer = author("a", "alpha");
    late.again = 2;
    late.time = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(1);
    place.record(&late);
    merge(&place).exits(128).says("a (alpha)");
    place
        .flow(&["verdict", "list"])
        .ok()
        .says("no: its reviewer had been asked as often as gate.max_asks allows");
}
