//! What git's hooks ask: may this go on?
//!
//! `reference-transaction` is the fence: it sees nearly every way a branch can move. At `ORIG_HEAD` it
//! comes before a merge or pull has touched anything, so a refusal leaves nothing to undo, and only
//! `ORIG_HEAD` is locked: the one place, besides `pre-merge-commit`, where a missing review may be had
//! on the spot. At the branch itself everything is locked: there a verdict is looked up, never made.
//! `pre-merge-commit`, `pre-commit`, `pre-rebase` and `pre-push` refuse the same things earlier, with
//! better words. `pre-receive` and `update` are a server's, which its pushers cannot switch off.

mod commit;
mod hints;
mod independence;
mod names;
mod notes;
mod other_text;
mod policies;
mod push;
mod rebase;
mod receive;
pub mod review;
mod transaction;
mod way_back;

use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::verdict::Verdict;
use crate::gate::admit::{self, Candidate, New, Refusal, Ruling};
use crate::gate::store::{Repo, upstream};
pub(crate) use notes::LOSES;
use review::Pending;

#[derive(Debug)]
pub enum HookAnswer {
    Pass,
    Refuse(Refused),
    /// It has not been judged yet, and here a rival may be asked: see [`review::settle`].
    Review(Box<Pending>),
}

/// Why git is stopped, and what a person can do about it.
#[derive(Debug)]
pub struct Refused {
    pub why: String,
    /// The verdicts that block it, with their findings.
    pub blocking: Vec<Verdict>,
    /// What to do, one sentence each.
    pub fix: Vec<String>,
}

/// What a person was about to do, which decides what a refusal says and whether to ask a rival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before a merge or pull has touched anything.
    BeforeMerge,
    /// Before a rebase has touched anything.
    BeforeRebase,
    /// A merge that is made, and not committed yet.
    MergeCommit,
    /// A commit on the branch itself, or one that concludes a merge.
    Commit,
    /// The branch itself moves.
    Move,
    /// A push to the branch on a remote.
    Push,
    /// A push has arrived at the server, and no ref of it has moved.
    Receive,
    /// `git flow-ai merge`, before anything is done.
    FlowMerge,
}

impl Moment {
    /// Whether nothing is locked that others need, so that a review may take its time.
    fn may_wait(self) -> bool {
        !matches!(self, Moment::Commit | Moment::Move | Moment::Push | Moment::Receive)
    }
}

/// Answers a hook by looking only: `args` are the hook's own, `input` is what git writes to it.
/// Hooks that we do not know pass, so that an older program never stops a newer git.
pub fn ask(name: &str, args: &[String], input: impl std::io::Read) -> Result<HookAnswer> {
    match name {
        "reference-transaction" => transaction::ask(args, input),
        "pre-merge-commit" => commit::ask(Moment::MergeCommit),
        "pre-commit" => commit::ask(Moment::Commit),
        "pre-rebase" => rebase::ask(args),
        "pre-push" => push::ask(args, input),
        "pre-receive" => receive::all(input),
        "update" => receive::one(args),
        _ => Ok(HookAnswer::Pass),
    }
}

/// Asks the gate, and makes an answer of its ruling.
pub(crate) fn decide(repo: Repo, candidate: Candidate, moment: Moment) -> Result<HookAnswer> {
    match admit::policy_for(&repo, &candidate)? {
        Some(policy) => decide_under(repo, candidate, policy, moment),
        None => Ok(HookAnswer::Pass),
    }
}

/// The same under a given policy.
fn decide_under(repo: Repo, candidate: Candidate, policy: Policy, moment: Moment) -> Result<HookAnswer> {
    match admit::admit_under(&repo, &candidate, &policy)? {
        Ruling::Allow(verdicts) => Ok(match other_text::refusal(&repo, &candidate, &verdicts, moment)? {
            Some(refused) => HookAnswer::Refuse(refused),
            None => HookAnswer::Pass,
        }),
        Ruling::Refuse(refusal) => {
            let waits = moment.may_wait() && policy.review_on_merge && !is_inside_agent();
            match &refusal.missing {
                Some(missing) if waits && refusal.blocking.is_empty() && !refusal.wants_person => {
                    let missing = missing.clone();
                    Ok(HookAnswer::Review(Box::new(Pending { repo, candidate, policy, missing, moment })))
                }
                _ => Ok(HookAnswer::Refuse(refused(&repo, &candidate, &policy, refusal, moment)?)),
            }
        }
    }
}

