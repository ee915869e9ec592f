//! Rules that match no file: a misspelt path guards nothing, and nobody would notice.

use crate::domain::error::Result;
use crate::domain::policy::{Policy, Rule};
use crate::gate::store::{Repo, trees};
use gix::ObjectId;

/// The patterns of `[[gate.rule]]` that match no file of that tree.
pub fn unmatched_rules(repo: &Repo, policy: &Policy, tree: ObjectId) -> Result<Vec<String>> {
    if policy.rules.is_empty() {
        return Ok(Vec::new());
    }
    let files = trees::changed(repo, repo.empty_tree(), tree)?;
    let paths: Vec<Vec<u8>> = files.into_iter().map(|file| file.path).collect();
    let patterns = policy.rules.iter().flat_map(|rule| &rule.paths);
    let unmatched = patterns.filter(|pattern| {
        let alone = Rule { paths: vec![(*pattern).clone()], ..Rule::default() };
        !alone.concerns(&paths)
    });
    Ok(unmatched.cloned().collect())
}
