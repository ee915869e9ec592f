//! `[[gate.rule]]`: rules by path, read from the target's policy, and changes of that policy itself.

use crate::support::verdicts::author;
use crate::support::{Config, Place};

const RULE: &str =
    "review_on_merge = false\n[[gate.rule]]\npaths = [\".zenflow/**\", \".gitattributes\"]\nhuman = true\n";

fn place() -> Place {
    let place = Place::judged(RULE, "");
    place.protect("");
    place.git(&["checkout", "--quiet", "-b", "topic"]).ok();
    place
}

fn commit(place: &Place, path: &str, text: &str) {
    place.write(path, text);
    place.git(&["add", "--force", path]).ok();
    place.git(&["commit", "--quiet", "-m", &format!("Change {path}")]).ok();
}

#[test]
fn a_change_of_the_law_waits_for_a_person_and_other_changes_do_not() {
    for path in
        [".zenflow/config.toml", ".zenflow/allowed_signers", ".zenflow/workflows/x.md", ".gitattributes"]
    {
        let place = place();
        let text = match path {
            // Laxer in every respect: no rule, any reviewer.
            ".zenflow/config.toml" => {
                Config::new().gate("rival = \"any\"").reviewer("judge", "zeta").to_string()
            }
            _ => "# changed\n".to_owned(),
        };
        commit(&place, path, &text);
        place.flow(&["review", "topic"]).ok();
        let refused = place.merge_topic().exits(128).says("a rule wants a person's approval of");
        let line = refused.stderr.lines().find(|line| line.contains("--approve")).unwrap();
        let typed: Vec<&str> = line.split_once("git flow-ai ").unwrap().1.split_whitespace().collect();
        place.flow(&typed).exits(1).says("nobody judges their own work");
        place.flow_as_bob(&typed).ok();
        place.merge_topic().ok();
    }
    let place = place();
    commit(&place, "src.txt", "text\n");
    place.flow(&["review", "topic"]).ok();
    place.merge_topic().ok();
}

#[test]
fn what_is_changed_on_the_way_and_put_back_waits_for_a_person_who_is_told_of_it() {
    let place = place();
    commit(&place, ".gitattributes", "*.txt -diff\n");
    place.git(&["rm", "--quiet", ".gitattributes"]).ok();
    commit(&place, "src.txt", "text\n");
    place.flow(&["review", "topic"]).ok();
    place.merge_topic().exits(128).says("a rule wants a person's approval of").says("--approve");
    place
        .flow_as_bob(&["review", "topic", "--approve"])
        .ok()
        .says("  A src.txt\n")
        .says("  = .gitattributes (its commits change it and put it back)\n");
    place.merge_topic().ok();
}

#[test]
fn a_branch_that_loosens_the_gate_is_judged_by_the_targets() {
    let place = place();
    // Its own reviewer, its own rules, and an approval by what it calls a rival.
    place.reviewer("tame", "");
    let tame = place.root().join("bin/tame");
    let lax = format!(
        "version = 1\n[agents.tame]\ncommand = [\"{}\"]\nvendor = \"zeta\"\n[reviewers.tame]\nagent = \"tame\"\n\
         [review]\ninstructions = \"Approve.\"\n[gate]\nbranches = []\nrival = \"any\"\nwaivers = [\"ada@example.com\"]\n",
        tame.display()
    );
    commit(&place, ".zenflow/config.toml", &lax);
    place.flow(&["waive", "topic", "--reason", "I may now."]).exits(1);
    place.flow(&["review", "topic", "--reviewer", "tame"]).exits(2).says("tame");
    place.merge_topic().exits(128).says("no rival's verdict covers");
}

#[test]
fn attributes_of_a_branch_hide_nothing_of_what_a_person_approves() {
    let place = place();
    commit(&place, ".gitattributes", "*.txt -diff\n*.txt linguist-generated\n");
    commit(&place, "evil.txt", "evil\n");
    let out = place.flow_as_bob(&["review", "topic", "--approve", "--json"]).ok();
    let json: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    let files: Vec<&str> = json["verdicts"][0]["shown"]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert_eq!(files, [".gitattributes", "evil.txt"]);
}

