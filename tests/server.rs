//! The server's hooks: whatever the transport and whoever pushes, only judged changes enter.

use crate::support::verdicts::finding;
use crate::support::{Config, Out, Place, git_http};
use git_flow_ai::domain::verdict::{Decision, Severity, decide};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const NOTES: &str = "refs/notes/flow-ai";

/// `main` is protected, `topic` adds a file to it; `origin.git` has `main` and the server's hook. Here
/// no hook is installed: whoever pushes has none, or has switched it off.
fn place() -> Place {
    place_with("")
}

fn place_with(gate: &str) -> Place {
    let place = Place::with_config(
        Config::new().names("codex", "openai").gate("branches = [\"main\", \"release\"]").gate(gate),
    );
    signers(&place);
    place.server("origin");
    in_server(&place, &["flow-ai", "init"]).ok();
    assert!(server_says(&place, "main").is_some());
    topic(&place, "topic");
    place
}

/// Commits who may sign: somebody whose key is used by nothing here.
fn signers(place: &Place) {
    place.key("key", "ed25519");
    let line = format!("ada@example.com {}\n", place.public("key"));
    place.commit_saying("Say who signs", ".zenflow/allowed_signers", line);
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

/// Where a ref of the server is.
fn server_says(place: &Place, name: &str) -> Option<String> {
    let out = in_server(place, &["rev-parse", "--verify", "--quiet", name]);
    (out.status == 0).then(|| out.stdout.trim().to_owned())
}

fn push(place: &Place, refs: &[&str]) -> Out {
    place.git(&[&["push", "--quiet", "origin"], refs].concat())
}

/// A push that must be refused, with nothing moved at the server.
#[track_caller]
fn refused(place: &Place, refs: &[&str]) -> Out {
    let refs_of = || in_server(place, &["for-each-ref"]).ok().stdout;
    let before = refs_of();
    let out = push(place, refs).exits(1);
    assert_eq!(refs_of(), before, "something has moved");
    out
}

/// Makes the server's repository ask `update` instead of `pre-receive`.
fn by_update(place: &Place) {
    let hooks = server(place).join("hooks");
    fs::remove_file(hooks.join("pre-receive")).unwrap();
    let program = env!("CARGO_BIN_EXE_git-flow-ai");
    fs::write(hooks.join("update"), format!("#!/bin/sh\nexec '{program}' hook update \"$@\"\n")).unwrap();
    fs::set_permissions(hooks.join("update"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn whatever_the_order_of_branch_and_notes_a_judged_change_enters() {
    let place = place();
    place.approve("main", "topic");
    // The branch first, and the server cannot know: it says how.
    refused(&place, &["topic:main"])
        .says("remote: git flow-ai: this push to `main` is refused")
        .says("git flow-ai review")
        .says("with its verdicts: git flow-ai push ");
    let both = place.copy();
    push(&place, &[NOTES]).ok();
    push(&place, &["topic:main"]).ok();
    assert_eq!(server_says(&place, "main"), Some(place.git_says(&["rev-parse", "topic"])));

    // The place's copy pushes to its own copy of the server.
    both.git(&["remote", "set-url", "origin", server(&both).to_str().unwrap()]).ok();
    for options in [&["--dry-run"][..], &["--atomic"]] {
        push(&both, &[options, &["topic:main", NOTES]].concat()).ok();
    }
    assert_eq!(server_says(&both, "main"), Some(both.git_says(&["rev-parse", "topic"])));
    assert_eq!(server_says(&both, NOTES), Some(both.git_says(&["rev-parse", NOTES])));
}

/// The addresses of the server, by every transport; ssh gives a command what a server's does: no home,
/// hardly a PATH, and git's own shell.
fn addresses(place: &Place) -> [String; 4] {
    let path = server(place).to_str().unwrap().to_owned();
    place.script(
        "ssh",
        "for last; do :; done\ngit=$(command -v git)\n\
         exec env -i PATH=/nowhere GIT_CONFIG_NOSYSTEM=1 \"$git\" shell -c \"$last\"",
    );
    let http = format!("{}/origin.git", git_http::serve(place));
    [path.clone(), format!("file://{path}"), format!("ssh://host{path}"), http]
}

/// Pushes to an address.
fn push_to(place: &Place, address: &str, refs: &[&str]) -> Out {
    let mut git = place.command("git");
    git.env("GIT_SSH", place.root().join("bin/ssh")).env("GIT_SSH_VARIANT", "simple");
    Out::of(git.args(["push", "--quiet", address]).args(refs).output().unwrap())
}

#[test]
fn every_transport_asks_the_gate() {
    let place = place();
    for (number, address) in addresses(&place).iter().enumerate() {
        let name = format!("topic-{number}");
        topic(&place, &name);
        place.git(&["switch", "--quiet", "-C", "merged", "main"]).ok();
        place.git(&["merge", "--quiet", "--no-ff", "--no-edit", &name]).ok();
        let before = server_says(&place, "main");
        let push = |refs: &[&str]| push_to(&place, address, refs);
        push(&["merged:main"]).exits(1).says("remote: git flow-ai: this push to `main` is refused");
        push(&["--force", "main~1:main"]).exits(1).says("would lose commits");
        push(&["--force", "--no-verify", "topic:main"]).exits(1).says("refused");
        push(&[":main"]).exits(1).says("`main` is protected, and may not be deleted");
        assert_eq!(server_says(&place, "main"), before, "{address}");

        place.approve("main", &name);
        push(&["merged:main", NOTES]).ok();
        let merged = place.git_says(&["rev-parse", "merged"]);
        assert_eq!(server_says(&place, "main"), Some(merged), "{address}");
        place.git(&["branch", "--force", "main", "merged"]).ok();
    }
}

#[test]
fn whose_shell_a_server_does_not_open_cannot_switch_its_hooks_off() {
    let place = place();
    let [path, _, ssh, http] = addresses(&place);
    let before = server_says(&place, "main");
    let off = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack";
    // git's own shell knows no such command, and HTTP has no way to say it.
    push_to(&place, &ssh, &[off, "topic:main"]).exits(128);
    push_to(&place, &http, &[off, "topic:main"]).exits(1).says("this push to `main` is refused");
    assert_eq!(server_says(&place, "main"), before);
    // Whoever can write the folder is its keeper.
    push_to(&place, &path, &[off, "topic:main"]).ok();
    assert_ne!(server_says(&place, "main"), before);
}

#[test]
fn one_refused_branch_keeps_the_whole_push_out() {
    let place = place();
    for options in [&[][..], &["--atomic"]] {
        refused(&place, &[options, &["topic:main", "topic:other"]].concat()).says("`main`");
    }
    push(&place, &["topic:other"]).ok();
    place.approve("main", "topic");
    push(&place, &["topic:main", "topic:another", NOTES]).ok();
}

#[test]
fn verdicts_at_the_server_only_ever_gain() {
    let place = place();
    let mut no = place.verdict("main", "topic");
    no.findings = vec![finding(Severity::P1, "It is wrong.")];
    no.decision = decide(&no.findings, &[Severity::P1]);
    assert_eq!(no.decision, Decision::RequestChanges);
    place.record(&no);
    push(&place, &[NOTES]).ok();
    refused(&place, &["topic:main"]).says("remote: codex (openai): Read.").says("It is wrong.");

    // Notes that have an approval where the rejection was, with the branch and without.
    place.git(&["update-ref", "-d", NOTES]).ok();
    let mut yes = place.verdict("main", "topic");
    yes.time = "2025-01-01T00:00:00Z".parse().unwrap();
    place.record(&yes);
    let forced = format!("+{NOTES}");
    refused(&place, &[&forced])
        .says("would lose what was decided: REQUEST CHANGES by codex")
        .says("git flow-ai sync");
    refused(&place, &["--atomic", &forced, "topic:main"]);
    refused(&place, &["topic:main", &forced]);
    refused(&place, &[&format!(":{NOTES}")]).says("may not be deleted");
    refused(&place, &[&format!("topic:{NOTES}"), "--force"]).says("would lose what was decided");
    refused(&place, &[&format!("{NOTES}:refs/flow-ai/notes/origin")]).says("git flow-ai sync");
    refused(&place, &["topic:refs/flow-ai/admitted/main"]).says("what a clone keeps for itself");
}

#[test]
fn what_is_pushed_beside_a_branch_bends_nothing() {
    let place = place();
    // Another commit in the place of what main was, of what it becomes, and of the law.
    let (main, topic) = (place.git_says(&["rev-parse", "main"]), place.git_says(&["rev-parse", "topic"]));
    place.approve("main", "main");
    push(&place, &["topic:refs/heads/aside"]).ok();
    for (of, by) in [(&main, &topic), (&topic, &main)] {
        refused(&place, &[&format!("{by}:refs/replace/{of}"), NOTES]).says("git-replace(1)");
        // One that is there already, the same.
        in_server(&place, &["update-ref", &format!("refs/replace/{of}"), by]).ok();
        push(&place, &[NOTES]).ok();
        refused(&place, &["topic:main"]).says("this push to `main` is refused");
        push(&place, &[&format!(":refs/replace/{of}")]).ok();
    }
    // The law that comes along is none yet.
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.write(".zenflow/config.toml", "version = 1\n[gate]\nbranches = []\n");
    place.git(&["commit", "--quiet", "--all", "-m", "No law"]).ok();
    refused(&place, &["topic:main"]).says("this push to `main` is refused");
}

#[test]
fn another_name_of_a_branch_is_the_branch() {
    let place = place();
    for alias in ["refs/heads/alias", "refs/other/alias"] {
        in_server(&place, &["symbolic-ref", alias, "refs/heads/main"]).ok();
        refused(&place, &[&format!("topic:{alias}")]).says("this push to `main` is refused");
        refused(&place, &[&format!(":{alias}")]).says("`main` is protected");
        in_server(&place, &["symbolic-ref", "-d", alias]).ok();
    }
    in_server(&place, &["branch", "trunk", "main"]).ok();
    in_server(&place, &["symbolic-ref", "refs/heads/main", "refs/heads/trunk"]).ok();
    refused(&place, &["topic:trunk"]).says("this push to `main` is refused");
}

#[test]
fn a_branch_that_no_law_names_is_free_and_a_server_of_none_takes_its_first() {
    let place = place();
    push(&place, &["topic:free"]).ok();
    push(&place, &["--force", "main:free"]).ok();
    push(&place, &[":free"]).ok();

    let empty = place.root().join("empty.git");
    place.git(&["init", "--quiet", "--bare", "-b", "main", empty.to_str().unwrap()]).ok();
    Out::of(place.command("git").current_dir(&empty).args(["flow-ai", "init"]).output().unwrap()).ok();
    let empty = empty.to_str().unwrap();
    push_to(&place, empty, &["main"]).ok();
    push_to(&place, empty, &["topic:main"]).exits(1).says("this push to `main` is refused");
    push_to(&place, empty, &[":main"]).exits(1).says("may not be deleted");
}

#[test]
fn a_new_branch_that_the_default_branch_protects_begins_with_what_that_has() {
    let place = place();
    refused(&place, &["topic:release"]).says("this push to `release` is refused");
    place.git(&["switch", "--quiet", "-c", "aside", "main~1"]).ok();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Aside"]).ok();
    refused(&place, &["aside:release"]).says("push a commit of `main` to `release` first");
    // That commit is from before there was a law: the one of main goes on.
    push(&place, &["main~2:refs/heads/release"]).ok();
    refused(&place, &["topic:release"]).says("this push to `release` is refused");
    refused(&place, &[":release"]).says("`release` is protected");
    push(&place, &["main:other"]).ok();
    in_server(&place, &["branch", "-D", "release"]).ok();
    let mut verdict = place.verdict("main", "topic");
    verdict.target = "release".into();
    place.record(&verdict);
    push(&place, &["topic:release", NOTES]).ok();
}

#[test]
fn doubt_is_refusal_at_the_server_and_says_who_can_help() {
    let place = place();
    let hook = |environment: &[(&str, &str)], name: &str, input: &str| {
        let mut command = place.command("sh");
        command.current_dir(server(&place)).envs(environment.iter().copied());
        let script = format!("printf '%s\\n' \"$0\" | git flow-ai hook {name}");
        Out::of(command.args(["-c", &script, input]).output().unwrap())
    };
    let (main, nobody) = (place.git_says(&["rev-parse", "main"]), "1".repeat(40));
    hook(&[], "pre-receive", &format!("{main} {main} refs/heads/main")).ok();
    // Another hook has read it all before ours.
    place.flow(&["hook", "pre-receive"]).exits(2).says("nothing about the push was to be read");
    hook(&[], "pre-receive", "nonsense").exits(2).says("nonsense");
    hook(&[], "pre-receive", &format!("{main} {nobody} refs/heads/main")).exits(2).says(&nobody);
    hook(&[], "pre-receive", &format!("{main} {nobody} {NOTES}")).exits(2).says("notes");
    hook(&[], "pre-receive", &format!("{nobody} {main} refs/heads/main"))
        .exits(1)
        .says("has moved meanwhile");
    let namespace = [("GIT_NAMESPACE", "team")];
    hook(&namespace, "pre-receive", &format!("{main} {main} refs/heads/main")).exits(2).says("GIT_NAMESPACE");
    hook(&[], "update", "").exits(2).says("<ref> <old> <new>");

    // A law that nobody can read.
    let tip = place.git_says(&["commit-tree", "-m", "Torn", "-p", "main", &torn_law(&place)]);
    let off = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack";
    push(&place, &[off, &format!("{tip}:main")]).ok();
    place.git(&["switch", "--quiet", "--detach", &tip]).ok();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "On top"]).ok();
    refused(&place, &["HEAD:main"])
        .says("nobody could work under the policy of `main`")
        .says("git switch -c repair-policy main");
}

/// A tree whose config cannot be read.
fn torn_law(place: &Place) -> String {
    place.git(&["switch", "--quiet", "--detach", "main"]).ok();
    place.write(".zenflow/config.toml", "version = \n");
    place.git(&["add", "."]).ok();
    let tree = place.git_says(&["write-tree"]);
    place.git(&["reset", "--quiet", "--hard"]).ok();
    tree
}

#[test]
fn the_update_hook_judges_what_it_can_see() {
    let place = place();
    by_update(&place);
    in_server(&place, &["config", "receive.denyDeleteCurrent", "ignore"]).ok();
    place.approve("main", "topic");
    // The other ref of the push is none of its sight.
    let out = push(&place, &["topic:main", NOTES]).exits(1);
    out.says("this push to `main` is refused").says("before it: git flow-ai sync");
    push(&place, &[NOTES]).ok();
    push(&place, &["--force", "main~1:main"]).exits(1).says("would lose commits");
    push(&place, &[":main"]).exits(1).says("may not be deleted");
    push(&place, &["topic:main"]).ok();
    place.git(&["update-ref", "-d", NOTES]).ok();
    place.approve("main", "main");
    push(&place, &[&format!("+{NOTES}")]).exits(1).says("would lose what was decided");
}

#[test]
fn of_two_pushes_at_once_one_enters_and_the_other_is_told() {
    let place = place();
    topic(&place, "other");
    place.approve("main", "topic");
    place.approve("main", "other");
    push(&place, &[NOTES]).ok();
    // Both are judged before either moves the branch.
    let hook = server(&place).join("hooks/pre-receive");
    let gate = place.root().join("gate-hook");
    fs::rename(&hook, &gate).unwrap();
    fs::write(&hook, format!("#!/bin/sh\n'{}' || exit 1\nsleep 1\n", gate.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let outcomes = std::thread::scope(|scope| {
        let pushes = ["topic", "other"].map(|name| {
            let place = &place;
            scope.spawn(move || push(place, &[&format!("{name}:main")]))
        });
        pushes.map(|push| push.join().unwrap())
    });
    let mut statuses = outcomes.each_ref().map(|out| out.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [0, 1], "{outcomes:?}");
    in_server(&place, &["fsck", "--strict"]).ok();
}

#[test]
fn where_only_signed_verdicts_count_a_forged_one_does_not() {
    let unsigned = place();
    unsigned.approve("main", "topic");
    push(&unsigned, &["topic:main", NOTES]).ok();

    let signed = place_with("signed = true\n");
    signed.approve("main", "topic");
    refused(&signed, &["topic:main", NOTES]).says("this push to `main` is refused").says("sign");
}
