//! The backends that enforce an access policy: what this system has, and what that cannot enforce.

use super::{bubblewrap, launch, namespaces, seatbelt, sockets};
use crate::domain::error::{Result, hint};
use crate::gate::store::Repo;
use crate::system::program;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The first version of Landlock that restricts all writing: the ones before let files be truncated.
const ENOUGH: i32 = 3;

/// The first version that restricts connections.
const TCP: i32 = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// Mount and process namespaces, by that program.
    Bubblewrap(PathBuf),
    /// The kernel's Landlock, of that version.
    Landlock(i32),
    /// The seatbelt of macOS.
    Seatbelt,
    /// Why there is none.
    None(String),
}

/// The best that this system has, or what the user chose (`git config flow-ai.sandbox-means`).
pub fn choose(repo: &Repo) -> Result<Backend> {
    let Some(name) = repo.git_config("flow-ai.sandbox-means") else { return Ok(best()) };
    match name.trim() {
        "bubblewrap" => Ok(try_bubblewrap().unwrap_or_else(Backend::None)),
        "landlock" => Ok(try_landlock().unwrap_or_else(Backend::None)),
        "seatbelt" => Ok(try_seatbelt().unwrap_or_else(Backend::None)),
        _ => Err(hint(
            format!("flow-ai.sandbox-means is `{name}`, which is none of bubblewrap, landlock and seatbelt"),
            "git config --unset flow-ai.sandbox-means takes the best that there is",
        )),
    }
}

/// The best that this system has. Tried once: that a program is installed does not mean that it may do
/// its work (containers, hardened kernels).
pub fn best() -> Backend {
    static FOUND: OnceLock<Backend> = OnceLock::new();
    let find = || {
        try_bubblewrap().or_else(|first| try_landlock().map_err(|second| format!("{first}, and {second}")))
    };
    FOUND.get_or_init(|| find().unwrap_or_else(Backend::None)).clone()
}

fn try_bubblewrap() -> Result<Backend, String> {
    bubblewrap::find().map(Backend::Bubblewrap)
}

#[cfg(target_os = "linux")]
fn try_landlock() -> Result<Backend, String> {
    launch::landlock::version().map(Backend::Landlock)
}

#[cfg(not(target_os = "linux"))]
fn try_landlock() -> Result<Backend, String> {
    Err("only Linux has Landlock".into())
}

fn is_installed() -> bool {
    program::found("bwrap").is_some()
}

fn try_seatbelt() -> Result<Backend, String> {
    let is_there = cfg!(target_os = "macos") && Path::new(seatbelt::PROGRAM).exists();
    is_there.then_some(Backend::Seatbelt).ok_or_else(|| "only macOS has seatbelt".into())
}

impl Backend {
    /// What it is with the launcher that some need, or without.
    pub fn with_launcher(self, has_launcher: bool) -> Backend {
        match self {
            Backend::Landlock(_) if !has_launcher => {
                Backend::None("Landlock needs git-flow-ai as the program that starts commands".into())
            }
            other => other,
        }
    }

    /// Refuses what does not suffice if a sandbox is required, with the reason.
    pub fn check_required(&self) -> Result<()> {
        match self {
            Backend::None(why) => Err(hint(
                format!("a sandbox is required, and there is none: {why}"),
                match self.upgrade_hint() {
                    Some(fix) => format!("{fix}; or ask for less: `sandbox = \"prefer\"` under [run]"),
                    None => "ask for less: `sandbox = \"prefer\"` under [run]".to_owned(),
                },
            )),
            Backend::Landlock(version) if *version < ENOUGH => Err(hint(
                format!(
                    "a sandbox is required, and this kernel's Landlock (version {version}) does not hold all writing"
                ),
                "install bubblewrap (bwrap), or a kernel from 6.2 on",
            )),
            Backend::Landlock(_) => match sockets::writable().first() {
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

    /// Refuses if it cannot keep a command from all hosts but those on a list, with the reason: a list that is
    /// not enforced is worse than none.
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
            Backend::None(why) => format!("there is no sandbox: {why}"),
        };
        Err(hint(
            format!("`hosts` of [sandbox] cannot be enforced here: {why}"),
            "install bubblewrap (bwrap), or take `hosts` out",
        ))
    }

    /// How to get a better one, if the system could have one.
    pub fn upgrade_hint(&self) -> Option<&'static str> {
        match self {
            Backend::Bubblewrap(_) | Backend::Seatbelt => None,
            _ if !cfg!(target_os = "linux") => None,
            _ if is_installed() => Some(namespaces::what_to_allow()),
            _ => Some("install bubblewrap, for example: apt install bubblewrap"),
        }
    }

    /// That bubblewrap is there, would hold more and cannot: why, and what would have to be allowed.
    pub fn forbidden(&self) -> Option<String> {
        if !cfg!(target_os = "linux") || matches!(self, Backend::Bubblewrap(_)) || !is_installed() {
            return None;
        }
        let why = bubblewrap::find().err()?;
        Some(format!("{why}; it would hold more: {}", namespaces::what_to_allow()))
    }

    /// What it cannot enforce, for people.
    pub fn lacks(&self) -> Vec<String> {
        let Backend::Landlock(version) = self else { return Vec::new() };
        let since = [
            (i32::MAX, "the names of hidden files"),
            (i32::MAX, "sockets in folders"),
            (i32::MAX, "rights, owners and times of files"),
            (6, "signals to your processes"),
            (3, "cutting files short"),
        ];
        let lacks = since.into_iter().filter(|(since, _)| version < since).map(|(_, what)| what.to_owned());
        let sockets = sockets::writable();
        lacks.chain(sockets.first().map(|path| format!("{}, which leads out", path.display()))).collect()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SUMMARY: &str = "they write only their worktree and a home that is thrown away; of yours they see toolchains, and each agent its own login";
        match self {
            Backend::Bubblewrap(_) => write!(f, "bubblewrap: {SUMMARY}"),
            Backend::Seatbelt => write!(f, "seatbelt: {SUMMARY}"),
            Backend::Landlock(version) => {
                write!(f, "Landlock {version}: {SUMMARY}; not held: {}", self.lacks().join(", "))
            }
            Backend::None(why) => write!(f, "none ({why}): agents and commands can do what you can"),
        }
    }
}
