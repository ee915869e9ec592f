//! Which change a command is about: a revision, a range or what is staged, and the branch that it is meant for.

use super::landing::{self, Landing};
use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::gate::store::config::{self, Loaded};
use crate::gate::store::{Branch, Repo, changes};

/// A change as the user names it.
#[derive(Debug)]
pub struct Selection {
    /// A commit, branch or range; `HEAD` without one.
    pub revision: Option<String>,
    /// What is staged, instead of a revision.
    pub staged: bool,
    /// The branch that it is meant for; the repository's target without one.
    pub target: Option<String>,
}

/// The change that was named.
#[derive(Debug)]
pub struct Selected {
    pub change: Change,
    /// Where it would land, if that is what the change is.
    pub landing: Option<Landing>,
    /// The branch that it is meant for.
    pub target: String,
    /// The config of that branch.
    pub loaded: Loaded,
}

impl Selection {
    /// Finds the change, its target branch and the config that it is judged by.
    pub fn find(&self, repo: &Repo) -> Result<Selected> {
        let target = self.find_target(repo)?;
        let loaded = config::load_for(repo, &target)?;
        let (change, landing) = match self.staged {
            true => (changes::staged(repo)?, None),
            false => {
                let change = changes::named(repo, self.revision_or_head(), &target)?;
                landing::judged(repo, &loaded.config.gate, &target.name, change)?
            }
        };
        Ok(Selected { change, landing, target: target.name, loaded })
    }

    /// Why the change is empty, where it is.
    pub fn why_empty(&self, target: &str) -> String {
        match self.staged {
            true => "nothing is staged".to_owned(),
            false => format!("{} adds nothing to {target}", self.revision_or_head()),
        }
    }

    fn revision_or_head(&self) -> &str {
        self.revision.as_deref().unwrap_or("HEAD")
    }

    /// A branch that does not exist has no policy to judge by.
    fn find_target(&self, repo: &Repo) -> Result<Branch> {
        match &self.target {
            Some(named) => repo.branch_named(named),
            None => Ok(Branch::own(&repo.target()?)),
        }
    }
}
