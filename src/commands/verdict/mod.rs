//! `git flow-ai verdict`: the verdicts on a revision, and whether they hold.

mod let_in;

use super::landing;
use crate::domain::change::Author;
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::verdict::{Severity, Unreadable, Verdict};
use crate::gate::admit::{BranchVerdicts, Effect};
use crate::gate::signing::Proof;
use crate::gate::store::verdicts::{self, AllNotes};
use crate::gate::store::{Commit, Repo, changes, config};
use gix::ObjectId;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// A verdict and whether it holds.
#[derive(Debug, Serialize)]
pub struct ListedVerdict {
    /// What it hangs on.
    pub object: String,
    /// The subject of that commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub holds: bool,
    /// Why it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who signed it, and what that proves.
    pub proof: Proof,
    pub verdict: Verdict,
    /// The severities that block by the policy of its branch.
    #[serde(skip)]
    pub block: Vec<Severity>,
}

/// A line of a note that is no record.
#[derive(Debug, Serialize)]
pub struct UnreadableLine {
    pub object: String,
    pub why: String,
    pub line: String,
}

#[derive(Debug, Serialize)]
pub struct Listing {
    pub verdicts: Vec<ListedVerdict>,
    pub unreadable: Vec<UnreadableLine>,
    /// What else is in the notes and is no note, with its place.
    pub faults: Vec<String>,
    /// How those verdicts are about a revision that none hangs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
}

/// How verdicts are about a commit that they do not hang on.
#[derive(Debug, Serialize)]
pub struct Carried {
    pub commit: String,
    /// The branch whose gate was asked.
    pub branch: String,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The gate lets it in by them.
    LetIn,
    /// It changes nothing, so that it needs none.
    Free,
    /// It was shown to their reviewers with others, and is not the end of what they judged.
    ShownWith,
}

/// The verdicts on the commits of a range, or on a revision and all before it, the newest commit's first;
/// without one, every verdict there is.
pub fn list(repo: &Repo, revision: Option<&str>) -> Result<Listing> {
    let mut found = verdicts::all(repo)?;
    if let Some(revision) = revision {
        keep_range(repo, &mut found, revision)?;
    }
    Listing::new(repo, found)
}

/// The verdicts on a commit, branch or tree; where none hangs on it, those by which the gate lets it in.
pub fn on(repo: &Repo, revision: &str) -> Result<Listing> {
    let listing = hanging_on(repo, revision)?;
    let (true, Ok(commit)) = (listing.verdicts.is_empty(), repo.commit_of(revision)) else {
        return Ok(listing);
    };
    let Ok(branch) = repo.target() else { return Ok(listing) };
    let (how, verdicts) = match let_in::look(repo, &commit, &branch)? {
        let_in::LetIn::By(verdicts) => (How::LetIn, verdicts),
        let_in::LetIn::Free => (How::Free, Vec::new()),
        let_in::LetIn::No => (How::ShownWith, let_in::shown_with(verdicts::all(repo)?, commit.id)),
    };
    if verdicts.is_empty() && how != How::Free {
        return Ok(listing);
    }
    let placed = |verdict: Verdict| (verdict.head_commit.unwrap_or(verdict.head_tree), verdict);
    let found = AllNotes {
        verdicts: verdicts.into_iter().map(placed).collect(),
        unreadable: Vec::new(),
        faults: Default::default(),
    };
    let carried = Carried { commit: commit.id.to_string(), branch, how };
    Ok(Listing { carried: Some(carried), unreadable: listing.unreadable, ..Listing::new(repo, found)? })
}

fn hanging_on(repo: &Repo, revision: &str) -> Result<Listing> {
    let mut found = AllNotes::default();
    for object in objects(repo, revision)? {
        let (verdicts, unreadable) = verdicts::on(repo, object)?;
        found.verdicts.extend(verdicts.into_iter().map(|verdict| (object, verdict)));
        found.unreadable.extend(unreadable.into_iter().map(|line| (object, line)));
    }
    Listing::new(repo, found)
}

/// Where the verdicts on a revision may hang: on the commit, and on its tree.
fn objects(repo: &Repo, revision: &str) -> Result<Vec<ObjectId>> {
    if let Ok(id) = ObjectId::from_hex(revision.as_bytes())
        && repo.commit(id).is_err()
        && repo.tree_of(id).is_ok()
    {
        return Ok(vec![id]);
    }
    let commit = repo.commit_named(revision)?;
    Ok(vec![commit.id, commit.tree])
}

/// Keeps what hangs on these commits or their trees, in the order of the commits.
fn keep_range(repo: &Repo, found: &mut AllNotes, revision: &str) -> Result<()> {
    let commits = commits(repo, revision)?;
    let mut order: HashMap<ObjectId, usize> = HashMap::new();
    for (index, commit) in commits.iter().enumerate() {
        for object in [commit.id, commit.tree] {
            order.entry(object).or_insert(index);
        }
    }
    found.verdicts.retain(|(object, _)| order.contains_key(object));
    found.verdicts.sort_by_key(|(object, _)| order.get(object).copied());
    found.unreadable.retain(|(object, _)| order.contains_key(object));
    found.faults.clear();
    Ok(())
}

fn commits(repo: &Repo, revision: &str) -> Result<Vec<Commit>> {
    let end = |name: &str| repo.commit_named(if name.is_empty() { "HEAD" } else { name });
    let Some((from, to)) = revision.split_once("...").or_else(|| revision.split_once("..")) else {
        return repo.commits_between(None, repo.commit_named(revision)?.id);
    };
    repo.commits_between(Some(end(from)?.id), end(to)?.id)
}

