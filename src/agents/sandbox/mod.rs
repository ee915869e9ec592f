//! What a command that agents steer or wrote may touch, and what enforces it.
//!
//! A [`Scope`] says what one command needs; the access policy (`access.rs`) adds what holds for all: the
//! system can be read, the user's home, other worktrees and our own folder cannot, and nothing can be written
//! but the scope, a home of the command's own ([`crate::agents::home`]) and a temporary folder, which both
//! vanish with the command. A [`Backend`] of the system enforces it: bubblewrap on Linux, else Landlock; seatbelt on macOS. Which one works is found out by trying it, once.
//! Whichever it is, on Linux a guardian of ours ([`launch`]) ensures that nothing outlives the command.

mod access;
mod backend;
mod bubblewrap;
mod capabilities;
pub(crate) mod config_command;
mod environment;
mod hidden_paths;
pub(crate) mod hosts;
pub mod launch;
mod namespaces;
mod seatbelt;
mod secret_paths;
mod sockets;
mod temporary;

pub use access::Scope;
pub use backend::Backend;

use crate::agents::home::{self as job_home, JobHome};
use crate::domain::config::{Config, SandboxMode};
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::fs::home::{self, Base};
use access::{Access, AccessPolicy, AccessRules, access_in};
use anyhow::Context;
use bubblewrap::ProxyAccess;
use hidden_paths::HiddenPaths;
use launch::{Instructions, Launcher, Network};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use temporary::Temporary;

type Variables = BTreeMap<OsString, OsString>;

/// Where the homes of commands are, in our own folder.
const HOMES: &str = "homes";

/// Where what was stopped is written down.
const STOPPED: &str = "stopped";

/// The sandbox that commands run in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    backend: Backend,
    launcher: Option<Launcher>,
    policy: Arc<AccessPolicy>,
    /// Where the homes of commands are made.
    homes: PathBuf,
}

/// A command in its sandbox, and what has to live as long as it.
#[derive(Debug)]
pub struct SandboxedCommand {
    /// The command, its environment complete.
    pub command: Command,
    /// How many processes, one started by the other, come before the command itself. TERM to one of them
    /// ends everything at once.
    pub wrappers: usize,
    pub guard: SandboxGuard,
}

/// What a command needs as long as it runs; dropping it takes that away.
#[derive(Debug, Default)]
pub struct SandboxGuard {
    temporary: Option<Temporary>,
    home: Option<JobHome>,
    hidden: HiddenPaths,
}

impl SandboxGuard {
    /// What was stopped meanwhile, as far as is known: lines that say what the sandbox did.
    pub fn stopped(&self) -> Vec<String> {
        let lines = self.temporary.as_ref().and_then(|own| fs::read_to_string(own.file(STOPPED)).ok());
        let lines = lines.unwrap_or_default();
        let skipped = self.home.iter().flat_map(|home| home.skipped()).map(String::as_str);
        skipped.chain(lines.lines()).map(|line| format!("the sandbox {line}")).collect()
    }

    /// What may be behind a line that the command printed when it failed.
    pub fn guess(&self, line: &str) -> Option<String> {
        self.hidden.guess(line)
    }

    /// The command's home, if it has one of its own.
    pub fn home(&self) -> Option<&JobHome> {
        self.home.as_ref()
    }
}

/// Adds a line to what was stopped.
fn note(file: &Path, line: &str) {
    let file = OpenOptions::new().create(true).append(true).open(file);
    // Where that fails, what was done is what counts.
    let _ = file.and_then(|mut file| writeln!(file, "{}", line.replace('\n', " ")));
}

impl Sandbox {
    /// A sandbox that hides these paths beside the usual ones.
    ///
    /// # Errors
    /// If the config requires a sandbox and the system has none.
    pub fn new(
        launcher: Option<Launcher>,
        repo: &Repo,
        config: &Config,
        hidden: Vec<PathBuf>,
    ) -> Result<Sandbox> {
        let mode = config.run.sandbox.unwrap_or(SandboxMode::Prefer);
        let backend = match mode {
            SandboxMode::Off => Backend::None("it is switched off".into()),
            SandboxMode::Prefer | SandboxMode::Require => {
                backend::choose(repo)?.with_launcher(launcher.is_some())
            }
        };
        if mode == SandboxMode::Require {
            backend.check_required()?;
        }
        let policy = AccessPolicy::new(repo, config, hidden)?;
        if policy.hosts.is_some() {
            backend.can_close_network(launcher.is_some())?;
        }
        temporary::sweep();
        // Where it cannot be made nothing of ours can be, which whoever starts a command is told.
        let homes = repo.own_folder(HOMES).unwrap_or_else(|_| repo.common_dir().join("flow-ai").join(HOMES));
        job_home::sweep(&homes);
        Ok(Sandbox { backend, launcher, policy: Arc::new(policy), homes })
    }

