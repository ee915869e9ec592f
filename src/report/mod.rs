//! Everything a person or a script reads: errors, tables, progress, JSON.

use crate::error::Hint;

/// Prints an error, what it came from, and the way out, on standard error.
pub fn error(error: &anyhow::Error) {
    use std::io::Write;
    let mut out = anstream::stderr().lock();
    let mut links = error.chain().map(ToString::to_string);
    let _ = writeln!(out, "error: {}", links.next().unwrap_or_default());
    for link in links {
        let _ = writeln!(out, "  because: {link}");
    }
    for way_out in error.chain().filter_map(|link| link.downcast_ref::<Hint>()) {
        let _ = writeln!(out, "hint: {}", way_out.way_out);
    }
}
