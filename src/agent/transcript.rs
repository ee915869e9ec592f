//! The file that receives everything an agent prints.
//!
//! For the person's eyes only: it holds what the agent read. A full disk ends the transcript, not the
//! agent's work.

use crate::error::Result;
use anyhow::Context;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A transcript, or none.
#[derive(Debug)]
pub struct Transcript(Option<File>);

impl Transcript {
    /// Opens it, mode 0600, and goes on after what is there.
    pub fn open(path: Option<&Path>) -> Result<Transcript> {
        let open = |path: &Path| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("cannot write the transcript {}", path.display()))
        };
        Ok(Transcript(path.map(open).transpose()?))
    }

    /// Adds a line, at once. What went wrong is told once.
    pub fn add(&mut self, mut line: String) -> Option<String> {
        let file = self.0.as_mut()?;
        line.push('\n');
        let error = file.write_all(line.as_bytes()).err()?;
        self.0 = None;
        Some(format!("the transcript ends here: {error}"))
    }
}
