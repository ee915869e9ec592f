//! Verdicts that travel: nothing is lost between clones, and what was judged outlives its branch.

use crate::support::verdicts::finding;
use crate::support::{Config, Out, Place, open};
use git_flow_ai::domain::change::Vendor;
use git_flow_ai::domain::verdict::{Severity, Verdict};
use git_flow_ai::gate::store::{Repo, keep, verdicts};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// A repository with a protected `main`, a `topic` one commit ahead, and a bare remote `origin` with both.
fn place() -> Place {
    let place = Place::with_config(Config::lookup_only());
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit("new.txt", "new\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["init", "--quiet", "--bare", "../server.git"]).ok();
    place.git(&["remote", "add", "origin", "../server.git"]).ok();
    place.git(&["push", "--quiet", "origin", "main", "topic"]).ok();
    place
}

/// A clone of the remote beside the repository.
fn clone(place: &Place, name: &str, options: &[&str]) -> PathBuf {
    let url = format!("file://{}", place.root().join("server.git").display());
    let folder = place.root().join(name);
    let mut command = place.command("git");
    command.args(["clone", "--quiet"]).args(options).arg(url).arg(&folder);
    Out::of(command.output().unwrap()).ok();
    folder
}

fn flow_in(place: &Place, folder: &PathBuf, args: &[&str]) -> Command {
    let mut command = place.command("git");
    command.current_dir(folder).arg("flow-ai").args(args);
    command
}

fn run(mut command: Command) -> Out {
    Out::of(command.output().unwrap())
}

fn rejection(place: &Place) -> Verdict {
    let block = place.block("main", "topic", vec![finding(Severity::P0, "Wrong")]);
    Verdict { summary: "No.".into(), ..block }
}

#[test]
fn a_verdict_goes_to_the_remote_and_comes_to_a_clone_and_the_gate_there_counts_it() {
    let place = place();
    place.approve("main", "topic");
    place.flow(&["sync"]).ok().says("1 verdict: went to origin").says("APPROVE by codex (openai)");
    place.flow(&["sync"]).ok().says("Nothing new here or at origin");
    let there = clone(&place, "clone", &[]);
    run(flow_in(&place, &there, &["init"])).ok();
    place.git_in(&there, &["branch", "topic", "origin/topic"]).ok();
    let refused = place.git_in(&there, &["merge", "--ff-only", "topic"]);
    assert_ne!(refused.status, 0, "not known there yet");
    let json = run(flow_in(&place, &there, &["sync", "--json"])).ok();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["came"].as_array().unwrap().len(), 1, "{json}");
    assert!(json["not_pushed"].is_null() && json["restored"].as_array().unwrap().is_empty(), "{json}");
    place.git_in(&there, &["merge", "--ff-only", "topic"]).ok();
}

#[test]
fn what_was_deleted_on_one_side_is_told_and_comes_back() {
    let place = place();
    place.record(&rejection(&place));
    place.flow(&["sync"]).ok();
    place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
    place.flow(&["init"]).ok();
    let mut yes = place.verdict("main", "topic");
    yes.reviewer.vendor = Vendor::new("google");
    yes.reviewer.name = "gemini".into();
    place.record(&yes);
    // The gate knows it from what was pushed, before anybody brings it back.
    let refused = place.git(&["merge", "--ff-only", "topic"]);
    assert_ne!(refused.status, 0, "{refused:?}");
    refused.says("codex (openai) asks for changes");
    let out = place.flow(&["sync"]).ok();
    out.says("1 verdict: was deleted here, and is back from origin")
        .says("REQUEST CHANGES by codex (openai)");
    place.git(&["push", "--quiet", "origin", ":refs/notes/flow-ai"]).ok();
    let out = place.flow(&["sync"]).ok();
    out.says("2 verdicts: was deleted at origin, and is back there");
    place.flow(&["sync"]).ok().says("Nothing new");
}

