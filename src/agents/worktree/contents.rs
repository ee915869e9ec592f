//! What a collection took, path by path, so that it is known later whether any of that has changed.
//!
//! By content: git compares times by the second, and programs set them. Only paths that differ from the
//! checkout are here, so they are few.

use super::left_out::LARGEST_KNOWN;
use super::scan::{PathKind, as_path, path_kind};
use crate::domain::digest;
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The kind and the digest of the content, by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents(BTreeMap<Vec<u8>, String>);

impl Contents {
    /// What is at these paths now; `None` if that cannot be said of each.
    pub fn read<'a>(root: &Path, paths: impl IntoIterator<Item = &'a Vec<u8>>) -> Option<Contents> {
        let mut real_folders = HashSet::new();
        let read = |path: &Vec<u8>| {
            let content = match path_kind(root, as_path(path), &mut real_folders) {
                PathKind::File { size } if size <= LARGEST_KNOWN => file(&root.join(as_path(path)), size)?,
                PathKind::Nothing => "nothing".into(),
                _ => return None,
            };
            Some((path.clone(), content))
        };
        paths.into_iter().map(read).collect::<Option<_>>().map(Contents)
    }

    /// Whether it is still so, and nothing is there beyond it.
    pub fn is_still(&self, root: &Path, paths: &[Vec<u8>]) -> bool {
        paths.iter().all(|path| self.0.contains_key(path))
            && Contents::read(root, self.0.keys()).is_some_and(|now| now == *self)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let line = |(path, content): (&Vec<u8>, &String)| [content.as_bytes(), b" ", path, b"\0"].concat();
        self.0.iter().flat_map(line).collect()
    }

    /// `None` if a part is missing.
    pub fn from_bytes(bytes: &[u8]) -> Option<Contents> {
        let lines = bytes.split_inclusive(|byte| *byte == 0).map(|line| {
            let line = line.strip_suffix(b"\0")?;
            let end = line.iter().position(|byte| *byte == b' ')?;
            Some((line[end + 1..].to_vec(), String::from_utf8(line[..end].to_vec()).ok()?))
        });
        lines.collect::<Option<_>>().map(Contents)
    }
}

/// A file that grows meanwhile is read to where it ended.
fn file(path: &Path, size: u64) -> Option<String> {
    let data = path.symlink_metadata().ok()?;
    if data.is_symlink() {
        return Some(format!("link:{}", digest::sha256(fs::read_link(path).ok()?.as_os_str().as_bytes())));
    }
    let kind = if data.mode() & 0o100 == 0 { "file" } else { "program" };
    Some(format!("{kind}:{}", digest::sha256_read(File::open(path).ok()?.take(size)).ok()?))
}
