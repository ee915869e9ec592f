//! What each command does. Commands print nothing: they return values and send events.
//!
//! A subcommand is the file or folder of its name; its arguments and what it prints are in `ui::cli`.
//! Some need no file here: the gate itself answers `check`, and `completions` and `man` only print. What several
//! subcommands share: [`draft`] (documents of specs), [`human_review`] (a person's own verdict), [`prompts`]
//! (what models are told), [`receipts`] (the last tips that the gate let in) and [`selection`] (which change is
//! meant).

pub mod approve;
pub mod clean;
pub mod demo;
pub mod doctor;
pub mod draft;
pub mod hook;
pub mod human_review;
pub mod init;
pub mod log;
pub mod merge;
pub mod plan;
pub mod prompts;
pub mod push;
pub mod receipts;
pub mod recover;
pub mod review;
pub mod run;
pub mod selection;
pub mod spec;
pub mod status;
pub mod sync;
pub mod trust;
pub mod verdict;
pub mod verify;
pub mod waive;
