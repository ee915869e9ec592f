//! The gate: what replays from approved changes is let in, any other content is kept out.

use crate::support::verdicts::{author, finding};
use crate::support::{Config, Place};
use git_flow_ai::domain::verdict::{Severity, Verdict};
use git_flow_ai::gate::admit::{self, Candidate, Explanation, New, Refusal, Ruling};
use git_flow_ai::gate::store::{Branch, Repo, changes};
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;

/// Makes a verdict one that does not count.
type Spoil<'a> = &'a dyn Fn(&mut Verdict);

/// `main` is protected and has a file of thirty lines, so that edits at its ends never conflict.
fn place() -> Place {
    place_with("")
}

fn place_with(gate: &str) -> Place {
    let place = Place::with_config(
        Config::protected()
            .names("gemini", "google")
            .names("claude", "anthropic")
            .names("gpt", "openai")
            .gate(gate),
    );
    place.commit_saying("Number the lines", "lines", lines(&[]));
    place
}

/// Thirty numbered lines, some of them replaced.
fn lines(replaced: &[(usize, &str)]) -> String {
    let mut text = String::new();
    for line in 1..=30 {
        match replaced.iter().find(|(number, _)| *number == line) {
            Some((_, with)) => writeln!(text, "{with}").unwrap(),
            None => writeln!(text, "{line}").unwrap(),
        }
    }
    text
}

/// `topic` changes line 2 and adds a file, in two commits; approved as a whole.
fn topic(place: &Place) {
    place.git(&["switch", "--quiet", "-c", "topic", "main"]).ok();
    place.commit_saying("Spell two", "lines", lines(&[(2, "two")]));
    place.commit_saying("Add a file", "new", "new\n");
    place.approve("main", "topic");
}

/// `main` has moved on elsewhere in the same file.
fn move_main(place: &Place) {
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Spell twenty-eight", "lines", lines(&[(28, "twenty-eight")]));
}

/// What the gate says to `main` becoming that revision, from where `before` points.
fn admit(place: &Place, before: &str, after: &str) -> Ruling {
    let repo = Repo::open(&place.repo()).unwrap();
    let id = |revision: &str| repo.commit_of(revision).unwrap().id;
    let candidate =
        Candidate { branch: "main".into(), old: id(before), new: New::Commit(id(after)), accepted: None };
    let ruling = admit::admit(&repo, &candidate).unwrap();
    if let Some(policy) = admit::policy_for(&repo, &candidate).unwrap() {
        // The account of every part and the ruling are two ways through the same steps.
        let parts = admit::explain(&repo, &candidate, &policy).unwrap();
        let all_enter = parts.iter().all(|part| matches!(part.explanation, Explanation::Enters(_)));
        assert_eq!(all_enter, matches!(ruling, Ruling::Allow(_)), "{parts:#?}");
    }
    ruling
}

#[track_caller]
fn allows(place: &Place, before: &str, after: &str) {
    let ruling = admit(place, before, after);
    assert!(matches!(ruling, Ruling::Allow(_)), "{ruling:?}");
}

#[track_caller]
fn refuses(place: &Place, before: &str, after: &str) -> Refusal {
    match admit(place, before, after) {
        Ruling::Refuse(refusal) => refusal,
        Ruling::Allow(verdicts) => panic!("let in because of {verdicts:?}"),
    }
}

/// Runs git on a branch `work` made at `at`, and returns nothing: the tests then ask about `work`.
fn on_work(place: &Place, at: &str, commands: &[&[&str]]) {
    place.git(&["switch", "--quiet", "-C", "work", at]).ok();
    for command in commands {
        place.git(command).ok();
    }
}

#[test]
fn a_fast_forward_to_what_was_approved_is_let_in() {
    let place = place();
    topic(&place);
    allows(&place, "main", "topic");
}

