//! A scratch index, and git commands on it: our own copy of what git wrote at checkout, or for a worktree with layers
//! one with nothing but the paths that were touched.

use super::bounded::{GitOutput, input, run, text};
use super::left_out::LeftOutReason;
use super::{Worktree, filters};
use crate::agents::sandbox::SandboxedCommand;
use crate::domain::error::Result;
use crate::gate::store::{Repo, trees};
use crate::system::git::error::{ErrorKind, FailedFilter, GitError, ignores_paths, in_english};
use anyhow::Context;
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

/// How often files that cannot be taken are looked for among others; beyond that, others go with them.
const PATIENCE: usize = 100;

/// A path that git does not take, why, and the filter that failed.
pub(super) type Refused = (Vec<u8>, LeftOutReason, Option<FailedFilter>);

/// A scratch index, which goes when it is dropped.
pub(super) struct ScratchIndex<'a> {
    worktree: &'a Worktree,
    file: PathBuf,
    /// What it is about, if that is not all: a tree, and the paths of it that the index has.
    part: Option<(ObjectId, BTreeSet<Vec<u8>>)>,
}

impl Drop for ScratchIndex<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_file(self.file.with_extension("lock"));
    }
}

impl<'a> ScratchIndex<'a> {
    /// The index as it was after checkout, its time included: git takes a file for unchanged only if it is
    /// older than the index.
    pub fn of_checkout(worktree: &'a Worktree) -> Result<ScratchIndex<'a>> {
        let (from, file) = (worktree.record.index(), worktree.record.scratch_index()?);
        fs::copy(&from, &file).with_context(|| format!("cannot copy {}", from.display()))?;
        File::options().write(true).open(&file)?.set_modified(from.metadata()?.modified()?)?;
        Ok(ScratchIndex { worktree, file, part: None })
    }

    /// An index with what that tree has at these paths.
    pub fn of_paths(
        worktree: &'a Worktree,
        tree: ObjectId,
        paths: &BTreeSet<Vec<u8>>,
    ) -> Result<ScratchIndex<'a>> {
        let (repo, mut lines) = (Repo::open(&worktree.parent.common)?, Vec::new());
        for path in paths {
            // A file can have taken a folder's place.
            let entry = trees::entry(&repo, tree, path)?.filter(|(mode, _)| *mode != trees::FOLDER);
            if let Some((mode, id)) = entry {
                lines.extend_from_slice(format!("{mode:o} {id}\t").as_bytes());
                lines.extend_from_slice(path);
                lines.push(0);
            }
        }
        let part = Some((tree, paths.clone()));
        let index = ScratchIndex { worktree, file: worktree.record.scratch_index()?, part };
        if !lines.is_empty() {
            index.run(&["update-index", "-z", "--index-info"], text(&lines)?, &[0])?;
        }
        Ok(index)
    }

    /// Keeps it as what was collected last.
    pub fn keep(&self) -> Result<()> {
        if self.part.is_some() {
            return Ok(());
        }
        fs::rename(&self.file, self.worktree.record.last_index()).context("cannot keep the index")
    }

    /// The files that are not in it, nor ignored; `folder/` for a repository inside.
    pub fn new_files(&self) -> Result<Vec<Vec<u8>>> {
        self.list(&["ls-files", "--others", "--exclude-standard", "-z"])
    }

    /// The files in it that have changed, or are gone.
    pub fn changed_files(&self) -> Result<Vec<Vec<u8>>> {
        self.list(&["diff-files", "--ignore-submodules=all", "--name-only", "-z"])
    }

    fn git(&self, args: &[&str]) -> Result<SandboxedCommand> {
        let mut command = self.worktree.git();
        in_english(&mut command).env("GIT_INDEX_FILE", &self.file).args(args);
        self.worktree.start_git(command, false)
    }

    /// Runs git on the index; it reads these paths, and must exit with one of these codes.
    fn run(&self, args: &[&str], paths: Stdio, codes: &[i32]) -> Result<GitOutput> {
        let SandboxedCommand { mut command, guard: _guard, .. } = self.git(args)?;
        run(args.first().unwrap_or(&""), command.stdin(paths), codes)
    }

    /// The items of a command's output, which are separated by NUL.
    pub fn list(&self, args: &[&str]) -> Result<Vec<Vec<u8>>> {
        Ok(self.run(args, Stdio::null(), &[0])?.items())
    }

