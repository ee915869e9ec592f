//! Our own program as the one that starts commands: the guardian, and the stage that becomes the command.
//!
//! The *guardian* ([`hold`]) stays outside of the bounds, as parent of all: orphans are handed to it,
//! whatever session they chose and whatever environment they wiped, so it ends all of them when the
//! command has ended, when it is told to, or when we are gone without a word. Its child ([`enter()`]) takes a
//! session of its own, puts itself within the bounds, which nothing can undo, and becomes the command.
//! What they are told is in a file, because arguments can be read by all.
//!
//! A cgroup of our own would do the same with one write, but nobody gets one: the scope of a terminal is
//! not delegated, and asking a service manager for one needs a bus that containers do not have.

#[cfg(target_os = "linux")]
mod enter;
#[cfg(target_os = "linux")]
mod guardian;
#[cfg(target_os = "linux")]
pub mod landlock;
#[cfg(not(target_os = "linux"))]
mod nowhere;
#[cfg(target_os = "linux")]
mod settings_guard;

#[cfg(target_os = "linux")]
pub use enter::enter;
#[cfg(target_os = "linux")]
pub use guardian::hold;
#[cfg(not(target_os = "linux"))]
pub use nowhere::{enter, hold};

use super::access::{Access, AccessRules};
use super::hosts::Hosts;
use super::temporary::Temporary;
use crate::domain::error::{Result, hint};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of [`Order`]s.
const VERSION: u32 = 1;

/// Our program as every process of it finds it, though the file may have been replaced meanwhile.
const OWN: &str = "/proc/self/exe";

/// Folders that Landlock hides, since many share them. Processes' own are protected by the kernel.
pub const SHARED: &[&str] = &["/tmp", "/var/tmp", "/dev", "/run"];

/// What the stages are told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    version: u32,
    /// The bounds that [`enter()`] puts itself into: what may be done with each path and all below it. None:
    /// somebody else sees to them.
    pub paths: Option<Vec<(OsString, Access)>>,
    /// The only way out to others; none: any.
    pub network: Option<Network>,
    /// What should stay as it is, and is looked at instead of held.
    pub kept: Vec<OsString>,
    /// Where what was stopped is written down, a line each.
    pub stopped: OsString,
}

/// The way out through a proxy of the guardian's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Where it leads.
    pub hosts: Hosts,
    /// The proxy's socket; none: it takes a port.
    pub socket: Option<OsString>,
}

impl Network {
    /// The way to those hosts.
    pub fn new(hosts: &Hosts, socket: Option<PathBuf>) -> Network {
        Network { hosts: hosts.clone(), socket: socket.map(PathBuf::into_os_string) }
    }
}

impl Order {
    /// The order for a command within bounds that somebody else sees to.
    pub fn new(rules: &AccessRules, network: Option<Network>) -> Order {
        let kept = rules.absent.iter().map(Into::into).collect();
        Order { version: VERSION, paths: None, network, kept, stopped: OsString::new() }
    }

    /// The same for who puts itself within the bounds.
    pub fn with_bounds(mut self, rules: &AccessRules) -> Order {
        self.paths = Some(rules.paths.iter().map(|(path, access)| (path.into(), *access)).collect());
        self.kept.extend(rules.loose().map(OsString::from));
        self
    }

    /// Writes it to a file of that folder, and returns which.
    pub fn write(mut self, temporary: &Temporary) -> Result<PathBuf> {
        self.stopped = temporary.file(super::STOPPED).into();
        let path = temporary.file("order");
        let text = serde_json::to_vec(&self).context("cannot write down the bounds")?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Reads it from its file.
    pub fn read(path: &Path) -> Result<Order> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let order: Order = serde_json::from_slice(&text).map_err(|error| {
            hint(format!("{} is no order: {error}", path.display()), "start the run again")
        })?;
        if order.version != VERSION {
            return Err(hint("the order is another version's", "start the run again"));
        }
        Ok(order)
    }
}

/// The program that has the stages: ours, unless we are a library in somebody else's.
#[derive(Debug, Clone)]
pub struct Launcher(PathBuf);

impl Launcher {
    /// Our own program.
    pub fn own() -> Option<Launcher> {
        let program = env::current_exe().ok()?;
        // A file that was replaced has a remark behind its name.
        let is_ours = program.file_name()?.to_str()?.split(' ').next() == Some("git-flow-ai");
        (cfg!(target_os = "linux") && is_ours).then(|| Launcher(OWN.into()))
    }

    /// That program, which has to be ours.
    pub fn at(program: PathBuf) -> Launcher {
        Launcher(program)
    }

    /// Where it is found from other programs.
    pub fn file(&self) -> Result<PathBuf> {
        let own = self.0 == Path::new(OWN);
        let file =
            if own { env::current_exe().context("cannot find our own program")? } else { self.0.clone() };
        if file.exists() {
            return Ok(file);
        }
        Err(hint(format!("{} is gone: it was replaced while we run", file.display()), "start the run again"))
    }

    /// That command, started by the guardian. It has neither environment nor folder yet.
    pub fn command(&self, order: Option<&Path>, inner: &Command) -> Command {
        let mut command = Command::new(&self.0);
        command.arg0("git-flow-ai").args(stage("hold", order, None));
        command.arg("--").arg(inner.get_program()).args(inner.get_args());
        command
    }
}

/// The arguments that call a stage as a child of ours. It may connect to no port but that, where there is one.
fn stage(name: &str, order: Option<&Path>, port: Option<u16>) -> Vec<OsString> {
    let parent = std::process::id().to_string();
    let mut args: Vec<OsString> = ["sandbox", name, "--parent", &parent].map(OsString::from).into();
    if let Some(order) = order {
        args.extend(["--order".into(), order.into()]);
    }
    if let Some(port) = port {
        args.extend(["--port".into(), port.to_string().into()]);
    }
    args
}
