//! Who may sign: the allowed signers of a protected branch, and whether a signature is one of theirs.
//!
//! The list is the one in the branch's own tree, so that no change brings its own. A usual signature is checked in
//! this process, and counts by itself where its line names somebody without a condition; everything else
//! (patterns, dates, authorities, tokens) is left to `ssh-keygen` from the PATH, once nothing speaks against the
//! signature. So only whoever has a key of the list can make us start a process.

use super::mends::mends;
use super::signing_key::armour;
use super::ssh_signature::{Soundness, SshSignature};
use super::{NAMESPACE, dsse, run};
use crate::domain::error::{Result, hint};
use crate::domain::policy::Policy;
use crate::domain::policy::signers::{self, AllowedSigner};
use crate::domain::verdict::{Signature, Verdict};
use crate::gate::store::{Repo, in_force, trees, upstream};
use crate::system::fs::temporary;
use crate::system::program;
use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gix::ObjectId;
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

/// What ssh-keygen is asked about, in a private folder: the bytes that are signed, and the signature.
const RECORD: &str = "record";
const ARMOURED: &str = "record.sig";

/// The list of a branch, at one commit.
#[derive(Debug)]
pub struct Signers {
    /// Private: the list as a file, and the signature that is being checked.
    dir: tempfile::TempDir,
    /// Where it is in the branch's trees.
    path: String,
    lines: Vec<AllowedSigner>,
    checked: RefCell<HashMap<Signature, Result<String, String>>>,
}

impl Signers {
    /// The list in the tree of that commit. One that is missing, empty or malformed is an error: it would
    /// be unknown whose signature counts.
    pub fn at(repo: &Repo, policy: &Policy, commit: ObjectId) -> Result<Signers> {
        let path = &policy.allowed_signers;
        let at = commit.to_hex_with_len(12);
        let fix = format!(
            "commit {path} there, with a line for each who may sign: <address> <public key>; where the gate \
             itself is in the way, that one commit has to pass without the hooks: \
             git -c core.hooksPath=/dev/null -c hook.flow-ai-reference-transaction.enabled=false \
             commit --no-verify"
        );
        let odd = |why: &str| hint(format!("{at} counts only signed records, and its {path} {why}"), &fix);
        let Some(text) = trees::file(repo, repo.tree_of(commit)?, path)? else {
            return Err(odd("is missing"));
        };
        let text = String::from_utf8(text).map_err(|_| odd("is not UTF-8"))?;
        let lines = signers::parse(&text).map_err(|why| odd(&why))?;
        let dir = temporary::create_dir("signers")?;
        fs::write(dir.path().join("allowed"), text)?;
        Ok(Signers { dir, path: path.clone(), lines, checked: RefCell::default() })
    }

    /// The list that is in force for that branch now.
    pub fn of_branch(repo: &Repo, policy: &Policy, branch: &str) -> Result<Signers> {
        let tip = upstream::current_policy_commit(repo, branch)?.with_context(|| {
            format!("`{branch}` has no commit yet, so nobody can tell who may sign for it")
        })?;
        // The list goes with the policy that is in force.
        let commit = in_force::at(repo, tip)?.found.map_or(tip, |(commit, _)| commit);
        Signers::at(repo, policy, commit)
    }

    /// Who signed a record, as the list names them; the inner error says why its signature counts for
    /// nothing. What a person said, only that person can sign. Where no key is valid at the record's time, all
    /// count for a change that mends the list.
    pub fn signer(&self, repo: &Repo, verdict: &Verdict) -> Result<Result<String, String>> {
        let Some(signature) = &verdict.signature else { return Ok(Err("it is not signed".into())) };
        if let Some(known) = self.checked.borrow().get(signature) {
            return Ok(known.clone());
        }
        let person = verdict.reviewer.vendor.is_person().then(|| verdict.reviewer.address());
        let time = verdict.time;
        let mends =
            !self.anybody_at(time) && mends(repo, &self.path, verdict.base_tree, verdict.head_tree, time)?;
        let signer = self.check(signature, time, person, mends)?;
        self.checked.borrow_mut().insert(signature.clone(), signer.clone());
        Ok(signer)
    }

    /// Whether any key of the list is valid at that time.
    pub fn anybody_at(&self, time: Timestamp) -> bool {
        self.lines.iter().any(|line| line.can_sign_at(time))
    }

    /// All names and patterns that the list has for the key of a record's signature, whoever they are said to be
    /// valid for.
    pub fn owners(&self, verdict: &Verdict) -> Vec<String> {
        let made = verdict.signature.as_ref().and_then(|made| SshSignature::parse(&made.body));
        let Some(made) = made else { return Vec::new() };
        let key = BASE64_STANDARD.encode(&made.key);
        // Of a certificate its own names count, and none that stands before the authority's key.
        let lines = self.lines.iter().filter(|line| !line.is_authority && line.key == key);
        lines.flat_map(|line| signers::names(&line.principals)).map(str::to_owned).collect()
    }

