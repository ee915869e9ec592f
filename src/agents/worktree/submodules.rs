//! Whether a `.gitmodules` that an agent wrote is one that git and hosts take.
//!
//! A clone with `--recurse-submodules` does what that file says. git refuses what was found to be abused
//! (`fsck.c`, `submodule-config.c`; CVE-2018-11235, CVE-2018-17456, CVE-2019-19604) when it receives
//! objects; what we write ourselves would not be checked.

use super::Worktree;
use super::bounded::run;
use crate::system::git;

/// Whether the file at the top names submodules as git allows it. What git cannot read is not sound.
pub(super) fn are_sound(worktree: &Worktree) -> bool {
    let file = worktree.path.join(".gitmodules");
    // A link is refused by git itself, and would be followed here.
    if !file.symlink_metadata().is_ok_and(|data| data.is_file()) {
        return true;
    }
    let mut list = git::command(&worktree.parent.common);
    list.args(["config", "--null", "--no-includes", "--list", "--file"]).arg(file);
    let Ok(output) = run("config", &mut list, &[0]) else { return false };
    output.items().iter().all(|item| {
        let text = String::from_utf8_lossy(item);
        let (key, value) = text.split_once('\n').unwrap_or((&text, ""));
        is_sound(key, value)
    })
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
