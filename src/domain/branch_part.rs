//! What can be one part of a branch's name: a spec's slug, a task's id.
//!
//! The rule is git's own (`git check-ref-format --branch`) on every system, narrowed to what a shell, a list
//! with commas and a file's name take as they are. A name that only Windows has no file for (`con`, `aux`) is
//! one like any other.

/// The most characters. Folders and logs are named after the parts, and file systems have limits.
pub const LONGEST: usize = 60;

/// Whether it can be a part of a branch's name, whatever the other parts are.
pub fn is_branch_part(text: &str) -> bool {
    text.len() <= LONGEST
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.ends_with('.')
        && !text.contains("..")
        // File systems that know no case take it for git's own lock.
        && !text.to_lowercase().ends_with(".lock")
        && !is_pseudo_ref(text)
}

/// Whether git knows something else by that name: `HEAD`, `FETCH_HEAD`, `ORIG_HEAD` and their kind.
fn is_pseudo_ref(text: &str) -> bool {
    text == "HEAD" || text.strip_suffix("_HEAD").is_some_and(|first| first == first.to_uppercase())
}
