//! `git flow-ai trust`: what this repository brings that would run here, and the user's trust in it.

use crate::agents::trust::{self, Look, Standing};
use crate::domain::error::Result;
use crate::gate::store::{Repo, config};

/// All that the repository brings, and what of it is trusted.
pub fn look(repo: &Repo) -> Result<Look> {
    let loaded = config::load(repo, &repo.target()?)?;
    trust::look(repo, trust::everything(repo, &loaded)?)
}

/// Records that the user trusts what is not trusted yet.
pub fn record(repo: &Repo, look: &Look) -> Result<()> {
    let new = look.items.iter().filter(|(_, standing)| *standing != Standing::Trusted);
    trust::record(repo, &new.map(|(item, _)| item.clone()).collect::<Vec<_>>())
}
