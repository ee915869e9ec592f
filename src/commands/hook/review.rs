//! A review during the merge: it waits while a rival reads what has not been judged yet.
//!
//! The verdict is recorded before the gate is asked again, so that a merge that is stopped in between
//! costs no second review. Whatever the reviewer says, the gate decides.

use super::{Moment, Refused, refused};
use crate::agents::trust::{self, Purpose};
use crate::commands::landing;
use crate::commands::review::{self, Intent, Request, ReviewOutcome};
use crate::domain::change::Change;
use crate::domain::error::{self, Interrupted, Result};
use crate::domain::event::Events;
use crate::domain::policy::Policy;
use crate::domain::spec::Slug;
use crate::gate::admit::{self, Candidate, Missing, New, Ruling};
use crate::gate::store::{Repo, changes, config, specs};
use crate::system::process::stop::Stop;
use gix::ObjectId;

/// How many different changes are judged for one merge, before it is better asked in parts.
const ROUNDS: usize = 8;

/// A candidate that waits for a verdict.
#[derive(Debug)]
pub struct Pending {
    pub(crate) repo: Repo,
    pub(crate) candidate: Candidate,
    pub(crate) policy: Policy,
    pub(crate) missing: Missing,
    pub(crate) moment: Moment,
}

/// Has rivals judge what is missing, until the gate knows enough to let it in (none) or keep it out.
pub async fn settle(pending: Pending, events: &Events, stop: &Stop) -> Result<Option<Refused>> {
    let Pending { repo, candidate, policy, mut missing, moment } = pending;
    let mut reasons = Vec::new();
    for _ in 0..ROUNDS {
        reasons = judge(&repo, &candidate, &policy, &missing, events, stop).await?;
        if stop.is_set() {
            return Err(Interrupted.into());
        }
        let refusal = match admit::admit_under(&repo, &candidate, &policy)? {
            Ruling::Allow(_) => return Ok(None),
            Ruling::Refuse(refusal) => refusal,
        };
        match &refusal.missing {
            Some(next) if refusal.blocking.is_empty() && !refusal.wants_person && *next != missing => {
                missing = next.clone()
            }
            _ => return with_reasons(&repo, &candidate, &policy, refusal, moment, reasons).map(Some),
        }
    }
    let refusal = admit::Refusal {
        why: "its parts would need too many reviews at once".into(),
        missing: Some(missing),
        ..admit::Refusal::default()
    };
    with_reasons(&repo, &candidate, &policy, refusal, moment, reasons).map(Some)
}

/// The refusal, and why reviewers that were asked could not tell.
fn with_reasons(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    refusal: admit::Refusal,
    moment: Moment,
    reasons: Vec<String>,
) -> Result<Refused> {
    let mut refused = refused(repo, candidate, policy, refusal, moment)?;
    for reason in reasons {
        refused.why.push_str("; ");
        refused.why.push_str(&reason);
    }
    Ok(refused)
}

/// Has the missing change judged; returns why those who could not tell could not.
async fn judge(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    missing: &Missing,
    events: &Events,
    stop: &Stop,
) -> Result<Vec<String>> {
    let branch = candidate.branch.as_str();
    let change = change(repo, candidate, missing)?;
    let (change, _) = landing::judged(repo, policy, branch, change)?;
    let loaded = config::load(repo, branch)?;
    // Nobody can be asked in a hook.
    trust::require(repo, trust::config_items(&loaded.brought, Purpose::Review), false)?;
    let intent = intent(repo, missing.head)?;
    events.progress(format!("`{branch}` is protected, and no rival has judged {} yet", change.title));
    let sandbox = crate::agents::sandbox_for(repo, &loaded.config)?;
    let request = Request {
        change: &change,
        target: branch,
        intent: &intent,
        loaded: &loaded,
        attempt: 1,
        sandbox: &sandbox,
        // git waits.
        files: None,
        transcript: None,
    };
    if let Some(parts) = review::parts(repo, &loaded.config, &change)? {
        return Ok(review::in_parts(repo, &request, &parts, events, stop).await?.reasons);
    }
    let rivals = review::rivals(&loaded.config, policy, &change.authors)?;
    let demand = admit::demand(repo, policy, change.base_tree, change.head_tree)?;
    if let Some(why) = review::too_few(&rivals, &[], &change, &demand) {
        return Ok(error::messages(&why));
    }
    let known = review::known(repo, policy, branch, &change)?;
    let outcomes = review::judge(repo, &request, &known, events, stop).await?;
    let reasons = outcomes.into_iter().filter_map(|outcome| match outcome {
        ReviewOutcome::CannotTell(why) => Some(why),
        ReviewOutcome::Judged(_) => None,
    });
    Ok(reasons.collect())
}

/// The missing change with everybody who made it: of a resolution that is not committed yet, all who
/// made what it merges, and the person who resolves.
pub(super) fn change(repo: &Repo, candidate: &Candidate, missing: &Missing) -> Result<Change> {
    match (missing.base, missing.head) {
        (Some(base), Some(head)) => return changes::between(repo, base, head),
        (None, Some(head)) => return changes::since(repo, candidate.old, head),
        (_, None) => {}
    }
    // Who commits here may be an agent by its own name.
    let mut authors = vec![changes::by_identity(&repo.identity()?)];
    let (mut commits, mut head_commit) = (Vec::new(), missing.head);
    if let New::Tree { tree, heads } = &candidate.new {
        if let [head] = heads[..]
            && admit::predict(repo, candidate.old, heads)? == Some(*tree)
        {
            // git's own merge: the verdict is found again by its head.
            head_commit = Some(head);
            authors.clear();
        }
        for head in heads {
            authors.extend(changes::authors(repo, Some(candidate.old), *head)?);
            commits.extend(changes::carried(repo, Some(candidate.old), *head)?);
        }
    }
    authors.sort();
    authors.dedup();
    Ok(Change {
        base_tree: missing.base_tree,
        head_tree: missing.head_tree,
        base_commit: missing.base,
        head_commit,
        commits,
        authors,
        title: "this merge as it stands".into(),
    })
}

/// What the change is meant to do, where it is the work on a spec of ours.
fn intent(repo: &Repo, head: Option<ObjectId>) -> Result<Intent> {
    let Some(head) = head else { return Ok(Intent::default()) };
    for (name, tip) in repo.refs("refs/heads/flow/")? {
        let slug = name.strip_prefix("refs/heads/flow/").and_then(|name| name.strip_suffix("/result"));
        if let Some(Ok(slug)) = slug.map(str::parse::<Slug>)
            && tip == head
        {
            return review::intent::describe(repo, &specs::read(repo, &slug)?, None);
        }
    }
    Ok(Intent::default())
}
