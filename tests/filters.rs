//! Filters of the user's git configuration, where their programs are the user's own, missing, or fail.

use crate::support::plan::task;
use crate::support::{Config, Place};
use std::fs;

/// A notebook that a filter strips; its program is to be put somewhere.
fn place(means: &str, command: &str) -> Place {
    let mode = if means == "off" { "off" } else { "require" };
    let config = Config::new().agent("hand", "acme").run(format!("attempts = 2\nsandbox = \"{mode}\""));
    let place = Place::with_config(config);
    if means != "off" {
        place.git(&["config", "flow-ai.sandbox-means", means]).ok();
    }
    place.write(".gitignore", ".venv\n");
    place.write(".gitattributes", "*.ipynb filter=strip\n");
    place.commit("n.ipynb", "cell\n");
    place.git(&["config", "filter.strip.clean", command]).ok();
    place.git(&["config", "filter.strip.smudge", "cat"]).ok();
    place.git(&["config", "filter.strip.required", "true"]).ok();
    place.agent("hand", "echo 'cell secret' >> n.ipynb; git add n.ipynb && echo added; true");
    place.spec_with(&task("one", ""));
    place
}

#[test]
fn a_filter_in_the_users_own_environment_runs_for_us_and_for_the_agents_git() {
    for means in ["bubblewrap", "landlock", "off"] {
        for by_path in [false, true] {
            let place = place(means, "true");
            place.executable(
                ".venv/bin/strip-it",
                "#!/bin/sh\n. \"$(dirname \"$0\")/../lib/words\"\nsed \"s/$word//g\"\n",
            );
            place.write(".venv/lib/words", "word=secret\n");
            let bin = place.repo().join(".venv/bin");
            let command =
                if by_path { "strip-it".into() } else { format!("'{}' -", bin.join("strip-it").display()) };
            place.git(&["config", "filter.strip.clean", &command]).ok();
            let path = place.sh("printf %s \"$PATH\"").stdout;
            let mut run = place.command("git-flow-ai");
            run.args(["run", "demo", "--no-review"]).env("PATH", format!("{}:{path}", bin.display()));
            let out = crate::support::Out::run(&mut run);
            let made = place.file("flow/demo/result", "n.ipynb");
            assert_eq!(made.as_deref(), Some("cell\ncell \n"), "{means}: {out:?}");
            assert!(out.stderr.contains("hand says: added"), "{means}: {out:?}");
            place.has_no_worktree();
        }
    }
}

#[test]
fn a_filter_that_fails_is_the_reason_and_costs_one_attempt() {
    for command in ["tools/strip", "echo boom >&2; exit 3", "no-such-program"] {
        let place = place("off", command);
        let out = place.run(&["--no-review"]);
        assert_eq!(out.status, 1, "{out:?}");
        let text = format!("{}{}", out.stdout, out.stderr);
        assert!(
            text.contains("nothing that the agent changed can be committed: n.ipynb"),
            "{command}: {text}"
        );
        assert!(
            text.contains("the filter `strip` failed") && text.contains("git config --get-regexp"),
            "{text}"
        );
        assert!(!text.contains("changed nothing"), "{text}");
        assert_eq!(place.calls(), ["one 1"], "{command}");
        // The work is still there.
        let kept = fs::read_to_string(place.root().join(".repo.flow-ai/demo.one/n.ipynb")).unwrap();
        assert_eq!(kept, "cell\ncell secret\n");
    }
}

#[test]
fn a_filter_that_is_not_installed_is_one_sentence_with_the_file_and_the_remedy() {
    for (setting, means) in
        [("process", "off"), ("process", "bubblewrap"), ("smudge", "off"), ("smudge", "landlock")]
    {
        let mode = if means == "off" { "off" } else { "require" };
        let config = Config::new().agent("hand", "acme").run(format!("sandbox = \"{mode}\""));
        let place = Place::with_config(config);
        if means != "off" {
            place.git(&["config", "flow-ai.sandbox-means", means]).ok();
        }
        place.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
        place.commit("art/big.bin", "version https://git-lfs.github.com/spec/v1\n");
        place.git(&["config", "filter.lfs.required", "true"]).ok();
        let command = if setting == "process" {
            "git-lfs-is-not-here filter-process"
        } else {
            "git-lfs-is-not-here smudge -- %f"
        };
        place.git(&["config", &format!("filter.lfs.{setting}"), command]).ok();
        place.agent("hand", "echo work > one.txt");
        place.spec_with(&task("one", ""));
        let out = place.run(&["--no-review"]).exits(1);
        let why = out.stdout.lines().find(|line| line.starts_with("one: ")).unwrap();
        assert!(why.contains("the filter `lfs` failed on art/big.bin: ") && why.len() < 300, "{why}");
        assert!(out.stdout.contains("install git-lfs"), "{out:?}");
        assert!(place.calls().is_empty(), "nobody was started in a checkout that is not whole");
    }
}

#[test]
fn tasks_are_joined_by_the_built_in_attributes_of_the_base() {
    // `union` joins what would conflict; `binary` keeps apart what would merge, as git does.
    let config = Config::new().agent("hand", "acme").run("attempts = 1");
    for (attributes, is_joined) in [("list.txt merge=union", true), ("list.txt binary", false), ("", false)] {
        let place = Place::with_config(config.clone());
        place.write(".gitattributes", format!("{attributes}\n"));
        place.commit("list.txt", "list\n");
        place.agent("hand", "echo \"- $task\" >> list.txt");
        place.spec_with(&(task("one", "") + &task("two", "")));
        let out = place.run(&["--no-review", "--parallel", "2"]);
        let list = place.file("flow/demo/result", "list.txt").unwrap_or_default();
        assert_eq!(list.lines().count() == 3, is_joined, "{attributes}: {list}{out:?}");
        assert_eq!(out.status == 0, is_joined, "{attributes}: {out:?}");
        // The attributes are the base's: what a task brings is no rule for how it is joined.
        place.git(&["checkout", "--quiet", "--detach", "flow/demo/one"]).ok();
        let by_git = place.ungated(&["merge", "--quiet", "--no-edit", "flow/demo/two"]).status == 0;
        assert_eq!(by_git, is_joined, "{attributes}: as git itself");
    }
}
