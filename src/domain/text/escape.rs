//! What is not seen in a text, or changes how the rest of it is seen, written out.
//!
//! Control characters, characters that turn the direction of text, and those without width show a person or
//! a model one thing and a machine another ("Trojan Source", CVE-2021-42574; text hidden in tag characters).
//! One table says which they are. A reviewer is shown each of them, counted ([`for_review`]); a terminal
//! gets nothing that steers it ([`for_terminal`]).

use std::collections::BTreeMap;
use std::fmt::Write;

/// What was written out, as it stands in the text, and how often.
pub type Hidden = BTreeMap<String, usize>;

/// Whether a character is not seen, or changes how others are.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD                  // soft hyphen
            | 0x034F                // combining grapheme joiner
            | 0x061C                // arabic letter mark
            | 0x115F..=0x1160       // hangul fillers
            | 0x17B4..=0x17B5       // khmer inherent vowels
            | 0x180B..=0x180F       // mongolian selectors and vowel separator
            | 0x200B..=0x200F       // zero width space and joiners, direction marks
            | 0x2028..=0x202E       // line and paragraph separators, direction embeddings and overrides
            | 0x2060..=0x206F       // word joiner, invisible operators, direction isolates
            | 0x2800                // braille blank
            | 0x3164 | 0xFFA0       // hangul fillers
            | 0xFE00..=0xFE0E       // variation selectors, but for the emoji's
            | 0xFEFF                // zero width no-break space, byte order mark
            | 0xFFF9..=0xFFFB       // interlinear annotations
            | 0x1D173..=0x1D17A     // musical formatting
            | 0xE0000..=0xE0FFF     // tags, more variation selectors
        )
}

/// Whether a character looks like a space of ASCII and is none.
fn is_blank(c: char) -> bool {
    matches!(u32::from(c), 0x00A0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F)
}

/// The text with everything hidden, and what only looks like a space, written out as `<U+202E>`, bytes that are not UTF-8 as `<0xFF>`, and what
/// that was. Line feeds and tabs stay; a carriage return before a line feed becomes `<CR>` and is not
/// counted, since it is a common line end.
pub fn for_review(bytes: &[u8]) -> (String, Hidden) {
    let mut out = String::with_capacity(bytes.len());
    let mut hidden = Hidden::new();
    let mut write_out = |out: &mut String, name: String| {
        out.push_str(&name);
        *hidden.entry(name).or_default() += 1;
    };
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        let mut before = ' ';
        while let Some(c) = chars.next() {
            // An emoji's selector is seen where it makes a picture of a sign; behind a letter it hides.
            let is_stray = c == '\u{fe0f}'
                && (before.is_alphanumeric() || before.is_ascii())
                && chars.peek() != Some(&'\u{20e3}');
            before = c;
            match c {
                '\n' | '\t' => out.push(c),
                '\r' if chars.peek() == Some(&'\n') => out.push_str("<CR>"),
                c if is_hidden(c) || is_blank(c) || is_stray => {
                    write_out(&mut out, format!("<U+{:04X}>", u32::from(c)))
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            write_out(&mut out, format!("<0x{byte:02X}>"));
        }
    }
    (out, hidden)
}

/// The text with everything hidden written out: control characters as their pictures (`␛`), the rest as
/// `<U+202E>`. Line ends and tabs stay; carriage returns before a line end and colour sequences, which say
/// nothing, go.
pub fn for_terminal(text: &str) -> String {
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
            _ if is_hidden(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "<U+{:04X}>", c as u32);
            }
            _ => out.push(c),
        }
    }
    out
}

/// The text with everything hidden but control characters written out as `<U+202E>`; `None` if there is nothing
/// of that kind, or it is not text.
pub fn without_hidden(bytes: &[u8]) -> Option<String> {
    let is_written_out = |c: char| is_hidden(c) && !c.is_control();
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains(is_written_out))?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_written_out(c) {
            // Writing to a String cannot fail.
            true => drop(write!(out, "<U+{:04X}>", u32::from(c))),
            false => out.push(c),
        }
    }
    Some(out)
}

