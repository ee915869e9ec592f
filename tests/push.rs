//! Branches go with their verdicts, in one push: all of it arrives or nothing does.

use crate::support::{Config, Out, Place, git_http, open};
use git_flow_ai::gate::store::{Repo, verdicts};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const NOTES: &str = "refs/notes/flow-ai";

/// `main` is protected, `topic` is a commit ahead and checked out; `origin.git` has `main` and our hook.
/// Here no hook is installed.
fn place() -> Place {
    let place = Place::with_config(Config::lookup_only());
    place.server("origin");
    in_server(&place, &["flow-ai", "init"]).ok();
    topic(&place, "topic");
    place
}

fn server(place: &Place) -> PathBuf {
    place.root().join("origin.git")
}

/// A branch off `main` with a file of that name.
fn topic(place: &Place, name: &str) {
    place.branch(name, "main");
    place.commit_saying(name, name, "new\n");
}

fn in_server(place: &Place, args: &[&str]) -> Out {
    place.git_in(&server(place), args)
}

/// A clone of the server.
fn clone(place: &Place, name: &str) -> PathBuf {
    let folder = place.root().join(name);
    let url = server(place);
    place.git(&["clone", "--quiet", url.to_str().unwrap(), folder.to_str().unwrap()]).ok();
    folder
}

/// All refs, here and at the server.
fn refs(place: &Place) -> [String; 2] {
    [place.git(&["for-each-ref"]).ok().stdout, in_server(place, &["for-each-ref"]).ok().stdout]
}

/// Whether the server has the same as we under that name.
#[track_caller]
fn arrived(place: &Place, here: &str, there: &str) {
    let there = in_server(place, &["rev-parse", there]).ok().stdout;
    assert_eq!(there.trim(), place.git_says(&["rev-parse", here]));
}

/// How many pushes the server has been asked about: our hook runs after one that counts.
fn count_pushes(place: &Place) -> impl Fn() -> usize {
    let hooks = server(place).join("hooks");
    fs::rename(hooks.join("pre-receive"), hooks.join("ours")).unwrap();
    let count = place.root().join("count");
    let body = format!("echo push >>'{}'\nexec '{}'", count.display(), hooks.join("ours").display());
    fs::copy(place.script("counting", &body), hooks.join("pre-receive")).unwrap();
    move || fs::read_to_string(&count).map_or(0, |text| text.lines().count())
}

/// Has something happen once in the midst of a push: git has heard what the server has, and sent nothing.
fn meanwhile(place: &Place, what: &str) {
    let once = place.root().join("once");
    fs::write(&once, "").unwrap();
    let body = format!("if [ -e '{0}' ]; then rm '{0}'\n({what}) >&2\nfi", once.display());
    fs::create_dir_all(place.repo().join(".git/hooks")).unwrap();
    fs::copy(place.script("meanwhile", &body), place.repo().join(".git/hooks/pre-push")).unwrap();
}

/// The record of somebody else in a clone of their own.
fn record_in(place: &Place, folder: &Path, summary: &str) {
    place.git_in(folder, &["config", "user.name", "Eve"]).ok();
    let mut verdict = place.verdict("main", "main");
    verdict.summary = summary.to_owned();
    let on = verdict.head_commit.unwrap();
    verdicts::append(&open(folder), on, &verdict).unwrap();
}

/// The summaries of all records of a repository.
fn summaries(folder: &Path) -> String {
    let repo = Repo::open(folder).unwrap();
    format!("{:?}", verdicts::all(&repo).unwrap().verdicts)
}

#[test]
fn an_unjudged_change_is_refused_and_nothing_has_moved_on_either_side() {
    let place = place();
    let address = git_http::serve(&place);
    place.git(&["remote", "add", "web", &format!("{address}/origin.git")]).ok();
    // A verdict that is about something else stays here as well.
    record_in(&place, &place.repo(), "Of another change.");
    let before = refs(&place);
    for remote in ["origin", "web"] {
        let out = place.flow(&["push", remote, "topic:main", "topic"]).exits(1);
        let out = out.says("remote: git flow-ai: this push to `main` is refused");
        let out = out.says("have it judged: git flow-ai review").says("with its verdicts: git flow-ai push ");
        out.says("error: ").says("has not let `main` in");
        assert_eq!(refs(&place), before, "{remote}");
    }
}