#[test]
fn a_folder_is_guarded_however_its_path_is_written() {
    for pattern in ["crypto", "crypto/", "/crypto", "/crypto/**", "./crypto/**", "crypto/**"] {
        let rule = format!("review_on_merge = false\n[[gate.rule]]\npaths = [\"{pattern}\"]\nhuman = true\n");
        let place = Place::judged(&rule, "");
        place.protect("");
        place.git(&["switch", "--quiet", "-c", "topic"]).ok();
        commit(&place, "crypto/deep/c.rs", "new\n");
        place.flow(&["review", "topic"]).ok();
        place.merge_topic().exits(128).says("a rule wants a person's approval");
        let server = place.server("origin");
        place.flow_in(&server, &["init"]).ok();
        let push = ["push", "--no-verify", "--quiet", "origin", "topic:main", "refs/notes/flow-ai"];
        place.git(&push).exits(1).says("a rule wants a person's approval");
        place.flow_as_bob(&["review", "topic", "--approve"]).ok();
        place.git(&push[..5]).exits(1);
        place.merge_topic().ok();
    }
}

#[test]
fn a_path_that_means_nothing_is_refused_and_one_that_matches_no_file_is_named() {
    for pattern in ["../crypto", "", "!crypto", "a//b"] {
        let rule = format!("[[gate.rule]]\npaths = [\"{pattern}\"]\nhuman = true\n");
        let place = Place::judged(&rule, "");
        place.flow(&["init"]).exits(2).says("means no path").says("paths = [");
    }
    let rule = "review_on_merge = false\n[[gate.rule]]\npaths = [\"cryto/\", \".zenflow/\"]\nhuman = true\n";
    let place = Place::judged(rule, "");
    place.protect("");
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    commit(&place, "crypto/c.rs", "new\n");
    let says = "rules that match no file of";
    assert!(
        place
            .flow(&["doctor"])
            .says(says)
            .says("cryto/")
            .stdout
            .lines()
            .all(|line| !line.contains("cryto/, .zen"))
    );
    place.flow(&["check", "topic", "--target", "main"]).exits(1).says(says).says("cryto/");
}

#[test]
fn a_person_approves_the_whole_where_no_rival_of_all_who_made_it_exists() {
    let rule = "review_on_merge = false\n[[gate.rule]]\npaths = [\"crypto/**\"]\nhuman = true\n";
    let place = Place::gated(
        Config::new()
            .gate(format!("branches = [\"main\"]\n{rule}"))
            .names("codex", "openai")
            .names("judge", "zeta"),
    );
    let part = |name: &str, maker: &str, judge: &str, of: &str| {
        place.git(&["switch", "--quiet", "-c", name, "main"]).ok();
        let message = format!("{name}\n\nCo-authored-by: {maker}");
        place.commit_saying(&message, &format!("crypto/{name}.rs"), "fn key() {}\n");
        let mut verdict = place.verdict("main", name);
        verdict.reviewer = author(judge, of);
        place.record(&verdict);
    };
    part("one", "Claude <noreply@anthropic.com>", "codex", "openai");
    part("two", "Codex <noreply@openai.com>", "judge", "zeta");
    place.git(&["switch", "--quiet", "-c", "both", "main"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "one"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "two"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    let refused =
        place.git(&["merge", "--no-ff", "--no-edit", "both"]).exits(128).says("a rule wants a person");
    let line = refused.stderr.lines().find(|line| line.contains("--approve")).unwrap();
    let typed: Vec<&str> = line.split_once("git flow-ai ").unwrap().1.split_whitespace().collect();
    place.flow_as_bob(&typed).ok();
    place.git(&["merge", "--no-ff", "--no-edit", "both"]).ok();
}
