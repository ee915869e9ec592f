//! What to do about the machine underneath (a full disk, a file that may not be written), where no error on the
//! way up has a hint of its own.

use std::io::{self, ErrorKind};

#[derive(Clone, Copy)]
enum Fault {
    NoSpace,
    ReadOnly,
    NotOurs,
    MissingObject,
    TooManyFiles,
}

/// How git, libraries that it is built with, and gix report them: of these failures we only have the text.
const REPORTED: &[(&str, Fault)] = &[
    ("No space left on device", Fault::NoSpace),
    ("Out of diskspace", Fault::NoSpace),
    ("Disk quota exceeded", Fault::NoSpace),
    ("failed to write new config", Fault::NoSpace),
    ("Read-only file system", Fault::ReadOnly),
    ("Permission denied", Fault::NotOurs),
    ("An object with id", Fault::MissingObject),
    ("object could not be found", Fault::MissingObject),
    ("Too many open files", Fault::TooManyFiles),
];

/// The hint for the first fault in the chain; `None` if the machine is fine.
pub fn fix(error: &anyhow::Error) -> Option<&'static str> {
    let fault = error.chain().find_map(|link| match link.downcast_ref::<io::Error>() {
        Some(error) => from_kind(error.kind()).or_else(|| from_text(&error.to_string())),
        None => from_text(&link.to_string()),
    })?;
    Some(match fault {
        Fault::NoSpace => "free some space there and run it again; what has been written down stays",
        Fault::ReadOnly => "mount it for writing, or work in a clone on another disk",
        Fault::NotOurs => "`ls -ld` on that path says whose it is; it must be yours to write",
        Fault::MissingObject => {
            "the repository lacks an object: `git fsck` says what is broken, and a fetch may bring it back"
        }
        Fault::TooManyFiles => "allow more: ulimit -n 4096, or run fewer tasks at once with --parallel",
    })
}

fn from_kind(kind: ErrorKind) -> Option<Fault> {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(Fault::NoSpace),
        ErrorKind::ReadOnlyFilesystem => Some(Fault::ReadOnly),
        ErrorKind::PermissionDenied => Some(Fault::NotOurs),
        _ => None,
    }
}

fn from_text(text: &str) -> Option<Fault> {
    REPORTED.iter().find(|(words, _)| text.contains(words)).map(|(_, fault)| *fault)
}
