//! A worktree in a run: made and set up when first needed, harvested, put away.
//!
//! Checkouts and harvests can take seconds, so they happen on another thread; events of other tasks
//! go on meanwhile.

use super::Run;
use super::journal::{Effect, Journal};
use crate::agents::sandbox::Scope;
use crate::agents::sandbox::config_command::{self, ShellEnd};
use crate::agents::worktree::{Collected, Prepared, Removed, Setup, Worktree, Worktrees, needs_own_files};
use crate::domain::error::Result;
use crate::domain::event::{Events, What};
use crate::domain::spec::Slug;
use anyhow::Context;
use gix::ObjectId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many paths are named.
const NAMED: usize = 5;

/// Said when a checkout is made in another way.
pub const NO_OVERLAY: &str = "a program cannot work in an overlay: the next checkout is a copy";

/// A worktree that is ready to be worked in.
#[derive(Debug)]
pub struct Checkout {
    worktree: Arc<Worktree>,
    journal: Journal,
    task: String,
}

/// What making one came to.
#[derive(Debug)]
pub enum CheckoutEnd {
    Ready(Checkout),
    /// The set-up command failed: how. The worktree is gone again.
    SetupFailed(String),
    /// We were told to stop meanwhile.
    Stopped,
}

impl Checkout {
    /// Makes one from that commit, copies what it needs, and runs the set-up command.
    pub async fn make(
        run: &Run,
        worktrees: &Worktrees,
        name: &str,
        commit: ObjectId,
        env: &[(String, String)],
        events: &Events,
    ) -> Result<CheckoutEnd> {
        let (worktrees, asked) = (worktrees.clone(), name.to_owned());
        let patterns = run.loaded.config.run.copy.clone();
        let (worktree, copied) = blocking(move || {
            let worktree = worktrees.make(&asked, commit)?;
            match worktree.copy(&patterns) {
                Ok(copied) => Ok((worktree, copied)),
                Err(error) => {
                    // No agent has worked in it.
                    worktree.mark_saved(&worktree.collect()?)?;
                    worktree.remove()?;
                    Err(error)
                }
            }
        })
        .await?;
        for skipped in copied.skipped {
            events.warn(format!("not copied into the worktree: {skipped}"));
        }
        if !worktree.empty_submodules().is_empty() && !run.warned_of_submodules.replace(true) {
            for why in worktree.empty_submodules() {
                run.events.warn(why);
            }
        }
        let task = task_of(&worktree, run.slug()).to_owned();
        let checkout = Checkout { worktree: Arc::new(worktree), journal: run.journal.clone(), task };
        let Some(setup) = &run.loaded.config.run.setup else { return checkout.ready().await };
        let is_trusted = run.repo.is_ancestor(commit, run.base)?;
        let inputs = run.loaded.config.run.setup_inputs.clone();
        let command = setup.clone();
        let prepared = checkout.with_worktree(move |worktree| {
            worktree.prepare_setup(&Setup { command: &command, inputs: inputs.as_deref(), is_trusted })
        });
        let (checkout, prepared) = prepared.await?;
        if matches!(prepared, Prepared::Reused) {
            return checkout.ready().await;
        }
        let folder = checkout.path().display().to_string();
        checkout.journal.before(&checkout.task, Effect::SetUp { folder })?;
        checkout.worktree.begin_setup()?;
        let end = checkout.shell(run, setup, env, events).await?;
        if let Some(how) = failure(setup, &end) {
            let is_overlay = checkout.is_overlay();
            checkout.give_up().await?;
            return match end {
                ShellEnd::Stopped => Ok(CheckoutEnd::Stopped),
                _ if is_overlay && needs_own_files(&how) => {
                    events.progress(NO_OVERLAY);
                    let worktrees = run.worktrees.without_layers();
                    Box::pin(Checkout::make(run, &worktrees, name, commit, env, events)).await
                }
                _ => Ok(CheckoutEnd::SetupFailed(how)),
            };
        }
        let keep = |worktree: &mut Worktree| match prepared {
            Prepared::Needed(keys) => worktree.keep_setup(keys),
            Prepared::Private | Prepared::Reused => worktree.end_setup(),
        };
        let (checkout, changed) = checkout.with_worktree(keep).await?;
        if !changed.is_empty() {
            events.warn(format!(
                "`{setup}` changes files of the project, which are left out: {}",
                named(&changed)
            ));
        }
        checkout.ready().await
    }

