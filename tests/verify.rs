//! `verify`: what came into a protected branch past every hook is found, named, and can be undone.

use crate::support::{Config, Out, Place};
use serde_json::Value;
use std::fs;

/// A protected `main` with our hooks, HEAD on `topic`, which nobody has judged.
fn place() -> Place {
    let place = Place::with_config(Config::protected());
    place.flow(&["init"]).ok();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit_saying("Add a file", "new", "new\n");
    place
}

fn verify(place: &Place) -> Value {
    place.flow(&["verify", "--json"]).json()
}

fn state(place: &Place) -> String {
    verify(place)["branches"][0]["state"].as_str().unwrap().to_owned()
}

/// Does what a hint says after its colon.
fn follow(place: &Place, hint: &str) -> Out {
    let command = hint.rsplit_once(": ").unwrap().1;
    place.sh(command)
}

/// The ways that no hook of git sees.
fn past_the_gate(place: &Place, how: &str) {
    let tip = place.id("topic");
    match how {
        "branch -C" => {
            place.git(&["branch", "--quiet", "-C", "topic", "main"]).ok();
        }
        "a file written by hand" => place.write(".git/refs/heads/main", format!("{tip}\n")),
        "no hooks" => {
            place.ungated(&["update-ref", "refs/heads/main", &tip]).ok();
        }
        _ => unreachable!("{how}"),
    }
}

#[test]
fn what_comes_in_past_every_hook_is_found_and_the_way_back_leads_back() {
    for how in ["branch -C", "a file written by hand", "no hooks"] {
        let place = place();
        place.flow(&["verify"]).ok().says("main: `main` is where the gate let it be");
        let before = place.id("main");
        past_the_gate(&place, how);
        let out = place.flow(&["verify"]).exits(1).says("1 commit came into `main` past the gate");
        out.says("Add a file").says("moved to").says("hint: have it judged: git flow-ai review");
        let told = verify(&place);
        assert_eq!(told["branches"][0]["commits"][0]["id"], place.id("topic"), "{how}");
        let who = told["branches"][0]["moves"].as_array().unwrap().last().unwrap()["who"].clone();
        match how {
            "no hooks" => assert_eq!(who, "Ada Lovelace <ada@example.com>"),
            "a file written by hand" => assert_eq!(who, "nobody that git knows of"),
            _ => {}
        }
        let ways = told["branches"][0]["fix"].as_array().unwrap();
        follow(&place, ways[1].as_str().unwrap()).ok();
        assert_eq!(place.id("main"), before, "{how}");
        place.flow(&["verify"]).ok();
    }
}

#[test]
fn the_way_back_of_a_branch_that_is_checked_out_keeps_what_is_not_committed() {
    let place = place();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.ungated(&["merge", "--quiet", "topic"]).ok();
    place.write("README.md", "# Mine, not committed\n");
    let told = verify(&place);
    follow(&place, told["branches"][0]["fix"][1].as_str().unwrap()).ok();
    assert_eq!(place.read("README.md"), "# Mine, not committed\n");
    assert!(!place.repo().join("new").exists());
    place.flow(&["verify"]).ok();
}

#[test]
fn what_is_judged_later_is_well_and_the_receipt_moves_on() {
    let place = place();
    past_the_gate(&place, "no hooks");
    let told = verify(&place);
    let fix = told["branches"][0]["fix"][0].as_str().unwrap();
    let range = fix.split("review ").nth(1).unwrap().split(' ').next().unwrap();
    let (base, head) = range.split_once("..").unwrap();
    place.approve(base, head);
    assert_eq!(state(&place), "covered");
    assert_eq!(state(&place), "admitted");
    assert_eq!(place.id("refs/flow-ai/admitted/main"), place.id("topic"));
}

#[test]
fn each_start_that_acts_warns_in_one_line_and_otherwise_says_nothing() {
    let place = place();
    assert_eq!(place.flow(&["status"]).ok().stderr, "");
    // What came in by the gate moves the receipt at the next start.
    place.approve("main", "topic");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "topic"]).ok();
    assert_eq!(place.flow(&["status"]).ok().stderr, "");
    assert_eq!(place.id("refs/flow-ai/admitted/main"), place.id("main"));
    commit_past(&place, "sneak", "sneak\n", "Sneak");
    for _ in 0..2 {
        let out = place.flow(&["status", "--json"]).ok();
        assert_eq!(
            out.stderr,
            "warning: something came into `main` past the gate: git flow-ai verify says more\n"
        );
        assert_eq!(out.stdout, "[]\n");
    }
    assert_eq!(place.flow(&["man", "--dir", "man"]).ok().stderr, "");
    let agent = place.command("git").args(["flow-ai", "status"]).env("GIT_FLOW_AI_MODE", "edit").output();
    assert_eq!(Out::of(agent.unwrap()).stderr, "");
    // What is found out is not believed for longer than it is true.
    place.approve("main~1", "main");
    assert_eq!(place.flow(&["status"]).ok().stderr, "");
}

