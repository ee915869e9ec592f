//! Refs: read, listed in one pass, moved by compare-and-swap.
//!
//! gix runs no hooks, so a ref that we move is a ref that no gate has seen. Hence only our own are
//! written: `refs/heads/flow/`, `refs/notes/`, `refs/flow-ai/`; anything else is a bug and refused.

use super::ref_locks::Intent;
use super::shared::Sharing;
use super::{Conflict, Expected, Repo};
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::text::shell::{command_line, quote_path};
use anyhow::{Context, bail};
use gix::ObjectId;
use gix::refs::Target;
use gix::refs::transaction::{PreviousValue, RefEdit, RefLog};
use std::path::{Path, PathBuf};

/// The only refs that are written here.
const OURS: [&str; 3] = ["refs/heads/flow/", "refs/notes/", "refs/flow-ai/"];

/// The file of the refs that have none of their own.
const PACKED: &str = "packed-refs";

impl Repo {
    /// The full name of the branch that HEAD is on, even when it has no commit yet; none when detached.
    pub fn head_ref(&self) -> Result<Option<String>> {
        let name = self.gix.head_name().context("HEAD cannot be read")?;
        Ok(name.map(|name| name.as_bstr().to_string()))
    }

    /// What a full ref name points to, tags peeled; none when it does not exist.
    pub fn find_ref(&self, name: &str) -> Result<Option<ObjectId>> {
        self.find_ref_named(name.as_bytes())
    }

    /// The same for a name that may not be UTF-8.
    pub fn find_ref_named(&self, name: &[u8]) -> Result<Option<ObjectId>> {
        let name = gix::bstr::BStr::new(name);
        let found = self.gix.try_find_reference(name).with_context(|| format!("{name} cannot be read"))?;
        let Some(mut reference) = found else { return Ok(None) };
        // A shortened name must not find something else of that ending.
        if reference.name().as_bstr() != name {
            return Ok(None);
        }
        match reference.peel_to_id() {
            Ok(id) => Ok(Some(id.detach())),
            Err(error) if error.is_not_found() && reference.target().try_name().is_some() => Ok(None),
            Err(error) => Err(anyhow::Error::new(error).context(format!("{name} cannot be read"))),
        }
    }

    /// The full name of the ref that this one is only another name for; none where it is none, or a ref of
    /// its own.
    pub fn symbolic_target(&self, name: &str) -> Result<Option<String>> {
        let found = self.gix.try_find_reference(name).with_context(|| format!("{name} cannot be read"))?;
        let found = found.filter(|reference| reference.name().as_bstr() == name);
        Ok(found.and_then(|reference| Some(reference.target().try_name()?.as_bstr().to_string())))
    }

    /// The full names of the symbolic refs below a prefix. They are never packed.
    pub fn symbolic_refs(&self, prefix: &str) -> Result<Vec<String>> {
        let platform = self.gix.references().context("refs cannot be read")?;
        let refs = platform.prefixed(listed(prefix)).with_context(|| format!("{prefix} cannot be read"))?;
        let symbolic = refs.filter_map(std::result::Result::ok).filter(|one| {
            one.target().try_name().is_some() && one.name().as_bstr().starts_with(prefix.as_bytes())
        });
        Ok(symbolic.map(|one| one.name().as_bstr().to_string()).collect())
    }

    /// The branch that a remote calls its own default, as last fetched.
    pub fn default_branch(&self, remote: &str) -> Result<Option<String>> {
        let head = self.symbolic_target(&format!("refs/remotes/{remote}/HEAD"))?;
        Ok(head.and_then(|head| Some(head.strip_prefix(&format!("refs/remotes/{remote}/"))?.to_owned())))
    }

    /// The short names of all branches, symbolic ones too, sorted. Names that are not UTF-8 are left out.
    pub fn branch_names(&self) -> Result<Vec<String>> {
        let platform = self.gix.references().context("refs cannot be read")?;
        let branches = platform.prefixed("refs/heads/").context("refs/heads/ cannot be read")?;
        let names = branches.filter_map(Result::ok).map(|branch| branch.name().as_bstr().to_string());
        let mut names: Vec<String> = names.map(|name| short(&name).to_owned()).collect();
        names.sort();
        Ok(names)
    }

