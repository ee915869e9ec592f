//! What the commits of a change add and take away again is shown, judged and recorded with it.

use super::{config, place};
use crate::support::Place;
use git_flow_ai::domain::verdict::record;
use serde_json::Value;

/// Commits everything that is there, or gone.
fn commit(place: &Place, subject: &str) -> String {
    place.git(&["add", "-A"]).ok();
    place.git(&["commit", "--quiet", "-m", subject]).ok();
    place.id("HEAD")[..10].to_owned()
}

fn remove(place: &Place, path: &str) {
    std::fs::remove_file(place.repo().join(path)).unwrap();
}

/// The paths that the request asks about.
fn asked_about(place: &Place) -> Vec<String> {
    let request = place.request();
    let line = request.lines().find_map(|line| line.strip_prefix("REQUEST ")).unwrap();
    let asked: Value = serde_json::from_str(line).unwrap();
    asked["files"].as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()).collect()
}

/// What is shown apart from the difference; nothing if there is none of it.
fn history(place: &Place) -> String {
    let request = place.request();
    let Some((_, rest)) = request.split_once("what the commits add and take away again\n") else {
        return String::new();
    };
    rest.split("\n>>>DATA").next().unwrap().to_owned()
}

#[test]
fn a_key_in_the_middle_of_the_history_is_shown_found_and_recorded() {
    let place = place("");
    let key = format!("ghp_{}", "aB3dE5gH7jK9".repeat(3));
    place.write(".env", format!("TOKEN={key}\n"));
    let added = commit(&place, "Try it with my own token");
    remove(&place, ".env");
    let removed = commit(&place, "Tidy");
    place.flow(&["review"]).ok().says("looks like a secret").says(".env");
    assert_eq!(asked_about(&place), [".env", "app.txt"]);
    let history = history(&place);
    for line in [
        format!("commit {added} Try it with my own token"),
        format!("+TOKEN={key}"),
        format!("commit {removed} Tidy"),
        format!("-TOKEN={key}"),
    ] {
        assert!(history.lines().any(|shown| shown == line), "`{line}` is missing in\n{history}");
    }
    let note = place.git_says(&["notes", "--ref=flow-ai", "show", "HEAD"]);
    let (verdicts, _) = record::decode(&note, gix::hash::Kind::Sha1);
    assert_eq!(verdicts[0].shown.files, [".env", "app.txt"]);
    let way = verdicts[0].shown.way.clone().unwrap();
    let commits: Vec<String> = way.commits.iter().map(ToString::to_string).collect();
    assert_eq!(commits, ["HEAD~2", "HEAD~1", "HEAD"].map(|one| place.id(one)), "parents first");
    assert!(way.bytes as usize >= history.len(), "{way:?}");
}

#[test]
fn a_finding_may_be_about_what_only_the_history_has() {
    let place = place(
        r#"case "$request" in *backdoor*) findings='[{"path":"evil.sh","line":null,"severity":"P0","body":"A back door, on the way"}]';; esac"#,
    );
    place.write("evil.sh", "backdoor\n");
    commit(&place, "Helper");
    remove(&place, "evil.sh");
    commit(&place, "No helper");
    place.flow(&["review"]).exits(1).says("evil.sh: P0");
}

#[test]
fn only_what_the_difference_lacks_is_shown_again() {
    let place = place("");
    // Nothing: each commit's lines are in the difference of the ends.
    place.commit("app.txt", "one\ntwo\nthree\nfour\n");
    place.commit("other.txt", "more\n");
    place.flow(&["review"]).ok();
    assert_eq!(history(&place), "");
    assert!(!place.request().contains("take away again"));

    // A line that was written anew: the first try of it, and no line that stayed.
    let numbers: String = (1..=60).map(|number| format!("line {number}\n")).collect();
    place.commit("long.txt", numbers.replace("line 5\n", "first try\n"));
    place.commit("long.txt", &numbers);
    place.flow(&["review"]).ok();
    let shown = history(&place);
    assert!(shown.contains("+first try"), "{shown}");
    assert_eq!(shown.matches("diff --git").count(), 1, "{shown}");
    assert_eq!(asked_about(&place), ["app.txt", "long.txt", "other.txt"]);
}

