//! The secrets that this process was given, and everything that it prints or keeps without them.
//!
//! They are kept in memory only, for as long as we run. A secret that is cut in two by what prints it is
//! not found.

use crate::domain::event::What;
use crate::domain::secret::{self, FoundSecret, KnownSecrets};
use serde_json::Value;
use std::borrow::Cow;
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, PoisonError};

static KNOWN: Mutex<KnownSecrets> = Mutex::new(KnownSecrets::new());

fn known() -> MutexGuard<'static, KnownSecrets> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a key that we use, and what to call it.
pub fn learn(name: &str, value: &str) {
    known().learn(name, value);
}

/// Remembers the variables whose name says that they hold a secret.
pub fn learn_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) {
    known().learn_variables(variables);
}

/// All that are in the text, in its order, none overlapping another.
pub fn find(text: &str) -> Vec<FoundSecret> {
    let mut all = known().find(text);
    all.extend(secret::find_patterns(text));
    secret::merged(all)
}

/// Whether any is in the text.
pub fn holds_secret(text: &str) -> bool {
    !find(text).is_empty()
}

/// The text without them.
pub fn redacted(text: &str) -> Cow<'_, str> {
    secret::without(text, &find(text))
}

/// Redacts every text in a JSON value, but for names and ids that programs go by.
pub fn redact_json(value: &mut Value) {
    secret::redact_json(value, &redacted);
}

/// The event without secrets; a warning in its place if nothing else of it is left.
pub fn redact_event(what: What) -> What {
    if serde_json::to_string(&what).is_ok_and(|line| !holds_secret(&line)) {
        return what;
    }
    let redacted = serde_json::to_value(&what).and_then(|mut value| {
        redact_json(&mut value);
        serde_json::from_value(value)
    });
    redacted.unwrap_or_else(|_| What::Warning {
        message: "something was said that held a secret, and is left out".to_owned(),
    })
}

/// Redacts a text that comes line by line, in which a private key can begin on one line and end on
/// another. Of standard output and error the lines come in any order: each is a text of its own.
#[derive(Debug, Default)]
pub struct LineRedactor {
    out_in_key: bool,
    err_in_key: bool,
}

impl LineRedactor {
    /// The next line, without secrets. A line that is not part of a key ends it: naming its first line
    /// does not blind the rest.
    pub fn line(&mut self, line: String, from_err: bool) -> String {
        let in_key = if from_err { &mut self.err_in_key } else { &mut self.out_in_key };
        let ends = line.contains("-----END ");
        if std::mem::take(in_key) && (ends || is_part_of_key(&line)) {
            *in_key = !ends;
            return "[redacted: private-key]".to_owned();
        }
        *in_key = line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") && !ends;
        match redacted(&line) {
            Cow::Owned(clean) => clean,
            Cow::Borrowed(_) => line,
        }
    }
}

/// Whether a line can stand between the first and the last of a private key (RFC 1421, RFC 7468).
fn is_part_of_key(line: &str) -> bool {
    let line = line.trim();
    let is_coded = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    line.bytes().all(is_coded) || ["Proc-Type:", "DEK-Info:"].iter().any(|header| line.starts_with(header))
}

