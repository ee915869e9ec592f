//! Differences of a text line by line, with the place of each line: what encloses it.
//!
//! Two differences of one text say the same only if their lines stand in the same places. A patch that git
//! moves to a twin of the function that it was made for has the same lines in another place, and that is
//! another change.

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};
use std::collections::{HashMap, HashSet};

/// How many lines two versions may have together: beyond, comparing them takes too long for a hook.
const MOST_LINES: usize = 200_000;

/// How many unchanged lines around a hunk belong to it.
const CONTEXT: usize = 1;

/// What turns one version of a text into another.
#[derive(Debug)]
pub struct Difference<'a> {
    old: Vec<&'a [u8]>,
    new: Vec<&'a [u8]>,
    operations: Vec<DiffOp>,
}

/// Whether a line is added or removed, the lines that enclose it from the inside out, and the line.
type Placed<'a> = (bool, Vec<&'a [u8]>, &'a [u8]);

/// The lines of a hunk: whether each was there before and is there after, and the line.
type Hunk<'a> = Vec<(DiffTag, &'a [u8])>;

impl<'a> Difference<'a> {
    /// `None` if the texts are too long to be compared.
    pub fn between(old: &'a [u8], new: &'a [u8]) -> Option<Difference<'a>> {
        let lines = |text: &'a [u8]| text.split(|byte| *byte == b'\n').collect::<Vec<_>>();
        let (old, new) = (lines(old), lines(new));
        if old.len() + new.len() > MOST_LINES {
            return None;
        }
        let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
        Some(Difference { old, new, operations })
    }

    /// The lines that the new version adds.
    pub fn added(&self) -> impl Iterator<Item = &'a [u8]> {
        self.added_at().map(|at| self.new[at])
    }

    /// The lines that the new version lacks.
    pub fn removed(&self) -> impl Iterator<Item = &'a [u8]> {
        self.removed_at().map(|at| self.old[at])
    }

    /// Whether each line that this adds or removes, and each hunk with the lines next to it, is one of
    /// `shown` in the same place. What occurs there once may be used once.
    pub fn is_within(&self, shown: &Difference<'_>) -> bool {
        is_subset(self.placed(), shown.placed()) && is_subset(self.hunks(), shown.hunks())
    }

    fn added_at(&self) -> impl Iterator<Item = usize> {
        self.changes().flat_map(DiffOp::new_range)
    }

    fn removed_at(&self) -> impl Iterator<Item = usize> {
        self.changes().flat_map(DiffOp::old_range)
    }

    fn changes(&self) -> impl Iterator<Item = &DiffOp> {
        self.operations.iter().filter(|operation| operation.tag() != DiffTag::Equal)
    }

    fn placed(&self) -> impl Iterator<Item = Placed<'a>> {
        let added = self.added_at().map(|at| (true, enclosing(&self.new, at), self.new[at]));
        added.chain(self.removed_at().map(|at| (false, enclosing(&self.old, at), self.old[at])))
    }

    fn hunks(&self) -> impl Iterator<Item = Hunk<'a>> {
        group_diff_ops(self.operations.clone(), CONTEXT).into_iter().map(|operations| self.hunk(&operations))
    }

    fn hunk(&self, operations: &[DiffOp]) -> Hunk<'a> {
        let mut lines = Vec::new();
        for operation in operations {
            let is_kept = operation.tag() == DiffTag::Equal;
            let tag = if is_kept { DiffTag::Equal } else { DiffTag::Delete };
            lines.extend(operation.old_range().map(|at| (tag, self.old[at])));
            if !is_kept {
                lines.extend(operation.new_range().map(|at| (DiffTag::Insert, self.new[at])));
            }
        }
        lines
    }
}

/// Whether all of these occur among the others, each as often at least.
fn is_subset<T: Eq + std::hash::Hash>(
    these: impl Iterator<Item = T>,
    others: impl Iterator<Item = T>,
) -> bool {
    let mut left: HashMap<T, usize> = HashMap::new();
    for other in others {
        *left.entry(other).or_default() += 1;
    }
    for one in these {
        match left.get_mut(&one) {
            Some(count) if *count > 0 => *count -= 1,
            _ => return false,
        }
    }
    true
}

/// The lines that enclose a line, from the inside out: by indentation, without the lines that only close
/// something. A line that is not indented stands under the nearest heading, as formats without indentation
/// write it: `[section]`, `# Title`. An empty line stands where the line before it does.
fn enclosing<'a>(lines: &[&'a [u8]], at: usize) -> Vec<&'a [u8]> {
    let at = (1..=at).rev().find(|at| !is_blank(lines[*at])).unwrap_or(0);
    let above = lines[..at].iter().rev().copied();
    let mut indent = indentation(lines[at]);
    if indent == 0 {
        return above.filter(|line| line.starts_with(b"[") || line.starts_with(b"#")).take(1).collect();
    }
    let mut enclosing = Vec::new();
    for line in above.filter(|line| !is_blank(line)) {
        let closes = matches!(line.trim_ascii_start().first(), Some(b')' | b'}' | b']'));
        if indentation(line) < indent && !closes {
            enclosing.push(line);
            indent = indentation(line);
        }
        if indent == 0 {
            break;
        }
    }
    enclosing
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