#[test]
fn what_was_taken_away_and_put_back_is_shown() {
    let place = place("");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit("guard.txt", "a\nb\ncheck()\nc\nd\n");
    place.branch("brief", "main");
    place.commit("guard.txt", "a\nb\nc\nd\n");
    place.commit("guard.txt", "a\nb\ncheck()\nc\nd\n");
    place.commit("new.txt", "new\n");
    place.flow(&["review"]).ok();
    let shown = history(&place);
    assert!(shown.contains("\n-check()\n") && shown.contains("\n+check()\n"), "{shown}");
    assert_eq!(asked_about(&place), ["guard.txt", "new.txt"]);
}

#[test]
fn modes_links_binary_content_and_names_on_the_way_are_shown() {
    let place = place("");
    place.executable("app.txt", "one\ntwo\nthree\n");
    commit(&place, "Executable");
    place.git(&["update-index", "--chmod=-x", "app.txt"]).ok();
    place.git(&["commit", "--quiet", "-m", "Not any more"]).ok();
    place.git(&["checkout", "--quiet", "--", "."]).ok();
    std::os::unix::fs::symlink("/etc/passwd", place.repo().join("link")).unwrap();
    commit(&place, "Link");
    remove(&place, "link");
    std::fs::write(place.repo().join("blob.bin"), b"\x00\xff\x01\xfe".repeat(20)).unwrap();
    commit(&place, "Blob");
    let first = place.id("HEAD:blob.bin");
    std::fs::write(place.repo().join("blob.bin"), b"\x00\xff\x01\xfd".repeat(20)).unwrap();
    commit(&place, "Another blob");
    place.git(&["mv", "blob.bin", "moved.bin"]).ok();
    commit(&place, "Move");
    place.write("empty", "");
    commit(&place, "Empty");
    remove(&place, "empty");
    commit(&place, "Nothing left of it");
    place.flow(&["review"]).ok();
    let shown = history(&place);
    for part in ["new mode 100755", "+/etc/passwd", first.as_str(), "a/empty b/empty"] {
        assert!(shown.contains(part), "`{part}` is missing in\n{shown}");
    }
    assert_eq!(asked_about(&place), ["app.txt", "blob.bin", "empty", "link", "moved.bin"]);
}

#[test]
fn a_merge_is_compared_with_gits_own_merge_of_its_parents() {
    let place = place("");
    place.branch("side", "topic");
    place.commit("side.txt", "side\n");
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.commit("own.txt", "own\n");
    place.git(&["merge", "--quiet", "--no-commit", "--no-ff", "side"]).ok();
    place.write("evil.txt", "EVIL in the merge\n");
    commit(&place, "Merge side");
    remove(&place, "evil.txt");
    commit(&place, "Clean up");
    place.flow(&["review"]).ok();
    let shown = history(&place);
    assert!(shown.contains("(a merge) Merge side") && shown.contains("+EVIL in the merge"), "{shown}");
    // What the merge only joins is in the difference of the ends.
    assert!(!shown.contains("side.txt") && !shown.contains("own.txt"), "{shown}");
}

#[test]
fn a_change_that_nets_to_nothing_is_judged_by_its_commits() {
    let place = place("");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.branch("back-and-forth", "main");
    place.commit("tmp.txt", "tmp\n");
    remove(&place, "tmp.txt");
    commit(&place, "Take it back");
    place.flow(&["review"]).ok().says("APPROVE");
    assert_eq!(asked_about(&place), ["tmp.txt"]);
    assert!(history(&place).contains("+tmp"));
    place.branch("empty", "main");
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Nothing"]).ok();
    place.flow(&["review"]).ok().says("adds nothing");
}

#[test]
fn what_the_commits_do_counts_for_the_size_and_goes_into_parts() {
    let place = place("");
    let words =
        |from: usize| -> String { (from..from + 400).map(|n| format!("word number {n}\n")).collect() };
    place.commit("big.txt", words(0));
    place.commit("big.txt", words(1000));
    place.commit("big.txt", words(2000));
    place.git(&["switch", "--quiet", "main"]).ok();
    let lines = |parts| format!("budget = 16000\nparts = {parts}");
    place.commit(".zenflow/config.toml", config().review(lines(20)).to_string());
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.flow(&["review"]).ok();
    let note = place.git_says(&["notes", "--ref=flow-ai", "show", "HEAD"]);
    let (verdicts, _) = record::decode(&note, gix::hash::Kind::Sha1);
    let shown = &verdicts[0].shown;
    assert!(shown.parts.len() > 2 && shown.is_whole(), "{shown:?}");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit(".zenflow/config.toml", config().review(lines(2)).to_string());
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.commit("big.txt", words(3000));
    place.flow(&["review"]).exits(2).says("review.parts");
}
