//! The key that a person signs with: configured as for git's commits, or for records alone.
//!
//! `flow-ai.signingKey` comes first (empty: records are not signed), then `user.signingKey` and `gpg.ssh.defaultKeyCommand` where
//! `gpg.format` is `ssh`. A key is a file (a private key, or a public one whose other half an SSH agent
//! holds) or stands in the config itself (`key::ssh-ed25519 …`), as `gpg-interface.c` has it.

use super::{NAMESPACE, dsse, run};
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::text::shell::command_line;
use crate::gate::store::Repo;
use crate::system::fs::{home, temporary};
use crate::system::program;
use anyhow::Context;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// A key, and the program that signs with it.
#[derive(Debug)]
pub struct SigningKey {
    id: KeySource,
    program: PathBuf,
    /// The setting that names it.
    setting: &'static str,
}

#[derive(Debug)]
enum KeySource {
    File(PathBuf),
    /// A public key, whose other half an agent holds.
    Literal(String),
}

/// The key in a few words, for messages.
impl fmt::Display for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            KeySource::File(path) => write!(f, "the key {}", path.display()),
            KeySource::Literal(_) => write!(f, "the key in {}", self.setting),
        }
    }
}

impl SigningKey {
    /// The key that is configured; none where the person signs nothing.
    pub fn configured(repo: &Repo) -> Result<Option<SigningKey>> {
        let set = |key| repo.git_config(key).filter(|value| !value.trim().is_empty());
        if repo.git_config("flow-ai.signingKey").is_some_and(|value| value.trim().is_empty()) {
            return Ok(None);
        }
        let by_ssh = set("gpg.format").is_some_and(|format| format == "ssh");
        let (value, setting) = if let Some(value) = set("flow-ai.signingKey") {
            (value, "flow-ai.signingKey")
        } else if let Some(value) = set("user.signingKey").filter(|_| by_ssh) {
            (value, "user.signingKey")
        } else if let Some(command) = set("gpg.ssh.defaultKeyCommand").filter(|_| by_ssh) {
            (default_key(&command)?, "gpg.ssh.defaultKeyCommand")
        } else {
            return Ok(None);
        };
        let signer =
            set("gpg.ssh.program").map_or_else(|| program::own("ssh-keygen"), |path| home::expand(&path));
        let id = match literal(&value) {
            Some(key) => KeySource::Literal(key.to_owned()),
            None => KeySource::File(home::expand(&value)),
        };
        Ok(Some(SigningKey { id, program: signer, setting }))
    }

    /// The signature of a statement: the armour's body on one line.
    pub fn sign(&self, statement: &str) -> Result<String> {
        let dir = temporary::create_dir("sign")?;
        let (message, key) = (dir.path().join("record"), dir.path().join("key"));
        fs::write(&message, dsse::signed_bytes(statement))?;
        let mut command = Command::new(&self.program);
        command.env("PATH", program::path_for_git());
        command.args(["-Y", "sign", "-n", NAMESPACE, "-f"]).stdin(Stdio::null());
        match &self.id {
            KeySource::File(path) => command.arg(path),
            KeySource::Literal(text) => {
                fs::write(&key, format!("{text}\n"))?;
                command.arg(&key).arg("-U")
            }
        };
        let output = run(command.arg(&message))?;
        let says = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(self.cannot_sign(&says));
        }
        let armour = fs::read_to_string(dir.path().join("record.sig"));
        let armour = armour.with_context(|| format!("{} made no signature", self.program.display()))?;
        body(&armour).ok_or_else(|| self.cannot_sign("what it made is no SSH signature"))
    }

    fn cannot_sign(&self, says: &str) -> anyhow::Error {
        // OpenSSH's last line then says that there is no key.
        if let KeySource::File(path) = &self.id
            && says.contains("UNPROTECTED PRIVATE KEY FILE")
        {
            let path = path.with_extension("");
            return hint(
                format!("{self} cannot sign: others may read the key, so OpenSSH ignores it"),
                command_line!("keep it to yourself: chmod 600 {}", path.display()),
            );
        }
        let why = says.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it does not say why");
        let why = why.strip_prefix("Enter passphrase:").unwrap_or(why).trim();
        let fix = match &self.id {
            KeySource::File(path) if !path.exists() => {
                command_line!("name one that is there: git config {} <file>", self.setting)
            }
            KeySource::File(path) => command_line!(
                "give it to your SSH agent, since nobody can be asked for a passphrase here: ssh-add {}",
                path.with_extension("").display()
            ),
            KeySource::Literal(_) => "see whether your SSH agent has it: ssh-add -L".to_owned(),
        };
        hint(format!("{self} cannot sign: {why}"), fix)
    }
}

/// A public key that stands in the config itself.
fn literal(value: &str) -> Option<&str> {
    value.strip_prefix("key::").or_else(|| value.starts_with("ssh-").then_some(value))
}

/// The first line of what `gpg.ssh.defaultKeyCommand` prints, which must be a public key.
fn default_key(command: &str) -> Result<String> {
    let fix = "mend gpg.ssh.defaultKeyCommand, or name a key: git config flow-ai.signingKey <file>";
    let mut shell = Command::new(program::SHELL);
    shell.arg("-c").arg(command).env("PATH", program::path_for_git()).stdin(Stdio::null());
    let output = shell.output();
    let output = output.map_err(|error| hint_on(error.into(), "no shell can be run", fix))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let first = text.lines().next().unwrap_or_default();
    match literal(first) {
        Some(_) if output.status.success() => Ok(first.to_owned()),
        _ => Err(hint("gpg.ssh.defaultKeyCommand names no key (`ssh-…` or `key::…`)", fix)),
    }
}

/// What stands between the armour's first and last line, on one line.
fn body(armour: &str) -> Option<String> {
    let inside = armour.split_once(BEGIN)?.1.split_once(END)?.0;
    let body: String = inside.split_whitespace().collect();
    (!body.is_empty()).then_some(body)
}

pub(super) fn armour(body: &str) -> String {
    let mut armour = format!("{BEGIN}\n");
    for line in body.as_bytes().chunks(70) {
        armour.push_str(&String::from_utf8_lossy(line));
        armour.push('\n');
    }
    armour + END + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_armour_and_its_body_are_the_same_thing() {
        let text: String = "U1NIU0lH".repeat(40);
        assert_eq!(body(&armour(&text)), Some(text));
        assert_eq!(body("no signature"), None);
        assert_eq!(body(&format!("{BEGIN}\n\n{END}")), None);
    }
}
