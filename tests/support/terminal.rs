//! A terminal, by script(1): what a person sees there, and answers.

use super::{Out, Place};
use std::io::Write;
use std::process::Stdio;

impl Place {
    /// Runs a command line at a terminal of its own and types that line. The input stays open: its end
    /// would be an answer too.
    pub fn at_terminal(&self, line: &str, answer: &str) -> Out {
        let mut script = self.command("script");
        script.args(["--quiet", "--return", "--command", line, "/dev/null"]).env("TERM", "dumb");
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = script.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(format!("{answer}\n").as_bytes()).unwrap();
        let out = Out::of(child.wait_with_output().unwrap());
        drop(input);
        out
    }
}
