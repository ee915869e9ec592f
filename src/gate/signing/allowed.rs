//! Who may sign: the allowed signers of a protected branch, and whether a signature is one of theirs.
//!
//! The list is the one in the branch's own tree, so that no change brings its own. `ssh-keygen` from the
//! PATH checks each signature: nothing in the repository's config has a say in that. We read the list
//! only to find the name that goes with a signature's key, so that one process is enough.

use super::mends::mends;
use super::signing_key::armour;
use super::{NAMESPACE, dsse, run};
use crate::domain::error::{Result, hint};
use crate::domain::policy::Policy;
use crate::domain::policy::signers::{self, AllowedSigner};
use crate::domain::verdict::{Signature, Verdict};
use crate::gate::store::{Repo, in_force, trees, upstream};
use crate::system::fs::temporary;
use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gix::ObjectId;
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

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

    /// Whose signature it is: anybody's on the list, or that very person's; with `whenever` also by a key that has
    /// run out, or is not valid yet.
    pub fn check(
        &self,
        signature: &Signature,
        time: Timestamp,
        person: Option<&str>,
        whenever: bool,
    ) -> Result<Result<String, String>> {
        let (record, armoured) = (self.dir.path().join("record"), self.dir.path().join("record.sig"));
        fs::write(&record, dsse::signed_bytes(&signature.statement))?;
        fs::write(&armoured, armour(&signature.body))?;
        let time = if whenever { self.valid_time(&signature.body, time) } else { time };
        let candidates = match person {
            Some(address) => vec![address.to_owned()],
            None => self.candidates(&signature.body, time)?,
        };
        let mut why = "nobody on the list of signers has made its signature".to_owned();
        for principal in candidates {
            let mut command = self.command("verify", time);
            command.args(["-n", NAMESPACE, "-I", &principal]).stdin(File::open(&record)?);
            let output = run(&mut command)?;
            if output.status.success() && output.stdout.starts_with(b"Good ") {
                return Ok(Ok(principal));
            }
            why = format!("its signature is not good for {principal}{}", reason(&output));
        }
        Ok(Err(why))
    }

    /// A time at which a signature's key is valid: that one if it is.
    fn valid_time(&self, body: &str, time: Timestamp) -> Timestamp {
        let key = dsse::public_key(body).map(|key| BASE64_STANDARD.encode(key));
        let line = self.lines.iter().find(|line| Some(&line.key) == key.as_ref());
        line.map_or(time, |line| line.valid_time(time))
    }

    /// The names that go with a signature's key: read off the list; where it trusts authorities, as
    /// ssh-keygen finds them.
    fn candidates(&self, body: &str, time: Timestamp) -> Result<Vec<String>> {
        let Some(key) = dsse::public_key(body) else { return Ok(Vec::new()) };
        let key = BASE64_STANDARD.encode(key);
        let of_key = self.lines.iter().filter(|line| line.key == key && !line.is_authority);
        let mut names: Vec<String> =
            of_key.flat_map(|line| signers::names(&line.principals)).map(str::to_owned).collect();
        if names.is_empty() && self.lines.iter().any(|line| line.is_authority) {
            let found = run(self.command("find-principals", time).stdin(Stdio::null()))?;
            names.extend(String::from_utf8_lossy(&found.stdout).lines().map(|line| line.trim().to_owned()));
        }
        names.retain(|name| !name.is_empty() && !name.starts_with('!'));
        Ok(names)
    }

    fn command(&self, what: &str, time: Timestamp) -> Command {
        let mut command = Command::new("ssh-keygen");
        command
            // A PATH with relative folders finds nothing here.
            .current_dir(self.dir.path())
            .args(["-Y", what, "-f", "allowed", "-s", "record.sig"])
            .arg(format!("-Overify-time={}", time.strftime("%Y%m%d%H%M%S")));
        command
    }
}

/// Why ssh-keygen said no, where it says so.
fn reason(output: &Output) -> String {
    let says = String::from_utf8_lossy(&output.stderr);
    let lines = says.lines().map(|line| line.trim_start_matches("allowed:"));
    lines.map(str::trim).find(|line| !line.is_empty()).map_or(String::new(), |line| format!(" ({line})"))
}
