//! What the prose of a tool or an API means: a limit, a missing login, a refusal, a question.
//!
//! One table for agents and model APIs: the phrases that all share, and those of each preset. Only what
//! a tool says about itself is looked at, never what a model wrote.

use crate::domain::event::LimitKind;
use crate::domain::presets::{self, Phrases};
use regex::{RegexSet, RegexSetBuilder};
use std::sync::LazyLock;

/// The phrases that tools and the three APIs behind them share.
const SHARED: Phrases = Phrases {
    limits: &[
        (LimitKind::Spend, "credit balance"),
        (LimitKind::Spend, "insufficient_quota"),
        (LimitKind::Spend, "insufficient credits"),
        (LimitKind::Spend, "out of credits"),
        (LimitKind::Spend, "payment required"),
        (LimitKind::Quota, "usage limit"),
        // After anything but "rate": "Rate limit reached" is not a quota.
        (
            LimitKind::Quota,
            "(?:^|[^e _-]|(?:^|[^e])[ _-]|(?:(?:^|[^t])e|(?:^|[^a])te|(?:^|[^r])ate)[ _-]?)limit reached",
        ),
        (LimitKind::Quota, "quota"),
        (LimitKind::Quota, "resource[_ ]exhausted"),
        (LimitKind::Overloaded, "overloaded"),
        (LimitKind::Overloaded, "at capacity"),
        (LimitKind::Overloaded, r"(?:^|[^a-z0-9])529(?:[^a-z0-9]|$)"),
        (LimitKind::Requests, "rate[ _-]?limit"),
        (LimitKind::Requests, "too many requests"),
        (LimitKind::Requests, r"(?:^|[^a-z0-9])429(?:[^a-z0-9]|$)"),
    ],
    logins: &[
        "unauthorized",
        "unauthenticated",
        "authentication",
        "not logged in",
        "log in",
        "login required",
        "sign in",
        "(?:invalid|incorrect|no) api key",
        "invalid x-api-key",
        "api key not valid",
        "expired token",
        "token has expired",
        r"(?:^|[^a-z0-9])40[13](?:[^a-z0-9]|$)",
    ],
    refusals: &[
        "refusal",
        "refused to",
        "declined to",
        "unable to respond",
        "content[ _-]filter",
        "safety",
        "prohibited_content",
    ],
    questions: &[
        "open this url to",
        r"do you want to continue\? \[y",
        "do you trust the",
        "press enter to continue",
        r"[(\[]y/n[)\]]",
    ],
};

/// What says which limit it is, once it is known to be one.
const KINDS: &[(LimitKind, &str)] = &[
    (LimitKind::Spend, "billing"),
    (LimitKind::Spend, "spend(?:ing)? limit"),
    (LimitKind::Spend, "budget has been exceeded"),
    (LimitKind::Quota, "usage_limit"),
    (LimitKind::Quota, "per ?day"),
    (LimitKind::Overloaded, "over capacity"),
    (LimitKind::Tokens, "tokens[_ ]per"),
    (LimitKind::Tokens, "token rate"),
    (LimitKind::Tokens, "(?:in|out)put tokens"),
    (LimitKind::Tokens, r"\(tpm\)"),
];

/// The kinds by how long they last: of several in one message, the most lasting counts.
const LASTING: [LimitKind; 5] =
    [LimitKind::Spend, LimitKind::Quota, LimitKind::Overloaded, LimitKind::Tokens, LimitKind::Requests];

/// Phrases that prove a limit, and those that only say which.
struct Limits {
    proof: RegexSet,
    proves: Vec<LimitKind>,
    kind: RegexSet,
}

static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
    let all = tables().flat_map(|phrases| phrases.limits);
    let (proves, proof): (Vec<LimitKind>, Vec<&str>) = all.copied().unzip();
    Limits { proof: set(proof), proves, kind: set(KINDS.iter().map(|(_, phrase)| *phrase)) }
});
static LOGINS: LazyLock<RegexSet> = LazyLock::new(|| set(tables().flat_map(|phrases| phrases.logins)));
static REFUSALS: LazyLock<RegexSet> = LazyLock::new(|| set(tables().flat_map(|phrases| phrases.refusals)));
static QUESTIONS: LazyLock<RegexSet> = LazyLock::new(|| set(tables().flat_map(|phrases| phrases.questions)));

/// Which limit a fault is; `None` if it is not one.
pub fn limit(fault: &str) -> Option<LimitKind> {
    let proved: Vec<LimitKind> = LIMITS.proof.matches(fault).iter().map(|at| LIMITS.proves[at]).collect();
    if proved.is_empty() {
        return None;
    }
    let said: Vec<LimitKind> = LIMITS.kind.matches(fault).iter().map(|at| KINDS[at].0).collect();
    LASTING.into_iter().find(|kind| proved.contains(kind) || said.contains(kind))
}

/// Whether a fault is a limit that does not pass by waiting: the account has to be paid.
pub fn needs_payment(fault: &str) -> bool {
    LIMITS.proof.matches(fault).iter().any(|at| LIMITS.proves[at] == LimitKind::Spend)
}

/// Whether a fault is a login or key that is missing or refused.
pub fn is_login(fault: &str) -> bool {
    LOGINS.is_match(fault)
}

/// Whether a fault is the model's refusal.
pub fn is_refusal(fault: &str) -> bool {
    REFUSALS.is_match(fault)
}

