//! What root may still do in a sandbox.
//!
//! Root could undo most sandboxes: mount, trace processes, load modules, open files by number. In many
//! containers everything is root, so what agents need of it is named, and the rest is taken away.

/// Capabilities that stay: to own and open files, and to be other users. (`SETFCAP` lets agents make user
/// namespaces for sandboxes of their own.)
pub const KEPT_FOR_ROOT: &[&str] =
    &["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID", "SETUID"];

/// Takes the others from this process and all that it becomes.
#[cfg(target_os = "linux")]
pub fn drop_others() -> crate::domain::error::Result<()> {
    use rustix::thread::{
        CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set, set_capabilities,
    };
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let kept = KEPT_FOR_ROOT.iter().filter_map(|name| CapabilitySet::from_name(name));
    let kept = kept.fold(CapabilitySet::empty(), CapabilitySet::union);
    for other in (CapabilitySet::all() - kept).iter() {
        // A kernel that does not know it does not give it.
        let _ = remove_capability_from_bounding_set(other);
    }
    let had = capabilities(None)?;
    let left = CapabilitySets {
        effective: had.effective & kept,
        permitted: had.permitted & kept,
        inheritable: CapabilitySet::empty(),
    };
    Ok(set_capabilities(None, left)?)
}