#[test]
fn every_remote_that_cannot_be_had_is_told_with_the_way_out() {
    let place = Place::with_config(Config::lookup_only());
    place.flow(&["sync"]).exits(2).says("there is no remote").says("git remote add");
    place.git(&["remote", "add", "away", "../nowhere.git"]).ok();
    place.flow(&["sync"]).exits(2).says("the verdicts of away cannot be fetched").says("git ls-remote away");
    place.flow(&["sync", "origin"]).exits(2).says("there is no remote `origin`");
    place.git(&["init", "--quiet", "--bare", "../server.git"]).ok();
    place.git(&["remote", "add", "more", "../server.git"]).ok();
    place.flow(&["sync"]).exits(2).says("there are several remotes");
    place.flow(&["sync", "more"]).ok().says("Nothing new here or at more");
}

#[test]
fn where_nothing_can_be_written_the_remote_is_not_blamed() {
    let place = place();
    place.approve("main", "topic");
    place.git(&["push", "--quiet", "origin", "refs/notes/flow-ai"]).ok();
    // What git 2.47 says on a disk that is full or mounted for reading.
    place.script(
        "git",
        "case \" $* \" in *' fetch '*)\n  \
         echo \"error: cannot lock ref 'refs/flow-ai/notes/origin': unable to create directory for x\" >&2\n  \
         exit 1;;\nesac\nPATH=${PATH#*:} exec git \"$@\"",
    );
    let begun = std::time::Instant::now();
    // Not as `git flow-ai`: git puts itself first on the PATH.
    let out = Out::of(place.command("git-flow-ai").arg("sync").output().unwrap());
    out.exits(2).says("cannot be written here").says("df -h");
    assert!(begun.elapsed().as_secs() < 5, "no waiting mends it");
}

#[test]
fn without_leave_to_push_the_fetched_half_is_done_and_said() {
    let place = place();
    place.approve("main", "topic");
    place.flow(&["sync"]).ok();
    let there = clone(&place, "clone", &[]);
    let hook = place.root().join("server.git/hooks/pre-receive");
    let no = place.script("no", "echo 'You may only read' >&2; exit 1");
    std::fs::copy(no, hook).unwrap();
    let mut own = place.verdict("main", "topic");
    own.summary = "Mine.".into();
    place.git_in(&there, &["config", "user.name", "Eve"]).ok();
    place.git_in(&there, &["config", "user.email", "eve@example.com"]).ok();
    let repo = Repo::open(&there).unwrap();
    verdicts::append(&repo, own.head_commit.unwrap(), &own).unwrap();
    let out = run(flow_in(&place, &there, &["sync"])).exits(2);
    let out = out.says("fetched, but not pushed to origin").says("You may only read");
    out.says("1 verdict: came from origin").says("1 verdict: origin lacks");
    assert_eq!(verdicts::all(&repo).unwrap().verdicts.len(), 2);
}

#[test]
fn a_persons_own_refspecs_and_pruning_take_no_verdict() {
    let place = place();
    place.approve("main", "topic");
    place.flow(&["sync"]).ok();
    place.git(&["config", "--add", "remote.origin.fetch", "+refs/notes/*:refs/notes/*"]).ok();
    place.git(&["config", "fetch.prune", "true"]).ok();
    let mut more = place.verdict("main", "topic");
    more.summary = "Again.".into();
    place.record(&more);
    let kept = place.git_says(&["for-each-ref", "refs/flow-ai/keep"]);
    place.flow(&["sync"]).ok().says("1 verdict: went to origin");
    let repo = Repo::open(&place.repo()).unwrap();
    assert_eq!(verdicts::all(&repo).unwrap().verdicts.len(), 2);
    assert_eq!(place.git_says(&["for-each-ref", "refs/flow-ai/keep"]), kept);
}

