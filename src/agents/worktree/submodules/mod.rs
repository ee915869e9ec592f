//! The submodules of a worktree: filled from what the user has of them, and looked at for work of the agent.
//!
//! A submodule is a repository of its own, so each that is filled gets a private one like the worktree's, in
//! `modules/<name>` of that as git has it: `git submodule update` finds it at its commit and fetches nothing.
//! Its objects are read where the user has them, in `.git/modules`. What is known of it is kept in the record,
//! out of its agent's reach.

mod fill;
pub(super) mod list;
mod sound;
mod work;

pub(super) use fill::fill;
pub(super) use sound::are_sound;
pub(super) use work::with_work;
