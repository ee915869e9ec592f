//! Finds a program on the PATH.
//!
//! Directories of the PATH that are not absolute are skipped, and a command with a relative path is refused:
//! both would be looked for in the worktree, where an agent could have put them. What we start ourselves, out
//! of any sandbox ([`own`]), is not taken from the repository that we are in either: a commit can bring a
//! `bin/git`, and a shell may have that folder on its PATH.

use crate::domain::error::{Result, hint};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The shell that git itself uses: not looked for.
pub const SHELL: &str = "/bin/sh";

/// The PATH of a system that says nothing else. An empty one would mean the current directory.
const USUAL: &str = "/usr/local/bin:/usr/bin:/bin";

/// The working tree that we are in, and those that its git directory belongs to: commits fill them.
static REPOSITORY: LazyLock<Vec<PathBuf>> = LazyLock::new(|| match env::current_dir() {
    Ok(here) => working_trees(&here),
    Err(_) => Vec::new(),
});

/// The folders of our own PATH: those in the repository, and the others. Each start of git asks.
static FOLDERS: LazyLock<(Vec<PathBuf>, Vec<PathBuf>)> =
    LazyLock::new(|| folders().partition(|folder| is_of_repository(folder)));

/// Our own PATH without directories that are not absolute.
pub fn path() -> OsString {
    joined(folders())
}

/// The same with the repository's folders last: filters of a virtual environment there are found, and nothing
/// there stands before the system's programs.
pub fn path_for_git() -> OsString {
    let (inside, outside) = &*FOLDERS;
    joined(outside.iter().chain(inside).cloned())
}

/// Our own PATH without directories that are not absolute, or in the repository.
pub fn path_outside() -> OsString {
    joined(FOLDERS.1.iter().cloned())
}

/// A program for us to start: from no folder of the repository. One that is nowhere else becomes a
/// path that is nowhere, so that nothing goes on to look for its name.
pub fn own(name: &str) -> PathBuf {
    found(name).unwrap_or_else(|| Path::new("/nonexistent").join(name))
}

/// The same if it is there.
pub fn found(name: &str) -> Option<PathBuf> {
    let mut candidates = FOLDERS.1.iter().map(|folder| folder.join(name));
    candidates.find(|candidate| is_program(candidate) && !is_of_repository(candidate))
}

/// The program with that name or absolute path, looked for on `path` or else on our own PATH. `install` is the
/// hint if it is missing.
pub fn find(wanted: &str, path: Option<&str>, install: &str) -> Result<PathBuf> {
    if wanted.contains('/') {
        let absolute = Path::new(wanted);
        if !absolute.is_absolute() {
            return Err(hint(
                format!("`{wanted}` would be looked for in the worktree, where an agent could have put it"),
                "write an absolute path, or a name that is on the PATH",
            ));
        }
        return if is_program(absolute) {
            Ok(absolute.to_owned())
        } else {
            Err(hint(format!("{wanted} is not there, or may not be executed"), install))
        };
    }
    let path = path.map(OsString::from).or_else(|| env::var_os("PATH")).unwrap_or_default();
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(wanted))
        .find(|candidate| is_program(candidate))
        .ok_or_else(|| hint(format!("`{wanted}` is not on the PATH"), install))
}

fn folders() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_else(|| USUAL.into());
    let folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    folders.into_iter()
}

fn joined(folders: impl Iterator<Item = PathBuf>) -> OsString {
    // What was split at colons can be joined by them.
    let joined = env::join_paths(folders).unwrap_or_default();
    if joined.is_empty() { USUAL.into() } else { joined }
}

fn is_of_repository(path: &Path) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    REPOSITORY.iter().any(|tree| real.starts_with(tree))
}

/// The innermost working tree around a folder, and the one whose `.git` holds the git directory of that: the
/// main worktree of a linked one, the superproject of a submodule.
fn working_trees(here: &Path) -> Vec<PathBuf> {
    let here = here.canonicalize().unwrap_or_else(|_| here.to_owned());
    let Some(tree) = here.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok()) else {
        return Vec::new();
    };
    let mut trees = vec![tree.to_owned()];
    let pointer = fs::read_to_string(tree.join(".git")).unwrap_or_default();
    if let Some(git_dir) = pointer.strip_prefix("gitdir: ") {
        let git_dir = tree.join(git_dir.trim_end());
        let git_dir = git_dir.canonicalize().unwrap_or(git_dir);
        let around = git_dir.ancestors().find(|folder| folder.ends_with(".git")).and_then(Path::parent);
        trees.extend(around.map(Path::to_owned));
    }
    trees
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::working_trees;
    use std::fs;

    #[test]
    fn a_linked_worktree_and_a_submodule_belong_to_what_holds_their_git_directory() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        let (main, linked) = (root.join("main"), root.join("linked"));
        fs::create_dir_all(main.join(".git/worktrees/linked")).unwrap();
        fs::create_dir_all(main.join("sub/deep")).unwrap();
        fs::create_dir_all(&linked).unwrap();
        fs::write(linked.join(".git"), format!("gitdir: {}\n", main.join(".git/worktrees/linked").display()))
            .unwrap();
        fs::write(main.join("sub/.git"), "gitdir: ../.git/modules/sub\n").unwrap();
        fs::create_dir_all(main.join(".git/modules/sub")).unwrap();
        assert_eq!(working_trees(&main.join("sub/deep")), [main.join("sub"), main.clone()]);
        assert_eq!(working_trees(&linked), [linked, main.clone()]);
        assert_eq!(working_trees(&main.join(".git")), [main]);
        assert!(working_trees(&root).is_empty());
    }
}