#[test]
fn a_judged_change_and_its_verdict_arrive_in_one_push() {
    for by_http in [false, true] {
        let place = place();
        if by_http {
            let address = format!("{}/origin.git", git_http::serve(&place));
            place.git(&["remote", "set-url", "origin", &address]).ok();
        }
        let pushes = count_pushes(&place);
        place.approve("main", "topic");
        let out = place.flow(&["push", "origin", "topic:main", "topic"]).ok();
        let out = out.says("topic -> main").says("[new branch]").says("1 verdict: went to origin");
        assert!(!out.stderr.contains("error:"), "{out:?}");
        assert_eq!(pushes(), 1);
        arrived(&place, "topic", "main");
        arrived(&place, "topic", "topic");
        arrived(&place, NOTES, NOTES);
        let kept = place.git_says(&["for-each-ref", "--format=%(refname)", "refs/flow-ai/keep"]);
        arrived(&place, &kept, &kept);
        place
            .flow(&["push", "origin", "topic:main", "topic"])
            .ok()
            .says("Nothing to push: origin has it all");
    }
}

#[test]
fn a_server_that_cannot_take_all_or_nothing_gets_the_verdicts_first() {
    for by_http in [false, true] {
        let place = place();
        in_server(&place, &["config", "receive.advertiseAtomic", "false"]).ok();
        if by_http {
            let address = format!("{}/origin.git", git_http::serve(&place));
            place.git(&["remote", "set-url", "origin", &address]).ok();
        }
        let main = place.git_says(&["rev-parse", "main"]);
        place.flow(&["push", "origin", "topic:main"]).exits(1).says("this push to `main` is refused");
        assert_eq!(in_server(&place, &["rev-parse", "main"]).stdout.trim(), main);
        place.approve("main", "topic");
        let out = place.flow(&["push", "--json", "origin", "topic:main"]).ok();
        assert!(!out.stderr.contains("fatal"), "{out:?}");
        assert_eq!(out.json()["atomic"], false);
        arrived(&place, "topic", "main");
        arrived(&place, NOTES, NOTES);
    }
}

#[test]
fn verdicts_that_others_push_meanwhile_are_taken_in_and_none_is_lost() {
    // The server's gate notices, or without one git does.
    for (by_http, has_gate) in [(false, true), (false, false), (true, true), (true, false)] {
        let place = place();
        let eve = clone(&place, "eve");
        if by_http {
            let address = format!("{}/origin.git", git_http::serve(&place));
            place.git(&["remote", "set-url", "origin", &address]).ok();
        }
        if !has_gate {
            fs::remove_file(server(&place).join("hooks/pre-receive")).unwrap();
        }
        record_in(&place, &eve, "Eve's.");
        place.approve("main", "topic");
        meanwhile(&place, &format!("cd '{}' && unset GIT_DIR && git flow-ai sync", eve.display()));
        let out = place.flow(&["push", "origin", "topic:main"]).ok();
        out.says("Others have pushed verdicts meanwhile: again");
        arrived(&place, "topic", "main");
        arrived(&place, NOTES, NOTES);
        for folder in [place.repo(), server(&place)] {
            let all = summaries(&folder);
            assert!(all.contains("Eve's.") && all.contains("Read."), "{all}");
        }
    }
}

#[test]
fn a_branch_that_others_move_meanwhile_is_left_to_the_person() {
    let place = place();
    place.git(&["push", "--quiet", "origin", "topic"]).ok();
    let eve = clone(&place, "eve");
    for args in [&["switch", "-q", "topic"][..], &["commit", "-q", "--allow-empty", "-m", "Eve's"]] {
        place.git_in(&eve, args).ok();
    }
    place.git_in(&eve, &["push", "-q", "origin", "topic"]).ok();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Ours"]).ok();
    record_in(&place, &place.repo(), "Ours.");
    let before = refs(&place);
    let out = place.flow(&["push"]).exits(1);
    out.says("`topic` at origin has commits that this push lacks")
        .says("git pull --rebase origin, then push again");
    assert_eq!(refs(&place), before);
}

