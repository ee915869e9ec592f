//! What the words of a tool betray: a limit, a missing login, a refusal.
//!
//! Tools tell faults in prose, and each in its own. These are the phrases of the eight that we know
//! and of the three APIs behind them. Only what a tool says about itself is looked at, never what a
//! model wrote.

/// Whether a fault is a limit that will pass.
pub fn is_limit(fault: &str) -> bool {
    const PHRASES: &[&str] = &[
        "rate limit",
        "rate_limit",
        "ratelimit",
        "too many requests",
        "usage limit",
        "limit reached",
        "quota",
        "resource_exhausted",
        "resource exhausted",
        "overloaded",
        "hit your limit",
        "session limit",
        "hour limit",
        "weekly limit",
        "credit balance",
        "insufficient credits",
        "out of credits",
        "payment required",
        "at capacity",
    ];
    holds(fault, PHRASES) || has_status(fault, "429") || has_status(fault, "529")
}

/// Whether a fault is a login or key that is missing or refused.
pub fn is_login(fault: &str) -> bool {
    const PHRASES: &[&str] = &[
        "unauthorized",
        "unauthenticated",
        "authentication",
        "not logged in",
        "/login",
        "log in",
        "login required",
        "sign in",
        "invalid api key",
        "invalid x-api-key",
        "incorrect api key",
        "api key not valid",
        "no api key",
        "invalid auth method",
        "set an auth method",
        "expired token",
        "token has expired",
    ];
    holds(fault, PHRASES) || has_status(fault, "401") || has_status(fault, "403")
}

/// Whether a fault is the model's refusal.
pub fn is_refusal(fault: &str) -> bool {
    const PHRASES: &[&str] = &[
        "refusal",
        "refused to",
        "declined to",
        "unable to respond",
        "content filter",
        "content_filter",
        "content-filter",
        "usage policy",
        "safety",
        "prohibited_content",
    ];
    holds(fault, PHRASES)
}

/// The seconds after which a fault says that one may try again.
pub fn wait_seconds(fault: &str) -> Option<u64> {
    const BEFORE: &[&str] = &[
        "try again in ",
        "retry in ",
        "retry after ",
        "retrying in ",
        "reset after ",
        "resets in ",
        "retry-after: ",
    ];
    let fault = fault.to_lowercase();
    let rest = BEFORE.iter().find_map(|phrase| fault.split_once(phrase)).map(|(_, rest)| rest)?;
    let mut seconds = None;
    let mut rest = rest.trim_start();
    // "1h12m3s", "28.5s", "5 minutes 2 seconds", "30"
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..digits].trim_end_matches('.').parse::<f64>() else { break };
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let factor = match &rest[..letters] {
            "ms" | "milliseconds" => 0.001,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => 1.0,
        };
        seconds = Some(seconds.unwrap_or(0.0) + number * factor);
        rest = rest[letters..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    // Negative and infinite times cannot be written with digits and dots alone.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    seconds.map(|seconds| seconds.ceil() as u64)
}

fn holds(text: &str, phrases: &[&str]) -> bool {
    let text = text.to_lowercase();
    phrases.iter().any(|phrase| text.contains(phrase))
}

/// Whether that status stands there as a number of its own.
fn has_status(text: &str, status: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_read_in_every_wording() {
        for (fault, seconds) in [
            ("Rate limit reached. Please try again in 28.5s.", Some(29)),
            ("Please retry in 1m30s", Some(90)),
            ("quota will reset after 1h2m3s.", Some(3723)),
            ("Try again in 5 minutes and 2 seconds", Some(302)),
            ("try again in 350ms", Some(1)),
            ("retry after 7", Some(7)),
            ("try again in a while", None),
            ("exceeded retry limit", None),
        ] {
            assert_eq!(wait_seconds(fault), seconds, "{fault}");
        }
    }

    #[test]
    fn a_status_is_a_number_of_its_own() {
        assert!(is_limit("exceeded retry limit, last status: 429 Too Many Requests"));
        assert!(is_limit("HTTP 429"));
        assert!(!is_limit("line 14290 is too long"));
        assert!(is_login("unexpected status 401 Unauthorized"));
        assert!(!is_login("4013 files"));
    }
}
