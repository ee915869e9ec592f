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
use std::collections::HashMap;

/// Of how many paths the lines are read; of the others the path alone says what changes.
const PATHS: usize = 256;

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// After how many lines no further change is read for one question, each counted as one and for its length: a
/// small pack can hold thousands of large versions.
const MOST: u64 = 4_000_000;

/// How many bytes take as long as a line does besides.
const LINE: u64 = 32;

/// The gists of several changes: what they have in common is read once, and no more than is bearable.
pub struct Gists<'a> {
    repo: &'a Repo,
    sums: HashMap<ObjectId, u128>,
    spent: u64,
}

impl<'a> Gists<'a> {
    /// One that has read nothing yet.
    pub fn new(repo: &'a Repo) -> Gists<'a> {
        Gists { repo, sums: HashMap::new(), spent: 0 }
    }

    /// The gist of a change of these paths, sorted, to be hashed; `None` if a file is not here, or too much was
    /// read for others.
    pub(super) fn of(&mut self, changed: &[Changed]) -> Result<Option<Vec<u8>>> {
        if self.spent > MOST {
            return Ok(None);
        }
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
                match self.lines(id)? {
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

    fn lines(&mut self, id: ObjectId) -> Result<Lines> {
        if let Some(known) = self.sums.get(&id) {
            return Ok(Lines::Sum(*known));
        }
        match self.repo.gix.try_find_header(id)?.map(|header| header.size()) {
            None => return Ok(Lines::Absent),
            Some(size) if size > LARGEST => return Ok(Lines::TooMany),
            Some(size) => self.spent += size / LINE,
        }
        let blob = self.repo.gix.find_object(id)?;
        let lines = blob.data.split_inclusive(|byte| *byte == b'\n');
        let mut sum = 0_u128;
        for line in lines {
            sum = sum.wrapping_add(number(&Sha256::digest(line)));
            self.spent += 1;
        }
        self.sums.insert(id, sum);
        Ok(Lines::Sum(sum))
    }
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

/// The first bytes as a number.
fn number(bytes: &[u8]) -> u128 {
    bytes.iter().take(size_of::<u128>()).fold(0, |number, byte| (number << 8) | u128::from(*byte))
}
