//! The textual difference of two trees, with nothing hidden in it.
//!
//! git is told to treat every file as text, so that no attribute and no NUL byte hides one. What
//! comes out is read line by line and kept, byte for byte, whatever it holds. Only of a file that is data
//! and no text ([`opaque`](crate::domain::text::opaque)) the lines are put together as `<binary: 3 lines, 700 bytes; readable: …>`, with
//! every longer run of readable characters in them, under the size and id of its blobs. Paths are written
//! as `Changed::display` writes them.

use super::changed::{display, is_regular};
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
pub(super) const LARGEST: u64 = 256 << 20;

/// How many bytes of paths go on one command line.
const PATHS: usize = 64 << 10;

/// How many readable characters in a row make something to be shown of data.
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
    /// Whether what it was, and what it becomes, is summed up.
    is_opaque: (bool, bool),
    /// Whether git says no more than that it differs, since it is too large.
    is_left_out: bool,
    summary: Summary,
}

/// Lines in a row that are summed up.
#[derive(Default)]
struct Summary {
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
            let changed = self.wanted.get(path.as_slice());
            self.file = changed.map(|changed| File::new(self.sealed, changed)).transpose()?;
        } else if let Some(file) = &mut self.file {
            file.line(line);
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        file.end_summary();
        if file.is_left_out && !file.is_all_opaque() {
            return Err(hint(
                format!("{} is too large to be judged", display(&file.changed.path)),
                "split the change, or the file",
            ));
        }
        self.out.append(&mut file.header);
        if file.is_opaque.0 || file.is_opaque.1 {
            let side = |side: Option<(u32, ObjectId)>| match side {
                Some((mode, id)) if is_regular(mode) => {
                    Ok::<_, anyhow::Error>(format!("{} bytes ({id})", self.sealed.size(id)?))
                }
                Some((mode, id)) => Ok(format!("mode {mode:06o} ({id})")),
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
    fn new(sealed: &Sealed, changed: &'a Changed) -> Result<File<'a>> {
        let path = changed.display();
        let header = format!("diff --git a/{path} b/{path}\n").into_bytes();
        // What goes was there before, whatever it is called.
        let was_opaque = match changed.old {
            Some((mode, id)) if is_regular(mode) => sealed.is_garbage(id)?,
            _ => false,
        };
        let is_opaque = changed.new.map(|new| sealed.is_opaque(&changed.path, new)).transpose()?;
        Ok(File {
            changed,
            header,
            body: Vec::new(),
            in_hunk: false,
            is_opaque: (was_opaque, is_opaque.unwrap_or(false)),
            is_left_out: false,
            summary: Summary::default(),
        })
    }

    /// Whether none of its text could be shown.
    fn is_all_opaque(&self) -> bool {
        (self.is_opaque.0 || self.changed.old.is_none()) && (self.is_opaque.1 || self.changed.new.is_none())
    }

    fn line(&mut self, line: &[u8]) {
        if line.starts_with(b"@@ ") {
            self.in_hunk = true;
            self.hunk(line);
        } else if self.in_hunk {
            self.content(line);
        } else if line.starts_with(b"--- ") || line.starts_with(b"+++ ") {
            self.name(line);
        } else if line.starts_with(b"Binary files ") {
            self.is_left_out = true;
        } else {
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
        self.end_summary();
        let end = line[3..].windows(3).position(|part| part == b" @@").map_or(line.len(), |at| at + 6);
        let (numbers, under) = line.split_at(end);
        self.body.extend_from_slice(numbers);
        if !self.is_opaque.0 {
            self.body.extend_from_slice(under);
        }
        if !self.body.ends_with(b"\n") {
            self.body.push(b'\n');
        }
    }

    fn content(&mut self, line: &[u8]) {
        let (prefix, rest) = line.split_first().map_or((b' ', line), |(prefix, rest)| (*prefix, rest));
        let is_opaque = match prefix {
            b'\\' => false,
            b'-' => self.is_opaque.0,
            _ => self.is_opaque.1,
        };
        if !is_opaque {
            self.end_summary();
            self.body.push(prefix);
            shorten_runs(rest, &mut self.body);
            if !rest.ends_with(b"\n") {
                self.body.push(b'\n');
            }
        } else {
            if self.summary.prefix != prefix {
                self.end_summary();
            }
            self.summary.prefix = prefix;
            self.summary.lines += 1;
            self.summary.bytes += rest.len();
            self.summary.readable.extend(readable(rest));
        }
    }

    fn end_summary(&mut self) {
        let Summary { prefix, lines, bytes, readable } = std::mem::take(&mut self.summary);
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

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r')
}

/// The longer runs of readable characters in a line of data.
fn readable(line: &[u8]) -> impl Iterator<Item = String> {
    line.split(|byte| !is_printable(*byte))
        .map(|run| String::from_utf8_lossy(run).trim().to_owned())
        .filter(|run| run.len() >= RUN)
}

/// Copies a line; a long row of NUL bytes becomes the first and a count, so that padding costs no room.
fn shorten_runs(line: &[u8], out: &mut Vec<u8>) {
    for run in line.chunk_by(|one, two| one == two) {
        if run.len() > 8 && run[0] == 0 {
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
