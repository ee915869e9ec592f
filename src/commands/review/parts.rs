//! A difference in parts that each fit one request, and the proof that together they are the whole.
//!
//! Whole files where they fit, in the order of the difference, so that neighbours stay together; a
//! file that does not fit is split between its hunks, and a hunk between its lines. What is repeated
//! for the reviewer's sake (a file's header, where a hunk goes on) is kept apart from what is shown of
//! the difference: every byte of that stands in exactly one part, in order, or there are no parts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;

/// How a file's difference begins.
const HEADER: &str = "diff --git ";

/// More than the line takes that says where a hunk goes on, in bytes.
const GOES_ON: usize = 100;

/// What one request shows of the difference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    pieces: Vec<Piece>,
}

/// Some lines of one file's difference.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// The file, by its place among the changed ones.
    file: usize,
    /// What is said again before them.
    head: String,
    /// Where they stand in the difference.
    lines: Range<usize>,
    /// Whether they are all that differs in the file.
    is_all: bool,
}

/// Why there are no parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// One line of that file alone takes so many bytes.
    Line(usize, usize),
    /// The difference cannot be told apart by files.
    Unclear(String),
}

impl Part {
    /// The files that it shows, in order, each once.
    pub fn files(&self) -> Vec<usize> {
        let files: BTreeSet<usize> = self.pieces.iter().map(|piece| piece.file).collect();
        files.into_iter().collect()
    }

    /// The files of which it shows only some lines.
    pub fn cut(&self) -> Vec<usize> {
        let cut = self.pieces.iter().filter(|piece| !piece.is_all);
        let files: BTreeSet<usize> = cut.map(|piece| piece.file).collect();
        files.into_iter().collect()
    }

    /// What it shows of that range of the difference.
    pub fn text(&self, diff: &str, range: Range<usize>) -> String {
        let pieces = self.pieces.iter().filter(|piece| range.contains(&piece.lines.start));
        pieces.fold(String::new(), |mut text, piece| {
            text.push_str(&piece.head);
            text.push_str(&diff[piece.lines.clone()]);
            text
        })
    }
}

/// The difference of these files in as few parts as their order allows, none of more than `room` bytes;
/// a file takes its lines and `cost`. All of it in one part where that fits.
pub fn split(diff: &str, paths: &[&str], cost: &[usize], room: usize) -> Result<Vec<Part>, Unfit> {
    let mut parts: Vec<Part> = Vec::new();
    let mut left = 0;
    let mut add = |piece: Piece, takes: usize| match parts.last_mut() {
        Some(part) if takes <= left => {
            left -= takes;
            part.pieces.push(piece);
        }
        _ => {
            left = room.saturating_sub(takes);
            parts.push(Part { pieces: vec![piece] });
        }
    };
    for (file, lines) in sections(diff, paths)? {
        let takes = lines.len() + cost[file];
        if takes <= room {
            add(Piece { file, head: String::new(), lines, is_all: true }, takes);
            continue;
        }
        for piece in pieces(diff, file, lines, room.saturating_sub(cost[file]))? {
            let takes = piece.head.len() + piece.lines.len() + cost[file];
            add(piece, takes);
        }
    }
    prove(diff, paths, &parts)?;
    mark_cut(&mut parts);
    Ok(parts)
}

/// Notes of a file that several parts show that none of them shows all of it.
fn mark_cut(parts: &mut [Part]) {
    let mut shown_by = BTreeMap::<usize, usize>::new();
    for file in parts.iter().flat_map(Part::files) {
        *shown_by.entry(file).or_default() += 1;
    }
    for piece in parts.iter_mut().flat_map(|part| &mut part.pieces) {
        piece.is_all = piece.is_all && shown_by.get(&piece.file) == Some(&1);
    }
}

