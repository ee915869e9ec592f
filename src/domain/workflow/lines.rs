//! A Markdown file as lines that know what they are: heading, step, directive or text.
//!
//! What stands in a fenced code block or in a comment of several lines is text, whatever it looks
//! like (CommonMark 0.31, sections 4.2, 4.5 and 4.6). Every byte of the file is in exactly one line.

use std::ops::Range;

/// One line of a Markdown file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Its place in the file, line end included.
    pub range: Range<usize>,
    pub kind: LineKind<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind<'a> {
    /// `# Text`, with the level.
    Heading(u8, &'a str),
    /// `### [ ] Step: Name`: the name, whether the box is ticked, the box's place in the file.
    Step(&'a str, bool, usize),
    /// What was meant as a step and is none, and why.
    Misshapen(&'static str),
    /// `<!-- name: value -->`, alone on its line.
    Directive(&'a str, &'a str),
    /// Nothing but white space.
    Blank,
    Text,
    /// The opening of a code block that nothing closes: all that follows is in it.
    Unclosed,
}

/// The lines of a file.
pub fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut inside = Inside::Nothing;
    let mut opening = 0;
    let mut start = 0;
    for (index, raw) in text.split_inclusive('\n').enumerate() {
        // A byte order mark is not part of the first heading.
        let mark = if index == 0 && raw.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let content = raw[mark..].trim_end_matches(['\n', '\r']);
        let was_outside = inside == Inside::Nothing;
        inside = inside.after(content);
        let kind = match (was_outside, inside) {
            (true, Inside::Nothing) => kind(content, start + mark),
            (true, _) => {
                opening = index;
                LineKind::Text
            }
            (false, _) => LineKind::Text,
        };
        lines.push(Line { number: index + 1, range: start..start + raw.len(), kind });
        start += raw.len();
    }
    if inside != Inside::Nothing {
        lines[opening].kind = LineKind::Unclosed;
    }
    lines
}

/// What surrounds a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// A code block, with its fence's character and length.
    Fence(char, usize),
    Comment,
}

impl Inside {
    /// What surrounds the line after this one.
    fn after(self, line: &str) -> Inside {
        let fence = fence(line);
        match (self, fence) {
            (Inside::Nothing, Some((c, length, _))) => Inside::Fence(c, length),
            (Inside::Nothing, None) if opens_comment(line) => Inside::Comment,
            (Inside::Fence(c, length), Some((c2, length2, ""))) if c == c2 && length2 >= length => {
                Inside::Nothing
            }
            (Inside::Comment, _) if line.contains("-->") => Inside::Nothing,
            (same, _) => same,
        }
    }
}

/// A code fence: its character, its length, what follows it.
fn fence(line: &str) -> Option<(char, usize, &str)> {
    let line = indented(line)?;
    let c = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = line.trim_start_matches(c);
    let length = line.len() - rest.len();
    let is_fence = length >= 3 && !(c == '`' && rest.contains('`'));
    is_fence.then_some((c, length, rest.trim()))
}

/// Whether a comment begins here and goes on in the next line.
fn opens_comment(line: &str) -> bool {
    indented(line).and_then(|line| line.strip_prefix("<!--")).is_some_and(|rest| !rest.contains("-->"))
}

/// The line without an indentation that CommonMark allows a block to have; none for indented code.
fn indented(line: &str) -> Option<&str> {
    let text = line.trim_start_matches(' ');
    (line.len() - text.len() <= 3).then_some(text)
}

/// What a line outside code blocks and comments is; `start` is its place in the file.
fn kind(line: &str, start: usize) -> LineKind<'_> {
    if line.trim().is_empty() {
        return LineKind::Blank;
    }
    let Some(text) = indented(line) else { return LineKind::Text };
    if let Some((name, value)) = directive(text) {
        return LineKind::Directive(name, value);
    }
    let after_hashes = text.trim_start_matches('#');
    let level = text.len() - after_hashes.len();
    if level == 0 || level > 6 {
        return LineKind::Text;
    }
    let heading = after_hashes.trim();
    let start = start + (line.len() - after_hashes.trim_start().len());
    let glued = !after_hashes.is_empty() && !after_hashes.starts_with([' ', '\t']);
    match checkbox(heading) {
        Some((mark, name)) if level <= 3 && (glued || level == 3 || is_step_name(name)) => {
            step(level, glued, mark, name, start + 1)
        }
        None if level == 3 && !glued && is_step_name(heading) => {
            LineKind::Misshapen("a step's heading has a box: `### [ ] Step: Name`")
        }
        _ if glued => LineKind::Text,
        _ => LineKind::Heading(u8::try_from(level).unwrap_or(6), closed(heading)),
    }
}

/// A heading with a box: a step, or what was meant as one.
fn step<'a>(level: usize, glued: bool, mark: &'a str, name: &'a str, place: usize) -> LineKind<'a> {
    let done = matches!(mark, "x" | "X");
    let name = unprefixed(closed(name));
    if glued {
        LineKind::Misshapen("there is no space after the `###`")
    } else if level != 3 {
        LineKind::Misshapen("a step is a heading of the third level: `### [ ] Step: Name`")
    } else if !done && mark != " " {
        LineKind::Misshapen("a step's box is `[ ]` or `[x]`")
    } else if name.is_empty() {
        LineKind::Misshapen("the step has no name: `### [ ] Step: Name`")
    } else {
        LineKind::Step(name, done, place)
    }
}