#[test]
fn a_verdict_survives_every_clean_way_into_a_branch_that_has_moved() {
    let ways: [(&str, &[&[&str]]); 5] = [
        ("merge", &[&["merge", "--quiet", "--no-ff", "-m", "Merge", "topic"]]),
        ("squash", &[&["merge", "--quiet", "--squash", "topic"], &["commit", "--quiet", "-m", "All"]]),
        ("cherry-pick", &[&["cherry-pick", "main~1..topic"]]),
        (
            "one commit for two",
            &[&["cherry-pick", "-n", "main~1..topic"], &["commit", "--quiet", "-m", "Both"]],
        ),
        (
            "reword",
            &[&["cherry-pick", "main~1..topic"], &["commit", "--quiet", "--amend", "-m", "Other words"]],
        ),
    ];
    let place = place();
    topic(&place);
    move_main(&place);
    for (way, commands) in ways {
        on_work(&place, "main", commands);
        assert!(matches!(admit(&place, "main", "work"), Ruling::Allow(_)), "{way}");
    }
    place.git(&["rebase", "--quiet", "main", "topic"]).ok();
    allows(&place, "main", "topic");
}

#[test]
fn a_file_that_main_has_renamed_is_another_that_nobody_was_shown() {
    let place = place();
    topic(&place);
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["mv", "lines", "numbers"]).ok();
    place.git(&["commit", "--quiet", "-m", "Rename"]).ok();
    on_work(&place, "main", &[&["merge", "--quiet", "--no-ff", "-m", "Merge", "topic"]]);
    assert!(place.read("numbers").contains("two\n"));
    refuses(&place, "main", "work");
    // Judged as it lands, it enters.
    place.approve("main", "work");
    allows(&place, "main", "work");
}

#[test]
fn several_approved_topics_enter_together() {
    let place = place();
    topic(&place);
    place.git(&["switch", "--quiet", "-c", "other", "main"]).ok();
    place.commit_saying("Another", "other", "other\n");
    place.approve("main", "other");
    let octopus: &[&[&str]] = &[&["merge", "--quiet", "-m", "Octopus", "topic", "other"]];
    on_work(&place, "main", octopus);
    allows(&place, "main", "work");
    let one_by_one: &[&[&str]] = &[
        &["merge", "--quiet", "--no-ff", "-m", "One", "topic"],
        &["merge", "--quiet", "-m", "Two", "other"],
    ];
    on_work(&place, "main", one_by_one);
    allows(&place, "main", "work");
    move_main(&place);
    on_work(&place, "main", octopus);
    allows(&place, "main", "work");
}

#[test]
fn a_topic_that_took_in_main_before_is_let_in() {
    let place = place();
    topic(&place);
    move_main(&place);
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.git(&["merge", "--quiet", "-m", "Take in main", "main"]).ok();
    allows(&place, "main", "topic");
}

#[test]
fn tasks_judged_one_by_one_make_up_their_result() {
    let place = place();
    place.git(&["branch", "result", "main"]).ok();
    for (task, vendor, rival) in [
        ("a", "anthropic", ("codex", "openai")),
        ("b", "openai", ("gemini", "google")),
        ("c", "google", ("claude", "anthropic")),
    ] {
        place.git(&["switch", "--quiet", "-c", task, "main"]).ok();
        place.commit_saying(task, task, "work\n");
        let mut verdict = place.verdict("main", task);
        verdict.authors = vec![author(task, vendor)];
        verdict.reviewer = author(rival.0, rival.1);
        place.record(&verdict);
        place.git(&["switch", "--quiet", "result"]).ok();
        place.git(&["merge", "--quiet", "--no-ff", "-m", task, task]).ok();
    }
    allows(&place, "main", "result");
    move_main(&place);
    on_work(&place, "main", &[&["merge", "--quiet", "--no-ff", "-m", "Merge", "result"]]);
    allows(&place, "main", "work");
    // One commit that nobody judged, on the result itself.
    place.git(&["switch", "--quiet", "result"]).ok();
    place.commit_saying("Sneak", "d", "sneaked in\n");
    on_work(&place, "main", &[&["merge", "--quiet", "--no-ff", "-m", "Merge", "result"]]);
    refuses(&place, "main", "work");
    refuses(&place, "main~1", "result");
}

