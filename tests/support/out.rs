//! The outcome of a command, and what can be demanded of it.

use serde_json::Value;
use std::process::{Command, Output};

/// What a command printed, and its exit status.
#[derive(Debug)]
pub struct Out {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Out {
    /// Runs a command to its end.
    pub fn run(command: &mut Command) -> Out {
        Out::of(command.output().unwrap())
    }

    /// The outcome of a finished process.
    pub fn of(output: Output) -> Out {
        Out {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It must have succeeded.
    #[track_caller]
    pub fn ok(self) -> Out {
        self.exits(0)
    }

    /// It must have exited so.
    #[track_caller]
    pub fn exits(self, status: i32) -> Out {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Its standard output or error must hold that text.
    #[track_caller]
    pub fn says(self, text: &str) -> Out {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "`{text}` is missing\nstdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Its standard output, which must be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
