//! What was shown of a file: its lines, and where they stand.

use super::placed::Difference;
use std::collections::HashSet;

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
    use crate::domain::text::placed::tests::{TWINS, difference};

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
