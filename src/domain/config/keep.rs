//! `keep = "14d 5GB"`: how long what was removed can be got back, and how much disk it may take.
//!
//! One text for both, so that it can be said in the same words in `git config flow-ai.keep`. Either part
//! may be left out; it is the default then.

use crate::domain::parse_units::{GB, parse_age, parse_bytes};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::str::FromStr;
use std::time::Duration;

/// How long, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// What is older goes.
    pub age: Duration,
    /// Beyond so many bytes the oldest goes: of the trash, and likewise of journals with transcripts.
    pub bytes: u64,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep { age: Duration::from_secs(14 * 24 * 60 * 60), bytes: 5 * GB }
    }
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Keep, String> {
        let wrong = || format!("`{text}` says neither how long nor how much: write for example \"14d 5GB\"");
        let (sizes, times): (Vec<&str>, Vec<&str>) = text
            .split([' ', ',', '\t'])
            .filter(|word| !word.is_empty())
            .partition(|word| word.to_ascii_lowercase().ends_with('b'));
        let mut keep = Keep::default();
        match sizes.as_slice() {
            [] if times.is_empty() => return Err(wrong()),
            [] => {}
            [size] => keep.bytes = parse_bytes(size).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        }
        if !times.is_empty() {
            keep.age = parse_age(&times.join(" ")).ok_or_else(wrong)?;
        }
        Ok(keep)
    }
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Keep, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Keep;
    use crate::domain::parse_units::GB;
    use std::time::Duration;

    #[test]
    fn age_and_size_are_said_in_one_text_and_each_alone() {
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        let read = |text: &str| text.parse::<Keep>();
        assert_eq!(read("14d 5GB"), Ok(Keep::default()));
        assert_eq!(read("30d"), Ok(Keep { age: days(30), bytes: 5 * GB }));
        assert_eq!(read("1.5GB, 2 weeks"), Ok(Keep { age: days(14), bytes: GB + GB / 2 }));
        assert_eq!(read("0b 0s"), Ok(Keep { age: Duration::ZERO, bytes: 0 }));
        assert_eq!(read("1w 500mb"), Ok(Keep { age: days(7), bytes: GB / 2 }));
        for wrong in ["", "  ", "often", "5GB 6GB", "-3d", "5 GB", "1.GBB", ".5GB", "99999999999TB", "14"] {
            assert!(read(wrong).is_err(), "{wrong}: {:?}", read(wrong));
        }
    }
}
