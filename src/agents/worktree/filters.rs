//! The filters of the user's git configuration: what they need of the main worktree, and which one failed.

use super::{Worktrees, root};
use crate::agents::sandbox::SandboxedCommand;
use crate::domain::error::{Result, hint};
use crate::gate::store::{Repo, Setting};
use crate::system::fs::disk_full;
use crate::system::git::error::{FailedFilter, GitError, failed_filter, in_english};
use crate::system::{git, program};
use gix::ObjectId;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The settings that name a command.
pub(super) fn is_command(setting: &Setting) -> bool {
    matches!(setting.name.as_str(), "clean" | "smudge" | "process")
}

/// The programs of the main worktree that filters name by an absolute path, or by a name that the PATH finds
/// there: `nbstripout` in a `.venv`. Only what git ignores, since commits of anybody make the rest; with the whole
/// ignored folder around it, where its libraries are.
pub(super) fn own_programs(repo: &Repo, settings: &[Setting]) -> Vec<PathBuf> {
    let Some(main) = root::main_worktree(repo).and_then(|main| main.canonicalize().ok()) else {
        return Vec::new();
    };
    let commands = settings.iter().filter(|setting| is_command(setting));
    let words = commands.filter_map(|setting| shlex::split(&setting.value)).flatten();
    let found = words.filter_map(|word| program::find(&word, None, "").ok());
    let inside: BTreeSet<PathBuf> = found.filter(|path| path.starts_with(&main)).collect();
    let ignored = inside.iter().filter_map(|path| {
        let folders = path.ancestors().take_while(|folder| *folder != main).collect::<Vec<_>>();
        folders.into_iter().rev().find(|folder| is_ignored(&main, folder)).map(Path::to_owned)
    });
    ignored.collect()
}

/// Whether git ignores it and has nothing of it.
fn is_ignored(main: &Path, path: &Path) -> bool {
    let ask = |args: &[&str]| git::command(main).args(args).arg("--").arg(path).output();
    let is_ignored = ask(&["check-ignore", "--quiet"]).is_ok_and(|output| output.status.success());
    let listed = ask(&["ls-files", "--cached"]);
    is_ignored && listed.is_ok_and(|output| output.status.success() && output.stdout.is_empty())
}

/// A checkout whose messages are understood here.
pub(super) fn heard(mut checkout: Command) -> Command {
    in_english(&mut checkout);
    checkout
}

/// Runs a checkout of files of that commit, with the filters of the user. One that fails is named, and not how we
/// started git.
pub(super) fn check_out(worktrees: &Worktrees, commit: ObjectId, checkout: SandboxedCommand) -> Result<()> {
    let SandboxedCommand { mut command, guard: _guard, .. } = checkout;
    git::output(&mut command).map(drop).map_err(|error| match error.downcast::<GitError>() {
        Ok(error) => match failed(worktrees, &error.stderr) {
            Some(mut filter) => {
                filter.path = filter.path.take().or_else(|| first_of(worktrees, commit, &filter.filter));
                hint(&filter, filter.fix())
            }
            None => {
                let error = GitError { command: "git read-tree".to_owned(), ..error };
                let disks = [worktrees.root(), &worktrees.common];
                match disks.into_iter().any(disk_full::has_no_room) {
                    true => anyhow::Error::from(io::Error::from(rustix::io::Errno::NOSPC)).context(error),
                    false => error.into(),
                }
            }
        },
        Err(error) => error,
    })
}

/// The filter for which git gave up. One that talks to git and did not start is not named by it: then it is the
/// one whose program is.
pub(super) fn failed(worktrees: &Worktrees, messages: &str) -> Option<FailedFilter> {
    if let Some(filter) = failed_filter(messages) {
        return Some(filter);
    }
    let said =
        messages.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("fatal:"))?;
    let is_said = |setting: &&Setting| {
        let program = shlex::split(&setting.value).and_then(|words| words.into_iter().next());
        setting.name == "process" && program.is_some_and(|program| said.contains(&program))
    };
    let filter = worktrees.settings.filters.iter().find(is_said)?.subsection.clone()?;
    Some(FailedFilter { filter, path: None, why: Some(said.to_owned()) })
}

/// A file of the commit that a filter takes.
fn first_of(worktrees: &Worktrees, commit: ObjectId, filter: &str) -> Option<String> {
    let base = commit.to_string();
    let git = || worktrees.git_on(&worktrees.common, &worktrees.common);
    let list = git::output_bytes(git().args(["ls-tree", "-r", "-z", "--name-only", &base])).ok()?;
    let mut ask = git();
    ask.args(["check-attr", "-z", "--stdin", &format!("--source={base}"), "filter"]);
    let paths: Vec<Vec<u8>> = list.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    let paths = paths.iter().filter(|path| !path.is_empty());
    let answers = git::output_bytes(ask.stdin(super::bounded::input(paths).ok()?)).ok()?;
    let fields: Vec<&[u8]> = answers.split(|byte| *byte == 0).collect();
    let taken = fields.chunks_exact(3).find(|answer| answer[2] == filter.as_bytes())?;
    Some(String::from_utf8_lossy(taken[0]).into_owned())
}
