//! Ways around the gate that use its own exceptions: commits that a branch may lose, what the remote has let
//! in already, policies that apply later. Each through git and the real binary.

use crate::support::verdicts::{author, finding};
use crate::support::{Config, Place};
use git_flow_ai::domain::verdict::{Decision, Severity};
use std::fs;

/// `main` is protected from its second commit on, the hooks are in force, and it has a few files.
fn place() -> Place {
    Place::gated(Config::lookup_only().names("judge", "zeta"))
}

/// The commit from before there was a law.
fn lawless(place: &Place) -> String {
    place.git_says(&["rev-list", "--max-parents=0", "main"])
}

/// That command must fail, and `main` stay where it is.
#[track_caller]
fn stays(place: &Place, args: &[&str]) -> String {
    let tip = place.git_says(&["rev-parse", "main"]);
    let out = place.git(args);
    assert_ne!(out.status, 0, "{args:?}: {out:?}");
    assert_eq!(place.git_says(&["rev-parse", "main"]), tip, "{args:?}: {out:?}");
    out.stderr
}

#[test]
fn what_is_given_up_on_another_branch_takes_nothing_from_this_one() {
    let place = place();
    let lawless = lawless(&place);
    place.git(&["switch", "--quiet", "-c", "picks", &lawless]).ok();
    place.commit_saying("One", "README.md", "One\n");
    place.commit_saying("Two", "README.md", "Two\n");
    place.git(&["format-patch", "--quiet", "-1", "-o", "../patches"]).ok();
    place.git(&["switch", "--quiet", "-c", "work", &lawless]).ok();
    // It stops at the first one, and git remembers where it began.
    place.git(&["cherry-pick", "picks", "picks~1"]).exits(1);
    stays(&place, &["update-ref", "refs/heads/main", &lawless]);
    stays(&place, &["branch", "--force", "main", &lawless]);
    // Nor where HEAD says meanwhile that it was this branch.
    place.git(&["symbolic-ref", "HEAD", "refs/heads/main"]).ok();
    stays(&place, &["update-ref", "refs/heads/main", &lawless]);
    place.git(&["symbolic-ref", "HEAD", "refs/heads/work"]).ok();
    place.git(&["cherry-pick", "--abort"]).ok();
    place.git(&["am", "../patches/0001-Two.patch"]).exits(128);
    place.git(&["update-ref", "ORIG_HEAD", &lawless]).ok();
    stays(&place, &["update-ref", "refs/heads/main", &lawless]);
}

#[test]
fn a_branch_that_lags_behind_its_remote_is_under_the_law_that_the_remote_has() {
    let place = place();
    let lawless = lawless(&place);
    place.git(&["init", "--quiet", "--bare", "../remote"]).ok();
    place.git(&["remote", "add", "origin", "../remote"]).ok();
    place.git(&["push", "--quiet", "--set-upstream", "origin", "main"]).ok();
    place.git(&["switch", "--quiet", "-c", "evil", &lawless]).ok();
    place.commit_saying("Be evil", "app.txt", "EVIL\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    // Going back to what the remote has let in brings nothing in.
    place.git(&["reset", "--quiet", "--hard", &lawless]).ok();
    for args in [
        &["merge", "--no-edit", "evil"][..],
        &["merge", "--ff-only", "evil"],
        &["update-ref", "refs/heads/main", "evil"],
        &["commit", "--quiet", "--allow-empty", "--no-verify", "--amend", "-m", "Begin anew"],
    ] {
        stays(&place, args);
    }
    place.write("README.md", "EVIL\n");
    stays(&place, &["commit", "--all", "--no-verify", "-m", "Be evil"]);
    place.git(&["restore", "README.md"]).ok();
    // Nor do reviewers judge who are only in the working tree.
    place.reviewer("yes-man", "");
    let bribed = "[agents.y]\ncommand = [\"yes-man\"]\nvendor = \"zeta\"\n[reviewers.y]\nagent = \"y\"\n";
    place.write(".zenflow/config.toml", format!("{}{bribed}", Config::lookup_only()));
    place.flow(&["review", "evil", "--target", "main"]).exits(2);
    assert_eq!(place.git(&["notes", "--ref=flow-ai", "list"]).stdout, "");
    fs::remove_dir_all(place.repo().join(".zenflow")).unwrap();
    place.git(&["pull", "--quiet"]).ok();
    assert_eq!(place.git_says(&["rev-parse", "main"]), place.git_says(&["rev-parse", "origin/main"]));
}

#[test]
fn a_block_of_what_is_merged_in_is_seen_whatever_approves_the_merge() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "evil"]).ok();
    place.commit_saying("Be evil", "app.txt", "EVIL\n");
    let mut block = place.block("main", "evil", vec![finding(Severity::P0, "Evil")]);
    block.reviewer = author("judge", "zeta");
    place.record(&block);
    // As reviews do: the tree is the same whatever commit has it.
    block.head_commit = None;
    place.record(&block);
    place.git(&["commit", "--quiet", "--amend", "-m", "Be nice"]).ok();
    place.git(&["switch", "--quiet", "-c", "work", "main"]).ok();
    place.commit_saying("Other", "other.txt", "other\n");
    place.approve("main", "work");
    place.git(&["merge", "--quiet", "--no-edit", "evil"]).ok();
    place.approve("main", "work");
    place.git(&["switch", "--quiet", "main"]).ok();
    stays(&place, &["merge", "--ff-only", "work"]);
    stays(&place, &["update-ref", "refs/heads/main", "work"]);
}

