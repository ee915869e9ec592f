//! Who moved a ref, as far as git wrote it down: writers that are not git often write nothing.

use super::Repo;
use crate::domain::error::Result;
use anyhow::Context;
use gix::ObjectId;

/// One line of a reflog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub from: ObjectId,
    pub to: ObjectId,
    /// Name and address of whoever did it, as git was configured.
    pub who: String,
    /// Seconds since 1970.
    pub time: i64,
    /// What they did: `commit: …`, `merge topic: …`.
    pub what: String,
}

/// The moves of a ref, oldest first; none where it has no reflog. Lines that cannot be read are left out.
pub fn read(repo: &Repo, name: &str) -> Result<Vec<Move>> {
    let found = repo.gix.try_find_reference(name).with_context(|| format!("{name} cannot be read"))?;
    let Some(reference) = found.filter(|reference| reference.name().as_bstr() == name) else {
        return Ok(Vec::new());
    };
    let mut log = reference.log_iter();
    let lines = log.all().with_context(|| format!("the reflog of {name} cannot be read"))?;
    let moves = lines.into_iter().flatten().flatten().map(|line| Move {
        from: line.previous_oid(),
        to: line.new_oid(),
        who: super::objects::person(line.signature.name, line.signature.email),
        time: line.signature.seconds(),
        what: line.message.to_string(),
    });
    Ok(moves.collect())
}
