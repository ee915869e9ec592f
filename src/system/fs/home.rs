//! The user's home, and the directories in it that the XDG Base Directory Specification lets a user move.
//!
//! Our own are asked with [`home`], [`base`] and [`expand`]. What another program sees may differ: an agent
//! can be given a home of its own, so that the sandbox asks with that program's variables ([`places`]).

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::sync::LazyLock;

/// A directory for one kind of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    Config,
    Data,
    State,
    Cache,
}

impl Base {
    pub const ALL: [Base; 4] = [Base::Config, Base::Data, Base::State, Base::Cache];

    /// The variable that moves it.
    pub fn variable(self) -> &'static str {
        match self {
            Base::Config => "XDG_CONFIG_HOME",
            Base::Data => "XDG_DATA_HOME",
            Base::State => "XDG_STATE_HOME",
            Base::Cache => "XDG_CACHE_HOME",
        }
    }

    /// Where it is in the home if nothing moves it.
    fn in_home(self) -> &'static str {
        match self {
            Base::Config => ".config",
            Base::Data => ".local/share",
            Base::State => ".local/state",
            Base::Cache => ".cache",
        }
    }
}

pub fn home() -> Option<PathBuf> {
    absolute(env::var_os("HOME"))
}

/// The home that the system knows for this user, whatever `HOME` says: Java and ssh ask for it.
#[cfg(target_os = "linux")]
pub fn system_home() -> Option<PathBuf> {
    // The answer may come from another machine.
    static HOME: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten()?;
        user.dir.is_absolute().then_some(user.dir)
    });
    HOME.clone()
}

/// There it is where `HOME` says.
#[cfg(not(target_os = "linux"))]
pub fn system_home() -> Option<PathBuf> {
    home()
}

/// The directory for that kind of files. The specification has us ignore a variable that is not absolute.
pub fn base(base: Base) -> Option<PathBuf> {
    absolute(env::var_os(base.variable())).or_else(|| home().map(|home| home.join(base.in_home())))
}

/// A path as a user writes it: `~/` is the home directory.
pub fn expand(text: &str) -> PathBuf {
    match text.strip_prefix("~/").zip(home()) {
        Some((rest, home)) => home.join(rest),
        None => PathBuf::from(text),
    }
}

/// Where a path below the home is for a program with these variables: in its home, and in the base directory
/// that a variable moved elsewhere.
pub fn places<'a>(
    path: &'a str,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
) -> impl Iterator<Item = PathBuf> + 'a {
    let moved = Base::ALL.into_iter().filter_map(|base| {
        let rest = Path::new(path).strip_prefix(base.in_home()).ok()?;
        Some(absolute(variable(base.variable()))?.join(rest))
    });
    variable("HOME").map(|home| PathBuf::from(home).join(path)).into_iter().chain(moved)
}

fn absolute(value: Option<OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::places;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    #[test]
    fn a_path_is_in_the_home_and_in_the_directory_that_was_moved() {
        let found = |path: &str, variables: &[(&str, &str)]| {
            let variables: BTreeMap<_, _> = variables.iter().copied().collect();
            places(path, &|name| variables.get(name).map(Into::into)).collect::<Vec<_>>()
        };
        let all = [("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_DATA_HOME", "relative")];
        assert_eq!(found(".config/tool", &all), ["/h/.config/tool", "/c/tool"].map(PathBuf::from));
        assert_eq!(found(".local/share/tool", &all), [PathBuf::from("/h/.local/share/tool")]);
        assert_eq!(found(".tool", &all), [PathBuf::from("/h/.tool")]);
        assert!(found(".tool", &[]).is_empty());
    }
}
