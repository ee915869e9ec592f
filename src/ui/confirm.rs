//! A question to the user at the terminal, to be answered with yes or no.

use crate::domain::error::Result;
use crate::ui::report;
use std::io::{self, BufRead, Write};

/// Asks on standard error; anything but a yes is a no.
pub fn confirm(question: &str) -> Result<bool> {
    let mut err = report::err();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
