//! Flags that several subcommands take, with the values that they stand for.

pub mod human_review;
pub mod input;
pub mod selection;
pub mod text_source;
pub mod trust;
