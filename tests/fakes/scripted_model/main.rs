//! The scripted model as a program.
//!
//!     scripted-model [--port-file FILE] [--log FILE] [--dump FOLDER] [-- COMMAND...]
//!
//! With a command it runs that with `MODEL_URL` in its environment and ends with its status; without
//! one it prints its address and serves until it is killed.

#[path = "mod.rs"]
mod scripted_model;

use anyhow::{Context, Result, bail};
use scripted_model::{Options, start};
use std::io::Write;
use std::process::{Command, ExitCode};

fn main() -> Result<ExitCode> {
    let mut options = Options::default();
    let mut port_file = None;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(flag) = arguments.next() {
        match flag.to_str() {
            Some("--log") => options.log = arguments.next().map(Into::into),
            Some("--dump") => options.dump = arguments.next().map(Into::into),
            Some("--port-file") => port_file = arguments.next(),
            Some("--") => break,
            _ => {
                bail!("usage: scripted-model [--port-file FILE] [--log FILE] [--dump FOLDER] [-- COMMAND...]")
            }
        }
    }
    let url = start(options)?;
    if let Some(file) = port_file {
        // Renamed into place, so that whoever waits for the file never reads half a number.
        let new = std::path::Path::new(&file).with_extension("new");
        std::fs::write(&new, url.rsplit(':').next().unwrap_or_default())?;
        std::fs::rename(&new, &file)?;
    }
    let Some(program) = arguments.next() else {
        writeln!(std::io::stdout(), "{url}")?;
        loop {
            std::thread::park();
        }
    };
    let status = Command::new(&program)
        .args(arguments)
        .env("MODEL_URL", &url)
        .status()
        .with_context(|| format!("cannot run {}", program.to_string_lossy()))?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
