//! A spec's result goes into the target branch, through the same gate as everything else.
//!
//! The gate is asked before anything is touched, and once more by git's own hooks while `git merge`
//! runs; so nothing here can let in what a plain `git merge` would not. A merge that cannot be clean
//! is refused beforehand, and one that breaks off is taken back.

use crate::commands::documents::{self, Stage};
use crate::commands::hook::{self, HookAnswer, Moment, Refused};
use crate::commands::run::Lock;
use crate::commands::status;
use crate::commands::test::Subject;
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::spec::{Slug, Spec};
use crate::domain::text::shell::command_line;
use crate::domain::verdict::Verdict;
use crate::gate::admit::{self, Candidate, New, Ruling, Tested};
use crate::gate::store::{Intent, Repo, changes::trailer, specs, upstream};
use crate::system::git::{self, lock_file::LockFile};
use anyhow::Context;
use gix::ObjectId;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A merge that could be made.
#[derive(Debug)]
pub struct Proposal {
    pub spec: Spec,
    /// The branch that it goes to.
    pub target: String,
    /// The tip of that branch.
    pub old: ObjectId,
    /// The tip of the result.
    pub head: ObjectId,
    /// The worktree in which the branch is checked out.
    pub worktree: PathBuf,
}

#[derive(Debug, Serialize)]
pub struct Merged {
    pub spec: String,
    /// The branch that it went to.
    pub target: String,
    /// The branch's tip now.
    pub commit: String,
    pub reviewers: Vec<String>,
    /// Whether it was in already.
    pub already: bool,
}

#[derive(Debug)]
pub enum MergeState {
    /// It can be asked for.
    Ready(Box<Proposal>),
    /// It was made before.
    Done(Merged),
}

/// What would be merged: the spec named, else the only one whose result is ready. An error says what
/// has to be done first.
pub fn find(repo: &Repo, slug: Option<&Slug>) -> Result<MergeState> {
    let slug = match slug {
        Some(slug) => slug.clone(),
        None => only_ready(repo)?,
    };
    let spec = specs::read(repo, &slug)?;
    let target = repo.target()?;
    let old = repo.commit_of(&format!("refs/heads/{target}"))?.id;
    let Some(head) = repo.find_ref(&slug.result_ref())? else {
        return Err(hint(format!("`{slug}` has no result yet"), next(repo, &spec)?));
    };
    if repo.is_ancestor(head, old)? {
        let commit = old.to_string();
        return Ok(MergeState::Done(Merged {
            spec: slug.to_string(),
            target,
            commit,
            reviewers: Vec::new(),
            already: true,
        }));
    }
    refuse_unfinished(repo, &spec)?;
    refuse_stale(repo, &spec)?;
    let worktree = worktree_of(repo, &target)?;
    Ok(MergeState::Ready(Box::new(Proposal { spec, target, old, head, worktree })))
}

/// Asks the gate about it, without touching anything.
pub fn ask(repo: Repo, proposal: &Proposal) -> Result<HookAnswer> {
    let Proposal { target, old, head, .. } = proposal;
    let Some(tree) = admit::predict(&repo, *old, &[*head])? else {
        let result = proposal.spec.slug.result_ref();
        let result = result.trim_start_matches("refs/heads/");
        return Ok(HookAnswer::Refuse(Refused {
            why: format!("`{result}` conflicts with `{target}`, and nothing was touched"),
            blocking: Vec::new(),
            fix: vec![command_line!(
                "resolve it on the result, and have that judged: git switch {} && git merge {}",
                result,
                target
            )],
        }));
    };
    let candidate = candidate(&repo, proposal, tree)?;
    hook::decide(repo, candidate, Moment::FlowMerge)
}

/// What has to be tested before the merge; `None` if nothing tests it, or the record says already that it passes.
pub fn untested(repo: &Repo, proposal: &Proposal) -> Result<Option<Subject>> {
    let result = proposal.spec.slug.result_ref();
    let name = result.trim_start_matches("refs/heads/");
    let Some(subject) = Subject::landing(repo, &proposal.target, proposal.head, name)? else {
        return Ok(None);
    };
    Ok(match subject.known(repo)? {
        Tested::Passed(_) => None,
        Tested::Unknown | Tested::Failed(_) => Some(subject),
    })
}

