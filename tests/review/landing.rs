//! A change is judged in a form from which its target can take it in.

use super::place;
use crate::support::Place;
use serde_json::Value;

/// The paths that the last request asks about.
fn asked_about(place: &Place) -> String {
    let request = place.request();
    let line = request.lines().find_map(|line| line.strip_prefix("REQUEST ")).unwrap();
    let asked: Value = serde_json::from_str(line).unwrap();
    asked["files"].to_string()
}

/// Lines of a program with twin functions, of which `allowed` decides.
const TWINS: &str = "def mocked():\n    user = find()\n    return user.admin\n\n# filler\n# filler\n# filler\n# filler\n\
                     # filler\n\ndef allowed():\n    user = find()\n    return user.admin\n";

#[test]
fn the_base_of_a_branch_is_where_it_parted_and_moves_with_nothing_else() {
    let place = place("");
    place.switch("main");
    place.commit("other.txt", "other\n");
    let out = place.flow(&["review", "topic"]).ok();
    assert!(!out.stderr.contains("would land"), "{}", out.stderr);
    assert_eq!(asked_about(&place), r#"["app.txt"]"#);
}

#[test]
fn a_range_on_a_base_that_the_target_never_had_is_judged_as_it_would_land() {
    let place = place("");
    place.switch("main");
    std::fs::create_dir(place.repo().join("src")).unwrap();
    place.commit("src/auth.py", TWINS);
    place.branch("stage", "main");
    std::fs::create_dir(place.repo().join("tests")).unwrap();
    place.git(&["mv", "src/auth.py", "tests/mock_auth.py"]).ok();
    place.git(&["commit", "--quiet", "-m", "Prepare"]).ok();
    place.commit("tests/mock_auth.py", TWINS.replace("return user.admin\n\n#", "return True\n\n#"));
    place.flow(&["review", "stage~1..stage"]).ok().says("judged as it would land on `main`");
    let request = place.request();
    let net = request.split("<<<DATA").find(|part| part.contains("the whole difference")).unwrap();
    assert!(net.contains("+++ b/src/auth.py") && !net.contains("mock_auth"), "{net}");
    // The lower commit was not shown: the branch as a whole is another change.
    place.switch("main");
    place.flow(&["check", "main..stage"]).exits(1);
}

#[test]
fn the_upper_part_of_a_stack_is_judged_on_the_lower_one() {
    let place = place("");
    place.flow(&["review"]).ok();
    place.branch("upper", "topic");
    place.commit("app.txt", "one\ntwo\nthree\nfour\n");
    let out = place.flow(&["review", "topic..upper"]).ok();
    assert!(!out.stderr.contains("would land"), "{}", out.stderr);
    let request = place.request();
    assert!(request.contains("+four") && !request.contains("+three"), "{request}");
    place.flow(&["check", "main..upper"]).ok();
}

#[test]
fn what_the_gate_lets_in_already_is_not_judged_and_paid_for_again() {
    let place = place("");
    place.flow(&["review"]).ok();
    place.switch("main");
    place.commit("other.txt", "other\n");
    place.branch("squashed", "main");
    place.git(&["merge", "--quiet", "--squash", "topic"]).ok();
    place.git(&["commit", "--quiet", "-m", "Squash"]).ok();
    place.asked_since();
    place.flow(&["review"]).ok().says("lets this in already").says("APPROVE by judge");
    assert_eq!(place.asked_since().len(), 0);
    place.flow(&["review", "--again"]).ok();
    assert_eq!(place.asked_since(), ["judge"]);
}
