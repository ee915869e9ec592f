//! `git flow-ai doctor`: says what is wrong before it hurts, and how to mend it.

use crate::support::{Config, Out, Place};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A repository in which everything is as it should be.
fn healthy() -> Place {
    let command = |name: &str, vendor: &str| format!("command = [\"agent-{name}\"]\nvendor = \"{vendor}\"");
    let config = Config::new()
        .section("agents.one", command("one", "acme"))
        .section("agents.two", command("two", "umbrella"))
        .section("reviewers.one", "agent = \"one\"")
        .section("reviewers.two", "agent = \"two\"");
    let place = Place::with_config(config);
    place.script("agent-one", "exit 0");
    place.script("agent-two", "exit 0");
    place.flow(&["init"]).ok();
    place
}

/// The same where git looks at files only, whatever its version.
fn healthy_by_files() -> Place {
    let place = healthy();
    let _ = fs::remove_dir_all(place.repo().join(".git/flow-ai/configured"));
    place
}

/// What doctor says must be mended.
fn bad(out: &Out) -> Vec<&str> {
    out.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("bad ")).map(str::trim).collect()
}

#[test]
fn a_repository_that_was_set_up_is_healthy_and_every_agent_has_a_rival() {
    let place = healthy();
    let out = place.flow(&["doctor"]).ok();
    assert_eq!(bad(&out), [""; 0]);
    out.says("one is judged by two").says("two is judged by one");
    let json: serde_json::Value =
        serde_json::from_str(&place.flow(&["doctor", "--json"]).ok().stdout).unwrap();
    assert_eq!(json["healthy"], true);
    assert!(json["checks"].as_array().unwrap().iter().all(|check| check["topic"].is_string()));
}

#[test]
fn a_hook_that_git_would_not_run_is_named_with_the_way_to_mend_it() {
    let place = healthy_by_files();
    let hook = place.repo().join(".git/hooks/pre-merge-commit");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).unwrap();
    let out = place.flow(&["doctor"]).exits(1).says("chmod +x");
    assert!(bad(&out)[0].contains("pre-merge-commit"), "{out:?}");

    fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
    place.flow(&["doctor"]).exits(1).says("not ours").says("git flow-ai init");

    fs::remove_file(&hook).unwrap();
    place.flow(&["doctor"]).exits(1).says("pre-merge-commit is not installed");
}

#[test]
fn hooks_that_somebody_moved_away_are_looked_for_where_git_looks() {
    let place = healthy_by_files();
    place.git(&["config", "core.hooksPath", "elsewhere"]).ok();
    let out = place.flow(&["doctor"]).exits(1).says("core.hooksPath is relative");
    assert!(bad(&out).iter().any(|line| line.contains("reference-transaction")), "{out:?}");
}

#[test]
fn a_fence_without_what_it_has_to_know_or_without_its_program_is_named() {
    let place = healthy_by_files();
    let beside = place.repo().join(".git/hooks/reference-transaction.flow-ai");
    let text = fs::read_to_string(&beside).unwrap();
    fs::write(&beside, text.replace(env!("CARGO_BIN_EXE_git-flow-ai"), "/nowhere/git-flow-ai")).unwrap();
    place.flow(&["doctor"]).exits(1).says("calls /nowhere/git-flow-ai, which is gone");
    fs::remove_file(&beside).unwrap();
    place.flow(&["doctor"]).exits(1).says("cannot tell what to ask");
    place.flow(&["init"]).ok();
    place.flow(&["doctor"]).ok();
}

#[test]
fn a_worktree_whose_own_config_sends_git_elsewhere_is_named() {
    let place = healthy_by_files();
    place.git(&["config", "extensions.worktreeConfig", "true"]).ok();
    let linked = place.root().join("linked");
    place.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]).ok();
    place.flow(&["doctor"]).ok();
    let set = ["-C", linked.to_str().unwrap(), "config", "--worktree", "core.hooksPath", "/nowhere"];
    place.git(&set).ok();
    let doctor = place.flow(&["doctor"]);
    assert!(
        bad(&doctor).iter().any(|line| line.contains("linked") && line.contains("/nowhere")),
        "{doctor:?}"
    );
}

