//! Setting a repository up beside what is there, and giving everything back.

use crate::support::{Config, Out, Place};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Every file below a folder: its text and its mode. Objects and logs are left out.
fn files(folder: &Path) -> BTreeMap<String, (Vec<u8>, u32)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "objects" && name != "logs" {
            all.insert(format!("{name}/"), (Vec::new(), 0));
            for (inner, file) in files(&path) {
                all.insert(format!("{name}/{inner}"), file);
            }
        } else if path.is_file() {
            let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
            all.insert(name, (fs::read(&path).unwrap(), mode));
        }
    }
    all
}

/// Puts the example config in force, with `main` protected and nobody asked on the spot.
fn in_force(place: &Place) {
    place.write(".zenflow/config.toml", Config::lookup_only().to_string());
    let ungated = |args: &[&str]| place.ungated(args).ok();
    ungated(&["add", ".zenflow"]);
    ungated(&["commit", "--quiet", "-m", "Configure"]);
    ungated(&["switch", "--quiet", "-c", "topic"]);
    place.write("new", "new\n");
    ungated(&["add", "new"]);
    ungated(&["commit", "--quiet", "-m", "Add"]);
    ungated(&["switch", "--quiet", "main"]);
}

fn commit_on_a_branch(place: &Place) -> Out {
    place.git(&["switch", "--quiet", "-C", "work"]).ok();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Nothing"])
}

#[test]
fn it_says_what_it_did_and_doing_it_twice_changes_nothing() {
    let place = Place::new();
    place
        .flow(&["init"])
        .ok()
        .says("write .zenflow/config.toml")
        .says("reference-transaction")
        .says("--uninstall")
        .says("git add .zenflow");
    let before = files(&place.repo());
    let again = place.flow(&["init"]).ok().says("already there: .zenflow/config.toml");
    assert!(!again.stdout.contains("done:"), "{}", again.stdout);
    assert_eq!(files(&place.repo()), before);
}

#[test]
fn what_it_writes_is_a_config_that_we_read() {
    let place = Place::new();
    place.script("codex", "exit 0");
    place.script("claude", "exit 0");
    place.flow(&["init"]).ok();
    let config = place.read(".zenflow/config.toml");
    let parsed = git_flow_ai::domain::config::parse(&config, "config.toml").unwrap();
    assert!(parsed.agents.contains_key("codex") && parsed.reviewers.contains_key("claude"), "{config}");
    assert_eq!(parsed.gate.branches, ["main"]);
}

#[test]
fn it_says_what_it_found_and_a_second_time_goes_by_the_config() {
    let place = Place::new();
    for cli in ["claude", "codex", "opencode"] {
        place.script(cli, "exit 0");
    }
    place
        .flow(&["init"])
        .ok()
        .says("found: claude (anthropic)")
        .says("found: codex (openai)")
        .says("found: opencode: runs anybody's model");
    fs::remove_file(place.root().join("bin/claude")).unwrap();
    fs::remove_file(place.root().join("bin/codex")).unwrap();
    let again = place.flow(&["init"]).ok();
    assert!(!again.stdout.contains("name your agents"), "{}", again.stdout);
}

#[test]
fn keys_in_the_environment_become_proposals_without_their_values() {
    let place = Place::new();
    let mut init = place.command("git");
    Out::of(init.args(["flow-ai", "init"]).env("ANTHROPIC_API_KEY", "sk-secret").output().unwrap()).ok();
    let config = place.read(".zenflow/config.toml");
    assert!(
        config.contains("# key_env = \"ANTHROPIC_API_KEY\"") && !config.contains("sk-secret"),
        "{config}"
    );
}

#[test]
fn a_dry_run_only_tells() {
    let place = Place::new();
    let before = files(&place.repo());
    place.flow(&["init", "--dry-run"]).ok().says("would: write .zenflow/config.toml");
    assert_eq!(files(&place.repo()), before);
}