    /// Whose signature it is: anybody's on the list, or that very person's; with `whenever` also by a key that has
    /// run out, or is not valid yet.
    pub fn check(
        &self,
        signature: &Signature,
        time: Timestamp,
        person: Option<&str>,
        whenever: bool,
    ) -> Result<Result<String, String>> {
        let nobody = || Ok(Err("nobody on the list of signers has made its signature".to_owned()));
        let Some(made) = SshSignature::parse(&signature.body) else { return nobody() };
        let vouching = BASE64_STANDARD.encode(made.vouching_key());
        let is_certificate = made.key != made.vouching_key();
        let of_key: Vec<&AllowedSigner> = self.lines.iter().filter(|line| line.key == vouching).collect();
        if !of_key.iter().any(|line| line.is_authority == is_certificate) {
            return nobody();
        }
        let soundness = made.soundness(&dsse::signed_bytes(&signature.statement));
        let time = match (whenever, of_key.first()) {
            (true, Some(line)) => line.valid_time(time),
            _ => time,
        };
        let is_named = |address: &str| {
            let mut names = of_key.iter().flat_map(|line| signers::names(&line.principals));
            names.any(|name| name.eq_ignore_ascii_case(address))
        };
        let candidates = match person {
            // A pattern means many: whoever has its key could speak for each.
            Some(address) if !is_certificate && !is_named(address) => {
                return Ok(Err(format!(
                    "its signature is not good for {address}, whom the list does not name for its key; a pattern is \
                     nobody's name"
                )));
            }
            Some(address) => vec![address.to_owned()],
            None if is_certificate && !matches!(soundness, Soundness::Bad(_)) => {
                self.write(signature)?;
                self.certified(time)?
            }
            None => names(&of_key),
        };
        if let Soundness::Bad(why) = soundness {
            return Ok(Err(format!("its signature is not good for {} ({why})", candidates.join(", "))));
        }
        if soundness == Soundness::Good
            && let Some(signer) =
                candidates.iter().find(|name| of_key.iter().any(|line| line.plainly_names(name)))
        {
            return Ok(Ok(signer.clone()));
        }
        self.write(signature)?;
        self.ask(candidates, time)
    }

    /// What ssh-keygen says of the signature that was written, for each of these names.
    fn ask(&self, candidates: Vec<String>, time: Timestamp) -> Result<Result<String, String>> {
        let mut why = "nobody on the list of signers has made its signature".to_owned();
        for principal in candidates {
            let mut command = self.command("verify", time);
            let record = File::open(self.dir.path().join(RECORD))?;
            let output = run(command.args(["-n", NAMESPACE, "-I", &principal]).stdin(record))?;
            if output.status.success() && output.stdout.starts_with(b"Good ") {
                return Ok(Ok(principal));
            }
            why = format!("its signature is not good for {principal}{}", reason(&output));
        }
        Ok(Err(why))
    }

    /// Writes down what ssh-keygen is asked about.
    fn write(&self, signature: &Signature) -> Result<()> {
        fs::write(self.dir.path().join(RECORD), dsse::signed_bytes(&signature.statement))?;
        Ok(fs::write(self.dir.path().join(ARMOURED), armour(&signature.body))?)
    }

    /// The names that go with a certificate, as ssh-keygen finds them.
    fn certified(&self, time: Timestamp) -> Result<Vec<String>> {
        let found = run(self.command("find-principals", time).stdin(Stdio::null()))?;
        let names = String::from_utf8_lossy(&found.stdout);
        Ok(names.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    fn command(&self, what: &str, time: Timestamp) -> Command {
        let mut command = Command::new(program::own("ssh-keygen"));
        command
            .current_dir(self.dir.path())
            .args(["-Y", what, "-f", "allowed", "-s", ARMOURED])
            .arg(format!("-Overify-time={}", time.strftime("%Y%m%d%H%M%S")));
        command
    }
}

/// The names that stand before a key.
fn names(of_key: &[&AllowedSigner]) -> Vec<String> {
    let lines = of_key.iter().filter(|line| !line.is_authority);
    lines.flat_map(|line| signers::names(&line.principals)).map(str::to_owned).collect()
}

/// Why ssh-keygen said no, where it says so.
fn reason(output: &Output) -> String {
    let says = String::from_utf8_lossy(&output.stderr);
    let lines = says.lines().map(|line| line.trim_start_matches("allowed:"));
    lines.map(str::trim).find(|line| !line.is_empty()).map_or(String::new(), |line| format!(" ({line})"))
}
