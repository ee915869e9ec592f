//! What encloses a line of a text, whatever language that is in: by indentation, blank lines and a few words.

/// How many lines above an enclosing one may say what it begins.
const LONGEST_HEADING: usize = 40;

/// The lines that enclose a line, from the inside out: by indentation, without those that only close
/// something. A line that goes on with what began before it (`else:`, `} catch {`, a `{` of its own) brings the
/// line that it belongs to; a block that nothing names (an object in a list) is known by what else is in it. A
/// line that is not indented stands under the nearest heading, as formats without indentation write it:
/// `[section]`, `# Title`, an underlined title. An empty line stands where the line before it does.
pub(super) fn enclosing<'a>(lines: &[&'a [u8]], at: usize) -> Vec<&'a [u8]> {
    let at = (1..=at).rev().find(|at| !is_blank(lines[*at])).unwrap_or(0);
    let mut depth = depth_of(lines[at]);
    let mut enclosing = Vec::new();
    for above in (0..at).rev().filter(|above| !is_blank(lines[*above])) {
        if depth == 0 {
            break;
        }
        let line = lines[above];
        if depth_of(line) >= depth || only_closes(line) {
            continue;
        }
        depth = depth_of(line);
        enclosing.push(line);
        let heading = heading(lines, above);
        if heading.is_empty() && only_opens(line) {
            enclosing.extend(siblings(lines, above, at));
        }
        enclosing.extend(heading);
    }
    if indentation(lines[at]) == 0 {
        let is_heading = |above: &usize| {
            let is_underlined =
                *above + 1 < at && is_underline(lines[*above + 1]) && !is_blank(lines[*above]);
            is_underlined || lines[*above].starts_with(b"[") || lines[*above].starts_with(b"#")
        };
        enclosing.extend((0..at).rev().find(is_heading).map(|above| lines[above]));
    }
    enclosing
}

/// What stands above an enclosing line, as deep as it, and says with it what it begins: a line that does not
/// say so by itself (`else:`, a `{` of its own, `#endif`, a label) brings those above it, up to one that does or
/// to a blank line; one that closes brackets of several lines brings what is in them, but for parameters;
/// decorators belong to what they stand on.
fn heading<'a>(lines: &[&'a [u8]], at: usize) -> Vec<&'a [u8]> {
    let depth = depth_of(lines[at]);
    let mut heading = Vec::new();
    let mut below = at;
    while heading.len() < LONGEST_HEADING {
        let is_parted = below > 0 && is_blank(lines[below - 1]) && !goes_on(lines[below]);
        let above =
            (0..below).rev().find(|above| !is_blank(lines[*above]) && depth_of(lines[*above]) <= depth);
        let Some(above) = above.filter(|above| !is_parted && depth_of(lines[*above]) == depth) else { break };
        let (line, next) = (lines[above], lines[below]);
        if (begins_by_itself(next) || is_decorator(next)) && !is_decorator(line) {
            break;
        }
        let closes_brackets = matches!(next.trim_ascii().first(), Some(b')' | b']' | b'>'));
        if closes_brackets && !DEFINING.contains(&first_word(line)) {
            heading.extend(lines[above + 1..below].iter().filter(|line| !is_blank(line)));
        }
        let is_beside = is_case(next) && is_case(line);
        if !only_closes(line) && !only_opens(line) && !is_beside {
            heading.push(line);
        }
        below = above;
    }
    heading
}

/// The other lines of the block that begins there, as deep as its first.
fn siblings<'a>(lines: &[&'a [u8]], opening: usize, at: usize) -> Vec<&'a [u8]> {
    let depth = depth_of(lines[opening]);
    let inside: Vec<usize> = (opening + 1..lines.len())
        .take_while(|index| is_blank(lines[*index]) || depth_of(lines[*index]) > depth)
        .filter(|index| !is_blank(lines[*index]))
        .collect();
    let Some(first) = inside.first().map(|first| depth_of(lines[*first])) else { return Vec::new() };
    let others = inside.into_iter().filter(|index| *index != at && depth_of(lines[*index]) == first);
    others.map(|index| lines[index]).collect()
}

