//! What the commits of a change add and take away again: it enters the branch's history with them, and
//! the difference of the two ends lacks it.
//!
//! Each commit is compared with its parent, a merge with git's own merge of its parents. Of that, those
//! hunks are kept that add a line which the whole difference does not add to that file in the same place, or
//! take away a line that it keeps and no commit added; and the whole of a file that is binary, has another mode or is
//! in the end as it was. In most changes nothing is left.

use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::domain::text::placed::Difference;
use crate::domain::text::shown::ShownPlaces;
use crate::gate::store::trees::{Changed, Merger, Sealed};
use crate::gate::store::{Commit, Repo, changes};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// How a file's difference begins.
const HEADER: &[u8] = b"diff --git a/";

/// The mode of a submodule, whose commit is in another repository.
const SUBMODULE: u32 = 0o160_000;

/// How content that is no text is summed up before a file's hunks.
const BINARY: &[u8] = b"<binary: ";

/// What the whole difference lacks.
#[derive(Debug, Default)]
pub struct History {
    /// In git's form: a file's header is followed by a line that names the commit.
    pub text: Vec<u8>,
    /// The paths that it is about, as git has them and as they are displayed.
    pub paths: BTreeMap<Vec<u8>, String>,
}

/// Gathers it for a change whose whole difference is that, in at most about so many bytes: more is too much
/// to be shown.
pub fn gather(
    repo: &Repo,
    merger: &Merger<'_>,
    change: &Change,
    net: &[Changed],
    difference: &[u8],
    most: usize,
) -> Result<History> {
    let sealed = merger.sealed()?;
    let net_files: HashMap<&[u8], &Changed> =
        net.iter().map(|changed| (changed.path.as_slice(), changed)).collect();
    let net_lines = Lines::of_each(difference);
    let mut own_lines: HashMap<String, Balance> = HashMap::new();
    let mut places: HashMap<Vec<u8>, ShownPlaces> = HashMap::new();
    let mut history = History::default();
    for id in &change.commits {
        let commit = repo.commit(*id)?;
        let base = changes::own_base(repo, merger, &commit)?;
        if (base, commit.tree) == (change.base_tree, change.head_tree) {
            continue;
        }
        let changed = sealed.changed(base, commit.tree)?;
        let differs = |one: &&Changed| net_files.get(one.path.as_slice()) != Some(one);
        let files: BTreeMap<String, &Changed> =
            changed.iter().filter(differs).map(|one| (one.display(), one)).collect();
        if files.is_empty() {
            continue;
        }
        let paths: Vec<&[u8]> = files.values().map(|one| one.path.as_slice()).collect();
        let text = sealed.diff(base, commit.tree, &paths)?;
        for section in sections(&text) {
            let Some(file) = files.get(&section.path) else { continue };
            let own = own_lines.entry(section.path.clone()).or_default();
            let in_net = net_files.get(file.path.as_slice()).copied();
            let mut hunks = match lacks_all(file, in_net, &section) {
                true => section.hunks.clone(),
                false => section.lacking(net_lines.get(&section.path), own),
            };
            own.add(&section);
            let places = match places.entry(file.path.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(places_in(sealed, in_net)?),
            };
            if !are_shown(sealed, places, file)? {
                hunks.clone_from(&section.hunks);
            }
            if !hunks.is_empty() || lacks_all(file, in_net, &section) {
                section.write(&mut history.text, &commit, &hunks);
                history.paths.insert(file.path.clone(), section.path);
            }
        }
        if history.text.len() > most {
            break;
        }
    }
    Ok(history)
}

/// Where the whole difference adds and takes away lines of a file.
fn places_in(sealed: &Sealed, net: Option<&Changed>) -> Result<ShownPlaces> {
    let mut places = ShownPlaces::default();
    if let Some((old, new)) = net.map(|net| texts(sealed, net)).transpose()?
        && let Some(difference) = Difference::between(&old, &new)
    {
        places.add(&difference);
    }
    Ok(places)
}

/// Whether a commit does to a file only what is shown in the same places; from then on all of it is.
fn are_shown(sealed: &Sealed, places: &mut ShownPlaces, file: &Changed) -> Result<bool> {
    let (old, new) = texts(sealed, file)?;
    let Some(difference) = Difference::between(&old, &new) else { return Ok(false) };
    let are_shown = places.contain(&difference);
    places.add(&difference);
    Ok(are_shown)
}

/// Both versions of a file; of what is no file, nothing.
fn texts(sealed: &Sealed, file: &Changed) -> Result<(Vec<u8>, Vec<u8>)> {
    let text = |side: Option<(u32, gix::ObjectId)>| match side {
        Some((mode, id)) if mode & SUBMODULE != SUBMODULE => sealed.blob(id),
        _ => Ok(Vec::new()),
    };
    Ok((text(file.old)?, text(file.new)?))
}

/// Whether nothing of what a commit does to a file can be seen in the whole difference line by line.
fn lacks_all(own: &Changed, net: Option<&Changed>, section: &Section<'_>) -> bool {
    let Some(net) = net else { return true };
    let mode = |side: Option<(u32, gix::ObjectId)>| side.map(|(mode, _)| mode);
    match (own.old, own.new) {
        (_, None) => net.new.is_some(),
        (old, new) if mode(old) != mode(new) && mode(new) != mode(net.new) => true,
        (_, new) => section.is_binary && new != net.new,
    }
}

