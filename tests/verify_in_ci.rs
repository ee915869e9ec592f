//! `verify` in a clone as a machine makes it: HEAD on no branch, and the protected one only as the remote has it.

use crate::support::{Config, Place};

#[test]
fn a_branch_that_is_protected_on_the_remote_and_not_here_is_not_told_to_be_unprotected() {
    let place = Place::with_config(Config::lookup_only());
    place.server("origin");
    let clone = place.root().join("clone");
    place.git(&["clone", "--quiet", "../origin.git", clone.to_str().unwrap()]).ok();
    let git = |args: &[&str]| place.git_in(&clone, args).ok();
    git(&["switch", "--quiet", "--detach"]);
    git(&["branch", "--quiet", "--delete", "--force", "main"]);
    for head in ["detached", "on a topic"] {
        if head == "on a topic" {
            git(&["switch", "--quiet", "-c", "topic"]);
        }
        place
            .flow_in(&clone, &["verify"])
            .exits(2)
            .says("`main` is protected on origin")
            .says("git branch main origin/main");
        let json = place.flow_in(&clone, &["verify", "--json"]).json();
        assert_eq!(json["answer"], "cannot-tell");
        assert_eq!(json["branches"][0]["state"], "cannot-tell");
    }
    // The hint, pasted.
    git(&["branch", "main", "origin/main"]);
    place.flow_in(&clone, &["verify"]).ok().says("watched from here on");
    // Where nothing is protected, that is said.
    let open = Place::with_config("version = 1\n[gate]\nbranches = []\n");
    open.server("origin");
    let clone = open.root().join("clone");
    open.git(&["clone", "--quiet", "../origin.git", clone.to_str().unwrap()]).ok();
    open.git_in(&clone, &["switch", "--quiet", "--detach"]).ok();
    open.git_in(&clone, &["branch", "--quiet", "--delete", "--force", "main"]).ok();
    open.flow_in(&clone, &["verify"]).ok().says("No branch is protected here");
}
