//! What leads to a verdict when its commit was made anew: nobody crowds it out, by much work or by malice, and
//! nobody takes it away.

use crate::support::{Config, Out, Place};
use git_flow_ai::domain::verdict::Verdict;
use std::fmt::Write as _;

const NOTES: &str = "refs/notes/flow-ai";

/// `topic`, judged and then rebased onto a main that has moved on, which only the index leads back from.
fn judged() -> Place {
    let place = Place::with_config(Config::lookup_only());
    place.commit("a.txt", "one\ntwo\nthree\nfour\nfive\n");
    place.branch("topic", "main");
    place.commit("a.txt", "ONE\ntwo\nthree\nfour\nfive\n");
    place.approve("main", "topic");
    place
}

fn rebased(place: &Place) -> Out {
    place.switch("main");
    place.commit("a.txt", "one\ntwo\nthree\nfour\nFIVE\n");
    place.flow(&["init"]).ok();
    place.git(&["rebase", "--quiet", "main", "topic"]).ok();
    place.switch("main");
    place.git(&["merge", "--quiet", "--ff-only", "topic"])
}

/// The object that pointers to `topic` by what it changes hang on.
fn key(place: &Place) -> String {
    let tree = place.git_says(&["grep", "-l", "^same 1 ", NOTES]);
    tree.lines().next().unwrap().split_once(':').unwrap().1.replace('/', "")
}

/// A branch of 300 commits that begins at `main`, each of which writes that file.
fn line(place: &Place, branch: &str, file: impl Fn(usize) -> String) {
    let mut stream = String::new();
    for n in 0..300 {
        let from = if n == 0 { "from refs/heads/main^0\n" } else { "" };
        let (file, text) = (file(n), format!("{n:03}\n"));
        writeln!(stream, "commit refs/heads/{branch}\ncommitter Ada <ada@example.com> 1800000000 +0000\ndata 1\nb\n{from}M 100644 inline {file}\ndata 4\n{text}").unwrap();
    }
    std::fs::write(place.root().join("stream"), stream).unwrap();
    place.sh("git fast-import --quiet < ../stream").ok();
}

/// A verdict on each commit of a range without merges.
fn judge_each(place: &Place, range: &str) {
    let trees = place.git_says(&["log", "--format=%T %H", "--boundary", range]);
    let trees: Vec<(&str, &str)> = trees.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let one = place.verdict("main", "topic");
    for pair in trees.windows(2) {
        place.record(&Verdict {
            base_tree: pair[1].0.parse().unwrap(),
            head_tree: pair[0].0.parse().unwrap(),
            base_commit: Some(pair[1].1.parse().unwrap()),
            head_commit: Some(pair[0].1.parse().unwrap()),
            time: "2026-02-01T00:00:00Z".parse().unwrap(),
            ..one.clone()
        });
    }
}

#[test]
fn many_verdicts_on_changes_of_the_same_files_crowd_out_none() {
    let place = judged();
    line(&place, "busy", |_| "a.txt".into());
    judge_each(&place, "main..busy");
    rebased(&place).ok();
}

#[test]
fn each_of_many_commits_is_found_again_after_a_rebase() {
    let place = judged();
    line(&place, "long", |n| format!("{n}.txt"));
    judge_each(&place, "main..long");
    place.switch("main");
    place.commit("b.txt", "b\n");
    place.git(&["rebase", "--quiet", "main", "long"]).ok();
    place.flow(&["check", "main..long"]).ok();
}

#[test]
fn pointers_to_nothing_hide_none_whatever_they_say() {
    let place = judged();
    let key = key(&place);
    let forged =
        (0..5000).fold(String::new(), |text, n| text + &format!("same 1 9999-01-01T00:00:00Z {n:040x}\n"));
    std::fs::write(place.root().join("forged"), forged).unwrap();
    place.sh(&format!("git notes --ref=flow-ai append -F ../forged {key}")).ok();
    rebased(&place).ok();
}

#[test]
fn what_leads_to_a_verdict_is_not_taken_away() {
    let place = judged();
    let key = key(&place);
    rebased(&place).ok();
    let out = place.git(&["notes", "--ref=flow-ai", "remove", &key]);
    assert_ne!(out.status, 0, "{out:?}");
    out.says("would lose what was decided: what leads to a record from a rebased change");
}
