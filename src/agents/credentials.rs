//! Keys that are not in the environment, but come from a command of the user's, or from git's credential
//! helpers, behind which the system's keyring is.
//!
//! Asked once per key and run, and kept in memory only; they are redacted from then on. Neither asks on a
//! terminal: most of the time there is none. Both run in the user's home, so that nothing in a repository
//! changes what they do.

use crate::domain::error::{Result, hint};
use crate::domain::text::shell::{command_line, quote};
use crate::system::fs::home;
use crate::system::git;
use crate::system::program;
use crate::system::secrets;
use anyhow::{Context, bail};
use reqwest::Url;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a command may take: a person may have to touch a key or unlock a store.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A longer answer is not a key, in bytes.
const LONGEST: u64 = 64 << 10;

static OBTAINED: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// The first line that a shell command prints; `what` is what to call it in messages.
///
/// # Errors
/// If the command fails, takes too long or prints nothing.
pub fn from_command(command: &str, what: &str) -> Result<String> {
    once(&format!("command {command}"), what, || {
        let mut sh = Command::new(program::SHELL);
        sh.env("PATH", program::path_for_git());
        git::forget_repository(&mut sh);
        sh.arg("-c").arg(command).current_dir(home_or_root());
        let said = output(&mut sh, "").map_err(|error| failed(&error, what, command))?;
        match said.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
            Some(line) => Ok(line.to_owned()),
            None => Err(hint(
                format!("the command for {what} printed nothing"),
                format!("see what it does: sh -c {}", quote(command)),
            )),
        }
    })
}

/// The password that git's credential helpers have for that address.
///
/// # Errors
/// If they have none.
pub fn from_git_credentials(address: &Url, what: &str) -> Result<String> {
    let host = match (address.host_str(), address.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => bail!("{address} names no host"),
    };
    let asked = format!("protocol={}\nhost={host}\n\n", address.scheme());
    once(&asked, what, || {
        let mut git = git::command(&home_or_root());
        // The user is not there, and would not know what the question is about.
        git.args(["-c", "core.askPass=", "credential", "fill"])
            .env_remove("GIT_ASKPASS")
            .env_remove("SSH_ASKPASS");
        git.env("GIT_TERMINAL_PROMPT", "0").env("GCM_INTERACTIVE", "never");
        let said = output(&mut git, &asked).unwrap_or_default();
        let password = said.lines().find_map(|line| line.strip_prefix("password=")).unwrap_or_default();
        if password.is_empty() {
            return Err(hint(
                format!("git's credential helpers have no key for {host}"),
                command_line!(
                    "store it: git credential approve, and type protocol={}, host={}, username=key and \
                     password=<the key> on a line each, then an empty line; git config --global \
                     credential.helper names the store",
                    address.scheme(),
                    host
                ),
            ));
        }
        Ok(password.to_owned())
    })
}

/// Asks once, remembers, and has it redacted from now on.
fn once(asked: &str, what: &str, ask: impl FnOnce() -> Result<String>) -> Result<String> {
    let mut obtained = OBTAINED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = obtained.get(asked) {
        return Ok(value.clone());
    }
    let value = ask()?;
    secrets::learn(what, &value);
    obtained.insert(asked.to_owned(), value.clone());
    Ok(value)
}

fn failed(error: &anyhow::Error, what: &str, command: &str) -> anyhow::Error {
    let fix = format!("see what it says: sh -c {}", quote(command));
    hint(format!("the command for {what} gave no key: {error:#}"), fix)
}

fn home_or_root() -> PathBuf {
    home::home().filter(|home| home.is_dir()).unwrap_or_else(|| PathBuf::from("/"))
}

/// What a command prints that is given that text; its failure is an error with the last of what it said.
fn output(command: &mut Command, input: &str) -> Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("it cannot be started")?;
    if let Some(mut pipe) = child.stdin.take() {
        // One that does not read what it is given may know the answer all the same.
        let _ = pipe.write_all(input.as_bytes());
    }
    let (out, err) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    let deadline = Instant::now() + TIMEOUT;
    let status = loop {
        if let Some(status) = child.try_wait().context("it cannot be waited for")? {
            break status;
        }
        if Instant::now() >= deadline {
            child.kill().and_then(|()| child.wait()).context("it cannot be stopped")?;
            bail!("it took longer than {} s", TIMEOUT.as_secs());
        }
        thread::sleep(Duration::from_millis(5));
    };
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    if !status.success() {
        let last = err.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        bail!("it ended with {status}: {}", secrets::redacted(last.trim()));
    }
    Ok(out)
}

/// Reads a pipe to its end beside us, so that no other fills up.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What a broken pipe has brought is what there is.
        let _ = pipe.map(|pipe| pipe.take(LONGEST).read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
