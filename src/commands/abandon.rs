//! A spec is given up: its branches go, and what is on them is kept where [`crate::commands::recover`] finds it.

use crate::commands::clean;
use crate::commands::recover::RECOVERED;
use crate::commands::run::{self, Lock};
use crate::domain::error::{Result, hint};
use crate::domain::spec::Slug;
use crate::gate::store::{Expected, Repo, specs};
use jiff::Timestamp;

/// Removes the spec's branches. Returns the short names of those that are gone.
///
/// # Errors
/// If a run of it is under way, or the user has one of them checked out.
pub fn abandon(repo: &Repo, slug: &Slug) -> Result<Vec<String>> {
    specs::read(repo, slug)?;
    let _lock = Lock::take(repo, slug)?;
    if let Some(name) = run::checked_out(repo, slug)? {
        return Err(hint(
            format!("{name} is checked out"),
            "go to another branch first, for example: git switch -",
        ));
    }
    let branches = repo.refs(&slug.task_ref(""))?;
    let at = Timestamp::now().strftime("%Y%m%dT%H%M%S").to_string();
    // Everything is kept before anything goes.
    for (name, tip) in &branches {
        match name.strip_prefix(&slug.task_ref("")) {
            Some("spec") => clean::archive(repo, slug, *tip)?,
            Some(branch) => {
                let kept = format!("{RECOVERED}{slug}/{branch}/abandoned-{at}");
                repo.set_ref(&kept, *tip, Expected::Missing, "its spec was abandoned")?;
            }
            None => {}
        }
    }
    repo.delete_refs(&branches)?;
    Ok(branches.into_iter().map(|(name, _)| name.trim_start_matches("refs/heads/").to_owned()).collect())
}
