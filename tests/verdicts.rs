//! Verdicts in notes: none is lost, none is forged by text, git shows them.

use crate::support::{Config, Out, Place, open};
use git_flow_ai::domain::change::{Author, Vendor};
use git_flow_ai::domain::verdict::{Decision, Finding, Severity, Shown, Verdict, record};
use git_flow_ai::gate::store::{Repo, verdicts};
use gix::ObjectId;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

/// A rival's approval of what HEAD adds to its parent, or of HEAD's whole tree.
fn verdict(repo: &Repo, summary: &str) -> (ObjectId, Verdict) {
    let head = repo.commit_of("HEAD").unwrap();
    let base = head.parents.first().map_or(repo.empty_tree(), |parent| repo.commit(*parent).unwrap().tree);
    let author = |name: &str, vendor| Author { name: name.into(), vendor: Vendor::new(vendor), model: None };
    let verdict = Verdict {
        decision: Decision::Approve,
        base_tree: base,
        head_tree: head.tree,
        base_commit: None,
        head_commit: Some(head.id),
        target: "main".into(),
        authors: vec![author("claude", "anthropic")],
        reviewer: author("codex", "openai"),
        policy: String::new(),
        shown: Shown {
            sha256: String::new(),
            bytes: 10,
            files: vec!["README.md".into()],
            ..Shown::default()
        },
        purpose: None,
        again: 0,
        findings: Vec::new(),
        summary: summary.into(),
        time: "2026-01-02T03:04:05Z".parse().unwrap(),
        cost: None,
        tokens: None,
        signature: None,
    };
    (head.id, verdict)
}

#[test]
fn no_writer_of_many_loses_a_record() {
    let place = Place::new();
    open(&place.repo());
    let dir = place.repo();
    std::thread::scope(|scope| {
        for writer in 0..16 {
            let dir = &dir;
            scope.spawn(move || {
                let repo = Repo::open(dir).unwrap();
                for record in 0..5 {
                    let (on, verdict) = verdict(&repo, &format!("writer {writer} record {record}"));
                    verdicts::append(&repo, on, &verdict).unwrap();
                }
            });
        }
    });
    let repo = open(&place.repo());
    let (found, unreadable) = verdicts::on(&repo, repo.commit_of("HEAD").unwrap().id).unwrap();
    assert_eq!((found.len(), unreadable.len()), (80, 0));
    assert_eq!(place.git_says(&["rev-list", "--count", "refs/notes/flow-ai"]), "80");
    place.git(&["fsck", "--strict"]).ok();
}

#[test]
fn a_record_is_written_once_and_what_people_wrote_is_kept() {
    let place = Place::new();
    let repo = open(&place.repo());
    let head = repo.commit_of("HEAD").unwrap().id;
    place.git(&["notes", "--ref=flow-ai", "add", "-m", "A person's remark, without record {}"]).ok();
    let (on, verdict) = verdict(&repo, "Fine.");
    verdicts::append(&repo, on, &verdict).unwrap();
    verdicts::append(&repo, on, &verdict).unwrap();
    assert_eq!(verdicts::on(&repo, head).unwrap(), (vec![verdict], vec![]));
    let log = place.git_says(&["log", "-1", "--notes=flow-ai"]);
    assert!(log.contains("A person's remark"), "{log}");
    assert!(log.contains("APPROVE by codex (openai) on 1 file, 0 findings: Fine."), "{log}");
}

#[test]
fn notes_that_git_has_fanned_out_are_read_by_commit_and_all_at_once() {
    let place = Place::new();
    let repo = open(&place.repo());
    let (on, verdict) = verdict(&repo, "Fine.");
    verdicts::append(&repo, on, &verdict).unwrap();
    for n in 0..300 {
        let blob = repo.write_commit(repo.empty_tree(), &[], &format!("{n}\n")).unwrap();
        let mut other = verdict.clone();
        other.summary = n.to_string();
        verdicts::append(&repo, blob, &other).unwrap();
    }
    let paths = place.git_says(&["ls-tree", "-r", "--name-only", "refs/notes/flow-ai"]);
    assert!(paths.lines().any(|path| path.contains('/')), "there is a fan-out");
    assert_eq!(verdicts::all(&repo).unwrap().verdicts.len(), 301);
    assert_eq!(verdicts::on(&repo, on).unwrap().0, [verdict]);
    // Two more: the index for the change and for its paths, which are the same.
    assert_eq!(place.git_says(&["notes", "--ref=flow-ai", "list"]).lines().count(), 303);
}

