//! When a limit passes, read from what a tool or an API says.
//!
//! Each says it in its own prose: seconds, a time of day, a date, a Unix time. A time of day without a
//! zone is the user's, as the tools mean it; one that has passed today is tomorrow's.

use jiff::civil::{DateTime, Time};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use regex::Regex;
use std::sync::LazyLock;

/// `try again in 1h12m3s`, `retry after 7`, `resets in 5 minutes and 2 seconds`.
static WAIT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:(?:try again|retry|retrying|resets) in|(?:retry|reset) after|retry-after:)\s+((?:\d[\d.]*\s*[a-z]*[\s,]*(?:and\s+)?)+)",
    )
    .ok()
});

/// A number and its unit.
static UNIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\d+(?:\.\d+)?)\.?\s*([A-Za-z]*)").ok());

/// `resets at 3pm (Europe/Berlin)`, `reset at 15:00 UTC`, `try again at 3:45 PM`.
static CLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:resets at|reset at|resets|again at|available at|retry at|until)\s+(\d{1,2})(?::(\d{1,2}))?\s*([ap]m)?(.*)",
    )
    .ok()
});

/// The seconds after which a fault says that one may try again.
pub fn seconds(fault: &str, now: &Zoned) -> Option<u64> {
    wait(fault).or_else(|| until(fault, now))
}

fn wait(fault: &str) -> Option<u64> {
    let (all, unit) = (WAIT.as_ref()?.captures(fault)?, UNIT.as_ref()?);
    let seconds = unit.captures_iter(all.get(1)?.as_str()).map(|part| {
        let number: f64 = part[1].parse().unwrap_or_default();
        number
            * match part[2].to_lowercase().as_str() {
                "ms" | "milliseconds" => 0.001,
                "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
                "h" | "hour" | "hours" => 3600.0,
                "d" | "day" | "days" => 86_400.0,
                _ => 1.0,
            }
    });
    // Negative and infinite times cannot be written with digits and dots alone.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    Some(seconds.sum::<f64>().ceil() as u64)
}

/// The seconds from now until the moment that a fault names.
fn until(fault: &str, now: &Zoned) -> Option<u64> {
    let moment = epoch(fault).or_else(|| full_time(fault, now)).or_else(|| time_of_day(fault, now))?;
    let left = moment.duration_since(now.timestamp()).max(SignedDuration::ZERO);
    // One second more, so that none comes back within the last one.
    u64::try_from(left.as_secs()).ok().map(|seconds| seconds + 1)
}

/// `usage limit reached|1763740800`, `"resets_at":1763740800`, `x-ratelimit-reset: 1763740800000`.
fn epoch(fault: &str) -> Option<Timestamp> {
    let digits = fault.split(|c: char| !c.is_ascii_digit()).find(|word| matches!(word.len(), 10 | 13))?;
    let number: i64 = digits.parse().ok()?;
    let seconds = if digits.len() == 13 { number / 1000 } else { number };
    // Within the years 2020 to 2100; other long numbers are not times.
    (1_577_836_800..4_102_444_800).contains(&seconds).then(|| Timestamp::from_second(seconds).ok())?
}

/// `2026-11-21T15:00:00Z`, `2026-11-21 15:00 UTC`, `Nov 22nd, 2026 3:45 PM`.
fn full_time(fault: &str, now: &Zoned) -> Option<Timestamp> {
    let words: Vec<&str> = fault
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | ')'))
        .filter(|word| !word.is_empty())
        .collect();
    for (place, word) in words.iter().enumerate() {
        let word = word.trim_end_matches(['.', ',']);
        if let Ok(moment) = word.parse::<Timestamp>() {
            return Some(moment);
        }
        let four = words[place..words.len().min(place + 5)].join(" ");
        let four = without_ordinals(&four);
        for format in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p"] {
            if let Ok((time, rest)) = strtime::BrokenDownTime::parse_prefix(format, &four)
                && let Ok(local) = time.to_datetime()
            {
                let zone = zone(four.get(rest..).unwrap_or_default(), now.time_zone());
                return local.to_zoned(zone).ok().map(|moment| moment.timestamp());
            }
        }
    }
    None
}

