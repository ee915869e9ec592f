//! What is read of a note: the lines that can be records, pointers or a person's remarks.
//!
//! A note that is too large to be one, is not a file or is not text at all must not keep the others from being
//! read: it is named and skipped, and of a note that is partly text the lines that are.

use super::Repo;
use crate::domain::error::Result;
use anyhow::{Context, bail};
use gix::ObjectId;
use gix::objs::Kind;

/// How large a note may be: thousands of records on one object. Of a larger one the beginning is read.
pub(super) const LARGEST: usize = 32 << 20;

/// From how many bytes on not even that is tried.
const HOPELESS: u64 = 1 << 30;

/// The text of a note, and what of it was skipped.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub text: String,
    /// Why some of it, or all, is not in the text.
    pub fault: Option<&'static str>,
}

impl Content {
    pub fn read(repo: &Repo, blob: ObjectId) -> Result<Content> {
        let fault = |why| Ok(Content { text: String::new(), fault: Some(why) });
        // What is not here may be a rejection: that is doubt, and no fault of the note's writer.
        let Some(header) = repo.gix.try_find_header(blob)? else {
            bail!("note {blob} cannot be read: it is not here");
        };
        if header.kind() != Kind::Blob {
            return fault("not a file");
        }
        if header.size() > HOPELESS {
            return fault("larger than 1 GiB");
        }
        let found = repo.gix.find_blob(blob).with_context(|| format!("note {blob} cannot be read"))?;
        let mut data = found.detach().data;
        let is_large = data.len() > LARGEST;
        if is_large {
            let whole_lines =
                data[..LARGEST].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            data.truncate(whole_lines);
        }
        Ok(match String::from_utf8(data) {
            Ok(text) if is_large => {
                Content { text, fault: Some("larger than 32 MiB, and not read to its end") }
            }
            Ok(text) => Content { text, fault: None },
            Err(error) => {
                let lines = error.as_bytes().split_inclusive(|byte| *byte == b'\n');
                let text = lines.filter_map(|line| std::str::from_utf8(line).ok()).collect();
                Content { text, fault: Some("not UTF-8 in every line") }
            }
        })
    }
}
