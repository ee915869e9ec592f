//! Whether an error comes from a full disk.

use crate::system::git::error::{ErrorKind, GitError};
use std::io;
use std::path::Path;

/// What counts as no room, in bytes.
const ROOM: u64 = 64 << 10;

/// Whether an error comes about since the disk is full, or the user's quota: here, or in a git that we ran.
pub fn is_disk_full(error: &anyhow::Error) -> bool {
    let is_full =
        |cause: &io::Error| matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    error.chain().any(|cause| cause.downcast_ref().is_some_and(is_full))
        || GitError::kind_of(error) == ErrorKind::NoSpace
}

/// Whether the disk of that folder has no room for even a small file: git, which cannot write one, does not say why.
pub fn has_no_room(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM)
}

#[cfg(test)]
mod tests {
    use super::is_disk_full;
    use anyhow::Context;
    use std::io;

    #[test]
    fn a_full_disk_is_found_below_other_errors() {
        let failed =
            |kind: io::ErrorKind| Err::<(), _>(io::Error::from(kind)).context("cannot write").unwrap_err();
        assert!(is_disk_full(&failed(io::ErrorKind::StorageFull).context("the run broke off")));
        assert!(!is_disk_full(&failed(io::ErrorKind::PermissionDenied)));
    }
}