/// `Nov 22nd, 2026` as `Nov 22, 2026`.
fn without_ordinals(text: &str) -> String {
    let mut text = text.to_owned();
    for digit in '0'..='9' {
        for ending in ["st", "nd", "rd", "th"] {
            text = text.replace(&format!("{digit}{ending},"), &format!("{digit},"));
        }
    }
    text
}

fn time_of_day(fault: &str, now: &Zoned) -> Option<Timestamp> {
    let (time, rest) = CLOCK.as_ref()?.captures_iter(fault).find_map(|found| {
        let mut hour: i8 = found[1].parse().ok()?;
        let minute = found.get(2).map(|minute| minute.as_str().parse::<i8>()).transpose().ok()?;
        match found.get(3).map(|half| half.as_str().to_lowercase()).as_deref() {
            Some("am") => hour %= 12,
            Some(_) => hour = hour % 12 + 12,
            // A number alone is not a time.
            None => minute.map(drop)?,
        }
        Some((
            Time::new(hour, minute.unwrap_or(0), 0, 0).ok()?,
            found.get(4).map_or("", |rest| rest.as_str()),
        ))
    })?;
    let zone = zone(rest, now.time_zone());
    let here = now.with_time_zone(zone.clone());
    let today = DateTime::from_parts(here.date(), time).to_zoned(zone).ok()?;
    let next = if today.timestamp() <= now.timestamp() { today.checked_add(1.day()).ok()? } else { today };
    Some(next.timestamp())
}

/// The zone that a text begins with; the user's own if it names none.
fn zone(text: &str, own: &TimeZone) -> TimeZone {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-');
    let text = text.trim_start_matches(|c: char| !is_part(c));
    let name = text.get(..text.find(|c| !is_part(c)).unwrap_or(text.len())).unwrap_or_default();
    match name {
        "UTC" | "GMT" | "Z" => TimeZone::UTC,
        name if name.contains('/') => TimeZone::get(name).unwrap_or_else(|_| own.clone()),
        _ => own.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_is_read_in_every_wording() {
        let now: Zoned = "2026-11-21T14:00:00+00:00[UTC]".parse().unwrap();
        let hour = Some(3601);
        for (fault, left) in [
            ("Claude AI usage limit reached|1795273200", hour),
            (r#"{"resets_at": 1795273200000}"#, hour),
            ("limit, resets at 2026-11-21T15:00:00Z.", hour),
            ("limit will reset at 2026-11-21 15:00 UTC", hour),
            ("Try again at Nov 21st, 2026 3:00 PM.", hour),
            ("5-hour limit reached ∙ resets 3pm", hour),
            ("You've hit your limit · resets 4pm (Europe/Berlin)", hour),
            ("Your limit will reset at 10am (America/New_York).", hour),
            ("try again at 3:00 PM", hour),
            ("resets at 15:00 UTC", hour),
            ("resets at 1pm", Some(23 * 3600 + 1)),
            ("resets 12am", Some(10 * 3600 + 1)),
            ("resets soon", None),
            ("resets at 15", None),
            ("request id 12345678901 failed", None),
            ("exceeded retry limit, last status: 429 Too Many Requests", None),
        ] {
            assert_eq!(until(fault, &now), left, "{fault}");
        }
    }

    #[test]
    fn the_wait_is_read_in_every_wording() {
        for (fault, seconds) in [
            ("Rate limit reached. Please try again in 28.5s.", Some(29)),
            ("Please retry in 1m30s", Some(90)),
            ("quota will reset after 1h2m3s.", Some(3723)),
            ("Try again in 5 minutes and 2 seconds", Some(302)),
            ("Try again in 3 hours 2 minutes.", Some(10_920)),
            ("Retrying in 0.2 seconds...", Some(1)),
            ("resets in 1 day, 2 hours", Some(93_600)),
            ("Retry-After: 30", Some(30)),
            ("try again in 350ms", Some(1)),
            ("retry after 7", Some(7)),
            ("try again in a while", None),
            ("exceeded retry limit", None),
        ] {
            assert_eq!(wait(fault), seconds, "{fault}");
        }
    }
}
