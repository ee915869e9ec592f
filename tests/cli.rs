//! What holds for every command: exit statuses, help, closed pipes, colours.

use crate::support::{Out, Place};

#[test]
fn a_wrong_usage_is_status_2_and_says_what_is_right() {
    let place = Place::new();
    place.flow(&["statsu"]).exits(2).says("status");
    place.flow(&["status", "--jsn"]).exits(2).says("--json");
    place.flow(&["run", "--parallel", "many", "x"]).exits(2);
    place.flow(&[]).exits(2).says("Usage: git flow-ai");
}

#[test]
fn help_is_told_in_the_words_that_a_person_types() {
    let place = Place::new();
    place.flow(&["-h"]).ok().says("git flow-ai <COMMAND>");
    place.flow(&["help", "run"]).ok().says("Usage: git flow-ai run");
    place.flow(&["run", "--help"]).ok().says("Usage: git flow-ai run");
    place.flow(&["--version"]).ok().says(env!("CARGO_PKG_VERSION"));
    // What only git's hooks and the demo call is nobody's business.
    let help = place.flow(&["help"]).ok().stdout;
    assert!(!help.contains("hook ") && !help.contains("demo-agent"), "{help}");
}

#[test]
fn outside_a_repository_every_command_that_needs_one_says_so() {
    let place = Place::new();
    for args in [&["status"][..], &["init"], &["run", "x"], &["review"], &["verdict", "list"], &["clean"]] {
        let out = place.command("git-flow-ai").args(args).current_dir(place.root()).output().unwrap();
        let out = Out::of(out).exits(2).says("error:").says("hint:");
        assert!(!out.stderr.contains("panicked"), "{out:?}");
    }
}

#[test]
fn a_script_that_asks_for_json_reads_one_object_whatever_happened() {
    let place = Place::new();
    for command in [
        "status",
        "init",
        "sync",
        "verify",
        "clean",
        "doctor",
        "review",
        "merge",
        "verdict list",
        "verdict show",
        "spec list",
        "waive HEAD --reason x",
    ] {
        let args = command.split(' ').chain(["--json"]);
        let out = place.command("git-flow-ai").args(args).current_dir(place.root()).output().unwrap();
        let out = Out::of(out);
        assert_ne!(out.status, 0, "{command}");
        let told: serde_json::Value = serde_json::from_str(&out.stdout).unwrap_or_default();
        assert!(told.is_object() && told.to_string().contains("git init"), "{command}: {out:?}");
    }
}

#[test]
fn a_reader_that_has_gone_changes_no_answer() {
    let place = Place::new();
    // `head -c0` is gone before the first word is written; standard error may be closed as well.
    for command in [
        "git flow-ai help",
        "git flow-ai doctor --json",
        "git flow-ai man --dir man",
        "git flow-ai completions zsh",
    ] {
        let script = format!(
            "set -o pipefail; {command} 2>/dev/null; echo $? >open; ({command}; echo $? >closed) 2>&1 | head -c0; sleep 0.2"
        );
        Out::of(place.command("bash").args(["-c", &script]).output().unwrap());
        let (open, closed) = (place.read("open"), place.read("closed"));
        assert_eq!(open, closed, "{command}");
    }
}

#[test]
fn colours_are_for_terminals_and_never_for_pipes() {
    let place = Place::new();
    let out = place.flow(&["doctor"]);
    assert!(!out.stdout.contains('\u{1b}') && !out.stderr.contains('\u{1b}'));
    let forced =
        place.command("git").args(["flow-ai", "doctor"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(Out::of(forced).stdout.contains('\u{1b}'), "asked for, they are there");
}