#[test]
fn two_clones_notes_merge_by_gits_sorted_union() {
    let place = Place::new();
    let repo = open(&place.repo());
    place.git(&["clone", "--quiet", ".", "../clone"]).ok();
    let clone = Repo::open(&place.root().join("clone")).unwrap();
    Out::of(
        place
            .command("git")
            .current_dir(place.root().join("clone"))
            .args(["config", "user.name", "Eve"])
            .output()
            .unwrap(),
    )
    .ok();
    Out::of(
        place
            .command("git")
            .current_dir(place.root().join("clone"))
            .args(["config", "user.email", "eve@example.com"])
            .output()
            .unwrap(),
    )
    .ok();
    drop(clone);
    let clone = Repo::open(&place.root().join("clone")).unwrap();
    for (repo, summary) in [(&repo, "Here."), (&clone, "There.")] {
        let (on, verdict) = verdict(repo, summary);
        verdicts::append(repo, on, &verdict).unwrap();
    }
    place.git(&["fetch", "--quiet", "../clone", "+refs/notes/flow-ai:refs/notes/theirs"]).ok();
    place.git(&["notes", "--ref=flow-ai", "merge", "--strategy=cat_sort_uniq", "theirs"]).ok();
    let (found, unreadable) = verdicts::on(&repo, repo.commit_of("HEAD").unwrap().id).unwrap();
    let mut summaries: Vec<&str> = found.iter().map(|verdict| verdict.summary.as_str()).collect();
    summaries.sort_unstable();
    assert_eq!((summaries, unreadable.len()), (vec!["Here.", "There."], 0));
}

#[test]
fn the_command_lists_shows_and_tells_what_holds() {
    let place = Place::with_config(Config::protected());
    let repo = open(&place.repo());
    place.flow(&["verdict", "list"]).exits(1).says("No verdicts here");
    place
        .flow(&["verdict", "show"])
        .exits(1)
        .says("Nobody has judged HEAD. Have it judged: git flow-ai review HEAD");
    let tree = place.git_says(&["rev-parse", "HEAD^{tree}"]);
    let of_tree = place.flow(&["verdict", "show", &tree]).exits(1);
    assert_eq!(of_tree.stdout, format!("Nobody has judged {tree}.\n"), "no review takes a tree");
    let (on, mut first) = verdict(&repo, "Needs \u{1b}[2Jwork.");
    first.decision = Decision::RequestChanges;
    first.findings = vec![Finding {
        path: "README.md".into(),
        line: Some(1),
        severity: Severity::P1,
        body: "Wrong.\nVery.".into(),
        suggestion: Some("Mend it.".into()),
    }];
    verdicts::append(&repo, on, &first).unwrap();
    let shown = place.flow(&["verdict", "show"]).ok();
    let shown = shown.says("REQUEST CHANGES by codex (openai)").says("holds       yes");
    let shown = shown.says("README.md:1: P1 Wrong.\n    Very.\n    suggestion: Mend it.\n");
    assert!(!shown.stdout.contains('\u{1b}'), "{}", shown.stdout);
    place.flow(&["verdicts", "ls"]).ok().says("codex (openai)").says("Configure");

    let mut own = first.clone();
    own.reviewer.vendor = Vendor::new("anthropic");
    verdicts::append(&repo, on, &own).unwrap();
    let mut moved = first.clone();
    moved.head_tree = repo.empty_tree();
    verdicts::append(&repo, on, &moved).unwrap();
    let foreign = |from: &str, to: &str| {
        let text = record::encode(&first).unwrap().replace(from, to);
        let line = text.lines().nth(1).unwrap().to_owned();
        place.git(&["notes", "--ref=flow-ai", "append", "-m", &line]).ok();
    };
    foreign("attestation/v1", "attestation/v9");
    foreign("\"kind\":\"verdict\"", "\"kind\":\"check\"");
    let out = place.flow(&["verdict", "list"]).ok();
    out.says("no: it is advice")
        .says("no: it is about another state")
        .says("skipped a record on ")
        .says("its version is 9")
        .says("its kind is `check`");
    let json = place.flow(&["verdict", "list", "--all", "--json"]).ok();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let holds: Vec<bool> =
        json["verdicts"].as_array().unwrap().iter().map(|v| v["holds"].as_bool().unwrap()).collect();
    assert_eq!(holds, [true, false, false]);
    assert_eq!(json["unreadable"].as_array().unwrap().len(), 2);

    place.git(&["checkout", "--quiet", "--orphan", "other"]).ok();
    place.git(&["commit", "--quiet", "-m", "Elsewhere"]).ok();
    place.flow(&["verdict", "list"]).exits(1);
    place.flow(&["verdict", "list", "main"]).exits(0);
    place.flow(&["verdict", "list", "main~1..main"]).exits(0);
    place.flow(&["verdict", "list", "--all"]).exits(0);
}

