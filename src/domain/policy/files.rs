//! Which files are policy: they decide what the gate demands, what reviewers and agents are told, and how git
//! reads the other files.

/// Policy by the whole path: files, and folders with all that is in them.
const POLICY: [&str; 6] = [
    ".zenflow/config.toml",
    ".zenflow/settings.json",
    ".zenflow/allowed_signers",
    ".zenflow/workflows",
    ".zenflow/rules",
    ".gitmodules",
];

/// What git reads in every folder.
const AT_ANY_DEPTH: &str = ".gitattributes";

/// Whether a change of that path changes policy: a policy file, or what stands in place of a folder that leads
/// to one, since it takes the file away. Upper and lower case are one, as on some file systems.
pub fn is_policy_file(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let is =
        |policy: &[u8]| path.eq_ignore_ascii_case(policy) || is_below(path, policy) || is_below(policy, path);
    name.eq_ignore_ascii_case(AT_ANY_DEPTH.as_bytes()) || POLICY.iter().any(|policy| is(policy.as_bytes()))
}

/// Whether a path lies in that folder.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    matches!(path.split_at_checked(folder.len()), Some((start, [b'/', ..])) if start.eq_ignore_ascii_case(folder))
}

#[cfg(test)]
mod tests {
    use super::is_policy_file;

    #[test]
    fn files_that_decide_how_the_rest_is_judged_are_policy() {
        for path in [
            ".zenflow/config.toml",
            ".zenflow/settings.json",
            ".zenflow/allowed_signers",
            ".zenflow/workflows/deep/own.md",
            ".zenflow/rules/style.md",
            ".gitmodules",
            ".gitattributes",
            "src/deep/.gitattributes",
            ".ZenFlow/Config.toml",
            ".zenflow",
            ".zenflow/rules",
            ".zenflow/config.toml/inside",
        ] {
            assert!(is_policy_file(path.as_bytes()), "{path}");
        }
        for path in [
            "config.toml",
            "sub/.zenflow/config.toml",
            ".zenflow/tasks/x/plan.md",
            ".zenflow/config.toml.orig",
            ".zenflowers/config.toml",
            "sub/.gitmodules",
            "src/gitattributes",
            "",
        ] {
            assert!(!is_policy_file(path.as_bytes()), "{path}");
        }
    }
}
