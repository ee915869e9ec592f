//! What is known of the submodules of a worktree, in its record: in the order in which they were met.

use crate::agents::worktree::Worktree;
use crate::agents::worktree::record::WorktreeRecord;
use crate::domain::error::Result;
use gix::ObjectId;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A submodule of a worktree, at any depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    /// Relative to the worktree.
    pub path: PathBuf,
    /// The commit that the superproject names.
    pub commit: ObjectId,
    /// The git directory of the user that has its objects; `None` if it was left empty.
    pub source: Option<PathBuf>,
    /// Its private git directory, relative to the worktree's.
    pub private: PathBuf,
}

impl Submodule {
    /// The index as git wrote it when it was filled.
    pub fn index(&self, worktree: &Worktree) -> PathBuf {
        let name = self.path.as_os_str().as_bytes().iter().map(|byte| format!("{byte:02x}"));
        worktree.record.scratch("submodules").join(name.collect::<String>()).with_extension("index")
    }

    /// A git command on its files that reads its objects where the user has them, as [`Worktree::git`] is one on
    /// the worktree's.
    pub fn git(&self, worktree: &Worktree, source: &Path, index: &Path) -> Command {
        let mut command = worktree.git_on(source, &worktree.path.join(&self.path));
        command.env("GIT_INDEX_FILE", index).env("GIT_NO_LAZY_FETCH", "1");
        command
    }
}

/// The git directories whose objects the submodules of a worktree are made of.
pub fn sources(record: &WorktreeRecord) -> Vec<PathBuf> {
    read(record).unwrap_or_default().into_iter().filter_map(|submodule| submodule.source).collect()
}

/// What the record says of them.
pub fn read(record: &WorktreeRecord) -> Result<Vec<Submodule>> {
    let bytes = record.submodules()?;
    let fields: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    let path = |field: &[u8]| PathBuf::from(OsStr::from_bytes(field));
    let submodules = fields.chunks_exact(4).filter_map(|fields| {
        Some(Submodule {
            path: path(fields[0]),
            commit: ObjectId::from_hex(fields[1]).ok()?,
            source: Some(path(fields[2])).filter(|source| !source.as_os_str().is_empty()),
            private: path(fields[3]),
        })
    });
    Ok(submodules.collect())
}

pub fn write(record: &WorktreeRecord, submodules: &[Submodule]) -> Result<()> {
    let mut bytes = Vec::new();
    for submodule in submodules {
        let source = submodule.source.as_deref().unwrap_or(Path::new(""));
        let commit = submodule.commit.to_string();
        for field in [&submodule.path, Path::new(&commit), source, &submodule.private] {
            bytes.extend_from_slice(field.as_os_str().as_bytes());
            bytes.push(0);
        }
    }
    record.set_submodules(&bytes)
}
