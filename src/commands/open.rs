//! `git flow-ai open`: a command, or a shell, in the worktree of a task, to look at its files.
//!
//! While its agent works, and wherever its files are seen through layers, they can only be read there.

use crate::agents::worktree::{Look, looks};
use crate::domain::error::{Result, hint};
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::gate::store::Repo;
use crate::system::overlay;
use anyhow::Context;
use std::convert::Infallible;
use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The worktrees that there are, of that spec or of all.
pub fn list(repo: &Repo, slug: Option<&Slug>) -> Result<Vec<Look>> {
    let prefix = slug.map(|slug| format!("{slug}."));
    let is_wanted = |look: &Look| prefix.as_ref().is_none_or(|prefix| look.name.starts_with(prefix));
    Ok(looks(repo)?.into_iter().filter(is_wanted).collect())
}

/// Becomes that command, or a shell, in the worktree of that task.
///
/// # Errors
/// If there is none, or its files cannot be seen by this user.
pub fn enter(repo: &Repo, slug: &Slug, task: &str, command: &[OsString]) -> Result<Infallible> {
    let name = format!("{slug}.{task}");
    let found = list(repo, Some(slug))?.into_iter().rfind(|look| look.name == name);
    let Some(look) = found else {
        return Err(hint(
            format!("no worktree of {name} is there: what its agent made is committed when an attempt ends"),
            command_line!("git flow-ai status {}", slug),
        ));
    };
    overlay::enter(&look.overlays).context("its files cannot be seen here")?;
    let shell = [env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())];
    let (program, args) = command.split_first().unwrap_or((&shell[0], &[]));
    let error = Command::new(program).args(args).current_dir(&look.path).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}
