//! Keys and passwords in text: found, and made unreadable before the text is kept or shown.
//!
//! Two ways to know one: by its value, where it is one that we were given (also in base64, in an address
//! and in JSON), and by its looks, by the rules of a secret scanner. What is told of an agent, of a
//! command or of an error goes through here on its way to files, notes and terminals. The time is linear
//! in the text's length. A secret that is cut in two by whoever prints it is not found.

mod known;
mod rules;

pub use known::{is_secret_name, learn, learn_named};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// One that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it stands, in bytes.
    pub at: Range<usize>,
    /// What it is: the name of the variable that has it, or of the rule that it looks like.
    pub what: String,
    /// How sure that is.
    pub kind: Kind,
}

/// How it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It is a key that we use.
    Key,
    /// It is the value of a variable whose name says that it holds a secret.
    Named,
    /// It looks like one.
    Alike,
}

/// All that are in the text, in its order, none overlapping another.
pub fn find(text: &str) -> Vec<Found> {
    let mut all = known::find(text);
    all.extend(rules::find(text));
    // Of two at one place the known one goes first.
    all.sort_by_key(|found| (found.at.start, found.kind));
    let mut found: Vec<Found> = Vec::new();
    for one in all {
        match found.last_mut().filter(|last| last.at.end > one.at.start) {
            Some(last) => last.at.end = last.at.end.max(one.at.end),
            None => found.push(one),
        }
    }
    found
}

/// The text without them.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for Found { at, what, .. } in found {
        clean.push_str(&text[done..at.start]);
        clean.push_str(&format!("[redacted: {what}]"));
        done = at.end;
    }
    clean.push_str(&text[done..]);
    Cow::Owned(clean)
}

/// The same for every text in a value; none where it is no value of that type any more.
pub fn cleaned<T: Serialize + DeserializeOwned>(value: T) -> Option<T> {
    let line = serde_json::to_string(&value).ok()?;
    if find(&line).is_empty() {
        return Some(value);
    }
    let mut value = serde_json::to_value(&value).ok()?;
    clean(&mut value);
    serde_json::from_value(value).ok()
}

/// Cleans every text in a JSON value, but for names and ids that programs go by.
pub fn clean(value: &mut Value) {
    const NAMES: [&str; 12] = [
        "event",
        "activity",
        "at",
        "task",
        "tasks",
        "state",
        "run",
        "spec",
        "base",
        "commit",
        "base_tree",
        "head_tree",
    ];
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = redacted(text) {
                *text = clean;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(entries) => entries
            .iter_mut()
            .filter(|(name, _)| !NAMES.contains(&name.as_str()))
            .for_each(|(_, one)| clean(one)),
        _ => {}
    }
}

/// A text that comes line by line, in which a private key can begin on one line and end on another. Of two
/// pipes at once, standard output and error, the lines come in any order: each is a text of its own.
#[derive(Debug, Default)]
pub struct Stream {
    out_in_key: bool,
    err_in_key: bool,
}

impl Stream {
    /// The next line, without secrets. A line that is no part of a key ends it: who only names its first
    /// line does not blind the rest.
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
    use super::{Stream, cleaned, find, learn, redacted};
    use crate::domain::event::What;
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
        let mut stream = Stream::default();
        let lines =
            ["before", begin, "b3BlbnNzaA", end, "after"].map(|line| stream.line(line.to_owned(), false));
        assert!(!lines.concat().contains("b3Blb"), "{lines:?}");
        assert_eq!((lines[0].as_str(), lines[4].as_str()), ("before", "after"));
        let whole =
            redacted(&format!("a\n{begin}\nb3BlbnNzaA\n{end}\nb\n{begin}\nb3BlbnNzaC1rZXktdjE\nand c"))
                .into_owned();
        assert_eq!(whole, "a\n[redacted: private-key]\nb\n[redacted: private-key]\nand c");
        let mut stream = Stream::default();
        let both = [(begin, false), ("a warning", true), ("b3BlbnNzaA", false), ("b3BlbnNzaA", true)];
        let both = both.map(|(line, from_err)| stream.line(line.to_owned(), from_err));
        assert_eq!(both[1..], ["a warning", "[redacted: private-key]", "b3BlbnNzaA"]);
        let mut stream = Stream::default();
        let lines =
            [begin, "is how one begins.", "b3BlbnNzaA"].map(|line| stream.line(line.to_owned(), false));
        assert_eq!(lines[1..], ["is how one begins.", "b3BlbnNzaA"], "who only names one blinds nothing");
    }

    #[test]
    fn an_event_keeps_what_programs_go_by() {
        learn("TASK_TOKEN", "implement-it-9");
        let state = What::AttemptFinished {
            attempt: 2,
            ending: "it failed: implement-it-9".into(),
            commit: Some("implement-it-9".into()),
        };
        let What::AttemptFinished { attempt, ending, commit } = cleaned(state).unwrap() else { panic!() };
        assert_eq!((attempt, commit.as_deref()), (2, Some("implement-it-9")));
        assert_eq!(ending, "it failed: [redacted: TASK_TOKEN]");
    }
}
