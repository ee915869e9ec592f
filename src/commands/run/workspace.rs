//! A task's work: what is on its branch, and the checkout in which more is made.

use super::agent_commits;
use super::branch::{self, AttemptState, CommitLabel, TaskBranch};
use super::checkout::{Checkout, CheckoutEnd, NO_OVERLAY};
use super::context::TaskContext;
use super::{chain, outcome::TaskOutcome};
use crate::agents::worktree::{Collected, LeftOut, Worktrees, needs_own_files};
use crate::domain::change::Author;
use crate::domain::error::{Result, hint};
use crate::domain::event::TaskState;
use gix::ObjectId;
use std::path::PathBuf;

/// How many files that were not committed are named.
const NAMED: usize = 10;

/// A task's branch and worktree.
pub(super) struct Workspace<'a> {
    context: &'a TaskContext<'a>,
    /// The commit that the task begins from.
    base: ObjectId,
    branch: Option<TaskBranch>,
    checkout: Option<Checkout>,
    worktrees: Worktrees,
    /// What was not taken when its files were committed last.
    left_out: Vec<LeftOut>,
}

impl<'a> Workspace<'a> {
    pub fn new(context: &'a TaskContext<'a>, base: ObjectId, branch: Option<TaskBranch>) -> Workspace<'a> {
        let worktrees = context.run.checkouts.worktrees.clone();
        Workspace { context, base, branch, checkout: None, worktrees, left_out: Vec::new() }
    }

    pub fn branch(&self) -> Option<TaskBranch> {
        self.branch
    }

    /// Whether the branch differs from where it began.
    pub fn has_work(&self) -> Result<bool> {
        let Some(branch) = self.branch else { return Ok(false) };
        let repo = &self.context.run.repo;
        Ok(repo.tree_of(branch.head)? != repo.tree_of(branch.base)?)
    }

    /// An agent whose branch has no work did change something, but none of it can be committed: why.
    pub fn nothing_taken(&self) -> Option<anyhow::Error> {
        let (first, others) = self.left_out.split_first()?;
        let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
        let what = format!("nothing that the agent changed can be committed: {first}{more}");
        Some(match &first.why {
            Some(filter) => hint(what, filter.fix()),
            None => anyhow::anyhow!(what),
        })
    }

    /// The checkout, made and set up when it is first needed; the task's outcome if there cannot be one.
    pub async fn open(&mut self) -> Result<Result<&Checkout, TaskOutcome>> {
        let checkout = match self.checkout.take() {
            Some(checkout) => checkout,
            None => match self.make().await? {
                CheckoutEnd::Ready(checkout) => checkout,
                CheckoutEnd::SetupFailed(how) => return Ok(Err(TaskOutcome::SetupFailed { how })),
                CheckoutEnd::Stopped => return Ok(Err(TaskOutcome::Stopped)),
            },
        };
        Ok(Ok(self.checkout.insert(checkout)))
    }

    async fn make(&self) -> Result<CheckoutEnd> {
        let TaskContext { run, task, events, .. } = self.context;
        self.context.announce(TaskState::Preparing, "");
        let name = format!("{}.{}", run.slug(), task.id);
        let commit = self.branch.map_or(self.base, |branch| branch.head);
        if let Some(how) = run.setup_failed.borrow().as_ref().filter(|_| commit == run.base) {
            return Ok(CheckoutEnd::SetupFailed(how.clone()));
        }
        let env = self.context.env();
        let made = Checkout::make(&run.checkouts, &self.worktrees, &name, commit, &env, events).await?;
        if let CheckoutEnd::SetupFailed(how) = &made
            && commit == run.base
        {
            run.setup_failed.replace(Some(how.clone()));
        }
        Ok(made)
    }

    /// Has the next checkout be no overlay, if that one was and the output complains of what overlays cannot do.
    /// Returns whether it does.
    pub async fn leave_layers(&mut self, output: &str) -> Result<bool> {
        let is_overlay = self.checkout.as_ref().is_some_and(Checkout::is_overlay);
        if !is_overlay || !needs_own_files(output) {
            return Ok(false);
        }
        self.context.events.progress(NO_OVERLAY);
        self.worktrees = self.worktrees.without_layers();
        self.forget().await?;
        Ok(true)
    }

    /// Whether the agent removed the checkout's folder.
    pub fn is_lost(&self) -> bool {
        self.checkout.as_ref().is_some_and(|checkout| !checkout.is_there())
    }

    /// Gives up a checkout whose work is committed, or that [is lost](Self::is_lost).
    pub async fn forget(&mut self) -> Result<()> {
        match self.checkout.take() {
            Some(checkout) => checkout.put_away().await.map(drop),
            None => Ok(()),
        }
    }

    /// Commits the checkout's files onto the branch if they differ from it, or if the branch still calls
    /// finished work unfinished. Returns the new commit.
    pub async fn commit_files(
        &mut self,
        authors: &[Author],
        state: AttemptState,
    ) -> Result<Option<ObjectId>> {
        let Some(checkout) = &self.checkout else { return Ok(None) };
        let TaskContext { run, task, .. } = self.context;
        let collected = checkout.collect().await?;
        self.warn(&collected);
        self.left_out =
            collected.left_out.iter().filter(|left| left.reason.holds_content()).cloned().collect();
        self.keep_agent_commits(&collected)?;
        let before = run.repo.tree_of(self.branch.map_or(self.base, |branch| branch.head))?;
        let is_promoted = state == AttemptState::Made
            && self.branch.is_some_and(|branch| branch.state != AttemptState::Made);
        if collected.tree == before && !is_promoted {
            checkout.mark_saved(&collected)?;
            return Ok(None);
        }
        let attempt = self.context.attempt();
        let label =
            CommitLabel { slug: run.slug(), task, run: &run.id, attempt, authors, state, text: self.text() };
        let base = self.branch.map_or(self.base, |branch| branch.base);
        let head = self.branch.map(|branch| branch.head);
        let branch = branch::commit(&run.repo, &run.journal, &label, collected.tree, base, head)?;
        self.branch = Some(branch);
        checkout.mark_saved(&collected)?;
        Ok(Some(branch.head))
    }

    /// Commits that tree, which is what test commands made of the branch's files, and lets the next checkout begin from
    /// it.
    pub async fn commit_rewritten(&mut self, tree: ObjectId, authors: &[Author]) -> Result<()> {
        let TaskContext { run, task, .. } = self.context;
        let Some(branch) = self.branch else { return Ok(()) };
        let (attempt, state) = (self.context.attempt(), AttemptState::Made);
        let label =
            CommitLabel { slug: run.slug(), task, run: &run.id, attempt, authors, state, text: self.text() };
        self.branch =
            Some(branch::commit(&run.repo, &run.journal, &label, tree, branch.base, Some(branch.head))?);
        self.forget().await
    }

    /// The text that its agent works from.
    fn text(&self) -> Option<ObjectId> {
        self.context.run.texts.get(&self.context.task.id).copied()
    }

    fn warn(&self, collected: &Collected) {
        for left in collected.left_out.iter().take(NAMED) {
            self.context.warn_once(format!("not committed: {left}"));
        }
        if let Some(more) = collected.left_out.len().checked_sub(NAMED).filter(|more| *more > 0) {
            self.context.warn_once(format!("not committed: {more} more"));
        }
        if !collected.repaired.is_empty() {
            let what = collected.repaired.join(", ");
            self.context.warn_once(format!("the agent changed {what} of its private git, which is put back"));
        }
    }

    fn keep_agent_commits(&self, collected: &Collected) -> Result<()> {
        let TaskContext { run, task, .. } = self.context;
        let kept = agent_commits::keep(&run.repo, run.slug(), &task.id, &run.id, &collected.commits)?;
        if let Some(name) = kept {
            self.context.warn_once(format!(
                "the agent committed by itself what its files do not hold: it is kept at {name}"
            ));
        }
        Ok(())
    }

    /// Ends it: removes the checkout, or leaves it for the user to look at. A checkout with something
    /// that is in no commit stays. Returns the folder if it is still there.
    pub async fn close(&mut self, keep: bool) -> Option<PathBuf> {
        let checkout = self.checkout.take()?;
        let (events, path) = (&self.context.events, checkout.path().to_owned());
        if keep {
            if let Err(error) = checkout.leave().await {
                events.warn(format!("{} is not safe to look at: {}", path.display(), chain(&error)));
            }
            return Some(path);
        }
        let why = match checkout.put_away().await {
            Ok(None) => return None,
            Ok(Some((_, why))) => why,
            Err(error) => chain(&error),
        };
        events.warn(format!("{} is kept: {why}", path.display()));
        Some(path)
    }
}
