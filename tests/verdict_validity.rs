//! Whether a verdict counts: the gate, `review`, `status`, `merge` and `verdict list` give the same answer.

use crate::support::verdicts::{author, finding};
use crate::support::{Config, Place};
use git_flow_ai::domain::verdict::{Decision, Severity, Verdict};
use git_flow_ai::gate::admit::{self, Candidate, New, Ruling};
use git_flow_ai::gate::store::Repo;
use std::fs;

const RESULT: &str = "flow/dark-mode/result";

/// What is said of a result with some verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Approved,
    Blocked,
    Unjudged,
}

/// A spec whose one task is done, and whose result nobody has judged; the reviewer `judge` says when it
/// is asked.
fn place(policy: &str) -> Place {
    let place = Place::new();
    place.reviewer("judge", "echo asked >> \"$HOME/asked\"");
    let config = Config::new()
        .names("codex", "openai")
        .names("gemini", "google")
        .gate("review_on_merge = false")
        .gate(policy)
        .reviewer("judge", "zeta");
    place.write(".zenflow/config.toml", config.to_string());
    place.key("ada", "ed25519");
    place.protect(&format!("ada@example.com {}\n", place.public("ada")));
    place.git(&["switch", "--quiet", "--orphan", "flow/dark-mode/spec"]).ok();
    place.write("request.md", "# Dark mode\n");
    place.write("plan.md", "# Quick\n\n### [x] Step: Do it\n<!-- id: do-it -->\n\nDo it.\n");
    place.git(&["add", "request.md", "plan.md"]).ok();
    place.git(&["commit", "--quiet", "-m", "Begin\n\nFlow-Workflow: quick"]).ok();
    place.git(&["switch", "--quiet", "-c", RESULT, "main"]).ok();
    place.write("dark.css", "body { color: white }\n");
    place.git(&["add", "dark.css"]).ok();
    place.git(&["commit", "--quiet", "-m", "Make it dark"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place
}

fn gate(place: &Place) -> Answer {
    let repo = Repo::open(&place.repo()).unwrap();
    let id = |revision: &str| repo.commit_of(revision).unwrap().id;
    let candidate =
        Candidate { branch: "main".into(), old: id("main"), new: New::Commit(id(RESULT)), accepted: None };
    match admit::admit(&repo, &candidate).unwrap() {
        Ruling::Allow(_) => Answer::Approved,
        Ruling::Refuse(refusal) if refusal.blocking.is_empty() => Answer::Unjudged,
        Ruling::Refuse(_) => Answer::Blocked,
    }
}

fn overview(place: &Place) -> serde_json::Value {
    let json: serde_json::Value =
        serde_json::from_str(&place.flow(&["status", "--json"]).ok().stdout).unwrap();
    json[0].clone()
}

fn status(place: &Place) -> Answer {
    let json = overview(place);
    match json["stage"].as_str().unwrap() {
        "mergeable" => Answer::Approved,
        "rejected" => Answer::Blocked,
        "unjudged" => Answer::Unjudged,
        other => panic!("{other}: {json}"),
    }
}

/// What `review` says; it asks its reviewer only about what has not been judged.
fn review(place: &Place) -> Answer {
    let asked = place.root().join("home/asked");
    let out = place.flow(&["review", RESULT]);
    if fs::remove_file(asked).is_ok() || out.stderr.contains("no key is configured to sign with") {
        return Answer::Unjudged;
    }
    match out.says("This very change has been judged already").status {
        0 => Answer::Approved,
        _ => Answer::Blocked,
    }
}

/// Which of the verdicts `verdict list` says hold, and why the others do not.
fn listed(place: &Place) -> Vec<String> {
    list(place, RESULT)
}

fn list(place: &Place, which: &str) -> Vec<String> {
    let out = place.flow(&["verdict", "list", which, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    let why = |one: &serde_json::Value| one["why"].as_str().unwrap_or("holds").to_owned();
    json["verdicts"].as_array().unwrap().iter().map(why).collect()
}

#[track_caller]
fn all_say(policy: &str, verdicts: &[&dyn Fn(&mut Verdict)], holds: &[&str], answer: Answer) {
    let place = place(policy);
    for (minute, change) in verdicts.iter().enumerate() {
        let mut verdict = place.verdict("main", RESULT);
        verdict.time = format!("2026-01-01T00:{minute:02}:00Z").parse().unwrap();
        change(&mut verdict);
        place.record(&verdict);
    }
    let merge = place.copy().flow(&["merge", "dark-mode"]).status == 0;
    assert_eq!(
        (gate(&place), status(&place), merge, listed(&place), review(&place)),
        (answer, answer, answer == Answer::Approved, holds.iter().map(ToString::to_string).collect(), answer)
    );
}

fn approves(_: &mut Verdict) {}

fn blocks(verdict: &mut Verdict) {
    verdict.decision = Decision::RequestChanges;
    verdict.findings = vec![finding(Severity::P1, "Wrong")];
}

fn waives(verdict: &mut Verdict) {
    verdict.decision = Decision::Waive;
    verdict.reviewer = author("Ada Lovelace <ada@example.com>", "person");
}

const WAIVERS: &str = "waivers = [\"ada@example.com\"]\n";

#[test]
fn of_one_verdict_all_say_whether_it_counts() {
    use Answer::{Approved, Blocked, Unjudged};
    all_say("", &[&approves], &["holds"], Approved);
    all_say("", &[&blocks], &["holds"], Blocked);
    let elsewhere = |verdict: &mut Verdict| verdict.target = "next".into();
    all_say("", &[&elsewhere], &["it was given for a branch that is not protected"], Unjudged);
    let both = "branches = [\"main\", \"next\"]\n";
    all_say(both, &[&elsewhere], &["holds"], Unjudged);
    let vacuous = |verdict: &mut Verdict| verdict.shown.bytes = 0;
    all_say("", &[&vacuous], &["its reviewer was not shown the whole change"], Unjudged);
    let anonymous = |verdict: &mut Verdict| verdict.authors.clear();
    all_say("", &[&anonymous], &["the authors of the change are unknown"], Unjudged);
    let own = |verdict: &mut Verdict| verdict.authors.push(author("gpt", "openai"));
    all_say("", &[&own], &["its reviewer is no rival"], Unjudged);
    all_say("signed = true\n", &[&approves], &["it is not signed as the branch demands"], Unjudged);
    all_say("approvals = 2\n", &[&approves], &["holds"], Unjudged);
}

#[test]
fn of_several_verdicts_all_say_which_are_in_force() {
    use Answer::{Approved, Blocked, Unjudged};
    let replaced = "a newer verdict of its reviewer replaces it";
    all_say("", &[&blocks, &approves], &[replaced, "holds"], Approved);
    all_say("", &[&approves, &blocks], &[replaced, "holds"], Blocked);
    all_say(WAIVERS, &[&waives], &["holds"], Approved);
    all_say(WAIVERS, &[&blocks, &waives], &["it has been waived since", "holds"], Approved);
    all_say(WAIVERS, &[&waives, &blocks], &["a later verdict blocks the change", "holds"], Blocked);
    all_say("", &[&waives], &["who gave it may not waive"], Unjudged);
    all_say("", &[&blocks, &waives], &["holds", "who gave it may not waive"], Blocked);
}

#[test]
fn an_author_that_only_the_commit_names_counts_everywhere() {
    let place = place("");
    place.git(&["switch", "--quiet", RESULT]).ok();
    let message = "Make it dark\n\nCo-authored-by: Codex <codex@openai.com>";
    place.git(&["commit", "--quiet", "--amend", "-m", message]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.approve("main", RESULT);
    assert_eq!((gate(&place), status(&place)), (Answer::Unjudged, Answer::Unjudged));
    assert_eq!(listed(&place), ["its reviewer is no rival"]);
    assert_eq!(review(&place), Answer::Unjudged);
}

/// A commit with the tree of the result, on a branch.
fn same_tree(place: &Place, branch: &str) {
    let tree = format!("{RESULT}^{{tree}}");
    let commit = place.git_says(&["commit-tree", &tree, "-p", "main", "-m", "Do it"]);
    place.git(&["branch", branch, &commit]).ok();
}

#[test]
fn where_a_rule_wants_a_person_status_says_so_until_one_has_approved() {
    let place = place("[[gate.rule]]\npaths = [\"**\"]\nhuman = true\n");
    same_tree(&place, "flow/dark-mode/do-it");
    place.approve("main", "flow/dark-mode/do-it");
    let next = format!("git flow-ai review {RESULT} --approve");
    assert_eq!(overview(&place)["stage"], "needs-person");
    assert_eq!(overview(&place)["next"], next);
    place.flow(&["review", RESULT]).ok();
    assert_eq!(overview(&place)["next"], next, "a model's second approval is not a person's");
    assert_eq!(gate(&place), Answer::Unjudged);
    place.flow_as_bob(&["review", RESULT, "--approve"]).ok();
    assert_eq!((gate(&place), status(&place)), (Answer::Approved, Answer::Approved));
    place.flow(&["merge", "dark-mode"]).ok();
}

#[test]
fn what_was_decided_about_the_only_task_is_about_its_result_too() {
    let place = place("approvals = 2\n");
    same_tree(&place, "flow/dark-mode/do-it");
    place.approve("main", "flow/dark-mode/do-it");
    let mut second = place.verdict("main", RESULT);
    second.reviewer = author("gemini", "google");
    assert_eq!((gate(&place), status(&place)), (Answer::Unjudged, Answer::Unjudged));
    place.record(&second);
    assert_eq!((gate(&place), status(&place)), (Answer::Approved, Answer::Approved));
}

#[test]
fn without_a_list_of_signers_nothing_counts_and_status_says_why() {
    let place = place("signed = true\n");
    place.approve("main", RESULT);
    let list = ".zenflow/allowed_signers";
    place.write(list, "ada@example.com\n");
    place.ungated(&["commit", "--quiet", "-m", "Break it", list]).ok();
    assert_eq!(status(&place), Answer::Unjudged);
    place
        .flow(&["status"])
        .ok()
        .says("warning: nobody could work under the config of main")
        .says("malformed in line 1");
    place.ungated(&["rm", "--quiet", list]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Remove it"]).ok();
    assert_eq!(status(&place), Answer::Unjudged);
    place.flow(&["status", "dark-mode"]).ok().says("to review").says("allowed_signers is missing");
}

#[test]
fn a_copy_of_a_verdict_does_not_replace_it() {
    let place = place("");
    place.approve("main", RESULT);
    for copy in ["one", "two", "three"] {
        let tree = format!("{RESULT}^{{tree}}");
        let commit = place.git_says(&["commit-tree", &tree, "-p", "main", "-m", copy]);
        place.git(&["notes", "--ref=flow-ai", "copy", RESULT, &commit]).ok();
    }
    assert_eq!(list(&place, "--all"), ["holds"; 4]);
    place.git(&["notes", "--ref=flow-ai", "copy", RESULT, "main"]).ok();
    let mut all = list(&place, "--all");
    all.sort();
    assert_eq!(all, ["holds", "holds", "holds", "holds", "it is about another state"]);
    assert_eq!(gate(&place), Answer::Approved);
}

/// Whether the gate lets the result in where `main` has moved on since it was made.
fn merges(place: &Place) -> bool {
    place.copy().flow(&["merge", "dark-mode"]).status == 0
}

/// Commits a change of the config on `main`, past the gate.
fn reconfigure(place: &Place, change: impl Fn(String) -> String) {
    let config = place.read(".zenflow/config.toml");
    place.write(".zenflow/config.toml", change(config));
    place.ungated(&["commit", "--quiet", "-am", "Change the config"]).ok();
}

#[test]
fn only_a_reviewer_whom_the_config_names_now_counts() {
    const ADVICE: &str = "it is advice: the branch's config does not name its reviewer";
    for (change, why, answer) in [
        // Removed, renamed, of another vendor.
        (&["[reviewers.codex]\n", "[reviewers.gone]\n"], ADVICE, Answer::Unjudged),
        (&["vendor = \"openai\"", "vendor = \"acme\""], ADVICE, Answer::Unjudged),
        // A newer model leaves what the older one said as it is.
        (&["model = \"m-1\"", "model = \"m-2\""], "holds", Answer::Approved),
    ] {
        let place = place("");
        place.approve("main", RESULT);
        reconfigure(&place, |config| config.replacen(change[0], change[1], 1));
        assert_eq!(listed(&place), [why], "{change:?}");
        assert_eq!((merges(&place), status(&place)), (answer == Answer::Approved, answer), "{change:?}");
        // A block of somebody who does not count keeps nothing out.
        let mut block = place.block("main", RESULT, vec![finding(Severity::P0, "Wrong")]);
        block.reviewer = author("stranger", "acme");
        place.record(&block);
        assert_eq!((merges(&place), status(&place)), (answer == Answer::Approved, answer), "{change:?}");
    }
}

#[test]
fn a_model_that_is_pinned_is_the_one_that_counts() {
    let place = place("");
    reconfigure(&place, |config| {
        let config = config.replace("agent = \"judge\"", "agent = \"judge\"\nmodel = \"j-1\"");
        config.replace("[gate]\n", "[gate]\npin_model = true\n")
    });
    let mut verdict = place.verdict("main~1", RESULT);
    verdict.reviewer.model = Some("m-1".into());
    place.record(&verdict);
    assert!(merges(&place));
    reconfigure(&place, |config| config.replacen("m-1", "m-2", 1));
    assert_eq!(listed(&place), ["the branch's config names its reviewer with another model"]);
    assert!(!merges(&place));
    assert_eq!(status(&place), Answer::Unjudged);
}

#[test]
fn a_reviewer_of_somebodys_own_only_advises() {
    let place = place("");
    place.reviewer("mine", "");
    let own = "version = 1\n[agents.mine]\ncommand = [\"mine\"]\nvendor = \"own\"\n[reviewers.mine]\nagent = \"mine\"\n";
    let folder = place.root().join("home/.config/git-flow-ai");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), own).unwrap();
    place
        .flow(&["review", RESULT, "--reviewer", "mine"])
        .exits(2)
        .says("APPROVE by mine (own)")
        .says("what mine says is advice: the config of `main` does not name it");
    assert_eq!(listed(&place), ["it is advice: the branch's config does not name its reviewer"]);
    assert_eq!((gate(&place), status(&place)), (Answer::Unjudged, Answer::Unjudged));
    // It is asked for advice only, never instead of one that counts.
    reconfigure(&place, |config| config.replace("[reviewers.judge]\nagent = \"judge\"\n", ""));
    let out = place.flow(&["review", RESULT]).exits(2).says("your own reviewer `mine` only advises");
    out.says("hint: have its advice: git flow-ai review --reviewer mine");
    assert!(!place.root().join("home/asked").exists());
}