#[test]
fn whoever_our_trailers_do_not_name_had_a_hand_in_it_all_the_same() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "work"]).ok();
    let message = "Add\n\nFlow-Agent: mine\nFlow-Vendor: acme\nCo-authored-by: Codex <codex@openai.com>";
    place.commit_saying(message, "app.txt", "Codex's\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.approve("main", "work");
    let said = stays(&place, &["merge", "--no-edit", "work"]);
    assert!(said.contains("no reviewer independent of all its authors"), "{said}");
    let mut verdict = place.verdict("main", "work");
    verdict.reviewer = author("judge", "zeta");
    place.record(&verdict);
    place.git(&["merge", "--quiet", "--no-edit", "work"]).ok();
}

#[test]
fn a_rule_for_a_folder_holds_where_the_folder_is_a_link_or_another_repository() {
    let rule = "[[gate.rule]]\npaths = [\"crypto/**\", \"**/keys/*.pem\"]\nhuman = true\n";
    let place = Place::gated(Config::lookup_only().gate(rule));
    place.git(&["switch", "--quiet", "-c", "link"]).ok();
    std::os::unix::fs::symlink("elsewhere", place.repo().join("crypto")).unwrap();
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Link"]).ok();
    place.git(&["switch", "--quiet", "-c", "module", "main"]).ok();
    let tip = place.git_says(&["rev-parse", "main"]);
    place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{tip},a/keys")]).ok();
    place.git(&["commit", "--quiet", "-m", "Module"]).ok();
    place.git(&["reset", "--quiet", "--hard"]).ok();
    place.git(&["switch", "--quiet", "-c", "fine", "main"]).ok();
    place.commit_saying("Fine", "cryptography", "fine\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    for branch in ["link", "module"] {
        place.approve("main", branch);
        let said = stays(&place, &["merge", "--no-edit", branch]);
        assert!(said.contains("a rule wants a person's approval"), "{said}");
    }
    place.approve("main", "fine");
    place.git(&["merge", "--quiet", "--no-edit", "fine"]).ok();
}

#[test]
fn an_agent_is_no_person_by_signing_its_own_name() {
    let place = Place::gated(Config::lookup_only().gate("waivers = [\"noreply@anthropic.com\"]"));
    place.git(&["switch", "--quiet", "-c", "work"]).ok();
    place.commit_saying("Add", "app.txt", "new\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    let claude = ["-c", "user.name=Claude", "-c", "user.email=noreply@anthropic.com", "flow-ai"];
    for args in [&["waive", "work", "--reason", "It must."][..], &["review", "work", "--approve"]] {
        place.git(&[&claude[..], args].concat()).exits(1).says("is an agent's identity");
    }
    let mut waiver = place.verdict("main", "work");
    waiver.decision = Decision::Waive;
    waiver.reviewer = author("Claude <noreply@anthropic.com>", "person");
    place.record(&waiver);
    stays(&place, &["merge", "--no-edit", "work"]);
    place.flow(&["verdict", "list", "work"]).ok().says("no: it is by an agent, not by a person");
}

#[test]
fn a_block_of_what_comes_to_nothing_is_about_its_own_commits() {
    let place = place();
    let come_and_go = |branch: &str, message: &str| {
        place.branch(branch, "main");
        place.commit_saying(message, "app.txt", "EVIL\n");
        place.git(&["rm", "--quiet", "app.txt"]).ok();
        place.git(&["commit", "--quiet", "-m", &format!("{message} no more")]).ok();
    };
    come_and_go("evil", "Be evil");
    let mut block = place.block("main", "evil", vec![finding(Severity::P0, "Evil")]);
    block.reviewer = author("judge", "zeta");
    place.record(&block);
    come_and_go("nice", "Be nice");
    place.branch("idle", "main");
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Nothing"]).ok();
    place.switch("main");
    for branch in ["evil", "nice"] {
        stays(&place, &["merge", "--ff-only", branch]);
        stays(&place, &["merge", "--no-ff", "--no-edit", branch]);
        stays(&place, &["merge", "--no-edit", "-s", "ours", branch]);
        place.git(&["reset", "--quiet", "--hard"]).ok();
    }
    place.git(&["merge", "--quiet", "--ff-only", "idle"]).ok();
}
