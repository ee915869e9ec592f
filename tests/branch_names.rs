//! Names in a question mean branches: no tag, no slip of the pen and no other repository's branch passes for
//! one, whichever command is asked.

use crate::support::{Config, Place};

fn config() -> Config {
    Config::new()
        .gate("branches = [\"main\"]")
        .agent("hand", "acme")
        .reviewer("codex", "openai")
        .names("gemini", "google")
}

/// A repository whose `main` is at a server too, and a branch `change` that nobody has judged, with verdicts
/// about something else.
fn place() -> Place {
    let place = Place::with_config(config());
    place.reviewer("codex", "");
    place.approve("main~1", "main");
    place.git(&["init", "--quiet", "--bare", "../server.git"]).ok();
    place.git(&["remote", "add", "origin", "../server.git"]).ok();
    place.git(&["push", "--quiet", "origin", "main"]).ok();
    place.git(&["branch", "--quiet", "-u", "origin/main", "main"]).ok();
    place.git(&["switch", "--quiet", "-c", "change"]).ok();
    place.commit_saying("Change", "new", "new\n");
    place
}

/// What anybody can push to where this was cloned from.
fn tag(place: &Place, name: &str, at: &str) {
    place.git(&["update-ref", &format!("refs/tags/{name}"), at]).ok();
}

#[test]
fn a_tag_is_never_the_branch_of_its_name() {
    let place = place();
    for name in ["main", "origin/main", "refs/heads/main", "heads/main", "refs/remotes/origin/main", "change"]
    {
        tag(&place, name, "change");
    }
    for range in [
        "main..change",
        "main..",
        "origin/main..change",
        "heads/main..change",
        "refs/heads/main..change",
        "remotes/origin/main..change",
        "main~0..change",
        "main^{commit}..change^0",
    ] {
        place.flow(&["check", range]).exits(1);
        place.flow(&["check", range, "--target", "main"]).exits(1);
        place.flow(&["check", range, "--target", "origin/main"]).exits(1);
    }
    // A branch that is not there is not its tag either.
    place.git(&["update-ref", "-d", "refs/remotes/origin/main"]).ok();
    place.flow(&["check", "refs/remotes/origin/main..change"]).exits(2).says("names no commit here");
    place.flow(&["check", "origin/main..change"]).exits(2).says("no branch `origin/main`");
    place.flow(&["check", "--target", "origin/main"]).exits(2).says("no branch `origin/main`");
    // The tag of a topic, at something that was let in, is not the topic.
    tag(&place, "change", "main");
    place.flow(&["check", "main..change"]).exits(1);
    place.flow(&["review", "main..change"]).ok().says("APPROVE");
    place.flow(&["check", "main..change"]).ok();
    place.flow(&["verdict", "show", "change"]).ok().says("APPROVE");
}

#[test]
fn what_is_no_branch_cannot_be_told_and_what_is_alike_is_named() {
    let place = place();
    tag(&place, "mian", "change");
    for args in [
        &["check", "--target", "mian"][..],
        &["check", "main..change", "--target", "mian"],
        &["check", "mian..change"],
        &["check", "mian~0..change"],
        &["review", "--target", "mian"],
        &["waive", "--reason", "None", "--target", "mian"],
    ] {
        place.flow(args).exits(2).says("no branch `mian`").says("did you mean `main`?");
    }
    place.flow(&["check", "--target", "HEAD"]).exits(2).says("no branch `HEAD`");
    place.flow(&["check", "--target", "refs/tags/mian"]).exits(2).says("no branch");
    place.flow(&["check", "--target", "change~1"]).exits(2).says("no branch");
    place.git(&["config", "flow-ai.target", "mian"]).ok();
    place.flow(&["check"]).exits(2).says("no branch `mian`");
    place.flow(&["review"]).exits(2).says("flow-ai.target is `mian`");
}

#[test]
fn a_tag_is_a_base_only_where_it_is_written_as_one() {
    let place = place();
    tag(&place, "v1", "main");
    place.flow(&["check", "v1..change"]).exits(2).says("no branch `v1`").says("write tags/");
    place.flow(&["check", "tags/v1..change"]).exits(1);
    place.flow(&["check", "refs/tags/v1..change"]).exits(1);
}

#[test]
fn a_branch_of_a_remote_is_that_branch_where_the_remote_has_it() {
    let place = place();
    // The server's branch asks for two approvals; ours has fallen behind.
    place.git(&["switch", "--quiet", "main"]).ok();
    let two = config().gate("approvals = 2").to_string();
    place.commit_saying("Ask for two", ".zenflow/config.toml", two);
    place.ungated(&["push", "--quiet", "origin", "main"]).ok();
    place.git(&["reset", "--quiet", "--hard", "HEAD~1"]).ok();
    place.approve("main", "change");
    place.flow(&["check", "change", "--target", "main"]).ok();
    place.flow(&["check", "change", "--target", "origin/main"]).exits(1).says("1 of 2");
    place.flow(&["check", "change", "--target", "refs/remotes/origin/main"]).exits(1).says("1 of 2");
    // Without one of our own, the remote's is meant.
    place.git(&["switch", "--quiet", "--detach", "change"]).ok();
    place.git(&["branch", "--quiet", "-D", "main"]).ok();
    place.flow(&["check", "change", "--target", "main"]).exits(1).says("1 of 2");
    place.flow(&["check", "main..change"]).exits(1).says("1 of 2");
    place.flow(&["review", "change", "--target", "origin/main"]).exits(2).says("2 approvals of distinct");
}

#[test]
fn a_name_of_two_things_is_an_error() {
    let place = place();
    place.git(&["branch", "origin/main", "change"]).ok();
    for args in [&["check", "--target", "origin/main"][..], &["check", "origin/main..change"]] {
        place.flow(args).exits(2).says("means two branches").says("refs/heads/origin/main");
    }
    place.flow(&["check", "refs/remotes/origin/main..change"]).exits(1);
    let short = place.id("change")[..8].to_owned();
    tag(&place, &short, "main");
    place.flow(&["check", &format!("main..{short}")]).exits(2).says("is the beginning of an object's name");
}
