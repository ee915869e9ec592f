//! Makes the invisible visible: what a reviewer is shown must be what a compiler will read.
//!
//! Control characters, characters that turn the direction of text, and those of no width are the
//! means to show a person or a model one thing and a machine another ("Trojan Source",
//! CVE-2021-42574; text hidden in tag characters). They are written out as `<U+202E>`, bytes that are
//! no UTF-8 as `<0xFF>`, and counted, so that the request can list them.

use std::collections::BTreeMap;

/// What was written out, as it stands in the text, and how often.
pub type Hidden = BTreeMap<String, usize>;

/// Whether a character is not to be seen, or changes how others are.
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
            | 0x3164 | 0xFFA0       // hangul fillers
            | 0xFE00..=0xFE0E       // variation selectors, but for the emoji's
            | 0xFEFF                // zero width no-break space, byte order mark
            | 0xFFF9..=0xFFFB       // interlinear annotations
            | 0x1D173..=0x1D17A     // musical formatting
            | 0xE0000..=0xE0FFF     // tags, more variation selectors
        )
}

/// The text with everything hidden written out, and what that was. Line feeds and tabs stay; a
/// carriage return before a line feed becomes `<CR>` and is not counted, since it is a common line end.
pub fn shown(bytes: &[u8]) -> (String, Hidden) {
    let mut out = String::with_capacity(bytes.len());
    let mut hidden = Hidden::new();
    let mut write_out = |out: &mut String, name: String| {
        out.push_str(&name);
        *hidden.entry(name).or_default() += 1;
    };
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\n' | '\t' => out.push(c),
                '\r' if chars.peek() == Some(&'\n') => out.push_str("<CR>"),
                c if is_hidden(c) => write_out(&mut out, format!("<U+{:04X}>", u32::from(c))),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            write_out(&mut out, format!("<0x{byte:02X}>"));
        }
    }
    (out, hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_stays_hidden() {
        let trojan = "if (admin\u{202e} \u{2066}// check\u{2069}) \u{200b}x\u{e0041}\u{1b}[8m\u{7f}\0";
        let (text, hidden) = shown(trojan.as_bytes());
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
        assert_eq!(shown(text.as_bytes()), (text.to_owned(), Hidden::new()));
    }

    #[test]
    fn bytes_that_are_no_text_and_line_ends_are_told_apart() {
        let (text, hidden) = shown(b"a\xff\xfeb\r\nc\rd");
        assert_eq!(text, "a<0xFF><0xFE>b<CR>\nc<U+000D>d");
        assert_eq!(
            hidden,
            Hidden::from([("<0xFF>".into(), 1), ("<0xFE>".into(), 1), ("<U+000D>".into(), 1)])
        );
    }
}
