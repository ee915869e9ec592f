//! Access rules as arguments of bubblewrap (`bwrap(1)`): mount namespaces, and a process namespace that
//! takes every process with it when it ends, whatever session or parent those have chosen.
//!
//! `/tmp`, `/dev`, `/run` and `/proc` are fresh; sockets of the desktop, of containers and of keys live in
//! the first three. What a command needs and lies beneath one of them is put back. Nothing is nested that
//! would change nothing, because each mount costs every process that starts.

use super::access::{Access, AccessRules, access_in};
use super::capabilities::KEPT_FOR_ROOT;
use super::hosts::bridge;
use crate::agents::home::JobHome;
use crate::system::program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Namespaces of its own. Users and the network stay: agents bring sandboxes of their own, and talk to
/// their models.
const NAMESPACES: &[&str] = &["--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session"];

/// A network that holds nothing but a loopback.
const EMPTY_NETWORK: &str = "--unshare-net";

/// The only way out of an empty network.
#[derive(Debug)]
pub struct ProxyAccess {
    /// The socket of the proxy outside.
    pub socket: PathBuf,
    /// The program that leads to it.
    pub bridge: PathBuf,
}

/// Where a command's home is if the user has none that could be replaced.
pub const OTHER_HOME: &str = "/tmp/home";

/// What is fresh inside, so that what lies beneath is not seen unless it is put back.
const FRESH: &[&str] = &["/tmp", "/var/tmp", "/dev", "/run", "/proc"];

/// The program, if it can do what we ask of it; else why not.
pub fn find() -> Result<PathBuf, String> {
    let bwrap = program::found("bwrap").ok_or("bubblewrap is not installed")?;
    try_it(base_command(&bwrap).args(["--tmpfs", "/run", "true"])).map(|()| bwrap)
}

/// Whether it can give a command a network that is empty; else why not.
pub fn can_close_network(bwrap: &Path) -> Result<(), String> {
    try_it(base_command(bwrap).args([EMPTY_NETWORK, "true"]))
}

fn try_it(command: &mut Command) -> Result<(), String> {
    match command.stdin(Stdio::null()).stdout(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            Err(format!("bubblewrap cannot work here: {}", text.trim().lines().next().unwrap_or_default()))
        }
        Err(error) => Err(format!("bubblewrap cannot be started: {error}")),
    }
}

/// The command under these rules, without an environment.
pub fn command(
    bwrap: &Path,
    mut rules: AccessRules,
    home: &JobHome,
    proxy: Option<&ProxyAccess>,
    inner: &Command,
) -> Command {
    rules.hide_shared(FRESH);
    let mut command = base_command(bwrap);
    for folder in ["/tmp", "/var/tmp"].map(Path::new).into_iter().filter(|folder| folder.is_dir()) {
        command.arg("--bind").arg(&rules.temporary).arg(folder);
    }
    if !rules.homes.iter().any(|path| rules.is_home(path)) {
        command.arg("--bind").arg(home.path()).arg(OTHER_HOME);
    }
    let mut mounts = Mounts::default();
    if Path::new("/run").is_dir() {
        mounts.hide(Path::new("/run"));
    }
    let seen = Path::new(bridge::SEEN);
    if let Some(ProxyAccess { socket, bridge }) = proxy {
        command.arg(EMPTY_NETWORK);
        mounts.put("--bind", socket, &seen.join("proxy"));
        mounts.put("--ro-bind", bridge, &seen.join("bridge"));
    }
    for (path, access) in &rules.paths {
        let around = path.parent().map_or(Access::Read, |parent| access_in(&rules.paths, parent));
        match rules.is_home(path) {
            true => mounts.put("--bind", &home.path(), path),
            false => mounts.add(path, *access, around),
        }
    }
    for (path, real) in rules.linked() {
        let how = if access_in(&rules.paths, real) == Access::Write { "--bind" } else { "--ro-bind" };
        mounts.put(how, real, path);
    }
    command.args(mounts.args);
    // Only now, since what is put back into them needs a place to stand.
    for path in mounts.hidden {
        command.arg("--remount-ro").arg(path);
    }
    command.arg("--chdir").arg(&rules.dir).arg("--");
    if proxy.is_some() {
        command
            .arg(seen.join("bridge"))
            .args(["sandbox", "bridge", "--socket"])
            .arg(seen.join("proxy"))
            .arg("--");
    }
    command.arg(inner.get_program()).args(inner.get_args());
    command.current_dir("/");
    command
}

/// What every command gets: the file system to read, devices and processes of its own.
fn base_command(bwrap: &Path) -> Command {
    let mut command = Command::new(bwrap);
    command.args(NAMESPACES).args(["--cap-drop", "ALL"]);
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        command.args(KEPT_FOR_ROOT.iter().flat_map(|name| ["--cap-add".to_owned(), format!("CAP_{name}")]));
    }
    command.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]);
    if is_root {
        // The kernel's settings are files of root's: one names a program that the kernel runs outside.
        command.args(["--ro-bind", "/proc/sys", "/proc/sys"]);
    }
    command
}

#[derive(Default)]
struct Mounts {
    args: Vec<OsString>,
    hidden: Vec<PathBuf>,
}

impl Mounts {
    fn put(&mut self, how: &str, from: &Path, to: &Path) {
        self.args.extend([how.into(), from.into(), to.into()]);
    }

    fn hide(&mut self, path: &Path) {
        self.args.extend(["--tmpfs".into(), path.into()]);
        self.hidden.push(path.to_owned());
    }

    /// Adds a path, where something else holds around it.
    fn add(&mut self, path: &Path, access: Access, around: Access) {
        match access {
            // Nothing is there to be hidden, or it is fresh already.
            Access::Hidden
                if around == Access::Hidden || FRESH.iter().any(|fresh| path == Path::new(fresh)) => {}
            Access::Hidden if path.is_dir() => self.hide(path),
            Access::Hidden => self.put("--ro-bind", Path::new("/dev/null"), path),
            Access::Read if around == Access::Read => {}
            Access::Read | Access::Protected => self.put("--ro-bind", path, path),
            Access::Write => self.put("--bind", path, path),
        }
    }
}
