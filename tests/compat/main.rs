//! The real agent CLIs, started by our own presets, against the scripted model.
//!
//! What a CLI does on the wire, on a pipe and in a process tree is only known from running it, and
//! each new version may do otherwise. `.ci/compat` installs the pinned versions and runs this binary
//! where nothing can go wrong: in a network namespace that holds nothing but a loopback, with an
//! environment of `PATH` and `HOME`. Every test gives its CLI an empty home of its own, a key that is
//! obviously none, and a server that it shares with nobody.
//!
//! `FLOW_AI_COMPAT` unset: every test is skipped, so that `cargo test` never starts somebody's own
//! agents. `FLOW_AI_COMPAT=1`: what is installed is run, the rest is skipped with a line.
//! `FLOW_AI_COMPAT=require`: claude, codex, gemini and opencode must be there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

mod bed;
mod edit;
mod fault;
mod review;
#[path = "../fakes/scripted_model/mod.rs"]
mod scripted_model;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod walkthrough;

/// The same tests for each CLI.
macro_rules! each {
    ($($cli:ident)*) => {
        $(mod $cli {
            use crate::{edit, fault, review};
            const CLI: &str = stringify!($cli);

            #[test]
            fn edits_files_in_a_linked_worktree_and_nowhere_else() {
                edit::files(CLI);
            }
            #[test]
            fn is_given_a_long_prompt_whole() {
                edit::long_prompt(CLI);
            }
            #[test]
            fn answers_a_review_in_our_schema() {
                review::answers(CLI);
            }
            #[test]
            fn writes_nothing_in_a_review_whatever_its_model_wants() {
                review::writes_nothing(CLI);
            }
            #[test]
            fn gets_over_one_rate_limit() {
                fault::once(CLI, "429");
            }
            #[test]
            fn is_not_done_when_the_rate_limit_never_ends() {
                fault::for_ever(CLI, "429");
            }
            #[test]
            fn is_not_done_when_the_server_always_fails() {
                fault::for_ever(CLI, "500");
            }
            #[test]
            fn is_not_done_when_its_key_is_refused() {
                fault::for_ever(CLI, "401");
            }
            #[test]
            fn is_not_done_when_every_answer_is_cut_off() {
                fault::for_ever(CLI, "cut");
            }
            #[test]
            fn is_not_done_when_every_answer_is_malformed() {
                fault::for_ever(CLI, "malformed");
            }
            #[test]
            fn is_not_done_when_the_model_refuses() {
                fault::for_ever(CLI, "refuse");
            }
            #[test]
            fn is_not_done_when_the_model_answers_nothing() {
                fault::for_ever(CLI, "empty");
            }
            #[test]
            fn is_stopped_when_the_model_is_silent() {
                fault::silence(CLI);
            }
            #[test]
            fn leaves_nothing_behind_when_it_is_stopped_while_a_tool_runs() {
                fault::stopped_in_a_tool(CLI);
            }
        })*
    };
}

each!(claude codex gemini opencode qwen copilot aider);
