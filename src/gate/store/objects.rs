//! Commits, trees and blobs: read as they are, written without a checkout.
//!
//! Commits that we write are not signed: gix could only do it by starting the person's signing
//! program for each, which may ask for a passphrase in the middle of a run. What counts is the verdict
//! and the merge, which the person makes with git itself.

use super::branches::split;
use super::refs::short;
use super::{Commit, Repo, is_ref_name};
use crate::domain::error::{Result, hint, hint_on};
use anyhow::Context;
use gix::ObjectId;
use gix::date::Time;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// Of how many ends of a walk it is asked whether it went too far: those that say that they are the oldest.
const MOST_ENDS: usize = 16;

/// What to name.
const FIX: &str = "name a branch, a tag or a commit; `git branch --all` lists branches";

impl Repo {
    /// What a revision (`main~2`, `HEAD`, an id) names for git, peeled to a commit. What users write is read
    /// by [`Repo::commit_named`].
    pub fn commit_of(&self, revision: &str) -> Result<Commit> {
        let unknown = |error: gix::Error| {
            let message = format!("`{revision}` names no commit here");
            // Where a parser stopped does not help a user who mistyped a name; that an object is broken does.
            match revision.is_empty() || error.is_not_found() || error.is_validation() {
                true => hint(message, FIX),
                false => hint_on(error.into(), message, FIX),
            }
        };
        let (name, _) = split(revision);
        // git and gix would go on and find a tag that is called `refs/heads/main`.
        if name.starts_with("refs/") && is_ref_name(name) && self.find_ref(name)?.is_none() {
            return Err(hint(format!("`{revision}` names no commit here"), FIX));
        }
        let id = match self.gix.rev_parse_single(revision) {
            Ok(id) => id,
            Err(_) if self.is_unborn() && self.is_head(revision) => return Err(self.no_commit()?),
            Err(error) => return Err(unknown(error)),
        };
        let commit = id.object().and_then(|object| object.peel_to_commit());
        self.commit(commit.map_err(unknown)?.id)
    }

    /// Whether a revision is another word for HEAD.
    fn is_head(&self, revision: &str) -> bool {
        matches!(revision, "HEAD" | "@")
            || self.head_ref().is_ok_and(|head| head.as_deref() == Some(revision))
    }

    /// Whether HEAD's branch has no commit yet.
    pub fn is_unborn(&self) -> bool {
        self.gix.head().is_ok_and(|head| head.is_unborn())
    }

    pub fn commit(&self, id: ObjectId) -> Result<Commit> {
        let unreadable = || format!("commit {id} cannot be read");
        let commit = self.gix.find_commit(id).with_context(unreadable)?;
        let decoded = commit.decode().with_context(unreadable)?;
        let author = decoded.author().with_context(unreadable)?;
        let committer = decoded.committer().with_context(unreadable)?;
        Ok(Commit {
            id,
            tree: decoded.tree(),
            parents: decoded.parents().collect(),
            message: decoded.message.to_string(),
            author: person(author.name, author.email),
            committer: person(committer.name, committer.email),
            time: committer.seconds(),
        })
    }

    /// A commit's tree and parents, without the rest of it.
    pub fn tree_and_parents(&self, id: ObjectId) -> Result<(ObjectId, Vec<ObjectId>)> {
        let unreadable = || format!("commit {id} cannot be read");
        let commit = self.gix.find_commit(id).with_context(unreadable)?;
        let decoded = commit.decode().with_context(unreadable)?;
        Ok((decoded.tree(), decoded.parents().collect()))
    }

    /// The commits on the first-parent line from `tip`, newest first, up to and without `stop`; to the
    /// root when `stop` is not on that line.
    pub fn first_parents(&self, tip: ObjectId, stop: ObjectId) -> impl Iterator<Item = Result<Commit>> {
        let mut next = Some(tip);
        std::iter::from_fn(move || {
            let id = next.take().filter(|id| *id != stop)?;
            let commit = self.commit(id);
            next = commit.as_ref().ok().and_then(|commit| commit.parents.first().copied());
            // A shallow clone ends where git cut it off.
            next = next.filter(|parent| self.has(*parent));
            Some(commit)
        })
    }

