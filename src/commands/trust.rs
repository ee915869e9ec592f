//! `git flow-ai trust`: what this repository brings that would run here, and the user's trust in it.

use crate::agents::trust::{self, TrustCheck, TrustStatus};
use crate::domain::error::Result;
use crate::gate::store::{Repo, config};

/// All that the repository brings, and what of it is trusted.
pub fn look(repo: &Repo) -> Result<TrustCheck> {
    let loaded = config::load(repo, &repo.target()?)?;
    trust::check(repo, trust::all_items(repo, &loaded)?)
}

/// Records that the user trusts what is not trusted yet.
pub fn record(repo: &Repo, look: &TrustCheck) -> Result<()> {
    let new = look.items.iter().filter(|(_, status)| *status != TrustStatus::Trusted);
    trust::record(repo, &new.map(|(item, _)| item.clone()).collect::<Vec<_>>())
}