/// JSON that means the same, with everything hidden as `\u202e`: it only stands in strings there.
pub fn for_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) && !matches!(c, '\n' | '\r' | '\t') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The first line that is not empty, for a terminal, cut after so many characters.
pub fn first_line(text: &str, characters: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = for_terminal(line).replace('\t', " ");
    match line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The length of a colour sequence (`ESC [ digits and semicolons m`) at the start of the text.
fn colour_sequence(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_stays_hidden() {
        let trojan = "if (admin\u{202e} \u{2066}// check\u{2069}) \u{200b}x\u{e0041}\u{1b}[8m\u{7f}\0";
        let (text, hidden) = for_review(trojan.as_bytes());
        assert_eq!(
            text,
            "if (admin<U+202E> <U+2066>// check<U+2069>) <U+200B>x<U+E0041><U+001B>[8m<U+007F><U+0000>"
        );
        assert_eq!(hidden.len(), 8);
        assert!(!text.chars().any(is_hidden));
    }

    #[test]
    fn ordinary_text_of_any_language_stays_as_it_is() {
        let text = "fn main() {\n\tlet naïve = \"日本語 שלום ❤️\";\n}\n";
        assert_eq!(for_review(text.as_bytes()), (text.to_owned(), Hidden::new()));
    }

    #[test]
    fn what_only_looks_like_a_space_or_hides_in_a_name_is_written_out() {
        let (text, hidden) =
            for_review("a\u{2800}b\u{a0}c\u{2003}d ad\u{fe0f}min 1\u{fe0f}\u{20e3} \u{fe01}x".as_bytes());
        assert_eq!(text, "a<U+2800>b<U+00A0>c<U+2003>d ad<U+FE0F>min 1\u{fe0f}\u{20e3} <U+FE01>x");
        assert_eq!(hidden.len(), 5);
    }

    #[test]
    fn bytes_that_are_no_text_and_line_ends_are_told_apart() {
        let (text, hidden) = for_review(b"a\xff\xfeb\r\nc\rd");
        assert_eq!(text, "a<0xFF><0xFE>b<CR>\nc<U+000D>d");
        assert_eq!(
            hidden,
            Hidden::from([("<0xFF>".into(), 1), ("<0xFE>".into(), 1), ("<U+000D>".into(), 1)])
        );
    }

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
            assert_eq!(for_terminal(hostile), shown);
        }
    }

    #[test]
    fn text_for_people_stays_as_it_is() {
        assert_eq!(for_terminal("a\tb\nÄ 漢字 👍\n"), "a\tb\nÄ 漢字 👍\n");
        assert_eq!(for_terminal("one\r\ntwo\r\n"), "one\ntwo\n");
        assert_eq!(for_terminal("\u{1b}[1;31merror\u{1b}[0m: no"), "error: no");
    }

    #[test]
    fn json_keeps_its_meaning_and_hides_nothing() {
        let hostile = "a\u{202e}b\u{7f}\u{9b}\u{e0041}\u{1b}\nü 漢";
        let json = for_json(&serde_json::to_string(hostile).unwrap());
        assert!(!json.chars().any(is_hidden), "{json}");
        assert!(json.contains("\\u202e") && json.contains("ü 漢"), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }

    #[test]
    fn a_line_for_a_narrow_place_is_the_first_that_says_something() {
        assert_eq!(first_line("\n\n  Hello\tthere  \nmore", 80), "Hello there");
        assert_eq!(first_line("äöüß", 2), "äö…");
        assert_eq!(first_line("", 5), "");
    }

    #[test]
    fn a_terminal_gets_nothing_that_a_reviewer_is_warned_of() {
        let hidden = (0..=u32::from(char::MAX)).filter_map(char::from_u32).filter(|c| is_hidden(*c));
        for c in hidden.filter(|c| !matches!(c, '\n' | '\t')) {
            assert!(!for_terminal(&c.to_string()).contains(c), "U+{:04X}", u32::from(c));
            assert!(!for_review(c.to_string().as_bytes()).0.contains(c), "U+{:04X}", u32::from(c));
        }
    }
}
