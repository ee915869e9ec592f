//! The directory that is a job's home, on disk below our own.

use super::HomeCopy;
use crate::domain::error::Result;
use crate::system::fs::locked_dir::{self, LockedDir};
use anyhow::Context;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// The word in the directories' names.
const WHAT: &str = "home";

/// The directory in it that is the home.
const INSIDE: &str = "home";

/// The largest file that is copied, in bytes: logins and settings are far smaller.
const LARGEST: u64 = 16 << 20;

/// How many files and folders of one folder are copied.
const MOST: usize = 5_000;

/// A job's home. Dropping it removes it with all that is in it.
#[derive(Debug)]
pub struct JobHome {
    dir: LockedDir,
    /// What could not be copied, and why: a line each.
    skipped: Vec<String>,
}

impl JobHome {
    /// A home in that directory, with these copies in it.
    pub fn new(parent: &Path, copies: &[HomeCopy]) -> Result<JobHome> {
        create_dirs(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let dir = LockedDir::new(parent, WHAT)?;
        let mut home = JobHome { dir, skipped: Vec::new() };
        create_dirs(&home.path()).with_context(|| format!("cannot make {}", home.path().display()))?;
        for copy in copies {
            if let Err(why) = home.copy(copy) {
                home.skipped.push(format!("left {} out of the agent's home: {why}", copy.from.display()));
            }
        }
        Ok(home)
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join(INSIDE)
    }

    /// The text of a file in it, if it is one and no link leads there. For homes that no agent wrote.
    pub fn file(&self, path: &Path) -> Option<String> {
        let path = below(&self.path().canonicalize().ok()?, path)?;
        let is_plain = path.canonicalize().is_ok_and(|real| real == path);
        is_plain.then(|| read(&path).ok()).flatten().and_then(|bytes| String::from_utf8(bytes).ok())
    }

    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Puts a link there, if nothing is there yet, where nothing can be mounted.
    pub fn link(&self, at: &Path, target: &Path) {
        let home = self.path();
        let Some(at) = below(&home, at) else { return };
        // Below another link it would be made in the user's own home.
        let is_link = |path: &&Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        if at.ancestors().take_while(|path| *path != home).any(|path| is_link(&path)) {
            return;
        }
        // What is not there is not opened.
        let _ = at.parent().map_or(Ok(()), create_dirs).and_then(|()| symlink(target, &at));
    }

    fn copy(&self, copy: &HomeCopy) -> Result<(), String> {
        let Some(to) = below(&self.path(), &copy.to) else { return Err("it is not below the home".into()) };
        let say = |error: io::Error| error.to_string();
        to.parent().map_or(Ok(()), create_dirs).map_err(say)?;
        match copy.part {
            Some(file) => {
                let text = String::from_utf8(read(&copy.from).map_err(say)?)
                    .map_err(|_| "it is not text".to_owned())?;
                write(&to, file.part(&text)?.as_bytes()).map_err(say)
            }
            None => copy_all(&copy.from, &to, &mut 0).map_err(say),
        }
    }
}

/// Removes the homes whose owners are dead.
pub fn sweep(parent: &Path) {
    locked_dir::sweep(parent, WHAT);
}

/// A path below a folder, if it is plain.
fn below(folder: &Path, path: &Path) -> Option<PathBuf> {
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && path.components().next().is_some()).then(|| folder.join(path))
}

fn create_dirs(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Copies a file or a folder. Only files and folders: what else there is can be no setting.
fn copy_all(from: &Path, to: &Path, count: &mut usize) -> io::Result<()> {
    *count += 1;
    if *count > MOST {
        return Err(io::Error::other(format!("it holds more than {MOST} files")));
    }
    if !from.metadata()?.is_dir() {
        return write(to, &read(from)?);
    }
    create_dirs(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let kind = entry.file_type()?;
        if kind.is_dir() || kind.is_file() {
            copy_all(&entry.path(), &to.join(entry.file_name()), count)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // The kind first: opening a pipe would wait for its writer.
    let found = path.metadata()?;
    if !found.is_file() || found.len() > LARGEST {
        return Err(io::Error::other("it is not a file of at most 16 MiB"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::{HomeCopy, JobHome};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    #[test]
    fn it_holds_copies_that_nobody_else_reads_and_goes_with_its_job() {
        let place = tempfile::tempdir().unwrap();
        let at = |path: &str| place.path().join(path);
        fs::create_dir_all(at("user/.tool/deep")).unwrap();
        fs::write(at("user/.tool/deep/key"), "k").unwrap();
        symlink("/etc", at("user/.tool/link")).unwrap();
        let copy = |from: &str, to: &str| HomeCopy { from: at(from), to: to.into(), part: None };
        let copies = [copy("user/.tool", ".tool"), copy("user/none", "none"), copy("user/.tool", "../out")];
        let home = JobHome::new(&at("homes"), &copies).unwrap();
        let key = home.path().join(".tool/deep/key");
        assert_eq!(fs::read_to_string(&key).unwrap(), "k");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!home.path().join(".tool/link").exists());
        assert_eq!(home.skipped().len(), 2, "{:?}", home.skipped());
        home.link(&PathBuf::from(".cargo/bin"), &at("user/.tool"));
        assert!(home.path().join(".cargo/bin/deep/key").exists());
        let path = home.path();
        drop(home);
        assert!(!path.exists() && at("user/.tool/deep/key").exists());
    }
}
