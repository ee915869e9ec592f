//! Clean checkouts and what setups made go when no worktree needs them: by age, and when they take too much room.
//!
//! A worktree's record names what it is seen through, whichever process uses it, so that nothing is removed below an
//! agent. Removal is a rename; what was removed is deleted in the background.

use super::{bases, records, setups};
use crate::domain::error::Result;
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long one that is not used stays.
const UNUSED: Duration = Duration::from_secs(14 * 24 * 3600);

/// What those that are not in use may take on the disk, in bytes.
const ROOM: u64 = 8 << 30;

/// Something that is kept for the next worktree.
struct Kept {
    /// Its folder, relative to our own.
    name: PathBuf,
    used: SystemTime,
    bytes: u64,
    /// What it is a layer over.
    under: Option<PathBuf>,
}

/// Removes what no record names and was not used for long, or takes too much room; with `all`, whatever no record
/// names. Returns where that is now, to be deleted.
pub(super) fn sweep(own: &Path, all: bool) -> Result<Vec<PathBuf>> {
    let lock = bases::in_use(own)?;
    if lock.try_lock().is_err() {
        // Another process takes one now, and the next one sweeps as well.
        return Ok(Vec::new());
    }
    let mut found = kept(own);
    found.sort_by_key(|one| std::cmp::Reverse(one.used));
    let mut stays: BTreeSet<PathBuf> = records::layers(own);
    let mut room = 0;
    for one in &found {
        if stays.contains(&one.name) {
            continue;
        }
        room += one.bytes;
        let is_old = one.used.elapsed().is_ok_and(|age| age > UNUSED);
        if !all && !is_old && room <= ROOM {
            stays.insert(one.name.clone());
        }
    }
    let below = found.iter().filter(|one| stays.contains(&one.name)).filter_map(|one| one.under.clone());
    stays.extend(below.collect::<Vec<_>>());
    remove_others(own, &stays)
}

fn kept(own: &Path) -> Vec<Kept> {
    let place = |key: &str| Path::new("bases").join(key);
    let bases = bases::all(own).into_iter().map(|(used, base)| Kept {
        name: place(&base.key),
        used,
        bytes: base.bytes(),
        under: base.under().map(place),
    });
    let setups = setups::all(own).into_iter().map(|(used, key, bytes)| Kept {
        name: Path::new("setups").join(key),
        used,
        bytes,
        under: None,
    });
    bases.chain(setups).collect()
}

/// Renames all but these into the trash, also what was half made when a process was killed.
fn remove_others(own: &Path, stays: &BTreeSet<PathBuf>) -> Result<Vec<PathBuf>> {
    let mut gone = Vec::new();
    for kind in ["bases", "setups"] {
        for entry in fs::read_dir(own.join(kind)).into_iter().flatten().flatten() {
            let name = Path::new(kind).join(entry.file_name());
            if stays.contains(&name) {
                continue;
            }
            let context = || format!("cannot remove {}", entry.path().display());
            if !entry.file_type().with_context(context)?.is_dir() {
                // A lock, which no process can hold now.
                fs::remove_file(entry.path()).with_context(context)?;
                continue;
            }
            fs::create_dir_all(own.join("trash")).context("cannot make the trash")?;
            let random = getrandom::u32().context("no random numbers")?;
            let to = own.join("trash").join(format!("{kind}-{random:08x}"));
            fs::rename(entry.path(), &to).with_context(context)?;
            gone.push(to);
        }
        // Only if it is empty.
        let _ = fs::remove_dir(own.join(kind));
    }
    Ok(gone)
}
