//! The home of one job: made for it, and thrown away with it.
//!
//! A job is one start of a program that a model steers or that agents wrote: an attempt, a review, a setup or
//! verification command. It sees a home of its own wherever it looks for one: at `HOME`, and where the system
//! says that the user's is. In there are copies of what its tool's preset names ([`HomeCopy`]) and nothing
//! else of the user but what is opened by name: [`toolchains`], what is on the `PATH` ([`programs`]), and
//! `[sandbox] read` and `write`. Nothing that is written there outlives the job.
//!
//! This says what is in it and makes the directory; the sandbox puts it where the job looks.

mod contents;
mod job_home;
mod needed;
mod open;
mod programs;
mod toolchains;

pub use contents::{HomeCopy, copies, moved};
pub use job_home::{JobHome, sweep};
pub use needed::seems_needed;
pub use open::{Opened, user_homes};

use std::ffi::OsString;

/// A variable of an environment.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;
