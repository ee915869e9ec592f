//! Where a push goes: which remote, which branches, under which names.
//!
//! What git's own config says counts, in git's order; with nothing said, the branch that is checked out
//! goes to its upstream. A `+` and an empty left side, which force and delete, are not taken.

use crate::commands::sync;
use crate::domain::error::{Result, hint, nearest};
use crate::domain::text::shell::command_line;
use crate::gate::store::{Repo, is_ref_name};
use gix::ObjectId;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refspec {
    /// A full ref name here, or a commit.
    pub from: String,
    /// The full name of the remote's branch.
    pub to: String,
}

impl fmt::Display for Refspec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.from, self.to)
    }
}

/// The remote and what goes there, of what was typed: a `<commit>:<branch>` that no remote is named before goes to
/// the usual one.
pub fn arguments(
    repo: &Repo,
    first: Option<String>,
    mut branches: Vec<String>,
) -> Result<(String, Vec<String>)> {
    let is_refspec = |word: &str| {
        let is_remote = repo.remotes().iter().any(|remote| remote == word);
        word.split_once(':').is_some_and(|(from, _)| !is_remote && repo.commit_of(from).is_ok())
    };
    let named = match first {
        Some(word) if is_refspec(&word) => {
            branches.insert(0, word);
            None
        }
        first => first,
    };
    Ok((remote(repo, named.as_deref())?, branches))
}

/// The remote of that name; without one, the one that git's config says for the branch that is checked
/// out, else the only one, else `origin`.
fn remote(repo: &Repo, named: Option<&str>) -> Result<String> {
    let remotes = repo.remotes();
    if let Some(named) = named {
        if !remotes.iter().any(|remote| remote == named) && find(repo, &full(named))?.is_some() {
            return Err(hint(
                format!("there is no remote `{named}` here, though a branch"),
                command_line!("name the remote first: git flow-ai push <remote> {}", named),
            ));
        }
        return sync::remote(repo, Some(named));
    }
    let head = repo.head_ref()?;
    let branch = head.as_deref().and_then(|head| head.strip_prefix("refs/heads/"));
    let of_branch = |key: &str| branch.map(|branch| format!("branch.{branch}.{key}"));
    let keys = [of_branch("pushRemote"), Some("remote.pushDefault".to_owned()), of_branch("remote")];
    for key in keys.into_iter().flatten() {
        match repo.git_config(&key) {
            // The upstream is a branch of this repository itself.
            Some(own) if own == "." => {}
            Some(name) if remotes.contains(&name) => return Ok(name),
            Some(name) => {
                return Err(hint(
                    format!("`{name}`, which {key} says, is no remote here"),
                    "git remote -v lists them; git flow-ai push <remote> names another",
                ));
            }
            None => {}
        }
    }
    match &remotes[..] {
        [only] => Ok(only.clone()),
        [] => Err(hint("there is no remote to push to", "git remote add <name> <url> adds one")),
        _ if remotes.iter().any(|name| name == "origin") => Ok("origin".to_owned()),
        _ => Err(hint(
            "there are several remotes, and none is said for this branch",
            "name one: git flow-ai push <remote>, or once for all: git config remote.pushDefault <remote>",
        )),
    }
}

/// What goes to that remote: the branches named, else the one that is checked out.
pub fn refspecs(repo: &Repo, remote: &str, named: &[String]) -> Result<Vec<Refspec>> {
    match named {
        [] => Ok(vec![checked_out(repo, remote)?]),
        named => named.iter().map(|name| refspec(repo, remote, name)).collect(),
    }
}

/// The branch that is checked out, to its upstream's name where that is at this remote.
fn checked_out(repo: &Repo, remote: &str) -> Result<Refspec> {
    let head = repo.head_ref()?.filter(|head| head.starts_with("refs/heads/")).ok_or_else(|| {
        hint("no branch is checked out here", command_line!("name one: git flow-ai push {} <branch>", remote))
    })?;
    let branch = head.trim_start_matches("refs/heads/");
    if repo.find_ref(&head)?.is_none() {
        return Err(hint(
            format!("there is nothing to push: `{branch}` has no commit yet"),
            "commit something first, or name a branch that has one",
        ));
    }
    let upstream = repo
        .git_config(&format!("branch.{branch}.merge"))
        .filter(|_| repo.git_config(&format!("branch.{branch}.remote")).as_deref() == Some(remote));
    Ok(Refspec { to: upstream.unwrap_or_else(|| head.clone()), from: head })
}

/// `topic`, or `<commit>:<branch>`.
fn refspec(repo: &Repo, remote: &str, name: &str) -> Result<Refspec> {
    if name.starts_with('+') {
        return Err(hint(
            format!("`{name}` would force, which git flow-ai push never does"),
            command_line!("if you mean it: git push {} {}", remote, name),
        ));
    }
    let Some((from, to)) = name.split_once(':') else {
        return match name {
            "HEAD" | "@" => checked_out(repo, remote),
            _ => branch(repo, name),
        };
    };
    let is_branch = !to.starts_with("refs/") || to.starts_with("refs/heads/");
    if from.is_empty() || to.is_empty() || !is_branch || !is_ref_name(&full(to)) {
        return Err(hint(
            format!("`{name}` is not <branch> or <commit>:<branch>"),
            command_line!("anything else is git's own: git push {} {}", remote, name),
        ));
    }
    let here = full(from);
    let from = match find(repo, &here)? {
        Some(_) => here,
        None => repo.commit_named(from)?.id.to_string(),
    };
    Ok(Refspec { from, to: full(to) })
}

/// A branch that is here, under its own name.
fn branch(repo: &Repo, name: &str) -> Result<Refspec> {
    let full = full(name);
    if find(repo, &full)?.is_some() {
        return Ok(Refspec { from: full.clone(), to: full });
    }
    let branches = repo.refs("refs/heads/")?;
    let names = branches.iter().filter_map(|(name, _)| name.strip_prefix("refs/heads/"));
    Err(hint(
        format!("there is no branch `{name}` here"),
        match nearest(name, names) {
            Some(alike) => format!("did you mean `{alike}`? git branch lists them"),
            None => "git branch lists them".to_owned(),
        },
    ))
}

/// The tip of a branch; `None` if there is no such branch, or the name cannot be one (`main~1`).
fn find(repo: &Repo, full: &str) -> Result<Option<ObjectId>> {
    if is_ref_name(full) { repo.find_ref(full) } else { Ok(None) }
}

fn full(branch: &str) -> String {
    match branch.strip_prefix("refs/heads/") {
        Some(_) => branch.to_owned(),
        None => format!("refs/heads/{branch}"),
    }
}