/// Every byte of the difference in exactly one piece, in order, and every file in a part.
fn prove(diff: &str, paths: &[&str], parts: &[Part]) -> Result<(), Unfit> {
    let mut shown = 0;
    let mut seen = vec![false; paths.len()];
    for piece in parts.iter().flat_map(|part| &part.pieces) {
        if piece.lines.start != shown || piece.lines.is_empty() {
            return Err(Unfit::Unclear(format!("its parts do not join at byte {shown}")));
        }
        shown = piece.lines.end;
        seen[piece.file] = true;
    }
    match seen.iter().position(|seen| !seen) {
        _ if shown != diff.len() => Err(Unfit::Unclear(format!("its parts end at byte {shown}"))),
        Some(missing) => Err(Unfit::Unclear(format!("no part shows {}", paths[missing]))),
        None => Ok(()),
    }
}

/// Where each file's difference stands. A file that changed its type has two, one after the other, and one
/// that several commits touch has one for each.
fn sections(diff: &str, paths: &[&str]) -> Result<Vec<(usize, Range<usize>)>, Unfit> {
    let headers: BTreeMap<String, usize> =
        paths.iter().enumerate().map(|(file, path)| (format!("{HEADER}a/{path} b/{path}\n"), file)).collect();
    let mut sections: Vec<(usize, Range<usize>)> = Vec::new();
    let mut at = 0;
    for line in diff.split_inclusive('\n') {
        // Lines of content have a mark before them: this one can only be a header.
        if line.starts_with(HEADER) {
            let file = headers.get(line).ok_or_else(|| Unfit::Unclear(format!("whose is `{line}`?")))?;
            sections.push((*file, at..at));
        }
        at += line.len();
        match sections.last_mut() {
            Some((_, lines)) => lines.end = at,
            None => return Err(Unfit::Unclear("it begins with no file".into())),
        }
    }
    Ok(sections)
}

/// A file's difference in pieces of at most `room` bytes with what is said again.
fn pieces(diff: &str, file: usize, section: Range<usize>, room: usize) -> Result<Vec<Piece>, Unfit> {
    let text = &diff[section.clone()];
    let header_end = text.find("\n@@ ").map_or(text.len(), |at| at + 1);
    let header = &text[..header_end];
    let mut pieces: Vec<Piece> = Vec::new();
    let mut start = section.start;
    let mut at = section.start + header_end;
    let mut head = String::new();
    let mut hunk = Hunk::default();
    let piece = |head: &mut String, lines| Piece { file, head: std::mem::take(head), lines, is_all: false };
    for (hunk_at, whole) in hunks(&text[header_end..]) {
        let hunk_starts = section.start + header_end + hunk_at;
        // A hunk that fits stays whole, even if the part before it stays short.
        let fits = |head: &String, from: usize, to: usize| head.len() + (to - from) <= room;
        if !fits(&head, start, hunk_starts + whole.len())
            && header.len() + whole.len() <= room
            && hunk_starts > start
        {
            pieces.push(piece(&mut head, start..hunk_starts));
            header.clone_into(&mut head);
            start = hunk_starts;
        }
        for line in whole.split_inclusive('\n') {
            if !fits(&head, start, at + line.len()) {
                if at > start {
                    pieces.push(piece(&mut head, start..at));
                    start = at;
                    header.clone_into(&mut head);
                    hunk.go_on(&mut head);
                }
                if !fits(&head, start, at + line.len()) {
                    return Err(Unfit::Line(file, line.len()));
                }
            }
            hunk.line(line);
            at += line.len();
        }
    }
    if header.len() + GOES_ON > room && pieces.is_empty() {
        return Err(Unfit::Line(file, header.len()));
    }
    pieces.push(piece(&mut head, start..section.end));
    Ok(pieces)
}

/// Each hunk with its place in the text.
fn hunks(text: &str) -> Vec<(usize, &str)> {
    let starts = text.match_indices("@@ ").map(|(at, _)| at);
    let starts: Vec<usize> = starts.filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n').collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| (*start, &text[*start..end])).collect()
}

/// How far a hunk has been shown.
#[derive(Debug, Default)]
struct Hunk {
    old: u64,
    new: u64,
    is_open: bool,
}

