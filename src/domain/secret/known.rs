//! Secrets by their values, in each form in which they are usually written.

use super::{Evidence, FoundSecret};
use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;

/// The shortest value that is looked for, in bytes: a shorter one is found everywhere.
const SHORTEST: usize = 8;

/// The shortest that may be a plain word, in bytes.
const SHORTEST_WORD: usize = 12;

/// Secrets by their values.
#[derive(Default)]
pub struct KnownSecrets {
    /// What each form of a secret is called, and how it is known.
    forms: BTreeMap<Vec<u8>, (String, Evidence)>,
    /// Finds them; `None` before the first search since the last was learned.
    search: Option<AhoCorasick>,
}

impl KnownSecrets {
    pub const fn new() -> KnownSecrets {
        KnownSecrets { forms: BTreeMap::new(), search: None }
    }

    /// Remembers a key that we use, and what to call it. One that is too short to be told from other text
    /// is not looked for.
    pub fn learn(&mut self, name: &str, value: &str) {
        self.remember(name, value, Evidence::Key);
    }

    /// Remembers the variables whose name says that they hold a secret. Those by which agents and APIs
    /// have their keys hold keys.
    pub fn learn_variables(&mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) {
        for (name, value) in variables {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
                && is_secret_name(name)
                && may_be_secret(value)
            {
                let evidence = if name.ends_with("_API_KEY") { Evidence::Key } else { Evidence::Variable };
                self.remember(name, value, evidence);
            }
        }
    }

    fn remember(&mut self, name: &str, value: &str, evidence: Evidence) {
        let value = value.trim();
        if value.len() < SHORTEST {
            return;
        }
        for form in forms(value) {
            let (_, known) = self.forms.entry(form).or_insert_with(|| (name.to_owned(), evidence));
            *known = evidence.min(*known);
            self.search = None;
        }
    }

    pub fn find(&mut self, text: &str) -> Vec<FoundSecret> {
        if self.search.is_none() && !self.forms.is_empty() {
            let build =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(self.forms.keys());
            self.search = build.ok();
        }
        let names: Vec<&(String, Evidence)> = self.forms.values().collect();
        let matches = self.search.iter().flat_map(|search| search.find_iter(text));
        let found = matches.filter_map(|found| {
            let (name, evidence) = (*names.get(found.pattern().as_usize())?).clone();
            Some(FoundSecret { at: found.range(), name, evidence })
        });
        found.collect()
    }
}

/// Whether a variable of that name usually holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 13] = [
        "KEY",
        "APIKEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "PASS",
        "PWD",
        "PAT",
        "CREDENTIAL",
        "CREDENTIALS",
        "AUTH",
    ];
    let name = name.to_ascii_uppercase();
    // The shell's own.
    name != "PWD" && name != "OLDPWD" && name.split(['_', '-', '.']).any(|word| WORDS.contains(&word))
}

/// Whether a value is one: not a path to it, and no word of everyday language.
fn may_be_secret(value: &str) -> bool {
    let is_word = value.bytes().all(|byte| byte.is_ascii_lowercase());
    !value.starts_with(['/', '~', '.']) && (value.len() >= SHORTEST_WORD || !is_word)
}

/// A secret as it is, in JSON, in an address, and in base64 wherever it begins in what is encoded.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    if let Ok(json) = serde_json::to_string(value) {
        let inner = json.trim_start_matches('"');
        forms.push(inner.strip_suffix('"').unwrap_or(inner).as_bytes().to_vec());
    }
    for is_strict in [false, true] {
        let mut address = String::new();
        for byte in value.bytes() {
            let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if is_plain || (!is_strict && b"!*'()".contains(&byte)) {
                address.push(byte.into());
            } else {
                // Writing to a string cannot fail.
                let _ = write!(address, "%{byte:02X}");
            }
        }
        forms.push(address.into_bytes());
    }
    for shift in 0..3 {
        let shifted = [&b"\0\0"[..shift], value.as_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            // The characters at both ends hold bits of what stands before and after.
            let coded = engine.encode(&shifted);
            let first = (shift * 8).div_ceil(6);
            let last = shifted.len() * 8 / 6;
            forms.extend(coded.get(first..last).map(|form| form.as_bytes().to_vec()));
        }
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

#[cfg(test)]
mod tests {
    use super::{is_secret_name, may_be_secret};

    #[test]
    fn names_and_values_tell_secrets_from_the_rest() {
        for name in ["OPENAI_API_KEY", "GH_TOKEN", "db_password", "MY_PAT", "AWS_SECRET_ACCESS_KEY"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PWD", "OLDPWD", "PATH", "KEYBOARD", "MONKEY", "GIT_AUTHOR_NAME", "MAX_TOKENS"] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(may_be_secret("hunter2hunter2") && may_be_secret("Tr0ub4d0r"));
        assert!(!may_be_secret("production") && !may_be_secret("/home/ada/.ssh/id"));
    }
}
