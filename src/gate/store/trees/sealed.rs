//! The git directory of our own, and what is asked in it.

use super::merge::{self, Merges, Triple};
use super::{Changed, changed, diff};
use crate::domain::error::{Hint, Result, hint_on};
use crate::domain::text::opaque;
use crate::gate::store::Repo;
use crate::gate::store::open::{CACHE, write_alternates};
use crate::gate::store::written::again_if_gone;
use crate::system::fs::temporary;
use crate::system::git;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::fs;
use std::process::Command;

/// A bare git directory of our own over the repository's objects; removed on drop.
///
/// There is one for each [`Repo`], made when first needed, so that what a merge has made is found by whoever
/// asks next. It has no attributes, no hooks, no refs, no replace refs, no grafts, no commit-graph and a config
/// of our own; git started in it sees nothing of the environment but the PATH. What merges make is
/// written into it and vanishes with it.
#[derive(Debug)]
pub struct Sealed {
    pub(super) dir: tempfile::TempDir,
    pub(super) gix: gix::Repository,
    pub(super) merges: Merges,
    /// Whether the repository is a partial clone, whose missing objects only a fetch could bring.
    make_whole: Option<String>,
}

impl Sealed {
    /// The one of that repository. Sees quarantined objects too when we run in a hook.
    pub fn over(repo: &Repo) -> Result<&Sealed> {
        if let Some(sealed) = repo.sealed.get() {
            return Ok(sealed);
        }
        let sealed = Sealed::make(repo)?;
        Ok(repo.sealed.get_or_init(|| sealed))
    }

    fn make(repo: &Repo) -> Result<Sealed> {
        let dir = temporary::create_dir("sealed")?;
        let at = dir.path();
        let format = match repo.gix.object_hash() {
            gix::hash::Kind::Sha256 => {
                "\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"
            }
            _ => "\trepositoryformatversion = 0\n",
        };
        let config = format!(
            "[gc]\n\tauto = 0\n[core]\n\tbare = true\n\tcommitGraph = false\n\tuseReplaceRefs = false\n\
             \tquotePath = false\n\tattributesFile = /dev/null\n\thooksPath = /dev/null\n{format}"
        );
        fs::create_dir_all(at.join("refs"))?;
        fs::write(at.join("HEAD"), "ref: refs/heads/none\n")?;
        fs::write(at.join("config"), config)?;
        write_alternates(&at.join("objects"), &repo.object_dirs())?;
        let gix = gix::open::Options::isolated().open_path_as_is(true).open(at);
        let mut gix = gix.context("a git directory of our own cannot be opened")?.to_thread_local();
        gix.object_cache_size_if_unset(CACHE);
        Ok(Sealed {
            dir,
            gix,
            merges: Merges::default(),
            make_whole: repo.is_partial().then(|| repo.make_whole()),
        })
    }

    /// A git command in it: no user or system config, no attributes, no replace refs, no hooks.
    pub fn git(&self) -> Command {
        git::isolated(self.dir.path())
    }

    /// Whether it sees that object.
    pub fn has(&self, id: ObjectId) -> bool {
        self.gix.has_object(id)
    }

    /// The paths that differ, sorted.
    pub fn changed(&self, base: ObjectId, head: ObjectId) -> Result<Vec<Changed>> {
        changed::between(&self.gix, base, head).map_err(|error| self.explain(error))
    }

    /// The whole textual difference of these paths (all of them when empty), in git's form, without
    /// renames. Every file is shown as text, whatever its attributes; only data that is opaque is summed up,
    /// with what is readable in it. Fails rather than leave out a path that differs.
    pub fn diff(&self, base: ObjectId, head: ObjectId, paths: &[&[u8]]) -> Result<Vec<u8>> {
        diff::between(self, base, head, paths).map_err(|error| self.explain(error))
    }

    /// Whether what a path holds is data that the difference sums up, see [`opaque`].
    pub fn is_opaque(&self, path: &[u8], (mode, id): (u32, ObjectId)) -> Result<bool> {
        if !changed::is_regular(mode) || !opaque::has_name_of_data(path, mode) {
            return Ok(false);
        }
        self.is_garbage(id)
    }

    /// Whether content is no text, or more than can be told.
    pub fn is_garbage(&self, id: ObjectId) -> Result<bool> {
        Ok(self.size(id)? > diff::LARGEST || opaque::is_garbage(&self.blob(id)?))
    }

    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        let blob = self.gix.find_blob(id).with_context(|| format!("blob {id} cannot be read"))?;
        Ok(blob.detach().data)
    }

    /// A blob's size in bytes, without reading it.
    pub fn size(&self, id: ObjectId) -> Result<u64> {
        Ok(self.gix.find_header(id).with_context(|| format!("blob {id} cannot be read"))?.size())
    }

    /// The clean three-way merge of `theirs` onto `ours` over `base`, all trees; none on a conflict.
    ///
    /// The answer is git's own, with no config, the built-in attributes of `ours` (`merge=union`, `binary`)
    /// and no merge driver: a file that names one is merged as text. The tree is in this directory only,
    /// unless it was in the repository before: see [`Sealed::copy_tree_to`].
    pub fn merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Option<ObjectId>> {
        merge::one(self, [base, ours, theirs]).map_err(|error| self.explain(error))
    }

    /// Makes all these merges with as few processes as it can, for [`Sealed::merge`] to answer at once. Why
    /// one cannot be made is left to that question.
    pub fn merge_all(&self, triples: &[Triple]) -> Result<()> {
        merge::all(self, triples)
    }

    /// What may be missing, and how to get it: nothing is fetched in the middle of a judgement.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        match &self.make_whole {
            Some(fix) if !error.chain().any(|cause| cause.is::<Hint>()) => hint_on(
                error,
                "the change cannot be read: this is a partial clone, and may lack some of its objects",
                fix,
            ),
            _ => error,
        }
    }

    /// Copies a tree that [`Sealed::merge`] made, with all that it holds and the repository lacks, into
    /// the repository's own objects.
    pub fn copy_tree_to(&self, repo: &Repo, tree: ObjectId) -> Result<()> {
        let (mut missing, mut found) = (vec![tree], Vec::new());
        while let Some(id) = missing.pop() {
            if repo.has(id) {
                continue;
            }
            let object = self.gix.find_object(id).with_context(|| format!("{id} cannot be read"))?;
            if object.kind == gix::objs::Kind::Tree {
                let tree = object.clone().into_tree();
                for entry in tree.iter() {
                    let entry = entry.with_context(|| format!("tree {id} cannot be read"))?;
                    if !entry.mode().is_commit() {
                        missing.push(entry.object_id());
                    }
                }
            }
            found.push(id);
        }
        // What a tree holds comes before it: killed in between, we must not leave a tree that is there and
        // has holes, since the next reader would believe that all of it is there.
        for id in found.into_iter().rev() {
            let object = self.gix.find_object(id).with_context(|| format!("{id} cannot be read"))?;
            let write = || Ok(gix::objs::Write::write_buf(&repo.gix.objects, object.kind, &object.data)?);
            let written = again_if_gone(write);
            if written.with_context(|| format!("{id} cannot be written"))? != id {
                bail!("{id} was not what its name says");
            }
        }
        Ok(())
    }
}
