//! The stages where they do not exist: only Linux hands orphans to whom asks for them.

use crate::domain::error::{Result, hint};
use std::convert::Infallible;
use std::ffi::OsString;
use std::path::Path;

/// Refuses.
pub fn hold(_: i32, _: Option<&Path>, _: &[OsString]) -> Result<i32> {
    Err(hint("only Linux has this", "start the command itself"))
}

/// Refuses.
pub fn enter(_: i32, _: Option<&Path>, _: Option<u16>, _: &[OsString]) -> Result<Infallible> {
    Err(hint("only Linux has this", "start the command itself"))
}
