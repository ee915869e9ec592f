//! Which branch is meant by a name, and which commit by a revision: the one place that answers it.
//!
//! Whoever may push may push a tag of any name, and git takes `main` for the tag of that name first. Here a
//! branch goes before a tag, and a branch that is asked about is never a tag. `main` is our own branch, else
//! the one of the remote that it follows; `origin/main` is the branch `main` as that remote had it when last
//! fetched. A name that means two branches is an error.

use super::{Commit, Repo, is_ref_name};
use crate::domain::error::{Result, hint, nearest};
use crate::domain::text::shell::{Part, command_line};
use anyhow::Context;
use gix::ObjectId;

/// Names that git keeps beside the refs.
const GITS_OWN: [&str; 9] = [
    "@",
    "HEAD",
    "AUTO_MERGE",
    "BISECT_HEAD",
    "CHERRY_PICK_HEAD",
    "FETCH_HEAD",
    "MERGE_HEAD",
    "ORIG_HEAD",
    "REVERT_HEAD",
];

/// The longest part of a ref's name, with `.lock` behind it.
const LONGEST: usize = 250;

/// A branch that was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its short name, as the policy has it.
    pub name: String,
    /// The remote whose branch it is; `None` for our own.
    pub remote: Option<String>,
}

impl Branch {
    /// Our own branch of that name.
    pub fn own(name: &str) -> Branch {
        Branch { name: name.to_owned(), remote: None }
    }

    /// The ref that it is in.
    pub fn full(&self) -> String {
        match &self.remote {
            Some(remote) => format!("refs/remotes/{remote}/{}", self.name),
            None => format!("refs/heads/{}", self.name),
        }
    }

    /// The commit that it is at; `None` before the first one.
    pub fn tip(&self, repo: &Repo) -> Result<Option<ObjectId>> {
        repo.find_ref(&self.full())
    }
}

impl Repo {
    /// The branch that is meant by a name.
    pub fn branch_named(&self, name: &str) -> Result<Branch> {
        match &self.branches_named(name)?[..] {
            [only] => Ok(only.clone()),
            [] => Err(self.no_branch(name)?),
            [one, other, ..] => Err(ambiguous(name, one, other)),
        }
    }

    /// The commit that a revision names (`main~2`, `HEAD`, an id), as [`Repo::commit_of`], but that a branch
    /// goes before a tag of the same name.
    pub fn commit_named(&self, revision: &str) -> Result<Commit> {
        let (name, rest) = split(revision);
        match self.ref_named(name)? {
            Some(full) => self.commit_of(&format!("{full}{rest}")),
            None => self.commit_of(revision),
        }
    }

    /// The same for where an update starts: a tag only where it is written as one (`tags/v1`), since anybody
    /// may push one, and one of a mistyped name must not pass for a base.
    pub fn base_named(&self, revision: &str) -> Result<Commit> {
        let (name, _) = split(revision);
        match self.ref_named(name)? {
            Some(full) if full == format!("refs/tags/{name}") => Err(self.no_branch(name)?),
            _ => self.commit_named(revision),
        }
    }

    /// The full name of the ref that is meant by the name in a revision; `None` if it is no ref's, or one
    /// that git alone knows (`HEAD`).
    fn ref_named(&self, name: &str) -> Result<Option<String>> {
        let found = self.find_named(name)?;
        if let Some(full) = &found
            && let Ok(prefix) = gix::hash::Prefix::from_hex(name)
            && self.gix.objects.lookup_prefix(prefix, None).context("objects cannot be read")?.is_some()
        {
            return Err(hint(
                format!("`{name}` means {full}, and is the beginning of an object's name too"),
                format!("write which one in full: {full}"),
            ));
        }
        Ok(found)
    }

    fn find_named(&self, name: &str) -> Result<Option<String>> {
        let is_id = ObjectId::from_hex(name.as_bytes()).is_ok();
        if is_id || GITS_OWN.contains(&name) || name.starts_with("refs/") || !can_be(&in_refs(name)) {
            return Ok(None);
        }
        match &self.branches_named(name)?[..] {
            [only] => return Ok(Some(only.full())),
            [one, other, ..] => return Err(ambiguous(name, one, other)),
            [] => {}
        }
        for full in [in_refs(name), format!("refs/remotes/{name}/HEAD"), format!("refs/tags/{name}")] {
            if self.find_ref(&full)?.is_some() {
                return Ok(Some(full));
            }
        }
        Ok(None)
    }