#[test]
fn content_that_nobody_approved_is_kept_out_however_it_comes() {
    let place = place();
    topic(&place);
    move_main(&place);
    let merge: &[&str] = &["merge", "--quiet", "--no-ff", "-m", "Merge", "topic"];
    let amend: &[&str] = &["commit", "--quiet", "--all", "--amend", "--no-edit"];
    let cases: [(&str, &dyn Fn()); 8] = [
        ("an extra commit", &|| {
            on_work(&place, "main", &[merge]);
            place.commit_saying("Extra", "extra", "extra\n");
        }),
        ("a part of the topic", &|| on_work(&place, "main", &[&["cherry-pick", "topic~1"]])),
        ("white space", &|| {
            on_work(&place, "main", &[merge]);
            place.write("new", "new \n");
            place.git(amend).ok();
        }),
        ("a mode", &|| {
            on_work(&place, "main", &[merge]);
            let file = place.repo().join("new");
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
            place.git(amend).ok();
        }),
        ("an evil merge", &|| {
            on_work(&place, "main", &[merge]);
            place.commit_saying("x", "evil", "evil\n");
            place.git(&["reset", "--quiet", "--soft", "HEAD~1"]).ok();
            place.git(amend).ok();
        }),
        ("something unjudged and its revert", &|| {
            on_work(&place, "main", &[merge]);
            place.commit_saying("Secret", "secret", "secret\n");
            place.git(&["revert", "--no-edit", "HEAD"]).ok();
        }),
        ("a revert of what was approved", &|| {
            on_work(&place, "main", &[merge, &["revert", "-m", "1", "--no-edit", "HEAD"]]);
        }),
        ("the same hunk elsewhere", &|| {
            on_work(&place, "main", &[]);
            place.commit_saying("Add", "new", "new\n");
            place.commit_saying("Move", "lines", lines(&[(3, "two"), (28, "twenty-eight")]));
        }),
    ];
    for (case, make) in cases {
        make();
        assert!(matches!(admit(&place, "main", "work"), Ruling::Refuse(_)), "{case}");
    }
}

