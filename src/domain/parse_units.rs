//! Units as users write them: durations, sizes, money, counts that cannot be zero.
//!
//! The deserializers check a value while its file is read, so that the message shows line and caret.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// A gigabyte, in bytes.
pub const GB: u64 = 1_000_000_000;

/// Reads "30m", "1h 30m", "45s"; `None` if it is not a duration or is zero.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok().filter(|duration| !duration.is_zero())
}

/// Reads "14d", "2 weeks", "0s": days and weeks of 24 hours each are allowed here.
pub fn parse_age(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.parse().ok()?;
    Duration::try_from(span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?).ok()
}

/// Reads `5GB`, `1.5GB`, `500MB`, `0B`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &lower[number.len()..] {
        "b" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => GB,
        "tb" => 1000 * GB,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.is_empty() || text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    let thousandths: u64 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(thousandths * unit / 1000)
}

/// Reads a positive amount of dollars.
pub fn parse_money(text: &str) -> Option<f64> {
    text.parse().ok().filter(|cost| is_money(*cost))
}

fn is_money(cost: f64) -> bool {
    cost.is_finite() && cost > 0.0
}

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

/// Reads a positive amount of dollars, where it may be left out.
pub fn some_money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let cost = f64::deserialize(deserializer)?;
    if is_money(cost) {
        Ok(Some(cost))
    } else {
        Err(D::Error::custom("must be more than nothing, in dollars"))
    }
}

/// Writes a duration as a number of seconds.
pub fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}

/// The same where there may be none.
pub fn some_seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs()).serialize(serializer)
}
