//! Deleting a folder that another program may have prepared.
//!
//! Every step is taken from a folder that is open already, never by a path: a symbolic link that takes a
//! folder's place is deleted itself and never followed. `std::fs::remove_dir_all` does that as well, but
//! it empties what is mounted inside (an agent's bind mount, a share of the user's), gives up at a folder that
//! may not be read, and calls itself for each level with a file open: 20,000 levels end the process by a
//! stack overflow. Here what is mounted is never entered, modes are changed through the open folder, and
//! deep trees are cut into shallow ones. What resists stays, and the error names it.

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How deep we go before the rest is moved up: each level is an open file.
const DEPTH: usize = 64;

/// How a folder is opened: itself, never what a link of its name leads to.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Deletes what is at that path, whatever the modes below. An error names the first thing that resists,
/// relative to the path; all else is gone.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let at_top = |error| describe(Path::new(""), error);
    match rustix::fs::unlink(path) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // A folder: Linux says the one, other systems the other.
        Err(Errno::ISDIR | Errno::PERM | Errno::ACCESS) => {}
        Err(error) => return Err(at_top(error)),
    }
    let top = match enter(CWD, path.as_os_str(), open_anywhere) {
        Err(Errno::NOENT) => return Ok(()),
        other => other.map_err(at_top)?,
    };
    let mut pass = Pass { top: top.as_fd(), moved: 0, error: None, at: PathBuf::new() };
    loop {
        let before = pass.moved;
        pass.error = None;
        pass.empty(top.as_fd(), 0);
        // Otherwise what lay too deep is near the top now.
        if pass.moved == before {
            break;
        }
    }
    match (pass.error, rustix::fs::rmdir(path)) {
        (Some(error), _) => Err(error),
        (None, Ok(()) | Err(Errno::NOENT)) => Ok(()),
        (None, Err(error)) => Err(at_top(error)),
    }
}

/// A pass over a tree.
struct Pass<'a> {
    top: BorrowedFd<'a>,
    /// How many folders were moved up for the next pass.
    moved: usize,
    /// Why the first thing that resisted did.
    error: Option<io::Error>,
    at: PathBuf,
}

impl Pass<'_> {
    fn empty(&mut self, folder: BorrowedFd<'_>, depth: usize) {
        let entries = match Dir::read_from(folder) {
            Ok(entries) => entries,
            Err(error) => return self.resisted("", error),
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let name = OsStr::from_bytes(name.to_bytes());
            match self.remove(folder, name, entry.file_type(), depth) {
                // Another process deletes it too.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => self.resisted(name, error),
            }
        }
    }

    fn remove(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &OsStr,
        kind: FileType,
        depth: usize,
    ) -> Result<(), Errno> {
        if kind != FileType::Directory {
            match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
                Err(Errno::ISDIR) => {}
                // Some file systems do not say what it is.
                Err(Errno::PERM) if kind == FileType::Unknown => {}
                other => return other,
            }
        }
        let below = enter(folder, name, open_on_same_mount)?;
        if depth == DEPTH {
            return self.remove_or_move_up(folder, name);
        }
        self.at.push(name);
        self.empty(below.as_fd(), depth + 1);
        self.at.pop();
        match rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR) {
            // What is in it resisted, and is named already.
            Err(Errno::NOTEMPTY | Errno::EXIST) if self.error.is_some() => Ok(()),
            other => other,
        }
    }

    /// Moves what lies too deep to the top, for the next pass.
    fn remove_or_move_up(&mut self, folder: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
        if rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR).is_ok() {
            return Ok(());
        }
        let up = format!(".deep-{}-{}", std::process::id(), self.moved);
        rustix::fs::renameat(folder, name, self.top, up.as_str())?;
        self.moved += 1;
        Ok(())
    }

    fn resisted(&mut self, name: impl AsRef<Path>, error: Errno) {
        if self.error.is_none() {
            self.error = Some(describe(&self.at.join(name), error));
        }
    }
}

