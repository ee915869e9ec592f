//! What a change comes to wherever it is made: the paths, and the lines that each has more and less.
//!
//! A clean rebase, squash or pick on a base that has moved on leaves that as it is. Each line is a number, and a
//! file the sum of its lines: the difference of two sums is that of the lines, whichever of two equal lines was
//! added, and costs no comparison. Sums can be made to agree on purpose, which only leads to a record that
//! is about something else, and is judged as such.

use super::Repo;
use crate::domain::error::Result;
use crate::gate::store::trees::{Changed, is_regular};
use gix::ObjectId;
use sha2::{Digest, Sha256};

/// Of how many paths the lines are read; of the others the path alone says what changes.
const PATHS: usize = 256;

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The gist of a change of these paths, sorted, to be hashed; `None` if a file is not here.
pub(super) fn of(repo: &Repo, changed: &[Changed]) -> Result<Option<Vec<u8>>> {
    let mut text = b"flow-ai change 1\n".to_vec();
    for (at, path) in changed.iter().enumerate() {
        text.extend_from_slice(&path.path);
        text.push(0);
        text.extend_from_slice(modes(path).as_bytes());
        let (mut sums, mut is_read) = ([0_u128; 2], at < PATHS);
        for (sum, entry) in sums.iter_mut().zip([path.old, path.new]) {
            let Some((mode, id)) = entry.filter(|_| is_read) else { continue };
            if !is_regular(mode) {
                *sum = number(id.as_bytes());
                continue;
            }
            match lines(repo, id)? {
                Lines::Sum(lines) => *sum = lines,
                Lines::TooMany => is_read = false,
                Lines::Absent => return Ok(None),
            }
        }
        if is_read {
            text.extend_from_slice(&sums[1].wrapping_sub(sums[0]).to_be_bytes());
        }
        text.push(0);
    }
    Ok(Some(text))
}

/// What becomes of a path: whether it was there and is there, and its mode where that changes.
fn modes(path: &Changed) -> String {
    match (path.old, path.new) {
        (Some((old, _)), Some((new, _))) if old == new => "M".to_owned(),
        (old, new) => {
            let mode = |entry: Option<(u32, ObjectId)>| entry.map_or(0, |(mode, _)| mode);
            format!("{:o} {:o}", mode(old), mode(new))
        }
    }
}

enum Lines {
    Sum(u128),
    TooMany,
    Absent,
}

fn lines(repo: &Repo, id: ObjectId) -> Result<Lines> {
    match repo.gix.try_find_header(id)? {
        None => return Ok(Lines::Absent),
        Some(header) if header.size() > LARGEST => return Ok(Lines::TooMany),
        Some(_) => {}
    }
    let blob = repo.gix.find_object(id)?;
    let lines = blob.data.split_inclusive(|byte| *byte == b'\n');
    Ok(Lines::Sum(lines.fold(0, |sum, line| sum.wrapping_add(number(&Sha256::digest(line))))))
}

/// The first bytes as a number.
fn number(bytes: &[u8]) -> u128 {
    bytes.iter().take(size_of::<u128>()).fold(0, |number, byte| (number << 8) | u128::from(*byte))
}
