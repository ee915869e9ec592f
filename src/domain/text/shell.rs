//! Words of a shell's command line: for commands that we run, and for hints that work when pasted.

use std::borrow::Cow;
use std::path::Path;

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
    use super::{join, quote, quote_path};
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
