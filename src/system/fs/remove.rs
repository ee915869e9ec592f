//! Deleting a folder that somebody else may have prepared.
//!
//! Every step is taken from a folder that is open already, never by a path: a symbolic link that takes a
//! folder's place is deleted itself and never followed. `std::fs::remove_dir_all` does that as well, but
//! it goes into what is mounted inside (an agent's bind mount, a person's share) and empties it, it gives
//! up where a folder may not be read, and it opens one file per level. Here what is mounted is never
//! entered, modes are mended through the open folder, and deep trees are cut into shallow ones. What
//! resists stays, and is told.

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
    match rustix::fs::unlink(path) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // A folder: Linux says the one, others the other.
        Err(Errno::ISDIR | Errno::PERM | Errno::ACCESS) => {}
        Err(error) => return Err(told(Path::new(""), error)),
    }
    let top = match enter(CWD, path.as_os_str()) {
        Err(Errno::NOENT) => return Ok(()),
        other => other.map_err(|error| told(Path::new(""), error))?,
    };
    let mut eraser = Eraser { top: top.as_fd(), moved: 0, resists: None, at: PathBuf::new() };
    loop {
        let before = eraser.moved;
        eraser.resists = None;
        eraser.below(top.as_fd(), 0);
        // Else what lay too deep is near the top now.
        if eraser.moved == before {
            break;
        }
    }
    if let Some(error) = eraser.resists {
        return Err(error);
    }
    match rustix::fs::rmdir(path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(told(Path::new(""), error)),
    }
}

/// Passes over a tree.
struct Eraser<'a> {
    top: BorrowedFd<'a>,
    /// How many folders were moved up for a next pass.
    moved: usize,
    /// The first thing that resisted.
    resists: Option<io::Error>,
    at: PathBuf,
}

impl Eraser<'_> {
    fn below(&mut self, folder: BorrowedFd<'_>, depth: usize) {
        let entries = match Dir::read_from(folder) {
            Ok(entries) => entries,
            Err(error) => return self.resists("", error),
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let name = OsStr::from_bytes(name.to_bytes());
            if let Err(error) = self.one(folder, name, entry.file_type(), depth) {
                self.resists(name, error);
            }
        }
    }

    fn one(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &OsStr,
        kind: FileType,
        depth: usize,
    ) -> Result<(), Errno> {
        if kind != FileType::Directory {
            match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
                Err(Errno::ISDIR) => {}
                // Some systems do not tell the kind.
                Err(Errno::PERM) if kind == FileType::Unknown => {}
                Err(Errno::NOENT) => return Ok(()),
                other => return other,
            }
        }
        let below = match enter(folder, name) {
            // Somebody else is deleting it too.
            Err(Errno::NOENT) => return Ok(()),
            other => other?,
        };
        if depth < DEPTH {
            self.at.push(name);
            self.below(below.as_fd(), depth + 1);
            self.at.pop();
        } else if rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR).is_err() {
            let up = format!(".deep-{}-{}", std::process::id(), self.moved);
            rustix::fs::renameat(folder, name, self.top, up.as_str())?;
            self.moved += 1;
            return Ok(());
        } else {
            return Ok(());
        }
        match rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR) {
            // What is in it resisted, and was told.
            Err(Errno::NOTEMPTY | Errno::EXIST) if self.resists.is_some() => Ok(()),
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }

    fn resists(&mut self, name: impl AsRef<Path>, error: Errno) {
        if self.resists.is_none() {
            self.resists = Some(told(&self.at.join(name), error));
        }
    }
}

/// The cause as a sentence for people.
fn told(path: &Path, error: Errno) -> io::Error {
    let shown = if path.as_os_str().is_empty() { Path::new("the folder") } else { path };
    let why = match error {
        Errno::BUSY | Errno::XDEV => "something is mounted there".to_owned(),
        Errno::PERM => "it is immutable (lsattr shows it) or somebody else's".to_owned(),
        other => io::Error::from(other).to_string(),
    };
    io::Error::new(io::Error::from(error).kind(), format!("{} cannot be deleted: {why}", shown.display()))
}

/// Opens a folder inside an open one so that all in it can be deleted: itself, on the same mount.
pub fn enter(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    let opened = match open(folder, name) {
        Err(Errno::ACCESS) => {
            open_up(folder, name)?;
            open(folder, name)?
        }
        other => other?,
    };
    let mode = rustix::fs::fstat(&opened)?.st_mode;
    if mode & 0o700 != 0o700 {
        // Whose it is decides whether this works; deleting will tell.
        let _ = rustix::fs::fchmod(&opened, Mode::from_raw_mode(mode & 0o7777) | Mode::RWXU);
    }
    Ok(opened)
}

/// The kernel itself refuses to cross into another mount.
#[cfg(target_os = "linux")]
fn open(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let one_name = Path::new(name).components().count() == 1 && !Path::new(name).is_absolute();
    // The top is named by its whole path, which may lead through a mount.
    let resolve = if one_name { ResolveFlags::NO_XDEV } else { ResolveFlags::empty() };
    match rustix::fs::openat2(folder, name, FOLDER, Mode::empty(), resolve) {
        // An old kernel, or a filter that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => open_alike(folder, name, one_name),
        other => other,
    }
}

#[cfg(not(target_os = "linux"))]
fn open(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    open_alike(folder, name, Path::new(name).components().count() == 1 && !Path::new(name).is_absolute())
}

/// Opens it, and refuses what is on another device.
fn open_alike(folder: BorrowedFd<'_>, name: &OsStr, same_device: bool) -> Result<OwnedFd, Errno> {
    let opened = rustix::fs::openat(folder, name, FOLDER, Mode::empty())?;
    if same_device && rustix::fs::fstat(&opened)?.st_dev != rustix::fs::fstat(folder)?.st_dev {
        return Err(Errno::XDEV);
    }
    Ok(opened)
}

/// Lets its owner into a folder that nobody may read: through a handle on the folder itself, since a
/// change of modes by name would follow a link.
#[cfg(target_os = "linux")]
fn open_up(folder: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    use std::os::fd::AsRawFd;
    let handle = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(folder, name, handle, Mode::empty())?;
    rustix::fs::chmod(format!("/proc/self/fd/{}", handle.as_raw_fd()), Mode::RWXU)
}

#[cfg(not(target_os = "linux"))]
fn open_up(folder: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
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
        for level in 1..3000 {
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