impl Hunk {
    /// Takes note of a line of it.
    fn line(&mut self, line: &str) {
        if let Some(numbers) = line.strip_prefix("@@ -") {
            let mut sides = numbers.split([' ', '+']).filter(|side| !side.is_empty());
            let mut first = || sides.next()?.split(',').next()?.parse().ok();
            (self.old, self.new) = (first().unwrap_or(0), first().unwrap_or(0));
            self.is_open = false;
            return;
        }
        self.is_open = true;
        let count = stands_for(&line[1.min(line.len())..]);
        match line.as_bytes().first() {
            Some(b'-') => self.old += count,
            Some(b'+') => self.new += count,
            Some(b' ') => {
                self.old += count;
                self.new += count;
            }
            _ => {}
        }
    }

    /// Says in the middle of a hunk where it goes on.
    fn go_on(&self, head: &mut String) {
        if self.is_open {
            // Writing to a string cannot fail.
            let _ = writeln!(head, "@@ -{} +{} @@ (the hunk goes on here)", self.old, self.new);
        }
    }
}

/// How many lines a line stands for: `<binary: 3 lines, 700 bytes>` for three.
fn stands_for(line: &str) -> u64 {
    let summed = line.strip_prefix("<binary: ").and_then(|rest| rest.split_once(" lines, "));
    summed.and_then(|(count, _)| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose hunks have so many lines each.
    fn changed(path: &str, hunks: &[usize]) -> String {
        let mut text =
            format!("diff --git a/{path} b/{path}\nindex 1..2 100644\n--- a/{path}\n+++ b/{path}\n");
        for (number, lines) in hunks.iter().enumerate() {
            let _ = writeln!(text, "@@ -{0},1 +{0},{lines} @@ fn x", number * 100 + 1);
            for line in 1..=*lines {
                let _ = writeln!(text, "+line {line} of {path}");
            }
        }
        text
    }

    fn split_in(diff: &str, paths: &[&str], room: usize) -> Result<Vec<Part>, Unfit> {
        split(diff, paths, &vec![10; paths.len()], room)
    }

    fn whole(part: &Part, diff: &str) -> String {
        part.text(diff, 0..diff.len())
    }

    /// What the parts show without what is said again.
    fn joined(diff: &str, parts: &[Part]) -> String {
        let pieces = parts.iter().flat_map(|part| &part.pieces);
        pieces.map(|piece| &diff[piece.lines.clone()]).collect()
    }

    #[test]
    fn whole_files_stay_whole_and_in_order() {
        let paths = ["a", "b", "c", "d"];
        let diff: String = paths.iter().map(|path| changed(path, &[3])).collect();
        let one = changed("a", &[3]).len() + 10;
        assert_eq!(split_in(&diff, &paths, 4 * one).unwrap().len(), 1);
        let parts = split_in(&diff, &paths, 2 * one + 5).unwrap();
        assert_eq!(parts.iter().map(Part::files).collect::<Vec<_>>(), [[0, 1], [2, 3]]);
        assert_eq!(whole(&parts[0], &diff) + &whole(&parts[1], &diff), diff);
        assert!(parts.iter().all(|part| part.cut().is_empty()));
    }

    #[test]
    fn every_room_shows_every_line_once_and_no_part_is_over_it() {
        let paths = ["a", "b/long/path", "c", "d"];
        let sizes: [&[usize]; 4] = [&[3], &[1, 40, 2, 2], &[90], &[1]];
        let diff: String = paths.iter().zip(sizes).map(|(path, hunks)| changed(path, hunks)).collect();
        for room in 200..diff.len() + 50 {
            let parts = split_in(&diff, &paths, room).unwrap();
            assert_eq!(joined(&diff, &parts), diff, "{room}");
            for part in &parts {
                let takes = whole(part, &diff).len() + 10 * part.files().len();
                assert!(takes <= room, "{takes} of {room}");
                // Whoever reads a part knows of every line whose it is.
                assert!(whole(part, &diff).starts_with("diff --git "), "{room}");
            }
            let mut files: Vec<usize> = parts.iter().flat_map(Part::files).collect();
            files.dedup();
            assert_eq!(files, [0, 1, 2, 3], "{room}");
        }
    }

    #[test]
    fn a_hunk_that_goes_on_says_where() {
        let diff = format!(
            "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -10,3 +20,9 @@ fn x\n{} same\n-gone\n+<binary: 3 lines, 70 bytes>\n{}",
            "+added\n".repeat(5),
            "+added\n".repeat(60)
        );
        let parts = split_in(&diff, &["a"], 230).unwrap();
        assert!(parts.len() > 2);
        assert_eq!(joined(&diff, &parts), diff);
        let mut line = 20;
        for (number, part) in parts.iter().enumerate() {
            assert_eq!(part.cut(), [0]);
            let text = whole(part, &diff);
            if number > 0 {
                let says = format!("+++ b/a\n@@ -12 +{line} @@ (the hunk goes on here)\n");
                assert!(text.contains(&says), "{says} is not in {text}");
            }
            let body = text.lines().skip_while(|line| !line.starts_with("@@")).skip(1);
            line += body
                .filter(|line| !line.starts_with('-'))
                .map(|line| if line.contains("<binary") { 3 } else { 1 })
                .sum::<usize>();
        }
    }

    #[test]
    fn a_line_that_fits_no_part_is_told() {
        let diff = format!("{}+{}\n", changed("b", &[1]), "x".repeat(1000));
        let diff = changed("a", &[1]) + &diff;
        assert_eq!(split_in(&diff, &["a", "b"], 400), Err(Unfit::Line(1, 1002)));
        assert!(matches!(split_in(&changed("a", &[1]), &["a"], 40), Err(Unfit::Line(0, _))));
    }

    #[test]
    fn what_cannot_be_told_apart_has_no_parts() {
        let diff = changed("a", &[1]) + &changed("b", &[1]);
        for paths in [["a", "c"], ["a", "a"]] {
            assert!(matches!(split_in(&diff, &paths, 10_000), Err(Unfit::Unclear(_))), "{paths:?}");
        }
        assert!(matches!(split_in(&diff, &["a", "b", "c"], 10_000), Err(Unfit::Unclear(_))));
        assert!(matches!(split_in("stray\n", &["a"], 10_000), Err(Unfit::Unclear(_))));
        // A line of content that looks like a header has a mark before it.
        let tricky = changed("a", &[1]) + "+diff --git a/b b/b\n" + &changed("b", &[1]);
        assert_eq!(split_in(&tricky, &["a", "b"], 10_000).unwrap()[0].text(&tricky, 0..tricky.len()), tricky);
    }

    #[test]
    fn a_file_that_changed_its_type_stands_twice() {
        let diff = changed("a", &[1]) + &changed("a", &[2]) + &changed("b", &[1]);
        let parts = split_in(&diff, &["a", "b"], 10_000).unwrap();
        assert_eq!(parts[0].files(), [0, 1]);
    }

    #[test]
    fn of_a_file_that_several_parts_show_each_shows_some_lines() {
        let diff = changed("a", &[1]) + &changed("b", &[1]) + &changed("a", &[2]);
        let one = changed("a", &[1]).len() + 10;
        let parts = split_in(&diff, &["a", "b"], 2 * one + 5).unwrap();
        assert_eq!(parts.iter().map(Part::files).collect::<Vec<_>>(), [vec![0, 1], vec![0]]);
        assert_eq!(parts.iter().map(Part::cut).collect::<Vec<_>>(), [[0], [0]]);
        let history = changed("a", &[1]).len() + changed("b", &[1]).len()..diff.len();
        assert_eq!(parts[0].text(&diff, history.clone()), "");
        assert_eq!(parts[1].text(&diff, history), changed("a", &[2]));
    }
}
