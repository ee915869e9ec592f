//! Renaming and moving without replacing what is there.

use super::remove_tree;
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

/// Moves to a path where nothing is yet, to another file system too: there it is copied beside that path, renamed, and
/// then removed. Links are copied as they are; pipes, sockets and devices are not.
pub fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        other => return other,
    }
    let mut name = std::ffi::OsString::from(".moving-");
    name.push(to.file_name().unwrap_or_default());
    let beside = to.with_file_name(name);
    remove_tree(&beside)?;
    if copy_tree(from, &beside)? {
        rename_new(&beside, to)?;
    }
    remove_tree(from)
}

/// Copies a file, a link or a folder; false if it is anything else.
fn copy_tree(from: &Path, to: &Path) -> io::Result<bool> {
    let mut folders = Vec::new();
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        let data = from.symlink_metadata()?;
        if data.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?;
        } else if data.is_file() {
            fs::copy(&from, &to)?;
        } else if data.is_dir() {
            fs::create_dir(&to)?;
            let mode = data.permissions().mode();
            if mode & 0o500 != 0o500 {
                fs::set_permissions(&from, Permissions::from_mode(mode | 0o700))?;
            }
            for entry in fs::read_dir(&from)? {
                let name = entry?.file_name();
                open.push((from.join(&name), to.join(&name)));
            }
            folders.push((to, data.permissions()));
        }
    }
    // The innermost first: a folder that may not be written is not entered again.
    for (folder, permissions) in folders.into_iter().rev() {
        fs::set_permissions(folder, permissions)?;
    }
    Ok(to.symlink_metadata().is_ok())
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
