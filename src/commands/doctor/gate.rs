//! Whether the gate is really asked: the branch is protected, hooks ask, notes hold verdicts.

use super::Check;
use super::hooks::{self, INSTALL, TOPIC};
use crate::commands::sync;
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::NOTES_REF;
use crate::gate::check::unmatched_rules;
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;
use crate::gate::store::verdicts;
use crate::gate::store::verdicts::LOG_PATTERN;
use crate::system::git;
use std::path::Path;

pub(super) fn examine(repo: &Repo, loaded: &Loaded, target: &str) -> Result<Vec<Check>> {
    let dir = repo.work_dir().unwrap_or(repo.git_dir());
    let mut checks = Vec::new();
    if !loaded.protects(target) {
        let fix = match &loaded.unworkable {
            Some(mistake) => mistake.fix.clone(),
            None => format!("add it to `branches` under [gate] in {}", crate::domain::config::PATH),
        };
        checks.push(Check::note(TOPIC, format!("{target} is not protected"), fix));
    }
    checks.extend(rules(repo, &loaded.config.gate, target)?);
    checks.extend(hooks::examine(repo, dir, target)?);
    // In a bare repository no user reads the log or merges notes.
    if repo.work_dir().is_some() {
        checks.push(notes(dir)?);
    }
    Ok(checks)
}

/// Patterns of rules that match no file of the branch: perhaps misspelt.
fn rules(repo: &Repo, policy: &Policy, target: &str) -> Result<Option<Check>> {
    let Some(tip) = repo.find_ref(&format!("refs/heads/{target}"))? else { return Ok(None) };
    let unmatched = unmatched_rules(repo, policy, repo.tree_of(tip)?)?;
    let fix = "see whether they are misspelt; they mean paths as in a .gitignore";
    Ok((!unmatched.is_empty()).then(|| {
        let says = format!("rules that match no file of {target}: {}", unmatched.join(", "));
        Check::note(TOPIC, says, fix)
    }))
}

/// What stands among the notes and cannot be read: it is skipped, and should be known.
pub(super) fn malformed(repo: &Repo) -> Result<Vec<Check>> {
    let verdicts::AllNotes { unreadable, faults, .. } = verdicts::all(repo)?;
    let mut checks = Vec::new();
    if let Some(first) = faults.first() {
        let says = format!("{} {}, and skipped: {first}", faults.len(), things(faults.len()));
        let remote = sync::remote(repo, None).map(|remote| command_line!("git flow-ai sync {}", remote));
        let own =
            repo.find_ref(NOTES_REF)?.map_or(Ok(Vec::new()), |tip| verdicts::faults(repo, None, tip))?;
        let fix = match remote {
            Ok(sync) if own.is_empty() => sync,
            _ => "git flow-ai clean".to_owned(),
        };
        checks.push(Check::note(TOPIC, says, fix));
    }
    if !unreadable.is_empty() {
        let says = format!("{} records cannot be read, and are skipped", unreadable.len());
        checks.push(Check::note(TOPIC, says, "git flow-ai verdict list --all names them"));
    }
    Ok(checks)
}

fn things(count: usize) -> &'static str {
    if count == 1 { "thing among the notes is none" } else { "things among the notes are none" }
}

/// Whether `git log` shows verdicts and merges of notes keep all of them.
fn notes(dir: &Path) -> Result<Check> {
    let get =
        |key: &str| git::output(git::command(dir).args(["config", "--get-all", key])).unwrap_or_default();
    let shown = get("notes.displayRef").lines().any(|glob| glob == LOG_PATTERN);
    let merged = get("notes.flow-ai.mergeStrategy") == "cat_sort_uniq";
    Ok(if shown && merged {
        Check::good(TOPIC, "git log shows verdicts, and merges of notes keep every record")
    } else {
        Check::note(TOPIC, "git log does not show verdicts, or merging their notes would conflict", INSTALL)
    })
}