/// `[m] rest`, where `m` is at most one character; no link.
fn checkbox(heading: &str) -> Option<(&str, &str)> {
    let (mark, rest) = heading.strip_prefix('[')?.split_once(']')?;
    let is_box = mark.chars().count() <= 1 && !rest.starts_with(['(', '[', ':']);
    is_box.then(|| (mark, rest.trim()))
}

/// Whether a heading says that it is a step: `Step: Name`, `Phase 2: Name`.
fn is_step_name(heading: &str) -> bool {
    unprefixed(heading).len() < heading.len()
}

/// The name without `Step:`, `Step 3:` or `Phase 1:`.
fn unprefixed(name: &str) -> &str {
    let Some((prefix, rest)) = name.split_once(':') else { return name };
    let mut words = prefix.split_whitespace();
    let is_prefix =
        words.next().is_some_and(|word| ["step", "phase"].contains(&word.to_lowercase().as_str()))
            && words.all(|word| word.chars().all(|c| c.is_ascii_digit() || c == '.'));
    if is_prefix { rest.trim() } else { name }
}

/// A heading without its optional closing hashes.
fn closed(heading: &str) -> &str {
    let text = heading.trim_end_matches('#');
    if text.is_empty() || text.ends_with([' ', '\t']) { text.trim_end() } else { heading }
}

/// `<!-- name: value -->`
fn directive(text: &str) -> Option<(&str, &str)> {
    let inner = text.trim_end().strip_prefix("<!--")?.strip_suffix("-->")?;
    let (name, value) = inner.split_once(':')?;
    let name = name.trim();
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    (is_name && !value.contains("-->")).then(|| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::{LineKind, lines};

    fn kind_of(line: &str) -> LineKind<'_> {
        lines(line).remove(0).kind
    }

    #[test]
    fn steps_are_known_by_their_box() {
        assert_eq!(kind_of("### [ ] Step: Survey"), LineKind::Step("Survey", false, 5));
        assert_eq!(kind_of("### [x] Step: Survey ###\r\n"), LineKind::Step("Survey", true, 5));
        assert_eq!(kind_of("\u{feff}  ### [X] Phase 1: Survey"), LineKind::Step("Survey", true, 10));
        assert_eq!(kind_of("### [ ] Step 2.1: a: b"), LineKind::Step("a: b", false, 5));
        assert_eq!(kind_of("###\t[ ] Ratio 2:1"), LineKind::Step("Ratio 2:1", false, 5));
    }

    #[test]
    fn what_was_meant_as_a_step_is_not_passed_over() {
        for line in [
            "###[ ] Step: a",
            "### [?] Step: a",
            "### [] Step: a",
            "### [-] a",
            "### Step: a",
            "### Phase 3: a",
            "## [ ] Step: a",
            "# [ ] Step: a",
            "### [ ]",
            "### [ ] Step:",
        ] {
            assert!(matches!(kind_of(line), LineKind::Misshapen(_)), "{line}: {:?}", kind_of(line));
        }
    }

    #[test]
    fn other_headings_and_comments_are_no_steps() {
        assert_eq!(kind_of("### [x](https://example.com)"), LineKind::Heading(3, "[x](https://example.com)"));
        assert_eq!(kind_of("### [Unreleased]"), LineKind::Heading(3, "[Unreleased]"));
        assert_eq!(kind_of("### Step by step"), LineKind::Heading(3, "Step by step"));
        assert_eq!(kind_of("#### [ ] Step: nested"), LineKind::Heading(4, "[ ] Step: nested"));
        assert_eq!(kind_of("# C#"), LineKind::Heading(1, "C#"));
        assert_eq!(kind_of("#hashtag"), LineKind::Text);
        assert_eq!(kind_of("    ### [ ] Step: code"), LineKind::Text);
        assert_eq!(kind_of("<!-- agent: quick-hands -->"), LineKind::Directive("agent", "quick-hands"));
        assert_eq!(kind_of("<!--id:a-->  "), LineKind::Directive("id", "a"));
        assert_eq!(kind_of("<!-- Note: think -->"), LineKind::Text);
        assert_eq!(kind_of("<!-- id: a --> <!-- after: b -->"), LineKind::Text);
    }

    #[test]
    fn nothing_inside_a_code_block_or_a_long_comment_is_read() {
        let text =
            "````md\n```\n### [ ] Step: a\n````\n<!--\n### [ ] Step: b\n<!-- id: c -->\n### [ ] Step: d\n";
        let steps: Vec<_> = lines(text)
            .into_iter()
            .filter_map(|line| match line.kind {
                LineKind::Step(name, ..) => Some((line.number, name)),
                _ => None,
            })
            .collect();
        assert_eq!(steps, [(8, "d")]);
    }

    #[test]
    fn a_block_that_nothing_closes_is_pointed_out() {
        let text = "a\n~~~ sh\n### [ ] Step: a\n```\n";
        let unclosed: Vec<_> =
            lines(text).into_iter().filter(|line| line.kind == LineKind::Unclosed).collect();
        assert_eq!(unclosed.len(), 1);
        assert_eq!(unclosed[0].number, 2);
    }

    #[test]
    fn every_byte_is_in_one_line() {
        let text = "\u{feff}# a\r\n\r\n```\nx\r\n```\n\n### [x] b";
        let joined: String = lines(text).iter().map(|line| &text[line.range.clone()]).collect();
        assert_eq!(joined, text);
    }
}
