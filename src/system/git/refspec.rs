//! Refspecs that name one ref on either side, and no other.
//!
//! git completes the names that it is given: for `refs/notes/flow-ai` it takes a branch that is called so in
//! full (`refs/heads/refs/notes/flow-ai`) where the remote lacks the ref itself, and refuses to choose where
//! it has both. Whoever may push a branch could lead a push or a fetch astray. Patterns are not completed.

/// What a fetch leaves out: every name that git could take for one of those that were asked for in full.
pub const COMPLETED: [&str; 4] =
    ["^refs/refs/*", "^refs/heads/refs/*", "^refs/tags/refs/*", "^refs/remotes/refs/*"];

/// A refspec that pushes the ref `from` to the ref `to`, both named in full: a pattern that no other of the
/// refs here matches. Where each one matches another as well, the names alone.
pub fn exact(from: &str, to: &str, refs: &[String]) -> String {
    let matches_alone = |(prefix, suffix): (&str, &str)| {
        let is_matched = |name: &&String| {
            name.len() >= from.len() && name.starts_with(prefix) && name.ends_with(suffix) && *name != from
        };
        !refs.iter().any(|name| is_matched(&name))
    };
    let splits = (1..=from.len()).rev().filter(|at| from.is_char_boundary(*at));
    let pattern = splits.map(|at| from.split_at(at)).find(|split| matches_alone(*split));
    match pattern {
        Some((prefix, suffix)) => format!("{prefix}*{suffix}:{to}*"),
        None => format!("{from}:{to}"),
    }
}

/// Whether git takes a ref of that name for the one that the part behind the first two folders names in full.
pub fn is_completion(name: &str) -> bool {
    ["refs/", "refs/heads/", "refs/tags/", "refs/remotes/"]
        .iter()
        .any(|folder| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with("refs/")))
}

#[cfg(test)]
mod tests {
    use super::{exact, is_completion};

    #[test]
    fn a_pattern_matches_one_ref() {
        let refs = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!("refs/heads/{name}")).collect()
        };
        let push = |from: &str, names: &[&str]| exact(from, "refs/heads/main", &refs(names));
        assert_eq!(push("refs/heads/a", &["a", "b"]), "refs/heads/a*:refs/heads/main*");
        assert_eq!(push("refs/heads/ab", &["ab", "ab2", "ab/c"]), "refs/heads/a*b:refs/heads/main*");
        assert_eq!(push("refs/heads/a", &["a", "ab", "ca"]), "refs/heads*/a:refs/heads/main*");
    }

    #[test]
    fn what_is_called_like_a_ref_in_full_is_found() {
        for name in ["refs/heads/refs/heads/main", "refs/tags/refs/notes/flow-ai", "refs/refs/heads/main"] {
            assert!(is_completion(name), "{name}");
        }
        for name in ["refs/heads/main", "refs/heads/x/refs/heads/main", "refs/heads/references/a"] {
            assert!(!is_completion(name), "{name}");
        }
    }
}
