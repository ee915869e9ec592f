//! The change that a command is about, as its flags name it: a revision, a range, what is staged.

use crate::domain::change::Change;
use crate::domain::error::{Result, hint};
use crate::gate::store::{Repo, changes};
use clap::Args;

/// Which change, and for which branch.
#[derive(Debug, Args)]
pub struct SubjectArgs {
    /// A commit, branch or range; a single commit stands for what it adds to the target
    #[arg(value_name = "REV|RANGE", conflicts_with = "staged")]
    pub(super) revision: Option<String>,

    /// What is staged
    #[arg(long)]
    pub(super) staged: bool,

    /// The branch that the change is meant for
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
}

impl SubjectArgs {
    /// The branch that the change is meant for. One that does not exist has no policy to judge by.
    pub(super) fn target(&self, repo: &Repo) -> Result<String> {
        let Some(named) = &self.target else { return repo.target() };
        let short = named.strip_prefix("refs/heads/").unwrap_or(named);
        let branch = format!("refs/heads/{short}");
        // Before the first commit the branch is only a name in HEAD.
        if repo.head_ref()?.as_deref() == Some(&branch) || repo.find_ref(&branch).ok().flatten().is_some() {
            return Ok(short.to_owned());
        }
        let fix = "name one that this repository has; `git branch` lists them";
        Err(hint(format!("there is no branch `{named}` to review for"), fix))
    }

    /// The change.
    pub(super) fn change(&self, repo: &Repo, target: &str) -> Result<Change> {
        match self.staged {
            true => changes::staged(repo),
            false => changes::named(repo, self.revision.as_deref().unwrap_or("HEAD"), target),
        }
    }

    /// Why there is nothing to say of it.
    pub(super) fn nothing(&self, target: &str) -> String {
        match self.staged {
            true => "nothing is staged".to_owned(),
            false => format!("{} adds nothing to {target}", self.revision.as_deref().unwrap_or("HEAD")),
        }
    }
}
