//! The test command of the target's config, run on a commit in a clean checkout and put on record: by itself, and
//! before a merge on what would land.

use crate::agents::trust::{self, Item, Purpose};
use crate::commands::run::{CheckoutContext, TestEnd, Testing, clean_test};
use crate::domain::error::{Interrupted, Result, hint};
use crate::domain::event::Events;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::TestCommand;
use crate::gate::admit::{self, BranchVerdicts, Tested};
use crate::gate::store::config::{self, Loaded};
use crate::gate::store::trees::Sealed;
use crate::gate::store::{Repo, upstream};
use crate::system::process::stop::Stop;
use gix::ObjectId;
use serde::Serialize;
use std::rc::Rc;

/// The name of the checkout, before what is tested: no spec's task is called so.
const NAME: &str = "tree";

/// A commit that is to be tested by the command of a branch's config.
#[derive(Debug)]
pub struct Subject {
    /// The branch.
    pub target: String,
    /// The tip of that branch.
    pub tip: ObjectId,
    /// The commit; it may have been made for the test.
    commit: ObjectId,
    tree: ObjectId,
    /// What it is, for people.
    what: String,
    pub test: TestCommand,
    loaded: Loaded,
}

/// What a test came to.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// What was tested, for people.
    pub what: String,
    pub tree: String,
    pub command: String,
    /// How it failed, with the last lines of what it printed; `None` if it passed.
    pub failure: Option<String>,
    /// The tracked files were changed by the command, so that the tree is not what passed.
    pub rewrites: bool,
}

impl Subject {
    /// That commit or tree; with `onto`, as it would land on that branch.
    ///
    /// # Errors
    /// If there is no test command, or the merge is not clean.
    pub fn find(repo: &Repo, revision: &str, onto: Option<&str>) -> Result<Subject> {
        let target = match onto {
            Some(branch) => branch.to_owned(),
            None => repo.target()?,
        };
        if let (Some(tree), None) = (repo.tree_named(revision), onto) {
            // As a hook names what is not committed yet.
            let commit = repo.write_commit(tree, &[], "A tree, for a test\n")?;
            let what = format!("the tree {}", tree.to_hex_with_len(10));
            return Subject::new(repo, &target, commit, tree, what)?.ok_or_else(|| no_command(&target));
        }
        let head = repo.commit_of(revision)?;
        if onto.is_some() {
            return Subject::landing(repo, &target, head.id, revision)?.ok_or_else(|| no_command(&target));
        }
        let what = format!("{revision} ({})", head.id.to_hex_with_len(10));
        Subject::new(repo, &target, head.id, head.tree, what)?.ok_or_else(|| no_command(&target))
    }

    /// What the branch would be if that head were merged into it; `None` if nothing tests it.
    ///
    /// # Errors
    /// If the merge is not clean.
    pub fn landing(repo: &Repo, target: &str, head: ObjectId, name: &str) -> Result<Option<Subject>> {
        let tip = repo.commit_of(&format!("refs/heads/{target}"))?.id;
        let Some(tree) = admit::predict(repo, tip, &[head])? else {
            return Err(hint(
                format!("`{name}` conflicts with `{target}`"),
                command_line!("resolve it on {} first: git switch {} && git merge {}", name, name, target),
            ));
        };
        let what = format!("{name} merged into {target}");
        Sealed::over(repo)?.copy_tree_to(repo, tree)?;
        // Nothing leads to that commit, and git removes it in time.
        let commit = repo.write_commit(tree, &[tip, head], &format!("{what}, for a test\n"))?;
        Subject::new(repo, target, commit, tree, what)
    }

    fn new(
        repo: &Repo,
        target: &str,
        commit: ObjectId,
        tree: ObjectId,
        what: String,
    ) -> Result<Option<Subject>> {
        let tip = repo.commit_of(&format!("refs/heads/{target}"))?.id;
        let loaded = config::load(repo, target)?;
        let subject = |test| Subject {
            target: target.to_owned(),
            tip,
            commit,
            tree,
            what,
            test,
            loaded: loaded.clone(),
        };
        Ok(loaded.config.test().map(subject))
    }

    /// What is on record of it already.
    pub fn known(&self, repo: &Repo) -> Result<Tested> {
        let policy = &self.loaded.config.gate;
        BranchVerdicts::new(repo, policy, &self.target).tested(self.tree, &self.test)
    }

    /// What the repository brings that would be run.
    pub fn brings(&self) -> Vec<Item> {
        trust::config_items(&self.loaded.brought, Purpose::Test)
    }

    /// Runs the test command on it, and records what that came to.
    ///
    /// # Errors
    /// If nothing is trusted that would run, or the setup failed, so that it is unknown.
    pub async fn test(&self, repo: Rc<Repo>, trust: bool, events: &Events, stop: &Stop) -> Result<Outcome> {
        trust::require(&repo, self.brings(), trust)?;
        let trusted = upstream::current_policy_commit(&repo, &self.target)?.unwrap_or(self.tip);
        let (context, way) = CheckoutContext::new(repo, &self.loaded.config, trusted, None, events, stop)?;
        events.progress(format!("sandbox: {}", context.sandbox));
        events.progress(format!("checkouts: {way}"));
        events.progress(format!("testing {}: {}", self.what, self.test.command));
        let commands = [self.test.command.clone()];
        let name = clean_test::name(NAME, &self.tree.to_hex_with_len(12).to_string());
        let (commit, target) = (self.commit, self.target.as_str());
        let testing = Testing { commit, target, commands: &commands, env: &[], name: &name, again: true };
        let outcome = |failure, rewrites| Outcome {
            what: self.what.clone(),
            tree: self.tree.to_string(),
            command: self.test.command.clone(),
            failure,
            rewrites,
        };
        match clean_test::test(&context, testing, events).await? {
            TestEnd::Passed { rewritten } => Ok(outcome(None, rewritten.is_some())),
            TestEnd::Failed(how) => Ok(outcome(Some(how), false)),
            TestEnd::SetupFailed(how) => Err(hint(
                format!("it cannot be tested, since the setup fails: {how}"),
                "correct `setup` under [run] in .zenflow/config.toml",
            )),
            TestEnd::Stopped => Err(Interrupted.into()),
        }
    }
}

fn no_command(target: &str) -> anyhow::Error {
    hint(
        format!("the config of `{target}` has no test command"),
        "add it under [run] in .zenflow/config.toml: verify = \"make test\"",
    )
}
