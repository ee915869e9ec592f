//! What people and scripts see: arguments, help, tables, progress and JSON.
//!
//! A subcommand is one file in [`cli`]: its arguments, whose doc comments are the help, and what it prints of
//! the values that [`crate::commands`] returns. Flags that several subcommands take are in `args`, and what
//! they print alike is in [`report`].

mod args;
pub mod cli;
mod confirm;
pub mod report;
mod runtime;
