//! Text of others made harmless for a terminal.
//!
//! What agents, models and repositories say may hold escape sequences that move the cursor, set the
//! clipboard or hide a line, and characters that turn or hide text in an editor and a terminal alike
//! (CVE-2021-42574). Nothing is dropped in silence: what could deceive is shown as what it is. Only
//! colours, which say nothing, are taken out.

use std::fmt::Write;

/// The text with everything that could deceive or steer a terminal made visible. Line ends and tabs
/// stay; a carriage return before a line's end and colour sequences go.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = colour_sequence(rest) {
            rest = &rest[length..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' | '\t' => out.push(c),
            '\r' if rest.starts_with('\n') => {}
            // U+2400 and on are pictures of the control characters: ␛, ␇, ␍.
            '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\u{7f}' => out.push('\u{2421}'),
            _ if deceives(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "<U+{:04X}>", c as u32);
            }
            _ => out.push(c),
        }
    }
    out
}

/// The same on one line: the first that holds anything, cut to so many characters.
pub fn first_line(text: &str, characters: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = plain(line).replace('\t', " ");
    match line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The length of a colour sequence (`ESC [ digits and semicolons m`) that the text starts with.
fn colour_sequence(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

/// Characters that are not seen, or that change how others are seen.
fn deceives(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'            // C1 controls: some terminals read U+009B as ESC [
        | '\u{ad}'                     // soft hyphen
        | '\u{34f}' | '\u{61c}'        // grapheme joiner, Arabic letter mark
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // fillers, seen as nothing
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'      // zero widths, direction marks
        | '\u{2028}'..='\u{202e}'      // line and paragraph separators, direction embeddings
        | '\u{2060}'..='\u{206f}'      // word joiner, direction isolates
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}'    // tags and more variation selectors: smuggle whole texts
    )
}

#[cfg(test)]
mod tests {
    use super::{first_line, plain};

    #[test]
    fn nothing_that_steers_a_terminal_survives() {
        for (hostile, shown) in [
            ("\u{1b}]52;c;cm0gLXJm\u{7}", "␛]52;c;cm0gLXJm␇"),
            ("\u{1b}[2J\u{1b}[1;1Hfine", "␛[2J␛[1;1Hfine"),
            ("approved\rrejected", "approved␍rejected"),
            ("a\u{8}b\u{0}c\u{7f}", "a␈b␀c␡"),
            ("\u{9b}31m", "<U+009B>31m"),
            ("if admin \u{202e}// safe\u{2066}", "if admin <U+202E>// safe<U+2066>"),
            ("pass\u{200b}word\u{feff}", "pass<U+200B>word<U+FEFF>"),
            ("\u{e0041}hidden", "<U+E0041>hidden"),
            ("\u{1b}[38;5;1", "␛[38;5;1"),
        ] {
            assert_eq!(plain(hostile), shown);
        }
    }

    #[test]
    fn text_for_people_stays_as_it_is() {
        assert_eq!(plain("a\tb\nÄ 漢字 👍\n"), "a\tb\nÄ 漢字 👍\n");
        assert_eq!(plain("one\r\ntwo\r\n"), "one\ntwo\n");
        assert_eq!(plain("\u{1b}[1;31merror\u{1b}[0m: no"), "error: no");
    }

    #[test]
    fn a_line_for_a_narrow_place_is_the_first_that_says_something() {
        assert_eq!(first_line("\n\n  Hello\tthere  \nmore", 80), "Hello there");
        assert_eq!(first_line("äöüß", 2), "äö…");
        assert_eq!(first_line("", 5), "");
    }
}