/// A config whose only reviewer is a script that approves.
fn with_reviewer() -> Place {
    let place = Place::with_config(Config::new().reviewer("approver", "acme"));
    place.reviewer("approver", "");
    place
}

#[test]
fn no_process_of_many_loses_a_verdict() {
    let place = with_reviewer();
    let topics: Vec<String> = (0..10).map(|n| format!("topic{n}")).collect();
    for topic in &topics {
        place.git(&["checkout", "--quiet", "-b", topic, "main"]).ok();
        place.write(topic, "new\n");
        place.git(&["add", "."]).ok();
        place.git(&["commit", "--quiet", "-m", topic]).ok();
    }
    let reviews: Vec<_> = topics
        .iter()
        .map(|topic| {
            let mut command = place.command("git");
            command.args(["flow-ai", "review", topic]).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for review in reviews {
        Out::of(review.wait_with_output().unwrap()).ok();
    }
    for topic in &topics {
        place.flow(&["verdict", "show", topic]).ok().says("APPROVE by approver (acme)");
    }
    let repo = Repo::open(&place.repo()).unwrap();
    assert_eq!(verdicts::all(&repo).unwrap().verdicts.len(), 10);
}

#[test]
fn a_push_in_quarantine_can_be_read_but_no_verdict_is_written_from_there() {
    let place = with_reviewer();
    place.git(&["clone", "--quiet", "--bare", ".", "../server.git"]).ok();
    let hook = place.root().join("server.git/hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\nread old new ref\ngit-flow-ai review $old..$new\necho status $? >&2\n")
        .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    place.write("new.txt", "new\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "New"]).ok();
    let out = place.git(&["push", "../server.git", "main"]).ok();
    out.says("while git keeps new objects apart").says("status 2");
}

/// The ids of objects that notes hang on here: nothing needs to be there.
fn object(repo: &Repo, n: usize) -> ObjectId {
    repo.write_commit(repo.empty_tree(), &[], &format!("{n}\n")).unwrap()
}

#[test]
fn what_notes_have_lost_is_told_whatever_the_fan_out_and_nothing_else() {
    let place = Place::new();
    let repo = open(&place.repo());
    let (on, verdict) = verdict(&repo, "Fine.");
    verdicts::append(&repo, on, &verdict).unwrap();
    let flat = repo.find_ref("refs/notes/flow-ai").unwrap().unwrap();
    for n in 0..300 {
        let mut other = verdict.clone();
        other.summary = n.to_string();
        verdicts::append(&repo, object(&repo, n), &other).unwrap();
    }
    let fanned = repo.find_ref("refs/notes/flow-ai").unwrap().unwrap();
    assert_eq!(verdicts::lost(&repo, flat, fanned).unwrap(), [], "only added to");
    let lost = verdicts::lost(&repo, fanned, flat).unwrap();
    let (records, pointers): (Vec<_>, Vec<_>) = lost.iter().partition(|lost| lost.verdict.is_some());
    assert_eq!((records.len(), pointers.len()), (300, 300), "and what leads to each");
    assert!(pointers.iter().all(|lost| lost.line.starts_with("same 1 ")), "{pointers:?}");
    place.git(&["notes", "--ref=flow-ai", "append", "-m", "A remark"]).ok();
    let remarked = repo.find_ref("refs/notes/flow-ai").unwrap().unwrap();
    assert_eq!(verdicts::lost(&repo, remarked, fanned).unwrap(), [], "a remark decides nothing");
    place.git(&["notes", "--ref=flow-ai", "remove", &on.to_string()]).ok();
    let removed = repo.find_ref("refs/notes/flow-ai").unwrap().unwrap();
    let lost = verdicts::lost(&repo, fanned, removed).unwrap();
    assert_eq!((lost.len(), lost[0].on, lost[0].verdict.clone()), (1, on, Some(verdict)));
}

#[test]
fn a_rejection_is_not_undone_by_deleting_its_note_where_a_copy_was_fetched() {
    let place = Place::with_config(Config::lookup_only().names("gemini", "google"));
    place.git(&["checkout", "--quiet", "-b", "topic"]).ok();
    place.write("new.txt", "new\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "New"]).ok();
    let mut no = place.verdict("main", "topic");
    no.decision = Decision::RequestChanges;
    no.summary = "No.".into();
    place.record(&no);
    let rejected = place.git_says(&["rev-parse", "refs/notes/flow-ai"]);
    place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
    let mut yes = place.verdict("main", "topic");
    yes.reviewer.name = "gemini".into();
    yes.reviewer.vendor = Vendor::new("google");
    place.record(&yes);
    place.git(&["checkout", "--quiet", "main"]).ok();
    place.flow(&["init"]).ok();
    place.git(&["merge", "--ff-only", "topic"]).ok();
    place.ungated(&["reset", "--quiet", "--hard", "HEAD~1"]).ok();
    place.git(&["update-ref", "refs/flow-ai/notes/origin", &rejected]).ok();
    let out = place.git(&["merge", "--ff-only", "topic"]);
    assert_ne!(out.status, 0, "{out:?}");
    out.says("codex (openai) asks for changes");
    place.flow(&["verdict", "list", "topic"]).ok().says("REQUEST CHANGES").says("gemini");
}

#[test]
fn git_moves_the_notes_only_where_no_verdict_is_lost() {
    let place = Place::with_config("version = 1\n");
    place.flow(&["init"]).ok();
    place.approve("HEAD~1", "HEAD");
    let before = place.git_says(&["rev-parse", "refs/notes/flow-ai"]);
    let out = place.git(&["notes", "--ref=flow-ai", "remove"]);
    assert_ne!(out.status, 0, "{out:?}");
    out.says("would lose what was decided: APPROVE by codex (openai)").says("git flow-ai sync");
    place.git(&["init", "--quiet", "--bare", "../other.git"]).ok();
    place.git(&["push", "--quiet", "../other.git", "HEAD:refs/notes/flow-ai"]).ok();
    let fetch = ["fetch", "--quiet", "../other.git", "+refs/notes/flow-ai:refs/notes/flow-ai"];
    assert_ne!(place.git(&fetch).status, 0);
    assert_eq!(place.git_says(&["rev-parse", "refs/notes/flow-ai"]), before);
    place.git(&["notes", "--ref=flow-ai", "append", "-m", "A remark"]).ok();
    place.git(&["pack-refs", "--all", "--prune"]).ok();
    place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
}
