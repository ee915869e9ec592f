//! The list of those who may sign, as ssh-keygen(1) describes it under ALLOWED SIGNERS: read to find the name
//! that goes with a key, and to refuse a list by which nobody could sign a record.

use super::ssh_key::{self, KeyForm};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::Regex;

/// What a signature must say that it is for (`ssh-keygen -n`).
pub const NAMESPACE: &str = "flow-ai-verdict";

/// One line of the list: who, the key in base64, and what restricts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedSigner {
    pub principals: String,
    pub key: String,
    pub is_authority: bool,
    /// Why nobody can sign a record by this line at any time; `None` if somebody can.
    useless: Option<&'static str>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
    /// What restricts it, as it stands there; empty where nothing does.
    options: String,
}

impl AllowedSigner {
    /// Whether it names exactly that person, for ever, for whatever is signed: nothing has to be interpreted to
    /// tell.
    pub fn plainly_names(&self, who: &str) -> bool {
        let is_plain = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._+-".contains(&byte))
        };
        let is_for_it = self.options.is_empty() || self.options == format!("namespaces=\"{NAMESPACE}\"");
        let mut names = self.principals.split(',');
        is_for_it && !self.is_authority && names.clone().all(is_plain) && names.any(|name| name == who)
    }

    /// Whether somebody can sign a record by this line at that time.
    pub fn can_sign_at(&self, time: Timestamp) -> bool {
        self.useless.is_none()
            && self.valid_after.is_none_or(|after| time >= after)
            && self.valid_before.is_none_or(|before| time <= before)
    }

    /// A time at which the line is valid: that one if it is, else the nearest.
    pub fn valid_time(&self, time: Timestamp) -> Timestamp {
        let time = self.valid_after.map_or(time, |after| time.max(after));
        self.valid_before.map_or(time, |before| time.min(before))
    }
}

/// Reads a list; an error says what is wrong with it, to stand behind its name. One by which nobody could sign a
/// record at any time is wrong. An authority's line is none by which anybody can: nothing tells whether somebody
/// has a certificate of it.
pub fn parse(text: &str) -> Result<Vec<AllowedSigner>, String> {
    let mut signers = Vec::new();
    let mut useless = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let signer = signer(line).map_err(|why| format!("{why} in line {}", index + 1))?;
        if let Some(why) = signer.useless {
            useless.get_or_insert(format!("names nobody who can sign records: line {} {why}", index + 1));
        }
        signers.push(signer);
    }
    match signers.iter().any(|signer| signer.useless.is_none()) {
        true => Ok(signers),
        false => Err(useless.unwrap_or_else(|| "names nobody".into())),
    }
}

/// `principals [options] keytype key [comment]`; words may be quoted, and options hold quotes.
fn signer(line: &str) -> Result<AllowedSigner, &'static str> {
    const MALFORMED: &str = "is malformed";
    let words: Vec<&str> = unquoted(line, char::is_whitespace).filter(|word| !word.is_empty()).collect();
    let (principals, options, kind, key) = match words[..] {
        [principals, kind, key, ..] if is_key_type(kind) => (principals, None, kind, key),
        [principals, options, kind, key, ..] if is_key_type(kind) => (principals, Some(options), kind, key),
        _ => return Err(MALFORMED),
    };
    let principals = principals.trim_matches('"').to_owned();
    let bytes = BASE64_STANDARD.decode(key).map_err(|_| MALFORMED)?;
    let form = ssh_key::form(kind, &bytes);
    if form == KeyForm::Broken {
        return Err("holds a key that is none");
    }
    let (mut is_authority, mut is_for_records) = (false, true);
    let (mut valid_after, mut valid_before) = (None, None);
    for option in options.into_iter().flat_map(|options| unquoted(options, |c| c == ',')) {
        let (name, value) = option
            .split_once('=')
            .map_or((option, None), |(name, value)| (name, Some(value.trim_matches('"'))));
        match (name.to_ascii_lowercase().as_str(), value) {
            ("cert-authority", None) => is_authority = true,
            ("namespaces", Some(patterns)) => is_for_records = is_in_list(NAMESPACE, patterns),
            ("valid-after", Some(time)) => valid_after = Some(parse_time(time).ok_or(MALFORMED)?),
            ("valid-before", Some(time)) => valid_before = Some(parse_time(time).ok_or(MALFORMED)?),
            _ => return Err("has an option that ssh-keygen does not know"),
        }
    }
    if let (Some(after), Some(before)) = (valid_after, valid_before)
        && before <= after
    {
        return Err("is valid before it is valid");
    }
    let useless = if is_authority {
        Some("is an authority's, and nothing tells whether anybody has a certificate of it")
    } else if !is_for_records {
        Some("is not for the namespace flow-ai-verdict")
    } else if !names(&principals).any(|name| is_in_list(name, &principals)) {
        Some("means nobody")
    } else if form == KeyForm::Unknown {
        Some(
            "has a key of a kind that is not known to sign records: Ed25519, ECDSA P-256 or P-384, or RSA of 2048 to \
             8192 bits",
        )
    } else {
        None
    };
    Ok(AllowedSigner {
        principals,
        key: key.to_owned(),
        is_authority,
        useless,
        valid_after,
        valid_before,
        options: options.unwrap_or_default().to_owned(),
    })
}

/// The names that a list of principals allows, patterns among them.
pub fn names(principals: &str) -> impl Iterator<Item = &str> {
    principals.split(',').filter(|name| !name.is_empty() && !name.starts_with('!'))
}

fn is_key_type(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start))
}

/// The pieces between separators that stand outside quotes.
fn unquoted(text: &str, mut separates: impl FnMut(char) -> bool) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        !quoted && separates(c)
    })
}

