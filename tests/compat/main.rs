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
//! `FLOW_AI_COMPAT=require`: the tools of presets that are tested with every change must be there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

mod edit;
mod fault;
mod held;
mod review;
#[path = "../fakes/scripted_model/mod.rs"]
mod scripted_model;
mod settings;
mod setup;
#[path = "../support/mod.rs"]
mod support;
mod walkthrough;

/// The same test for each CLI. They are named so that those of one CLI do not run beside each other:
/// some need seconds of a processor to start.
macro_rules! each {
    ($($name:ident: $test:path;)*) => {
        $(mod $name {
            each!(@ $test; claude codex gemini opencode qwen copilot aider);
        })*
    };
    (@ $test:path; $($cli:ident)*) => {
        each!(@@ $($cli = $test;)*);
    };
    (@@ $($cli:ident = $test:path;)*) => {
        $(#[test]
        fn $cli() {
            $test(stringify!($cli));
        })*
    };
}

each! {
    answers_a_review_in_bubblewrap: crate::held::answers_in_bubblewrap;
    answers_a_review_in_landlock: crate::held::answers_in_landlock;
    answers_a_review_in_our_schema: crate::review::answers;
    edits_files_in_bubblewrap_and_nothing_else: crate::held::edits_in_bubblewrap;
    edits_files_in_landlock_and_nothing_else: crate::held::edits_in_landlock;
    edits_files_in_its_worktree_and_nowhere_else: crate::edit::files;
    gets_over_one_rate_limit: crate::fault::one_rate_limit;
    is_given_a_long_prompt_whole: crate::edit::long_prompt;
    is_not_done_when_every_answer_is_cut_off: crate::fault::cut;
    is_not_done_when_every_answer_is_malformed: crate::fault::malformed;
    is_not_done_when_its_key_is_refused: crate::fault::key_refused;
    is_not_done_when_the_model_answers_nothing: crate::fault::empty;
    is_not_done_when_the_model_refuses: crate::walkthrough::refusal;
    is_not_done_when_the_rate_limit_never_ends: crate::fault::rate_limit;
    is_not_done_when_the_server_always_fails: crate::fault::server;
    is_stopped_when_the_model_is_silent: crate::fault::silence;
    leaves_nothing_behind_when_it_is_stopped_while_a_tool_runs: crate::fault::stopped_in_a_tool;
    writes_nothing_in_a_review_whatever_its_model_wants: crate::review::writes_nothing;
}
