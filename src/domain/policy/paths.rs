//! Which paths a rule is about: patterns as in a `.gitignore`, since this is how people write them.
//!
//! A pattern without a slash in it means a name at any depth; one with a slash begins at the root; what
//! means a folder means all that is in it. `é` is one letter, whether a pattern or a path has it as one character
//! or as two (NFC, NFD): nobody sees a difference, and a file system may make none.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use unicode_normalization::UnicodeNormalization;

/// The patterns of one rule.
#[derive(Debug)]
pub(super) struct Paths {
    /// What they mean, with all that is in it.
    meant: Gitignore,
    /// The folders that they name on the way there, which are meant only where something else stands in
    /// their place: a link, or another repository, through which the files in it change.
    on_the_way: Gitignore,
}

impl Paths {
    /// `None` if a pattern cannot be read: it is then unknown what is meant.
    pub(super) fn new(patterns: &[String]) -> Option<Paths> {
        let (mut meant, mut on_the_way) = (GitignoreBuilder::new(""), GitignoreBuilder::new(""));
        for pattern in patterns {
            let pattern = normal(pattern).ok()?;
            meant.add_line(None, &pattern).ok()?;
            for folder in folders(&pattern) {
                on_the_way.add_line(None, &format!("/{}", folder.trim_start_matches('/'))).ok()?;
            }
        }
        Some(Paths { meant: meant.build().ok()?, on_the_way: on_the_way.build().ok()? })
    }

    /// Whether that path is meant. A link or another repository counts as a folder.
    pub(super) fn mean(&self, path: &[u8]) -> bool {
        let composed = std::str::from_utf8(path).map(|path| path.nfc().collect::<String>());
        let path = Path::new(OsStr::from_bytes(composed.as_ref().map_or(path, |path| path.as_bytes())));
        let mut with_folders = path.ancestors().filter(|path| !path.as_os_str().is_empty());
        with_folders.any(|path| self.meant.matched(path, true).is_ignore())
            || self.on_the_way.matched(path, true).is_ignore()
    }
}

/// A pattern without what only looks different.
fn normal(pattern: &str) -> Result<String, String> {
    let example = "write for example `crypto/`, `*.lock` or `/docs/*.md`";
    let composed: String = pattern.nfc().collect();
    let trimmed = composed.trim_end();
    let rest = trimmed.strip_prefix("./").map(|rest| format!("/{rest}"));
    let normal = rest.unwrap_or_else(|| trimmed.to_owned());
    let parts: Vec<&str> = normal.trim_start_matches('/').trim_end_matches('/').split('/').collect();
    if normal.starts_with('!') {
        return Err("a rule cannot take paths out; name those that it is about".into());
    }
    if normal.starts_with('#') {
        return Err("`#` begins a comment there; write `[#]`".into());
    }
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) || normal.starts_with("//") {
        return Err(example.into());
    }
    // No tree holds one.
    if parts.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
        return Err("git keeps nothing below `.git`".into());
    }
    if normal.contains('\0') {
        return Err("no path has a NUL in it".into());
    }
    Ok(normal)
}

/// The folders that a pattern names on its way: of `**/keys/*.pem` it is `**/keys`. A brace may hold a slash,
/// so none is read behind the first one.
fn folders(pattern: &str) -> impl Iterator<Item = &str> {
    let plain = pattern.find(['{', '[', '\\']).map_or(pattern, |end| &pattern[..end]);
    let is_named = |folder: &&str| !folder.rsplit('/').next().unwrap_or_default().contains(['*', '?']);
    plain
        .match_indices('/')
        .map(|(at, _)| &pattern[..at])
        .filter(|folder| !folder.is_empty())
        .filter(is_named)
}

/// Why a pattern means no path; `None` if it can mean some.
pub(super) fn mistake(pattern: &str) -> Option<String> {
    let compile = |normal: String| {
        let mut builder = GitignoreBuilder::new("");
        // A bracket that is not closed means nothing to git.
        builder.allow_unclosed_class(false);
        builder.add_line(None, &normal).map(|_| ()).map_err(|error| error.to_string())
    };
    normal(pattern).and_then(compile).err()
}

#[cfg(test)]
mod tests {
    use super::{Paths, mistake};

    fn mean(pattern: &str, path: &str) -> bool {
        Paths::new(&[pattern.to_owned()]).expect("a pattern").mean(path.as_bytes())
    }

    #[test]
    fn a_folder_is_meant_however_it_is_written() {
        for pattern in ["crypto", "crypto/", "/crypto", "/crypto/", "/crypto/**", "./crypto/**", "crypto/**"]
        {
            assert!(mean(pattern, "crypto/deep/c.rs"), "{pattern}");
            assert!(mean(pattern, "crypto"), "{pattern}: a link in its place");
            assert!(!mean(pattern, "cryptography/c.rs"), "{pattern}");
        }
        assert!(mean("crypto", "src/crypto/c.rs"), "a name at any depth");
        assert!(mean("crypto/", "src/crypto/c.rs"), "a name at any depth");
        assert!(!mean("/crypto", "src/crypto/c.rs"), "from the root");
        assert!(!mean("crypto/**", "src/crypto/c.rs"), "from the root");
    }

    #[test]
    fn a_file_is_meant_by_name_or_by_path() {
        assert!(mean("*.lock", "Cargo.lock") && mean("*.lock", "sub/Cargo.lock"));
        assert!(mean("/*.lock", "Cargo.lock") && !mean("/*.lock", "sub/Cargo.lock"));
        assert!(mean("docs/*.md", "docs/a.md") && !mean("docs/*.md", "docs/deep/a.md"));
        assert!(mean("**", "any/thing") && mean("*", "any/thing"));
        assert!(mean("**/keys/*.pem", "a/keys/x.pem") && mean("**/keys/*.pem", "a/keys"));
        assert!(!mean("**/keys/*.pem", "a/keys/readme"));
        assert!(mean("{a,b}/c", "b/c"));
        for (pattern, path) in [("caf\u{e9}/", "cafe\u{301}/x"), ("cafe\u{301}/", "caf\u{e9}/x")] {
            assert!(mean(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for pattern in [
            "",
            " ",
            "/",
            "./",
            ".",
            "..",
            "../x",
            "a/../b",
            "a//b",
            "!x",
            "#x",
            "//x",
            "a/./b",
            "a{b",
            "[a",
            "src/[",
            "[z-a]",
            "a\\",
            ".git",
            ".git/hooks",
            "sub/.GIT",
            "a\0b",
        ] {
            assert!(mistake(pattern).is_some(), "{pattern}");
        }
    }
}
