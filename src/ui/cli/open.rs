//! `git flow-ai open`: looks into the worktree of a task.

use crate::commands::open;
use crate::domain::error::{Exit, Result};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::ui::report::{self, table::Table};
use clap::Args;
use std::ffi::OsString;
use std::io::Write;

/// Open a shell in the worktree of a task
///
/// While its agent works, the files can be looked at and not be changed: they are seen through layers, in
/// a mount namespace of the shell's own. What `--keep` left is a folder like any other.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai open                              what there is
  git flow-ai open dark-mode api                a shell in it
  git flow-ai open dark-mode api -- git diff    one command")]
pub struct OpenArgs {
    /// The spec
    slug: Option<Slug>,

    /// The task
    #[arg(requires = "slug")]
    task: Option<String>,

    /// Run that command instead of a shell
    #[arg(last = true, requires = "task")]
    command: Vec<OsString>,
}

pub fn run(args: OpenArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    match (&args.slug, &args.task) {
        (Some(slug), Some(task)) => match open::enter(&repo, slug, task, &args.command)? {},
        (slug, _) => {
            let all = open::list(&repo, slug.as_ref())?;
            if all.is_empty() {
                report::out().write_all(
                    b"There is no worktree now; an attempt makes one, and run --keep leaves it.\n",
                )?;
                return Ok(Exit::Yes);
            }
            let mut table = Table::new(["spec", "task", "folder"]);
            for look in all {
                let (slug, task) = look.name.split_once('.').unwrap_or((&look.name, ""));
                table.row([slug.into(), task.into(), look.path.display().to_string().as_str().into()]);
            }
            report::out().write_all(table.render().as_bytes())?;
            Ok(Exit::Yes)
        }
    }
}
