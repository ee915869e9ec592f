//! Standard output and error, which ignore that their reader has gone.
//!
//! `git flow-ai status | head -1` closes its pipe early. Rust's `println!` panics then; and an error
//! would change the exit status, which is an answer that must not depend on who reads the words (a
//! hook must refuse with a closed standard output as well). So output without a reader is dropped, and the
//! command goes on to its own status. Any other failure, a full disk for instance, is an error.

use anstream::AutoStream;
use std::io::{self, ErrorKind, Write};

/// Standard output: colours where wanted, a closed pipe ignored.
pub fn out() -> IgnoreBrokenPipe<AutoStream<io::Stdout>> {
    IgnoreBrokenPipe(anstream::stdout())
}

/// Standard output for bytes that must stay as they are, a closed pipe ignored.
pub fn raw_out() -> IgnoreBrokenPipe<io::Stdout> {
    IgnoreBrokenPipe(io::stdout())
}

pub fn err() -> IgnoreBrokenPipe<AutoStream<io::Stderr>> {
    IgnoreBrokenPipe(anstream::stderr())
}

/// A writer that takes a broken pipe for success.
#[derive(Debug)]
pub struct IgnoreBrokenPipe<W: Write>(W);

impl<W: Write> Write for IgnoreBrokenPipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