/// The paths of a difference whose content is summed up.
pub fn opaque(text: &[u8]) -> impl Iterator<Item = String> {
    sections(text).into_iter().filter(|section| section.is_binary).map(|section| section.path)
}

/// One file's difference.
struct Section<'a> {
    /// The path as it is displayed.
    path: String,
    /// Its first line, and the others before the hunks.
    header: (&'a [u8], &'a [u8]),
    hunks: Vec<&'a [u8]>,
    /// Whether some of it is summed up.
    is_binary: bool,
}

/// The difference by files; one that changed its type has two sections.
fn sections(text: &[u8]) -> Vec<Section<'_>> {
    let starts = |mark: &'static [u8], text: &[u8]| -> Vec<usize> {
        // Lines of content have a mark before them: one that begins so can only be git's own.
        let mut found = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(mark) {
                found.push(at);
            }
            at += line.len();
        }
        found
    };
    let between = |starts: &[usize], end: usize| -> Vec<(usize, usize)> {
        let ends = starts.iter().skip(1).copied().chain([end]);
        starts.iter().copied().zip(ends).collect()
    };
    let files = between(&starts(HEADER, text), text.len());
    let section = |(start, end): (usize, usize)| {
        let text = &text[start..end];
        let hunks = between(&starts(b"@@ ", text), text.len());
        let head = &text[..hunks.first().map_or(text.len(), |(start, _)| *start)];
        let (first, rest) =
            head.split_at(head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |at| at + 1));
        // `a/X b/X`: twice X and five more.
        let names = first.strip_prefix(b"diff --git ").unwrap_or_default().trim_ascii_end();
        let path = names.get(2..2 + names.len().saturating_sub(5) / 2).unwrap_or_default();
        Section {
            path: String::from_utf8_lossy(path).into_owned(),
            header: (first, rest),
            is_binary: rest.split(|byte| *byte == b'\n').any(|line| line.starts_with(BINARY)),
            hunks: hunks.into_iter().map(|(start, end)| &text[start..end]).collect(),
        }
    };
    files.into_iter().map(section).collect()
}

impl<'a> Section<'a> {
    /// The hunks that hold a line which is not shown elsewhere.
    fn lacking(&self, net: Option<&Lines>, own: &Balance) -> Vec<&'a [u8]> {
        let mine = Lines::of_hunks(&self.hunks);
        let nothing = Lines::default();
        let net = net.unwrap_or(&nothing);
        let lacks = |line: &&[u8]| match line.split_first() {
            Some((b'+', text)) => count(&mine.added, text) > count(&net.added, text),
            Some((b'-', text)) => count(&mine.removed, text) > count(&net.removed, text) + own.of(text),
            _ => false,
        };
        let holds_one = |hunk: &&&[u8]| hunk.split(|byte| *byte == b'\n').any(|line| lacks(&line));
        self.hunks.iter().filter(holds_one).copied().collect()
    }

    /// Writes it with these hunks only, under the name of the commit.
    fn write(&self, out: &mut Vec<u8>, commit: &Commit, hunks: &[&[u8]]) {
        let merge = if commit.parents.len() > 1 { " (a merge)" } else { "" };
        let subject = commit.subject().replace('\n', " ");
        out.extend_from_slice(self.header.0);
        out.extend_from_slice(
            format!("commit {}{merge} {subject}\n", commit.id.to_hex_with_len(10)).as_bytes(),
        );
        out.extend_from_slice(self.header.1);
        hunks.iter().for_each(|hunk| out.extend_from_slice(hunk));
    }
}

/// How often each line is added and taken away.
#[derive(Debug, Default)]
struct Lines {
    added: HashMap<Vec<u8>, usize>,
    removed: HashMap<Vec<u8>, usize>,
}

impl Lines {
    fn of_each(text: &[u8]) -> HashMap<String, Lines> {
        let mut each: HashMap<String, Lines> = HashMap::new();
        for section in sections(text) {
            each.entry(section.path.clone()).or_default().add(&section.hunks);
        }
        each
    }

    fn of_hunks(hunks: &[&[u8]]) -> Lines {
        let mut lines = Lines::default();
        lines.add(hunks);
        lines
    }

    fn add(&mut self, hunks: &[&[u8]]) {
        for line in hunks.iter().flat_map(|hunk| hunk.split(|byte| *byte == b'\n')) {
            match line.split_first() {
                Some((b'+', text)) => *self.added.entry(text.to_vec()).or_default() += 1,
                Some((b'-', text)) => *self.removed.entry(text.to_vec()).or_default() += 1,
                _ => {}
            }
        }
    }
}

/// How many of each line the commits so far have added to a file, less those that they took away.
#[derive(Debug, Default)]
struct Balance(HashMap<Vec<u8>, usize>);

impl Balance {
    fn of(&self, line: &[u8]) -> usize {
        count(&self.0, line)
    }

    fn add(&mut self, section: &Section<'_>) {
        let lines = Lines::of_hunks(&section.hunks);
        for (line, times) in lines.removed {
            self.0.entry(line).and_modify(|left| *left = left.saturating_sub(times));
        }
        for (line, times) in lines.added {
            *self.0.entry(line).or_default() += times;
        }
    }
}

fn count(lines: &HashMap<Vec<u8>, usize>, line: &[u8]) -> usize {
    lines.get(line).copied().unwrap_or_default()
}
