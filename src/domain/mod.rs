//! What we talk about: plain values and the rules that hold between them. No input or output.

pub mod branch_part;
pub mod change;
pub mod config;
pub(crate) mod digest;
pub mod error;
pub mod event;
pub(crate) mod parse_units;
pub(crate) mod phrases;
pub mod plan;
pub mod policy;
pub mod presets;
pub(crate) mod retry_time;
pub mod reviewers;
pub mod rival;
pub(crate) mod secret;
pub mod spec;
pub mod text;
pub mod verdict;
pub mod workflow;
