//! A folder for temporary files that only one command writes, and that goes with it.

use crate::domain::error::Result;
use crate::system::fs::locked_dir::{self, LockedDir};
use crate::system::fs::temporary;
use anyhow::Context;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The word in the folders' names.
const WHAT: &str = "tmp";

/// The folder in it that the command gets. What is beside that is ours: nothing in there can be replaced by
/// a link or a pipe.
const INSIDE: &str = "inside";

/// Where in that temporary files go.
const OWN: &str = "own";

/// One such folder. Dropping it removes it.
#[derive(Debug)]
pub struct Temporary {
    folder: LockedDir,
}

impl Temporary {
    pub fn new() -> Result<Temporary> {
        let folder = LockedDir::new(&temporary::root(), WHAT)?;
        fs::create_dir_all(folder.path().join(INSIDE).join(OWN)).context("cannot make a temporary folder")?;
        Ok(Temporary { folder })
    }

    /// The folder that the command gets.
    pub fn inside(&self) -> PathBuf {
        self.folder.path().join(INSIDE)
    }

    /// A file that only we write.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Removes the folders whose owners are dead.
pub fn sweep() {
    locked_dir::sweep(&temporary::root(), WHAT);
}

/// Variables that name it for temporary files, to whom it is at that path.
pub fn variables(seen: &Path) -> Vec<(OsString, OsString)> {
    ["TMPDIR", "TMP", "TEMP"].map(|name| (name.into(), seen.join(OWN).into())).into()
}