/// Whether a line beside an event stream asks a person something, so that nothing more will come.
pub fn asks_person(line: &str) -> bool {
    QUESTIONS.is_match(line)
}

fn tables() -> impl Iterator<Item = &'static Phrases> {
    std::iter::once(&SHARED).chain(presets::ALL.iter().map(|preset| &preset.phrases))
}

fn set(phrases: impl IntoIterator<Item = impl AsRef<str>>) -> RegexSet {
    // A test compiles each of them.
    RegexSetBuilder::new(phrases).case_insensitive(true).build().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    #[test]
    fn every_phrase_is_an_expression() {
        let logins = tables().flat_map(|phrases| [phrases.logins, phrases.refusals, phrases.questions]);
        let kinds = tables().flat_map(|phrases| phrases.limits).chain(KINDS).map(|(_, phrase)| phrase);
        for phrase in logins.flatten().chain(kinds) {
            Regex::new(phrase).unwrap();
        }
    }

    #[test]
    fn a_limit_is_known_by_its_words() {
        use LimitKind::{Overloaded, Quota, Requests, Spend, Tokens};
        for (fault, expected) in [
            ("exceeded retry limit, last status: 429 Too Many Requests", Requests),
            ("Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000", Tokens),
            ("Claude AI usage limit reached|1795273200", Quota),
            ("You've hit your usage limit. Try again in 3 hours.", Quota),
            ("RESOURCE_EXHAUSTED: Quota exceeded for metric", Quota),
            ("Overloaded (status 529)", Overloaded),
            ("Your credit balance is too low to access the API", Spend),
            ("429 You exceeded your current quota (insufficient_quota)", Spend),
            ("Rate limit reached", Requests),
            ("rate_limit (status 200)", Requests),
            ("litellm.RateLimitError: slow down", Requests),
            ("5-hour limit reached", Quota),
            ("Limit reached", Quota),
            (r#"{"error":"limit reached"}"#, Quota),
            ("API Error:\nLimit reached for this model", Quota),
            ("(limit reached)", Quota),
            ("API Error:\n Limit reached", Quota),
            ("ate limit reached", Quota),
            ("rate-limit reached", Requests),
            ("RateLimit reached", Requests),
            ("usage: the limit reached", Quota),
            ("usagelimit reached", Quota),
            ("API Error:\nRate limit reached", Requests),
            ("You've hit your limit", Quota),
            ("session limit", Quota),
            ("weekly limit", Quota),
            ("resource exhausted", Quota),
            ("429: 1000 requests per day", Quota),
            ("429 RequestsPerDay", Quota),
            ("429 usage_limit", Quota),
            ("the model is at capacity", Overloaded),
            ("429: over capacity", Overloaded),
            ("HTTP 529", Overloaded),
            ("rate limit: input tokens", Tokens),
            ("rate limit: output tokens", Tokens),
            ("rate limit: token rate", Tokens),
            ("rate limit: tokens_per_minute", Tokens),
            ("insufficient credits", Spend),
            ("out of credits", Spend),
            ("402 payment required", Spend),
            ("429: see billing", Spend),
            ("429: spending limit", Spend),
            ("429: spend limit", Spend),
            ("429: budget has been exceeded", Spend),
        ] {
            assert_eq!(limit(fault), Some(expected), "{fault}");
        }
        for other in ["line 14290 is too long", "see billing", "exceeded retry limit", "4290", "a429"] {
            assert_eq!(limit(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_proves_a_lack_of_money_needs_payment() {
        assert!(needs_payment(r#"{"error":{"code":"insufficient_quota"}}"#));
        assert!(!needs_payment("You exceeded your quota, check your billing details. Retry in 28s."));
    }

    #[test]
    fn a_login_is_known_by_its_words() {
        for fault in [
            "unexpected status 401 Unauthorized",
            "403",
            "Unauthenticated",
            "litellm.AuthenticationError",
            "you are not logged in",
            "Please run /login",
            "please log in",
            "login required",
            "sign in first",
            "Invalid API key",
            "invalid x-api-key",
            "Incorrect API key provided",
            "API key not valid",
            "no API key",
            "Invalid auth method selected.",
            "Please set an auth method",
            "expired token",
            "the token has expired",
        ] {
            assert!(is_login(fault), "{fault}");
        }
        assert!(!is_login("4013 files") && !is_login("all is well"));
    }

    #[test]
    fn a_refusal_is_known_by_its_words() {
        for fault in [
            "stop reason: refusal",
            "it refused to",
            "it declined to",
            "unable to respond to this",
            "content filter",
            "content_filter",
            "the content-filter",
            "it violates our Usage Policy",
            "SAFETY",
            "PROHIBITED_CONTENT",
        ] {
            assert!(is_refusal(fault), "{fault}");
        }
        assert!(!is_refusal("connection refused"));
    }

    #[test]
    fn a_question_is_known_by_its_words() {
        for line in [
            "Invalid API key · Please run /login",
            "Please visit the following URL to authorize: https://x",
            "Enter the authorization code:",
            "Open this URL to continue",
            "Opening authentication page in your browser",
            "Waiting for authentication...",
            "Do you want to continue? [Y/n]",
            "Do you trust the files in this folder?",
            "Press Enter to continue",
            "Overwrite? (y/N)",
            "Overwrite? [y/n]",
            "use a web browser to open the page https://x",
            "and enter the code ABCD",
        ] {
            assert!(asks_person(line), "{line}");
        }
        assert!(!asks_person("Do it (yes or no)"));
    }
}