    /// The branches that a name could mean; of our own and the one that it follows, our own.
    fn branches_named(&self, name: &str) -> Result<Vec<Branch>> {
        let mut found = Vec::new();
        if let Some(own) = name.strip_prefix("refs/heads/") {
            found.extend(self.own_branch(own)?);
            return Ok(found);
        }
        if let Some(rest) = name.strip_prefix("refs/remotes/") {
            found.extend(self.remote_branch(rest)?);
            return Ok(found);
        }
        if name.starts_with("refs/") {
            return Ok(found);
        }
        found.extend(self.own_branch(name)?);
        found.extend(self.remote_branch(name)?);
        if found.is_empty() {
            let remote = self.remote_of(name);
            found.extend(self.exists(Branch { name: name.to_owned(), remote: Some(remote) })?);
        }
        Ok(found)
    }

    fn own_branch(&self, name: &str) -> Result<Option<Branch>> {
        let branch = Branch::own(name);
        // Before the first commit the branch is only a name in HEAD.
        if self.head_ref()? == Some(branch.full()) {
            return Ok(Some(branch));
        }
        self.exists(branch)
    }

    /// `origin/main`, and what `origin/HEAD` stands for.
    fn remote_branch(&self, name: &str) -> Result<Option<Branch>> {
        // A remote's own name may have slashes.
        let is_of =
            |remote: &String| name.strip_prefix(remote.as_str()).is_some_and(|rest| rest.starts_with('/'));
        for remote in self.remotes().into_iter().filter(is_of) {
            let branch = match &name[remote.len() + 1..] {
                "HEAD" => self.default_branch(&remote)?.unwrap_or_default(),
                branch => branch.to_owned(),
            };
            if let Some(found) = self.exists(Branch { name: branch, remote: Some(remote) })? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn exists(&self, branch: Branch) -> Result<Option<Branch>> {
        let full = branch.full();
        Ok((can_be(&full) && self.find_ref(&full)?.is_some()).then_some(branch))
    }

    /// The remote that a branch follows, or would.
    pub fn remote_of(&self, branch: &str) -> String {
        self.git_config(&format!("branch.{branch}.remote")).unwrap_or_else(|| "origin".into())
    }

    /// There is no such branch: what is like it, and how it could come.
    fn no_branch(&self, name: &str) -> Result<anyhow::Error> {
        let mut names: Vec<String> = Vec::new();
        for prefix in ["refs/heads/", "refs/remotes/"] {
            let refs = self.refs(prefix)?.into_iter();
            names.extend(refs.filter_map(|(full, _)| Some(full.strip_prefix(prefix)?.to_owned())));
        }
        let own = names.iter().map(String::as_str);
        let of_remotes = names.iter().filter_map(|name| Some(name.split_once('/')?.1));
        let short = name.strip_prefix("refs/heads/").unwrap_or(name);
        let tag = match can_be(&in_refs(name)) && self.find_ref(&format!("refs/tags/{short}"))?.is_some() {
            true => {
                "; there is a tag of that name, which anybody may push: write tags/… where a tag is meant"
            }
            false => "",
        };
        let mut fix = match nearest(short, own.chain(of_remotes)).filter(|_| !short.is_empty()) {
            Some(alike) => format!("did you mean `{alike}`? `git branch --all` lists branches"),
            None => "name one; `git branch --all` lists branches".to_owned(),
        };
        let remote = self.remote_of(short);
        if self.remotes().contains(&remote) && can_be(&format!("refs/heads/{short}")) {
            let depth = if self.is_shallow() { " --unshallow" } else { "" };
            let refspec = format!("+refs/heads/{short}:refs/remotes/{remote}/{short}");
            fix = format!(
                "{fix}; if {remote} has it, fetch it: {}",
                command_line!("git fetch{} {} {}", Part(depth), remote, refspec)
            );
        }
        Ok(hint(
            format!("there is no branch `{short}` here, neither our own nor as {remote} has it{tag}"),
            fix,
        ))
    }
}

/// Whether a ref can have that name: git keeps each in a file.
fn can_be(full: &str) -> bool {
    is_ref_name(full) && full.split('/').all(|part| part.len() <= LONGEST)
}

fn in_refs(name: &str) -> String {
    if name.starts_with("refs/") { name.to_owned() } else { format!("refs/{name}") }
}

/// The name that a revision begins with, and what follows (`~2`, `^`, `@{1}`, `:path`).
pub(super) fn split(revision: &str) -> (&str, &str) {
    let end = revision.find(['~', '^', ':']).into_iter().chain(revision.find("@{")).min();
    revision.split_at(end.unwrap_or(revision.len()))
}

fn ambiguous(name: &str, one: &Branch, other: &Branch) -> anyhow::Error {
    hint(
        format!("`{name}` means two branches, {} and {}", one.full(), other.full()),
        format!("write which one in full: {}", one.full()),
    )
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_revision_begins_with_a_name() {
        for (revision, name) in [
            ("main", "main"),
            ("main~2^", "main"),
            ("a/b@{1}", "a/b"),
            ("@{u}", ""),
            (":/fix", ""),
            ("@~1", "@"),
        ] {
            assert_eq!(split(revision).0, name);
        }
    }
}
