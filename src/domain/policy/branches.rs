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

/// Which of these names or patterns mean branches that git could not make beside that one, as no branch is below
/// another: those below it, whose folder the pattern spells out, and a name that it would itself be below.
pub(super) fn kept_out_by<'p>(patterns: &'p [String], branch: &str) -> Option<&'p str> {
    let parts = branch.split('/').count();
    let is_folder = |pattern: &str| {
        let folders: Vec<&str> = pattern.split('/').collect();
        let folder = folders.get(..parts).filter(|_| folders.len() > parts);
        // Folders of any name are no word about this one, or no branch could be made.
        let says_something = |part: &&str| part.contains(|c| c != '*' && c != '?');
        folder.is_some_and(|folder| {
            folder.iter().any(says_something) && !folder.iter().any(|part| part.contains("**")) && {
                let folder = folder.join("/");
                folder == branch || glob(&folder).is_ok_and(|glob| glob.is_match(branch))
            }
        })
    };
    let keeps_out = |pattern: &&String| {
        let is_below =
            !is_pattern(pattern) && branch.strip_prefix(*pattern).is_some_and(|rest| rest.starts_with('/'));
        is_below || alternatives(pattern).iter().any(|one| is_folder(one))
    };
    patterns.iter().find(keeps_out).map(String::as_str)
}

/// The patterns that one with `{a,b}` stands for.
fn alternatives(pattern: &str) -> Vec<String> {
    let whole = || vec![pattern.to_owned()];
    let Some(open) = pattern.find('{') else { return whole() };
    let (mut depth, mut ends) = (0_usize, vec![open]);
    for (at, c) in pattern.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => ends.push(at),
            _ => {}
        }
        if depth == 0 {
            ends.push(at);
            let (before, after) = (&pattern[..open], &pattern[at + 1..]);
            let inner = ends.windows(2).map(|ends| &pattern[ends[0] + 1..ends[1]]);
            return inner.flat_map(|one| alternatives(&format!("{before}{one}{after}"))).collect();
        }
    }
    whole()
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
    use super::{kept_out_by, mistake, protect};

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
    fn no_branch_is_below_another() {
        let patterns: Vec<String> =
            ["main", "release/*", "{lts,old/*}/v[0-9]", "team-*/{a,b}/x", "**/stable", "*/next"]
                .map(String::from)
                .into();
        let all: Vec<&str> = patterns.iter().map(String::as_str).collect();
        for (branch, by) in [
            ("release", all[1]),
            ("main/x", all[0]),
            ("lts", all[2]),
            ("old", all[2]),
            ("old/1", all[2]),
            ("team-1", all[3]),
            ("team-1/a", all[3]),
        ] {
            assert_eq!(kept_out_by(&patterns, branch), Some(by), "{branch}");
        }
        for branch in
            ["releases", "release/1", "release/1/x", "mainly", "old/1/v2", "team-1/c", "topic", "a/b"]
        {
            assert_eq!(kept_out_by(&patterns, branch), None, "{branch}");
        }
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