#[test]
fn two_clones_that_push_in_turn_keep_each_others_verdicts() {
    let place = place();
    let clones = [clone(&place, "ada"), clone(&place, "eve")];
    for round in 0..2 {
        for folder in &clones {
            let name = folder.file_name().unwrap().to_str().unwrap();
            record_in(&place, folder, &format!("{name} {round}"));
            place.git_in(folder, &["switch", "--quiet", "-C", name]).ok();
            place.git_in(folder, &["commit", "--quiet", "--allow-empty", "-m", "More"]).ok();
            place.git_in(folder, &["flow-ai", "push"]).ok().says(&format!("{name} -> {name}"));
        }
    }
    let all = summaries(&server(&place));
    for record in ["ada 0", "eve 0", "ada 1", "eve 1"] {
        assert!(all.contains(record), "{record}: {all}");
    }
    for folder in &clones {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let here = place.git_in(folder, &["rev-parse", "HEAD"]).ok().stdout;
        assert_eq!(in_server(&place, &["rev-parse", name]).ok().stdout, here);
    }
}

#[test]
fn a_dry_run_changes_nothing_and_tells_what_would_go() {
    let place = place();
    place.approve("main", "topic");
    let eve = clone(&place, "eve");
    record_in(&place, &eve, "Eve's.");
    place.git_in(&eve, &["flow-ai", "sync"]).ok();
    let before = refs(&place);
    let out = place.flow(&["push", "--dry-run"]).ok();
    out.says("Would push to origin").says("topic -> topic").says("1 verdict: origin lacked when last seen");
    let told = place.flow(&["push", "--dry-run", "--json", "origin", "topic"]).ok().json();
    assert_eq!(told["dry_run"], true);
    assert_eq!(told["refs"][0]["status"], "new", "{told}");
    place.flow(&["push", "--dry-run", "origin", "main~1:main"]).exits(1).says("`main` at origin has commits");
    assert_eq!(refs(&place), before);
}

#[test]
fn a_script_learns_what_went_and_why_not() {
    let place = place();
    let no = place.flow(&["push", "--json", "origin", "topic:main"]).exits(1);
    let told = no.json();
    assert_eq!((&told["refused"], &told["remote"]), (&Value::Bool(true), &"origin".into()));
    assert_eq!(told["refs"][0]["status"], "rejected");
    assert!(told["why"].as_str().unwrap().contains("`main`") && told["fix"][0].is_string(), "{told}");
    place.approve("main", "topic");
    let told = place.flow(&["push", "--json", "origin", "topic:main"]).ok().json();
    assert_eq!((&told["atomic"], &told["refused"]), (&Value::Bool(true), &Value::Bool(false)));
    assert!(told["why"].is_null() && told["not_pushed"].is_null(), "{told}");
    assert_eq!(told["went"].as_array().unwrap().len(), 1);
    let main = told["refs"].as_array().unwrap().iter().find(|one| one["to"] == "refs/heads/main").unwrap();
    assert_eq!((&main["from"], &main["status"]), (&"refs/heads/topic".into(), &"updated".into()));
}

#[test]
fn what_is_checked_out_goes_where_gits_config_says() {
    let place = place();
    place.git(&["init", "--quiet", "--bare", "../second.git"]).ok();
    let second = |name: &str| place.git_in(&place.root().join("second.git"), &["rev-parse", name]).status;
    // The only remote, under its own name; then the upstream's name.
    place.flow(&["push"]).ok().says("topic -> topic");
    place.git(&["config", "branch.topic.remote", "origin"]).ok();
    place.git(&["config", "branch.topic.merge", "refs/heads/elsewhere"]).ok();
    place.flow(&["push"]).ok().says("topic -> elsewhere");
    // A relative path is where git finds it: from the work tree.
    place.git(&["remote", "add", "second", "../second.git"]).ok();
    place.git(&["config", "remote.pushDefault", "second"]).ok();
    assert_ne!(second("topic"), 0);
    fs::create_dir(place.repo().join("folder")).unwrap();
    place.git_in(&place.repo().join("folder"), &["flow-ai", "push"]).ok().says("To second");
    assert_eq!(second("topic"), 0);
    place.git(&["config", "branch.topic.pushRemote", "third"]).ok();
    place.flow(&["push"]).exits(2).says("`third`, which branch.topic.pushRemote says, is no remote");
    place.flow(&["push", "origin"]).ok().says("Nothing to push");
}

