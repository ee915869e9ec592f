//! Signatures of records, by SSH keys, as git signs commits: made by the person's, checked against the
//! protected branch's list.
//!
//! `ssh-keygen` signs; what a key is and where it lives (file, agent, token) is its business. It checks, too, what is
//! not of a usual kind. The
//! namespace is ours, so that no signature of a commit or a file passes for one of a record. The
//! user is never asked for a passphrase: records are written in hooks and at the end of long runs, when the
//! user may be away.

mod allowed;
mod dsse;
mod log;
mod mends;
mod proof;
mod signing_key;
mod ssh_signature;

pub use allowed::Signers;
pub use dsse::Envelope;
pub use log::show_in_log;
pub use mends::anybody_at;
pub use proof::{Proof, Proves};
pub use signing_key::SigningKey;

use crate::domain::change::Author;
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::policy::Policy;
use crate::domain::verdict::{Signature, Verdict, record};
use crate::gate::store::Repo;
use crate::system::program;
use anyhow::Context;
use gix::ObjectId;
use jiff::Timestamp;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub use crate::domain::policy::signers::NAMESPACE;

/// The variables by which a process finds a person's keys. No process of an agent's may have them: it
/// could sign its own approval.
pub const AGENT: [&str; 2] = ["SSH_AUTH_SOCK", "SSH_AGENT_PID"];

/// How long a signer may take: the user may have to touch a token.
const PATIENCE: Duration = Duration::from_secs(60);

/// The status of a program that was called with arguments that it does not know.
const MISUSED: i32 = 1;

/// What is signed to see whether a key can; no record is this.
const TRIAL: &str = "a trial, and no record";

/// What names the key that signs records.
pub const CONFIGURE: &str = "git config --global flow-ai.signingKey ~/.ssh/id_ed25519";

/// How a person gets a key to sign with.
const GET_A_KEY: &str = "name your SSH key: git config --global flow-ai.signingKey ~/.ssh/id_ed25519 \
                         (or sign commits with it: git config --global gpg.format ssh && git config --global \
                         user.signingKey ~/.ssh/id_ed25519)";

/// Signs a record with the person's key, where one is configured.
pub fn sign(repo: &Repo, verdict: &mut Verdict) -> Result<()> {
    if let Some(key) = SigningKey::configured(repo)? {
        let statement = record::statement(verdict)?;
        let body = key.sign(&statement)?;
        verdict.signature = Some(Signature { statement, body });
    }
    Ok(())
}

/// Refuses, before anybody is asked or paid, where the record could not be signed as the target demands:
/// by anyone on its list, or by that very person. `change` is the base and the head of what is to be judged, where
/// that is known: of a change that mends the list, keys count that have run out.
pub fn ready(
    repo: &Repo,
    policy: &Policy,
    target: &str,
    person: Option<&Author>,
    change: Option<(ObjectId, ObjectId)>,
) -> Result<()> {
    let Some(key) = SigningKey::configured(repo)? else {
        return match policy.signed {
            true => Err(hint(
                format!("`{target}` counts only signed records, and no key is configured to sign with"),
                GET_A_KEY,
            )),
            false => Ok(()),
        };
    };
    let body = key.sign(TRIAL)?;
    if !policy.signed {
        return Ok(());
    }
    let trial = Signature { statement: TRIAL.to_owned(), body };
    let signers = Signers::of_branch(repo, policy, target)?;
    let (now, file) = (Timestamp::now(), &policy.allowed_signers);
    let has_run_out = !signers.anybody_at(now);
    let mends = match change.filter(|_| has_run_out) {
        Some((base, head)) => mends::mends(repo, file, base, head, now)?,
        None => false,
    };
    match signers.check(&trial, now, person.map(Author::address), mends)? {
        Ok(_) => Ok(()),
        Err(_) if has_run_out && !mends => Err(hint(
            format!(
                "no key in {file} of `{target}` is valid today, so no record counts but of what mends that"
            ),
            format!(
                "have a change of policy files alone reviewed that names valid keys in {file}; a key that has \
                 run out may sign that"
            ),
        )),
        Err(_) => {
            let who = match person {
                Some(person) => person.address().to_owned(),
                None => repo.identity()?,
            };
            Err(hint(
                format!(
                    "`{target}` would not count what {key} signs for {who}: its {file} does not name them"
                ),
                format!("have your address and your public key added to {file} on `{target}`"),
            ))
        }
    }
}

/// Starts ssh-keygen, or what stands in for it, waits for it for a while, and returns what it said.
fn run(command: &mut Command) -> Result<Output> {
    let program = match Path::new(command.get_program()) {
        found if found == program::own("ssh-keygen") => "ssh-keygen".to_owned(),
        other => other.display().to_string(),
    };
    let spawned = command
        .env("SSH_ASKPASS", "false")
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("LC_ALL", "C")
        // Times in the list of signers mean the same on every machine.
        .env("TZ", "UTC")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| {
        hint_on(
            error.into(),
            format!("`{program}`, which signs and checks records, cannot be run"),
            "install OpenSSH 8.9 or newer, so that ssh-keygen is on the PATH",
        )
    })?;
    if !is_over(&mut child)? {
        // It may have ended by itself in this moment.
        let _ = child.kill();
        let _ = child.wait();
        return Err(hint(
            format!("`{program}` has not answered for {} seconds", PATIENCE.as_secs()),
            "see whether your SSH agent or token waits for you, and try again",
        ));
    }
    let output = child.wait_with_output().with_context(|| format!("`{program}` cannot be heard"))?;
    // ssh-keygen ends with that status only if it does not know what it is told to do.
    let is_ssh_keygen = Path::new(&program).file_name().is_some_and(|name| name == "ssh-keygen");
    if is_ssh_keygen && output.status.code() == Some(MISUSED) {
        let fix = "install OpenSSH 8.9 or newer";
        return Err(hint(format!("`{program}` is too old to sign and check records"), fix));
    }
    Ok(output)
}

/// Whether it has ended within our patience. What it prints is a few lines, which no pipe holds up.
fn is_over(child: &mut Child) -> Result<bool> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    while begun.elapsed() < PATIENCE {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    Ok(false)
}