    /// The same, of a command that reads paths; it may also exit with 1 to say that there is none.
    fn filter<'p>(&self, args: &[&str], paths: impl IntoIterator<Item = &'p Vec<u8>>) -> Result<GitOutput> {
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
        let output = self.filter(&["check-ignore", "--no-index", "-z", "--stdin"], paths.keys())?;
        for ignored in output.items() {
            paths.remove(&ignored);
        }
        Ok(paths)
    }

    /// Takes the paths in (or out), and returns those that git refuses. One whose content it cannot take
    /// makes it refuse all others with it, so that one is looked for, by halves.
    pub fn update(&self, how: &[&str], paths: &[Vec<u8>]) -> Result<Vec<Refused>> {
        let (mut refused, mut failures) = (Vec::new(), 0);
        let mut left = vec![paths];
        while let Some(paths) = left.pop() {
            match self.take(how, paths)? {
                Ok(names) => {
                    refused.extend(names.into_iter().map(|path| (path, LeftOutReason::Name, None)));
                }
                Err(why) if paths.len() == 1 || failures >= PATIENCE => {
                    let content = |path: &Vec<u8>| (path.clone(), LeftOutReason::Content, why.clone());
                    refused.extend(paths.iter().map(content));
                }
                Err(_) => {
                    failures += 1;
                    let (one, other) = paths.split_at(paths.len() / 2);
                    left.extend([other, one]);
                }
            }
        }
        Ok(refused)
    }

    /// Takes them all, but for those whose names git refuses; the inner error if one's content cannot be taken,
    /// with the filter that failed.
    fn take(&self, how: &[&str], paths: &[Vec<u8>]) -> Result<Result<Vec<Vec<u8>>, Option<FailedFilter>>> {
        if paths.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        let args = [&["update-index"], how, &["-z", "--stdin"]].concat();
        let output = match self.run(&args, input(paths)?, &[0]) {
            Ok(ended) => ended,
            Err(error) => {
                let messages = error.downcast_ref::<GitError>().map(|error| error.stderr.as_str());
                let filter = messages.and_then(|messages| filters::failed(&self.worktree.parent, messages));
                if filter.is_none() && GitError::kind_of(&error) != ErrorKind::Content {
                    return Err(error);
                }
                return Ok(Err(filter.map(|filter| FailedFilter { path: None, ..filter })));
            }
        };
        if !ignores_paths(&output.errors()) {
            return Ok(Ok(Vec::new()));
        }
        // Names can hold line breaks and anything else that git says, so only the index says which.
        let taken = self.tracked(paths)?;
        Ok(Ok(paths.iter().filter(|path| !taken.contains(*path)).cloned().collect()))
    }

    pub fn write_tree(&self) -> Result<ObjectId> {
        if let Some((tree, paths)) = &self.part {
            return self.edit(*tree, paths);
        }
        let output = self.run(&["write-tree"], Stdio::null(), &[0])?;
        Ok(ObjectId::from_hex(output.stdout.trim_ascii())?)
    }

    /// The tree with what the index has at these paths.
    fn edit(&self, tree: ObjectId, paths: &BTreeSet<Vec<u8>>) -> Result<ObjectId> {
        if paths.is_empty() {
            return Ok(tree);
        }
        let mut entries: BTreeMap<Vec<u8>, Option<trees::Entry>> =
            paths.iter().map(|path| (path.clone(), None)).collect();
        for item in self.list(&["ls-files", "--stage", "-z"])? {
            let (path, entry) = staged(&item).context("git lists its index in another way")?;
            entries.insert(path, Some(entry));
        }
        trees::edit(&Repo::open(&self.worktree.parent.common)?, tree, &entries)
    }

    /// Which of these paths some filter of the user's takes, such as one for large files.
    pub fn filtered(&self, paths: &[Vec<u8>]) -> Result<BTreeSet<Vec<u8>>> {
        let output = self.filter(&["check-attr", "-z", "--stdin", "filter"], paths)?;
        let fields: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
        let known = &self.worktree.parent.settings.filters;
        let taken = fields.chunks_exact(3).filter(|answer| {
            known.iter().any(|one| one.subsection.as_deref().map(str::as_bytes) == Some(answer[2]))
        });
        Ok(taken.map(|answer| answer[0].to_vec()).collect())
    }

    /// Which of these paths it holds.
    pub fn tracked(&self, paths: &[Vec<u8>]) -> Result<BTreeSet<Vec<u8>>> {
        let asked: BTreeSet<&Vec<u8>> = paths.iter().collect();
        let all = self.list(&["ls-files", "-z"])?.into_iter();
        Ok(all.filter(|path| asked.contains(path)).collect())
    }
}

/// An entry as `git ls-files --stage` lists it: `<mode> <id> <stage>\t<path>`.
fn staged(item: &[u8]) -> Option<(Vec<u8>, trees::Entry)> {
    let (data, path) = item.split_at(item.iter().position(|byte| *byte == b'\t')?);
    let mut fields = std::str::from_utf8(data).ok()?.split(' ');
    let mode = u32::from_str_radix(fields.next()?, 8).ok()?;
    Some((path.get(1..)?.to_vec(), (mode, ObjectId::from_hex(fields.next()?.as_bytes()).ok()?)))
}