fn commit_past(place: &Place, path: &str, text: &str, message: &str) {
    place.write(path, text);
    place.git(&["add", "--all", ":!man"]).ok();
    place.ungated(&["commit", "--quiet", "-m", message]).ok();
}

#[test]
fn what_the_guarding_remote_has_accepted_is_well() {
    let place = place();
    past_the_gate(&place, "no hooks");
    assert_eq!(state(&place), "past-the-gate");
    place.git(&["update-ref", "refs/remotes/origin/main", "topic"]).ok();
    assert_eq!(state(&place), "accepted");
    // In a clone that has never been looked at, the remote's word is where it begins.
    place.git(&["update-ref", "-d", "refs/flow-ai/admitted/main"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    commit_past(&place, "sneak", "sneak\n", "Sneak");
    let told = verify(&place);
    assert_eq!(told["branches"][0]["state"], "past-the-gate");
    assert_eq!(told["branches"][0]["commits"].as_array().unwrap().len(), 1);
}

#[test]
fn a_branch_that_lost_commits_is_told_and_comes_back() {
    let place = place();
    let tip = place.id("main");
    place.ungated(&["update-ref", "refs/heads/main", "main~1"]).ok();
    place.flow(&["status"]).ok().says("`main` has lost commits");
    let told = verify(&place);
    assert_eq!(told["answer"], "no");
    assert_eq!(told["branches"][0]["state"], "rewound");
    assert_eq!(told["branches"][0]["commits"][0]["subject"], "Configure");
    follow(&place, told["branches"][0]["fix"][0].as_str().unwrap()).ok();
    assert_eq!(place.id("main"), tip);
    // Where it was meant, a person says so.
    place.ungated(&["update-ref", "refs/heads/main", "main~1"]).ok();
    let told = verify(&place);
    follow(&place, told["branches"][0]["fix"][1].as_str().unwrap()).ok();
    place.flow(&["verify"]).ok();
}

#[test]
fn a_branch_that_is_another_name_or_gone_is_told_and_comes_back() {
    let place = place();
    let tip = place.id("main");
    place.write(".git/refs/heads/main", "ref: refs/heads/topic\n");
    place.flow(&["status"]).ok().says("`main` is only another name for refs/heads/topic");
    let told = verify(&place);
    assert_eq!(told["branches"][0]["state"], "symbolic");
    follow(&place, told["branches"][0]["fix"][0].as_str().unwrap()).ok();
    assert_eq!((place.id("main"), state(&place)), (tip.clone(), "admitted".into()));
    place.git(&["branch", "--quiet", "-D", "main"]).ok();
    place.flow(&["status"]).ok().says("the protected branch `main` is gone");
    let told = verify(&place);
    assert_eq!((&told["answer"], &told["branches"][0]["state"]), (&"no".into(), &"gone".into()));
    follow(&place, told["branches"][0]["fix"][0].as_str().unwrap()).ok();
    assert_eq!((place.id("main"), state(&place)), (tip, "admitted".into()));
}

#[test]
fn what_bends_what_git_shows_is_told() {
    let place = place();
    let blob = |text: &str| {
        place.write("blob", text);
        place.git_says(&["hash-object", "-w", "blob"])
    };
    let (shown, readme) = (blob("Something else\n"), place.id("main:README.md"));
    fs::remove_file(place.repo().join("blob")).unwrap();
    place.git(&["replace", &readme, &shown]).ok();
    let told = verify(&place);
    assert_eq!((&told["answer"], &told["branches"][0]["state"]), (&"no".into(), &"replaced".into()));
    follow(&place, &format!(": {}", told["branches"][0]["fix"][0].as_str().unwrap())).ok();
    assert_eq!(state(&place), "admitted");
    place.git(&["replace", "main", "topic"]).ok();
    assert_eq!(state(&place), "replaced");
    place.git(&["replace", "-d", "main"]).ok();
    // Another history is no other content.
    place.git(&["replace", "main~1", "topic"]).ok();
    place.write(".git/info/grafts", format!("{}\n", place.id("topic")));
    let told = verify(&place);
    assert_eq!(told["answer"], "yes");
    let notes: Vec<&str> =
        told["notes"].as_array().unwrap().iter().map(|note| note["says"].as_str().unwrap()).collect();
    assert!(notes[0].contains("the history of `main`") && notes[1].contains("grafts"), "{notes:?}");
}

#[test]
fn hooks_that_nobody_asks_are_told() {
    let place = place();
    assert_eq!(verify(&place)["notes"], Value::Array(Vec::new()));
    place.switch_hooks_off();
    place.flow(&["verify"]).ok().says("note:").says("reference-transaction").says("hint: git ");
}

#[test]
fn each_update_is_judged_by_the_policy_before_it() {
    let place = Place::new();
    place.flow(&["init"]).ok();
    fs::remove_dir_all(place.repo().join(".zenflow")).unwrap();
    place.switch_hooks_off();
    // Free until the config is there, and not a commit longer, though nobody looked in between.
    place.commit_saying("While nothing is protected", "free", "free\n");
    place.commit_saying("Protect it", ".zenflow/config.toml", Config::protected().to_string());
    place.commit_saying("Too late", "late", "late\n");
    let told = verify(&place);
    assert_eq!(told["branches"][0]["commits"][0]["subject"], "Too late", "{told:#}");
    assert_eq!(told["branches"][0]["commits"].as_array().unwrap().len(), 1);
    assert_eq!(told["branches"][0]["admitted"], place.id("main~1"), "as far as it came by the gate");
    place.approve("main~1", "main");
    assert_eq!(state(&place), "covered");
    // A laxer policy lets in what comes after it, once it was let in itself.
    place.commit_saying(
        "Protect nothing",
        ".zenflow/config.toml",
        Config::protected().to_string().replace("\"main\"", ""),
    );
    place.commit_saying("Free again", "free", "freer\n");
    assert_eq!(state(&place), "past-the-gate");
    place.approve("main~2", "main~1");
    assert_eq!(state(&place), "covered");
}

#[test]
fn one_verdict_may_span_a_change_of_the_policy() {
    let place = place();
    place.commit_saying(
        "Ask for two",
        ".zenflow/config.toml",
        Config::protected().names("gemini", "google").gate("approvals = 2").to_string(),
    );
    place.commit_saying("Add more", "more", "more\n");
    place.approve("main", "topic");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "--ff-only", "topic"]).ok();
    assert_eq!(state(&place), "covered");
}

