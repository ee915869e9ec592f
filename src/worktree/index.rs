//! A scratch index: our own copy of what git wrote at checkout, and git commands on it.

use super::Worktree;
use super::bounded::{Ended, input, run};
use crate::error::Result;
use crate::sandbox::Enclosed;
use anyhow::Context;
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

/// A scratch index, which goes when it is dropped.
pub(super) struct Index<'a> {
    worktree: &'a Worktree,
    file: PathBuf,
}

impl Drop for Index<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_file(self.file.with_extension("lock"));
    }
}

impl<'a> Index<'a> {
    /// The index as it was after checkout, its time included: git takes a file for unchanged only when
    /// it is older than the index.
    pub fn copy_of(worktree: &'a Worktree) -> Result<Index<'a>> {
        let (from, file) = (worktree.record.index(), worktree.record.scratch_index()?);
        fs::copy(&from, &file).context("cannot copy the index of the checkout")?;
        File::options().write(true).open(&file)?.set_modified(from.metadata()?.modified()?)?;
        Ok(Index { worktree, file })
    }

    /// Keeps it as what was harvested last.
    pub fn keep(&self) -> Result<()> {
        fs::rename(&self.file, self.worktree.record.scratch("index.last")).context("cannot keep the index")
    }

    fn git(&self, args: &[&str]) -> Result<Enclosed> {
        let mut command = self.worktree.git();
        command.env("GIT_INDEX_FILE", &self.file).args(args);
        self.worktree.enclose(command, false)
    }

    /// Runs git on the index; it reads these paths, and must exit with one of these codes.
    fn run(&self, args: &[&str], paths: Stdio, codes: &[i32]) -> Result<Ended> {
        let Enclosed { mut command, keep: _keep, .. } = self.git(args)?;
        run(args.first().unwrap_or(&""), command.stdin(paths), codes)
    }

    /// The items of a command's output, which are separated by NUL.
    pub fn list(&self, args: &[&str]) -> Result<Vec<Vec<u8>>> {
        Ok(self.run(args, Stdio::null(), &[0])?.items())
    }

    /// The same, of a command that reads paths; it may also exit with 1 to say that there is none.
    fn filter<'p>(&self, args: &[&str], paths: impl IntoIterator<Item = &'p Vec<u8>>) -> Result<Ended> {
        self.run(args, input(paths)?, &[0, 1])
    }

    /// The paths of submodules.
    pub fn submodules(&self) -> Result<BTreeSet<Vec<u8>>> {
        let entries = self.list(&["ls-files", "--stage", "-z"])?;
        let links = entries.iter().filter(|entry| entry.starts_with(b"160000 "));
        Ok(links.filter_map(|entry| entry.split(|byte| *byte == b'\t').nth(1).map(<[u8]>::to_vec)).collect())
    }

    /// Takes out what is ignored.
    pub fn without_ignored<T>(&self, mut paths: BTreeMap<Vec<u8>, T>) -> Result<BTreeMap<Vec<u8>, T>> {
        if paths.is_empty() {
            return Ok(paths);
        }
        let ended = self.filter(&["check-ignore", "--no-index", "-z", "--stdin"], paths.keys())?;
        for ignored in ended.items() {
            paths.remove(&ignored);
        }
        Ok(paths)
    }

    /// Takes the paths in (or out), and returns those whose names git refuses.
    pub fn update(&self, how: &[&str], paths: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let args = [&["update-index"], how, &["-z", "--stdin"]].concat();
        let ended = self.run(&args, input(paths)?, &[0])?;
        if !ended.stderr.starts_with(b"Ignoring path ") && !ended.said().contains("\nIgnoring path ") {
            return Ok(Vec::new());
        }
        // Names can hold line breaks and anything else that git says, so only the index tells which.
        let taken = self.tracked(paths)?;
        Ok(paths.iter().filter(|path| !taken.contains(*path)).cloned().collect())
    }

    pub fn write_tree(&self) -> Result<ObjectId> {
        let ended = self.run(&["write-tree"], Stdio::null(), &[0])?;
        Ok(ObjectId::from_hex(ended.stdout.trim_ascii())?)
    }

    pub fn changed_from(&self, base: ObjectId, tree: ObjectId) -> Result<usize> {
        let (base, tree) = (format!("{base}^{{tree}}"), tree.to_string());
        Ok(self.list(&["diff-tree", "-r", "--no-renames", "--name-only", "-z", &base, &tree])?.len())
    }

    /// Which of these paths some filter of the person's takes, such as one for large files.
    pub fn filtered(&self, paths: &[Vec<u8>]) -> Result<BTreeSet<Vec<u8>>> {
        let ended = self.filter(&["check-attr", "-z", "--stdin", "filter"], paths)?;
        let fields: Vec<&[u8]> = ended.stdout.split(|byte| *byte == 0).collect();
        let known = &self.worktree.place.settings.filters;
        let taken =
            fields.chunks_exact(3).filter(|answer| known.iter().any(|name| name.as_bytes() == answer[2]));
        Ok(taken.map(|answer| answer[0].to_vec()).collect())
    }

    /// Which of these paths it holds.
    pub fn tracked(&self, paths: &[Vec<u8>]) -> Result<BTreeSet<Vec<u8>>> {
        let asked: BTreeSet<&Vec<u8>> = paths.iter().collect();
        let all = self.list(&["ls-files", "-z"])?.into_iter();
        Ok(all.filter(|path| asked.contains(path)).collect())
    }
}
