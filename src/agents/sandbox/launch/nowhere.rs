//! The stages on systems without them: only Linux hands orphans to a process that asks for them.

use crate::domain::error::{Result, hint};
use std::convert::Infallible;
use std::ffi::OsString;
use std::path::Path;

pub fn guard(_: i32, _: Option<&Path>, _: &[OsString]) -> Result<i32> {
    Err(hint("only Linux has this", "start the command itself"))
}

pub fn enter(_: i32, _: Option<&Path>, _: Option<u16>, _: &[OsString]) -> Result<Infallible> {
    Err(hint("only Linux has this", "start the command itself"))
}
