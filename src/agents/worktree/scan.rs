//! A scan of a worktree's files, for what git does not list: special files, repositories inside, what
//! cannot be read. No symbolic link is ever followed.

use super::left_out::{LeftOutReason, refuse_flood};
use crate::domain::error::Result;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// How many files a scan meets at most. It meets ignored ones too, of which builds make many; what is
/// beyond goes without being named.
const FAR: usize = 3_000_000;

/// The files that git reads in every folder, or at the top.
const READ: &[&[u8]] = &[b".gitignore", b".gitattributes", b".gitmodules"];

/// What is among all files that git does not list.
pub struct Scan {
    /// Where, and why a tree cannot hold it.
    pub odd: BTreeMap<Vec<u8>, LeftOutReason>,
}

impl Scan {
    /// Finds special files, nested `.git`s and folders that cannot be read.
    ///
    /// # Errors
    /// [`super::TooMuch`] if there are more than anybody meant to make.
    pub fn new(root: &Path, submodules: &BTreeSet<Vec<u8>>) -> Result<Scan> {
        let (mut odd, mut met) = (BTreeMap::new(), 0);
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(root.join(&folder)) else {
                odd.insert(as_bytes(&folder), LeftOutReason::Unreadable);
                continue;
            };
            for entry in entries.flatten() {
                met += 1;
                if met > FAR {
                    return Ok(Scan { odd });
                }
                let path = folder.join(entry.file_name());
                let Ok(kind) = entry.file_type() else { continue };
                if entry.file_name() == ".git" {
                    if !folder.as_os_str().is_empty() {
                        odd.insert(as_bytes(&path), LeftOutReason::NestedRepository);
                    }
                } else if kind.is_dir() {
                    if !submodules.contains(path.as_os_str().as_bytes()) {
                        folders.push(path);
                    }
                } else if kind.is_fifo()
                    || kind.is_socket()
                    || kind.is_block_device()
                    || kind.is_char_device()
                {
                    odd.insert(as_bytes(&path), LeftOutReason::SpecialFile);
                }
            }
            refuse_flood(odd.len())?;
        }
        Ok(Scan { odd })
    }
}

/// The pipes, sockets and devices that git would open, and perhaps wait for.
pub fn traps(odd: &BTreeMap<Vec<u8>, LeftOutReason>) -> impl Iterator<Item = &Vec<u8>> {
    let is_read = |path: &[u8]| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        READ.iter().any(|read| name.eq_ignore_ascii_case(read))
    };
    odd.iter()
        .filter(move |(path, why)| **why == LeftOutReason::SpecialFile && is_read(path))
        .map(|(path, _)| path)
}

/// The files and symbolic links below a folder, without any `.git`.
pub fn files_below(root: &Path, folder: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    let mut folders = vec![as_path(folder).to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                _ if entry.file_name() == ".git" => {}
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() || kind.is_symlink() => files.push(as_bytes(&path)),
                _ => {}
            }
        }
        refuse_flood(files.len())?;
    }
    Ok(files)
}

/// What is at a path, as a tree sees it.
pub enum PathKind {
    /// A regular file that can be read, or a symbolic link.
    File {
        /// In bytes, as the file system says.
        size: u64,
    },
    /// A regular file that cannot be read.
    Unreadable,
    /// Nothing that a tree could hold.
    Nothing,
}

/// Looks without following a symbolic link, not even one that took a folder's place.
pub fn path_kind(root: &Path, path: &Path, real_folders: &mut HashSet<PathBuf>) -> PathKind {
    let mut folder = PathBuf::new();
    for part in path.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        if real_folders.contains(&folder) {
            continue;
        }
        match root.join(&folder).symlink_metadata() {
            Ok(data) if data.is_dir() => drop(real_folders.insert(folder.clone())),
            _ => return PathKind::Nothing,
        }
    }
    let path = root.join(path);
    match path.symlink_metadata() {
        Ok(data) if data.is_symlink() => PathKind::File { size: data.len() },
        Ok(data) if data.is_file() => match File::open(&path) {
            Ok(_) => PathKind::File { size: data.len() },
            Err(_) => PathKind::Unreadable,
        },
        _ => PathKind::Nothing,
    }
}

/// Whether it is a folder in folders, and none of them a symbolic link.
pub fn is_real_folder(root: &Path, path: &Path) -> bool {
    let mut folder = root.to_owned();
    path.components().all(|part| {
        folder.push(part);
        folder.symlink_metadata().is_ok_and(|data| data.is_dir())
    })
}

/// The path that git's bytes mean.
pub fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

fn as_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}