/// Whether a list of patterns means a name, by the rules of ssh_config(5) under PATTERNS: one with `!` that fits
/// takes it out, wherever it stands.
fn is_in_list(name: &str, patterns: &str) -> bool {
    let fits = |pattern: &str| {
        if !pattern.contains(['*', '?']) {
            return pattern == name;
        }
        let pattern = regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".");
        // One that is too long to be read means nobody.
        Regex::new(&format!("^(?s:{pattern})$")).is_ok_and(|pattern| pattern.is_match(name))
    };
    let is_out = patterns.split(',').filter_map(|pattern| pattern.strip_prefix('!')).any(fits);
    !is_out && patterns.split(',').any(fits)
}

/// `YYYYMMDD`, with `HHMM` or `HHMMSS` behind it, in UTC whether it says so or not: what we run has no other
/// time zone.
fn parse_time(text: &str) -> Option<Timestamp> {
    let digits = text.trim_end_matches(['Z', 'z']);
    let digits = digits.strip_suffix("UTC").unwrap_or(digits);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || ![8, 12, 14].contains(&digits.len()) {
        return None;
    }
    let time = DateTime::strptime("%Y%m%d%H%M%S", format!("{digits:0<14}")).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_line_names_who_and_the_key_whatever_options_stand_between() {
        let line = |text: &str| signer(text).map(|line| (line.principals, line.is_authority));
        let expected = |who: &str, authority| Ok((who.to_owned(), authority));
        assert_eq!(line(&format!("ada@x {KEY} Ada's")), expected("ada@x", false));
        assert_eq!(line(&format!("a@x,b@x namespaces=\"git, x y\" {KEY}")), expected("a@x,b@x", false));
        assert_eq!(line(&format!("\"*@x\" cert-authority {KEY}")), expected("*@x", true));
        assert_eq!(
            line(&format!("a@x CERT-AUTHORITY,valid-before=\"20270101Z\" {KEY}")),
            expected("a@x", true)
        );
        for text in [
            KEY.to_owned(),
            "ada@x ssh-ed25519".into(),
            "ada@x ssh-ed25519 ????".into(),
            "ada@x ssh-ed25519 AAAA".into(),
            KEY.replace("ssh-ed25519", "ada@x ssh-rsa"),
            format!("ada@x no-such-option {KEY}"),
            format!("ada@x valid-before=\"tomorrow\" {KEY}"),
            format!("ada@x valid-before=\"20200101\",valid-after=\"20210101\" {KEY}"),
        ] {
            assert!(line(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_by_which_nobody_could_sign_is_none() {
        let why = |text: &str| parse(&format!("# People\n\n{text}\n")).map(|_| ());
        for usable in [
            format!("ada@x {KEY}"),
            format!("*@x,!eve@x {KEY}"),
            format!("ada@x namespaces=\"git,flow-ai-*\" {KEY}"),
            format!("ada@x valid-before=\"20200101\" {KEY}"),
            format!("ada@x namespaces=\"git\" {KEY}\nbob@x {KEY}"),
        ] {
            assert_eq!(why(&usable), Ok(()), "{usable}");
        }
        for (text, expected) in [
            (String::new(), "names nobody"),
            (format!("ada@x namespaces=\"git\" {KEY}"), "line 3 is not for the namespace"),
            (format!("ada@x namespaces=\"flow-ai-*,!*verdict\" {KEY}"), "line 3 is not for the namespace"),
            (format!("!* {KEY}"), "line 3 means nobody"),
            (format!("!*,ada@x {KEY}"), "line 3 means nobody"),
            (format!("ada@x cert-authority {KEY}"), "line 3 is an authority's"),
            ("ada@x ssh-ed25519 AAAA".into(), "holds a key that is none in line 3"),
            ("ada@x ssh-new AAAAB3NzaC1uZXc=".into(), "a kind that is not known"),
        ] {
            let why = why(&text).expect_err(&text);
            assert!(why.contains(expected), "{text}: {why}");
        }
    }

    #[test]
    fn a_key_is_valid_between_its_times() {
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let line =
            signer(&format!("a@x valid-after=\"20260101\",valid-before=\"202602011200\" {KEY}")).unwrap();
        assert!(!line.can_sign_at(at("2025-12-31T23:59:59Z")));
        assert!(line.can_sign_at(at("2026-01-01T00:00:00Z")));
        assert!(line.can_sign_at(at("2026-02-01T12:00:00Z")));
        assert!(!line.can_sign_at(at("2026-02-01T12:00:01Z")));
        assert_eq!(line.valid_time(at("2027-01-01T00:00:00Z")), at("2026-02-01T12:00:00Z"));
        assert_eq!(line.valid_time(at("2025-01-01T00:00:00Z")), at("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn a_line_names_somebody_plainly_where_nothing_in_it_has_to_be_interpreted() {
        let names = |line: &str| {
            let line = signer(&line.replace("KEY", KEY));
            line.is_ok_and(|line| line.plainly_names("ada@x"))
        };
        for plain in ["ada@x KEY", "b@x,ada@x namespaces=\"flow-ai-verdict\" KEY ada@y", "\"ada@x\" KEY"] {
            assert!(names(plain), "{plain}");
        }
        for other in [
            "bob@x KEY",
            "*@x KEY",
            "!bob@x,ada@x KEY",
            "ada@x cert-authority KEY",
            "ada@x namespaces=\"flow-ai-verdict,file\" KEY",
            "ada@x namespaces=\"!flow-ai-verdict\" KEY",
            "ada@x valid-before=\"20300101\" KEY",
            "ada@x tomorrow KEY",
        ] {
            assert!(!names(other), "{other}");
        }
    }
}
