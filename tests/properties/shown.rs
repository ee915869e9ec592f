//! What approved requests showed, read off their text alone: lines, modes and contents by path.

use std::collections::{HashMap, HashSet};

/// Stands at the end of a line that has no line end.
pub const UNENDED: &str = "\\ no line end";

/// A line of a file, with the function that it stands in.
pub type Placed = (String, String);

/// How often each line was shown.
pub type Lines = HashMap<Placed, usize>;

/// What the requests said of one path.
#[derive(Debug, Default)]
pub struct OfPath {
    pub added: Lines,
    pub removed: Lines,
    /// The modes that it was shown to have or get: what is changed on the way is changed back.
    pub modes: HashSet<String>,
    pub is_deleted: bool,
    /// The ids of the contents that it was shown to get.
    pub contents: HashSet<String>,
}

/// All that was shown and approved in a world.
#[derive(Debug, Default)]
pub struct Shown {
    paths: HashMap<String, OfPath>,
}

/// The difference of one path, as far as it has been read.
#[derive(Default)]
struct Difference {
    path: String,
    is_hunk: bool,
    /// The function that the next line stands in, before and after.
    within: (String, String),
    added: Lines,
    removed: Lines,
    /// The last line: whether it was added, and which it was.
    last: Option<(bool, Placed)>,
}

impl Shown {
    pub fn of(&self, path: &str) -> Option<&OfPath> {
        self.paths.get(path)
    }

    /// Takes in what a request shows. One that shows a line in several differences of a path, the whole
    /// and the commits on the way, shows it as often as the one with most of it.
    pub fn add(&mut self, request: &str) {
        let mut most: HashMap<String, (Lines, Lines)> = HashMap::new();
        let mut open = Difference::default();
        // What ends the last one too.
        for line in request.lines().chain([">>>DATA"]) {
            // A line of content has a mark before it: these can only be the request's own.
            if line.starts_with(">>>DATA") || line.starts_with("diff --git a/") {
                let Difference { path, added, removed, .. } = std::mem::take(&mut open);
                let (most_added, most_removed) = most.entry(path).or_default();
                raise(most_added, added);
                raise(most_removed, removed);
            }
            if let Some(names) = line.strip_prefix("diff --git a/") {
                open.path = names[..(names.len() - 3) / 2].to_owned();
                self.paths.entry(open.path.clone()).or_default();
            } else if line.starts_with("@@ -") {
                open.hunk(line);
            } else if open.is_hunk {
                open.content(line);
            } else if !open.path.is_empty() {
                self.header(&open.path, line);
            }
        }
        most.remove("");
        for (path, (added, removed)) in most {
            let of_path = self.paths.entry(path).or_default();
            for (all, some) in [(&mut of_path.added, added), (&mut of_path.removed, removed)] {
                some.into_iter().for_each(|(line, count)| *all.entry(line).or_default() += count);
            }
        }
    }

    fn header(&mut self, path: &str, line: &str) {
        let of_path = self.paths.entry(path.to_owned()).or_default();
        let word = line.rsplit(' ').next().unwrap_or_default();
        let modes = ["old mode ", "new mode ", "new file mode "];
        if modes.iter().any(|mode| line.starts_with(mode)) {
            of_path.modes.insert(word.to_owned());
        } else if line.starts_with("deleted file mode ") {
            of_path.is_deleted = true;
        } else if let Some((_, new)) = line.strip_prefix("index ").and_then(|ids| ids.split_once("..")) {
            of_path.contents.insert(new.split(' ').next().unwrap_or_default().to_owned());
        }
    }
}

impl Difference {
    /// `@@ -1,2 +3,4 @@ the line that the hunk is under`
    fn hunk(&mut self, line: &str) {
        let under = line.splitn(5, ' ').nth(4).unwrap_or_default().to_owned();
        self.is_hunk = true;
        self.within = (under.clone(), under);
    }

    fn content(&mut self, line: &str) {
        let (mark, text) = line.split_at_checked(1).unwrap_or_default();
        if matches!(mark, "-" | " ") {
            enter(&mut self.within.0, text);
        }
        if matches!(mark, "+" | " ") {
            enter(&mut self.within.1, text);
        }
        match mark {
            "+" => self.count(true, (self.within.1.clone(), text.to_owned())),
            "-" => self.count(false, (self.within.0.clone(), text.to_owned())),
            " " => self.last = None,
            // `\ No newline at end of file`, said of the last line.
            "\\" => {
                if let Some((is_added, (within, text))) = self.last.take() {
                    self.count(is_added, (within, text + UNENDED));
                }
            }
            _ => self.is_hunk = false,
        }
    }

    fn count(&mut self, is_added: bool, line: Placed) {
        let lines = if is_added { &mut self.added } else { &mut self.removed };
        *lines.entry(line.clone()).or_default() += 1;
        self.last = Some((is_added, line));
    }
}

fn raise(most: &mut Lines, lines: Lines) {
    for (line, count) in lines {
        let known = most.entry(line).or_default();
        *known = count.max(*known);
    }
}

/// Goes into a function where a line begins one: as git tells them, by the first column.
pub fn enter(within: &mut String, line: &str) {
    if is_head(line) {
        *within = line.to_owned();
    }
}

pub fn is_head(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == '$')
}