    /// No sandbox: commands run as the user.
    pub fn none() -> Sandbox {
        let backend = Backend::None("nobody asked for one".into());
        Sandbox { backend, launcher: Launcher::own(), policy: Arc::default(), homes: PathBuf::new() }
    }

    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Where folders are that homes share; on the same file system as the homes.
    pub fn seeds(&self) -> PathBuf {
        // Each user's own, where the repository is shared.
        self.homes.join(format!("seeds-{}", rustix::process::getuid().as_raw()))
    }

    /// Whether commands are sandboxed.
    pub fn is_active(&self) -> bool {
        !matches!(self.backend, Backend::None(_))
    }

    /// The command as it is started. Its working directory is the scope's; of our environment it gets what
    /// is on the allow list, and what it was given explicitly.
    pub fn wrap(&self, command: &Command, scope: &Scope) -> Result<SandboxedCommand> {
        match (&self.backend, &self.launcher) {
            (Backend::Bubblewrap(bwrap), launcher) => {
                self.in_bubblewrap(bwrap, launcher.as_ref(), command, scope)
            }
            (Backend::Landlock(_), Some(launcher)) => self.in_landlock(launcher, command, scope),
            (Backend::Seatbelt, _) => self.in_seatbelt(command, scope),
            (Backend::None(_) | Backend::Landlock(_), _) => self.bare(command, scope),
        }
    }

    fn in_bubblewrap(
        &self,
        bwrap: &Path,
        launcher: Option<&Launcher>,
        command: &Command,
        scope: &Scope,
    ) -> Result<SandboxedCommand> {
        let temporary = Temporary::new()?;
        let home = JobHome::new(&self.homes, &scope.home)?;
        let rules = AccessRules::new(&self.policy, scope, command, &temporary.inside());
        let own = OwnFolders::mounted(&rules);
        let mut network = None;
        let mut proxy = None;
        if let (Some(hosts), Some(launcher)) = (&self.policy.hosts, launcher) {
            let socket = temporary.file("proxy");
            proxy = Some(ProxyAccess { socket: socket.clone(), bridge: launcher.file()? });
            network = Some(Network::new(hosts, Some(socket)));
        }
        let instructions = Instructions::new(network, &scope.overlays).write(&temporary)?;
        let variables = self.variables(command, scope, &rules, own);
        let inner = with_loaders(command, &variables);
        let hidden = HiddenPaths::new(&rules, None);
        let inside = bubblewrap::command(bwrap, rules, &home, proxy.as_ref(), &inner);
        let (mut wrapped, wrappers) = match launcher {
            Some(launcher) => (launcher.command(Some(&instructions), &inside), 2),
            None => (inside, 1),
        };
        wrapped.current_dir("/");
        set_environment(&mut wrapped, variables);
        let guard = SandboxGuard { temporary: Some(temporary), home: Some(home), hidden };
        Ok(SandboxedCommand { command: wrapped, wrappers, guard })
    }

    fn in_landlock(&self, launcher: &Launcher, command: &Command, scope: &Scope) -> Result<SandboxedCommand> {
        let (rules, guard, own) = self.unmounted(command, scope, launch::SHARED)?;
        let network = self.policy.hosts.as_ref().map(|hosts| Network::new(hosts, None));
        let temporary = guard.temporary.as_ref().context("the sandbox has no temporary folder")?;
        let instructions =
            Instructions::new(network, &scope.overlays).with_access(&rules).write(temporary)?;
        let variables = self.variables(command, scope, &rules, own);
        let mut wrapped = launcher.command(Some(&instructions), &with_loaders(command, &variables));
        wrapped.current_dir(&rules.dir);
        set_environment(&mut wrapped, variables);
        Ok(SandboxedCommand { command: wrapped, wrappers: 1, guard })
    }

    fn in_seatbelt(&self, command: &Command, scope: &Scope) -> Result<SandboxedCommand> {
        let (rules, guard, own) = self.unmounted(command, scope, seatbelt::SHARED)?;
        let mut wrapped = seatbelt::command(&rules, command)?;
        wrapped.current_dir(&rules.dir);
        set_environment(&mut wrapped, self.variables(command, scope, &rules, own));
        Ok(SandboxedCommand { command: wrapped, wrappers: 0, guard })
    }

