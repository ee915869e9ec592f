//! A new checkout made a moment older, so that git need not read its files again.
//!
//! git compares times by the second, and reads a file again that is not older than its index: it may have been changed
//! in the same second ("racy git", `Documentation/technical/racy-git.txt`). A checkout is often made in one second, and
//! would be read as a whole by each command on it.

use crate::domain::error::Result;
use crate::gate::store::{CheckoutIndex, IndexedKind, Remembered};
use gix::hash::Kind;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

/// How much older, in seconds.
const AGE: u32 = 2;

/// How large an index is, in bytes, whose files are worth it: to read about a thousand takes longer than to wait.
const WORTH_IT: u64 = 100 << 10;

/// How far behind the clock the times of a file system may be, in nanoseconds.
const TICK: u64 = 20_000_000;

/// Makes the files of that folder older which the index says were just written, and the index know it. Nobody may
/// change them before it returns.
pub(super) fn age(index: &Path, folder: &Path, format: Kind) -> Result<()> {
    if !is_worth_it(index)? {
        return Ok(());
    }
    let mut known = CheckoutIndex::read(index, format)?;
    known.renew(|path, kind, known| Some(aged(&folder.join(super::scan::as_path(path)), kind, known)));
    known.write(index)?;
    wait_for_next_second();
    Ok(())
}

/// Whether the files of that index are so many that it pays to make them older.
pub(super) fn is_worth_it(index: &Path) -> Result<bool> {
    Ok(index.metadata()?.len() > WORTH_IT)
}

/// Gives a file that time: seconds since 1970, and nanoseconds.
pub(super) fn date(path: &Path, (seconds, nanoseconds): (u32, u32)) -> Result<()> {
    let time = Timespec { tv_sec: seconds.into(), tv_nsec: nanoseconds.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Waits until this second is over: what is changed later has another time of change by git's clock, whatever its
/// times are set to.
pub(super) fn wait_for_next_second() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    thread::sleep(Duration::from_nanos(1_000_000_000 - u64::from(now.subsec_nanos()) + TICK));
}

/// What to remember of a file: as it is once it is older, or as it was if it cannot be made so.
fn aged(path: &Path, kind: IndexedKind, known: Remembered) -> Remembered {
    let (seconds, nanoseconds) = known.written();
    let is_as_written = || Remembered::of(path).is_ok_and(|now| now.is(&known));
    if kind == IndexedKind::Submodule || !is_as_written() {
        return known;
    }
    let dated = date(path, (seconds.saturating_sub(AGE), nanoseconds));
    dated.and_then(|()| Remembered::of(path)).unwrap_or(known)
}
