//! Renaming without replacing what is there.

use rustix::fs::CWD;
use rustix::io::Errno;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Renames a folder or file to a path where nothing is yet: what is there is never replaced, not even an
/// empty folder. A folder that its owner may not write is moved all the same, and keeps its mode.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let error = match rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => error,
        other => return other,
    };
    let data = from.symlink_metadata()?;
    if !data.is_dir() {
        return Err(error);
    }
    let mode = data.permissions().mode();
    fs::set_permissions(from, Permissions::from_mode(mode | 0o700))?;
    let moved = rename(from, to);
    fs::set_permissions(if moved.is_ok() { to } else { from }, data.permissions())?;
    moved
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    match rustix::fs::renameat_with(CWD, from, CWD, to, rustix::fs::RenameFlags::NOREPLACE) {
        // The file system cannot promise it.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        other => return other.map_err(io::Error::from),
    }
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

#[cfg(test)]
mod tests {
    use super::rename_new;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn nothing_is_ever_replaced_and_modes_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::create_dir(&one).unwrap();
        fs::set_permissions(&one, Permissions::from_mode(0o500)).unwrap();
        fs::create_dir(&two).unwrap();
        let error = rename_new(&one, &two).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        fs::remove_dir(&two).unwrap();
        rename_new(&one, &two).unwrap();
        assert!(two.is_dir() && !one.exists());
        assert_eq!(two.metadata().unwrap().permissions().mode() & 0o777, 0o500);
    }
}
