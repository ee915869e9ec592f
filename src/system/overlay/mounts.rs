//! Mounting overlays, in a mount namespace of this process.

use super::Overlay;
use crate::domain::error::Result;
use anyhow::{Context, bail};
use nix::sched::{CloneFlags, unshare};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use std::env;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Gives this process, which must have one thread, a mount namespace with these overlays. Who may not mount gets
/// a user namespace of the same user and group as well; the rights in there end with the next program.
pub fn enter(overlays: &[Overlay]) -> Result<()> {
    if overlays.is_empty() {
        return Ok(());
    }
    new_namespace().context("cannot make a mount namespace")?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).context("cannot keep mounts to ourselves")?;
    let before = env::current_dir().ok();
    for overlay in overlays {
        put(overlay).with_context(|| format!("cannot mount an overlay at {}", overlay.at.display()))?;
    }
    // What it names may be another folder by now: the one that was just mounted.
    env::set_current_dir(before.as_deref().unwrap_or(Path::new("/")))
        .or_else(|_| env::set_current_dir("/"))?;
    Ok(())
}

fn new_namespace() -> Result<()> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if user == 0 && unshare(CloneFlags::CLONE_NEWNS).is_ok() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
    // `user_namespaces(7)`: without it, an ordinary user may not say who the group is.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    Ok(())
}

fn put(overlay: &Overlay) -> Result<()> {
    env::set_current_dir(&overlay.within)?;
    let mut options = b"userxattr,lowerdir=".to_vec();
    for (number, lower) in overlay.lower.iter().enumerate() {
        options.extend_from_slice(if number == 0 { b"" } else { b":" });
        options.extend_from_slice(plain(lower)?);
    }
    if let Some((upper, work)) = &overlay.upper {
        for (name, folder) in [(&b",upperdir="[..], upper), (b",workdir=", work)] {
            options.extend_from_slice(name);
            options.extend_from_slice(plain(folder)?);
        }
    }
    let options = CString::new(options)?;
    mount("overlay", &overlay.at, "overlay", MountFlags::empty(), options.as_c_str())?;
    Ok(())
}

/// A path that needs no escape among the options.
fn plain(path: &Path) -> Result<&[u8]> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.iter().any(|byte| matches!(byte, b'\\' | b',' | b':')) {
        bail!("{} cannot be the name of a layer", path.display());
    }
    Ok(bytes)
}