#[test]
fn clones_that_sync_at_once_lose_nothing() {
    let place = place();
    let clones: Vec<PathBuf> = (0..4).map(|n| clone(&place, &format!("clone{n}"), &[])).collect();
    for (n, folder) in clones.iter().enumerate() {
        place.git_in(folder, &["config", "user.name", "Ada"]).ok();
        place.git_in(folder, &["config", "user.email", "ada@example.com"]).ok();
        let repo = Repo::open(folder).unwrap();
        for record in 0..3 {
            let mut verdict = place.verdict("main", "topic");
            verdict.summary = format!("{n} {record}");
            let on = verdict.head_commit.unwrap();
            verdicts::append(&repo, on, &verdict).unwrap();
        }
    }
    let syncs: Vec<_> = clones
        .iter()
        .map(|folder| {
            let mut command = flow_in(&place, folder, &["sync"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for sync in syncs {
        Out::of(sync.wait_with_output().unwrap()).ok();
    }
    let mut trees = Vec::new();
    for folder in &clones {
        run(flow_in(&place, folder, &["sync"])).ok();
        let repo = Repo::open(folder).unwrap();
        assert_eq!(verdicts::all(&repo).unwrap().verdicts.len(), 12);
        trees.push(place.git_in(folder, &["rev-parse", "refs/notes/flow-ai^{tree}"]).ok().stdout);
    }
    assert!(trees.iter().all(|tree| *tree == trees[0]), "all have the same: {trees:?}");
}

#[test]
fn what_was_judged_outlives_its_branch_and_garbage_collection_here_and_in_a_clone() {
    let place = place();
    place.approve("main", "topic");
    place.flow(&["sync"]).ok();
    // Rebased onto a main that has moved, as on a colleague's machine or a server.
    place.commit("other.txt", "other\n");
    place.git(&["cherry-pick", "topic"]).ok();
    place.git(&["branch", "rebased"]).ok();
    place.git(&["reset", "--quiet", "--hard", "HEAD~1"]).ok();
    place.git(&["branch", "-D", "topic"]).ok();
    place.git(&["push", "--quiet", "origin", ":topic", "main", "rebased"]).ok();
    place.git(&["update-ref", "-d", "refs/remotes/origin/topic"]).ok();
    place.git(&["reflog", "expire", "--expire=now", "--all"]).ok();
    place.git(&["gc", "--quiet", "--prune=now"]).ok();
    place.flow(&["init"]).ok();
    place.git(&["merge", "--ff-only", "rebased"]).ok();
    let there = clone(&place, "clone", &[]);
    run(flow_in(&place, &there, &["init"])).ok();
    run(flow_in(&place, &there, &["sync"])).ok();
    place.git_in(&there, &["merge", "--ff-only", "origin/rebased"]).ok();
}

#[test]
fn what_was_judged_is_let_go_once_it_is_in_or_old() {
    let place = place();
    let kept = |place: &Place| place.git_says(&["for-each-ref", "refs/flow-ai/keep"]).lines().count();
    let now = jiff::Timestamp::now();
    let mut fresh = place.verdict("main", "topic");
    fresh.time = now;
    place.record(&fresh);
    let mut old = fresh.clone();
    old.time = "2020-01-01T00:00:00Z".parse().unwrap();
    place.record(&old);
    assert_eq!(kept(&place), 2);
    place.flow(&["clean", "--dry-run"]).ok().says("would remove what was judged");
    assert_eq!(kept(&place), 2);
    place.flow(&["clean"]).ok().says("removed what was judged");
    assert_eq!(kept(&place), 1, "the old one is gone");
    place.git(&["merge", "--quiet", "--ff-only", "topic"]).ok();
    place.flow(&["clean"]).ok();
    assert_eq!(kept(&place), 0);
}

#[test]
fn a_clone_of_any_kind_judges_a_rebased_change_or_names_the_fetch_that_lets_it() {
    let place = place();
    place.git(&["--git-dir=../server.git", "config", "uploadpack.allowFilter", "true"]).ok();
    place.approve("main", "topic");
    keep::keep(&open(&place.repo()), &place.verdict("main", "topic")).unwrap();
    place.commit("else.txt", "else\n");
    place.git(&["branch", "moved"]).ok();
    place.git(&["switch", "--quiet", "-c", "rebased", "topic"]).ok();
    place.git(&["rebase", "--quiet", "moved"]).ok();
    // What was judged is on no branch any more; only what is kept has it.
    place.ungated(&["push", "--quiet", "origin", "moved:main", "rebased", ":topic"]).ok();
    place.flow(&["sync"]).ok();
    for (options, may_lack) in [
        (&["--no-tags"][..], false),
        (&["--single-branch", "--branch", "rebased"], false),
        (&["--depth", "1", "--no-single-branch"], true),
        (&["--filter=blob:none"], true),
        (&["--filter=tree:0"], true),
        (&["--filter=blob:none", "--depth", "1", "--no-single-branch"], true),
    ] {
        let there =
            clone(&place, &format!("clone{}", options.join("").replace(['-', ':', '='], "")), options);
        let fetch = ["fetch", "--quiet", "origin", "main:refs/remotes/origin/main"];
        place.git_in(&there, &fetch).ok();
        let check =
            || run(flow_in(&place, &there, &["check", "origin/main..origin/rebased", "--target", "main"]));
        assert_eq!(check().status, 2, "before its verdicts are there: {options:?}");
        run(flow_in(&place, &there, &["sync"])).ok();
        let mut out = check();
        // What a partial clone lacks depends on what git happened to need before; a shallow one lacks what may
        // have taken the change out again.
        if may_lack && out.status == 2 {
            let mut said = out.stdout.lines().chain(out.stderr.lines());
            let fix = said.find_map(|line| line.strip_prefix("hint: ")).unwrap();
            let mut fetch = place.command("sh");
            fetch.current_dir(&there).args(["-c", fix]);
            run(fetch).ok();
            out = check();
        }
        assert_eq!(out.status, 0, "{options:?}: {out:?}");
    }
}

#[test]
fn a_server_whose_verdicts_grow_while_it_is_asked_is_asked_again() {
    let place = place();
    let server = place.root().join("server.git");
    place.git_in(&server, &["flow-ai", "init"]).ok();
    let eve = clone(&place, "eve", &[]);
    let mut theirs = place.verdict("main", "topic");
    theirs.summary = "Eve's.".into();
    place.git_in(&eve, &["config", "user.name", "Eve"]).ok();
    place.git_in(&eve, &["config", "user.email", "eve@example.com"]).ok();
    let on = theirs.head_commit.unwrap();
    verdicts::append(&Repo::open(&eve).unwrap(), on, &theirs).unwrap();
    place.git_in(&eve, &["push", "--quiet", "origin", "refs/notes/flow-ai:refs/aside/eve"]).ok();
    // Eve's arrive once ours are under way, before the gate looks.
    let hooks = server.join("hooks");
    std::fs::rename(hooks.join("pre-receive"), hooks.join("ours")).unwrap();
    let late = place.script(
        "late",
        &format!(
            "(unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
             git rev-parse -q --verify refs/notes/flow-ai || git update-ref refs/notes/flow-ai refs/aside/eve) >&2\n\
             exec '{}'",
            hooks.join("ours").display()
        ),
    );
    std::fs::copy(late, hooks.join("pre-receive")).unwrap();
    place.approve("main", "topic");
    place.flow(&["sync"]).ok().says("1 verdict: came from origin").says("1 verdict: went to origin");
    assert_eq!(verdicts::all(&Repo::open(&server).unwrap()).unwrap().verdicts.len(), 2);
}

#[test]
fn what_a_sync_is_about_to_lock_is_written_down_while_git_works() {
    let place = place();
    place.approve("main", "topic");
    place.flow(&["sync"]).ok();
    let there = clone(&place, "clone", &[]);
    let seen = place.root().join("seen");
    let note = format!(
        "#!/bin/sh\ncat '{}'/flow-ai/writing-refs-* >>'{}'\n",
        there.join(".git").display(),
        seen.display()
    );
    let hook = there.join(".git/hooks/reference-transaction");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, note).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    run(flow_in(&place, &there, &["sync"])).ok();
    let copy = format!("\n{}origin", verdicts::COPIES);
    assert!(std::fs::read_to_string(seen).unwrap().starts_with(&copy));
}
