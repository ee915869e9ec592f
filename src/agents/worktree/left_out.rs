//! What is left out of a collected tree, why, and how much is too much.

use super::TooMuch;
use crate::domain::error::Result;
use crate::system::git::error::FailedFilter;
use std::fmt;

/// The largest file that is taken, in bytes. Hosts of repositories refuse larger ones, and they stay in a
/// history for ever.
pub const LARGEST: u64 = 100 << 20;

/// The largest file that is taken if the project has it already, or a filter of the user's takes it (as for
/// LFS), in bytes.
pub const LARGEST_KNOWN: u64 = 2 << 30;

/// The most new files that are taken: more than that are a build's, or an attack.
pub const MOST: usize = 100_000;

/// The longest path that is shown whole, in bytes.
const LONGEST: usize = 400;

/// Something that a tree cannot or must not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where, relative to the worktree, as text for people.
    pub path: String,
    pub reason: LeftOutReason,
    /// Why git cannot take its content.
    pub why: Option<FailedFilter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOutReason {
    /// The `.git` of a repository inside; its files were collected.
    NestedRepository,
    /// A FIFO, a socket or a device.
    SpecialFile,
    /// We may not read it.
    Unreadable,
    /// It is in the folder of a submodule, whose files belong to another repository.
    InSubmodule,
    /// git takes no file of that name.
    Name,
    /// git cannot take its content as the attributes ask: an encoding, a filter that fails.
    Content,
    /// It asks git for submodules as `git fsck` forbids them.
    Submodules,
    /// It is larger than [`LARGEST`].
    TooLarge,
    /// Commits of the agent's own that are broken, or too many.
    Commits,
}

impl LeftOut {
    pub(super) fn new(path: &[u8], reason: LeftOutReason, why: Option<FailedFilter>) -> LeftOut {
        LeftOut { path: shown(path), reason, why }
    }
}

impl LeftOutReason {
    /// Whether the user might miss it: a worktree with such a thing is not removed.
    pub fn holds_content(self) -> bool {
        match self {
            LeftOutReason::NestedRepository | LeftOutReason::SpecialFile => false,
            LeftOutReason::Unreadable
            | LeftOutReason::InSubmodule
            | LeftOutReason::Name
            | LeftOutReason::Content
            | LeftOutReason::Submodules
            | LeftOutReason::TooLarge
            | LeftOutReason::Commits => true,
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            LeftOutReason::NestedRepository => "is a git repository inside (its files are in)",
            LeftOutReason::SpecialFile => "is no regular file",
            LeftOutReason::Unreadable => "cannot be read",
            LeftOutReason::InSubmodule => "is in a submodule",
            LeftOutReason::Name => "has a name that git does not take",
            LeftOutReason::Content if self.why.is_some() => {
                let why = self.why.as_ref().map(ToString::to_string).unwrap_or_default();
                return write!(f, "{} cannot be taken: {why}", self.path);
            }
            LeftOutReason::Content => "cannot be taken as its attributes ask (an encoding, a filter)",
            LeftOutReason::Submodules => {
                "names submodules as git forbids it: programs, options, folders outside"
            }
            LeftOutReason::TooLarge => {
                return write!(f, "{} is larger than {} MiB", self.path, LARGEST >> 20);
            }
            LeftOutReason::Commits => "holds commits of its own that cannot be read",
        };
        write!(f, "{} {reason}", self.path)
    }
}

/// An error if there are more new files than anybody meant to make.
pub(super) fn refuse_flood(count: usize) -> Result<()> {
    if count <= MOST {
        return Ok(());
    }
    Err(TooMuch(format!("{} new files; is something missing in .gitignore?", grouped(count))).into())
}

/// `1,000,000`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A path as text for people; of an absurdly long one the beginning and the end.
fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path).into_owned();
    if text.len() <= LONGEST {
        return text;
    }
    let (start, end) =
        (text.floor_char_boundary(LONGEST / 2), text.ceil_char_boundary(text.len() - LONGEST / 2));
    format!("{}…{}", &text[..start], &text[end..])
}