#[test]
fn uninstalling_puts_every_byte_and_mode_back() {
    let place = Place::new();
    place.executable(".git/hooks/pre-commit", "#!/bin/sh\necho mine\n");
    place.executable(".git/hooks/pre-push", "#!/bin/sh\ncat > /dev/null\n");
    place.write(".git/hooks/pre-merge-commit", "not executable\n");
    place.git(&["config", "notes.displayRef", "refs/notes/mine"]).ok();
    let before = files(&place.repo());
    place.flow(&["init"]).ok();
    assert_ne!(files(&place.repo()), before);
    place.flow(&["init", "--uninstall"]).ok().says("put back the hook");
    assert!(files(&place.repo()) == before);
    place.flow(&["init", "--uninstall"]).ok().says("nothing of git-flow-ai is installed");
}

#[test]
fn uninstalling_keeps_and_names_what_has_become_somebodys_own() {
    let place = Place::new();
    place.flow(&["init"]).ok();
    let config = place.read(".zenflow/config.toml") + "# mine\n";
    place.write(".zenflow/config.toml", &config);
    place.git(&["add", ".zenflow/workflows"]).ok();
    place.git(&["commit", "--quiet", "-m", "Keep the example"]).ok();
    place.executable(".git/hooks/pre-commit", "#!/bin/sh\necho another tool\n");
    place
        .flow(&["init", "--uninstall"])
        .ok()
        .says("kept: .zenflow/config.toml has been changed")
        .says("example.md is committed")
        .says("pre-commit is another tool's now");
    assert_eq!(place.read(".zenflow/config.toml"), config);
    assert!(place.read(".git/hooks/pre-commit").contains("another tool"));
}

#[test]
fn a_config_that_is_there_is_kept_and_must_be_right() {
    let place = Place::new();
    place.write(".zenflow/config.toml", "version = 1\n[gate]\nbranches = [\"trunk\"]\n");
    place.flow(&["init"]).ok();
    assert_eq!(place.read(".zenflow/config.toml"), "version = 1\n[gate]\nbranches = [\"trunk\"]\n");
    let broken = Place::new();
    broken.write(".zenflow/config.toml", "version = 1\nparalell = 3\n");
    let before = files(&broken.repo());
    broken.flow(&["init"]).exits(2).says("paralell");
    assert_eq!(files(&broken.repo()), before);
}

#[test]
fn a_hook_that_is_there_still_runs_with_its_arguments_and_its_input() {
    let place = Place::new();
    let log = place.root().join("log");
    let log = log.display();
    place.executable(".git/hooks/pre-commit", &format!("#!/bin/sh\necho pre-commit >> {log}\n"));
    place.executable(
        ".git/hooks/reference-transaction",
        &format!("#!/bin/sh\n[ \"$1\" = committed ] || exit 0; printf '%s ' \"$@\" >> {log}; cat >> {log}\n"),
    );
    place.flow(&["init"]).ok();
    commit_on_a_branch(&place).ok();
    let log = fs::read_to_string(place.root().join("log")).unwrap();
    let tip = place.git_says(&["rev-parse", "work"]);
    assert!(log.starts_with("committed "), "{log}");
    assert!(log.contains("pre-commit\n"), "{log}");
    let parent = place.git_says(&["rev-parse", "main"]);
    assert!(log.contains(&format!("{parent} {tip} refs/heads/work\n")), "its input is whole: {log}");
    place.executable(".git/hooks/pre-commit.flow-ai-chained", "#!/bin/sh\necho no >&2; exit 3\n");
    commit_on_a_branch(&place).exits(1).says("no");
}

