//! Several reviewers: how many it takes, and who can take back a no.

use super::commit;
use crate::support::{Out, Place};

const BLOCK: &str = r#"findings='[{"path":"app.txt","line":1,"severity":"P1","body":"Wrong"}]'"#;

/// Reviewers `a`, `b` and `c` of three vendors, `twin` of b's, of whom two must approve; hooks are installed.
fn place() -> Place {
    let mut config = "version = 1\n[gate]\napprovals = 2\n[review]\ntimeout = \"60s\"\n".to_owned();
    for (name, vendor) in [("a", "alpha"), ("b", "beta"), ("twin", "beta"), ("c", "gamma")] {
        config += &format!(
            "[agents.{name}]\ncommand = [\"{name}\"]\nvendor = \"{vendor}\"\n[reviewers.{name}]\nagent = \"{name}\"\n"
        );
    }
    let place = Place::with_config(&config);
    for name in ["a", "b", "twin", "c"] {
        says(&place, name, "");
    }
    place.flow(&["init"]).ok();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    commit(&place, "app.txt", "one\n");
    place
}

fn says(place: &Place, name: &str, decide: &str) {
    let asked = place.root().join("asked").display().to_string();
    place.reviewer(name, &format!("echo {name} >> {asked}\n{decide}"));
}

/// Who has been asked since this was asked last.
fn asked(place: &Place) -> Vec<String> {
    let file = place.root().join("asked");
    let names = std::fs::read_to_string(&file).unwrap_or_default();
    let _ = std::fs::remove_file(file);
    names.lines().map(str::to_owned).collect()
}

/// Merges the topic into main, asking nobody.
fn merge(place: &Place) -> Out {
    place.git(&["switch", "--quiet", "main"]).ok();
    let out = place.git(&["merge", "--no-edit", "topic"]);
    place.git(&["switch", "--quiet", "topic"]).ok();
    out
}

fn main(place: &Place) -> String {
    place.git_says(&["rev-parse", "main"])
}

#[test]
fn two_vendors_must_approve_and_two_of_one_are_one() {
    let place = place();
    place.flow(&["review", "--reviewer", "b"]).exits(2).says("2 approvals of distinct vendors");
    place.flow(&["review", "--reviewer", "twin"]).exits(2).says("2 approvals of distinct vendors");
    assert_eq!(asked(&place), ["b", "twin"]);
    place.flow(&["review", "--reviewer", "a"]).ok();
    let before = main(&place);
    merge(&place).ok();
    assert_ne!(main(&place), before);
    assert_eq!(asked(&place), ["a"], "the merge asked nobody");
}

#[test]
fn rivals_are_asked_until_enough_vendors_approve() {
    let place = place();
    place.flow(&["review"]).ok();
    assert_eq!(asked(&place), ["a", "b"]);
    merge(&place).ok();
    assert_eq!(asked(&place), [""; 0]);
}

#[test]
fn only_who_blocked_can_take_it_back() {
    let place = place();
    says(&place, "b", BLOCK);
    place.flow(&["review"]).exits(1).says("REQUEST CHANGES by b (beta)");
    assert_eq!(asked(&place), ["a", "b"], "a no ends it");
    let before = main(&place);
    merge(&place).exits(128).says("b (beta)");
    assert_eq!(main(&place), before);

    // Others' approvals do not help, not even those of two vendors or of one of its own vendor.
    for other in ["c", "twin", "a"] {
        place.flow(&["review", "--again", "--reviewer", other]).exits(1).says("REQUEST CHANGES by b (beta)");
    }
    merge(&place).exits(128).says("b (beta)");
    assert_eq!(main(&place), before);
    assert_eq!(asked(&place), ["c", "twin", "a"]);

    // Asked again without a name, it is the one that blocks.
    place.flow(&["review", "--again"]).exits(1);
    assert_eq!(asked(&place), ["b"]);
    says(&place, "b", "");
    place.flow(&["review", "--again", "--reviewer", "b"]).ok().says("APPROVE by b (beta)");
    merge(&place).ok();
    assert_ne!(main(&place), before);
    assert_eq!(asked(&place), ["b"]);
}

#[test]
fn a_namesake_of_another_vendor_takes_nothing_back() {
    let place = place();
    says(&place, "b", BLOCK);
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
    says(&place, "b", "");
    place
        .flow(&["review", "--again", "--reviewer", "b"])
        .exits(1)
        .says("APPROVE by b (delta)")
        .says("REQUEST CHANGES by b (beta)");
    merge(&place).exits(128).says("b (beta)");
}
