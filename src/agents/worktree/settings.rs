//! The configuration of a worktree's private repository.
//!
//! It holds what makes the same files have the same content as in the user's repository (line ends,
//! filters, drivers, what the file system can do), the user's name for commits, and the remotes that
//! promised objects to a partial clone. It holds no hook, no signing, no password and no way to push:
//! agents read it.

use super::{filters, root};
use crate::gate::store::{Repo, Setting};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The keys of `core` that decide about content.
const CORE: &[&str] = &[
    "autocrlf",
    "eol",
    "safecrlf",
    "ignorecase",
    "filemode",
    "symlinks",
    "precomposeunicode",
    "whitespace",
    "checkroundtripencoding",
    "excludesfile",
    "attributesfile",
    "abbrev",
    "quotepath",
    "bigfilethreshold",
];

/// The sections that are taken as they are: commands for content, how text is merged and compared.
const SECTIONS: &[&str] = &["filter", "merge", "diff", "i18n"];

/// What all private repositories of a repository have in common.
#[derive(Debug)]
pub(super) struct GitSettings {
    /// The text of the configuration, without what depends on the worktree.
    pub text: String,
    /// The filters that the user has.
    pub filters: Vec<Setting>,
    /// Whether one of them is another than git-lfs: its command may name a program of the project.
    pub has_strange_filters: bool,
    /// What of the main worktree the filters need, which is hidden from others: see [`filters::own_programs`].
    pub programs: Vec<PathBuf>,
}

/// Reads the user's configuration.
pub(super) fn read(repo: &Repo) -> GitSettings {
    let mut text = String::from(FIXED);
    let mut put = |section: &str, subsection: Option<&str>, name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = match subsection {
            Some(subsection) => write!(text, "[{section} {}]", quoted(subsection)),
            None => write!(text, "[{section}]"),
        };
        let _ = writeln!(text, "\n\t{name} = {}", quoted(value));
    };
    for name in CORE {
        if let Some(value) = repo.git_config(&format!("core.{name}")) {
            put("core", None, name, &value);
        }
    }
    for name in ["name", "email"] {
        if let Some(value) = repo.git_config(&format!("user.{name}")) {
            put("user", None, name, &value);
        }
    }
    for section in SECTIONS {
        for Setting { subsection, name, value } in repo.git_settings(section) {
            put(section, subsection.as_deref(), &name, &value);
        }
    }
    for remote in promisors(repo) {
        let key = |name: &str| repo.git_config(&format!("remote.{remote}.{name}"));
        let Some(url) = key("url") else { continue };
        put("remote", Some(&remote), "url", &reachable(&url, repo));
        put("remote", Some(&remote), "pushurl", "nobody pushes from a worktree of git flow-ai");
        put("remote", Some(&remote), "promisor", "true");
        if let Some(filter) = key("partialclonefilter") {
            put("remote", Some(&remote), "partialclonefilter", &filter);
        }
    }
    let commands = repo.git_settings("filter");
    let has_strange_filters = commands
        .iter()
        .filter(|setting| filters::is_command(setting))
        .any(|setting| !["git-lfs ", "git lfs "].iter().any(|known| setting.value.starts_with(known)));
    let programs = filters::own_programs(repo, &commands);
    GitSettings { text, filters: commands, has_strange_filters, programs }
}

/// What holds in every private repository. Branches get no upstream, since that would be written into
/// the configuration, which is read-only where the sandbox can make it so.
const FIXED: &str = "\
[core]
	bare = false
	logAllRefUpdates = true
	fsmonitor = false
	untrackedCache = false
	protectHFS = true
	protectNTFS = true
[commit]
	gpgSign = false
[tag]
	gpgSign = false
[gc]
	auto = 0
[maintenance]
	auto = false
[branch]
	autoSetupMerge = false
[submodule]
	recurse = false
[fetch]
	recurseSubmodules = false
[status]
	submoduleSummary = false
";

/// What only one worktree's configuration says. It comes last, so that nothing beats it: no hook of the
/// user's, who may have some for all repositories, runs on what an agent commits.
pub(super) fn own(git_dir: &Path, is_sha256: bool) -> String {
    let hooks = quoted(&git_dir.join("hooks").to_string_lossy());
    let format = match is_sha256 {
        true => "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tobjectFormat = sha256\n",
        false => "[core]\n\trepositoryFormatVersion = 0\n",
    };
    format!("{format}[core]\n\thooksPath = {hooks}\n[diff]\n\tignoreSubmodules = all\n")
}

/// The remotes that have promised objects.
fn promisors(repo: &Repo) -> Vec<String> {
    let is_true = |value: String| matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1");
    let old = repo.git_config("extensions.partialClone");
    let promises = |name: &String| {
        old.as_ref() == Some(name) || repo.git_config(&format!("remote.{name}.promisor")).is_some_and(is_true)
    };
    repo.remotes().into_iter().filter(promises).collect()
}

/// An address without a password.
pub(super) fn without_password(url: &str) -> String {
    if let Some((scheme, rest)) = url.split_once("://") {
        let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
        let host = match host.rsplit_once('@') {
            Some((who, host)) => format!("{}@{host}", who.split(':').next().unwrap_or_default()),
            None => host.to_owned(),
        };
        return match path {
            Some(path) => format!("{scheme}://{host}/{path}"),
            None => format!("{scheme}://{host}"),
        };
    }
    url.to_owned()
}

/// The address as it is reached from a worktree, without a password.
fn reachable(url: &str, repo: &Repo) -> String {
    if url.contains("://") {
        return without_password(url);
    }
    let is_remote = url.split('/').next().is_some_and(|first| first.contains(':'));
    if is_remote || Path::new(url).is_absolute() {
        return url.to_owned();
    }
    let here = root::main_worktree(repo).unwrap_or_else(|| repo.common_dir().to_owned());
    here.join(url).to_string_lossy().into_owned()
}

/// A value as git's configuration takes any text (`git-config(1)`, "Syntax"). A line break has no place in a subsection, and none gets in.
pub(super) fn quoted(value: &str) -> String {
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\0' => {}
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_value_breaks_out_of_its_line() {
        assert_eq!(quoted("a \"b\" \\ # c\n[core]\tx"), r#""a \"b\" \\ # c\n[core]\tx""#);
    }
}
