//! Whether worktrees are left. Each is a repository of its own, of which `git worktree list` says
//! nothing: what counts is its folder beside the repository, and what we note of it in `.git/flow-ai`.

use super::Place;
use std::fs;
use std::path::Path;

impl Place {
    /// The worktrees that stand beside the repository, by the names of their folders.
    pub fn worktrees(&self) -> Vec<String> {
        beside(&self.repo())
    }

    /// No worktree is left, not even an empty folder for them or a note about one.
    #[track_caller]
    pub fn has_no_worktree(&self) {
        has_no_worktree(&self.repo());
    }
}

/// The worktrees of a repository that has its `.git` inside, by the names of their folders.
pub fn beside(repo: &Path) -> Vec<String> {
    names(&repo.with_file_name(format!(".{}.flow-ai", repo.file_name().unwrap().display())))
}

/// [`Place::has_no_worktree`] for any repository.
#[track_caller]
pub fn has_no_worktree(repo: &Path) {
    assert_eq!(beside(repo), [""; 0], "worktrees are left");
    let folder = repo.with_file_name(format!(".{}.flow-ai", repo.file_name().unwrap().display()));
    assert!(!folder.exists(), "the folder for worktrees is left");
    for notes in ["worktrees", "stage", "trash"] {
        assert_eq!(names(&repo.join(".git/flow-ai").join(notes)), [""; 0], "something is left in {notes}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