/// The cause as a sentence for people.
fn describe(path: &Path, error: Errno) -> io::Error {
    let shown = if path.as_os_str().is_empty() { Path::new("the folder") } else { path };
    let why = match error {
        Errno::BUSY | Errno::XDEV => "something is mounted there".to_owned(),
        Errno::PERM => "it is immutable (lsattr shows it) or somebody else's".to_owned(),
        other => io::Error::from(other).to_string(),
    };
    io::Error::new(io::Error::from(error).kind(), format!("{} cannot be deleted: {why}", shown.display()))
}

/// Opens a folder inside an open one so that all in it can be deleted.
fn enter(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    open: fn(BorrowedFd<'_>, &OsStr) -> Result<OwnedFd, Errno>,
) -> Result<OwnedFd, Errno> {
    let opened = match open(folder, name) {
        Err(Errno::ACCESS) => {
            make_readable(folder, name)?;
            open(folder, name)?
        }
        other => other?,
    };
    let mode = rustix::fs::fstat(&opened)?.st_mode;
    if mode & 0o700 != 0o700 {
        // Whose it is decides whether this works; deleting will show.
        let _ = rustix::fs::fchmod(&opened, Mode::from_raw_mode(mode & 0o7777) | Mode::RWXU);
    }
    Ok(opened)
}

fn open_anywhere(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(folder, name, FOLDER, Mode::empty())
}

/// Refuses what another file system is mounted on, or a folder of the same one.
fn open_on_same_mount(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    #[cfg(target_os = "linux")]
    match rustix::fs::openat2(folder, name, FOLDER, Mode::empty(), rustix::fs::ResolveFlags::NO_XDEV) {
        // An old kernel, or a filter that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => {}
        other => return other,
    }
    let opened = open_anywhere(folder, name)?;
    match rustix::fs::fstat(&opened)?.st_dev == rustix::fs::fstat(folder)?.st_dev {
        true => Ok(opened),
        false => Err(Errno::XDEV),
    }
}

/// Lets its owner into a folder without rights: through a handle on the folder itself, since a
/// change of modes by name would follow a link.
#[cfg(target_os = "linux")]
fn make_readable(folder: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    use std::os::fd::AsRawFd;
    let handle = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(folder, name, handle, Mode::empty())?;
    rustix::fs::chmod(format!("/proc/self/fd/{}", handle.as_raw_fd()), Mode::RWXU)
}

#[cfg(not(target_os = "linux"))]
fn make_readable(folder: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    rustix::fs::chmodat(folder, name, Mode::RWXU, AtFlags::SYMLINK_NOFOLLOW)
}

#[cfg(test)]
mod tests {
    use super::remove_tree;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn links_are_deleted_and_never_followed() {
        let place = tempfile::tempdir().unwrap();
        let outside = place.path().join("home");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("precious"), "x").unwrap();
        let tree = place.path().join("tree");
        fs::create_dir_all(tree.join("shut/deeper")).unwrap();
        symlink(&outside, tree.join("shut/deeper/link")).unwrap();
        symlink(&outside, tree.join("link")).unwrap();
        fs::set_permissions(tree.join("shut/deeper"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(tree.join("shut"), fs::Permissions::from_mode(0o500)).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        remove_tree(&tree).unwrap();
        symlink(&outside, &tree).unwrap();
        remove_tree(&tree).unwrap();
        assert!(tree.symlink_metadata().is_err(), "a link in the folder's own place is deleted itself");
        assert_eq!(fs::read_to_string(outside.join("precious")).unwrap(), "x");
    }

    #[test]
    fn a_tree_deeper_than_there_are_files_to_open_goes() {
        let place = tempfile::tempdir().unwrap();
        let tree = place.path().join("tree");
        fs::create_dir(&tree).unwrap();
        // No path is long enough: the deepest is made first, and then moved down level by level.
        let mut deep = place.path().join("d0");
        fs::create_dir(&deep).unwrap();
        for level in 1..20_000 {
            let outer = place.path().join(format!("d{level}"));
            fs::create_dir(&outer).unwrap();
            fs::rename(&deep, outer.join("in")).unwrap();
            deep = outer;
        }
        fs::rename(&deep, tree.join("in")).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
    }
}