    /// The commits that `head` has and `base` has not, whichever parent leads to them, `head` first.
    pub fn commits_between(
        &self,
        base: impl IntoIterator<Item = ObjectId>,
        head: ObjectId,
    ) -> Result<Vec<Commit>> {
        let ids = self.ids_between(base, head, usize::MAX)?;
        ids.into_iter().map(|id| self.commit(id)).collect()
    }

    /// The ids of the commits that `head` has and `base` has not, whichever parent leads to them, the newest
    /// first, `most` at most.
    pub fn ids_between(
        &self,
        base: impl IntoIterator<Item = ObjectId>,
        head: ObjectId,
        most: usize,
    ) -> Result<Vec<ObjectId>> {
        let base: Vec<ObjectId> = base.into_iter().collect();
        let unreadable = || format!("the history of {head} cannot be read");
        let walk = |tips: Vec<ObjectId>| self.gix.rev_walk(tips).use_commit_graph(false);
        let ids = ids_of(walk(vec![head]).with_hidden(base.clone()).all(), most).with_context(unreadable)?;
        if !self.goes_too_far(&base, &ids)? {
            return Ok(ids);
        }
        let hidden = ids_of(walk(base).all(), usize::MAX).with_context(unreadable)?;
        let hidden: HashSet<ObjectId> = hidden.into_iter().collect();
        ids_of(walk(vec![head]).selected(move |id| !hidden.contains(id)), most).with_context(unreadable)
    }

