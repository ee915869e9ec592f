//! One protected branch, compared with its receipt.
//!
//! The way from there may have been made in several updates, each under the policy before it, and
//! nobody wrote down where one ended. Under one policy that makes no difference to the gate. So the way
//! is cut only where the policy changes, and is covered if some choice of these cuts is.

use super::way;
use crate::commands::init::configured_name;
use crate::commands::receipts;
use crate::domain::error::Result;
use crate::domain::text::shell::{Part, command_line};
use crate::gate::admit::{self, Candidate, Explanation, New, Ruling};
use crate::gate::check::CommitSummary;
use crate::gate::store::reflog::{self, Move};
use crate::gate::store::{Repo, trees, upstream};
use crate::system::git;
use gix::ObjectId;
use jiff::Timestamp;
use serde::Serialize;

/// How many changes of the policy are thought of as ends of updates.
const CUTS: usize = 8;
/// How far the way is searched for them.
const LONGEST: usize = 10_000;

/// How a branch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BranchState {
    /// Where the gate last let it be.
    Admitted,
    /// Further, and verdicts cover all of the way.
    Covered,
    /// Where the guarding remote has let it be.
    Accepted,
    /// Not known before: from here on it is.
    Begun,
    /// Something came in past the gate.
    PastTheGate,
    /// It has lost commits that were in.
    Rewound,
    /// It is only another name for another ref, and moves with that.
    Symbolic,
    Gone,
    /// Its tip is shown as something else by a replace ref.
    Replaced,
    /// It could not be determined.
    #[serde(rename = "cannot-tell")]
    Unknown,
}

impl BranchState {
    /// Whether a person has to look.
    pub fn is_wrong(&self) -> bool {
        use BranchState::{Gone, PastTheGate, Replaced, Rewound, Symbolic};
        matches!(self, PastTheGate | Rewound | Symbolic | Gone | Replaced)
    }
}

/// What was found out about a branch.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedBranch {
    pub branch: String,
    pub state: BranchState,
    pub says: String,
    pub tip: Option<String>,
    /// The last tip that the gate has let in, or knows of.
    pub admitted: Option<String>,
    /// The commits that came in past the gate, or got lost, oldest first.
    pub commits: Vec<CommitSummary>,
    /// How it moved since, as far as git wrote it down.
    pub moves: Vec<BranchMove>,
    /// What to do, one sentence or command each.
    pub fix: Vec<String>,
}

/// Who moved the branch.
#[derive(Debug, Clone, Serialize)]
pub struct BranchMove {
    /// Name and address, as their git was configured.
    pub who: String,
    pub when: String,
    pub what: String,
    pub to: String,
}

impl VerifiedBranch {
    pub(super) fn new(branch: String, state: BranchState) -> VerifiedBranch {
        VerifiedBranch {
            branch,
            state,
            says: String::new(),
            tip: None,
            admitted: None,
            commits: Vec::new(),
            moves: Vec::new(),
            fix: Vec::new(),
        }
    }
}

/// Compares a branch with its receipt, and moves that on where all is well.
pub(super) fn verify(repo: &Repo, branch: &str) -> Result<VerifiedBranch> {
    let receipt = repo.find_ref(&receipts::name(branch))?;
    let Some(tip) = repo.find_ref(&receipts::head(branch))? else { return Ok(gone(branch, receipt)) };
    let admitted = receipt.map_or_else(|| receipts::start(repo, branch, tip), Ok)?;
    let found = |state, says: String| VerifiedBranch {
        says,
        tip: Some(tip.to_string()),
        admitted: Some(admitted.to_string()),
        ..VerifiedBranch::new(branch.to_owned(), state)
    };
    if let Some(other) = repo.symbolic_target(&receipts::head(branch))? {
        let says = format!("`{branch}` is only another name for {other}, and moves with it unseen");
        let put_back = command_line!(
            "make it a branch again: git symbolic-ref --delete refs/heads/{} && git branch {} {}",
            branch,
            branch,
            admitted
        );
        return Ok(VerifiedBranch { fix: vec![put_back], ..found(BranchState::Symbolic, says) });
    }
    let well = match compare(repo, branch, admitted, tip)? {
        Movement::Admitted(state) if receipt.is_none() && tip == admitted => {
            let says = format!("`{branch}` is watched from here on, at {}", short(tip));
            receipts::write(repo, branch, None, tip)?;
            return Ok(found(if state == BranchState::Admitted { BranchState::Begun } else { state }, says));
        }
        Movement::Admitted(state) => state,
        Movement::Lost => return rewound(repo, branch, admitted, tip, found),
        Movement::PastGate { from, parts } => {
            if receipt != Some(from) {
                receipts::write(repo, branch, receipt, from)?;
            }
            return past(repo, branch, from, tip, parts, found);
        }
    };
    if receipt != Some(tip) {
        receipts::write(repo, branch, receipt, tip)?;
    }
    let says = match well {
        BranchState::Covered => format!("verdicts cover what came into `{branch}` since {}", short(admitted)),
        BranchState::Accepted => format!("`{branch}` is where its remote has accepted it"),
        _ => format!("`{branch}` is where the gate let it be, at {}", short(tip)),
    };
    Ok(found(well, says))
}