/// `topic` and `main` have merged each other's state at the same time: two best common ancestors, and what
/// these merge to is in no commit, since each side has changed something else in its merge.
fn criss_cross(place: &Place) {
    place.git(&["switch", "--quiet", "-c", "topic", "main"]).ok();
    place.commit_saying("Spell two", "lines", lines(&[(2, "two")]));
    move_main(place);
    place.git(&["branch", "main-then"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "-m", "Take the topic", "topic"]).ok();
    place.write("of-main", "of main\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "--amend", "--no-edit"]).ok();
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.git(&["merge", "--quiet", "-m", "Take in main", "main-then"]).ok();
    place.write("of-topic", "of topic\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "--amend", "--no-edit"]).ok();
    assert_eq!(place.git_says(&["merge-base", "--all", "main", "topic"]).lines().count(), 2);
}

/// What `git flow-ai review topic` would judge.
fn approve_as_named(place: &Place) {
    let change = changes::named(&Repo::open(&place.repo()).unwrap(), "topic", &Branch::own("main")).unwrap();
    let mut verdict = place.verdict("main", "topic");
    verdict.base_tree = change.base_tree;
    assert_eq!(verdict.head_tree, change.head_tree);
    place.record(&verdict);
}

#[test]
fn a_criss_crossed_topic_is_judged_on_the_base_that_git_merges_it_on() {
    let place = place();
    criss_cross(&place);
    place.commit_saying(
        "Spell fourteen",
        "lines",
        lines(&[(2, "two"), (14, "fourteen"), (28, "twenty-eight")]),
    );
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Main goes on", "other", "other\n");
    let change = changes::named(&Repo::open(&place.repo()).unwrap(), "topic", &Branch::own("main")).unwrap();
    let shown = place.git_says(&["diff", &change.base_tree.to_string(), &change.head_tree.to_string()]);
    assert_eq!(shown.lines().filter(|line| line.starts_with('+')).count(), 4, "only its own: {shown}");
    on_work(&place, "main", &[&["merge", "--quiet", "--no-ff", "-m", "Merge", "topic"]]);
    let missing = refuses(&place, "main", "work").missing.unwrap();
    assert_eq!(missing.base_tree, change.base_tree);
    assert_eq!(missing.head_tree, change.head_tree);
    approve_as_named(&place);
    allows(&place, "main", "work");
    let squash: &[&str] = &["merge", "--quiet", "--squash", "topic"];
    on_work(&place, "main", &[squash, &["commit", "--quiet", "-m", "Squash"]]);
    allows(&place, "main", "work");
    place.commit_saying("Sneak", "sneaked", "in\n");
    refuses(&place, "main", "work");
    // In a clone, the base tree that was judged is in no commit.
    let url = format!("file://{}", place.repo().display());
    place.git(&["clone", "--quiet", "--bare", &url, "../clone"]).ok();
    place.git(&["-C", "../clone", "fetch", "--quiet", "origin", "refs/notes/*:refs/notes/*"]).ok();
    let clone = Repo::open(&place.root().join("clone")).unwrap();
    assert!(!clone.has(change.base_tree));
    let id = |revision: &str| clone.commit_of(revision).unwrap().id;
    let new = New::Commit(id("work~1"));
    let candidate = Candidate { branch: "main".into(), old: id("main"), new, accepted: None };
    assert!(matches!(admit::admit(&clone, &candidate).unwrap(), Ruling::Allow(_)));
}

#[test]
fn a_criss_crossed_topic_whose_common_ancestors_conflict_cannot_be_told() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "topic", "main"]).ok();
    place.commit_saying("Spell two", "lines", lines(&[(2, "two")]));
    place.git(&["branch", "topic-then"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Spell in German", "lines", lines(&[(2, "zwei")]));
    place.git(&["branch", "main-then"]).ok();
    for (branch, other) in [("main", "topic-then"), ("topic", "main-then")] {
        place.git(&["switch", "--quiet", branch]).ok();
        place.git(&["merge", "--quiet", other]).exits(1);
        place.commit_saying("Resolve", "lines", lines(&[(2, "deux")]));
    }
    place.commit_saying("Add a file", "new", "new\n");
    let error =
        changes::named(&Repo::open(&place.repo()).unwrap(), "topic", &Branch::own("main")).unwrap_err();
    assert!(format!("{error:#}").contains("merged crosswise"), "{error:#}");
    on_work(&place, "main", &[&["merge", "--quiet", "--no-ff", "-m", "Merge", "topic"]]);
    let missing = refuses(&place, "main", "work").missing.unwrap();
    let tree = |revision: &str| place.git_says(&["rev-parse", &format!("{revision}^{{tree}}")]);
    assert_eq!(missing.base_tree.to_string(), tree("main"), "what to review is the merge as it stands");
    // The way out that the error names.
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.git(&["merge", "--quiet", "-m", "Take in main", "main"]).ok();
    approve_as_named(&place);
    allows(&place, "main", "topic");
}

#[test]
fn a_topic_without_a_common_ancestor_is_new_as_a_whole() {
    let place = place();
    place.git(&["switch", "--quiet", "--orphan", "topic"]).ok();
    place.commit_saying("Import", "imported", "from elsewhere\n");
    let merge: &[&str] = &["merge", "--quiet", "--allow-unrelated-histories", "-m", "Merge", "topic"];
    on_work(&place, "main", &[merge]);
    let missing = refuses(&place, "main", "work").missing.unwrap();
    assert_eq!(
        (missing.base, missing.head_tree.to_string()),
        (None, place.git_says(&["rev-parse", "topic:"]))
    );
    approve_as_named(&place);
    allows(&place, "main", "work");
    place.commit_saying("Sneak", "sneaked", "in\n");
    refuses(&place, "main", "work");
}

#[test]
fn what_is_done_and_undone_on_the_way_was_not_judged() {
    let place = place();
    topic(&place);
    move_main(&place);
    let pick = |commit| ["cherry-pick", commit];
    let detours: [(&str, &dyn Fn()); 3] = [
        ("before", &|| place.commit_saying("Secret", "secret", "secret\n")),
        ("of the same file", &|| {
            let text = place.read("lines").replace("15\n", "secret\n");
            place.commit_saying("Secret", "lines", &text);
        }),
        ("a merge", &|| {
            place.git(&["switch", "--quiet", "-C", "side", "work"]).ok();
            place.commit_saying("Secret", "secret", "secret\n");
            place.git(&["switch", "--quiet", "work"]).ok();
            place.git(&["merge", "--quiet", "--no-ff", "-m", "Secret", "side"]).ok();
        }),
    ];
    for (case, detour) in detours {
        on_work(&place, "main", &[&pick("topic~1")]);
        detour();
        let secret = place.git_says(&["rev-parse", "HEAD"]);
        place.git(&["read-tree", "-u", "--reset", &format!("{secret}~1")]).ok();
        place.git(&["commit", "--quiet", "-m", "Undo"]).ok();
        place.git(&pick("topic")).ok();
        assert!(matches!(admit(&place, "main", "work"), Ruling::Refuse(_)), "{case}");
        on_work(&place, "main", &[&pick("topic~1"), &pick("topic")]);
        allows(&place, "main", "work");
    }
    // Undone only after the rest has come in.
    on_work(&place, "main", &[&pick("topic~1")]);
    place.commit_saying("Secret", "secret", "secret\n");
    place.git(&pick("topic")).ok();
    place.git(&["rm", "--quiet", "secret"]).ok();
    place.git(&["commit", "--quiet", "-m", "Undo"]).ok();
    refuses(&place, "main", "work");
}

#[test]
fn what_follows_a_foxtrot_is_judged_step_by_step() {
    let place = place();
    topic(&place);
    move_main(&place);
    on_work(&place, "topic", &[&["merge", "--quiet", "-m", "Take in main", "main"]]);
    place.commit_saying("Secret", "secret", "secret\n");
    place.git(&["revert", "--no-edit", "HEAD"]).ok();
    refuses(&place, "main", "work");
    allows(&place, "main", "work~2");
}

#[test]
fn a_topic_that_itself_undid_something_survives_a_rebase() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "topic", "main"]).ok();
    place.commit_saying("Spell two", "lines", lines(&[(2, "two")]));
    place.commit_saying("Draft", "draft", "a draft\n");
    place.git(&["rm", "--quiet", "draft"]).ok();
    place.git(&["commit", "--quiet", "-m", "No draft"]).ok();
    place.commit_saying("Spell three", "lines", lines(&[(2, "two"), (3, "three")]));
    place.git(&["revert", "--no-edit", "HEAD"]).ok();
    for number in 0..8 {
        place.commit_saying("Draft", &format!("draft{number}"), "a draft\n");
        place.git(&["rm", "--quiet", &format!("draft{number}")]).ok();
        place.git(&["commit", "--quiet", "-m", "No draft"]).ok();
    }
    place.commit_saying("Add a file", "new", "new\n");
    place.approve("main", "topic");
    allows(&place, "main", "topic");
    move_main(&place);
    on_work(&place, "topic", &[&["rebase", "--quiet", "main"]]);
    assert_eq!(place.git_says(&["rev-list", "--count", "main..work"]), "22");
    allows(&place, "main", "work");
}