fn indentation(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}

/// Lines that were shown of one file, whichever difference showed them.
#[derive(Debug, Default)]
pub struct ShownLines {
    added: HashSet<Vec<u8>>,
    removed: HashSet<Vec<u8>>,
}

impl ShownLines {
    pub fn add(&mut self, difference: &Difference<'_>) {
        self.added.extend(difference.added().map(<[u8]>::to_vec));
        self.removed.extend(difference.removed().map(<[u8]>::to_vec));
    }

    /// Whether that difference adds and removes no other line.
    pub fn contain(&self, difference: &Difference<'_>) -> bool {
        difference.added().all(|line| self.added.contains(line))
            && difference.removed().all(|line| self.removed.contains(line))
    }
}

/// Lines that were shown of one file with their places, whichever difference showed them.
#[derive(Debug, Default)]
pub struct ShownPlaces {
    added: HashSet<Vec<Vec<u8>>>,
    removed: HashSet<Vec<Vec<u8>>>,
}

impl ShownPlaces {
    pub fn add(&mut self, difference: &Difference<'_>) {
        for (is_added, place) in keys(difference) {
            if is_added {
                self.added.insert(place)
            } else {
                self.removed.insert(place)
            };
        }
    }

    /// Whether that difference does nothing in a place where it was not shown: a line that goes again was
    /// shown where it came.
    pub fn contain(&self, difference: &Difference<'_>) -> bool {
        keys(difference).all(|(is_added, place)| {
            self.added.contains(&place) || (!is_added && self.removed.contains(&place))
        })
    }
}

/// What a difference adds and removes: each line with the lines that enclose it.
fn keys(difference: &Difference<'_>) -> impl Iterator<Item = (bool, Vec<Vec<u8>>)> {
    difference.placed().map(|(is_added, enclosing, line)| {
        (is_added, std::iter::once(line).chain(enclosing).map(<[u8]>::to_vec).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWINS: &str =
        "def fixture():\n    check()\n    return 1\n\ndef allowed():\n    check()\n    return 1\n";

    fn difference<'a>(old: &'a str, new: &'a str) -> Difference<'a> {
        Difference::between(old.as_bytes(), new.as_bytes()).unwrap()
    }

    #[test]
    fn a_hunk_that_moves_to_a_twin_is_another() {
        let first = TWINS.replacen("    check()\n", "", 1);
        let at = TWINS.rfind("    check()\n").unwrap();
        let second = format!("{}{}", &TWINS[..at], &TWINS[at + "    check()\n".len()..]);
        let (first, second) = (difference(TWINS, &first), difference(TWINS, &second));
        assert!(first.is_within(&first) && second.is_within(&second));
        assert!(!second.is_within(&first) && !first.is_within(&second));
    }

    #[test]
    fn the_same_lines_are_used_as_often_as_they_were_shown() {
        let once = difference("# a\n1\n2\n3\n4\n", "# a\n1\nx\n2\n3\n4\n");
        let twice = difference("# a\n1\n2\n3\n1\n2\n4\n", "# a\n1\nx\n2\n3\n1\nx\n2\n4\n");
        assert!(once.is_within(&twice));
        assert!(!twice.is_within(&once));
    }

    #[test]
    fn what_was_done_elsewhere_in_the_file_does_not_matter() {
        let shown = difference("fn a() {\n    one();\n}\n", "fn a() {\n    one();\n    two();\n}\n");
        let lands = "use x;\n\nfn b() {}\n\nfn a() {\n    one();\n}\n";
        let landed = lands.replace("    one();\n", "    one();\n    two();\n");
        assert!(difference(lands, &landed).is_within(&shown));
        let renamed = lands.replace("fn a", "fn c");
        assert!(!difference(&renamed, &landed.replace("fn a", "fn c")).is_within(&shown));
    }

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

    #[test]
    fn a_line_that_was_shown_elsewhere_is_not_contained() {
        let first = TWINS.replacen("return 1", "return 2", 1);
        let at = TWINS.rfind("return 1").unwrap();
        let second = format!("{}return 2\n", &TWINS[..at]);
        let mut shown = ShownPlaces::default();
        shown.add(&difference(TWINS, &first));
        assert!(shown.contain(&difference(TWINS, &first)));
        assert!(!shown.contain(&difference(TWINS, &second)));
        assert!(!shown.contain(&difference("def fixture():\n    return 2\n", "def fixture():\n    x\n")));
        assert!(shown.contain(&difference("def fixture():\n    return 2\n", "def fixture():\n")));
    }

    #[test]
    fn only_lines_that_were_shown_are_contained() {
        let mut shown = ShownLines::default();
        shown.add(&difference("a\n", "a\nb\n"));
        shown.add(&difference("a\nb\n", "a\n"));
        assert!(shown.contain(&difference("x\n", "b\nx\n")) && shown.contain(&difference("b\nx\n", "x\n")));
        assert!(!shown.contain(&difference("x\n", "c\nx\n")) && !shown.contain(&difference("a\nx\n", "x\n")));
    }
}
