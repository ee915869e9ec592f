//! Where temporary worktrees may be.
//!
//! Beside the repository by default: on its file system (so that removing is a rename and copying can
//! be a reflink), not in the system's temporary folder (which is swept, often small, and where some
//! agents' sandboxes fail), never inside a git directory. Where nothing can be written beside it (a container
//! mounts the project alone), in the user's folder for state.

use crate::domain::digest;
use crate::domain::error::{Result, hint};
use crate::gate::store::Repo;
use crate::system::fs::home::{self, Base};
use rustix::fs::Access;
use std::path::{Component, Path, PathBuf};

/// How to choose another.
const FIX: &str = "name another folder: git config flow-ai.worktrees <folder>, or `worktrees` under [run] in .zenflow/config.toml";

/// The folder in which worktrees with a setup are seen, each by itself: all at one path, since what a setup makes holds
/// its own path (a virtual environment, a build). No spec's name begins with a dot.
pub const SEATS: &str = ".checkout";

/// The main worktree: where ignored files are copied from; `None` in a bare repository.
pub fn main_worktree(repo: &Repo) -> Option<PathBuf> {
    let common = repo.common_dir();
    if repo.git_dir() == common {
        return repo.work_dir().map(Path::to_owned);
    }
    if let Some(configured) = repo.git_config("core.worktree") {
        return common.join(configured).canonicalize().ok();
    }
    (common.file_name()? == ".git").then(|| common.parent().map(Path::to_owned)).flatten()
}

/// The folder for worktrees, checked; not made yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub path: PathBuf,
    /// The one beside the repository, if that cannot be written.
    pub instead_of: Option<PathBuf>,
}

pub fn root(common: &Path, main: Option<&Path>, user: Option<&str>, team: Option<&str>) -> Result<Root> {
    let project = project(common, main);
    let chosen = user.or(team).filter(|text| !text.trim().is_empty());
    let (root, instead_of) = match chosen {
        Some(text) => (normal(&project.join(home::expand(text))), None),
        None => {
            let beside = beside(&project, common);
            match elsewhere(&beside, common).filter(|_| !is_writable(&beside)) {
                Some(elsewhere) => (elsewhere, Some(beside)),
                None => (beside, None),
            }
        }
    };
    // Symbolic links resolved as far as the path exists, since the rest does not matter for where it is.
    let real = real(&root);
    if real.starts_with(common.canonicalize().unwrap_or_else(|_| common.to_owned())) {
        return Err(hint(
            format!("worktrees cannot be in {}, inside the git directory", root.display()),
            FIX,
        ));
    }
    let temporary = std::env::temp_dir();
    let temporary = temporary.canonicalize().unwrap_or(temporary);
    if real.starts_with(&temporary) && !real_of(&project).starts_with(&temporary) {
        return Err(hint(
            format!("worktrees cannot be in {}: the system sweeps its temporary folder", root.display()),
            FIX,
        ));
    }
    Ok(Root { path: root, instead_of })
}

/// A folder of the user's own for the worktrees of that repository; `None` if there is none that can be written.
fn elsewhere(beside: &Path, common: &Path) -> Option<PathBuf> {
    let name = beside.file_name()?.to_string_lossy().trim_start_matches('.').to_owned();
    let id = digest::sha256(common.as_os_str().as_encoded_bytes());
    let folder = home::base(Base::State)?.join("git-flow-ai/worktrees").join(format!("{name}-{id:.8}"));
    is_writable(&folder).then_some(folder)
}

/// Whether it can be written, or made.
fn is_writable(path: &Path) -> bool {
    rustix::fs::access(nearest(path), Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The folder that the user calls the project: the main worktree, for a submodule that of the
/// outermost superproject, for a bare repository itself.
fn project(common: &Path, main: Option<&Path>) -> PathBuf {
    let mut outer = PathBuf::new();
    for part in common.components() {
        if part == Component::Normal(".git".as_ref()) {
            return outer;
        }
        outer.push(part);
    }
    main.unwrap_or(common).to_owned()
}

/// `<parent>/.<name>.flow-ai`; a submodule's has the submodule's name too.
fn beside(project: &Path, common: &Path) -> PathBuf {
    let mut name = project.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(submodule) = common.strip_prefix(project.join(".git/modules")).ok().and_then(Path::file_name)
    {
        name = format!("{name}.{}", submodule.to_string_lossy());
    }
    let name = format!(".{}.flow-ai", name.trim_end_matches(".git").trim_matches('.'));
    match project.parent() {
        Some(parent) => parent.join(name),
        None => project.join(name),
    }
}

/// Without `.` and `..`, by the text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// The path itself or the nearest folder above it that exists.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"))
}

fn real(path: &Path) -> PathBuf {
    let exists = nearest(path);
    let rest = path.strip_prefix(exists).unwrap_or(Path::new(""));
    real_of(exists).join(rest)
}

fn real_of(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_place_is_beside_what_a_person_calls_the_project() {
        let at = |common: &str, main: Option<&str>| {
            let (common, main) = (Path::new(common), main.map(Path::new));
            beside(&project(common, main), common)
        };
        assert_eq!(at("/src/app/.git", Some("/src/app")), Path::new("/src/.app.flow-ai"));
        assert_eq!(at("/src/app.git", None), Path::new("/src/.app.flow-ai"), "bare");
        let submodule = at("/src/app/.git/modules/lib/x", Some("/src/app/lib/x"));
        assert_eq!(submodule, Path::new("/src/.app.x.flow-ai"), "not inside the superproject");
        let separate = at("/git/app", Some("/src/app"));
        assert_eq!(separate, Path::new("/src/.app.flow-ai"), "separate git directory");
    }

    #[test]
    fn a_place_inside_the_git_directory_is_refused() {
        let error = root(Path::new("/proc/.git"), None, Some(".git/wt"), None).unwrap_err();
        assert!(error.to_string().contains("inside the git directory"), "{error}");
    }
}