    /// The full names of all refs, symbolic ones too. Names that are not UTF-8 are left out.
    pub fn ref_names(&self) -> Result<Vec<String>> {
        let platform = self.gix.references().context("refs cannot be read")?;
        let refs = platform.all().context("refs cannot be read")?.filter_map(Result::ok);
        let names = refs.filter_map(|one| String::from_utf8(one.name().as_bstr().to_vec()).ok());
        Ok(names.collect())
    }

    /// All refs below a prefix (`refs/heads/flow/`), sorted by name, in one pass. Symbolic and broken
    /// ones are left out: we write neither.
    pub fn refs(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>> {
        let platform = self.gix.references().context("refs cannot be read")?;
        let mut refs = Vec::new();
        for reference in
            platform.prefixed(listed(prefix)).with_context(|| format!("{prefix} cannot be read"))?
        {
            let Ok(reference) = reference else { continue };
            if !reference.name().as_bstr().starts_with(prefix.as_bytes()) {
                continue;
            }
            if let (Some(id), Ok(name)) =
                (reference.target().try_id(), std::str::from_utf8(reference.name().as_bstr()))
            {
                refs.push((name.to_owned(), id.to_owned()));
            }
        }
        refs.sort();
        Ok(refs)
    }

    /// Sets a ref by compare-and-swap; the error's chain holds [`Conflict`] when it was not as expected.
    pub fn set_ref(&self, name: &str, new: ObjectId, expected: Expected, reason: &str) -> Result<()> {
        let (at, expected) = match expected {
            Expected::Missing => (None, PreviousValue::MustNotExist),
            Expected::At(old) => (Some(old), PreviousValue::MustExistAndMatch(Target::Object(old))),
        };
        let full = self.writable(name)?;
        // The reflog of branches and notes needs a user's name; our own refs have none.
        if !name.starts_with("refs/flow-ai/") {
            self.identity()?;
        }
        self.edit(name, RefEdit::update(full, new, expected, format!("flow-ai: {reason}")), at)
    }

    /// Deletes a ref if it still is at `expected`.
    pub fn delete_ref(&self, name: &str, expected: ObjectId) -> Result<()> {
        let previous = PreviousValue::MustExistAndMatch(Target::Object(expected));
        let full = self.writable(name)?;
        self.edit(name, RefEdit::delete_with_log(full, previous, RefLog::AndReference), Some(expected))
    }

    /// Deletes these refs, each if it still is where it is said to be, in one go: one by one each would
    /// write all packed refs anew.
    pub fn delete_refs(&self, refs: &[(String, ObjectId)]) -> Result<()> {
        let mut edits = Vec::new();
        for (name, id) in refs {
            let expected = PreviousValue::MustExistAndMatch(Target::Object(*id));
            edits.push(RefEdit::delete_with_log(self.writable(name)?, expected, RefLog::AndReference));
        }
        let Err(error) = self.write(&edits) else { return Ok(()) };
        let error = anyhow::Error::new(error);
        let packed = self.lock_of(PACKED);
        match packed.exists() {
            true => Err(in_the_way(error, "refs were not deleted", &packed)),
            false => Err(error.context("refs cannot be deleted; another git may be at it")),
        }
    }

    /// Writes them, and once more if a lock was in the way that a killed process of ours had left.
    fn write(&self, edits: &[RefEdit]) -> std::result::Result<(), gix::Error> {
        let write = || {
            let _intent = Intent::new(self, locks(edits));
            self.gix.edit_references(edits.iter().cloned()).map(drop)
        };
        let sharing = Sharing::of(self);
        if let Some(sharing) = sharing {
            sharing.share_objects(&self.common_dir().join("objects"));
        }
        let written =
            write().or_else(|error| if self.remove_dead_locks().is_empty() { Err(error) } else { write() });
        if let Some(sharing) = sharing {
            let names = edits.iter().map(|edit| edit.name.as_bstr().to_string());
            for name in names.chain([PACKED.to_owned()]) {
                sharing.share_below(self.common_dir(), &name);
                sharing.share_below(self.common_dir(), &format!("logs/{name}"));
            }
        }
        written
    }

    /// Writes the ref, which is expected to be at `expected`.
    fn edit(&self, name: &str, edit: RefEdit, expected: Option<ObjectId>) -> Result<()> {
        let Err(error) = self.write(&[edit]) else { return Ok(()) };
        if let Some(obstacle) = self.obstacle(name)? {
            return Err(hint(
                format!("{name} cannot be made, because {obstacle} exists"),
                command_line!("rename that branch: git branch -m {} <another name>", short(&obstacle)),
            ));
        }
        // Another process moved it, or holds its lock to do so.
        if error.is_conflict() || error.is_retryable() {
            let why = error.probable_cause().to_string();
            let not_written = format!("{name} was not written");
            // gix has waited for that one; a ref that has not moved is no reason to read again and retry.
            let packed = self.lock_of(PACKED);
            if packed.exists() && self.find_ref(name)? == expected {
                return Err(in_the_way(anyhow::Error::new(error), &not_written, &packed));
            }
            let conflict = anyhow::Error::new(Conflict { name: name.to_owned() });
            let lock = self.lock_of(name);
            return Err(match lock.exists() {
                true => in_the_way(conflict, &not_written, &lock),
                false => conflict.context(format!("{not_written}: {why}")),
            });
        }
        Err(anyhow::Error::new(error).context(format!("{name} cannot be written")))
    }

    /// The file that git makes to lock that ref, or the packed ones.
    fn lock_of(&self, name: &str) -> PathBuf {
        self.common_dir().join(format!("{name}.lock"))
    }

    /// A ref whose name is a folder of this one's, or the other way round: git can have only one of them.
    fn obstacle(&self, name: &str) -> Result<Option<String>> {
        let folders =
            name.match_indices('/').map(|(at, _)| &name[..at]).filter(|f| f.matches('/').count() > 1);
        for folder in folders {
            if self.find_ref(folder)?.is_some() {
                return Ok(Some(folder.to_owned()));
            }
        }
        Ok(self.refs(&format!("{name}/"))?.into_iter().next().map(|(below, _)| below))
    }

    fn writable(&self, name: &str) -> Result<gix::refs::FullName> {
        if !OURS.iter().any(|prefix| name.starts_with(prefix)) {
            bail!("{name} is not ours to move: it would escape every hook");
        }
        if self.quarantine.is_some() {
            bail!("{name} cannot be written while git keeps new objects apart (GIT_OBJECT_DIRECTORY)");
        }
        gix::refs::FullName::try_from(name).with_context(|| format!("`{name}` is no valid ref"))
    }
}

/// What gix locks to write these: the packed refs too, to look up where a ref is even if it only moves it.
fn locks(edits: &[RefEdit]) -> impl Iterator<Item = &str> {
    let names = edits.iter().filter_map(|edit| std::str::from_utf8(edit.name.as_bstr()).ok());
    names.chain([PACKED])
}

fn in_the_way(cause: anyhow::Error, what: &str, lock: &Path) -> anyhow::Error {
    let mut fix = format!("when no git is running, a killed one has left it: rm {}", quote_path(lock));
    // Where git was writing the packed refs, it would stumble over that too.
    let new = lock.with_file_name("packed-refs.new");
    if lock.ends_with("packed-refs.lock") && new.exists() {
        fix.push_str(&format!(" {}", quote_path(&new)));
    }
    hint_on(cause, format!("{what}: {} is in the way", lock.display()), fix)
}

/// The beginning of a prefix that gix lists refs by: it takes no folder for one whose name Windows has for a device
/// (`con`), on any system.
fn listed(prefix: &str) -> &str {
    let is_taken = |part: &str| {
        let options = gix::validate::path::component::Options::default();
        part.is_empty() || gix::validate::path::component(part.into(), None, options).is_ok()
    };
    let mut end = 0;
    for part in prefix.split_inclusive('/') {
        if !is_taken(part.trim_end_matches('/')) {
            break;
        }
        end += part.len();
    }
    &prefix[..end]
}

/// Whether a text can be the full name of a ref.
pub fn is_ref_name(full: &str) -> bool {
    gix::refs::FullName::try_from(full).is_ok()
}

/// `main` of `refs/heads/main`; other refs as they are.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_below_a_device_of_windows_are_listed_with_their_neighbours() {
        for (prefix, by) in [
            ("refs/heads/flow/con/", "refs/heads/flow/"),
            ("refs/heads/aux.d/x/", "refs/heads/"),
            ("refs/heads/flow/consul/", "refs/heads/flow/consul/"),
        ] {
            assert_eq!(listed(prefix), by);
        }
    }
}