#[test]
fn a_conflict_resolved_by_hand_needs_a_verdict_of_its_own() {
    let place = place();
    topic(&place);
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Spell in German", "lines", lines(&[(2, "zwei")]));
    place.git(&["switch", "--quiet", "-C", "work", "main"]).ok();
    place.git(&["merge", "topic"]).exits(1);
    place.commit_saying("Resolve", "lines", lines(&[(2, "deux")]));
    let missing = refuses(&place, "main", "work").missing.unwrap();
    let tree = |revision: &str| place.git_says(&["rev-parse", &format!("{revision}^{{tree}}")]);
    assert_eq!(missing.base_tree.to_string(), tree("main"), "what to review is the resolution as it stands");
    assert_eq!(missing.head_tree.to_string(), tree("work"));
    place.approve("main", "work");
    allows(&place, "main", "work");
}

#[test]
fn a_branch_never_loses_commits() {
    let place = place();
    topic(&place);
    let refusal = refuses(&place, "topic", "main");
    assert!(refusal.missing.is_none(), "no review could mend it");
    // The same content by other commits is a rewritten history all the same.
    on_work(&place, "topic", &[&["commit", "--quiet", "--amend", "-m", "Other words"]]);
    refuses(&place, "topic", "work");
}

#[test]
fn what_changes_nothing_is_free() {
    let place = place();
    topic(&place);
    allows(&place, "main", "main");
    on_work(&place, "main", &[&["commit", "--quiet", "--allow-empty", "-m", "Nothing"]]);
    allows(&place, "main", "work");
    place.commit_saying("Unjudged", "unjudged", "unjudged\n");
    on_work(&place, "main", &[&["merge", "--quiet", "-s", "ours", "--no-ff", "-m", "Ours", "topic"]]);
    allows(&place, "main", "work");
}

