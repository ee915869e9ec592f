//! The textual difference of two trees, with nothing hidden in it.
//!
//! git is told to treat every file as text, so that no attribute and no NUL byte hides one. What
//! comes out is read line by line: a line of text stays as it is, NUL bytes and all; lines that are
//! no text (a picture, an archive) are put together as `<binary: 3 lines, 700 bytes; readable: …>`,
//! with every longer run of readable characters in them, so that code hidden among garbage shows. A
//! file with such lines says the size and id of its blobs. Paths are written as
//! `Changed::display` writes them.

use super::changed::display;
use super::{Changed, Sealed};
use crate::domain::error::{Result, hint};
use anyhow::{Context, bail};
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

/// How much git may print, in bytes; more is no change that anybody could judge.
const LARGEST: u64 = 256 << 20;

/// How many bytes of paths go on one command line.
const PATHS: usize = 64 << 10;

/// How many readable characters in a row make something to be shown of a line that is no text.
const RUN: usize = 6;

const OPTIONS: [&str; 14] = [
    "diff-tree",
    "-r",
    "-p",
    "--text",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--ignore-submodules=none",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--diff-algorithm=histogram",
];

/// See [`Sealed::diff`].
pub(super) fn between(sealed: &Sealed, base: ObjectId, head: ObjectId, paths: &[&[u8]]) -> Result<Vec<u8>> {
    let changed = sealed.changed(base, head)?;
    let only: BTreeSet<&[u8]> = paths.iter().copied().collect();
    let wanted: BTreeMap<&[u8], &Changed> = changed
        .iter()
        .filter(|changed| only.is_empty() || only.contains(changed.path.as_slice()))
        .map(|changed| (changed.path.as_slice(), changed))
        .collect();
    let mut printer =
        Printer { sealed, wanted: &wanted, shown: BTreeSet::new(), out: Vec::new(), file: None };
    if paths.is_empty() {
        run(sealed, base, head, &[], &mut printer)?;
    } else {
        for some in batches(wanted.keys().copied()) {
            run(sealed, base, head, &some, &mut printer)?;
        }
    }
    if let Some(left_out) = wanted.keys().find(|path| !printer.shown.contains(**path)) {
        bail!("git shows no difference of {}, which differs", display(left_out));
    }
    Ok(printer.out)
}

/// The paths in groups that fit on a command line.
fn batches<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<&'a [u8]>> {
    let mut batches: Vec<Vec<&[u8]>> = Vec::new();
    let mut room = 0;
    for path in paths {
        match batches.last_mut() {
            Some(batch) if room >= path.len() => batch.push(path),
            _ => {
                batches.push(vec![path]);
                room = PATHS;
            }
        }
        room = room.saturating_sub(path.len() + 1);
    }
    batches
}

fn run(
    sealed: &Sealed,
    base: ObjectId,
    head: ObjectId,
    paths: &[&[u8]],
    printer: &mut Printer<'_>,
) -> Result<()> {
    // To a file, since a pipe that is not read could fill up.
    let mut complaints = tempfile::tempfile().context("no temporary file")?;
    let mut command = sealed.git();
    command.args(OPTIONS).arg(base.to_string()).arg(head.to_string()).arg("--");
    command.args(paths.iter().map(|path| OsStr::from_bytes(path)));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(complaints.try_clone()?)
        .spawn()
        .context("git cannot be run")?;
    let read = child.stdout.take().context("git has no output").and_then(|out| printer.read(out));
    if read.is_err() {
        // It may still be writing; what it says no longer matters.
        let _ = child.kill();
    }
    let status = child.wait().context("git cannot be waited for")?;
    read?;
    if !status.success() {
        let mut said = String::new();
        complaints.rewind()?;
        complaints.read_to_string(&mut said).context("git's complaint cannot be read")?;
        bail!("git diff-tree failed ({status}): {}", said.trim());
    }
    Ok(())
}

/// Makes git's output what is shown.
struct Printer<'a> {
    sealed: &'a Sealed,
    wanted: &'a BTreeMap<&'a [u8], &'a Changed>,
    shown: BTreeSet<Vec<u8>>,
    out: Vec<u8>,
    file: Option<File<'a>>,
}

/// The file whose difference is being read.
struct File<'a> {
    changed: &'a Changed,
    header: Vec<u8>,
    body: Vec<u8>,
    in_hunk: bool,
    is_binary: bool,
    garbage: Garbage,
}