#[test]
fn a_policy_that_nobody_can_read_came_past_the_gate() {
    let place = place();
    place.switch_hooks_off();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Break it", ".zenflow/config.toml", "version = 1\n[gate]\nbranches = 3\n");
    place.approve("main~1", "main");
    // The gate lets no such policy in, whoever approves it.
    assert_eq!(state(&place), "past-the-gate");
    place.commit_saying("Under a policy that nobody can read", "more", "more\n");
    place.flow(&["verify"]).exits(1).says("2 commits came into `main` past the gate");
}

#[test]
fn nobody_has_to_have_a_name_to_look() {
    let place = place();
    place.git(&["update-ref", "-d", "refs/flow-ai/admitted/main"]).ok();
    let nameless =
        place.command("git").args(["flow-ai", "verify"]).env("GIT_CONFIG_GLOBAL", "/dev/null").output();
    Out::of(nameless.unwrap()).ok().says("`main` is watched from here on");
    assert_eq!(place.id("refs/flow-ai/admitted/main"), place.id("main"));
}

#[test]
fn uninstalling_takes_the_receipts_away() {
    let place = place();
    assert_eq!(place.id("refs/flow-ai/admitted/main"), place.id("main"));
    place.flow(&["init", "--uninstall"]).ok();
    place.git(&["rev-parse", "--verify", "--quiet", "refs/flow-ai/admitted/main"]).exits(1);
}

#[test]
fn a_verdict_that_the_notes_have_lost_is_named_and_the_way_out_brings_it_back() {
    let place = place();
    place.git(&["init", "--quiet", "--bare", "../server.git"]).ok();
    place.git(&["remote", "add", "origin", "../server.git"]).ok();
    place.approve("main", "topic");
    place.flow(&["sync"]).ok();
    place.flow(&["verify"]).ok();
    assert_eq!(verify(&place)["notes"], serde_json::json!([]));
    let unseen = "-c core.hooksPath=/dev/null -c hook.flow-ai-reference-transaction.enabled=false";
    for gone in ["notes --ref=flow-ai remove topic", "update-ref -d refs/notes/flow-ai"] {
        let gone = format!("git {unseen} {gone}");
        Out::of(place.command("sh").args(["-c", &gone]).output().unwrap()).ok();
        let out = place.flow(&["verify"]).ok().says("APPROVE by codex (openai)");
        out.says("that origin had when last fetched").says("hint: bring them back: git flow-ai sync origin");
        let hint = verify(&place)["notes"][0]["fix"].as_str().unwrap().to_owned();
        follow(&place, &hint).ok();
        assert_eq!(verify(&place)["notes"], serde_json::json!([]), "{gone}");
    }
    // The remote is gone, its copy is not.
    place.git(&["remote", "remove", "origin"]).ok();
    let gone = format!("git {unseen} update-ref -d refs/notes/flow-ai");
    Out::of(place.command("sh").args(["-c", &gone]).output().unwrap()).ok();
    let hint = verify(&place)["notes"][0]["fix"].as_str().unwrap().to_owned();
    follow(&place, &hint).ok();
    assert_eq!(verify(&place)["notes"], serde_json::json!([]));
}

