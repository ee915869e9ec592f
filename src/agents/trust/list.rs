//! The user's list of what they trust, outside any repository: `$XDG_STATE_HOME/git-flow-ai/trust`.
//!
//! A line of JSON per item, with its version. A list that cannot be read as a whole is not believed at
//! all, and neither is one that another user could have written. It is replaced as a whole, under a lock,
//! so that of two who write at once neither loses anything.

use super::Item;
use crate::domain::digest;
use crate::domain::error::{Result, hint};
use crate::domain::text::shell::quote_path;
use crate::system::fs::home::{self, Base};
use crate::system::fs::{lock, private};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The version of the list's lines.
const VERSION: u32 = 1;

/// One item that the user has seen and trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedItem {
    version: u32,
    /// The repository, by its common git directory.
    pub repository: String,
    pub what: String,
    /// The SHA-256 of its content.
    pub digest: String,
    /// Its content as it was shown, to say next time what has changed.
    pub lines: Vec<String>,
    pub at: String,
}

impl TrustedItem {
    pub(super) fn new(repository: &str, item: &Item, at: &str) -> TrustedItem {
        TrustedItem {
            version: VERSION,
            repository: repository.to_owned(),
            what: item.what.clone(),
            digest: digest_of(&item.what, &item.lines),
            lines: item.lines.clone(),
            at: at.to_owned(),
        }
    }

    /// Whether it is about exactly that content in that repository.
    pub(super) fn covers(&self, repository: &str, item: &Item) -> bool {
        self.repository == repository && self.digest == digest_of(&item.what, &item.lines)
    }
}

/// The digest of an item's content: no line of it holds a line break.
fn digest_of(what: &str, lines: &[String]) -> String {
    digest::sha256(format!("{what}\n{}", lines.join("\n")))
}

/// The file; `None` without a home to have it in.
pub fn list_path() -> Option<PathBuf> {
    Some(home::base(Base::State)?.join("git-flow-ai/trust"))
}

fn required_path() -> Result<PathBuf> {
    list_path().ok_or_else(|| {
        hint(
            "nobody can tell where your list of trusted things is: neither HOME nor XDG_STATE_HOME is set",
            "set HOME; or trust this repository this time: --trust",
        )
    })
}

/// All that is trusted, in the order in which it was.
///
/// # Errors
/// If the list cannot be believed: then nothing is trusted.
pub fn read() -> Result<Vec<TrustedItem>> {
    let path = required_path()?;
    let text = match File::open(&path) {
        Ok(file) => {
            refuse_foreign(&path, &file.metadata()?)?;
            if let Some(folder) = path.parent() {
                refuse_foreign(folder, &fs::metadata(folder)?)?;
            }
            std::io::read_to_string(file).map_err(|error| broken(&path, &error.to_string()))?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(broken(&path, &error.to_string())),
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| record(&path, number + 1, line)).collect()
}

fn record(path: &Path, number: usize, line: &str) -> Result<TrustedItem> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    match serde_json::from_str::<Version>(line) {
        Ok(Version { version }) if version > VERSION => {
            return Err(hint(
                format!("{} was written by a newer git flow-ai, so nothing in it is trusted", path.display()),
                "install a newer git flow-ai",
            ));
        }
        _ => {}
    }
    let record: TrustedItem = serde_json::from_str(line)
        .map_err(|error| broken(path, &format!("line {number} is no record: {error}")))?;
    if record.digest != digest_of(&record.what, &record.lines) {
        return Err(broken(path, &format!("line {number} does not fit its own digest")));
    }
    Ok(record)
}

/// A list that another user wrote, or could have written, is not the user's own.
fn refuse_foreign(path: &Path, found: &Metadata) -> Result<()> {
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own {
        let why = format!("{} belongs to somebody else, so nothing in it is trusted", path.display());
        return Err(hint(why, "move it away"));
    }
    if found.mode() & 0o022 != 0 {
        let why = format!("others can write {}, so nothing in it is trusted", path.display());
        return Err(hint(why, format!("look at it, then: chmod go-w {}", quote_path(path))));
    }
    Ok(())
}

fn broken(path: &Path, why: &str) -> anyhow::Error {
    hint(
        format!("{} cannot be read, so nothing in it is trusted: {why}", path.display()),
        format!(
            "mend it, or move it away and trust anew: mv {} {}",
            quote_path(path),
            quote_path(&path.with_extension("old"))
        ),
    )
}

/// Replaces the list by what `edit` makes of it, under a lock. Returns what `edit` returned.
pub(super) fn edit<T>(edit: impl FnOnce(&mut Vec<TrustedItem>) -> T) -> Result<T> {
    let path = required_path()?;
    let folder = path.parent().context("the list of trusted things is in a folder")?;
    private::create_dir(folder)?;
    let cannot = || format!("cannot write {}", path.display());
    let _lock = lock::take(&folder.join("trust.lock")).with_context(cannot)?;
    let mut records = read()?;
    let before = records.clone();
    let made = edit(&mut records);
    if records != before {
        // A temporary file is made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
        for record in &records {
            serde_json::to_writer(&mut file, record).with_context(cannot)?;
            file.write_all(b"\n").with_context(cannot)?;
        }
        file.as_file().sync_all().with_context(cannot)?;
        file.persist(&path).with_context(cannot)?;
    }
    Ok(made)
}