#[test]
fn a_refusal_names_the_change_that_a_review_would_mend() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit_saying("Add a file", "new", "new\n");
    move_main(&place);
    on_work(&place, "main", &[&["merge", "--quiet", "--no-ff", "-m", "Merge", "topic"]]);
    let refusal = refuses(&place, "main", "work");
    assert!(refusal.why.contains("Add a file"), "{}", refusal.why);
    let missing = refusal.missing.unwrap();
    assert_eq!(missing.base.unwrap().to_string(), place.git_says(&["rev-parse", "main~1"]));
    assert_eq!(missing.head.unwrap().to_string(), place.git_says(&["rev-parse", "topic"]));
    place.approve("main~1", "topic");
    allows(&place, "main", "work");
}

#[test]
fn only_a_rivals_word_counts() {
    let place = place();
    topic(&place);
    place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
    let good = place.verdict("main", "topic");
    let broken: [(&str, Spoil); 5] = [
        ("the author's own vendor", &|verdict| verdict.authors.push(author("codex", "openai"))),
        ("nobody is known to have written it", &|verdict| verdict.authors.clear()),
        ("nothing was shown", &|verdict| verdict.shown.bytes = 0),
        ("a finding that blocks", &|verdict| verdict.findings.push(finding(Severity::P1, "Wrong"))),
        ("another change", &|verdict| std::mem::swap(&mut verdict.base_tree, &mut verdict.head_tree)),
    ];
    for (case, spoil) in broken {
        let mut verdict = good.clone();
        spoil(&mut verdict);
        place.record(&verdict);
        assert!(matches!(admit(&place, "main", "topic"), Ruling::Refuse(_)), "{case}");
        place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
    }
    place.record(&good);
    allows(&place, "main", "topic");
}