    /// Does something with the worktree on another thread.
    async fn with_worktree<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Worktree) -> Result<T> + Send + 'static,
    ) -> Result<(Checkout, T)> {
        let Checkout { worktree, journal, task } = self;
        let mut worktree = Arc::into_inner(worktree).context("the worktree is still in use")?;
        let (worktree, done) = blocking(move || {
            let done = work(&mut worktree)?;
            Ok((Arc::new(worktree), done))
        })
        .await?;
        Ok((Checkout { worktree, journal, task }, done))
    }

    /// What is written from now on may be work to keep.
    async fn ready(self) -> Result<CheckoutEnd> {
        let worktree = self.worktree.clone();
        blocking(move || worktree.mark_set_up()).await?;
        Ok(CheckoutEnd::Ready(self))
    }

    pub fn path(&self) -> &Path {
        self.worktree.path()
    }

    /// Whether its files are seen through layers.
    pub fn is_overlay(&self) -> bool {
        self.worktree.is_overlay()
    }

    /// Runs a command line of the config in it, in the sandbox, to its end.
    pub async fn shell(
        &self,
        run: &Run,
        command: &str,
        env: &[(String, String)],
        events: &Events,
    ) -> Result<ShellEnd> {
        let enclosed = run.sandbox.wrap(&config_command::shell(command, env), &self.scope())?;
        let line = |line: &str| events.send(What::Output { line: line.to_owned() });
        config_command::run(enclosed, run.loaded.config.run.timeout, &run.stop, line).await
    }

    /// What may be touched by those who work in it.
    pub fn scope(&self) -> Scope {
        self.worktree.scope()
    }

    /// Whether its folder is still there.
    pub fn is_there(&self) -> bool {
        self.worktree.is_there()
    }

    /// Its files as a tree.
    pub async fn collect(&self) -> Result<Collected> {
        let worktree = self.worktree.clone();
        blocking(move || worktree.collect()).await
    }

    /// Remembers that this is committed.
    pub fn mark_saved(&self, collected: &Collected) -> Result<()> {
        self.worktree.mark_saved(collected)
    }

    /// Removes it with what is in it: what a failed setup or a check left is not work to keep.
    pub async fn give_up(self) -> Result<()> {
        let collected = self.collect().await?;
        self.mark_saved(&collected)?;
        self.worktree.mark_set_up()?;
        self.put_away().await.map(drop)
    }

    /// Leaves it for the user to look at, with nothing in it that git would run.
    pub async fn leave(self) -> Result<()> {
        let worktree = Arc::into_inner(self.worktree).context("it is still in use")?;
        blocking(move || worktree.close()).await
    }

    /// Removes it, unless it holds something that is in no commit: then its folder and why.
    pub async fn put_away(self) -> Result<Option<(PathBuf, String)>> {
        let path = self.path().to_owned();
        let Some(worktree) = Arc::into_inner(self.worktree) else {
            return Ok(Some((path, "it is still in use".into())));
        };
        self.journal.before(&self.task, Effect::Remove { folder: path.display().to_string() })?;
        Ok(match blocking(move || worktree.remove()).await? {
            Removed::Gone => None,
            Removed::Kept(why) => Some((path, why)),
        })
    }
}

/// The task that a worktree is for, by its name.
pub fn task_of<'a>(worktree: &'a Worktree, slug: &Slug) -> &'a str {
    let name = worktree.name();
    name.strip_prefix(slug.as_str()).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}

/// How a command failed, for people and agents; `None` if it passed.
pub fn failure(command: &str, end: &ShellEnd) -> Option<String> {
    match end {
        ShellEnd::Passed => None,
        ShellEnd::Failed { status, tail } => {
            Some(format!("`{command}` ended with {status}\n{}", tail.trim_end()))
        }
        ShellEnd::Asked { what, tail } => {
            Some(format!("`{command}` asked what nobody answers: {what}\n{}", tail.trim_end()))
        }
        ShellEnd::TimedOut { tail } => Some(format!("`{command}` took too long\n{}", tail.trim_end())),
        ShellEnd::Stopped => Some(format!("`{command}` was stopped")),
    }
}

/// Some of these paths, for people.
fn named(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().take(NAMED).map(|path| path.display().to_string()).collect();
    match paths.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Does file work on another thread.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.context("a thread broke")?
}
