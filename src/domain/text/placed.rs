//! Differences of a text line by line, with the place of each line: what encloses it.
//!
//! Two differences of one text say the same only if their lines stand in the same places. A patch that git
//! moves to a twin of the function that it was made for is another change.

use super::enclosing::enclosing;
use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};
use std::collections::HashMap;

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

/// How many unchanged lines around a hunk, as git shows them, tell it from others.
const AROUND: usize = 3;

/// Whether a line is added or removed, the lines that enclose it from the inside out, and the line.
pub(super) type Placed<'a> = (bool, Vec<&'a [u8]>, &'a [u8]);

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
    /// `shown` in the same place. What occurs there once may be used once; where a hunk would fit in more than
    /// one place of either text, nobody can tell which was meant.
    pub fn is_within(&self, shown: &Difference<'_>) -> bool {
        is_subset(self.placed(), shown.placed())
            && is_subset(self.hunks(), shown.hunks())
            && !self.is_ambiguous()
            && !shown.is_ambiguous()
    }

    /// Whether the lines that a hunk replaces, with those around it, stand at another place of the old text
    /// too that the same lines enclose.
    fn is_ambiguous(&self) -> bool {
        group_diff_ops(self.operations.clone(), AROUND).iter().any(|hunk| {
            let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return false };
            let range = first.old_range().start..last.old_range().end;
            let wanted = &self.old[range.clone()];
            if wanted.is_empty() {
                return false;
            }
            let place = enclosing(&self.old, range.start);
            (0..=self.old.len() - wanted.len())
                .filter(|at| *at != range.start)
                .any(|at| &self.old[at..at + wanted.len()] == wanted && enclosing(&self.old, at) == place)
        })
    }

    /// The lines that the new version adds (`true`) and those that it lacks, each as the last of the lines of
    /// its text up to there.
    pub fn changed(&self) -> impl Iterator<Item = (bool, &[&'a [u8]])> {
        let added = self.added_at().map(|at| (true, &self.new[..=at]));
        added.chain(self.removed_at().map(|at| (false, &self.old[..=at])))
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

    pub(super) fn placed(&self) -> impl Iterator<Item = Placed<'a>> {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub const TWINS: &str =
        "def fixture():\n    check()\n    return 1\n\ndef allowed():\n    check()\n    return 1\n";

    pub fn difference<'a>(old: &'a str, new: &'a str) -> Difference<'a> {
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

    /// What is shown in one block and lands in its twin, since what names the blocks was exchanged meanwhile.
    fn lands_in_a_twin(text: &str, names: [&str; 2], at: &str, with: &str) -> bool {
        let change = |text: &str| {
            let found = text.rfind(at).unwrap();
            format!("{}{with}{}", &text[..found], &text[found + at.len()..])
        };
        let swapped = text.replace(names[0], "@").replace(names[1], names[0]).replace('@', names[1]);
        let (head, landed) = (change(text), change(&swapped));
        difference(&swapped, &landed).is_within(&difference(text, &head))
    }

    #[test]
    fn a_block_is_known_by_what_names_it_wherever_that_stands() {
        let body = |call: &str| format!("    {call}\n    a()\n    b()\n    c()\n    d()\n    e()\n");
        let (p, q) = (body("p()"), body("q()"));
        let c = ("    c()\n", "    evil()\n    c()\n");
        for text in [
            format!("if admin:\n    x()\nelse:\n{p}if guest:\n    y()\nelse:\n{q}"),
            format!("int admin(void)\n{{\n{p}}}\nint guest(void)\n{{\n{q}}}\n"),
            format!("if (admin) {{\n    x()\n}} else {{\n{p}}}\nif (guest) {{\n    y()\n}} else {{\n{q}}}\n"),
            format!("switch (admin) {{\ncase 1:\n{p}}}\nswitch (guest) {{\ncase 1:\n{q}}}\n"),
        ] {
            assert!(!lands_in_a_twin(&text, ["admin", "guest"], c.0, c.1), "{text}");
        }
        for text in [
            format!(
                "int admin(void) {{\n    p();\n#ifdef X\n    d = 1;\n#endif\n{p}}}\n\nint guest(void) {{\n    q();\n#ifdef X\n    d = 1;\n#endif\n{q}}}\n"
            ),
            format!(
                "int admin(void) {{\n    p();\nout:\n{p}}}\n\nint guest(void) {{\n    q();\nout:\n{q}}}\n"
            ),
            format!(
                "if (admin)\n{{\n    x()\n}}\nelse\n{{\n{p}}}\n\nif (guest)\n{{\n    y()\n}}\nelse\n{{\n{q}}}\n"
            ),
            format!(
                "if admin:\n    x()\n# otherwise\nelse:\n{p}\nif guest:\n    y()\n# otherwise\nelse:\n{q}"
            ),
            format!(
                "if x:\n    x()\nelif admin:\n    z()\nelse:\n{p}\nif x:\n    y()\nelif guest:\n    z()\nelse:\n{q}"
            ),
            format!("if (\n    admin\n    and a\n):\n{p}\nif (\n    guest\n    and a\n):\n{q}"),
            format!("@admin\n@other\ndef f():\n{p}\n@guest\n@other\ndef f():\n{q}"),
            format!("procedure admin;\nbegin\n{p}end\n\nprocedure guest;\nbegin\n{q}end\n"),
            format!("<admin\n  a='1'\n>\n{p}</admin>\n\n<guest\n  a='1'\n>\n{q}</guest>\n"),
            format!(
                "if admin\nthen\n    cat <<X\ntext\nX\n{p}fi\n\nif guest\nthen\n    cat <<X\ntext\nX\n{q}fi\n"
            ),
        ] {
            assert!(!lands_in_a_twin(&text, ["admin", "guest"], c.0, c.1), "{text}");
        }
        let item = |name: &str, own: &str| {
            format!(
                "  {{\n    \"{name}\": 0,\n    {own},\n    \"a\": 1,\n    \"b\": 2,\n    \"c\": 3,\n    \"role\": 1\n  }}"
            )
        };
        let json = format!("[\n{},\n{}\n]\n", item("admin", "\"p\": 0"), item("guest", "\"q\": 0"));
        assert!(!lands_in_a_twin(&json, ["admin", "guest"], "\"role\": 1", "\"role\": 2"));
        let yaml = "admin:\n- p\n- a\n- b\n- c\n- d\nguest:\n- q\n- a\n- b\n- c\n- d\n";
        assert!(!lands_in_a_twin(yaml, ["admin", "guest"], "- c\n", "- c\n- evil\n"));
    }

    #[test]
    fn an_underlined_title_is_a_heading() {
        let part = |title: &str, own: &str| format!("{title}\n=====\n{own}\nx\ny\nz\nw\n\n");
        let text = format!("{}{}", part("admin", "p"), part("guest", "q"));
        assert!(!lands_in_a_twin(&text, ["admin", "guest"], "z\n", "z\nevil\n"));
    }

    #[test]
    fn a_hunk_that_fits_twice_is_in_no_place() {
        let text = "x\na\nb\nc\nd\ny\na\nb\nc\nd\n";
        let once = difference(text, "x\na\nb\nevil\nc\nd\ny\na\nb\nc\nd\n");
        assert!(once.is_within(&once), "with what is around it, there is one such place");
        let text = "x\na\nb\nc\nd\ne\nf\ny\na\nb\nc\nd\ne\nf\n";
        let twice = difference(text, "x\na\nb\nc\nevil\nd\ne\nf\ny\na\nb\nc\nd\ne\nf\n");
        assert!(!twice.is_within(&twice));
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
}
