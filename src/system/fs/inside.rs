//! Writing below a folder, at paths that somebody else chose: never outside of it.
//!
//! A path has plain names only, and every step is taken from a folder that is open already: a symbolic link
//! that stands in the way is an error, and one that stands where a file goes is replaced, not followed.

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

/// How a folder on the way is opened: itself, never what a link of its name leads to.
const STEP: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder of ours, opened.
#[derive(Debug)]
pub struct Inside(OwnedFd);

impl Inside {
    /// That folder, wherever links on the way to it lead: it is ours.
    pub fn open(folder: &Path) -> io::Result<Inside> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Inside(rustix::fs::openat(CWD, folder, flags, Mode::empty())?))
    }

    /// Makes a folder, with those on the way.
    pub fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.enter(path).map(drop)
    }

    /// Writes a file, with the folders on the way, in the place of a file or link that is there.
    pub fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let (folder, name) = self.place(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, name, flags, Mode::from_raw_mode(mode as _))?;
        File::from(file).write_all(bytes)
    }

    /// Makes a symbolic link in the same way, if it leads to something inside.
    pub fn link(&self, path: &Path, target: &Path) -> io::Result<()> {
        if !stays_inside(path, target) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is a symbolic link that may lead out"));
        }
        let (folder, name) = self.place(path)?;
        Ok(rustix::fs::symlinkat(target, &folder, name)?)
    }

    /// The folder that a path is in, with nothing at the path.
    fn place<'p>(&self, path: &'p Path) -> io::Result<(OwnedFd, &'p OsStr)> {
        let name = path.file_name().ok_or_else(not_plain)?;
        let folder = self.enter(path.parent().unwrap_or(Path::new("")))?;
        match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok((folder, name)),
            Err(error) => Err(error.into()),
        }
    }

    fn enter(&self, path: &Path) -> io::Result<OwnedFd> {
        let mut folder = self.0.try_clone()?;
        for part in path.components() {
            let Component::Normal(name) = part else { return Err(not_plain()) };
            match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            folder = rustix::fs::openat(&folder, name, STEP, Mode::empty()).map_err(|error| match error {
                // Linux says the one for a link, other systems the other.
                Errno::NOTDIR | Errno::LOOP => io::Error::new(
                    ErrorKind::NotADirectory,
                    format!("{} is a link or a file, and not a folder", name.display()),
                ),
                error => error.into(),
            })?;
        }
        Ok(folder)
    }
}

fn not_plain() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "its path does not stay inside")
}

/// Whether a link at a path leads inside: up no further than its folder is deep, and then never up again, since
/// what it passes on the way down can be a link that leads up itself.
fn stays_inside(path: &Path, target: &Path) -> bool {
    let depth = path.components().count().saturating_sub(1);
    let ups = target.components().take_while(|part| matches!(part, Component::ParentDir | Component::CurDir));
    let ups = ups.filter(|part| *part == Component::ParentDir).count();
    let down = target
        .components()
        .skip_while(|part| matches!(part, Component::ParentDir | Component::CurDir))
        .all(|part| matches!(part, Component::Normal(_)));
    ups <= depth && down
}

#[cfg(test)]
mod tests {
    use super::Inside;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    #[test]
    fn nothing_is_written_outside_whatever_the_path_or_what_stands_there() {
        let place = tempfile::tempdir().unwrap();
        let (root, outside) = (place.path().join("root"), place.path().join("outside"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "theirs").unwrap();
        symlink(&outside, root.join("link")).unwrap();
        symlink(outside.join("file"), root.join("file")).unwrap();
        let inside = Inside::open(&root).unwrap();
        let write = |path: &str| inside.write(Path::new(path), b"ours", 0o666);
        for path in ["../x", "a/../../x", "/tmp/flow-ai-x", "link/x", "link", "", "."] {
            let is_replaced = path == "link";
            assert_eq!(write(path).is_ok(), is_replaced, "{path}");
        }
        write("file").unwrap();
        write("deep/er/file").unwrap();
        assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "theirs");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert!(root.join("file").symlink_metadata().unwrap().is_file());
        assert_eq!(fs::read_to_string(root.join("deep/er/file")).unwrap(), "ours");
    }

    #[test]
    fn a_link_is_made_only_if_it_cannot_lead_out() {
        let place = tempfile::tempdir().unwrap();
        let inside = Inside::open(place.path()).unwrap();
        let link = |path: &str, target: &str| inside.link(Path::new(path), Path::new(target)).is_ok();
        assert!(link("here", ".") && link("a/up", "../b/c") && link("a/b/top", "../.."));
        // By its text `here/..` is inside; followed, it leads out.
        for (path, target) in
            [("x", "/etc"), ("x", ".."), ("a/x", "../../y"), ("x", "here/.."), ("x", "a/../../y")]
        {
            assert!(!link(path, target), "{path} -> {target}");
        }
    }
}