#[test]
fn our_own_hook_and_the_persons_run_before_anything_goes() {
    let place = place();
    place.flow(&["init"]).ok();
    let before = refs(&place);
    let out = place.flow(&["push", "origin", "topic:main"]).exits(1);
    let out = out.says("this push to `main` is refused").says("a hook here refused (pre-push)");
    assert!(!out.stderr.contains("remote:"), "the server was not asked: {out:?}");
    assert_eq!(refs(&place), before);
    place.approve("main", "topic");
    place.flow(&["push", "origin", "topic:main"]).ok();
    arrived(&place, "topic", "main");
}

#[test]
fn a_remote_that_refuses_verdicts_is_told_with_the_way_out() {
    let place = place();
    place.approve("main", "topic");
    fs::remove_file(server(&place).join("hooks/pre-receive")).unwrap();
    let no = place.script("no", "case $1 in refs/notes/*) echo 'No notes here' >&2; exit 1;; esac");
    fs::copy(no, server(&place).join("hooks/update")).unwrap();
    let before = refs(&place);
    for atomic in ["true", "false"] {
        in_server(&place, &["config", "receive.advertiseAtomic", atomic]).ok();
        let out = place.flow(&["push"]).exits(1);
        let out = out.says("origin does not take verdicts").says("No notes here");
        out.says("git push origin refs/heads/topic:refs/heads/topic");
        assert!(!refs(&place)[1].contains("refs/heads/topic"));
    }
    assert_eq!(refs(&place)[0], before[0]);
    place.git(&["push", "origin", "refs/heads/topic:refs/heads/topic"]).ok();

    // git itself lets the rest of an atomic push in beside a ref that it hides.
    fs::remove_file(server(&place).join("hooks/update")).unwrap();
    in_server(&place, &["config", "receive.hideRefs", "refs/notes"]).ok();
    in_server(&place, &["config", "receive.advertiseAtomic", "true"]).ok();
    let out = place.flow(&["push", "origin", "topic:more"]).exits(1);
    out.says("origin does not take verdicts").says("the branches have arrived");
    arrived(&place, "topic", "more");
}

#[test]
fn who_pushes_or_syncs_is_told_what_came_in_past_the_gate() {
    let place = place();
    place.flow(&["init"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.ungated(&["merge", "--quiet", "--ff-only", "topic"]).ok();
    for command in ["push", "sync"] {
        let out = Out::of(place.command("git").args(["flow-ai", command]).output().unwrap());
        out.says("something came into `main` past the gate");
    }
}

#[test]
fn what_cannot_be_pushed_is_told_with_the_way_out() {
    let place = place();
    place.flow(&["push", "topic"]).exits(2).says("git flow-ai push <remote> topic");
    place.flow(&["push", "nowhere"]).exits(2).says("there is no remote `nowhere`");
    place.flow(&["push", "origin", "topci"]).exits(2).says("there is no branch `topci`").says("`topic`?");
    place.flow(&["push", "origin", "+topic:main"]).exits(2).says("never does");
    place.flow(&["push", "origin", ":main"]).exits(2).says("<commit>:<branch>");
    place.flow(&["push", "origin", "topic:a:b"]).exits(2).says("<commit>:<branch>");
    place.flow(&["push", "origin", "topic:refs/notes/x"]).exits(2).says("<commit>:<branch>");
    place.flow(&["push", "origin", "nothing:main"]).exits(2).says("names no commit");
    place.git(&["switch", "--quiet", "--detach"]).ok();
    place.flow(&["push"]).exits(2).says("no branch is checked out").says("git flow-ai push origin <branch>");
    place.git(&["switch", "--quiet", "--orphan", "new"]).ok();
    place.flow(&["push"]).exits(2).says("`new` has no commit yet");
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.git(&["remote", "set-url", "--push", "origin", "../nowhere.git"]).ok();
    place.flow(&["push"]).exits(2).says("could not push to origin").says("git ls-remote origin");
    place.git(&["remote", "rename", "origin", "one"]).ok();
    place.git(&["remote", "add", "two", "../two.git"]).ok();
    place.flow(&["push"]).exits(2).says("there are several remotes").says("remote.pushDefault");
    place.git(&["remote", "remove", "one"]).ok();
    place.git(&["remote", "remove", "two"]).ok();
    place.flow(&["push"]).exits(2).says("there is no remote to push to").says("git remote add");
}
