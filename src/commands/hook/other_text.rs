//! Verdicts on a spec's work that were given for another text than the spec has now.
//!
//! That binds what is about to land here. What has landed stays judged, whatever is edited later, so that no push of
//! it and nothing that a remote has let in is asked again.

use super::{Moment, Refused};
use crate::commands::documents;
use crate::domain::error::Result;
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::{Purpose, Verdict};
use crate::gate::admit::Candidate;
use crate::gate::store::{Repo, specs};

/// The refusal of what these verdicts let in, if the text that they were given for is not the spec's any more.
pub(super) fn refusal(
    repo: &Repo,
    candidate: &Candidate,
    verdicts: &[Verdict],
    moment: Moment,
) -> Result<Option<Refused>> {
    if matches!(moment, Moment::Push | Moment::Receive) || is_accepted(repo, candidate)? {
        return Ok(None);
    }
    for verdict in verdicts {
        let Some(purpose) = &verdict.purpose else { continue };
        let is_same =
            |other: &&Verdict| other.base_tree == verdict.base_tree && other.head_tree == verdict.head_tree;
        let mut also = verdicts.iter().filter(is_same).filter_map(|other| other.purpose.as_ref());
        let mut current = false;
        while let Some(other) = also.next().filter(|_| !current) {
            current = is_current(repo, other)?;
        }
        if !current {
            return Ok(Some(refused(&candidate.branch, purpose)));
        }
    }
    Ok(None)
}

fn refused(branch: &str, purpose: &Purpose) -> Refused {
    let spec = &purpose.spec;
    Refused {
        why: format!(
            "this may not enter `{branch}`: what was approved of the spec `{spec}` was judged for another text than it has now"
        ),
        blocking: Vec::new(),
        fix: vec![
            command_line!("have it done, or judged, for the present text: git flow-ai run {}", spec),
            command_line!("see what is stale: git flow-ai status {}", spec),
        ],
    }
}

/// Whether a verdict's text is the spec's now. Of a spec that is not here nothing is known.
fn is_current(repo: &Repo, purpose: &Purpose) -> Result<bool> {
    let Ok(slug) = purpose.spec.parse::<Slug>() else { return Ok(true) };
    if repo.find_ref(&slug.spec_ref())?.is_none() {
        return Ok(true);
    }
    documents::is_current(repo, &specs::read(repo, &slug)?, purpose.text)
}

fn is_accepted(repo: &Repo, candidate: &Candidate) -> Result<bool> {
    match (candidate.new.commit(), candidate.accepted) {
        (Some(new), Some(accepted)) => repo.is_ancestor(new, accepted),
        _ => Ok(false),
    }
}
