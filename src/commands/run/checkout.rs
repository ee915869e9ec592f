//! A worktree in which commands run: made and set up when first needed, its files collected, put away.
//!
//! Checkouts can take seconds, so they are made on another thread; events of other tasks go on meanwhile.

use super::journal::{Effect, Journal};
use crate::agents::sandbox::config_command::{self, ShellEnd};
use crate::agents::sandbox::{Sandbox, Scope};
use crate::agents::worktree::{
    Checkouts, Collected, Prepared, Removed, Setup, Worktree, Worktrees, needs_own_files,
};
use crate::domain::config::{Config, RunSection};
use crate::domain::error::Result;
use crate::domain::event::{Events, What};
use crate::domain::policy::Policy;
use crate::gate::store::Repo;
use crate::system::process::stop::Stop;
use anyhow::Context;
use gix::ObjectId;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// How many paths are named.
const NAMED: usize = 5;

/// Said when a checkout is made in another way.
pub const NO_OVERLAY: &str = "a program cannot work in an overlay: the next checkout is a copy";

/// What it takes to make checkouts and to run commands of the config in them.
#[derive(Debug)]
pub struct CheckoutContext {
    pub repo: Rc<Repo>,
    /// How checkouts are set up, and how long commands may take.
    pub config: RunSection,
    /// By which records of earlier tests count.
    pub policy: Policy,
    pub worktrees: Worktrees,
    pub sandbox: Sandbox,
    pub stop: Stop,
    pub events: Events,
    /// A commit that no agent can have made, nor any that it contains.
    pub trusted: ObjectId,
    /// What a next run needs to know of checkouts when this process is killed; `None` outside of runs.
    journal: Option<Journal>,
    /// Whether a warning has said which submodules stay empty.
    warned_of_submodules: Cell<bool>,
}

impl CheckoutContext {
    /// Whether a clean checkout costs next to nothing: its setup is there already, or there is none.
    pub fn has_cheap_checkouts(&self) -> bool {
        self.worktrees.have_layers() || self.config.setup.is_none()
    }

    /// Checkouts of `repo` for commands of that config, whose own commit is `trusted`. Returns how they are made, too.
    pub fn new(
        repo: Rc<Repo>,
        config: &Config,
        trusted: ObjectId,
        journal: Option<Journal>,
        events: &Events,
        stop: &Stop,
    ) -> Result<(CheckoutContext, Checkouts)> {
        let mut worktrees = Worktrees::new(&repo, config)?;
        let sandbox = crate::agents::sandbox_for(&repo, config)?;
        let checkouts = worktrees.share_checkouts(&repo, &sandbox)?;
        let context = CheckoutContext {
            repo,
            config: config.run.clone(),
            policy: config.gate.clone(),
            worktrees,
            sandbox,
            stop: stop.clone(),
            events: events.clone(),
            trusted,
            journal,
            warned_of_submodules: Cell::new(false),
        };
        Ok((context, checkouts))
    }
}

/// A worktree that is ready to be worked in.
#[derive(Debug)]
pub struct Checkout {
    worktree: Arc<Worktree>,
    journal: Option<Journal>,
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
        context: &CheckoutContext,
        worktrees: &Worktrees,
        name: &str,
        commit: ObjectId,
        env: &[(String, String)],
        events: &Events,
    ) -> Result<CheckoutEnd> {
        let (making, asked) = (worktrees.clone(), name.to_owned());
        let patterns = context.config.copy.clone();
        let (worktree, copied) = blocking(move || {
            let worktree = making.make(&asked, commit)?;
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
        if !worktree.empty_submodules().is_empty() && !context.warned_of_submodules.replace(true) {
            for why in worktree.empty_submodules() {
                context.events.warn(why);
            }
        }
        let task = worktree.name().split_once('.').map_or(name, |(_, task)| task).to_owned();
        let journal = context.journal.clone();
        let checkout = Checkout { worktree: Arc::new(worktree), journal, task };
        let Some(setup) = &context.config.setup else { return checkout.ready().await };
        let is_trusted = context.repo.is_ancestor(commit, context.trusted)?;
        let inputs = context.config.setup_inputs.clone();
        let command = setup.clone();
        let prepared = checkout.with_worktree(move |worktree| {
            worktree.prepare_setup(&Setup { command: &command, inputs: inputs.as_deref(), is_trusted })
        });
        let (checkout, prepared) = prepared.await?;
        if matches!(prepared, Prepared::Reused) {
            return checkout.ready().await;
        }
        let folder = checkout.path().display().to_string();
        checkout.note(Effect::SetUp { folder })?;
        checkout.worktree.begin_setup()?;
        let end = checkout.shell(context, setup, env, line_to(events)).await?;
        if let Some(how) = failure(setup, &end) {
            let is_overlay = checkout.is_overlay();
            checkout.give_up().await?;
            return match end {
                ShellEnd::Stopped => Ok(CheckoutEnd::Stopped),
                _ if is_overlay && needs_own_files(&how) => {
                    events.progress(NO_OVERLAY);
                    let worktrees = worktrees.without_layers();
                    Box::pin(Checkout::make(context, &worktrees, name, commit, env, events)).await
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

    /// Runs a command line of the config in it, in the sandbox, to its end; each line of its output goes to `line`.
    pub async fn shell(
        &self,
        context: &CheckoutContext,
        command: &str,
        env: &[(String, String)],
        line: impl FnMut(&str),
    ) -> Result<ShellEnd> {
        let enclosed = context.sandbox.wrap(&config_command::shell(command, env), &self.scope())?;
        config_command::run(enclosed, context.config.timeout, &context.stop, line).await
    }

    /// Writes down what is about to be done.
    fn note(&self, effect: Effect) -> Result<()> {
        match &self.journal {
            Some(journal) => journal.before(&self.task, effect),
            None => Ok(()),
        }
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

    /// Remembers that what came and went since its files were that tree is not the agent's work.
    pub async fn leave_out_since(&self, tree: ObjectId) -> Result<()> {
        let worktree = self.worktree.clone();
        blocking(move || worktree.leave_out(tree, worktree.collect()?.tree)).await
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
        self.note(Effect::Remove { folder: path.display().to_string() })?;
        let Some(worktree) = Arc::into_inner(self.worktree) else {
            return Ok(Some((path, "it is still in use".into())));
        };
        Ok(match blocking(move || worktree.remove()).await? {
            Removed::Gone => None,
            Removed::Kept(why) => Some((path, why)),
        })
    }
}

/// Shows each line of a command's output.
pub fn line_to(events: &Events) -> impl FnMut(&str) {
    |line: &str| events.send(What::Output { line: line.to_owned() })
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