#[test]
fn a_bare_repository_is_guarded_by_its_servers_hook_or_said_not_to_be() {
    let place = healthy();
    let bare = place.root().join("bare.git");
    place.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]).ok();
    let flow =
        |args: &[&str]| Out::of(place.command("git-flow-ai").args(args).current_dir(&bare).output().unwrap());
    flow(&["doctor"]).exits(1).says("the hook pre-receive is not installed");
    flow(&["init"]).ok();
    let doctor = flow(&["doctor"]).ok().says("asks before a push moves a branch");
    // Nothing is asked of a server that only a clone can do.
    assert!(!doctor.stdout.contains("mend: git flow-ai init"), "{doctor:?}");
    let empty = place.root().join("empty.git");
    place.git(&["init", "--quiet", "--bare", empty.to_str().unwrap()]).ok();
    let doctor = place.command("git-flow-ai").arg("doctor").current_dir(&empty).output().unwrap();
    let doctor = Out::of(doctor).says("push the first one to it").says("nothing is protected");
    assert!(!doctor.stdout.contains("git commit"), "{doctor:?}");
    fs::set_permissions(bare.join("hooks/pre-receive"), fs::Permissions::from_mode(0o644)).unwrap();
    flow(&["doctor"]).exits(1).says("chmod +x");
}

#[test]
fn an_agent_that_is_gone_and_an_author_without_a_rival_are_named() {
    let place = healthy();
    fs::remove_file(place.root().join("bin/agent-two")).unwrap();
    place.flow(&["doctor"]).exits(1).says("agent-two").says("nobody can judge what one makes");
}

#[test]
fn a_misspelt_key_is_shown_with_its_place() {
    let place = Place::with_config("version = 1\n[run]\nparalel = 3\n");
    place.flow(&["doctor"]).exits(1).says("paralel").says("parallel");
}

#[test]
fn outside_a_repository_it_says_so_and_looks_at_the_rest() {
    let place = Place::new();
    let out = place.command("git-flow-ai").arg("doctor").current_dir(place.root()).output().unwrap();
    let out = Out::of(out).exits(1).says("git 2");
    assert!(!bad(&out).is_empty());
}

#[test]
fn kinds_of_repositories_with_limits_are_told() {
    let place = healthy();
    let clone = |args: &[&str]| {
        let url = format!("file://{}", place.repo().display());
        let target = place.root().join("clone");
        let _ = fs::remove_dir_all(&target);
        place.git(&[&["clone", "--quiet"], args, &[&url, target.to_str().unwrap()]].concat()).ok();
        Out::of(place.command("git-flow-ai").arg("doctor").current_dir(target).output().unwrap()).exits(1)
    };
    clone(&["--depth", "1"]).says("shallow").says("git fetch --unshallow");
    clone(&["--bare"]).says("bare");
    // Old locks block everybody.
    let lock = place.repo().join(".git/packed-refs.lock");
    fs::write(&lock, "").unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(&lock).unwrap().set_modified(old).unwrap();
    place.flow(&["doctor"]).says("packed-refs.lock is there, 1h old, and no process has it open");
}

#[test]
fn a_reviewer_of_the_users_own_judges_nobody() {
    let config = Config::new().reviewer("judge", "zeta");
    let place = Place::with_config(config);
    place.reviewer("judge", "");
    place.reviewer("friend", "");
    place.flow(&["init"]).ok();
    place.flow(&["doctor"]).exits(1).says("nobody can judge what judge makes");
    fs::create_dir_all(place.root().join("home/.config/git-flow-ai")).unwrap();
    let own = "version = 1\n[agents.friend]\ncommand = [\"friend\"]\nvendor = \"omega\"\n[reviewers.friend]\nagent = \"friend\"\n";
    fs::write(place.root().join("home/.config/git-flow-ai/config.toml"), own).unwrap();
    place
        .flow(&["doctor"])
        .exits(1)
        .says("nobody can judge what judge makes")
        .says("(friend of your own config only advises)")
        .says("friend is judged by judge");
    let place = Place::with_config("version = 1\n[agents.judge]\ncommand = [\"judge\"]\nvendor = \"zeta\"\n");
    place.reviewer("judge", "");
    fs::create_dir_all(place.root().join("home/.config/git-flow-ai")).unwrap();
    fs::write(place.root().join("home/.config/git-flow-ai/config.toml"), own).unwrap();
    place.flow(&["doctor"]).exits(1).says("the config names no reviewer, so nothing can be approved");
}
