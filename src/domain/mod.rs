//! What we talk about: plain values and the rules that hold between them. No input or output.

pub mod change;
pub mod config;
pub mod digest;
pub mod error;
pub mod event;
pub mod fault;
pub mod plan;
pub mod policy;
pub mod presets;
pub mod retry_time;
pub mod secret;
pub mod spec;
pub mod text;
pub mod values;
pub mod verdict;
pub mod workflow;
