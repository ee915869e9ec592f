//! What secrets look like: the rules of a secret scanner, and those of model vendors that it lacks.
//!
//! A rule's expression is compiled when one of its words is first met, so that a command that prints
//! nothing suspicious compiles none.

use super::{Evidence, FoundSecret};
use aho_corasick::AhoCorasick;
use nosecrets_rules::{Rule as ScannerRule, load_builtin_rules};
use regex::{Regex, RegexSet};
use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

/// SecretPatterns of our own: a name, what must be in the text in any case, and the expression, whose first group
/// is the secret.
const OWN: &[(&str, &str, &str)] = &[
    ("anthropic-key", "sk-ant-", r"\b(sk-ant-[A-Za-z0-9_-]{16,})"),
    ("openai-key", "sk-", r"\b(sk-[A-Za-z0-9_-]{20,})"),
    ("groq-key", "gsk_", r"\b(gsk_[A-Za-z0-9]{40,})\b"),
    ("xai-key", "xai-", r"\b(xai-[A-Za-z0-9]{40,})\b"),
    ("hugging-face-token", "hf_", r"\b(hf_[A-Za-z0-9]{30,})\b"),
    ("github-refresh-token", "ghr_", r"\b(ghr_[A-Za-z0-9]{36,})\b"),
    ("json-web-token", "eyj", r"\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"),
    ("bearer-token", "bearer", r"(?i)\bbearer\s+([A-Za-z0-9._~+/-]{20,}=*)"),
    ("api-key-header", "api-key", r#"(?i)\bx-(?:goog-)?api-key["']?\s*[:=]\s*["']?([A-Za-z0-9._-]{16,})"#),
    ("password-in-address", "://", r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/@"'<>$]{3,})@"#),
    (
        "private-key",
        "-----begin ",
        r"(-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:(?s:.*?)-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|[^\n]*(?:\n[A-Za-z0-9+/=]{16,})*))",
    ),
];

/// SecretPatterns that a word and a value make, whatever service it is of: the value must not look like a name.
const VAGUE: [&str; 4] = ["generic-api-key", "generic-secret", "openai-key", "bearer-token"];

struct SecretPattern {
    id: String,
    pattern: String,
    group: usize,
    shortest: usize,
    allowed: Vec<String>,
    compiled: OnceLock<Option<(Regex, RegexSet)>>,
}

struct SecretPatterns {
    all: Vec<SecretPattern>,
    /// Finds the words, each of which calls for the rule of its number.
    words: AhoCorasick,
    pattern_of: Vec<usize>,
}

static PATTERNS: LazyLock<Option<SecretPatterns>> = LazyLock::new(load);

fn load() -> Option<SecretPatterns> {
    let mut all: Vec<SecretPattern> = Vec::new();
    let (mut words, mut pattern_of) = (Vec::new(), Vec::new());
    for (id, word, pattern) in OWN {
        words.push((*word).to_owned());
        pattern_of.push(all.len());
        all.push(SecretPattern::new(id, pattern, 1, 0, Vec::new()));
    }
    for listed in load_builtin_rules().unwrap_or_default() {
        let ScannerRule { id, pattern, keywords, capture, validate, allow, .. } = listed;
        // It knows the first line of a key, and ours all of it.
        if id == "private-key" {
            continue;
        }
        pattern_of.extend(keywords.iter().map(|_| all.len()));
        words.extend(keywords);
        let shortest = validate.and_then(|validate| validate.length.or(validate.min_length));
        let allowed = allow.map(|allow| allow.patterns).unwrap_or_default();
        all.push(SecretPattern::new(&id, &pattern, capture, shortest.unwrap_or(0), allowed));
    }
    let words = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).ok()?;
    Some(SecretPatterns { all, words, pattern_of })
}

impl SecretPattern {
    fn new(id: &str, pattern: &str, group: usize, shortest: usize, allowed: Vec<String>) -> SecretPattern {
        let compiled = OnceLock::new();
        SecretPattern { id: id.to_owned(), pattern: pattern.to_owned(), group, shortest, allowed, compiled }
    }

    fn find(&self, shadow: &str, found: &mut Vec<FoundSecret>) {
        let compiled = self.compiled.get_or_init(|| {
            let allowed = RegexSet::new(self.allowed.iter().map(|pattern| format!("(?i){pattern}"))).ok()?;
            Some((Regex::new(&self.pattern).ok()?, allowed))
        });
        let Some((regex, allowed)) = compiled else { return };
        for secret in regex.captures_iter(shadow).filter_map(|captures| captures.get(self.group)) {
            let value = secret.as_str();
            let trimmed = value.trim();
            let is_vague = VAGUE.contains(&self.id.as_str());
            if trimmed.len() < self.shortest
                || allowed.is_match(trimmed)
                || (is_vague && looks_like_name(trimmed))
            {
                continue;
            }
            let start = secret.start() + (value.len() - value.trim_start().len());
            let at = start..start + trimmed.len();
            found.push(FoundSecret { at, name: self.id.clone(), evidence: Evidence::Pattern });
        }
    }
}

/// A name in code has no digits among its letters; a key without any is improbable.
fn looks_like_name(value: &str) -> bool {
    !value.bytes().any(|byte| byte.is_ascii_digit()) || !value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Where something is that looks like a secret.
pub fn find(text: &str) -> Vec<FoundSecret> {
    let Some(rules) = PATTERNS.as_ref() else { return Vec::new() };
    let mut called: Vec<usize> = Vec::new();
    for word in rules.words.find_overlapping_iter(text) {
        let rule = rules.pattern_of[word.pattern().as_usize()];
        if !called.contains(&rule) {
            called.push(rule);
        }
    }
    let mut found = Vec::new();
    if !called.is_empty() {
        let shadow = shadow(text);
        called.iter().for_each(|rule| rules.all[*rule].find(&shadow, &mut found));
    }
    found
}

/// The text as it is meant, at the same places: `\n` in JSON is no letter before a key, and `\"` is a
/// quotation mark. What escapes, however often, becomes spaces.
fn shadow(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut shadow = text.as_bytes().to_vec();
    let mut at = 0;
    while at < shadow.len() {
        if shadow[at] != b'\\' {
            at += 1;
            continue;
        }
        while at < shadow.len() && shadow[at] == b'\\' {
            shadow[at] = b' ';
            at += 1;
        }
        match shadow.get(at) {
            Some(b'n' | b'r' | b't' | b'b' | b'f') => shadow[at] = b' ',
            Some(b'u') if shadow[at..].len() > 4 && shadow[at + 1..at + 5].is_ascii() => {
                shadow[at..at + 5].fill(b' ')
            }
            _ => {}
        }
    }
    // Only ASCII was replaced, by ASCII.
    String::from_utf8(shadow).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::{PATTERNS, find, shadow};
    use regex::Regex;
    use std::time::{Duration, Instant};

    #[test]
    fn every_rule_compiles_and_has_its_group() {
        let rules = PATTERNS.as_ref().unwrap();
        assert!(rules.all.len() > 55, "{}", rules.all.len());
        for rule in &rules.all {
            assert!(Regex::new(&rule.pattern).unwrap().captures_len() > rule.group, "{}", rule.id);
            for allowed in &rule.allowed {
                Regex::new(allowed).unwrap();
            }
        }
    }

    #[test]
    fn a_shadow_has_everything_at_its_place() {
        for (text, expected) in [
            (r#"a\nb \"c\" é"#, r#"a  b  "c " é"#),
            (r"\\nx\u001bd", "   x      d"),
            (r"C:\new\", "C:  ew "),
            (r"\u12", " u12"),
        ] {
            assert_eq!(shadow(text), expected);
            assert_eq!(shadow(text).len(), text.len());
        }
    }

    #[test]
    fn a_long_line_takes_time_in_proportion_to_its_length() {
        let took = |times: usize| {
            let line = "{\"text\":\"the key and its secret token, password: none; \\n api_key render test\"}"
                .repeat(times);
            let begin = Instant::now();
            find(&line);
            begin.elapsed()
        };
        took(10);
        let (short, long) = (took(1_000), took(20_000));
        assert!(long < short * 100 + Duration::from_secs(2), "{short:?} {long:?}");
    }
}
