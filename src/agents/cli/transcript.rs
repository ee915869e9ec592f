//! The file that receives everything an agent prints, but for secrets.
//!
//! For the user's eyes only: it holds what the agent read. What is known to be a key, or looks like one,
//! is written as `[redacted: …]`. A full disk ends the transcript, not the agent's work.

use crate::domain::error::Result;
use crate::system::fs::private;
use crate::system::secrets::LineRedactor;
use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// A transcript, if one is kept.
#[derive(Debug)]
pub struct Transcript {
    file: Option<File>,
    redactor: LineRedactor,
}

impl Transcript {
    /// Opens it, mode 0600, and appends to what is there.
    pub fn open(path: Option<&Path>) -> Result<Transcript> {
        let open = |path: &Path| {
            private::append(path).with_context(|| format!("cannot write the transcript {}", path.display()))
        };
        Ok(Transcript { file: path.map(open).transpose()?, redactor: LineRedactor::default() })
    }

    /// Adds a line of standard output or error, at once. Returns what went wrong, once.
    pub fn add(&mut self, line: String, from_err: bool) -> Option<String> {
        let file = self.file.as_mut()?;
        let mut line = self.redactor.line(line, from_err);
        line.push('\n');
        let error = file.write_all(line.as_bytes()).err()?;
        self.file = None;
        Some(format!("the transcript ends here: {error}"))
    }
}
