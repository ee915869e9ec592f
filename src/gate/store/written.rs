//! Objects written while others tidy up: `git gc` removes empty folders of objects, also one that was made just now for
//! the object that is to go into it.

use super::Repo;
use crate::domain::error::Result;
use gix::ObjectId;
use std::io;

/// How often an object is written again whose folder is removed meanwhile.
const TRIES: usize = 20;

impl Repo {
    /// Writes an object.
    pub(super) fn put(&self, object: &impl gix::objs::WriteTo) -> Result<ObjectId> {
        again_if_gone(|| Ok(self.gix.write_object(object)?.detach()))
    }

    /// Writes a file's content.
    pub(super) fn put_blob(&self, content: &[u8]) -> Result<ObjectId> {
        again_if_gone(|| Ok(self.gix.write_blob(content)?.detach()))
    }
}

/// Does what writes objects, once more each time that a folder is removed under it.
pub(super) fn again_if_gone<T>(mut write: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..TRIES {
        match write() {
            Err(error) if is_gone(&error) => {}
            done => return done,
        }
    }
    write()
}

/// Whether a file or folder was not there. gix says so in words only where it renames an object into its place.
fn is_gone(error: &anyhow::Error) -> bool {
    let is_not_found = |cause: &io::Error| cause.kind() == io::ErrorKind::NotFound;
    let causes = || error.chain();
    causes().any(|cause| cause.downcast_ref().is_some_and(is_not_found))
        || causes().any(|cause| cause.to_string().contains("ersist"))
            && format!("{error:#}").contains("No such file or directory")
}
