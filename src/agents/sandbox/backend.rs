//! Who sees to it that a command stays in its bounds: what this system has, and what that cannot hold.

use super::{bubblewrap, launch, seatbelt, sockets};
use crate::domain::error::{Result, hint};
use crate::gate::store::Repo;
use crate::system::program;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The first version of Landlock that holds all writing: the ones before let files be cut.
const ENOUGH: i32 = 3;

/// The first version that holds connections.
const TCP: i32 = 4;

/// Who sees to it that a command stays in its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// Mount and process namespaces, by that program.
    Bubblewrap(PathBuf),
    /// The kernel's Landlock, of that version.
    Landlock(i32),
    /// The seatbelt of macOS.
    Seatbelt,
    /// Nobody: why.
    Nobody(String),
}

/// The best that this system has, or what the person chose (`git config flow-ai.sandbox-means`).
pub fn chosen(repo: &Repo) -> Result<Backend> {
    let Some(word) = repo.git_config("flow-ai.sandbox-means") else { return Ok(best()) };
    match word.trim() {
        "bubblewrap" => Ok(by_bubblewrap().unwrap_or_else(Backend::Nobody)),
        "landlock" => Ok(by_landlock().unwrap_or_else(Backend::Nobody)),
        "seatbelt" => Ok(by_seatbelt().unwrap_or_else(Backend::Nobody)),
        _ => Err(hint(
            format!("flow-ai.sandbox-means is `{word}`, which is none of bubblewrap, landlock and seatbelt"),
            "git config --unset flow-ai.sandbox-means takes the best that there is",
        )),
    }
}

/// The best that this system has. Tried once: that a program is installed does not mean that it may do
/// its work (containers, hardened kernels).
pub fn best() -> Backend {
    static FOUND: OnceLock<Backend> = OnceLock::new();
    let find =
        || by_bubblewrap().or_else(|first| by_landlock().map_err(|second| format!("{first}, and {second}")));
    FOUND.get_or_init(|| find().unwrap_or_else(Backend::Nobody)).clone()
}

fn by_bubblewrap() -> Result<Backend, String> {
    bubblewrap::find().map(Backend::Bubblewrap)
}

#[cfg(target_os = "linux")]
fn by_landlock() -> Result<Backend, String> {
    launch::landlock::version().map(Backend::Landlock)
}

#[cfg(not(target_os = "linux"))]
fn by_landlock() -> Result<Backend, String> {
    Err("only Linux has Landlock".into())
}

fn is_installed() -> bool {
    program::find("bwrap", None, "").is_ok()
}

fn by_seatbelt() -> Result<Backend, String> {
    let is_there = cfg!(target_os = "macos") && Path::new(seatbelt::PROGRAM).exists();
    is_there.then_some(Backend::Seatbelt).ok_or_else(|| "only macOS has seatbelt".into())
}

impl Backend {
    /// What it is for whoever has the launcher that some need, or not.
    pub fn launched(self, has_launcher: bool) -> Backend {
        match self {
            Backend::Landlock(_) if !has_launcher => {
                Backend::Nobody("Landlock needs git-flow-ai as the program that starts commands".into())
            }
            means => means,
        }
    }

    /// Whether it is one for those who require one.
    ///
    /// # Errors
    /// Why not.
    pub fn suffices(&self) -> Result<()> {
        match self {
            Backend::Nobody(why) => Err(hint(
                format!("a sandbox is required, and there is none: {why}"),
                "install bubblewrap (bwrap), or ask for less: `sandbox = \"prefer\"` under [run]",
            )),
            Backend::Landlock(version) if *version < ENOUGH => Err(hint(
                format!(
                    "a sandbox is required, and this kernel's Landlock (version {version}) does not hold all writing"
                ),
                "install bubblewrap (bwrap), or a kernel from 6.2 on",
            )),
            Backend::Landlock(_) => match sockets::ways_out().first() {
                Some(socket) => Err(hint(
                    format!(
                        "a sandbox is required, and Landlock does not hold sockets: {} leads out of it",
                        socket.display()
                    ),
                    "install bubblewrap (bwrap), which hides it",
                )),
                None => Ok(()),
            },
            Backend::Bubblewrap(_) | Backend::Seatbelt => Ok(()),
        }
    }

    /// Whether it can keep a command from all hosts but those on a list.
    ///
    /// # Errors
    /// Why not. A list that nobody enforces is worse than none.
    pub fn can_close_network(&self, has_launcher: bool) -> Result<()> {
        let why = match self {
            Backend::Bubblewrap(_) if !has_launcher => "this program is not git-flow-ai".into(),
            Backend::Bubblewrap(program) => match bubblewrap::can_close_network(program) {
                Ok(()) => return Ok(()),
                Err(why) => why,
            },
            Backend::Landlock(version) if *version >= TCP => return Ok(()),
            Backend::Landlock(version) => format!("Landlock {version} knows no network"),
            // Nothing of ours outlives us there to run the proxy.
            Backend::Seatbelt => "only Linux has the guardian that it takes".into(),
            Backend::Nobody(why) => format!("there is no sandbox: {why}"),
        };
        Err(hint(
            format!("`hosts` of [sandbox] cannot be enforced here: {why}"),
            "install bubblewrap (bwrap), or take `hosts` out",
        ))
    }

    /// Whether it is less than the system could have, and what would mend that.
    pub fn way_up(&self) -> Option<&'static str> {
        let stands_in_the_way = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
        let is_restricted =
            || std::fs::read_to_string(stands_in_the_way).is_ok_and(|text| text.trim() == "1");
        match self {
            Backend::Bubblewrap(_) | Backend::Seatbelt => None,
            _ if !cfg!(target_os = "linux") => None,
            _ if is_installed() && is_restricted() => Some(
                "AppArmor keeps bwrap from making namespaces (kernel.apparmor_restrict_unprivileged_userns): a profile for /usr/bin/bwrap with `userns,` allows it to bwrap alone",
            ),
            _ if is_installed() => Some("see why `bwrap --unshare-pid --ro-bind / / true` fails"),
            _ => Some("install bubblewrap, for example: apt install bubblewrap"),
        }
    }

    /// What it cannot hold, for people; none when it holds all that it is meant to.
    pub fn lacks(&self) -> Vec<String> {
        let Backend::Landlock(version) = self else { return Vec::new() };
        let since = [
            (i32::MAX, "the names of hidden files"),
            (i32::MAX, "sockets in folders"),
            (i32::MAX, "settings inside an agent's own state"),
            (6, "signals to your processes"),
            (3, "cutting files short"),
        ];
        let lacks = since.into_iter().filter(|(since, _)| version < since).map(|(_, what)| what.to_owned());
        let ways_out = sockets::ways_out();
        lacks.chain(ways_out.first().map(|path| format!("{}, which leads out", path.display()))).collect()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HELD: &str = "they write only their worktree and their own state, and see no secrets";
        match self {
            Backend::Bubblewrap(_) => write!(f, "bubblewrap: {HELD}"),
            Backend::Seatbelt => write!(f, "seatbelt: {HELD}"),
            Backend::Landlock(version) => {
                write!(f, "Landlock {version}: {HELD}; not held: {}", self.lacks().join(", "))
            }
            Backend::Nobody(why) => write!(f, "none ({why}): agents and commands can do what you can"),
        }
    }
}
