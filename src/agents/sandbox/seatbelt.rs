//! Access rules as a profile of macOS's seatbelt, run by `sandbox-exec`.
//!
//! Everything is allowed but writing; then path by path, parents first, since the last rule that matches
//! decides. What could do work outside on a command's behalf is denied: starting programs by the system's
//! services, scripting other programs, their sockets, the preferences daemon. This has been read and tested as
//! text only, never yet on a Mac.

use super::access::{Access, AccessRules, access_in};
use crate::domain::error::{Result, hint};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// What applies profiles. Not looked for on the PATH: it is the system's.
pub const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// Folders that many share.
pub const SHARED: &[&str] = &["/private/tmp", "/private/var/tmp"];

/// What holds for all commands.
const BASE_PROFILE: &str = r#"(version 1)
(allow default)
(deny file-write*)
(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/dtracehelper"))
(allow file-write* (subpath "/dev/fd") (regex #"^/dev/ttys[0-9]+$") (literal "/dev/ptmx"))
(deny file-mount)
(deny file-unmount)
(deny job-creation)
(deny lsopen)
(deny appleevent-send)
(deny user-preference-write)
(deny signal)
(allow signal (target same-sandbox))
(deny process-info* (target others))
(deny mach-priv-task-port)
(deny network-outbound (remote unix-socket))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
"#;

/// The command under these rules, without an environment.
pub fn command(rules: &AccessRules, inner: &Command) -> Result<Command> {
    let mut command = Command::new(PROGRAM);
    command.arg("-p").arg(profile(rules)?).arg(inner.get_program()).args(inner.get_args());
    Ok(command)
}

fn profile(rules: &AccessRules) -> Result<String> {
    let mut text = BASE_PROFILE.to_owned();
    for (path, access) in &rules.paths {
        let quoted = quoted(path)?;
        let rules = match access {
            Access::Hidden => format!("(deny file-read* file-write* (subpath {quoted}))\n"),
            Access::Read | Access::Protected => {
                format!("(allow file-read* (subpath {quoted}))\n(deny file-write* (subpath {quoted}))\n")
            }
            Access::Write => format!(
                "(allow file-read* file-write* (subpath {quoted}))\n(allow network-outbound (remote unix-socket (subpath {quoted})))\n"
            ),
        };
        text.push_str(&rules);
    }
    for (path, access) in &rules.paths {
        let around = path.ancestors().skip(1).take_while(|around| around.parent().is_some());
        for around in around {
            let quoted = quoted(around)?;
            match (access, access_in(&rules.paths, around)) {
                // A search for it asks what is on the way.
                (Access::Read | Access::Write | Access::Protected, Access::Hidden) => {
                    let _ = writeln!(text, "(allow file-read-metadata (literal {quoted}))");
                }
                // Moving what is around it would take it away.
                (Access::Hidden | Access::Protected, Access::Write) => {
                    let _ = writeln!(text, "(deny file-write-unlink (literal {quoted}))");
                }
                _ => {}
            }
        }
    }
    Ok(text)
}

/// A path as a string of the profile's language.
fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['\n', '\0'])).ok_or_else(|| {
        hint(format!("{} cannot stand in a sandbox's profile", path.display()), "rename it")
    })?;
    Ok(format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#)))
}

#[cfg(test)]
mod tests {
    use super::{Access, AccessRules, profile, quoted};
    use std::path::Path;

    fn rules(paths: &[(&str, Access)]) -> AccessRules {
        AccessRules {
            paths: paths.iter().map(|(path, access)| (path.into(), *access)).collect(),
            ..AccessRules::default()
        }
    }

    /// What the last rule that matches says of writing, or reading, a path: as the system does it.
    fn is_allowed(profile: &str, operation: &str, path: &str) -> bool {
        let mut allowed = true;
        for line in profile.lines() {
            let (word, rest) = line.trim_start_matches('(').split_once(' ').expect("a rule");
            let names = rest.split(" (").next().unwrap_or_default().trim_end_matches(')');
            let names_it = names.split(' ').any(|name| {
                name.strip_suffix('*').is_some_and(|n| operation.starts_with(n))
                    || name == operation
                    || name == "default"
            });
            let filters: Vec<&str> = rest.split('(').skip(1).collect();
            let matches = |filter: &&str| match filter.split_once(' ') {
                Some(("subpath", text)) => {
                    Path::new(path).starts_with(text.split('"').nth(1).unwrap_or_default())
                }
                Some(("literal", text)) => text.split('"').nth(1) == Some(path),
                _ => false,
            };
            if names_it && (filters.is_empty() || filters.iter().any(matches)) {
                allowed = word == "allow";
            }
        }
        allowed
    }

    #[test]
    fn the_deepest_path_decides() {
        let profile = profile(&rules(&[
            ("/Users/ada/.claude", Access::Write),
            ("/Users/ada/.claude/hooks", Access::Protected),
            ("/Users/ada/.ssh", Access::Hidden),
            ("/Users/ada/project", Access::Hidden),
            ("/Users/ada/project/.git", Access::Read),
            ("/work/tree", Access::Write),
        ]))
        .expect("a profile");
        for (operation, path, expected) in [
            ("file-read-data", "/Users/ada/notes", true),
            ("file-write-data", "/Users/ada/notes", false),
            ("file-read-data", "/Users/ada/.ssh/id", false),
            ("file-write-create", "/Users/ada/.ssh/id", false),
            ("file-write-data", "/work/tree/a/b", true),
            ("file-write-data", "/work/treehouse", false),
            ("file-write-data", "/Users/ada/.claude/log", true),
            ("file-write-data", "/Users/ada/.claude/hooks/x", false),
            ("file-read-data", "/Users/ada/.claude/hooks/x", true),
            ("file-write-unlink", "/Users/ada/.claude", false),
            ("file-read-data", "/Users/ada/project/.env", false),
            ("file-read-data", "/Users/ada/project/.git/HEAD", true),
            ("file-read-metadata", "/Users/ada/project", true),
            ("file-write-data", "/dev/null", true),
        ] {
            assert_eq!(is_allowed(&profile, operation, path), expected, "{operation} {path}\n{profile}");
        }
        assert_eq!(profile.matches('(').count(), profile.matches(')').count());
    }

    #[test]
    fn no_path_ends_its_string() {
        let hostile = r#"/w/") (allow file-write* (subpath "/"#;
        assert_eq!(
            quoted(Path::new(hostile)).expect("quotes"),
            r#""/w/\") (allow file-write* (subpath \"/""#
        );
        assert_eq!(quoted(Path::new(r"/w/\")).expect("quotes"), r#""/w/\\""#);
        assert!(quoted(Path::new("/w/\n(allow default)")).is_err());
    }
}
