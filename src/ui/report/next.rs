//! What to run next, the usual way first.

use super::out;
use crate::domain::error::Result;
use std::io::Write;

/// Prints a line for each command.
pub fn next_commands(commands: &[String]) -> Result<()> {
    for (index, command) in commands.iter().enumerate() {
        let label = if index == 0 { "Next:" } else { "  or:" };
        writeln!(out(), "{label} {command}")?;
    }
    Ok(())
}
