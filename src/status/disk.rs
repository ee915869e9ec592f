//! How much disk a folder takes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The bytes that its files take on disk, as `du` counts them; what cannot be read counts nothing.
pub(super) fn usage(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => usage(&entry.path()) + data.blocks() * 512,
        Ok(data) => data.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
