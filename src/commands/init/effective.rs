//! Whether git itself, from each checkout, would ask us.
//!
//! `init` ends with this question and `doctor` asks it, so that neither takes what was written for what works.

use super::checkout::{Checkout, checkouts, command, folder};
use super::script::{self, OURS};
use super::{configured, server};
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::git;
use std::path::{Path, PathBuf};

/// A checkout from which git asks nobody before a branch moves.
#[derive(Debug)]
pub struct Unasked {
    pub checkout: PathBuf,
    /// Where it looks for hooks.
    pub hooks: PathBuf,
}

/// Whether git's config has us asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByConfig {
    Yes,
    No,
    SwitchedOff,
}

/// Whether git's config has us asked at that event, from there.
pub fn by_config(repo: &Repo, dir: &Path, event: &str) -> Result<ByConfig> {
    if git::version()? < (2, 54) {
        return Ok(ByConfig::No);
    }
    // Status 1 means that there are none.
    let output = command(dir).args(["hook", "list", event]).output()?;
    let (text, name) = (String::from_utf8_lossy(&output.stdout).into_owned(), configured::name_of(event));
    let named = text.lines().find(|line| line.rsplit('\t').next() == Some(&name));
    Ok(match named {
        Some(line) if line != name => ByConfig::SwitchedOff,
        Some(_) if script::installed(&configured::path_of(repo, event)).is_ok() => ByConfig::Yes,
        _ => ByConfig::No,
    })
}

/// The checkouts from which git asks nobody before a branch moves, or in a bare repository before a push
/// moves one.
pub fn unasked(repo: &Repo) -> Result<Vec<Unasked>> {
    let mut found = Vec::new();
    let first = repo.work_dir().unwrap_or(repo.common_dir());
    for Checkout { dir, .. } in checkouts(repo, first)? {
        let hooks = folder(&dir)?;
        let is_asked = by_config(repo, &dir, OURS[0])? == ByConfig::Yes
            || script::installed(&hooks.join(OURS[0])).is_ok()
            || repo.work_dir().is_none();
        if !is_asked {
            found.push(Unasked { checkout: dir, hooks });
        }
    }
    if repo.work_dir().is_none() && script::installed(&server::path(repo)?).is_err() {
        found.push(Unasked { checkout: first.to_path_buf(), hooks: folder(first)? });
    }
    Ok(found)
}
