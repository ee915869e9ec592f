//! Whether a `.gitmodules` that an agent wrote is one that git and hosts take.
//!
//! A clone with `--recurse-submodules` does what that file says. git refuses what was found to be abused
//! (`fsck.c`, `submodule-config.c`; CVE-2018-11235, CVE-2018-17456, CVE-2019-19604) when it receives
//! objects; what we write ourselves would not be checked.

use crate::agents::worktree::Worktree;
use crate::agents::worktree::bounded::run;
use crate::domain::error::Result;
use crate::system::git;
use std::collections::BTreeMap;
use std::path::Path;

/// Whether the file at the top names submodules as git allows it. What git cannot read is not sound.
pub fn are_sound(worktree: &Worktree) -> bool {
    let files = worktree.files();
    if !has_file(&files) {
        return true;
    }
    let Ok(settings) = settings(worktree, &files) else { return false };
    settings.iter().all(|(key, value)| is_sound(key, value))
}

/// Whether there is such a file. A link is refused by git itself, and would be followed here.
pub fn has_file(folder: &Path) -> bool {
    folder.join(".gitmodules").symlink_metadata().is_ok_and(|data| data.is_file())
}

/// What a `.gitmodules` says of one submodule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    pub name: String,
    pub url: String,
    pub update: Option<String>,
}

/// The section that names that path; `None` if there is none, or git would not allow the file.
pub fn section(worktree: &Worktree, folder: &Path, path: &Path) -> Result<Option<Section>> {
    let settings = settings(worktree, folder)?;
    if !settings.iter().all(|(key, value)| is_sound(key, value)) {
        return Ok(None);
    }
    let mut sections: BTreeMap<&str, (Section, &str)> = BTreeMap::new();
    for (key, value) in &settings {
        let Some((name, key)) = key.strip_prefix("submodule.").and_then(|rest| rest.rsplit_once('.')) else {
            continue;
        };
        let (section, at) = sections.entry(name).or_default();
        section.name = name.to_owned();
        match key {
            "path" => *at = value.trim_end_matches('/'),
            "url" => section.url.clone_from(value),
            "update" => section.update = Some(value.clone()),
            _ => {}
        }
    }
    let found = sections.into_values().find(|(_, at)| Path::new(at) == path);
    Ok(found.map(|(section, _)| section))
}

/// What the file of a folder says, as git lists it.
fn settings(worktree: &Worktree, folder: &Path) -> Result<Vec<(String, String)>> {
    let mut list = git::command(&worktree.parent.common);
    list.args(["config", "--null", "--no-includes", "--list", "--file"]).arg(folder.join(".gitmodules"));
    let items = run("config", &mut list, &[0])?.items();
    let pairs = items.iter().map(|item| {
        let text = String::from_utf8_lossy(item).into_owned();
        text.split_once('\n').map_or((text.clone(), String::new()), |(key, value)| (key.into(), value.into()))
    });
    Ok(pairs.collect())
}

/// Whether git allows that key with that value. Keys are as git lists them: `submodule.<name>.<key>`.
fn is_sound(key: &str, value: &str) -> bool {
    let Some((name, key)) = key.strip_prefix("submodule.").and_then(|rest| rest.rsplit_once('.')) else {
        return true;
    };
    let leads_out = |path: &str| path.split(['/', '\\']).any(|part| part == "..");
    let is_helper = |(transport, _): (&str, &str)| transport.chars().all(|c| c.is_ascii_alphanumeric());
    let is_value_sound = match key {
        "path" => !value.starts_with(['-', '/']) && !leads_out(value),
        "url" => {
            !value.starts_with('-')
                && !value.contains(['\n', '\r'])
                && !value.split_once("::").is_some_and(is_helper)
        }
        "update" => !value.starts_with('!'),
        _ => true,
    };
    is_value_sound && !name.is_empty() && !leads_out(name)
}

#[cfg(test)]
mod tests {
    use super::is_sound;

    #[test]
    fn what_git_forbids_is_not_sound() {
        for (key, value) in [
            ("submodule.lib.path", "vendor/lib"),
            ("submodule.a..b.url", "../lib.git"),
            ("submodule.lib.url", "https://example.com/lib.git"),
            ("submodule.lib.url", "ssh://[::1]/lib.git"),
            ("submodule.lib.update", "rebase"),
            ("core.fsmonitor", "ignored by git here"),
        ] {
            assert!(is_sound(key, value), "{key} = {value}");
        }
        for (key, value) in [
            ("submodule.lib.path", "../lib"),
            ("submodule.lib.path", "-x"),
            ("submodule.lib.path", "/etc"),
            ("submodule.lib.url", "-u./payload"),
            ("submodule.lib.url", "ext::sh -c payload"),
            ("submodule.lib.url", "https://example.com/\nhost=other"),
            ("submodule.lib.update", "!payload"),
            ("submodule.../../modules.path", "lib"),
            ("submodule.a\\..\\b.url", "lib"),
        ] {
            assert!(!is_sound(key, value), "{key} = {value}");
        }
    }
}