    /// What a command needs where nothing can be mounted: its home is where it is, and what is opened of the
    /// user's is linked into it.
    fn unmounted(
        &self,
        command: &Command,
        scope: &Scope,
        shared: &[&str],
    ) -> Result<(AccessRules, SandboxGuard, OwnFolders)> {
        let temporary = Temporary::new()?;
        let home = JobHome::new(&self.homes, &scope.home)?;
        let mut rules = AccessRules::new(&self.policy, scope, command, &temporary.inside());
        rules.hide_shared(shared);
        for (at, target) in rules.opened_in_homes() {
            home.link(&at, &target);
        }
        let path = home.path().canonicalize().context("cannot find the command's home")?;
        rules.paths.insert(rules.temporary.clone(), Access::Write);
        rules.paths.insert(path.clone(), Access::Write);
        let own = OwnFolders { home: Some(path), temporary: rules.temporary.clone(), is_elsewhere: true };
        let hidden = HiddenPaths::new(&rules, own.home.clone());
        Ok((rules, SandboxGuard { temporary: Some(temporary), home: Some(home), hidden }, own))
    }

    /// The command's whole environment.
    fn variables(&self, command: &Command, scope: &Scope, rules: &AccessRules, own: OwnFolders) -> Variables {
        let ours = environment::allowed(&self.policy.env, &scope.env);
        let mut all: Variables = ours.chain(temporary::variables(&own.temporary)).collect();
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => all.insert(name.into(), value.into()),
                None => all.remove(name),
            };
        }
        for name in &scope.without_env {
            all.remove(OsStr::new(name));
        }
        for name in Base::ALL.map(Base::variable).map(OsStr::new) {
            // In its home all is in its usual place, but for what was opened to be written elsewhere.
            let is_open = |place: &OsString| {
                let place = Path::new(place).canonicalize();
                place.is_ok_and(|place| access_in(&rules.paths, &place) == Access::Write)
            };
            if !all.get(name).is_some_and(is_open) {
                all.remove(name);
            }
        }
        own.add_to(&mut all);
        all.insert("PWD".into(), scope.dir.clone().into());
        all
    }

    /// The command as the user would start it, but for the guardian that ends it.
    fn bare(&self, command: &Command, scope: &Scope) -> Result<SandboxedCommand> {
        let temporary = (!scope.overlays.is_empty()).then(Temporary::new).transpose()?;
        let instructions = temporary.as_ref().map(|own| Instructions::new(None, &scope.overlays).write(own));
        let instructions = instructions.transpose()?;
        let (mut bare, wrappers) = match &self.launcher {
            Some(launcher) => (launcher.command(instructions.as_deref(), command), 1),
            None => (copy(command), 0),
        };
        bare.current_dir(&scope.dir);
        environment::copy_explicit(command, &mut bare);
        bare.env("PWD", &scope.dir);
        let guard = SandboxGuard { temporary, ..SandboxGuard::default() };
        Ok(SandboxedCommand { command: bare, wrappers, guard })
    }
}

/// Where a command finds what is its own.
struct OwnFolders {
    /// `None`: where `HOME` says.
    home: Option<PathBuf>,
    temporary: PathBuf,
    /// Whether its home is not where the system says that the user's is.
    is_elsewhere: bool,
}

impl OwnFolders {
    /// Where they are mounted.
    fn mounted(rules: &AccessRules) -> OwnFolders {
        let is_replaced = rules.homes.iter().any(|home| rules.is_home(home));
        OwnFolders {
            home: (!is_replaced).then(|| bubblewrap::OTHER_HOME.into()),
            temporary: "/tmp".into(),
            is_elsewhere: false,
        }
    }

    fn add_to(self, all: &mut Variables) {
        let Some(home) = self.home else { return };
        if self.is_elsewhere {
            // Java asks the system where the home is.
            let java = OsString::from("JAVA_TOOL_OPTIONS");
            let mut options = all.remove(&java).unwrap_or_default();
            options.push(" -Duser.home=");
            options.push(&home);
            all.insert(java, options);
            all.entry("GRADLE_USER_HOME".into()).or_insert_with(|| home.join(".gradle").into());
        }
        all.insert("HOME".into(), home.into());
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backend.fmt(f)
    }
}

/// The command's environment for what starts it, but for what would make that load libraries.
fn set_environment(wrapped: &mut Command, variables: Variables) {
    wrapped
        .env_clear()
        .envs(variables.into_iter().filter(|(name, _)| !environment::is_loader_variable(name)));
}

/// The command, which takes the loader's variables only when it is inside.
fn with_loaders(command: &Command, variables: &Variables) -> Command {
    let loaders: Vec<OsString> = variables
        .iter()
        .filter(|(name, _)| environment::is_loader_variable(name))
        .map(|(name, value)| [name.as_os_str(), value].join("=".as_ref()))
        .collect();
    if loaders.is_empty() {
        return copy(command);
    }
    let mut inner = Command::new("/usr/bin/env");
    inner.args(loaders).arg(command.get_program()).args(command.get_args());
    inner
}

fn copy(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    copy
}

/// A path as the config writes it: absolute, or below the home.
fn expand(text: &str) -> Option<PathBuf> {
    let path = home::expand(text);
    path.is_absolute().then_some(path)
}
