//! What a hint's command takes from elsewhere is quoted: a branch may be called `x$(command)`, and whoever pastes
//! what is printed about it must not run its author's words.

use crate::support::{Config, Place};
use proc_macro2::{TokenStream, TokenTree};
use regex::Regex;
use std::fs;
use std::path::Path;

/// A name that git takes for a branch.
const BRANCH: &str = "x$(touch${IFS}PWN)";

/// The commands that a text offers to be pasted.
fn offered(text: &str) -> Vec<String> {
    let starts = |line: &str| line.find("git ").map(|at| line[at..].to_owned());
    text.lines().filter_map(starts).collect()
}

#[track_caller]
fn runs_nothing_of_the_name(place: &Place, text: &str) {
    let commands = offered(text);
    assert!(commands.iter().any(|command| command.contains("touch")), "the branch is not named:\n{text}");
    for command in commands {
        place.sh(&command);
        assert!(!place.repo().join("PWN").exists(), "pasting this runs the branch's name: {command}");
    }
}

#[test]
fn a_branchs_name_is_a_word_wherever_it_is_offered() {
    let config = Config::new().gate("branches = [\"main\", \"rel/**\"]\nreview_on_merge = false");
    let place = Place::with_config(config.names("codex", "openai"));
    place.flow(&["init"]).ok();
    let (protected, topic) = (format!("rel/{BRANCH}"), format!("topic/{BRANCH}"));
    place.branch(&topic, "main");
    place.commit("new", "new\n");
    place.switch("main");
    place.ungated(&["branch", &protected, "main"]).ok();
    place.flow(&["verify"]);
    let said = |args: &[&str]| {
        let out = place.flow(args);
        out.stdout + &out.stderr
    };
    runs_nothing_of_the_name(&place, &said(&["verdict", "show", &topic]));
    runs_nothing_of_the_name(&place, &said(&["check", &format!("main..{topic}"), "--target", &protected]));
    // A hook's refusal.
    place.git(&["switch", "--quiet", &protected]).ok();
    let out = place.git(&["merge", "--quiet", "--no-ff", "--no-edit", &topic]);
    runs_nothing_of_the_name(&place, &(out.stdout + &out.stderr));
    place.git(&["merge", "--abort"]);
    // What came past the gate, was rewound, is another's name, is gone.
    place.ungated(&["merge", "--quiet", "--no-ff", "--no-edit", &topic]).ok();
    place.switch("main");
    runs_nothing_of_the_name(&place, &said(&["verify"]));
    place.ungated(&["update-ref", &format!("refs/heads/{protected}"), "main"]).ok();
    let head = format!("refs/heads/{protected}");
    place.ungated(&["symbolic-ref", &head, "refs/heads/main"]).ok();
    runs_nothing_of_the_name(&place, &said(&["verify"]));
    place.ungated(&["symbolic-ref", &head, "refs/heads/main"]).ok();
    place.ungated(&["symbolic-ref", "--delete", &head]).ok();
    runs_nothing_of_the_name(&place, &said(&["verify"]));
}

/// The texts in code that hold a command of git with a gap behind it, but for those of `command_line!`.
fn unquoted(tokens: TokenStream, command: &Regex, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let follows = |text: &str, back: usize| {
            at.checked_sub(back).is_some_and(|before| tokens[before].to_string() == text)
        };
        match token {
            // What documents an item, or its help.
            TokenTree::Group(_) if follows("#", 1) => {}
            TokenTree::Group(group) if follows("!", 1) && follows("command_line", 2) => {
                unquoted(group.stream().into_iter().skip(1).collect(), command, found);
            }
            TokenTree::Group(group) => unquoted(group.stream(), command, found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.starts_with('"') && command.is_match(&text) {
                    found.push(text);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

#[test]
fn every_command_with_a_gap_is_made_by_one_macro() {
    let commands = "add|am|branch|checkout|cherry-pick|clean|clone|commit|config|credential|fetch|flow-ai|init|log\
         |ls-remote|merge|notes|pull|push|rebase|remote|replace|reset|restore|revert|show|status|switch\
         |symbolic-ref|tag|update-ref|worktree";
    let command = Regex::new(&format!(r"\bgit (\{{\}}|(-c|{commands})[ {{])[^{{]*?\{{[^{{]")).unwrap();
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                unquoted(code.parse().unwrap(), &command, &mut found);
            }
        }
    }
    assert!(found.is_empty(), "what fills these gaps is not quoted: {found:#?}");
}
