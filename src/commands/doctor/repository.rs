//! The repository's kind, as far as it matters: commits, identity, shallow, partial, bare, SHA-256.

use super::Check;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::git;

const TOPIC: &str = "repository";

pub(super) fn examine(repo: &Repo) -> Result<Vec<Check>> {
    let mut checks = vec![kind(repo)?];
    if let Err(error) = repo.commit_of("HEAD") {
        checks.push(Check::broken(TOPIC, &error));
    }
    match repo.identity() {
        Ok(_) => {}
        Err(error) => checks.push(Check::broken(TOPIC, &error)),
    }
    for (file, what) in [("MERGE_HEAD", "merge"), ("rebase-merge", "rebase"), ("rebase-apply", "rebase")] {
        if repo.git_dir().join(file).exists() {
            checks.push(Check::note(
                TOPIC,
                format!("a {what} is under way in this worktree"),
                format!("finish it, or git {what} --abort"),
            ));
        }
    }
    Ok(checks)
}

fn kind(repo: &Repo) -> Result<Check> {
    let dir = repo.work_dir().unwrap_or(repo.git_dir());
    let said = git::output(git::command(dir).args([
        "rev-parse",
        "--show-object-format",
        "--is-shallow-repository",
        "--is-bare-repository",
    ]))?;
    let mut said = said.lines();
    let (format, shallow, bare) = (said.next(), said.next() == Some("true"), said.next() == Some("true"));
    let says = format!("{} at {}", format.unwrap_or("objects"), repo.common_dir().display());
    Ok(if shallow {
        Check::note(
            TOPIC,
            format!("shallow, {says}: where the history ends no change can be told from another"),
            repo.make_whole(),
        )
    } else if repo.is_partial() {
        Check::note(
            TOPIC,
            format!("a partial clone, {says}: what is missing is fetched when a diff needs it"),
            format!("to work without network: {}", repo.make_whole()),
        )
    } else if bare {
        Check::note(
            TOPIC,
            format!("bare, {says}: verdicts can be looked up here, tasks need a repository with a worktree"),
            "run tasks in a clone",
        )
    } else {
        Check::good(TOPIC, says)
    })
}
