//! What `init` writes where, and which branch it has protected.

use crate::support::Place;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn nothing_is_written_where_a_link_leads() {
    let outside = Place::new();
    let out = outside.root().join("out");
    fs::create_dir(&out).unwrap();
    for dry in [&["init", "--dry-run"][..], &["init"]] {
        let place = Place::new();
        symlink(&out, place.repo().join(".zenflow")).unwrap();
        place.flow(dry).exits(2).says(".zenflow is a link").says("rm .zenflow");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0);

        let place = Place::new();
        let config = place.repo().join(".zenflow/config.toml");
        fs::create_dir(place.repo().join(".zenflow")).unwrap();
        symlink(out.join("later.toml"), &config).unwrap();
        place.flow(dry).exits(2).says(".zenflow/config.toml is a link");
        assert!(config.is_symlink());
        // The hint, pasted.
        place.sh("rm .zenflow/config.toml").ok();
        place.flow(dry).ok().says("write .zenflow/config.toml");

        // A folder of workflows may lead where it likes: nothing is written there.
        let place = Place::new();
        fs::create_dir(place.repo().join(".zenflow")).unwrap();
        symlink(out.join("nowhere"), place.repo().join(".zenflow/workflows")).unwrap();
        place.flow(dry).ok();
        assert!(place.repo().join(".zenflow/workflows").is_symlink());
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn what_is_protected_is_the_default_branch_and_not_the_one_that_is_checked_out() {
    let branches = |place: &Place| {
        let config = place.read(".zenflow/config.toml");
        config.lines().find(|line| line.starts_with("branches")).unwrap_or_default().to_owned()
    };
    let place = Place::new();
    place.git(&["switch", "--quiet", "-c", "feat"]).ok();
    place.flow(&["init"]).ok();
    assert!(branches(&place).contains("[\"main\"]"), "{}", branches(&place));

    // What a remote calls its default goes before a `main` that is here too.
    let place = Place::new();
    place.git(&["branch", "develop"]).ok();
    let server = place.server("upstream");
    place.git_in(&server, &["symbolic-ref", "HEAD", "refs/heads/develop"]).ok();
    place.git(&["fetch", "--quiet", "upstream"]).ok();
    place.git(&["remote", "set-head", "upstream", "--auto"]).ok();
    place.git(&["switch", "--quiet", "-c", "feat"]).ok();
    place.flow(&["init"]).ok().says("in it, on develop");
    assert!(branches(&place).contains("[\"develop\"]"), "{}", branches(&place));

    // Without any of them it is what git calls new repositories' first branch, else the one at hand.
    for (default, expected) in [("trunk", "[\"trunk\"]"), ("nowhere", "[\"feat\"]")] {
        let place = Place::new();
        place.git(&["branch", "--move", "main", "trunk"]).ok();
        place.git(&["switch", "--quiet", "-c", "feat"]).ok();
        place.git(&["config", "init.defaultBranch", default]).ok();
        place.flow(&["init"]).ok();
        assert!(branches(&place).contains(expected), "{}", branches(&place));
    }
}