/// Lines in a row that are no text.
#[derive(Default)]
struct Garbage {
    prefix: u8,
    lines: usize,
    bytes: usize,
    readable: Vec<String>,
}

impl<'a> Printer<'a> {
    fn read(&mut self, out: impl Read) -> Result<()> {
        let mut out = BufReader::with_capacity(1 << 16, out.take(LARGEST + 1));
        let mut line = Vec::new();
        let mut total = 0;
        while out.read_until(b'\n', &mut line).context("git's output cannot be read")? > 0 {
            total += line.len() as u64;
            if total > LARGEST {
                return Err(hint("the difference is too large to be judged", "split the change"));
            }
            self.line(&line)?;
            line.clear();
        }
        self.end_file()
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        // Lines of a file's content have a mark before them: this one can only be git's own.
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            self.end_file()?;
            let path = path_of(names.strip_suffix(b"\n").unwrap_or(names))?;
            self.file = self.wanted.get(path.as_slice()).map(|changed| File::new(changed));
        } else if let Some(file) = &mut self.file {
            file.line(line);
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        file.end_garbage();
        self.out.append(&mut file.header);
        if file.is_binary {
            let side = |side: Option<(u32, ObjectId)>| match side {
                Some((_, id)) => Ok::<_, anyhow::Error>(format!("{} bytes ({id})", self.sealed.size(id)?)),
                None => Ok("nothing".to_owned()),
            };
            let (old, new) = (side(file.changed.old)?, side(file.changed.new)?);
            self.out.extend_from_slice(format!("<binary: {old} before, {new} after>\n").as_bytes());
        }
        self.out.append(&mut file.body);
        self.shown.insert(file.changed.path.clone());
        Ok(())
    }
}

impl<'a> File<'a> {
    fn new(changed: &'a Changed) -> File<'a> {
        let path = changed.display();
        let header = format!("diff --git a/{path} b/{path}\n").into_bytes();
        let (body, garbage) = (Vec::new(), Garbage::default());
        File { changed, header, body, in_hunk: false, is_binary: false, garbage }
    }

    fn line(&mut self, line: &[u8]) {
        if line.starts_with(b"@@ ") {
            self.in_hunk = true;
            self.hunk(line);
        } else if self.in_hunk {
            self.content(line);
        } else if line.starts_with(b"--- ") || line.starts_with(b"+++ ") {
            self.name(line);
        } else {
            self.is_binary |= line.starts_with(b"Binary files ");
            self.header.extend_from_slice(line);
        }
    }

    /// `--- a/path` or `+++ b/path`
    fn name(&mut self, line: &[u8]) {
        let path = self.changed.display();
        let name = match (line[0], line.ends_with(b"/dev/null\n")) {
            // A file may have that name: git puts `a/` or `b/` before it.
            (_, true) if line.len() == "--- /dev/null\n".len() => line.to_vec(),
            (b'-', _) => format!("--- a/{path}\n").into_bytes(),
            _ => format!("+++ b/{path}\n").into_bytes(),
        };
        self.header.extend_from_slice(&name);
    }

    /// `@@ -1,2 +3,4 @@ the line that the hunk is under`
    fn hunk(&mut self, line: &[u8]) {
        self.end_garbage();
        let end = line[3..].windows(3).position(|part| part == b" @@").map_or(line.len(), |at| at + 6);
        let (numbers, under) = line.split_at(end);
        self.body.extend_from_slice(numbers);
        if is_text(under, false) {
            self.body.extend_from_slice(under);
        }
        if !self.body.ends_with(b"\n") {
            self.body.push(b'\n');
        }
    }

    fn content(&mut self, line: &[u8]) {
        let (prefix, rest) = line.split_first().map_or((b' ', line), |(prefix, rest)| (*prefix, rest));
        let follows = self.garbage.lines > 0 && self.garbage.prefix == prefix;
        if prefix == b'\\' || is_text(rest, follows) {
            self.end_garbage();
            self.body.push(prefix);
            shorten_runs(rest, &mut self.body);
            if !rest.ends_with(b"\n") {
                self.body.push(b'\n');
            }
        } else {
            if !follows {
                self.end_garbage();
            }
            self.is_binary = true;
            self.garbage.prefix = prefix;
            self.garbage.lines += 1;
            self.garbage.bytes += rest.len();
            self.garbage.readable.extend(readable(rest));
        }
    }

    fn end_garbage(&mut self) {
        let Garbage { prefix, lines, bytes, readable } = std::mem::take(&mut self.garbage);
        if lines == 0 {
            return;
        }
        self.body.push(prefix);
        self.body.extend_from_slice(format!("<binary: {lines} lines, {bytes} bytes").as_bytes());
        if !readable.is_empty() {
            self.body.extend_from_slice(format!("; readable: {}", readable.join(" ")).as_bytes());
        }
        self.body.extend_from_slice(b">\n");
    }
}

/// The path of `a/<path> b/<path>`, which git quotes as C does when it holds something odd.
fn path_of(names: &[u8]) -> Result<Vec<u8>> {
    let unquoted = if names.starts_with(b"\"") {
        gix::quote::ansi_c::undo(names.into()).context("git's output cannot be read")?.0.to_vec()
    } else {
        // Both names are the same, and they may hold spaces: `a/X b/X` is twice X and five more.
        names.get(..names.len().saturating_sub(1) / 2).unwrap_or_default().to_vec()
    };
    let path = unquoted.strip_prefix(b"a/").context("git's output cannot be read: a path without a/")?;
    Ok(path.to_vec())
}

/// Whether a line is to be read by people. Text in an encoding that we do not know counts, unless it
/// follows a line that is no text.
fn is_text(line: &[u8], follows_garbage: bool) -> bool {
    let line: Vec<u8> = line.iter().copied().filter(|byte| *byte != 0 && *byte != b'\n').collect();
    let controls = line.iter().filter(|byte| is_control(**byte)).count();
    let printable = line.iter().filter(|byte| is_printable(**byte)).count();
    let is_utf8 = std::str::from_utf8(&line).is_ok();
    (is_utf8 && controls == 0) || printable * 10 >= line.len() * 7 || (controls == 0 && !follows_garbage)
}

/// A control character that no text has.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | 0x0c | 0x1b)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r')
}