/// The policy of each branch that one of these verdicts was given for; `None` if it cannot be read.
fn policies(repo: &Repo, verdicts: &[(ObjectId, Verdict)]) -> HashMap<String, Option<Policy>> {
    let targets: HashSet<&String> = verdicts.iter().map(|(_, verdict)| &verdict.target).collect();
    targets.into_iter().map(|target| (target.clone(), config::policy(repo, target).ok())).collect()
}

/// What each verdict does among those on the same change for the same branch; `None` if it does not count.
fn effects(
    branches: &HashMap<&str, BranchVerdicts<'_>>,
    verdicts: &[(ObjectId, Verdict)],
) -> Vec<Option<Effect>> {
    let mut changes: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, (_, verdict)) in verdicts.iter().enumerate() {
        changes.entry((verdict.target.as_str(), verdict.base_tree, verdict.head_tree)).or_default().push(at);
    }
    let mut effects = vec![None; verdicts.len()];
    for ((target, _, _), places) in changes {
        let on_change: Vec<Verdict> = places.iter().map(|at| verdicts[*at].1.clone()).collect();
        let found = branches.get(target).and_then(|branch| branch.effects(&on_change).ok());
        for (at, effect) in places.into_iter().zip(found.into_iter().flatten()) {
            effects[at] = effect;
        }
    }
    effects
}

/// Why a verdict on an object of that tree does not hold; `None` if it does.
fn void(
    verdict: &Verdict,
    tree: ObjectId,
    is_of_landing: bool,
    branch: Option<&BranchVerdicts<'_>>,
    effect: Option<Effect>,
    authors: impl FnOnce(&Verdict) -> Vec<Author>,
) -> Option<String> {
    let Some(branch) = branch else { return Some("the policy of its branch cannot be read".into()) };
    if verdict.head_tree != tree && !is_of_landing {
        return Some("it is about another state".into());
    }
    if !branch.policy().protects(&verdict.target) {
        return Some("it was given for a branch that is not protected".into());
    }
    match (branch.void(verdict, &authors(verdict)), effect) {
        (Ok(Some(void)), _) => Some(void.to_string()),
        // The list of those who may sign cannot be read.
        (Err(_), _) => Some("it is not signed as the branch demands".into()),
        (_, Some(Effect::Replaced)) => Some("a newer verdict of its reviewer replaces it".into()),
        (_, Some(Effect::Waived)) => Some("it has been waived since".into()),
        (_, Some(Effect::Overruled)) => Some("a later verdict blocks the change".into()),
        (_, Some(Effect::Approves | Effect::Blocks | Effect::Waives) | None) => None,
    }
}

/// Leaves out the copy of a verdict that hangs on the tree, where the one on the commit is here too.
fn once(mut found: AllNotes) -> AllNotes {
    let key = |verdict: &Verdict| (verdict.head_commit, verdict.reviewer.name.clone(), verdict.time);
    let is_copy =
        |on: &ObjectId, verdict: &Verdict| verdict.head_commit.is_some() && verdict.head_tree == *on;
    let originals: HashSet<_> = found
        .verdicts
        .iter()
        .filter(|(on, verdict)| !is_copy(on, verdict))
        .map(|(_, verdict)| key(verdict))
        .collect();
    found.verdicts.retain(|(on, verdict)| !is_copy(on, verdict) || !originals.contains(&key(verdict)));
    found
}

impl Listing {
    fn new(repo: &Repo, found: AllNotes) -> Result<Listing> {
        let found = once(found);
        let policies = policies(repo, &found.verdicts);
        let branches: HashMap<&str, BranchVerdicts<'_>> = policies
            .iter()
            .filter_map(|(name, policy)| {
                Some((name.as_str(), BranchVerdicts::new(repo, policy.as_ref()?, name)))
            })
            .collect();
        let effects = effects(&branches, &found.verdicts);
        // Many records are about the same change, and its commits may be many.
        let mut known: HashMap<(Option<ObjectId>, ObjectId), Vec<Author>> = HashMap::new();
        let mut authors = |verdict: &Verdict| {
            let own = known.entry((verdict.head_commit, verdict.base_tree));
            own.or_insert_with(|| changes::authors_of(repo, verdict).unwrap_or_default()).clone()
        };
        let listed = |((on, verdict), effect): ((ObjectId, Verdict), Option<Effect>)| {
            let commit = repo.commit(on).ok();
            let branch = branches.get(verdict.target.as_str());
            let tree = commit.as_ref().map_or(on, |commit| commit.tree);
            let is_of_landing = verdict.head_tree != tree
                && verdict.head_commit == Some(on)
                && landing::is_of_landing(repo, &verdict).unwrap_or_default();
            let why = void(&verdict, tree, is_of_landing, branch, effect, &mut authors);
            Ok(ListedVerdict {
                object: on.to_string(),
                subject: commit.map(|commit| commit.subject().to_owned()),
                holds: why.is_none(),
                why,
                proof: branch
                    .map_or_else(|| Proof::new(repo, None, &verdict), |branch| branch.proof(&verdict))?,
                block: branch.map(|branch| branch.policy().block.clone()).unwrap_or_default(),
                verdict,
            })
        };
        let unreadable = |(on, Unreadable { line, why }): (ObjectId, Unreadable)| UnreadableLine {
            object: on.to_string(),
            why,
            line,
        };
        Ok(Listing {
            verdicts: found.verdicts.into_iter().zip(effects).map(listed).collect::<Result<_>>()?,
            unreadable: found.unreadable.into_iter().map(unreadable).collect(),
            carried: None,
            faults: found.faults.into_iter().collect(),
        })
    }
}
