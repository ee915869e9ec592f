//! Standard output and error, which ignore that their reader has gone.
//!
//! `git flow-ai status | head -1` closes its pipe early. Rust's `println!` panics then; and an error
//! would change the exit status, which is an answer that must not depend on who reads the words (a
//! hook must refuse with a closed standard output as well). So output without a reader is dropped, and the
//! command goes on to its own status. Any other failure, a full disk for instance, is an error.
//!
//! Names and texts of others are written out by whoever prints them, control characters too. As a last line,
//! nothing that hides text or turns its direction passes here, whoever forgot it: a terminal may stand behind
//! a pipe as well.

use crate::domain::text::escape;
use anstream::AutoStream;
use std::io::{self, ErrorKind, Write};

/// Standard output: colours where wanted, nothing hidden, a closed pipe ignored.
pub fn out() -> WriteOut<IgnoreBrokenPipe<AutoStream<io::Stdout>>> {
    WriteOut(IgnoreBrokenPipe(anstream::stdout()))
}

/// Standard output for bytes that must stay as they are, a closed pipe ignored.
pub fn raw_out() -> IgnoreBrokenPipe<io::Stdout> {
    IgnoreBrokenPipe(io::stdout())
}

pub fn err() -> WriteOut<IgnoreBrokenPipe<AutoStream<io::Stderr>>> {
    WriteOut(IgnoreBrokenPipe(anstream::stderr()))
}

/// A writer that writes out what hides or turns text. Control characters pass: colours are made of them.
#[derive(Debug)]
pub struct WriteOut<W: Write>(W);

impl<W: Write> Write for WriteOut<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match escape::without_hidden(bytes) {
            Some(text) => self.0.write_all(text.as_bytes()).map(|()| bytes.len()),
            None => self.0.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
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
