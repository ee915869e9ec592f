//! Text that a flag names: a file, or `-` for standard input.

use crate::domain::error::{Result, hint};
use anyhow::Context;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// Reads all of it; `flag` is what an error tells the user to change.
pub fn read(file: &Path, flag: &str) -> Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    fs::read(file).map_err(|error| {
        let fix = format!("give {flag} a file that exists, or `-`");
        hint(format!("cannot read {}: {error}", file.display()), fix)
    })
}
