//! `pre-push`: what a protected branch of a remote is to become.
//!
//! A remote that has no gate of its own believes whoever pushes, so the pusher's gate is the last one
//! asked. The policy is the one at the remote's tip; where the remote has no such branch yet, that at our
//! branch of that name; where we have none either, those of the branches that name it. What nobody has
//! judged must not come back by a pull as if the remote had let it in. A branch that is being deleted is
//! the remote's own business.

use super::{HookAnswer, Moment, decide, transaction};
use crate::domain::error::{Result, hint};
use crate::domain::text::shell::command_line;
use crate::gate::admit::{Candidate, New};
use crate::gate::store::Repo;
use anyhow::Context;
use gix::ObjectId;
use std::io::Read;

pub(super) fn ask(args: &[String], mut input: impl Read) -> Result<HookAnswer> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).context("what git says about the push cannot be read")?;
    // A branch whose name is not UTF-8 is judged by what is shown of it.
    let text = String::from_utf8_lossy(&bytes);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, new, remote_ref, old] = words[..] else { continue };
        let Some(branch) = remote_ref.strip_prefix("refs/heads/") else { continue };
        let (new, old): (ObjectId, ObjectId) = (new.parse()?, old.parse()?);
        if new.is_null() || branch.starts_with("flow/") {
            continue;
        }
        let repo = Repo::discover()?;
        let ours = || repo.find_ref(&format!("refs/heads/{branch}"));
        let old = if old.is_null() {
            let Some(ours) = ours()? else {
                match transaction::named(&repo, branch, new, Moment::Push)? {
                    HookAnswer::Pass => continue,
                    refused => return Ok(refused),
                }
            };
            if repo.is_ancestor(new, ours)? {
                continue;
            }
            ours
        } else {
            old
        };
        if !repo.has(old) {
            let remote = args.first().map_or("<remote>", String::as_str);
            return Err(hint(
                format!("`{branch}` has moved on {remote}, so what this push adds cannot be told"),
                command_line!("git pull --rebase {}, then push again", remote),
            ));
        }
        let candidate = Candidate { branch: branch.into(), old, new: New::Commit(new), accepted: None };
        let answer = decide(repo, candidate, Moment::Push)?;
        if !matches!(answer, HookAnswer::Pass) {
            return Ok(answer);
        }
    }
    Ok(HookAnswer::Pass)
}
