//! What goes along with a push: the verdicts, and of what was judged only what belongs to the branches pushed.
//!
//! A clone keeps what was judged of all work in it, rejected attempts of unpushed specs too. Of that the server
//! needs what the pushed commits were judged as, and what the gate's answer rests on: after a rebase or squash
//! those commits are in no branch.

use super::Push;
use crate::domain::error::Result;
use crate::domain::verdict::NOTES_REF;
use crate::gate::admit::{self, Candidate, New, Ruling};
use crate::gate::store::{Repo, keep};
use crate::system::git::refspec;

pub(super) fn refspecs(repo: &Repo, push: &Push) -> Result<Vec<String>> {
    let there = |branch: &str| repo.find_ref(&format!("refs/remotes/{}/{branch}", push.remote));
    let (mut tips, mut verdicts) = (Vec::new(), Vec::new());
    for refspec in &push.refspecs {
        let tip = repo.commit_of(&refspec.from)?.id;
        tips.push(tip);
        let branch = refspec.to.trim_start_matches("refs/heads/");
        let Some(old) = there(branch)? else { continue };
        let candidate = Candidate { branch: branch.into(), old, new: New::Commit(tip), accepted: None };
        // Whether it may enter is for the hooks to say.
        if let Ok(Some(policy)) = admit::policy_for(repo, &candidate)
            && let Ok(Ruling::Allow(found)) = admit::admit_under(repo, &candidate, &policy)
        {
            verdicts.extend(found);
        }
    }
    let target = repo.target().ok().map(|target| there(&target)).transpose()?.flatten();
    let kept = keep::belonging(repo, &tips, target.as_slice(), &verdicts)?;
    let names = repo.ref_names()?;
    // The names of what is kept are all of the same length: none is the beginning of another.
    let kept = kept.into_iter().map(|name| format!("{name}*:{name}*"));
    Ok([refspec::exact(NOTES_REF, NOTES_REF, &names)].into_iter().chain(kept).collect())
}