#[test]
fn a_folder_of_hooks_in_the_working_tree_keeps_working_beside_ours() {
    for value in [".husky/_", "hooks dir"] {
        let place = Place::new();
        let log = place.root().join("log");
        place.executable(
            &format!("{value}/pre-commit"),
            &format!("#!/bin/sh\necho \"$0\" >> {}\n", log.display()),
        );
        place.executable(
            &format!("{value}/commit-msg"),
            &format!("#!/bin/sh\ncat \"$1\" >> {}\n", log.display()),
        );
        place.git(&["config", "core.hooksPath", value]).ok();
        let before = files(&place.repo());
        place.flow(&["init"]).ok();
        let again = place.flow(&["init"]).ok();
        assert!(!again.stdout.contains("done:"), "{}", again.stdout);
        commit_on_a_branch(&place).ok();
        let said = fs::read_to_string(&log).unwrap();
        assert_eq!(said, format!("{value}/pre-commit\nNothing\n"));
        place.git(&["switch", "--quiet", "main"]).ok();
        in_force(&place);
        assert_ne!(place.git(&["merge", "topic"]).says("nothing was touched").status, 0);
        place.flow(&["init", "--uninstall"]).ok();
        assert_eq!(place.git_says(&["config", "core.hooksPath"]), value);
        for (path, file) in before.iter().filter(|(path, _)| path.contains("hooks") || path.contains(value)) {
            assert_eq!(files(&place.repo()).get(path), Some(file), "{path}");
        }
    }
}

#[test]
fn a_persons_own_folder_of_hooks_keeps_working_and_is_not_touched() {
    let place = Place::new();
    let hooks = place.root().join("home/hooks");
    fs::create_dir(&hooks).unwrap();
    let log = place.root().join("log");
    fs::write(hooks.join("pre-commit"), format!("#!/bin/sh\necho global >> {}\n", log.display())).unwrap();
    fs::set_permissions(hooks.join("pre-commit"), fs::Permissions::from_mode(0o755)).unwrap();
    place.git(&["config", "--global", "core.hooksPath", "~/hooks"]).ok();
    let before = files(&hooks);
    place.flow(&["init"]).ok();
    place.flow(&["init"]).ok();
    commit_on_a_branch(&place).ok();
    assert_eq!(fs::read_to_string(&log).unwrap(), "global\n");
    assert_eq!(files(&hooks), before);
    place.flow(&["init", "--uninstall"]).ok();
    assert_eq!(place.git(&["config", "--local", "core.hooksPath"]).status, 1);
}

#[test]
fn a_hook_of_lefthook_is_left_to_it_with_the_lines_to_add() {
    let place = Place::new();
    place.executable(".git/hooks/pre-commit", "#!/bin/sh\nlefthook run pre-commit \"$@\"\n");
    // Where git asks by its config nobody need add anything.
    let older = git_flow_ai::system::git::version().unwrap() < (2, 54);
    place.flow(&["init"]).ok().says(if older { "lefthook.yml" } else { "by its config" });
    assert!(place.read(".git/hooks/pre-commit").contains("lefthook run"));
    in_force(&place);
    assert_ne!(place.git(&["merge", "topic"]).says("nothing was touched").status, 0);
}

/// A bare clone of the place, and `git flow-ai` in it.
fn bare(place: &Place) -> std::path::PathBuf {
    let bare = place.root().join("bare.git");
    place.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]).ok();
    bare
}

fn flow_in(place: &Place, folder: &Path, args: &[&str]) -> Out {
    Out::of(place.command("git").current_dir(folder).arg("flow-ai").args(args).output().unwrap())
}

#[test]
fn a_bare_repository_gets_the_servers_hook_and_gives_it_back() {
    for theirs in [None, Some("#!/bin/sh\nexit 0\n")] {
        let place = Place::new();
        let bare = bare(&place);
        if let Some(text) = theirs {
            fs::write(bare.join("hooks/pre-receive"), text).unwrap();
        }
        let before = files(&bare);
        flow_in(&place, &bare, &["init", "--dry-run"]).ok().says("would: install the hook");
        assert!(files(&bare) == before);
        flow_in(&place, &bare, &["init"]).ok().says("hooks/pre-receive").says("receive.denyDeletes");
        let again = flow_in(&place, &bare, &["init"]).ok();
        assert!(!again.stdout.contains("done:"), "{}", again.stdout);
        assert!(!bare.join(".zenflow").exists());
        flow_in(&place, &bare, &["init", "--uninstall"]).ok();
        assert!(files(&bare) == before);
    }
}