/// The longer runs of readable characters in a line that is no text.
fn readable(line: &[u8]) -> impl Iterator<Item = String> {
    line.split(|byte| !is_printable(*byte))
        .map(|run| String::from_utf8_lossy(run).trim().to_owned())
        .filter(|run| run.len() >= RUN)
}

/// Copies a line; a long row of one control character becomes its first and a count, so that padding
/// costs no room.
fn shorten_runs(line: &[u8], out: &mut Vec<u8>) {
    for run in line.chunk_by(|one, two| one == two) {
        if run.len() > 8 && (run[0] == 0 || is_control(run[0])) {
            out.push(run[0]);
            out.extend_from_slice(format!("<{} times>", run.len()).as_bytes());
        } else {
            out.extend_from_slice(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_from_gits_header_whatever_they_hold() {
        assert_eq!(path_of(b"a/x b/y.rs b/x b/y.rs").unwrap(), b"x b/y.rs");
        assert_eq!(path_of(b"a/caf\xe9 b/caf\xe9").unwrap(), b"caf\xe9");
        assert_eq!(path_of(br#""a/a\nb\"c" "b/a\nb\"c""#).unwrap(), b"a\nb\"c");
        assert!(path_of(b"").is_err());
    }

    #[test]
    fn text_of_any_encoding_is_text_and_garbage_is_not() {
        assert!(is_text(b"let x = 1;\0\0\0\n", false), "a NUL byte hides nothing");
        assert!(is_text(b"l\0e\0t\0\n", false), "UTF-16");
        assert!(is_text("日本語\n".as_bytes(), true));
        assert!(is_text(b"caf\xe9\n", false), "Latin 1");
        assert!(is_text(b"\x8b\x8c\x93\xfa\n", false), "Shift JIS");
        assert!(is_text(b"\x1b[1mbold\x1b[0m\n", false));
        assert!(!is_text(b"\x89\x01\xff\x02\x13\xfe\x90\n", false));
        assert!(!is_text(b"\x8b\x8c\x93\xfa\n", true), "the rest of a picture");
    }

    #[test]
    fn what_is_readable_among_garbage_is_found() {
        let found: Vec<String> = readable(b"\x01\xffsystem(\"rm\")\xff\x02ab\x03").collect();
        assert_eq!(found, ["system(\"rm\")"]);
    }

    #[test]
    fn padding_costs_no_room() {
        let mut out = Vec::new();
        shorten_runs(&[b"a".as_slice(), &[0; 4096], b"b"].concat(), &mut out);
        assert_eq!(out, b"a\0<4096 times>b");
    }
}