#[cfg(test)]
mod tests {
    use super::{LineRedactor, find, learn, redact_event, redacted};
    use crate::domain::event::{TaskState, What};
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    #[test]
    fn what_we_were_given_is_found_in_every_form() {
        let key = "pä55/w+rd?\"of mine\"";
        learn("MY_THING", key);
        let in_json = serde_json::to_string(&format!("it is {key}!")).unwrap();
        let in_address = "https://x.example/?k=p%C3%A455%2Fw%2Brd%3F%22of%20mine%22&x=1";
        for text in [format!("a {key} b"), in_json, in_address.to_owned()] {
            assert!(redacted(&text).contains("[redacted: MY_THING]"), "{text}");
        }
        for before in ["", "u", "us", "user:", "x-api-key: "] {
            for after in ["", "\n", "!!"] {
                let text = format!("{before}{key}{after}");
                for coded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    assert!(redacted(&coded).contains("[redacted: MY_THING]"), "{text}: {coded}");
                }
            }
        }
        assert_eq!(redacted("nothing of mine"), "nothing of mine");
    }

    #[test]
    fn what_looks_like_a_secret_is_found_also_inside_json() {
        // Put together here, so that no scanner takes this file for a leak.
        let secrets = [
            ["ghp_", "0123456789abcdefghijABCDEFGHIJ012345"].concat(),
            ["sk-ant-", "api03-0123456789abcdefghijABCDEFGHIJ"].concat(),
            ["sk-proj-", "0123456789abcdefghijABCDEFGHIJ"].concat(),
            ["AKIA", "ABCDEFGHIJKLMNOP"].concat(),
            ["AIza", "0123456789abcdefghijABCDEFGHIJ01234"].concat(),
            ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "abcdefghijklmnop"].join("."),
        ];
        for secret in &secrets {
            for text in [
                secret.clone(),
                format!("key: {secret}, and more"),
                format!("{{\"text\":\"a\\n{secret}\\tb\"}}"),
                format!("{{\"text\":\"{{\\\"a\\\":\\\"\\\\n{secret}\\\"}}\"}}"),
            ] {
                let clean = redacted(&text);
                assert!(
                    !clean.contains(secret.as_str()) && clean.contains("[redacted: "),
                    "{text} -> {clean}"
                );
            }
        }
        let quoted = "{\"text\":\"password = \\\"correct horse\\\" it says\"}";
        assert_eq!(
            redacted(quoted),
            "{\"text\":\"password = \\\"[redacted: password-assignment]\\\" it says\"}"
        );
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            "commit 0123456789abcdef0123456789abcdef01234567 of refs/heads/main",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "import sk-learn-contrib-of-somebody as sk; secret: the_name_of_a_variable",
            "{\"path\":\"src/secret/mod.rs\",\"line\":3,\"body\":\"the token is not checked\"}",
            "OPENAI_API_KEY is not set; password: $PASSWORD; api_key = os.environ[\"KEY\"]",
            "https://user@example.com/a:b?c=d",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }

    #[test]
    fn a_private_key_goes_whole_on_one_line_and_on_many() {
        let (begin, end) = ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----");
        let one = format!("{{\"t\":\"{begin}\\nb3BlbnNzaA\\n{end}\\n\"}}");
        assert_eq!(redacted(&one), "{\"t\":\"[redacted: private-key]\\n\"}");
        let mut stream = LineRedactor::default();
        let lines =
            ["before", begin, "b3BlbnNzaA", end, "after"].map(|line| stream.line(line.to_owned(), false));
        assert!(!lines.concat().contains("b3Blb"), "{lines:?}");
        assert_eq!((lines[0].as_str(), lines[4].as_str()), ("before", "after"));
        let whole =
            redacted(&format!("a\n{begin}\nb3BlbnNzaA\n{end}\nb\n{begin}\nb3BlbnNzaC1rZXktdjE\nand c"))
                .into_owned();
        assert_eq!(whole, "a\n[redacted: private-key]\nb\n[redacted: private-key]\nand c");
        let mut stream = LineRedactor::default();
        let both = [(begin, false), ("a warning", true), ("b3BlbnNzaA", false), ("b3BlbnNzaA", true)];
        let both = both.map(|(line, from_err)| stream.line(line.to_owned(), from_err));
        assert_eq!(both[1..], ["a warning", "[redacted: private-key]", "b3BlbnNzaA"]);
        let mut stream = LineRedactor::default();
        let lines =
            [begin, "is how one begins.", "b3BlbnNzaA"].map(|line| stream.line(line.to_owned(), false));
        assert_eq!(lines[1..], ["is how one begins.", "b3BlbnNzaA"], "who only names one blinds nothing");
    }

    #[test]
    fn an_event_keeps_what_programs_go_by() {
        learn("TASK_TOKEN", "implement-it-9");
        let merged =
            What::Merged { commit: "implement-it-9".into(), tasks: vec!["implement-it-9".to_owned()] };
        assert_eq!(redact_event(merged.clone()), merged);
        let state = What::State {
            state: TaskState::Failed,
            attempt: 2,
            agent: String::new(),
            detail: "it failed: implement-it-9".into(),
        };
        let What::State { attempt, detail, .. } = redact_event(state) else { panic!() };
        assert_eq!((attempt, detail.as_str()), (2, "it failed: [redacted: TASK_TOKEN]"));
    }
}
