//! Files and directories that only their owner may read: journals, transcripts, the list of what is trusted.
//!
//! Their modes are 0600 and 0700 whatever the umask is, even if they exist already. Links are not followed.

use crate::domain::error::Result;
use anyhow::Context;
use rustix::fs::OFlags;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes the directory with those above it, and keeps others out of it.
pub fn create_dir(path: &Path) -> Result<()> {
    let cannot = || format!("cannot make {}", path.display());
    DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(cannot)?;
    if fs::metadata(path).with_context(cannot)?.permissions().mode() & 0o777 != 0o700 {
        fs::set_permissions(path, Permissions::from_mode(0o700))
            .with_context(|| format!("cannot keep others out of {}", path.display()))?;
    }
    Ok(())
}

/// Opens a file to append to it, and makes it if it is missing.
pub fn append(path: &Path) -> io::Result<File> {
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).custom_flags(no_link).open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{append, create_dir};
    use std::fs::{self, Permissions};
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_was_open_to_others_is_closed_and_links_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let (dir, file) = (place.path().join("a/b"), place.path().join("a/b/log"));
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        fs::write(&file, "old\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        create_dir(&dir).unwrap();
        append(&file).unwrap().write_all(b"new\n").unwrap();
        assert_eq!((mode(&dir), mode(&file)), (0o700, 0o600));
        assert_eq!(fs::read_to_string(&file).unwrap(), "old\nnew\n");
        std::os::unix::fs::symlink(&file, dir.join("link")).unwrap();
        assert!(append(&dir.join("link")).is_err());
    }
}
