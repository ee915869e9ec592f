//! Commands that talk to a remote: what they print is passed on while they run.

use super::describe;
use super::error::{ErrorKind, in_english, kind};
use crate::domain::error::Result;
use anyhow::Context;
use std::io::{BufReader, Read};
use std::process::{Command, Stdio};

/// What came of a command that talked to a remote.
#[derive(Debug)]
pub struct Talk {
    pub is_done: bool,
    pub output: String,
    /// What git and the remote printed, without progress.
    pub said: String,
}

impl Talk {
    /// Why it failed, as far as a caller can act on it.
    pub fn kind(&self) -> ErrorKind {
        kind(&self.said)
    }

    /// Whether git gave up, rather than being refused.
    pub fn is_fatal(&self) -> bool {
        self.said.lines().any(|line| line.starts_with("fatal:"))
    }

    /// Why it failed, in git's own words.
    pub fn reason(&self) -> String {
        let lines: Vec<&str> = self.said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let errors = lines.iter().filter(|line| line.starts_with("fatal:") || line.starts_with("error:"));
        let causes: Vec<&str> =
            errors.map(|line| line.split_once(": ").map_or(*line, |(_, why)| why)).collect();
        if causes.is_empty() { lines.join("; ") } else { causes.join("; ") }
    }
}

/// Runs a command that talks to a remote, in English, and passes on what is printed while it runs: each part
/// with the line break or carriage return that ends it. What asks for a password is the user's setting.
pub fn run(command: &mut Command, mut print: impl FnMut(&str)) -> Result<Talk> {
    in_english(command).stdout(Stdio::piped()).stderr(Stdio::piped());
    let context = format!("cannot run {}", describe(command));
    let mut child = command.spawn().context(context)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let output = std::thread::spawn(move || {
        let mut text = Vec::new();
        // What cannot be read counts as not printed: the exit status decides.
        let _ = out.map(|mut out| out.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut said = String::new();
    let mut part = Vec::new();
    for byte in err.into_iter().flat_map(|err| BufReader::new(err).bytes()) {
        let byte = byte.context("git's messages cannot be read")?;
        part.push(byte);
        if matches!(byte, b'\n' | b'\r') {
            let text = String::from_utf8_lossy(&part).into_owned();
            print(&text);
            if byte == b'\n' {
                said.push_str(&text);
            }
            part.clear();
        }
    }
    said.push_str(&String::from_utf8_lossy(&part));
    let status = child.wait().context("git cannot be waited for")?;
    let output = output.join().unwrap_or_default();
    Ok(Talk { is_done: status.success(), output, said: said.trim().to_owned() })
}