#[test]
fn a_block_holds_until_the_same_reviewer_takes_it_back() {
    let place = place();
    topic(&place);
    let mut blocking = place.block("main", "topic", vec![finding(Severity::P0, "Deletes the home folder")]);
    blocking.reviewer = author("gemini", "google");
    blocking.time = "2025-01-01T00:00:00Z".parse().unwrap();
    place.record(&blocking);
    let refusal = refuses(&place, "main", "topic");
    assert_eq!(refusal.blocking.len(), 1, "an older block of another reviewer outweighs an approval");
    assert!(refusal.why.contains("gemini (google)"), "{}", refusal.why);
    let mut later = place.verdict("main", "topic");
    later.reviewer = author("gemini", "google");
    place.record(&later);
    allows(&place, "main", "topic");
    // The block of the whole also outweighs approvals of its parts.
    place.approve("main", "topic~1");
    place.approve("topic~1", "topic");
    blocking.time = "2026-06-01T00:00:00Z".parse().unwrap();
    place.record(&blocking);
    refuses(&place, "main", "topic");
}

#[test]
fn two_approvals_are_of_two_vendors() {
    let place = place_with("approvals = 2\n");
    topic(&place);
    let mut second = place.verdict("main", "topic");
    second.reviewer = author("gpt", "openai");
    place.record(&second);
    refuses(&place, "main", "topic");
    second.reviewer = author("gemini", "google");
    place.record(&second);
    allows(&place, "main", "topic");
}

#[test]
fn the_policy_is_the_targets_and_not_what_is_being_merged() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit_saying("Open the gate", ".zenflow/config.toml", "version = 1\n[gate]\nbranches = []\n");
    refuses(&place, "main", "topic");
    let repo = Repo::open(&place.repo()).unwrap();
    let (old, new) = (repo.commit_of("main").unwrap().id, repo.commit_of("topic").unwrap().id);
    let free = Candidate { branch: "other".into(), old, new: New::Commit(new), accepted: None };
    assert!(matches!(admit::admit(&repo, &free).unwrap(), Ruling::Allow(_)), "no other branch is protected");
}

#[test]
fn a_policy_that_cannot_be_read_lets_nothing_in() {
    let place = Place::with_config("version = 1\n[gate]\nbranchs = [\"main\"]\n");
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit_saying("Add", "new", "new\n");
    let repo = Repo::open(&place.repo()).unwrap();
    let (old, new) = (repo.commit_of("main").unwrap().id, repo.commit_of("topic").unwrap().id);
    let candidate = Candidate { branch: "main".into(), old, new: New::Commit(new), accepted: None };
    let Ruling::Refuse(refusal) = admit::admit(&repo, &candidate).unwrap() else { panic!("it was let in") };
    assert!(refusal.why.contains("branchs"), "{}", refusal.why);
}

#[test]
fn what_the_guarding_remote_has_let_in_needs_no_second_verdict() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "upstream"]).ok();
    place.commit_saying("Upstream", "from-upstream", "accepted there\n");
    topic(&place);
    on_work(&place, "topic", &[&["merge", "--quiet", "--no-ff", "-m", "Pull", "upstream"]]);
    let repo = Repo::open(&place.repo()).unwrap();
    let id = |revision: &str| repo.commit_of(revision).unwrap().id;
    let pull = |accepted| {
        let new = New::Commit(id("work"));
        let candidate = Candidate { branch: "main".into(), old: id("topic"), new, accepted };
        matches!(admit::admit(&repo, &candidate).unwrap(), Ruling::Allow(_))
    };
    assert!(pull(Some(id("upstream"))));
    assert!(!pull(None));
}

#[test]
fn where_nothing_moves_there_is_nothing_to_block() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "topic", "main"]).ok();
    place.commit_saying("Add", "new", "new\n");
    place.git(&["rm", "--quiet", "new"]).ok();
    place.git(&["commit", "--quiet", "-m", "Take it back"]).ok();
    // Its net change is from main's tree to itself.
    place.record(&place.block("main", "topic", vec![finding(Severity::P0, "A key")]));
    allows(&place, "main", "main");
    refuses(&place, "main", "topic");
}