/// The refusal of a merge whose test failed.
pub fn failed(proposal: &Proposal, failure: &str) -> Refused {
    let (slug, target) = (&proposal.spec.slug, &proposal.target);
    let result = format!("flow/{slug}/result");
    Refused {
        why: format!("the merge into `{target}` fails its test, and nothing was touched: {failure}"),
        blocking: Vec::new(),
        fix: vec![
            command_line!(
                "correct it on the result, and have that judged: git switch {} && git merge {}",
                result,
                target
            ),
            command_line!(
                "if the test was wrong, run it again: git flow-ai test {} --onto {}",
                result,
                target
            ),
        ],
    }
}

/// Makes the merge with git itself, hooks included. What breaks off is taken back.
pub fn merge(repo: &Repo, proposal: &Proposal) -> Result<Merged> {
    let Proposal { spec, target, old, head, worktree } = proposal;
    let _alone = Lock::take_merge(repo)?;
    // What breaks off below is taken back; a person's own merge must not be.
    if is_merging(worktree)? {
        return Err(hint(
            format!("another merge is under way in {}", worktree.display()),
            "conclude it with git commit, or give it up with git merge --abort",
        ));
    }
    let verdicts = match admit::predict(repo, *old, &[*head])? {
        Some(tree) => match admit::admit(repo, &candidate(repo, proposal, tree)?)? {
            Ruling::Allow(verdicts) => verdicts,
            Ruling::Refuse(_) => Vec::new(),
        },
        None => Vec::new(),
    };
    let mut command = git::command(worktree);
    // All that a person may have configured for merges of this branch is overruled, but for hooks and
    // signing. The full name, because a tag of the short one would go before the branch.
    command.args(["merge", "--no-ff", "--commit", "--no-squash", "-m", &message(spec, &verdicts)]);
    let full = format!("refs/heads/{target}");
    let merged = {
        let intent = Intent::new(repo, [full.as_str()]);
        intent.hand_to(&mut command);
        git::output(command.arg(spec.slug.result_ref()))
    };
    if let Err(error) = merged {
        if let Some(lock) = index_lock(worktree)? {
            let fix = format!("{}; then {}", lock.fix(), command_line!("git flow-ai merge {}", spec.slug));
            return Err(hint_on(
                error,
                format!("`{}` was not merged into `{target}`: {lock}", spec.slug),
                fix,
            ));
        }
        if is_merging(worktree)? {
            git::output(git::command(worktree).args(["merge", "--abort"]))?;
        }
        return Err(hint_on(
            error,
            format!("git did not merge `{}` into `{target}`; everything is as it was", spec.slug),
            command_line!("see what git says, then again: git flow-ai merge {}", spec.slug),
        ));
    }
    let commit = repo.find_ref(&full)?.context("the target branch is gone")?;
    Ok(Merged {
        spec: spec.slug.to_string(),
        target: target.clone(),
        commit: commit.to_string(),
        reviewers: verdicts.iter().map(reviewer).collect(),
        already: false,
    })
}

/// What the gate is asked: the same as the hooks will ask.
fn candidate(repo: &Repo, proposal: &Proposal, tree: ObjectId) -> Result<Candidate> {
    let new = New::Tree { tree, heads: vec![proposal.head] };
    let accepted = upstream::accepted(repo, &proposal.target)?;
    Ok(Candidate { branch: proposal.target.clone(), old: proposal.old, new, accepted })
}

/// The only spec whose result waits to be merged.
fn only_ready(repo: &Repo) -> Result<Slug> {
    // Why no verdict can be counted, the merge itself says.
    let (all, _) = status::all(repo)?;
    let is_ready = |spec: &&status::Overview| {
        use status::Stage::{Failing, Mergeable, NeedsPerson, Rejected, Unjudged};
        matches!(spec.stage, Unjudged | NeedsPerson | Rejected | Failing { .. } | Mergeable)
    };
    let ready: Vec<&str> = all.iter().filter(is_ready).map(|spec| spec.slug.as_str()).collect();
    match ready[..] {
        [only] => only.parse(),
        [] => Err(hint("no spec has a result to merge", "git flow-ai status says what comes next")),
        _ => Err(hint(
            format!("several specs have a result to merge: {}", ready.join(", ")),
            command_line!("name one: git flow-ai merge {}", ready[0]),
        )),
    }
}

