//! Our own program as the one that starts commands: the guardian, and the stage that becomes the command.
//!
//! The *guardian* ([`guard`]) stays outside of the sandbox, as parent of all: orphans are handed to it,
//! whatever session they chose and whatever environment they wiped, so it ends all of them when the
//! command has ended, when it gets a signal, or when we are gone. Its child ([`enter()`]) takes a session
//! of its own, restricts itself, which nothing can undo, and becomes the command. Their [`Instructions`] are
//! in a file, because every process can read arguments.
//!
//! A cgroup of our own would do the same with one write, but users do not get one: the scope of a terminal
//! is not delegated, and asking a service manager for one needs a bus that containers do not have.

#[cfg(target_os = "linux")]
mod enter;
#[cfg(target_os = "linux")]
mod guardian;
#[cfg(target_os = "linux")]
pub mod landlock;
#[cfg(not(target_os = "linux"))]
mod nowhere;

#[cfg(target_os = "linux")]
pub use enter::enter;
#[cfg(target_os = "linux")]
pub use guardian::guard;
#[cfg(not(target_os = "linux"))]
pub use nowhere::{enter, guard};

use super::access::{Access, AccessRules};
use super::environment::copy_explicit;
use super::hosts::Hosts;
use super::temporary::Temporary;
use crate::domain::error::{Result, hint};
use crate::system::overlay::{self, Overlay};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of [`Instructions`].
const VERSION: u32 = 1;

/// Our program as every process of it finds it, though the file may have been replaced meanwhile.
const OWN: &str = "/proc/self/exe";

/// Folders that Landlock hides, since many share them. Processes' own are protected by the kernel.
pub const SHARED: &[&str] = &["/tmp", "/var/tmp", "/dev", "/run"];

/// What the stages do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    version: u32,
    /// What [`enter()`] restricts itself to: what may be done with each path and all below it. `None`: another
    /// backend enforces it.
    pub paths: Option<Vec<(OsString, Access)>>,
    /// The only way out to others; `None`: any.
    pub network: Option<Network>,
    /// Where what was stopped is written down, a line each.
    pub stopped: OsString,
    /// What is mounted for the command, before anything restricts it.
    pub overlays: Vec<Overlay>,
}

/// The way out through a proxy of the guardian's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub hosts: Hosts,
    /// The proxy's socket; `None`: it takes a port.
    pub socket: Option<OsString>,
}

impl Network {
    /// The way to those hosts.
    pub fn new(hosts: &Hosts, socket: Option<PathBuf>) -> Network {
        Network { hosts: hosts.clone(), socket: socket.map(PathBuf::into_os_string) }
    }
}

impl Instructions {
    /// For a command whose rules another backend enforces.
    pub fn new(network: Option<Network>, overlays: &[Overlay]) -> Instructions {
        let overlays = overlays.to_vec();
        Instructions { version: VERSION, paths: None, network, stopped: OsString::new(), overlays }
    }

    /// The same for a command that restricts itself.
    pub fn with_access(mut self, rules: &AccessRules) -> Instructions {
        self.paths = Some(rules.paths.iter().map(|(path, access)| (path.into(), *access)).collect());
        self
    }

    /// Writes it to a file of that folder, and returns which.
    pub fn write(mut self, temporary: &Temporary) -> Result<PathBuf> {
        self.stopped = temporary.file(super::STOPPED).into();
        let path = temporary.file("instructions");
        let text = serde_json::to_vec(&self).context("cannot write down the instructions")?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Reads it from its file.
    pub fn read(path: &Path) -> Result<Instructions> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let instructions: Instructions = serde_json::from_slice(&text).map_err(|error| {
            hint(format!("{} is no order: {error}", path.display()), "start the run again")
        })?;
        if instructions.version != VERSION {
            return Err(hint("the order is another version's", "start the run again"));
        }
        Ok(instructions)
    }
}

/// The program that has the stages: ours, unless we are a library in another one.
#[derive(Debug, Clone)]
pub struct Launcher(PathBuf);

impl Launcher {
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

    /// That command, with its environment, in a mount namespace with these overlays. For what is ours: it has no
    /// guardian, and nothing restricts it.
    pub fn in_overlays(&self, overlays: &[Overlay], inner: &Command) -> Result<Command> {
        let overlays = serde_json::to_string(overlays).context("cannot write down the overlays")?;
        let mut command = Command::new(&self.0);
        command.arg0("git-flow-ai").args(["sandbox", "overlay", "--overlays", &overlays, "--"]);
        command.arg(inner.get_program()).args(inner.get_args());
        copy_explicit(inner, &mut command);
        command.current_dir(inner.get_current_dir().unwrap_or(Path::new("/")));
        Ok(command)
    }

    /// That command, started by the guardian. It has neither environment nor folder yet.
    pub fn command(&self, instructions: Option<&Path>, inner: &Command) -> Command {
        let mut command = Command::new(&self.0);
        command.arg0("git-flow-ai").args(stage("hold", instructions, None));
        command.arg("--").arg(inner.get_program()).args(inner.get_args());
        command
    }
}

/// Becomes that command, in a mount namespace with these overlays, which are given as JSON.
pub fn enter_overlays(overlays: &str, command: &[OsString]) -> Result<Infallible> {
    let overlays: Vec<Overlay> = serde_json::from_str(overlays).context("these are no overlays")?;
    let Some((program, args)) = command.split_first() else { bail!("there is no command") };
    overlay::enter(&overlays)?;
    let error = Command::new(program).args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", Path::new(program).display()))
}

/// The arguments that call a stage as a child of ours. It may connect to no port but that, where there is one.
fn stage(name: &str, instructions: Option<&Path>, port: Option<u16>) -> Vec<OsString> {
    let parent = std::process::id().to_string();
    let mut args: Vec<OsString> = ["sandbox", name, "--parent", &parent].map(OsString::from).into();
    if let Some(instructions) = instructions {
        args.extend(["--order".into(), instructions.into()]);
    }
    if let Some(port) = port {
        args.extend(["--port".into(), port.to_string().into()]);
    }
    args
}
