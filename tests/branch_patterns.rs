//! Branches that a policy protects by a pattern, and whose policy protects a branch that is not there yet.

use crate::support::{Config, Out, Place};
use git_flow_ai::gate::store::Repo;

/// `main` and every release are protected, here and on the server `origin`, whose HEAD names `head`; `topic` is
/// one commit ahead of `main`.
fn place(head: &str) -> Place {
    let place = Place::with_config(
        Config::new().gate("branches = [\"main\", \"release/*\"]\nreview_on_merge = false"),
    );
    place.put_up_hooks();
    place.git(&["update-ref", "refs/flow-ai/admitted/main", "main"]).ok();
    let server = place.server("origin");
    place.git_in(&server, &["symbolic-ref", "HEAD", &format!("refs/heads/{head}")]).ok();
    place.flow_in(&server, &["init"]).ok();
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit("new.txt", "new\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    place
}

/// A push by somebody without hooks.
fn push(place: &Place, refs: &[&str]) -> Out {
    place.git(&[&["push", "--no-verify", "--quiet", "origin"], refs].concat())
}

/// The server's own user takes in what `main` is here.
fn let_in(place: &Place) {
    let (server, repo) = (place.root().join("origin.git"), place.repo());
    let fetch = ["-c", "core.hooksPath=/dev/null", "fetch", "--quiet", repo.to_str().unwrap(), "+main:main"];
    place.git_in(&server, &fetch).ok();
}

fn judged_for(place: &Place, branch: &str, base: &str, head: &str) {
    let mut verdict = place.verdict(base, head);
    verdict.target = branch.into();
    place.record(&verdict);
}

#[test]
fn a_branch_that_a_pattern_means_is_protected_also_before_it_is_there() {
    let place = place("main");
    for new in [&["branch", "release/1.0", "topic"][..], &["switch", "-c", "release/1.0", "topic"]] {
        place.git(new).exits(128).says("`release/1.0` may not move to this");
    }
    push(&place, &["topic:refs/heads/release/1.0"]).exits(1).says("this push to `release/1.0` is refused");
    // What no pattern means is free: a star stays within one part.
    place.git(&["branch", "release/1/x", "topic"]).ok();
    place.git(&["branch", "--delete", "--force", "release/1/x"]).ok();
    push(&place, &["topic:refs/heads/releases"]).ok();
    // It begins where `main` is, and goes on by what was judged for it.
    place.git(&["branch", "release/1.0", "main"]).ok();
    push(&place, &["release/1.0"]).ok();
    place.git(&["switch", "--quiet", "release/1.0"]).ok();
    place.git(&["merge", "topic"]).exits(128).says("this merge into `release/1.0` is refused");
    place.git(&["commit", "--allow-empty", "--amend", "-m", "Rewritten"]).exits(1);
    push(&place, &["topic:refs/heads/release/1.0"]).exits(1).says("this push to `release/1.0` is refused");
    push(&place, &[":refs/heads/release/1.0"]).exits(1).says("may not be deleted");
    judged_for(&place, "release/1.0", "main", "topic");
    place.git(&["merge", "--quiet", "topic"]).ok();
    place.flow(&["push", "origin", "release/1.0"]).ok();
    // Another one may begin with what was judged for it.
    judged_for(&place, "release/2.0", "main", "topic");
    place.git(&["branch", "release/2.0", "topic"]).ok();
    // Where commits of main are not in it, it is no place to begin.
    place.git(&["switch", "--quiet", "--orphan", "aside"]).ok();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Aside"]).ok();
    place
        .git(&["branch", "release/3.0", "aside"])
        .exits(128)
        .says("is protected by `main`")
        .says("git branch release/3.0 main");
    place.git(&["branch", "release/3.0", "main"]).ok();
}

#[test]
fn every_command_knows_the_branches_that_a_pattern_means() {
    let place = place("main");
    place.git(&["branch", "release/1.0", "main"]).ok();
    place.flow(&["check", "topic", "--target", "release/1.0"]).exits(2).says("no rival's verdict covers");
    place.flow(&["verify"]).ok().says("release/1.0");
    place.git(&["switch", "--quiet", "release/1.0"]).ok();
    place.ungated(&["merge", "--quiet", "topic"]).ok();
    place.flow(&["verify"]).exits(1).says("1 commit came into `release/1.0` past the gate");
    // By another name too.
    place.ungated(&["reset", "--quiet", "--hard", "main"]).ok();
    place.ungated(&["branch", "base", "main"]).ok();
    place.ungated(&["symbolic-ref", "refs/heads/release/2.0", "refs/heads/base"]).ok();
    place.git(&["branch", "--force", "base", "topic"]).exits(128).says("`release/2.0` may not move to this");
    // Where no name is in the list, the first branch that a pattern means is the target.
    let only = Place::with_config(Config::new().gate("branches = [\"trunk/*\"]"));
    only.git(&["branch", "--move", "main", "trunk/a"]).ok();
    assert_eq!(Repo::open(&only.repo()).unwrap().target().unwrap(), "trunk/a");
}

#[test]
fn without_the_program_what_a_pattern_may_mean_stays_too() {
    let place = place("main");
    place.git(&["branch", "release/1.0", "main"]).ok();
    let settings = place.repo().join(".git/hooks/reference-transaction.flow-ai");
    let text = std::fs::read_to_string(&settings).unwrap();
    assert!(text.contains("protected-below refs/heads/release/\n"), "{text}");
    let gone = text.replace(env!("CARGO_BIN_EXE_git-flow-ai"), "/nowhere/git-flow-ai");
    std::fs::write(&settings, gone).unwrap();
    let none = ["-c", "hook.flow-ai-reference-transaction.enabled=false"];
    let force = |branch: &str| place.git(&[&none[..], &["branch", "--force", branch, "topic"]].concat());
    assert_ne!(
        force("release/1.0").says("nobody can tell whether refs/heads/release/1.0 may move").status,
        0
    );
    force("other").ok();
}

#[test]
fn a_server_whose_head_names_no_branch_finds_the_policy_all_the_same() {
    let place = place("master");
    let server = place.root().join("origin.git");
    let init = place.flow_in(&server, &["init"]).ok().says("HEAD names no branch that is here");
    push(&place, &["topic:main"]).exits(1).says("this push to `main` is refused");
    push(&place, &["topic:refs/heads/release/1.0"]).exits(1).says("this push to `release/1.0` is refused");
    // Somebody's own branch is no policy of others, whatever its config says.
    place.git(&["switch", "--quiet", "-c", "a-lax-one", "main"]).ok();
    let lax = Config::new().gate("branches = [\"**\"]\nrival = \"any\"").to_string();
    place.commit(".zenflow/config.toml", lax);
    push(&place, &["a-lax-one"]).ok();
    push(&place, &["topic:refs/heads/release/1.0"]).exits(1).says("this push to `release/1.0` is refused");
    push(&place, &["topic:refs/heads/work"]).ok();
    // What init prints, pasted.
    let line = init.stdout.lines().find(|line| line.contains("symbolic-ref")).unwrap().trim().to_owned();
    place.sh(&format!("cd ../origin.git && {line}")).ok();
    assert_eq!(place.git_in(&server, &["symbolic-ref", "HEAD"]).ok().stdout.trim(), "refs/heads/main");
    push(&place, &["topic:refs/heads/release/1.0"]).exits(1).says("this push to `release/1.0` is refused");
}

#[test]
fn a_branch_that_is_pushed_cannot_take_its_own_protection_away() {
    let place = place("main");
    place.git(&["switch", "--quiet", "-c", "open", "main"]).ok();
    place.commit(".zenflow/config.toml", "version = 1\n[gate]\nbranches = []\n");
    push(&place, &["open:refs/heads/release/1.0"]).exits(1).says("this push to `release/1.0` is refused");
    place.git(&["branch", "release/1.0", "open"]).exits(128);
}

#[test]
fn a_branch_does_not_begin_under_an_older_policy_than_the_one_that_names_it() {
    let place = place("main");
    let old = place.id("main");
    let config = place.read(".zenflow/config.toml").replace("branches = [", "approvals = 1\nbranches = [");
    place.write(".zenflow/config.toml", config);
    place.ungated(&["commit", "--quiet", "--all", "-m", "Say how many"]).ok();
    let_in(&place);
    // The same in other words is the same policy.
    push(&place, &[&format!("{old}:refs/heads/release/1.0")]).ok();
    let config = place
        .read(".zenflow/config.toml")
        .replace("approvals = 1", "approvals = 1\nblock = [\"P0\", \"P1\", \"P2\"]");
    place.write(".zenflow/config.toml", config);
    place.ungated(&["commit", "--quiet", "--all", "-m", "Block more"]).ok();
    let_in(&place);
    push(&place, &[&format!("{old}:refs/heads/release/2.0")])
        .exits(1)
        .says("would begin with an older policy");
    push(&place, &["main:refs/heads/release/2.0"]).ok();
}

#[test]
fn no_branch_that_anybody_pushes_decides_what_a_new_one_demands() {
    let place = place("dev");
    let own = place
        .read(".zenflow/config.toml")
        .replace("branches = [\"main\", \"release/*\"]", "branches = [\"aaa\"]");
    assert!(own.contains("aaa"));
    place.git(&["switch", "--quiet", "-c", "aaa", "topic"]).ok();
    place.write(".zenflow/config.toml", own);
    place.ungated(&["commit", "--quiet", "--all", "-m", "Mine"]).ok();
    push(&place, &["aaa:refs/heads/aaa"]).ok();
    push(&place, &["aaa:refs/heads/dev"]).exits(1).says("`dev` would bring another policy than `main` has");
    push(&place, &["aaa:refs/heads/release/1.0"]).exits(1).says("`release/1.0` is");
    push(&place, &["topic:refs/notes/flow-ai/x"])
        .exits(1)
        .says("would stand in the way of refs/notes/flow-ai");
}

#[test]
fn what_a_branch_says_of_others_is_not_its_pushers_to_choose_while_nothing_protects_it() {
    let place = place("dev");
    push(&place, &["main:refs/heads/dev"]).ok();
    // Work on it is free, and so is the policy that `main` has.
    push(&place, &["topic:refs/heads/dev"]).ok();
    let policy = place.read(".zenflow/config.toml");
    place.git(&["switch", "--quiet", "-c", "mine", "topic"]).ok();
    for branches in ["[\"dev\", \"release/*\", \"feature/*\"]", "[\"dev\"]", "[\"feature/*\"]"] {
        place.write(".zenflow/config.toml", policy.replace("[\"main\", \"release/*\"]", branches));
        place.git(&["commit", "--quiet", "--all", "-m", "Mine"]).ok();
        push(&place, &["mine:refs/heads/dev"])
            .exits(1)
            .says("`dev` would bring another policy than `main` has")
            .says("take the policy files of `main`: git checkout main -- .zenflow");
    }
    // So the honest begin a release, and other branches are their own business.
    push(&place, &["main:refs/heads/release/1.0"]).ok();
    push(&place, &["topic:refs/heads/feature/1"]).ok();
    place.git(&["checkout", "--quiet", "main", "--", ".zenflow"]).ok();
    place.git(&["commit", "--quiet", "-m", "As main has it"]).ok();
    push(&place, &["mine:refs/heads/dev"]).ok();
    // What `main` would let in may be said.
    place.git(&["switch", "--quiet", "-c", "judged", "mine"]).ok();
    place.write(".zenflow/config.toml", policy.replace("[\"main\"", "[\"main\", \"dev\""));
    place.git(&["commit", "--quiet", "--all", "-m", "Protect dev"]).ok();
    push(&place, &["judged:refs/heads/dev"]).exits(1);
    judged_for(&place, "dev", "mine", "judged");
    push(&place, &["judged:refs/heads/dev", "refs/notes/flow-ai"]).ok();
}

#[test]
fn where_branches_disagree_the_refusal_says_which_one_and_what_to_do() {
    let place = place("dev");
    // As it was before anybody asked about that.
    let server = place.root().join("origin.git");
    place.git(&["switch", "--quiet", "-c", "mine", "topic"]).ok();
    let other = place.read(".zenflow/config.toml").replace("[\"main\", ", "[");
    place.write(".zenflow/config.toml", other);
    place.git(&["commit", "--quiet", "--all", "-m", "Mine"]).ok();
    let (here, off) = (place.repo(), ["-c", "core.hooksPath=/dev/null", "fetch", "--quiet"]);
    place.git_in(&server, &[&off[..], &[here.to_str().unwrap(), "mine:dev"]].concat()).ok();
    push(&place, &["main:refs/heads/release/1.0"])
        .exits(1)
        .says("would begin with an older policy than the one in force at `dev`, or another")
        .says("lets HEAD name a protected branch (git symbolic-ref HEAD refs/heads/main)");
    place.git_in(&server, &["symbolic-ref", "HEAD", "refs/heads/main"]).ok();
    push(&place, &["main:refs/heads/release/1.0"]).ok();
}

#[test]
fn here_a_branch_does_not_begin_under_an_older_policy_either() {
    let place = place("main");
    let old = place.id("main");
    let policy = place.read(".zenflow/config.toml");
    place.write(".zenflow/config.toml", policy.replace("branches = [", "pin_model = true\nbranches = ["));
    place.ungated(&["commit", "--quiet", "--all", "-m", "Pin models"]).ok();
    for new in [&["branch", "release/1.0", &old][..], &["switch", "-c", "release/1.0", &old]] {
        place
            .git(new)
            .exits(128)
            .says("would begin with an older policy")
            .says("git branch release/1.0 main");
    }
    place.git(&["branch", "release/1.0", "main"]).ok();
    // What nothing protects may begin anywhere.
    place.git(&["branch", "aside", &old]).ok();
}

#[test]
fn in_a_clone_without_the_branch_that_protects_it_what_the_remote_has_decides() {
    let place = place("main");
    let clone = place.root().join("clone");
    place.git(&["clone", "--quiet", "../origin.git", clone.to_str().unwrap()]).ok();
    place.flow_in(&clone, &["init"]).ok();
    for args in [
        &["switch", "--quiet", "--detach"][..],
        &["branch", "--quiet", "--delete", "--force", "main"],
        &["rm", "--quiet", "-r", ".zenflow/workflows"],
        &["commit", "--quiet", "-m", "Mine"],
    ] {
        place.git_in(&clone, args).ok();
    }
    place.git_in(&clone, &["branch", "release/1.0"]).exits(128).says("`release/1.0` may not move to this");
    place.git_in(&clone, &["branch", "release/1.0", "origin/main"]).ok();
}

#[test]
fn an_old_commit_is_no_place_where_a_protected_branch_is_open() {
    let place = place("main");
    place.git(&["switch", "--quiet", "--orphan", "before"]).ok();
    place.commit("before.txt", "there was no policy yet\n");
    place.git(&["branch", "--quiet", "topic-of-old"]).ok();
    // As one that was begun before there was a pattern for it.
    place.ungated(&["branch", "release/0.1", "before"]).ok();
    place.git(&["switch", "--quiet", "topic-of-old"]).ok();
    place.commit("more.txt", "more\n");
    place.git(&["switch", "--quiet", "release/0.1"]).ok();
    place.git(&["merge", "topic-of-old"]).exits(128).says("`release/0.1` may not move to this");
    judged_for(&place, "release/0.1", "release/0.1", "topic-of-old");
    place.git(&["merge", "--quiet", "topic-of-old"]).ok();
}

#[test]
fn a_push_begins_no_protected_branch_on_a_remote_that_asks_nobody() {
    let place = place("main");
    place.git(&["clone", "--quiet", "--bare", ".", "../open.git"]).ok();
    place.git(&["remote", "add", "open", "../open.git"]).ok();
    place
        .git(&["push", "--quiet", "open", "topic:refs/heads/release/1.0"])
        .exits(1)
        .says("this push to `release/1.0` is refused");
    place.git(&["push", "--quiet", "open", "main:refs/heads/release/1.0"]).ok();
    place.git(&["push", "--quiet", "open", "topic:refs/heads/topic"]).ok();
    judged_for(&place, "release/2.0", "main", "topic");
    place.git(&["push", "--quiet", "open", "topic:refs/heads/release/2.0"]).ok();
}

#[test]
fn no_new_branch_of_a_server_stands_in_the_way_of_protected_ones() {
    let place = place("main");
    for commit in ["topic", "main"] {
        push(&place, &[&format!("{commit}:refs/heads/release")])
            .exits(1)
            .says("`release` would stand in the way of `release/*`, which `main` protects")
            .says("push it under another name");
    }
    push(&place, &["main:refs/heads/release/1.0"]).ok();
    for free in ["releases", "topic/x"] {
        push(&place, &[&format!("topic:refs/heads/{free}")]).ok();
    }
}