/// How a line begins that goes on with a statement above it.
const GOING_ON: [&[u8]; 14] = [
    b"else", b"elif", b"elsif", b"elseif", b"except", b"catch", b"finally", b"rescue", b"ensure", b"case",
    b"default", b"when", b"then", b"do",
];

fn first_word(line: &[u8]) -> &[u8] {
    line.trim_ascii().split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// How a line begins whose brackets hold parameters, and no condition.
const DEFINING: [&[u8]; 10] =
    [b"def", b"async", b"class", b"fn", b"pub", b"func", b"function", b"export", b"public", b"private"];

/// Whether a line goes on with a statement that began above it, at the same depth.
fn goes_on(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    GOING_ON.contains(&first_word(line))
        || (matches!(text.first(), Some(b')' | b'}' | b']')) && !only_closes(line))
}

/// Whether a line is one of several cases that stand side by side.
fn is_case(line: &[u8]) -> bool {
    [&b"case"[..], b"default", b"when"].contains(&first_word(line))
}

/// Whether a line says what it begins without those above it: it opens a block and names it, or is a tag.
fn begins_by_itself(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    let is_tag = text.starts_with(b"<") && text.get(1).is_some_and(u8::is_ascii_alphabetic);
    let opens = matches!(text.last(), Some(b'{' | b'[' | b'(' | b':' | b'='));
    // A label is written as the key of a mapping is, but where nothing is indented at its left.
    let is_label = indentation(line) == 0 && first_word(line).len() + 1 == text.len() && text.ends_with(b":");
    is_tag || is_item(text) || (opens && !goes_on(line) && !only_opens(line) && !is_label)
}

/// Whether a line is an item of a list, as Markdown and YAML write it.
fn is_item(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mark = if digits > 0 { &text[digits..] } else { text };
    let marks: &[&[u8]] = if digits > 0 { &[b". ", b") "] } else { &[b"- ", b"* ", b"+ "] };
    marks.iter().any(|own| mark.starts_with(own))
}

fn is_decorator(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text.starts_with(b"@") || text.starts_with(b"#[")
}

/// Whether a line only ends something: brackets and punctuation.
fn only_closes(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    matches!(text.first(), Some(b')' | b'}' | b']')) && text.iter().all(|byte| b")}];,".contains(byte))
}

/// Whether a line only begins something.
fn only_opens(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    !text.is_empty() && text.iter().all(|byte| b"({[-".contains(byte))
}

/// Whether a line makes a title of the one above it, as in Markdown and reStructuredText.
fn is_underline(line: &[u8]) -> bool {
    let text = line.trim_ascii_end();
    text.len() > 2 && b"=-~^\"*".iter().any(|mark| text.iter().all(|byte| byte == mark))
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

fn indentation(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}

/// How deep a line stands. An item of a list stands below what is as far left as its dash.
fn depth_of(line: &[u8]) -> usize {
    let is_item = line.trim_ascii_start().starts_with(b"- ") || line.trim_ascii() == b"-";
    2 * indentation(line) + usize::from(is_item)
}

#[cfg(test)]
mod tests {
    use super::enclosing;

    #[test]
    fn an_enclosing_line_is_found_by_indentation_or_heading() {
        let text = b"[deps]\na = 1\nfn x() {\n    if y {\n        z;\n    }\n\n    w;\n";
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let place = |at| enclosing(&lines, at).into_iter().map(String::from_utf8_lossy).collect::<Vec<_>>();
        assert_eq!(place(1), ["[deps]"]);
        assert_eq!(place(4), ["    if y {", "fn x() {"]);
        assert_eq!(place(6), ["fn x() {"], "after a line that only closes");
        assert_eq!(place(7), ["fn x() {"]);
    }
}
