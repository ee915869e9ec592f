//! Limits that a model's provider sets: which kind, and when it passes, read from what a tool says.
//!
//! Each tool tells it in its own prose: seconds, a time of day, a date, a Unix time. A time of day
//! without a zone is the person's, as the tools mean it; one that has passed today is tomorrow's.

use super::fault;
use super::observed::short;
use crate::domain::event::LimitKind;
use jiff::civil::{DateTime, Time};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// A limit that an agent met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What kind it is.
    pub kind: LimitKind,
    /// After how many seconds it passes; none where nothing tells.
    pub seconds: Option<u64>,
    /// What the tool said, on one line.
    pub why: String,
}

impl Limit {
    /// The limit that a fault tells of.
    pub fn of(fault: &str) -> Limit {
        Limit { kind: kind(fault), seconds: seconds(fault), why: short(fault) }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.why)?;
        match self.seconds {
            Some(seconds) => write!(f, " (for {seconds} s more)"),
            None => Ok(()),
        }
    }
}

/// What kind of limit it is. The words of the most lasting kind win.
pub fn kind(fault: &str) -> LimitKind {
    const KINDS: &[(LimitKind, &[&str])] = &[
        (
            LimitKind::Spend,
            &[
                "credit balance",
                "insufficient_quota",
                "insufficient credits",
                "billing",
                "spending limit",
                "spend limit",
                "budget has been exceeded",
                "payment required",
                "out of credits",
            ],
        ),
        (
            LimitKind::Quota,
            &[
                "usage limit",
                "usage_limit",
                "session limit",
                "weekly limit",
                "hour limit",
                "hit your limit",
                "limit reached",
                "quota",
                "per day",
                "requestsperday",
                "resource_exhausted",
                "resource exhausted",
            ],
        ),
        (LimitKind::Overloaded, &["overloaded", "529", "at capacity", "over capacity"]),
        (
            LimitKind::Tokens,
            &["tokens per min", "token rate", "input tokens", "output tokens", "(tpm)", "tokens_per"],
        ),
    ];
    // "Rate limit reached" is no quota.
    let fault = fault.to_lowercase().replace("rate limit", "");
    let found = KINDS.iter().find(|(_, phrases)| phrases.iter().any(|phrase| fault.contains(phrase)));
    found.map_or(LimitKind::Requests, |(kind, _)| *kind)
}

/// After how many seconds a fault says that the limit passes.
pub fn seconds(fault: &str) -> Option<u64> {
    fault::wait_seconds(fault).or_else(|| until(fault, &Zoned::now()))
}

/// The seconds from now until the moment that a fault names.
fn until(fault: &str, now: &Zoned) -> Option<u64> {
    let moment = epoch(fault).or_else(|| full_time(fault)).or_else(|| time_of_day(fault, now))?;
    let left = moment.duration_since(now.timestamp()).max(SignedDuration::ZERO);
    // One second more, so that nobody comes back within the last one.
    u64::try_from(left.as_secs()).ok().map(|seconds| seconds + 1)
}

/// `usage limit reached|1763740800`, `"resets_at":1763740800`, `x-ratelimit-reset: 1763740800000`.
fn epoch(fault: &str) -> Option<Timestamp> {
    let digits = fault.split(|c: char| !c.is_ascii_digit()).find(|word| matches!(word.len(), 10 | 13))?;
    let number: i64 = digits.parse().ok()?;
    let seconds = if digits.len() == 13 { number / 1000 } else { number };
    // Within the years 2020 to 2100; other long numbers are no times.
    (1_577_836_800..4_102_444_800).contains(&seconds).then(|| Timestamp::from_second(seconds).ok())?
}

/// `2026-11-21T15:00:00Z`, `2026-11-21 15:00 UTC`, `Nov 22nd, 2026 3:45 PM`.
fn full_time(fault: &str) -> Option<Timestamp> {
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
                let zone = zone(four.get(rest..).unwrap_or_default());
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

/// `resets at 3pm (Europe/Berlin)`, `reset at 15:00 UTC`, `try again at 3:45 PM`.
fn time_of_day(fault: &str, now: &Zoned) -> Option<Timestamp> {
    const BEFORE: &[&str] =
        &["resets at ", "reset at ", "resets ", "again at ", "available at ", "retry at ", "until "];
    // The case of what follows matters for the zone's name; ASCII lower case keeps all places.
    let lower = fault.to_ascii_lowercase();
    let rest = BEFORE.iter().find_map(|phrase| {
        let begin = lower.find(phrase)? + phrase.len();
        fault.get(begin..)
    })?;
    let (time, rest) = clock(rest.trim_start())?;
    let zone = if rest.trim().is_empty() { now.time_zone().clone() } else { zone_or(rest, now.time_zone()) };
    let here = now.with_time_zone(zone.clone());
    let today = DateTime::from_parts(here.date(), time).to_zoned(zone).ok()?;
    let next = if today.timestamp() <= now.timestamp() { today.checked_add(1.day()).ok()? } else { today };
    Some(next.timestamp())
}

/// A time of day that a text begins with, and what follows it.
fn clock(text: &str) -> Option<(Time, &str)> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let end = digits(text);
    let mut hour: i8 = text.get(..end).filter(|word| matches!(word.len(), 1 | 2))?.parse().ok()?;
    let mut rest = &text[end..];
    let mut minute = None;
    if let Some(more) = rest.strip_prefix(':') {
        let end = digits(more);
        minute = Some(more[..end].parse::<i8>().ok()?);
        rest = &more[end..];
    }
    let after = rest.trim_start();
    let half = after.get(..2).map(str::to_ascii_lowercase);
    match half.as_deref() {
        Some("am") => hour %= 12,
        Some("pm") => hour = hour % 12 + 12,
        // A number alone is no time.
        _ => minute.map(drop)?,
    }
    let rest = if matches!(half.as_deref(), Some("am" | "pm")) { &after[2..] } else { rest };
    Some((Time::new(hour, minute.unwrap_or(0), 0, 0).ok()?, rest))
}

/// The zone that a text begins with; the person's own where it names none.
fn zone(text: &str) -> TimeZone {
    zone_or(text, &TimeZone::system())
}

fn zone_or(text: &str, own: &TimeZone) -> TimeZone {
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
    fn a_limit_is_known_by_its_words() {
        for (fault, expected) in [
            ("exceeded retry limit, last status: 429 Too Many Requests", LimitKind::Requests),
            ("Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000", LimitKind::Tokens),
            ("Claude AI usage limit reached|1795273200", LimitKind::Quota),
            ("You've hit your usage limit. Try again in 3 hours.", LimitKind::Quota),
            ("RESOURCE_EXHAUSTED: Quota exceeded for metric", LimitKind::Quota),
            ("Overloaded (status 529)", LimitKind::Overloaded),
            ("Your credit balance is too low to access the API", LimitKind::Spend),
            ("429 You exceeded your current quota (insufficient_quota)", LimitKind::Spend),
        ] {
            assert_eq!(kind(fault), expected, "{fault}");
        }
    }
}