    /// Whether a walk has gone past where the histories part. It goes by the times of commits, which are their
    /// writers' words: where some of the hidden history say that they are older than they are, it is there too
    /// late. Then the commits with which the walk ends, or some of them, are in that history.
    fn goes_too_far(&self, hidden: &[ObjectId], walked: &[ObjectId]) -> Result<bool> {
        if hidden.is_empty() {
            return Ok(false);
        }
        let all: HashSet<&ObjectId> = walked.iter().collect();
        let mut ends = Vec::new();
        for id in walked {
            let (_, parents) = self.tree_and_parents(*id)?;
            if !parents.iter().any(|parent| all.contains(parent)) {
                ends.push((self.commit(*id)?.time, *id));
            }
        }
        ends.sort_unstable();
        for (_, end) in ends.into_iter().take(MOST_ENDS) {
            for tip in hidden {
                if self.is_ancestor(end, *tip)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether no more than so many commits are in one history and not in the other, as far as can be told by
    /// reading a few times as many.
    pub fn is_near(&self, one: ObjectId, other: ObjectId, most: usize) -> Result<bool> {
        let (mut sides, mut queue) = (HashMap::new(), BinaryHeap::new());
        for (id, side) in [(one, 1_u8), (other, 2)] {
            *sides.entry(id).or_default() |= side;
            queue.push((self.commit(id)?.time, id));
        }
        let (mut open, mut apart) = (queue.len(), 0);
        for _ in 0..most.saturating_mul(4) {
            let Some((_, id)) = queue.pop().filter(|_| open > 0) else { return Ok(true) };
            let side: u8 = sides.get(&id).copied().unwrap_or_default();
            if side != 3 {
                (open, apart) = (open - 1, apart + 1);
            }
            if apart > most {
                return Ok(false);
            }
            for parent in self.commit(id)?.parents {
                // A shallow clone ends somewhere.
                if !self.has(parent) {
                    continue;
                }
                let known = sides.get(&parent).copied();
                let now = known.unwrap_or_default() | side;
                sides.insert(parent, now);
                match known {
                    Some(known) if known != 3 && now == 3 => open = open.saturating_sub(1),
                    Some(_) => {}
                    None => {
                        queue.push((self.commit(parent)?.time, parent));
                        open += usize::from(now != 3);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The format of its objects' ids.
    pub fn object_format(&self) -> gix::hash::Kind {
        self.gix.object_hash()
    }

    /// Whether that object is here.
    pub fn has(&self, id: ObjectId) -> bool {
        self.gix.has_object(id)
    }

    /// Whether that object is here and is no commit.
    pub fn is_no_commit(&self, id: ObjectId) -> Result<bool> {
        let header = self.gix.try_find_header(id).with_context(|| format!("{id} cannot be read"))?;
        Ok(header.is_some_and(|header| header.kind() != gix::objs::Kind::Commit))
    }

    /// Whether the history ends where a clone cut it off.
    pub fn is_shallow(&self) -> bool {
        self.gix.is_shallow().is_ok_and(|shallow| shallow)
    }

    /// Whether a clone cut the history off at one of these commits.
    pub fn is_cut_off(&self, commits: &[ObjectId]) -> Result<bool> {
        let cut = self.gix.shallow_commits().context("where this clone was cut off cannot be read")?;
        Ok(cut.is_some_and(|cut| commits.iter().any(|commit| cut.contains(commit))))
    }

    /// A best common ancestor; none when the histories are unrelated. Criss-crossed ones have several:
    /// what a change is about is told by [`Merger::fork`](super::trees::Merger::fork).
    pub fn merge_base(&self, one: ObjectId, two: ObjectId) -> Result<Option<ObjectId>> {
        Ok(self.merge_bases(one, &[two])?.first().copied())
    }

    /// All best common ancestors of one commit and the merge, made or not, of some others. Read from the
    /// commits themselves: a commit-graph is faster, and whoever can write to the repository can forge one.
    pub fn merge_bases(&self, one: ObjectId, others: &[ObjectId]) -> Result<Vec<ObjectId>> {
        let mut graph = self.gix.revision_graph(None);
        match self.gix.merge_bases_many_with_graph(one, others, &mut graph) {
            Ok(bases) => Ok(bases.into_iter().map(gix::Id::detach).collect()),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(anyhow::Error::new(error)
                .context(format!("no common ancestor of {one} and {others:?} can be told"))),
        }
    }

    /// Whether `old` is `new` or one of its ancestors.
    pub fn is_ancestor(&self, old: ObjectId, new: ObjectId) -> Result<bool> {
        Ok(old == new || self.merge_base(old, new)? == Some(old))
    }

    /// A tree's id: of the tree itself, or of the commit with that id.
    pub fn tree_of(&self, id: ObjectId) -> Result<ObjectId> {
        let object = self.gix.find_object(id).with_context(|| format!("{id} cannot be read"))?;
        Ok(object.peel_to_tree().with_context(|| format!("{id} has no tree"))?.id)
    }

    /// The tree without entries, in this repository's object format.
    pub fn empty_tree(&self) -> ObjectId {
        self.gix.empty_tree().id
    }

    /// Writes a commit object, no ref. Author and committer are the person's identity.
    pub fn write_commit(&self, tree: ObjectId, parents: &[ObjectId], message: &str) -> Result<ObjectId> {
        let author = self.signature(self.gix.author(), "GIT_AUTHOR_DATE")?;
        let committer = self.signature(self.gix.committer(), "GIT_COMMITTER_DATE")?;
        let commit = gix::objs::Commit {
            message: message.into(),
            tree,
            author,
            committer,
            encoding: None,
            parents: parents.iter().copied().collect(),
            extra_headers: Vec::new(),
        };
        self.put(&commit).context("a commit cannot be written")
    }

    /// The tree of that name; `None` if it names something else, or nothing.
    pub fn tree_named(&self, revision: &str) -> Option<ObjectId> {
        let object = self.gix.rev_parse_single(revision).ok()?.object().ok()?;
        (object.kind == gix::objs::Kind::Tree).then_some(object.id)
    }

    /// Who and when. gix keeps the time of opening, which a long run would repeat for hours.
    fn signature(
        &self,
        who: Option<Result<gix::actor::SignatureRef<'_>, gix::Error>>,
        date: &str,
    ) -> Result<gix::actor::Signature> {
        let fix = format!("set {date} to a date that git knows, or unset it");
        let who = who.ok_or_else(no_identity)?;
        let who = who.map_err(|error| hint_on(error.into(), "no date can be told", fix))?;
        let mut signature = who.to_owned().context("the identity cannot be told")?;
        if std::env::var_os(date).is_none() {
            signature.time = Time::now_local_or_utc();
        }
        Ok(signature)
    }

    /// Who a commit made now would be by (`git commit --author` tells hooks), as `Name <address>`.
    pub fn author(&self) -> Result<String> {
        let who = self.gix.author().ok_or_else(no_identity)?;
        let who = who.context("the identity cannot be told")?;
        Ok(person(who.name, who.email))
    }

    /// The person's identity as `Name <address>`; an error says how to set one.
    pub fn identity(&self) -> Result<String> {
        let who = self.gix.committer().ok_or_else(no_identity)?;
        let who = who.context("the identity cannot be told")?;
        Ok(person(who.name, who.email))
    }

    /// HEAD names no commit: the repository has none yet, or only the branch that HEAD is on.
    pub fn no_commit(&self) -> Result<anyhow::Error> {
        let head = self.head_ref()?.unwrap_or_default();
        let others = [self.refs("refs/heads/")?, self.refs("refs/remotes/")?];
        if others.iter().any(|refs| !refs.is_empty()) {
            let branch = short(&head);
            let fix = match self.work_dir() {
                Some(_) => "name what you mean, or go back to another branch: git switch <branch>",
                None => "name what you mean",
            };
            return Ok(hint(format!("`{branch}`, which HEAD is on, has no commit yet"), fix));
        }
        let first = match self.work_dir() {
            Some(_) => "make the first one: git commit --allow-empty -m Begin",
            None => "push the first one to it, from a clone",
        };
        Ok(hint("this repository has no commit yet", first))
    }

    /// Whether an object's name begins so; several count too.
    pub fn has_like(&self, hex: &str) -> bool {
        let Ok(prefix) = gix::hash::Prefix::from_hex(hex) else { return false };
        matches!(self.gix.objects.lookup_prefix(prefix, None), Ok(Some(_)))
    }
}

/// The first commits of a walk.
fn ids_of<E>(walk: Result<gix::revision::Walk<'_>, E>, most: usize) -> Result<Vec<ObjectId>>
where
    anyhow::Error: From<E>,
{
    Ok(walk?.take(most).map(|info| info.map(|info| info.id)).collect::<Result<_, _>>()?)
}

/// A commit that depends on nothing but what it is made of: every clone makes the same.
pub(super) fn nameless(
    tree: ObjectId,
    parents: impl IntoIterator<Item = ObjectId>,
    seconds: i64,
    message: &str,
) -> gix::objs::Commit {
    let nobody = gix::actor::Signature {
        name: "git-flow-ai".into(),
        email: "nobody".into(),
        time: Time::new(seconds, 0),
    };
    gix::objs::Commit {
        message: message.into(),
        tree,
        author: nobody.clone(),
        committer: nobody,
        encoding: None,
        parents: parents.into_iter().collect(),
        extra_headers: Vec::new(),
    }
}

pub(super) fn person(name: &gix::bstr::BStr, address: &gix::bstr::BStr) -> String {
    format!("{name} <{address}>")
}

fn no_identity() -> anyhow::Error {
    hint(
        "git does not know who you are",
        "git config --global user.name \"Your Name\" && git config --global user.email you@example.com",
    )
}