/// An agent or reviewer of ours that moves the branch must not start another review.
fn is_inside_agent() -> bool {
    std::env::var_os("GIT_FLOW_AI_MODE").is_some()
}

/// The refusal in words for people.
fn refused(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    refusal: Refusal,
    moment: Moment,
) -> Result<Refused> {
    let branch = &candidate.branch;
    let what = match moment {
        Moment::BeforeMerge => format!("this merge into `{branch}` is refused, and nothing was touched"),
        Moment::BeforeRebase => format!("this rebase of `{branch}` is refused, and nothing was touched"),
        Moment::MergeCommit => format!("this merge into `{branch}` is refused"),
        Moment::Commit => format!("this commit to `{branch}` is refused"),
        Moment::Move => format!("`{branch}` may not move to this"),
        Moment::Push | Moment::Receive => format!("this push to `{branch}` is refused"),
        Moment::FlowMerge => format!("the merge into `{branch}` is refused, and nothing was touched"),
    };
    let mut ways = Vec::new();
    match (&refusal.missing, refusal.blocking.is_empty()) {
        _ if !refusal.fix.is_empty() => {
            if let Some(way) = hints::as_one_step(repo, candidate, policy, moment)? {
                return Ok(Refused {
                    why: format!("{what}: {}", refusal.why),
                    blocking: Vec::new(),
                    fix: vec![way],
                });
            }
            ways.extend(refusal.fix);
        }
        (Some(missing), true) if refusal.wants_person => {
            ways.push(hints::approval(repo, candidate, missing, moment)?)
        }
        // It is approved already: what is missing comes with the push that the server names.
        (Some(_), true) if refusal.is_elsewhere && moment == Moment::Receive => {}
        (missing, false) => {
            ways.push("mend what is found, then have it judged again".to_owned());
            if let Some(missing) = missing {
                ways.extend(hints::again(repo, candidate, policy, (missing, &refusal.blocking), moment)?);
            }
        }
        (Some(missing), true) => match hints::picks(repo, candidate).filter(|_| moment == Moment::Move) {
            Some(picks) => ways.push(picks),
            None => ways.push(hints::verdict(repo, candidate, policy, missing, moment)?),
        },
        (None, true) => ways
            .push(format!("only add to `{branch}`: make the change on a branch of its own and merge that")),
    }
    if let Some(missing) = &refusal.missing {
        ways.extend(hints::waiver(repo, candidate, policy, missing, moment)?);
    }
    ways.extend(way_back::back(repo, candidate, moment));
    Ok(Refused { why: format!("{what}: {}", refusal.why), blocking: refusal.blocking, fix: ways })
}

/// The branch that HEAD is on, as it stands; none when detached, without a commit, or unprotected.
fn guarded(repo: &Repo) -> Result<Option<Candidate>> {
    match repo.head_ref()?.as_deref().and_then(|head| head.strip_prefix("refs/heads/")) {
        Some(branch) => guarded_branch(repo, branch),
        None => Ok(None),
    }
}

/// That branch as it stands; none where there is none, or nothing protects it.
fn guarded_branch(repo: &Repo, branch: &str) -> Result<Option<Candidate>> {
    let Some(old) = repo.find_ref(&format!("refs/heads/{branch}"))? else { return Ok(None) };
    let branch = names::protected(repo, branch, old)?;
    let accepted = upstream::accepted(repo, &branch)?;
    let candidate = Candidate { branch, old, new: New::Commit(old), accepted };
    Ok(admit::policy_for(repo, &candidate)?.map(|_| candidate))
}
