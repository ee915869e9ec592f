//! Recognizes a printed text that waits for a person's answer: a line that ends with `[y/n]`, a request for
//! a password.

use crate::domain::phrases::asks_person;

/// Whether a text at which nothing more has come is a question: it ends like one.
pub fn is_question(text: &str) -> bool {
    const PHRASES: &[&str] = &[
        "password",
        "passphrase",
        "(yes/no",
        "username for",
        "press any key",
        "are you sure",
        "overwrite",
        "[default",
    ];
    let ends_so = text.trim_end().ends_with(['?', ':', ']', ')', '>', '…']);
    let text = text.to_lowercase();
    ends_so && (asks_person(&text) || PHRASES.iter().any(|phrase| text.contains(phrase)))
}

#[cfg(test)]
mod tests {
    use super::is_question;

    #[test]
    fn a_question_ends_like_one() {
        for question in [
            "Overwrite package.json? (y/N) ",
            "[sudo] password for ada: ",
            "Enter passphrase for key '/home/ada/.ssh/id_ed25519': ",
            "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
            "Username for 'https://github.com': ",
            "Do you want to continue? [Y/n]",
        ] {
            assert!(is_question(question), "{question}");
        }
        for other in ["Compiling password-hash v0.5.0", "package name: ", "I asked [y/n] and went on.", ""] {
            assert!(!is_question(other), "{other}");
        }
    }
}
