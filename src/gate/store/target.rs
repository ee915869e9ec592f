//! The branch that flows go to.

use super::refs::short;
use super::{Branch, Repo, config};
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::policy::Policy;
use crate::domain::text::shell::command_line;

impl Repo {
    /// The branches that exist and that a policy protects: those that it names, in its order, then those
    /// that a pattern means.
    pub fn protected_branches(&self, policy: &Policy) -> Result<Vec<String>> {
        let mut branches: Vec<String> = Vec::new();
        for name in policy.named_branches() {
            if self.find_ref(&format!("refs/heads/{name}"))?.is_some() {
                branches.push(name.to_owned());
            }
        }
        if policy.named_branches().count() < policy.branches.len() {
            for name in self.branch_names()? {
                if policy.protects(&name) && !branches.contains(&name) {
                    branches.push(name);
                }
            }
        }
        Ok(branches)
    }

    /// The short name of the branch that flows go to: `git config flow-ai.target`, else the first
    /// branch of the policy that exists, else the current one.
    ///
    /// The policy is the one on `main` or `master`, else the one at HEAD. This decides only what a
    /// person's commands mean when no branch is named; the gate is always told which branch moves.
    pub fn target(&self) -> Result<String> {
        let exists =
            |branch: &str| Ok::<_, anyhow::Error>(self.find_ref(&format!("refs/heads/{branch}"))?.is_some());
        if let Some(name) = self.git_config("flow-ai.target") {
            return match self.branch_named(&name) {
                Ok(branch) if exists(&branch.name)? => Ok(branch.name),
                Ok(Branch { name, .. }) => Err(hint(
                    format!("flow-ai.target is `{name}`, which is not here yet"),
                    command_line!("make it: git switch {}", name),
                )),
                Err(error) => Err(hint_on(
                    error,
                    format!("flow-ai.target is `{name}`, which is no branch here"),
                    "git config flow-ai.target <a branch>",
                )),
            };
        }
        let mut policies = Vec::new();
        for place in Policy::default().named_branches() {
            if let Some(tip) = self.find_ref(&format!("refs/heads/{place}"))? {
                policies.extend(config::stated_policy(self, tip)?);
            }
        }
        if policies.is_empty() && !self.is_unborn() {
            policies.extend(config::stated_policy(self, self.commit_of("HEAD")?.id)?);
        }
        for policy in policies.into_iter().chain([Policy::default()]) {
            if let Some(branch) = self.protected_branches(&policy)?.into_iter().next() {
                return Ok(branch);
            }
        }
        match self.head_ref()? {
            Some(head) => Ok(short(&head).to_owned()),
            None => Err(hint(
                "no branch can be told to be the target: HEAD is detached",
                "git config flow-ai.target <a branch>",
            )),
        }
    }
}
