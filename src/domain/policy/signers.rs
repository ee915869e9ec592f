//! The list of those who may sign, as ssh-keygen(1) describes it under ALLOWED SIGNERS: read only to find the
//! name that goes with a key, and to refuse a list that names nobody.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// One line of the list: who, and the key in base64.
#[derive(Debug, PartialEq, Eq)]
pub struct AllowedSigner {
    pub principals: String,
    pub key: String,
    pub is_authority: bool,
}

/// Reads a list; an error says what is wrong with it, to stand behind its name.
pub fn parse(text: &str) -> Result<Vec<AllowedSigner>, String> {
    let mut signers = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            signers.push(signer(line).ok_or_else(|| format!("is malformed in line {}", index + 1))?);
        }
    }
    if signers.is_empty() { Err("names nobody".into()) } else { Ok(signers) }
}

/// `principals [options] keytype key [comment]`; words may be quoted, and options hold quotes.
fn signer(line: &str) -> Option<AllowedSigner> {
    let mut quoted = false;
    let mut words = line.split(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    });
    let principals = words.next()?.trim_matches('"').to_owned();
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let is_type = |word: &&str| ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start));
    let at = words.iter().position(is_type)?;
    let key = (*words.get(at + 1)?).to_owned();
    BASE64_STANDARD.decode(&key).ok().filter(|bytes| !bytes.is_empty())?;
    let is_authority = words[..at].iter().any(|options| options.to_lowercase().contains("cert-authority"));
    Some(AllowedSigner { principals, key, is_authority })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_who_and_the_key_whatever_options_stand_between() {
        let line = |text| signer(text).map(|line| (line.principals, line.key, line.is_authority));
        let expected = |who: &str, authority| Some((who.to_owned(), "AAAA".to_owned(), authority));
        assert_eq!(line("ada@x ssh-ed25519 AAAA Ada's"), expected("ada@x", false));
        assert_eq!(line("a@x,b@x namespaces=\"git, x y\" ssh-rsa AAAA"), expected("a@x,b@x", false));
        assert_eq!(line("\"*@x\" cert-authority sk-ssh-ed25519@openssh.com AAAA"), expected("*@x", true));
        assert_eq!(line("ssh-ed25519 AAAA"), None);
        assert_eq!(line("ada@x ssh-ed25519"), None);
        assert_eq!(line("ada@x ssh-ed25519 ????"), None);
    }
}
