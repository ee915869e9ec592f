//! Access rules as rules of Landlock (`landlock(7)`), which a process puts upon itself and all its children.
//!
//! Landlock only knows what is allowed, for a path and all below it. So what is around something hidden is
//! allowed piece by piece, as it is at this moment: what is added there later cannot be read.
//! Folders can be listed everywhere, the names in hidden ones too. Symbolic links are passed over: what
//! they lead to has rules of its own.

use crate::agents::sandbox::access::{Access as PathAccess, access_in};
use crate::domain::error::Result;
use anyhow::{Context, bail};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope, make_bitflags,
};
use rustix::fs::{Mode, OFlags, open};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// The newest version of the kernel's interface that these rules were written for.
const NEWEST: ABI = ABI::V8;

/// Devices that programs need, which hold and change nothing.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// The version of the kernel's interface, found out by a thread that restricts itself in earnest.
pub fn version() -> Result<i32, String> {
    let tried = std::thread::spawn(|| {
        Ruleset::default()
            .handle_access(AccessFs::from_all(NEWEST))
            .and_then(Ruleset::create)
            .and_then(RulesetCreated::restrict_self)
            .map(|status| status.landlock)
    });
    match tried.join() {
        Ok(Ok(LandlockStatus::Available { effective_abi, .. })) => Ok(effective_abi as i32),
        Ok(Ok(LandlockStatus::NotEnabled)) => Err("Landlock is not switched on in this kernel".into()),
        Ok(Ok(LandlockStatus::NotImplemented)) => Err("this kernel has no Landlock".into()),
        Ok(Err(error)) => Err(format!("Landlock cannot work here: {error}")),
        Err(_) => Err("Landlock cannot be tried".into()),
    }
}

pub fn restrict(paths: &[(OsString, PathAccess)], port: Option<u16>) -> Result<()> {
    let mut ruleset = Ruleset::default().handle_access(AccessFs::from_all(NEWEST))?;
    if port.is_some() {
        ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
    }
    let mut rules = ruleset.scope(Scope::from_all(NEWEST))?.create()?;
    if let Some(port) = port {
        rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    let paths = paths.iter().map(|(path, access)| (PathBuf::from(path), *access)).collect();
    let mut grants = Grants { paths, rules: Some(rules) };
    grants.allow(Path::new("/"), AccessFs::ReadDir.into())?;
    for device in DEVICES {
        grants.allow(Path::new(device), make_bitflags!(AccessFs::{ReadFile | WriteFile | IoctlDev}))?;
    }
    grants.walk(Path::new("/"))?;
    let Some(rules) = grants.rules else { bail!("the rules are lost") };
    let status = rules.restrict_self()?;
    if status.ruleset == RulesetStatus::NotEnforced {
        bail!("the kernel does not enforce the rules");
    }
    Ok(())
}

/// What the kernel is to allow.
fn rights(access: PathAccess) -> BitFlags<AccessFs> {
    // Devices could be made by root, and lead to everything.
    let devices = make_bitflags!(AccessFs::{MakeChar | MakeBlock});
    match access {
        PathAccess::Hidden => BitFlags::EMPTY,
        PathAccess::Read | PathAccess::Protected => AccessFs::from_read(NEWEST),
        PathAccess::Write => AccessFs::from_all(NEWEST) & !devices,
    }
}

struct Grants {
    paths: BTreeMap<PathBuf, PathAccess>,
    rules: Option<RulesetCreated>,
}

impl Grants {
    /// Allows what holds for a path and all below it.
    fn walk(&mut self, path: &Path) -> Result<()> {
        let access = access_in(&self.paths, path);
        let inner: Vec<(PathBuf, PathAccess)> = self
            .paths
            .range::<Path, _>((Bound::Excluded(path), Bound::Unbounded))
            .take_while(|(inner, _)| inner.starts_with(path))
            .map(|(inner, access)| (inner.clone(), *access))
            .collect();
        if access != PathAccess::Hidden && inner.iter().any(|(_, inner)| *inner == PathAccess::Hidden) {
            return self.walk_into(path);
        }
        self.allow(path, rights(access))?;
        // What can be written stays so: nothing inside it can be taken out again.
        if access != PathAccess::Write {
            let mut around: Option<PathBuf> = None;
            for (inner, _) in inner {
                if around.as_ref().is_none_or(|around| !inner.starts_with(around)) {
                    self.walk(&inner)?;
                    around = Some(inner);
                }
            }
        }
        Ok(())
    }

    /// The same for what is in a folder, piece by piece.
    fn walk_into(&mut self, folder: &Path) -> Result<()> {
        // What the user cannot read, the command cannot read.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
                self.walk(&entry.path())?;
            }
        }
        Ok(())
    }

    fn allow(&mut self, path: &Path, rights: BitFlags<AccessFs>) -> Result<()> {
        if rights.is_empty() {
            return Ok(());
        }
        // What has gone meanwhile, or is a link now, needs no rule.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(file) = open(path, flags, Mode::empty()) else { return Ok(()) };
        let is_dir = rustix::fs::fstat(&file).is_ok_and(|found| {
            rustix::fs::FileType::from_raw_mode(found.st_mode) == rustix::fs::FileType::Directory
        });
        let rights = if is_dir { rights } else { rights & AccessFs::from_file(NEWEST) };
        let Some(rules) = self.rules.take() else { bail!("the rules are lost") };
        let rules = rules
            .add_rule(PathBeneath::new(file, rights))
            .with_context(|| format!("cannot allow {}", path.display()))?;
        self.rules = Some(rules);
        Ok(())
    }
}
