//! What tests are built of: real git and the real binary in a hermetic folder, and fakes as executables.
//!
//! [`Place`] is a temporary home with a repository in it. Everything else adds to one: a config, agents
//! and reviewers, a spec with its plan, verdicts, signing keys, servers. The outcome of a command is one
//! value, [`Out`], and can be compared with a snapshot as a whole.

#![allow(dead_code, unused_imports, reason = "each journey uses its own part of this")]

mod config;
mod environment;
mod fakes;
pub mod git_http;
mod keys;
pub mod model_server;
mod out;
mod place;
pub mod plan;
pub mod processes;
mod snapshot;
mod terminal;
pub mod verdicts;
pub mod worktrees;

pub use config::Config;
pub use fakes::{WRITE, executable};
pub use out::Out;
pub use place::{Place, open};
