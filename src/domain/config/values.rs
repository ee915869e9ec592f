//! Values that TOML's types do not describe: durations, numbers that cannot be zero.
//!
//! Checked while the file is read, so that the message shows line and caret.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// Reads "30m", "1h 30m", "45s".
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let span: jiff::SignedDuration = text.parse().map_err(|_| {
        D::Error::custom(format!("`{text}` is no duration: write for example \"30m\" or \"1h 30m\""))
    })?;
    match Duration::try_from(span) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(D::Error::custom("a duration must be longer than nothing")),
    }
}

/// The same where it may be left out.
pub fn some_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

/// Reads a count that makes no sense below one, where it may be left out.
pub fn some_count<'de, D: Deserializer<'de>, T: TryFrom<u64>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    at_least_one(deserializer).map(Some)
}

/// Reads a count that makes no sense below one.
pub fn at_least_one<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<T, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let positive = u64::try_from(number).ok().filter(|&number| number > 0);
    let number = positive.ok_or_else(|| D::Error::custom(format!("must be at least 1, not {number}")))?;
    T::try_from(number).map_err(|_| D::Error::custom(format!("{number} is too large")))
}