#[test]
fn a_script_gets_one_object_even_where_nothing_can_be_looked_at() {
    let place = place();
    let outside = place.root().join("outside");
    fs::create_dir(&outside).unwrap();
    let mut command = place.command("git");
    let out = Out::of(command.args(["flow-ai", "verify", "--json"]).current_dir(outside).output().unwrap());
    let told: Value = serde_json::from_str(&out.exits(2).stdout).unwrap();
    assert_eq!((&told["answer"], &told["version"]), (&"cannot-tell".into(), &1.into()));
    assert!(told["notes"][0]["says"].as_str().unwrap().contains("repository"), "{told}");
}

/// Moves `main` on by so many commits, past the hooks.
fn grow(place: &Place, count: usize) {
    let from = place.id("main");
    let mut stream = String::new();
    for n in 0..count {
        let from = if n == 0 { format!("from {from}\n") } else { String::new() };
        let time = 1_800_000_000 + n;
        stream.push_str(&format!(
            "commit refs/heads/grown\ncommitter Ada <ada@example.com> {time} +0000\ndata 1\nc\n{from}\
             M 100644 inline src/{}.txt\ndata 5\n{n:05}\n",
            n % 7
        ));
    }
    place.write("../stream", stream);
    place.sh("git fast-import --quiet < ../stream").ok();
    place.ungated(&["update-ref", "refs/heads/main", "grown"]).ok();
}

#[test]
fn a_long_way_is_too_far_for_a_glance_and_covered_by_a_verdict_on_each_commit() {
    let place = place();
    place.flow(&["verify"]).ok();
    let before = place.id("main");
    grow(&place, 300);
    let warning = "`main` is too far from where the gate last saw it to tell here what came in";
    for _ in 0..2 {
        place.flow(&["status"]).ok().says(&format!("warning: {warning}: git flow-ai verify says more"));
    }
    assert_eq!(place.id("refs/flow-ai/admitted/main"), before, "nothing was found out");
    let ids: Vec<String> = place
        .git_says(&["rev-list", "--reverse", &format!("{before}..main")])
        .lines()
        .map(str::to_owned)
        .collect();
    let all: Vec<&str> = std::iter::once(before.as_str()).chain(ids.iter().map(String::as_str)).collect();
    // All but one, which is named.
    for pair in all.windows(2).enumerate().filter(|(at, _)| *at != 270).map(|(_, pair)| pair) {
        place.approve(pair[0], pair[1]);
    }
    let told = verify(&place);
    assert_eq!(told["branches"][0]["commits"].as_array().unwrap().len(), 1, "{told:#}");
    assert_eq!(told["branches"][0]["commits"][0]["id"], ids[270]);
    assert_eq!(place.id("refs/flow-ai/admitted/main"), ids[269]);
    place.approve(all[270], all[271]);
    place.flow(&["verify"]).ok().says("verdicts cover what came into `main`");
    assert_eq!(place.flow(&["status"]).ok().stderr, "");
}

#[test]
fn a_change_of_the_config_on_a_long_way_is_judged_by_the_config_before_it() {
    let place = place();
    place.flow(&["verify"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    commit_past(&place, "one", "1\n", "One");
    let two = Config::protected().names("gemini", "google").gate("approvals = 2").to_string();
    commit_past(&place, ".zenflow/config.toml", &two, "Ask for two");
    commit_past(&place, "three", "3\n", "Three");
    place.approve("main~3", "main~2");
    place.approve("main~2", "main~1");
    place.approve("main~1", "main");
    let told = verify(&place);
    assert_eq!(told["branches"][0]["commits"].as_array().unwrap().len(), 1, "{told:#}");
    assert_eq!(told["branches"][0]["commits"][0]["id"], place.id("main"));
    assert_eq!(place.id("refs/flow-ai/admitted/main"), place.id("main~1"));
}
