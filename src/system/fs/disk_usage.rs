//! How much disk a folder takes, in one pass that ends.
//!
//! Counted are the blocks that files really take (a sparse file of 10 GB may take none), hard links once,
//! nothing behind a symbolic link. It looks at so many entries and no more, and says if there were more, so
//! that a million files cost a second and not a minute.

use serde::Serialize;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How many entries a look in passing takes in.
pub const GLANCE: u64 = 20_000;

/// How many entries a measurement that was asked for takes in.
pub const THOROUGH: u64 = 2_000_000;

/// What a folder takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The bytes of its blocks on the disk.
    pub bytes: u64,
    /// How many files and folders there are below it.
    pub files: u64,
    /// Whether there is more than was counted: there were too many, or some could not be read.
    pub at_least: bool,
}

impl Usage {
    pub fn and(self, other: Usage) -> Usage {
        Usage {
            bytes: self.bytes + other.bytes,
            files: self.files + other.files,
            at_least: self.at_least || other.at_least,
        }
    }
}

/// Measures what is at that path, and below it, looking at no more than `limit` entries.
pub fn measure(path: &Path, limit: u64) -> Usage {
    let mut usage = Usage::default();
    let mut linked = HashSet::new();
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Ok(data) = path.symlink_metadata() {
        usage.bytes = data.blocks() * 512;
        if data.is_dir() {
            folders.push(path.to_owned());
        }
    }
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            usage.at_least = true;
            continue;
        };
        for entry in entries.flatten() {
            if usage.files == limit {
                usage.at_least = true;
                return usage;
            }
            let Ok(data) = entry.metadata() else { continue };
            usage.files += 1;
            if data.is_dir() {
                folders.push(entry.path());
            } else if data.nlink() > 1 && !linked.insert((data.dev(), data.ino())) {
                continue;
            }
            usage.bytes += data.blocks() * 512;
        }
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::measure;
    use std::fs::{self, File};

    #[test]
    fn blocks_count_links_once_and_a_walk_ends() {
        let place = tempfile::tempdir().unwrap();
        let sparse = File::create(place.path().join("sparse")).unwrap();
        sparse.set_len(10 << 30).unwrap();
        assert!(measure(place.path(), 100).bytes < 1 << 20, "what is not written takes nothing");
        fs::write(place.path().join("full"), vec![7; 1 << 20]).unwrap();
        let once = measure(place.path(), 100);
        fs::hard_link(place.path().join("full"), place.path().join("again")).unwrap();
        let twice = measure(place.path(), 100);
        assert!(once.bytes >= 1 << 20 && twice.bytes < once.bytes + (1 << 19), "{once:?} {twice:?}");
        assert!(!twice.at_least && measure(place.path(), 2).at_least);
        assert_eq!(measure(&place.path().join("nothing"), 2), super::Usage::default());
    }
}
