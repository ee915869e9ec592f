//! Overlays in a mount namespace of this process (`mount_namespaces(7)`, `filesystems/overlayfs.rst` of the
//! kernel): a folder that is seen through others, of which only the topmost is written.
//!
//! Nothing is mounted for anybody else, and the mounts end with the last process in them: there is nothing to
//! clean up, whatever ends it.

#[cfg(target_os = "linux")]
mod mounts;

#[cfg(target_os = "linux")]
pub use mounts::enter;

use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The attribute of a folder in the topmost layer that hides what the layers below have in it.
const OPAQUE: &str = "user.overlay.opaque";

/// One folder seen through others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Where it is seen: a folder that is there.
    pub at: PathBuf,
    /// The folder that the layers are named from. Their names are ours, so that none needs an escape.
    pub within: PathBuf,
    /// What is only read, the topmost first.
    pub lower: Vec<PathBuf>,
    /// Where all that is written goes, and an empty folder beside it for the kernel's own use.
    pub upper: Option<(PathBuf, PathBuf)>,
}

/// Only Linux has overlays.
#[cfg(not(target_os = "linux"))]
pub fn enter(overlays: &[Overlay]) -> crate::domain::error::Result<()> {
    match overlays {
        [] => Ok(()),
        [overlay, ..] => {
            anyhow::bail!("cannot mount an overlay at {}: this is not Linux", overlay.at.display())
        }
    }
}

/// Whether what is at a path of a topmost layer stands for something below that was deleted.
pub fn is_whiteout(data: &Metadata) -> bool {
    data.file_type().is_char_device() && data.rdev() == 0
}

/// Whether a folder of a topmost layer hides what is below it.
pub fn is_opaque(folder: &Path) -> bool {
    let mut value = [0; 4];
    let length = rustix::fs::lgetxattr(folder, OPAQUE, &mut value[..]);
    length.is_ok_and(|length| value.get(..length) == Some(b"y"))
}

/// Hides what is below a path of a topmost layer, where nothing is. Linux lets everybody make a whiteout.
#[cfg(target_os = "linux")]
pub fn put_whiteout(path: &Path) -> std::io::Result<()> {
    let kind = rustix::fs::FileType::CharacterDevice;
    Ok(rustix::fs::mknodat(rustix::fs::CWD, path, kind, rustix::fs::Mode::empty(), 0)?)
}

/// Only Linux has overlays.
#[cfg(not(target_os = "linux"))]
pub fn put_whiteout(_: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
