//! What people and scripts see: arguments, help, tables, progress and JSON.

pub mod cli;
pub mod report;
