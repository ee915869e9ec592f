//! Guesses that a command failed because a path of the user's home is hidden from it.

use super::access::{Access, AccessRules, access_in};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What programs say of a file that is not there for them.
const MISSING: &[&str] = &[
    "no such file",
    "enoent",
    "cannot find",
    "can't find",
    "not found",
    "does not exist",
    "permission denied",
    "eacces",
];

/// What a command did not see of the user's homes.
#[derive(Debug, Default)]
pub struct HiddenPaths {
    paths: BTreeMap<PathBuf, Access>,
    homes: Vec<PathBuf>,
    /// Where the command's own home is, if that is not where the user's is.
    own: Option<PathBuf>,
}

impl HiddenPaths {
    pub fn new(rules: &AccessRules, own: Option<PathBuf>) -> HiddenPaths {
        HiddenPaths { paths: rules.paths.clone(), homes: rules.homes.clone(), own }
    }

    /// What to say of a line that a command printed when it failed.
    pub fn guess(&self, line: &str) -> Option<String> {
        let lower = line.to_lowercase();
        if !MISSING.iter().any(|phrase| lower.contains(phrase)) {
            return None;
        }
        let words = line.split(|letter: char| letter.is_whitespace() || "'\"`,;()[]<>=".contains(letter));
        let path = words.filter_map(|word| self.hidden(word.trim_end_matches(['.', ':']))).next()?;
        Some(format!(
            "{0} is hidden in the sandbox, as your home is; `[sandbox] read = [\"{0}\"]` in your own config opens it",
            path.display()
        ))
    }

    /// The path, as a config would name it, if it is there for the user and was hidden.
    fn hidden(&self, word: &str) -> Option<PathBuf> {
        let word = Path::new(word.strip_prefix("file://").unwrap_or(word));
        let own = self.own.iter().find_map(|own| word.strip_prefix(own).ok());
        let mut insides = self.homes.iter().filter_map(|home| {
            let inside =
                own.or_else(|| word.strip_prefix("~").ok()).or_else(|| word.strip_prefix(home).ok())?;
            let real = home.join(inside).canonicalize().ok()?;
            let is_hidden = !inside.as_os_str().is_empty() && access_in(&self.paths, &real) == Access::Hidden;
            is_hidden.then(|| Path::new("~").join(inside))
        });
        insides.next()
    }
}

#[cfg(test)]
mod tests {
    use super::HiddenPaths;
    use crate::agents::sandbox::access::Access;
    use std::fs;

    #[test]
    fn a_file_that_is_there_for_the_user_and_not_for_the_command_is_named() {
        let place = tempfile::tempdir().unwrap();
        let home = place.path().canonicalize().unwrap();
        for path in [".npmrc", "open/a"] {
            fs::create_dir_all(home.join(path).parent().unwrap()).unwrap();
            fs::write(home.join(path), "").unwrap();
        }
        let paths = [(home.clone(), Access::Hidden), (home.join("open"), Access::Read)].into();
        let hidden = HiddenPaths { paths, homes: vec![home.clone()], own: Some("/own".into()) };
        let at = |path: &str| home.join(path).display().to_string();
        for line in [
            format!("cat: {}: No such file or directory", at(".npmrc")),
            "ENOENT '/own/.npmrc'".into(),
            "cannot find ~/.npmrc.".into(),
        ] {
            assert!(hidden.guess(&line).is_some_and(|said| said.starts_with("~/.npmrc is hidden")), "{line}");
        }
        for line in [
            format!("{}: not found", at("open/a")),
            format!("{}: not found", at("none")),
            format!("read {}", at(".npmrc")),
            "not found: x".into(),
        ] {
            assert_eq!(hidden.guess(&line), None, "{line}");
        }
    }
}