/// A spec with open tasks or unapproved documents is not merged.
fn refuse_unfinished(repo: &Repo, spec: &Spec) -> Result<()> {
    let status = documents::step_of(repo, spec)?;
    let what = match &status.stage {
        Stage::Done => return Ok(()),
        Stage::Implementation(tasks) => {
            format!("tasks of `{}` are not done: {}", spec.slug, tasks.join(", "))
        }
        Stage::Document(at) => match status.documents.get(*at) {
            Some(document) => {
                format!("{} of `{}` is {}", document.document, spec.slug, document.state.as_str())
            }
            None => format!("a document of `{}` is not settled", spec.slug),
        },
    };
    Err(hint(what, status.next.first().map_or("git flow-ai status", String::as_str)))
}

/// Work that was made from another text than the one that was approved is not merged.
fn refuse_stale(repo: &Repo, spec: &Spec) -> Result<()> {
    match &documents::stale_of(repo, spec)?[..] {
        [] => Ok(()),
        stale => Err(hint(
            format!(
                "what was made of `{}` was made from another text than the one that is approved now: {}",
                spec.slug,
                stale.join(", ")
            ),
            command_line!("git flow-ai run {} does it again; --accept TASK keeps a task as it is", spec.slug),
        )),
    }
}

fn next(repo: &Repo, spec: &Spec) -> Result<String> {
    let next = documents::step_of(repo, spec)?.next.into_iter().next();
    Ok(next.unwrap_or_else(|| command_line!("git flow-ai run {}", spec.slug)))
}

/// Where the target is checked out: here, or in another worktree.
fn worktree_of(repo: &Repo, target: &str) -> Result<PathBuf> {
    let wanted = format!("refs/heads/{target}");
    if repo.head_ref()?.is_some_and(|head| head == wanted)
        && let Some(here) = repo.work_dir()
    {
        return Ok(here.to_owned());
    }
    let list = git::output(git::command(repo.common_dir()).args(["worktree", "list", "--porcelain"]))?;
    let mut path = None;
    for line in list.lines() {
        if let Some(found) = line.strip_prefix("worktree ") {
            path = Some(PathBuf::from(found));
        } else if line.strip_prefix("branch ") == Some(&wanted)
            && let Some(path) = path.take_if(|path| path.exists())
        {
            return Ok(path);
        }
    }
    Err(hint(format!("`{target}` is not checked out anywhere"), command_line!("git switch {}", target)))
}

/// The lock on the index of a worktree, if it is there.
fn index_lock(worktree: &Path) -> Result<Option<LockFile>> {
    let dir = git::output(git::command(worktree).args(["rev-parse", "--absolute-git-dir"]))?;
    let dir = PathBuf::from(dir);
    Ok(LockFile::find(&dir.join("index.lock"), &[worktree, &dir]))
}

/// Whether a merge is under way there.
fn is_merging(worktree: &Path) -> Result<bool> {
    let head = git::command(worktree).args(["rev-parse", "--verify", "--quiet", "MERGE_HEAD"]).output();
    Ok(head.context("git cannot be asked whether a merge is under way")?.status.success())
}

fn message(spec: &Spec, verdicts: &[Verdict]) -> String {
    let mut message =
        format!("Merge spec '{}': {}\n\n{}: {}\n", spec.slug, spec.title, trailer::SPEC, spec.slug);
    for verdict in verdicts {
        message.push_str(&format!("Reviewed-by-model: {}\n", reviewer(verdict)));
    }
    message
}

/// The reviewer in one line, whatever its name holds.
fn reviewer(verdict: &Verdict) -> String {
    let who = format!("{} ({})", verdict.reviewer.name, verdict.reviewer.vendor);
    who.chars().filter(|c| !c.is_control()).collect()
}
