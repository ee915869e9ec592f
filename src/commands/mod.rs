//! What each command does. Commands print nothing: they return values and send events.
//!
//! A subcommand is the file or folder of its name; its arguments and what it prints are in `ui::cli`.
//! Some need no file here: the gate itself answers `check`, and `completions` and `man` only print. What several
//! subcommands share: [`documents`] (documents of specs), [`human_review`] (a person's own verdict), [`prompts`]
//! (what models are told), [`landing`] (the form in
//! which a change is judged), [`receipts`] (the last tips that the gate let in) and [`selection`] (which change is
//! meant).

pub(crate) mod abandon;
pub(crate) mod approve;
pub(crate) mod clean;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod documents;
pub(crate) mod hook;
pub(crate) mod human_review;
pub mod init;
pub(crate) mod landing;
pub(crate) mod log;
pub(crate) mod merge;
pub(crate) mod open;
pub(crate) mod plan;
pub(crate) mod prompts;
pub(crate) mod push;
pub(crate) mod receipts;
pub(crate) mod recover;
pub mod review;
pub(crate) mod run;
pub mod selection;
pub(crate) mod spec;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod test;
pub(crate) mod trust;
pub(crate) mod verdict;
pub(crate) mod verify;
pub(crate) mod waive;
