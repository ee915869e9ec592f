//! What looks like something else in a difference: words of mixed scripts, words and signs that read like
//! ASCII, and what cannot be seen at all, which [`escape`](super::escape) has written out.
//!
//! `раypal` with a Cyrillic `ра` is another name than `paypal`, and nobody who reads it sees that (UTS 39).
//! Words of one script that looks like no other are left alone, whatever the language.

use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::MixedScript;
use unicode_security::confusable_detection::skeleton;

/// Signs of code that another character may stand for.
const SIGNS: &str = ";:/\\=!&|(){}[]<>";

/// What a difference adds that looks like something else, each with path and line: `app.rs:7: …`.
pub fn find(difference: &str) -> Vec<String> {
    let mut found = in_paths(&paths(difference));
    let (mut path, mut number) = ("", 0);
    for line in difference.lines() {
        if let Some(named) = line.strip_prefix("+++ ") {
            path = named.strip_prefix("b/").unwrap_or(named);
        } else if let Some(hunk) = line.strip_prefix("@@ ") {
            number = start(hunk);
        } else if let Some(added) = line.strip_prefix('+') {
            found.extend(in_line(added).map(|what| format!("{path}:{number}: {what}")));
            number += 1;
        } else if line.starts_with(' ') {
            number += 1;
        }
    }
    found
}

/// The paths of a difference, each once.
fn paths(difference: &str) -> BTreeSet<&str> {
    // Lines of content have a mark before them: this one can only be a header.
    let headers = difference.lines().filter_map(|line| line.strip_prefix("diff --git a/"));
    // `X b/X`: twice X and three more.
    headers.filter_map(|names| names.get(..names.len().saturating_sub(3) / 2)).collect()
}

/// What of paths looks like something else, cannot be seen or is no text, and those that look the same.
fn in_paths(paths: &BTreeSet<&str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut composed: BTreeMap<String, &str> = BTreeMap::new();
    for path in paths {
        found.extend(in_line(path).map(|what| format!("the path {path}: {what}")));
        if path.contains("<0x") {
            found.push(format!("the path {path}: it has bytes that are no UTF-8, or writes like them"));
        }
        let form: String = path.nfc().collect();
        if form != **path {
            let odd = codes(&path.chars().filter(|c| is_combining_mark(*c)).collect::<String>());
            found.push(format!("the path {path}: its accents are characters of their own ({odd})"));
        }
        if let Some(twin) = composed.insert(form, path) {
            found.push(format!("the path {path}: another changed path looks the same ({})", codes(twin)));
        }
    }
    found
}

/// Where a hunk begins in the new file: 7 of `-1,2 +7,3 @@`.
fn start(hunk: &str) -> usize {
    let new = hunk.split(' ').find_map(|range| range.strip_prefix('+')).unwrap_or_default();
    new.split(',').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn in_line(line: &str) -> impl Iterator<Item = String> {
    let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_ascii());
    let words = words.filter_map(|word| {
        let reads: String = skeleton(word).collect();
        if !word.is_single_script() {
            return Some(format!("`{word}` mixes letters of several scripts ({})", codes(word)));
        }
        reads.is_ascii().then(|| format!("`{word}` reads like ASCII and is not ({})", codes(word)))
    });
    // Wide forms are seen to be what they are.
    let is_odd = |c: &char| !c.is_ascii() && !c.is_alphanumeric() && !('\u{ff00}'..='\u{ffef}').contains(c);
    let signs = line.chars().filter(is_odd).filter_map(|sign| {
        let reads: String = skeleton(sign.encode_utf8(&mut [0; 4])).collect();
        let is_sign = reads.chars().count() == 1 && SIGNS.contains(&reads);
        is_sign.then(|| format!("`{sign}` (U+{:04X}) reads like `{reads}`", u32::from(sign)))
    });
    let unseen = line.split("<U+").skip(1).filter_map(|rest| {
        let code = rest.split_once('>')?.0;
        let is_code = (4..=6).contains(&code.len()) && code.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_code.then(|| format!("<U+{code}> cannot be seen"))
    });
    words.chain(signs).chain(unseen).collect::<Vec<_>>().into_iter()
}

/// The characters that are not ASCII, by their numbers.
fn codes(word: &str) -> String {
    let odd = word.chars().filter(|c| !c.is_ascii()).take(4);
    odd.map(|c| format!("U+{:04X}", u32::from(c))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn what_looks_alike_is_found_with_path_and_line() {
        let difference = "diff --git a/аdmin.rs b/аdmin.rs\nnew file mode 100644\ndiff --git a/app.rs b/app.rs\n--- a/app.rs\n+++ b/app.rs\n@@ -1,2 +7,4 @@\n one\n-раypal\n+let раypal = 1\u{37e}\n+if \u{455}\u{441}\u{43e}\u{440}\u{435} {}\n+fine\n+\u{1d41a}dmin <U+2800>\n";
        assert_eq!(
            find(difference),
            [
                "the path аdmin.rs: `аdmin` mixes letters of several scripts (U+0430)",
                "app.rs:8: `раypal` mixes letters of several scripts (U+0440 U+0430)",
                "app.rs:8: `\u{37e}` (U+037E) reads like `;`",
                "app.rs:9: `ѕсоре` reads like ASCII and is not (U+0455 U+0441 U+043E U+0440)",
                "app.rs:11: `\u{1d41a}dmin` reads like ASCII and is not (U+1D41A)",
                "app.rs:11: <U+2800> cannot be seen",
            ]
        );
    }

    #[test]
    fn paths_that_look_the_same_or_are_no_text_are_found() {
        let twins = ["caf\u{e9}/x", "cafe\u{301}/x", "a<0xE9>", "na\u{ef}ve b/y"];
        let difference: String = twins.iter().map(|path| format!("diff --git a/{path} b/{path}\n")).collect();
        assert_eq!(
            find(&difference),
            [
                "the path a<0xE9>: it has bytes that are no UTF-8, or writes like them",
                "the path cafe\u{301}/x: its accents are characters of their own (U+0301)",
                "the path caf\u{e9}/x: another changed path looks the same (U+0301)",
            ]
        );
    }

    #[test]
    fn ordinary_text_of_any_language_is_left_alone() {
        let text =
            "naïve Größe 日本語のテスト 中文（注释）：好，是 שלום мир привет “quoted” – a… 10×2 ❤️ déjà";
        assert_eq!(find(&format!("+++ b/a.md\n@@ -0,0 +1 @@\n+{text}\n")), [""; 0]);
    }
}