#[test]
fn where_a_host_runs_a_folder_of_hooks_ours_is_one_more_file_in_it() {
    for (folder, marker) in
        [("custom_hooks/pre-receive.d", "custom_hooks"), ("hooks/pre-receive.d", "hooks/pre-receive.d")]
    {
        let place = Place::new();
        let bare = bare(&place);
        fs::create_dir_all(bare.join(marker)).unwrap();
        fs::write(bare.join("hooks/pre-receive"), "the host's own\n").unwrap();
        let before = files(&bare);
        flow_in(&place, &bare, &["init"]).ok();
        assert!(bare.join(folder).join("flow-ai").exists());
        flow_in(&place, &bare, &["init", "--uninstall"]).ok();
        assert!(files(&bare) == before);
    }
}

#[test]
fn a_server_without_the_program_lets_nothing_in_and_says_who_can_help() {
    let place = Place::new();
    let bare = bare(&place);
    flow_in(&place, &bare, &["init"]).ok();
    let hook = bare.join("hooks/pre-receive");
    let text = fs::read_to_string(&hook).unwrap();
    fs::write(&hook, text.replace(env!("CARGO_BIN_EXE_git-flow-ai"), "/nowhere/git-flow-ai")).unwrap();
    let push = place.git(&["push", bare.to_str().unwrap(), "main:other"]).exits(1);
    push.says("/nowhere/git-flow-ai is missing on this server").says("whoever keeps this server");
    Out::of(place.command("git").current_dir(&bare).args(["rev-parse", "other"]).output().unwrap())
        .exits(128);
}

#[test]
fn without_a_commit_it_sets_up_and_says_when_the_gate_is_in_force() {
    let place = Place::empty();
    place.flow(&["init", "--dry-run"]).ok().says("the gate is in force once a reviewer is in it, on main");
    place.write(".zenflow/config.toml", Config::lookup_only().to_string());
    place.flow(&["init"]).ok().says("the gate is in force once this is on main");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Begin"]).ok();
    place.write("more", "more\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "More"]).exits(1).says("refused");
}

#[test]
fn from_a_linked_worktree_it_sets_up_the_whole_repository() {
    let place = Place::new();
    let linked = place.root().join("linked");
    place.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]).ok();
    let flow = |args: &[&str]| {
        Out::of(place.command("git").current_dir(&linked).arg("flow-ai").args(args).output().unwrap())
    };
    flow(&["init"]).ok();
    assert!(place.repo().join(".git/hooks/reference-transaction").exists());
    assert!(linked.join(".zenflow/config.toml").exists());
    flow(&["init", "--uninstall"]).ok();
    assert!(!place.repo().join(".git/hooks/reference-transaction").exists());
    assert!(!linked.join(".zenflow").exists());
}

#[test]
fn a_script_gets_json() {
    let place = Place::new();
    let out = place.flow(&["init", "--json", "--no-hooks"]).ok();
    let report: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!(report["steps"][0]["state"], "done");
    assert!(!place.repo().join(".git/hooks/reference-transaction").exists());
}

#[test]
fn what_somebody_wrote_into_a_hook_of_ours_is_never_lost() {
    let place = Place::new();
    place.flow(&["init"]).ok();
    let hook = place.repo().join(".git/hooks/pre-push");
    let edited = format!("{}\necho by hand\n", fs::read_to_string(&hook).unwrap());
    fs::write(&hook, &edited).unwrap();
    place.flow(&["init"]).ok().says("has been edited");
    assert_eq!(fs::read_to_string(&hook).unwrap(), edited, "init again leaves it");
    place.flow(&["init", "--uninstall"]).ok().says("pre-push.flow-ai-edited");
    assert!(!hook.exists(), "git must not ask a program that was uninstalled");
    let aside = place.repo().join(".git/hooks/pre-push.flow-ai-edited");
    assert_eq!(fs::read_to_string(aside).unwrap(), edited);
}
