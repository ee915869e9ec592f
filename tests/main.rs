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
mod architecture;
mod bad_input;
mod check;
mod clean;
mod cli;
mod completions;
mod counts;
mod crash;
mod demo;
mod doctor;
mod evasion;
mod gate;
mod hooks;
#[cfg(target_os = "linux")]
mod hostile;
mod init;
mod loopholes;
mod man;
mod matrix;
mod merge;
mod model;
mod neighbours;
mod output;
mod plan;
mod presets;
mod private_git;
mod properties;
mod push;
mod records;
mod recover;
mod review;
mod rules;
mod run;
mod sandbox;
mod secrets;
mod server;
mod signing;
mod spec;
mod status;
mod store_repo;
mod store_specs;
mod store_trees;
mod supervision;
mod support;
mod sync;
mod tricks;
mod trust;
mod verdicts;
mod verify;
mod waive;
mod workflow;
mod worktree;
