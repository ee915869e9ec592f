//! Words of a shell's command line: for commands that we run, and for hints that work when pasted.

use std::borrow::Cow;
use std::fmt::Display;
use std::path::Path;

/// A hint that can be pasted: a text with a command, whose gaps (`{}`) take words. What they take is quoted,
/// whoever chose it: the name of a branch is its author's, and may hold a command of its own. Only a [`Part`],
/// made by this as well, is taken as it is.
macro_rules! command_line {
    ($text:literal $(, $word:expr)* $(,)?) => {{
        const { assert!($crate::domain::text::shell::has_gaps_only($text), "name the words behind the text") };
        #[allow(unused_imports, reason = "a text may have parts only, or no gaps")]
        use $crate::domain::text::shell::Word as _;
        format!($text $(, ($word).word())*)
    }};
}

pub(crate) use command_line;

/// What fills a gap.
pub trait Word {
    /// The word, quoted.
    fn word(&self) -> String;
}

impl<T: Display + ?Sized> Word for T {
    fn word(&self) -> String {
        quote(&self.to_string())
    }
}

/// A part of a command line whose words are quoted already.
pub struct Part<'a>(pub &'a str);

impl Part<'_> {
    /// The part as it is.
    pub fn word(&self) -> String {
        self.0.to_owned()
    }
}

/// Whether a text has no gap but `{}`: a named one would be filled past the quoting.
pub const fn has_gaps_only(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'{' {
            let follows = if at + 1 < bytes.len() { bytes[at + 1] } else { b' ' };
            if follows != b'}' && follows != b'{' {
                return false;
            }
            at += 1;
        }
        at += 1;
    }
    true
}

/// The word, quoted where a POSIX shell would read it as anything else.
pub fn quote(word: &str) -> String {
    // shlex quotes every `=`; behind an option's name it means nothing to a shell.
    if let Some((option, value)) = word.split_once('=')
        && option.starts_with('-')
        && !value.is_empty()
        && [option, value].iter().all(|part| quote(part) == *part)
    {
        return word.to_owned();
    }
    // Only a NUL byte has no quoted form, and no argument can hold one.
    shlex::try_quote(word).map_or_else(|_| word.replace('\0', ""), Cow::into_owned)
}

/// The path as a word.
pub fn quote_path(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

/// The words as a command line.
pub fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{has_gaps_only, join, quote, quote_path};
    use std::path::Path;
    use std::process::Command;

    #[test]
    fn a_shell_reads_each_word_as_it_was() {
        for word in ["", "plain", "a b", "it's", "\"", "$HOME `x` $(x) \\ !x ^y", "~/x", "#x", "-rf", "a\nb*"]
        {
            let script = format!("printf %s {}", quote(word));
            let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(join(["git", "commit", "-m", "a b"]), "git commit -m 'a b'");
    }

    #[test]
    fn what_fills_a_command_line_is_words() {
        let branch = "x$(touch${IFS}PWN)";
        assert_eq!(command_line!("git branch {} {}", branch, 7), "git branch 'x$(touch${IFS}PWN)' 7");
        assert!(has_gaps_only("git show {}:{} @{{1}}"));
        assert!(!has_gaps_only("git show {branch}") && !has_gaps_only("{0}") && !has_gaps_only("{:?}"));
    }

    #[test]
    fn an_option_with_a_plain_value_needs_no_quotes() {
        assert_eq!(quote("--max-count=2"), "--max-count=2");
        assert_eq!(quote("--format=%h %s"), "'--format=%h %s'");
        assert_eq!(quote("a=b"), "'a=b'");
        assert_eq!(quote("--a=~/x;y"), "'--a=~/x;y'");
    }

    #[test]
    fn a_pasted_command_finds_a_path_with_a_quote_and_a_space() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("it's a lock");
        std::fs::write(&path, "").unwrap();
        let pasted = format!("rm {}", quote_path(Path::new(&path)));
        assert!(Command::new("sh").arg("-c").arg(pasted).status().unwrap().success());
        assert!(!path.exists());
    }
}
