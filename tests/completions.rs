//! `<TAB>` after `git-flow-ai` and after `git flow-ai`, in the shells themselves where they are installed.

use crate::support::{Out, Place};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Bash with our completions loaded and git's own where the system has them.
fn bash(place: &Place, script: &str) -> Out {
    let file = place.root().join("completions.bash");
    fs::write(&file, place.flow(&["completions", "bash"]).ok().stdout).unwrap();
    let script = format!("source {}\n{script}", file.display());
    Out::of(place.command("bash").args(["--norc", "-c", &script]).output().unwrap())
}

#[test]
fn bash_completes_the_program_by_its_own_name() {
    let out = bash(
        &Place::new(),
        "COMP_WORDS=(git-flow-ai sta) COMP_CWORD=1; _git__flow__ai git-flow-ai sta git-flow-ai; echo \"${COMPREPLY[@]}\"",
    );
    assert_eq!(out.ok().stdout.trim(), "status");
}

#[test]
fn bash_completes_through_the_function_that_git_calls_even_after_gits_own_options() {
    for (words, index, typed) in [("git flow-ai sta", 1, "status"), ("git -C . flow-ai doc", 3, "doctor")] {
        let count = words.split(' ').count() - 1;
        let out = bash(
            &Place::new(),
            &format!(
                "COMP_WORDS=({words}) COMP_CWORD={count} __git_cmd_idx={index}; _git_flow_ai; echo \"${{COMPREPLY[@]}}\""
            ),
        );
        assert_eq!(out.ok().stdout.trim(), typed, "{words}");
    }
}

#[test]
fn bash_completes_through_gits_own_completion() {
    const GITS: &str = "/usr/share/bash-completion/completions/git";
    if !Path::new(GITS).exists() {
        println!("skipped: git's completion for bash is not installed at {GITS}");
        return;
    }
    let out = bash(
        &Place::new(),
        &format!(
            "source {GITS}\nCOMP_LINE='git flow-ai sta' COMP_POINT=15 COMP_WORDS=(git flow-ai sta) COMP_CWORD=2
             __git_wrap__git_main; echo \"${{COMPREPLY[@]}}\""
        ),
    );
    assert_eq!(out.ok().stdout.trim(), "status");
}

#[test]
fn zsh_and_fish_read_their_scripts() {
    let place = Place::new();
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let file = place.root().join(format!("completions.{shell}"));
        fs::write(&file, place.flow(&["completions", shell]).ok().stdout).unwrap();
        match Command::new(shell).arg(check).arg(&file).output() {
            Ok(output) => drop(Out::of(output).ok()),
            Err(_) => println!("skipped: {shell} is not installed"),
        }
    }
    // zsh's completion for git calls the function of that name for `git flow-ai`.
    assert!(fs::read_to_string(place.root().join("completions.zsh")).unwrap().contains("_git-flow-ai()"));
}
