//! Which branches a policy protects: names, or patterns of names that need not exist yet.

use globset::{GlobBuilder, GlobMatcher};

/// Below this, runs keep branches of their own, which no policy protects.
const RUNS: &str = "flow/";

/// Whether one of these names or patterns means that branch.
pub(super) fn protect(patterns: &[String], branch: &str) -> bool {
    let means = |pattern: &String| {
        // A pattern that does not compile is refused where the config is read.
        pattern == branch || is_pattern(pattern) && glob(pattern).is_ok_and(|glob| glob.is_match(branch))
    };
    !branch.starts_with(RUNS) && patterns.iter().any(means)
}

/// Whether it may mean more than one branch.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[', '{'])
}

/// `*` stays within a part between slashes, `**` does not.
fn glob(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(pattern).literal_separator(true).build()?.compile_matcher())
}

/// Why a name or pattern can mean no branch; `None` if it can.
pub(super) fn mistake(name: &str) -> Option<String> {
    if let Some(short) = name.strip_prefix("refs/heads/") {
        return Some(format!("write `{short}`"));
    }
    if name.starts_with(RUNS) {
        return Some("below `flow/` runs keep their own branches, which nothing protects".into());
    }
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || ['~', '^', ':', '\\'].contains(&c);
    if name.is_empty() || name.contains(is_odd) {
        return Some("write a name such as `main`, or a pattern such as `release/*`".into());
    }
    if name.starts_with(['/', '!']) || name.ends_with('/') || name.contains("//") {
        return Some("no branch begins or ends with `/`, and a pattern cannot take a name out".into());
    }
    is_pattern(name).then(|| glob(name).err()).flatten().map(|error| error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::{mistake, protect};

    #[test]
    fn any_name_or_pattern_protects_and_a_star_stays_within_a_part() {
        let patterns: Vec<String> = ["main", "release/*", "v[0-9].x", "team/**"].map(String::from).into();
        for branch in ["main", "release/1.0", "v2.x", "team/a/b"] {
            assert!(protect(&patterns, branch), "{branch}");
        }
        for branch in ["mainly", "release", "release/1/2", "va.x", "x/main"] {
            assert!(!protect(&patterns, branch), "{branch}");
        }
        assert!(protect(&["**".into()], "a/b"));
        assert!(!protect(&["**".into()], "flow/demo/spec"), "runs have to write their own");
    }

    #[test]
    fn what_can_mean_no_branch_is_a_mistake() {
        for name in
            ["", "refs/heads/main", "flow/x", "a b", "release/[", "{a,b", "!main", "/main", "a//b", "a\\*"]
        {
            assert!(mistake(name).is_some(), "{name}");
        }
        for name in ["main", "release/1.0", "über", "release/*", "{main,next}", "**"] {
            assert_eq!(mistake(name), None, "{name}");
        }
    }
}
