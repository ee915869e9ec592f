//! The cheap half, at each start of a command that acts: one comparison per protected branch.
//!
//! Only where a branch is elsewhere is the gate asked, unless that is so far that it would take a while: then
//! `verify` is named. What it said is remembered, so that a branch
//! which something came into costs no more at the next start.

use super::branch::{self, Movement};
use crate::commands::receipts;
use crate::domain::error::Result;
use crate::domain::verdict::NOTES_REF;
use crate::gate::store::{Repo, upstream};
use gix::ObjectId;
use std::fs;

/// How many commits may have come, or gone, for it to be told on the way to something else.
const FAR: usize = 256;

/// The file in our own folder that remembers what was found wrong.
const TOLD: &str = "verify-told";

/// One line for each branch that a person should look at; none where all is well.
pub fn glance(repo: &Repo) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for (name, admitted) in receipts::all(repo)? {
        let head = receipts::head(&name);
        if let Some(other) = repo.symbolic_target(&head)? {
            warnings.push(format!("`{name}` is only another name for {other}"));
            continue;
        }
        match repo.find_ref(&head)? {
            Some(tip) if tip == admitted => {}
            Some(tip) => warnings.extend(moved(repo, &name, admitted, tip)?),
            None if receipts::protects(repo, &name, admitted)? => {
                warnings.push(format!("the protected branch `{name}` is gone"));
            }
            None => {}
        }
    }
    Ok(warnings.into_iter().map(|what| format!("{what}: git flow-ai verify says more")).collect())
}

/// What is wrong with where a branch went; none where nothing is, and then the receipt follows.
fn moved(repo: &Repo, name: &str, admitted: ObjectId, tip: ObjectId) -> Result<Option<String>> {
    let known = |id: Option<ObjectId>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let (notes, accepted) = (known(repo.find_ref(NOTES_REF)?), known(upstream::accepted(repo, name)?));
    let key = format!("{name} {admitted} {tip} {notes} {accepted}");
    let told = repo.own_dir()?.join(TOLD);
    let remembered = fs::read_to_string(&told).unwrap_or_default();
    if let Some(what) = remembered.lines().find_map(|line| line.strip_prefix(&key)) {
        return Ok(Some(what.trim().to_owned()));
    }
    let is_far = upstream::accepted(repo, name)? != Some(tip) && !repo.is_near(admitted, tip, FAR)?;
    let movement = if is_far { None } else { Some(branch::compare(repo, name, admitted, tip)?) };
    let what = match movement {
        None => format!("`{name}` is too far from where the gate last saw it to tell here what came in"),
        Some(Movement::Admitted(_)) => {
            receipts::write(repo, name, Some(admitted), tip)?;
            return Ok(None);
        }
        Some(Movement::Lost) => format!("`{name}` has lost commits that the gate had let in"),
        Some(Movement::PastGate { .. }) => format!("something came into `{name}` past the gate"),
    };
    // That it is found out again costs time, no more.
    let others = remembered.lines().filter(|line| !line.starts_with(&format!("{name} ")));
    let lines: String =
        others.chain([format!("{key} {what}").as_str()]).map(|line| format!("{line}\n")).collect();
    let _ = fs::write(told, lines);
    Ok(Some(what))
}