/// How a branch came from its receipt to its tip.
pub(super) enum Movement {
    /// By the gate, or its remote's.
    Admitted(BranchState),
    /// Commits of the receipt are in it no more.
    Lost,
    PastGate {
        /// How far it came by it.
        from: ObjectId,
        /// What came after that, with what is not covered.
        parts: Vec<admit::Part>,
    },
}

/// Asks the gate about the way from one tip to another.
pub(super) fn compare(repo: &Repo, branch: &str, admitted: ObjectId, tip: ObjectId) -> Result<Movement> {
    if tip == admitted {
        return Ok(Movement::Admitted(BranchState::Admitted));
    }
    let accepted = upstream::accepted(repo, branch)?;
    if let Some(accepted) = accepted
        && repo.is_ancestor(tip, accepted)?
    {
        return Ok(Movement::Admitted(BranchState::Accepted));
    }
    let builds_on_accepted = match accepted {
        Some(accepted) => repo.is_ancestor(accepted, tip)?,
        None => false,
    };
    if !builds_on_accepted && !repo.is_ancestor(admitted, tip)? {
        let is_free = !receipts::protects(repo, branch, admitted)?;
        return Ok(if is_free { Movement::Admitted(BranchState::Covered) } else { Movement::Lost });
    }
    // What the remote has accepted since needs no verdict here.
    let start = match accepted.filter(|_| builds_on_accepted) {
        Some(accepted) if repo.is_ancestor(admitted, accepted)? => accepted,
        _ => admitted,
    };
    let came_to = way::follow(repo, branch, accepted, start, tip)?;
    if came_to == tip {
        return Ok(Movement::Admitted(BranchState::Covered));
    }
    let from = if came_to == start { admitted } else { came_to };
    whole(repo, branch, accepted, from, tip)
}

/// The same where the updates may have been longer, or no first-parent line leads there.
fn whole(
    repo: &Repo,
    branch: &str,
    accepted: Option<ObjectId>,
    admitted: ObjectId,
    tip: ObjectId,
) -> Result<Movement> {
    let way = |old, new| Candidate { branch: branch.to_owned(), old, new: New::Commit(new), accepted };
    let cuts = cuts(repo, admitted, tip)?;
    let mut reached = vec![admitted];
    let mut at = 0;
    while let Some(old) = reached.get(at).copied() {
        at += 1;
        let later = cuts.iter().skip_while(|cut| old != admitted && **cut != old);
        for new in later.copied().filter(|new| *new != old) {
            let pass = enters(repo, &way(old, new), old == admitted)?;
            if pass != Admission::No && !reached.contains(&new) {
                reached.push(new);
            }
            // What came while nothing was protected ends where something began to be.
            if pass == Admission::Free {
                break;
            }
        }
        if reached.contains(&tip) {
            return Ok(Movement::Admitted(BranchState::Covered));
        }
    }
    // From the last of these on, what is not covered is told.
    let last = cuts.iter().rev().find(|cut| reached.contains(*cut)).copied().unwrap_or(admitted);
    let rest = way(last, tip);
    let policy = admit::policy_for(repo, &rest)?.unwrap_or_default();
    Ok(Movement::PastGate { from: last, parts: admit::explain(repo, &rest, &policy)? })
}

/// Whether one update would have been let in. Only at the receipt must the policy be readable: that it
/// is not in the middle is one way less.
fn enters(repo: &Repo, candidate: &Candidate, first: bool) -> Result<Admission> {
    let policy = match admit::policy_for(repo, candidate) {
        Err(_) if !first => return Ok(Admission::No),
        policy => policy?,
    };
    let Some(policy) = policy else { return Ok(Admission::Free) };
    Ok(match admit::admit_under(repo, candidate, &policy)? {
        Ruling::Allow(_) => Admission::Allowed,
        Ruling::Refuse(_) => Admission::No,
    })
}

/// What the gate says to one update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    No,
    Allowed,
    /// Nothing was protected then.
    Free,
}

/// The commits on the way that change the config, oldest first, and the tip itself.
fn cuts(repo: &Repo, admitted: ObjectId, tip: ObjectId) -> Result<Vec<ObjectId>> {
    let config = |commit: ObjectId| trees::file(repo, repo.tree_of(commit)?, crate::domain::config::PATH);
    let mut line = Vec::new();
    for commit in repo.first_parents(tip, admitted).take(LONGEST) {
        line.push(commit?);
    }
    let mut cuts = Vec::new();
    let is_line = line.last().is_some_and(|oldest| oldest.parents.first() == Some(&admitted));
    let mut before = config(admitted)?;
    for commit in line.iter().rev().filter(|_| is_line) {
        let now = config(commit.id)?;
        if now != before {
            cuts.push(commit.id);
        }
        before = now;
    }
    cuts.truncate(CUTS);
    cuts.retain(|cut| *cut != tip);
    cuts.push(tip);
    Ok(cuts)
}

