//! All journeys, through the real binary and real git, in one test binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed"
)]

mod agents;
mod ambiguous_refs;
mod architecture;
mod backports;
mod bad_input;
mod branch_moves;
mod branch_names;
mod branch_patterns;
mod check;
mod checkouts;
mod clean;
mod cli;
mod clocks;
mod completions;
mod crash;
mod data_stays_data;
mod demo;
mod doctor;
mod filters;
mod gate;
mod gate_exceptions;
mod gate_policy;
mod gate_regressions;
mod gate_rules;
mod hint_words;
mod hints;
mod honest_work;
mod hook_folders;
mod hook_managers;
mod hooks;
#[cfg(target_os = "linux")]
mod hostile_agent;
mod hostile_repository;
mod init;
mod init_places;
mod invalid_trees;
mod malformed_notes;
mod man;
mod merge;
mod model;
mod names_of_branches;
mod output;
mod plan;
mod presets;
mod private_git;
mod properties;
mod push;
mod recover;
mod redo;
mod reverts;
mod review;
mod run;
mod sandbox;
mod secrets;
mod server;
mod signers;
mod signing;
mod spec;
mod status;
mod store_merges;
mod store_repo;
mod store_specs;
mod store_trees;
mod submodules;
mod supervision;
mod support;
mod sync;
mod tested;
mod trust;
mod unsigned_records;
mod verdict_index;
mod verdict_records;
mod verdict_show;
mod verdict_validity;
mod verdicts;
mod verify;
mod verify_in_ci;
mod waive;
mod week;
mod whose_key;
mod workflow;
mod worktree;
