//! By what a commit was let in, and what `git log` shows of it.

use crate::support::{Config, Out, Place};

/// `main` is protected, and a rival judges what is asked for.
fn place() -> Place {
    let place = Place::with_config(Config::lookup_only().reviewer("judge", "zeta"));
    place.watched_reviewer("judge", "");
    place.flow(&["init"]).ok();
    place
}

/// A branch with an approved change of that file; main is checked out again.
fn approved(place: &Place, branch: &str, path: &str) {
    place.branch(branch, "main");
    place.commit(path, format!("{path}\n"));
    place.flow(&["review"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
}

fn shown(place: &Place, revision: &str) -> String {
    place.flow(&["verdict", "show", revision]).ok().stdout
}

#[test]
fn a_merge_a_squash_a_revert_and_a_rebased_commit_show_by_what_they_were_let_in() {
    let place = place();
    approved(&place, "topic", "a.txt");
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"]).ok();
    let text = shown(&place, "HEAD");
    assert!(text.contains("`main` lets it in by:") && text.contains("APPROVE by judge (zeta)"), "{text}");

    approved(&place, "squashed", "b.txt");
    approved(&place, "between", "c.txt");
    place.git(&["merge", "--quiet", "--ff-only", "between"]).ok();
    place.git(&["merge", "--quiet", "--squash", "squashed"]).ok();
    place.git(&["commit", "--quiet", "-m", "Squash"]).ok();
    let text = shown(&place, "HEAD");
    assert!(text.contains("lets it in by:") && text.contains("APPROVE"), "{text}");

    place.git(&["switch", "--quiet", "-c", "back"]).ok();
    place.git(&["revert", "--no-edit", "HEAD"]).ok();
    place.flow(&["review"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "back"]).ok();
    assert!(shown(&place, "HEAD").contains("lets it in by:"));

    // Two commits judged together, then rebased: each shows the verdict on both.
    place.branch("two", "HEAD~1");
    place.commit("d.txt", "d\n");
    place.commit("e.txt", "e\n");
    place.flow(&["review"]).ok();
    assert!(shown(&place, "HEAD~1").contains("judged together with others"));
    place.git(&["rebase", "--quiet", "main"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "--ff-only", "two"]).ok();
    assert!(shown(&place, "HEAD").contains("lets it in by:"));

    let json = place.flow(&["verdict", "show", "HEAD", "--json"]).ok().json();
    assert_eq!((&json["carried"]["how"], &json["carried"]["branch"]), (&"let-in".into(), &"main".into()));
    assert_eq!(json["verdicts"][0]["holds"], true, "{json}");
}

#[test]
fn a_waived_commit_and_one_that_changes_nothing_say_so() {
    let config = Config::lookup_only().gate("waivers = [\"ada@example.com\"]").reviewer("judge", "zeta");
    let place = Place::with_config(config);
    place.flow(&["init"]).ok();
    place.branch("topic", "main");
    place.commit("a.txt", "a\n");
    place.flow(&["waive", "topic", "--reason", "It burns"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"]).ok();
    let text = shown(&place, "HEAD");
    assert!(text.contains("WAIVE by Ada Lovelace") && text.contains("It burns"), "{text}");
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Nothing"]).ok();
    place.flow(&["verdict", "show"]).exits(1).says("changes nothing on `main`, so it needs no verdict");
    place.branch("unjudged", "main");
    place.commit("b.txt", "b\n");
    place.flow(&["verdict", "show"]).exits(1).says("Nobody has judged HEAD");
}

#[test]
fn the_log_shows_people_a_line_and_not_the_record() {
    let place = place();
    place.write(".git/hooks/.keep", "");
    assert_eq!(place.git(&["log", "-1"]).ok().stderr, "", "git warns of nothing before the first verdict");
    approved(&place, "topic", "a.txt");
    place.git(&["notes", "--ref=flow-ai", "append", "-m", "A person's remark", "topic"]).ok();
    approved(&place, "other", "b.txt");
    let log = |revision: &str| place.git_says(&["log", "-1", revision]);
    let text = log("topic");
    assert!(text.contains("APPROVE by judge (zeta) on ") && text.contains("A person's remark"), "{text}");
    assert!(!text.contains('{') && log("other").contains("APPROVE"), "{text}");
    assert!(place.git_says(&["log", "--notes=flow-ai", "-1", "topic"]).contains("\"statement\""));

    // Another clone makes its own of what it takes in, and a ref that was deleted comes back.
    let server = place.server("origin");
    place.flow(&["sync"]).ok();
    assert!(!place.git_in(&server, &["for-each-ref"]).ok().stdout.contains("flow-ai-log"));
    let clone = place.root().join("clone");
    place.git(&["clone", "--quiet", &server.display().to_string(), &clone.display().to_string()]).ok();
    place.git_in(&clone, &["fetch", "--quiet", "origin", "refs/heads/*:refs/heads/x/*"]).ok();
    place.git(&["push", "--quiet", "origin", "topic"]).ok();
    place.git_in(&clone, &["fetch", "--quiet"]).ok();
    Out::run(place.command("git").current_dir(&clone).args(["flow-ai", "init"])).ok();
    Out::run(place.command("git").current_dir(&clone).args(["flow-ai", "sync"])).ok();
    let text = place.git_in(&clone, &["log", "-1", "origin/topic"]).ok().stdout;
    assert!(text.contains("APPROVE by judge") && !text.contains('{'), "{text}");

    place.flow(&["init", "--uninstall"]).ok().says("remove refs/notes/flow-ai-log");
    assert!(!log("topic").contains("APPROVE"));
    assert!(place.git_says(&["log", "--notes=flow-ai", "-1", "topic"]).contains("\"statement\""));
    place.flow(&["init"]).ok();
    assert!(log("topic").contains("APPROVE by judge"));
}