fn gone(branch: &str, receipt: Option<ObjectId>) -> VerifiedBranch {
    let fix = receipt.map(|tip| {
        vec![
            command_line!("make it again: git branch {} {}", branch, tip),
            command_line!("or, if it is gone for good: git update-ref -d {}", receipts::name(branch)),
        ]
    });
    VerifiedBranch {
        says: format!("`{branch}` is gone"),
        admitted: receipt.map(|tip| tip.to_string()),
        fix: fix.unwrap_or_default(),
        ..VerifiedBranch::new(branch.to_owned(), BranchState::Gone)
    }
}

fn rewound(
    repo: &Repo,
    branch: &str,
    admitted: ObjectId,
    tip: ObjectId,
    found: impl Fn(BranchState, String) -> VerifiedBranch,
) -> Result<VerifiedBranch> {
    let lost = repo.commits_between(Some(tip), admitted)?;
    let says = format!(
        "`{branch}` has lost {} that the gate had let in: {} is not part of it any more",
        counted(lost.len()),
        short(admitted)
    );
    let meant = command_line!("or, if that is meant: git update-ref {} {}", receipts::name(branch), tip);
    Ok(VerifiedBranch {
        commits: lost.iter().rev().map(CommitSummary::new).collect(),
        moves: moves(repo, branch, admitted, tip)?,
        fix: vec![put_back(repo, branch, admitted)?, meant],
        ..found(BranchState::Rewound, says)
    })
}

fn past(
    repo: &Repo,
    branch: &str,
    admitted: ObjectId,
    tip: ObjectId,
    parts: Vec<admit::Part>,
    found: impl Fn(BranchState, String) -> VerifiedBranch,
) -> Result<VerifiedBranch> {
    let (mut commits, mut fix) = (Vec::new(), Vec::new());
    for part in parts {
        let Explanation::Stays(refusal) = part.explanation else { continue };
        for id in part.commits {
            commits.push(CommitSummary::new(&repo.commit(id)?));
        }
        if let Some(missing) = refusal.missing
            && let (Some(base), Some(head)) = (missing.base, missing.head)
        {
            let range = format!("{}..{}", short(base), short(head));
            fix.push(command_line!("have it judged: git flow-ai review {} --target {}", range, branch));
        }
    }
    let says = format!("{} came into `{branch}` past the gate", counted(commits.len()));
    fix.push(format!("or {}", put_back(repo, branch, admitted)?));
    let moves = moves(repo, branch, admitted, tip)?;
    let admitted = Some(admitted.to_string());
    Ok(VerifiedBranch { admitted, commits, moves, fix, ..found(BranchState::PastTheGate, says) })
}

/// How the branch is put where it was. The gate lets no branch lose commits, so this must pass it.
fn put_back(repo: &Repo, branch: &str, admitted: ObjectId) -> Result<String> {
    let is_here = repo.head_ref()?.as_deref() == Some(&receipts::head(branch)) && repo.work_dir().is_some();
    let how = match is_here {
        true => command_line!("reset --keep {}", admitted),
        false => command_line!("branch -f {} {}", branch, admitted),
    };
    let mut past = "-c core.hooksPath=/dev/null".to_owned();
    // Hooks that git's config names do not go by that path.
    if git::version()? >= (2, 54) {
        past.push_str(&command_line!(" -c hook.{}.enabled=false", configured_name("reference-transaction")));
    }
    let (past, how) = (Part(&past), Part(&how));
    Ok(command_line!("put it back, past the hooks, which let no branch lose commits: git {} {}", past, how))
}

/// The moves since the receipt; a last one that is not the tip's is told, since then git did not do it.
fn moves(repo: &Repo, branch: &str, admitted: ObjectId, tip: ObjectId) -> Result<Vec<BranchMove>> {
    let all = reflog::read(repo, &receipts::head(branch))?;
    let since = all.iter().rposition(|line| line.to == admitted).map_or(0, |at| at + 1);
    let mut moves: Vec<BranchMove> = all[since..].iter().map(mover).collect();
    if all.last().is_none_or(|last| last.to != tip) {
        moves.push(BranchMove {
            who: "nobody that git knows of".into(),
            when: String::new(),
            what: "written without git, or without its reflog".into(),
            to: tip.to_string(),
        });
    }
    Ok(moves)
}

fn mover(line: &Move) -> BranchMove {
    let when = Timestamp::from_second(line.time).map(|time| time.to_string()).unwrap_or_default();
    BranchMove { who: line.who.clone(), when, what: line.what.clone(), to: line.to.to_string() }
}

fn counted(commits: usize) -> String {
    format!("{commits} commit{}", if commits == 1 { "" } else { "s" })
}

fn short(id: ObjectId) -> String {
    id.to_hex_with_len(10).to_string()
}
