//! Into the trash: the record first, then the files by rename, then what we know of them.

use super::{Bytes, Entry, Kind, Trash, VERSION, identity};
use crate::agents::worktree::Worktree;
use crate::agents::worktree::measure::{THOROUGH, measure};
use crate::domain::error::Result;
use crate::system::fs::{move_to, move_within};
use anyhow::{Context, bail};
use jiff::Timestamp;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

impl Trash {
    /// Makes a new entry: the record, then the folder that takes the files.
    fn begin(&self, root: &Path, mut entry: Entry) -> Result<(Entry, PathBuf)> {
        let place = root.join(".trash").join(&entry.id);
        entry.place = Bytes::of(&place);
        self.write(&entry)?;
        for _ in 0..100 {
            match fs::create_dir_all(&place) {
                // Somebody tidied the empty trash away in between.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => {
                    other.with_context(|| format!("cannot make {}", place.display()))?;
                    return Ok((entry, place));
                }
            }
        }
        bail!("{} vanishes as often as it is made", place.display())
    }
}

impl Worktree {
    /// Moves it into the trash, whatever it holds; `holds` says what of it is nowhere else.
    pub fn trash(self, why: &str, holds: Option<String>) -> Result<Entry> {
        let trash = self.place.trash();
        let mut entry = self.entry(Kind::Worktree, why)?;
        entry.holds = holds;
        entry.folder = identity(&self.path).unwrap_or_default();
        entry.bytes = measure(&self.path, THOROUGH).bytes;
        let (entry, place) = trash.begin(&self.place.root, entry)?;
        let context = || format!("cannot move {} to the trash", self.path.display());
        move_to(&self.path, &place.join("files")).with_context(context)?;
        self.follow_into(&place)?;
        Ok(entry)
    }

    /// What we know of it goes where its files are already.
    pub(in crate::agents::worktree) fn follow_into(self, place: &Path) -> Result<()> {
        let record = self.place.own_dir().join("worktrees").join(self.record.id());
        let context = || format!("cannot move {} to the trash", record.display());
        move_to(&record, &place.join("record")).with_context(context)
    }

    /// Moves these paths, which are relative to it, into the trash.
    pub(in crate::agents::worktree) fn trash_files(&self, files: &[PathBuf], bytes: u64) -> Result<Entry> {
        let mut entry = self.entry(Kind::Ignored, "ignored files of a worktree that was removed")?;
        entry.bytes = bytes;
        let (entry, place) = self.place.trash().begin(&self.place.root, entry)?;
        let home = place.join("files");
        fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
        for file in files {
            move_within(&self.path, file, &home)
                .with_context(|| format!("cannot keep {}", file.display()))?;
        }
        let entry = Entry { folder: identity(&home).unwrap_or_default(), ..entry };
        self.place.trash().write(&entry)?;
        Ok(entry)
    }

    fn entry(&self, kind: Kind, why: &str) -> Result<Entry> {
        let random = getrandom::u32()
            .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
        Ok(Entry {
            version: VERSION,
            id: format!("{random:08x}"),
            kind,
            name: self.name.clone(),
            worktree: self.record.id().to_string_lossy().into_owned(),
            run: newest_run(&self.place.own_dir(), &self.name),
            at: Timestamp::now(),
            why: why.to_owned(),
            holds: None,
            bytes: 0,
            path: Bytes::of(&self.path),
            place: Bytes::of(Path::new("")),
            folder: String::new(),
        })
    }
}

/// The newest run of the spec that a worktree's name begins with: ids of runs sort by time.
fn newest_run(own: &Path, name: &str) -> Option<String> {
    let (slug, _) = name.split_once('.')?;
    let runs = fs::read_dir(own.join("runs").join(slug)).ok()?.flatten();
    runs.filter(|run| run.path().is_dir()).filter_map(|run| run.file_name().into_string().ok()).max()
}
