//! A repository whose objects a test writes itself, and git's own merges in it.
//!
//! Commits are remembered, so that histories are walked without reading them again. A merge that follows
//! from the paths alone is made here; for any other git is asked.

use gix::ObjectId;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Kind, Write, WriteTo};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

pub const FILE: EntryKind = EntryKind::Blob;
pub const PROGRAM: EntryKind = EntryKind::BlobExecutable;

/// What a path holds; of a submodule the content is its commit's hex.
pub type Held = (EntryKind, Vec<u8>);

/// What a tree holds, by path.
pub type State = BTreeMap<String, Held>;

/// A commit as far as it matters here.
#[derive(Debug, Clone)]
pub struct Commit {
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
}

pub struct Repository {
    dir: tempfile::TempDir,
    gix: gix::Repository,
    commits: HashMap<ObjectId, Commit>,
    states: RefCell<HashMap<ObjectId, Rc<State>>>,
    merges: RefCell<HashMap<[ObjectId; 3], Option<ObjectId>>>,
    /// The blobs and trees that are there already: to look is cheaper than to hash and compress.
    written: RefCell<HashMap<(Kind, Vec<u8>), ObjectId>>,
}

impl Repository {
    pub fn new() -> Repository {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let dir = tempfile::Builder::new().prefix("flow-ai-world-").tempdir_in(folder).unwrap();
        let git_dir = dir.path().join(".git");
        for folder in ["objects/info", "objects/pack", "refs/heads"] {
            fs::create_dir_all(git_dir.join(folder)).unwrap();
        }
        let config = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[user]\n\tname = Ada Lovelace\n\
                      \temail = ada@example.com\n[gc]\n\tauto = 0\n";
        fs::write(git_dir.join("config"), config).unwrap();
        fs::write(git_dir.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let gix = gix::open(dir.path()).unwrap();
        Repository {
            dir,
            gix,
            commits: HashMap::new(),
            states: RefCell::default(),
            merges: RefCell::default(),
            written: RefCell::default(),
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Leaves the folder where it is, for whoever wants to look into it.
    pub fn keep(self) -> PathBuf {
        self.dir.keep()
    }

    /// Moves `main` without asking anybody.
    pub fn set_main(&self, tip: ObjectId) {
        fs::write(self.dir.path().join(".git/refs/heads/main"), format!("{tip}\n")).unwrap();
    }

    pub fn commit(&mut self, tree: ObjectId, parents: &[ObjectId], subject: &str) -> ObjectId {
        let ada = gix::actor::Signature {
            name: "Ada Lovelace".into(),
            email: "ada@example.com".into(),
            time: gix::date::Time::new(1_700_000_000 + self.commits.len() as i64 * 60, 0),
        };
        let commit = gix::objs::Commit {
            message: format!("{subject}\n").into(),
            tree,
            author: ada.clone(),
            committer: ada,
            encoding: None,
            parents: parents.iter().copied().collect(),
            extra_headers: Vec::new(),
        };
        let id = self.gix.write_object(commit).unwrap().detach();
        self.commits.insert(id, Commit { tree, parents: parents.to_vec() });
        id
    }

    pub fn at(&self, commit: ObjectId) -> &Commit {
        &self.commits[&commit]
    }

    pub fn tree(&self, commit: ObjectId) -> ObjectId {
        self.commits[&commit].tree
    }

    pub fn empty_tree(&self) -> ObjectId {
        self.gix.empty_tree().id
    }

    /// A commit and all that is behind it.
    pub fn history(&self, tip: ObjectId) -> BTreeSet<ObjectId> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![tip]);
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(&self.commits[&id].parents);
            }
        }
        seen
    }

    pub fn is_ancestor(&self, old: ObjectId, new: ObjectId) -> bool {
        self.history(new).contains(&old)
    }

    /// The commits that `head` has and `base` has not, parents first.
    pub fn between(&self, base: ObjectId, head: ObjectId) -> Vec<ObjectId> {
        let known = self.history(base);
        let (mut sorted, mut open) = (Vec::new(), vec![(head, false)]);
        while let Some((id, is_left)) = open.pop() {
            if known.contains(&id) || sorted.contains(&id) {
                continue;
            }
            if is_left {
                sorted.push(id);
            } else {
                open.push((id, true));
                open.extend(self.commits[&id].parents.iter().map(|parent| (*parent, false)));
            }
        }
        sorted
    }

    /// The first-parent line from a commit back to its root.
    pub fn line(&self, tip: ObjectId) -> Vec<ObjectId> {
        let next = |id: &ObjectId| self.commits[id].parents.first().copied();
        std::iter::successors(Some(tip), next).collect()
    }

    /// The best common ancestors.
    pub fn bases(&self, one: ObjectId, other: ObjectId) -> Vec<ObjectId> {
        let other = self.history(other);
        let common: BTreeSet<ObjectId> = self.history(one).intersection(&other).copied().collect();
        let behind: BTreeSet<ObjectId> =
            common.iter().flat_map(|id| self.commits[id].parents.iter().copied()).collect();
        common.difference(&behind).copied().collect()
    }

    /// The tree that a commit is compared with to see what it does itself: git's merge of its parents, the
    /// first one where that conflicts or their histories are crossed.
    pub fn own_base(&self, commit: ObjectId) -> ObjectId {
        let parents = &self.commits[&commit].parents;
        let Some((first, others)) = parents.split_first() else { return self.empty_tree() };
        let mut tree = self.tree(*first);
        for other in others {
            let base = match self.bases(*first, *other)[..] {
                [] => self.empty_tree(),
                [base] => self.tree(base),
                _ => return self.tree(*first),
            };
            match self.merge(base, tree, self.tree(*other)) {
                Some(merged) => tree = merged,
                None => return self.tree(*first),
            }
        }
        tree
    }

    /// What git makes of two commits; none on a conflict or where their histories are crossed.
    pub fn merge_commits(&self, ours: ObjectId, theirs: ObjectId) -> Option<ObjectId> {
        match self.bases(ours, theirs)[..] {
            [base] => self.merge(self.tree(base), self.tree(ours), self.tree(theirs)),
            _ => None,
        }
    }

    /// What git makes of `base → theirs` onto `ours`; none on a conflict.
    pub fn merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Option<ObjectId> {
        if base == ours || ours == theirs {
            return Some(theirs);
        }
        if base == theirs {
            return Some(ours);
        }
        let key = [base, ours, theirs];
        if let Some(known) = self.merges.borrow().get(&key) {
            return *known;
        }
        let merged = self.plain_merge(base, ours, theirs).or_else(|| self.git_merge(base, ours, theirs));
        self.merges.borrow_mut().insert(key, merged);
        merged
    }

    /// The merge of changes of different paths, which renames cannot bend where nothing is deleted.
    fn plain_merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Option<ObjectId> {
        let (of_ours, of_theirs) = (self.changed(base, ours), self.changed(base, theirs));
        let (from, into) = (self.state(theirs), self.state(ours));
        let is_apart = of_theirs.iter().all(|path| !of_ours.contains(path));
        let stays =
            |paths: &BTreeSet<String>, state: &State| paths.iter().all(|path| state.contains_key(path));
        if !is_apart || !stays(&of_ours, &into) || !stays(&of_theirs, &from) {
            return None;
        }
        let mut merged = State::clone(&into);
        merged.extend(of_theirs.into_iter().map(|path| (path.clone(), from[&path].clone())));
        Some(self.write(&merged))
    }

    fn git_merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Option<ObjectId> {
        let base = self.anonymous(base, None);
        let (ours, theirs) = (self.anonymous(ours, Some(base)), self.anonymous(theirs, Some(base)));
        let mut git = Command::new("git");
        // The PATH is left alone: where it is set, the whole test binary is forked.
        git.env("HOME", "/dev/null").env("XDG_CONFIG_HOME", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("GIT_DIR", self.dir.path().join(".git"));
        git.args(["merge-tree", "--write-tree", "--no-messages", &ours.to_string(), &theirs.to_string()]);
        let out = git.output().unwrap();
        let said = String::from_utf8_lossy(&out.stdout);
        match out.status.code() {
            Some(0) => Some(ObjectId::from_hex(said.trim().as_bytes()).unwrap()),
            // git ends itself on some renamed links (an assertion in merge-ort): then there is no merge.
            Some(1) | None => None,
            _ => panic!("git merge-tree: {}", String::from_utf8_lossy(&out.stderr)),
        }
    }

    /// A commit that only a merge is made with.
    fn anonymous(&self, tree: ObjectId, parent: Option<ObjectId>) -> ObjectId {
        let nobody = gix::actor::Signature { name: "x".into(), email: "x".into(), ..Default::default() };
        let commit = gix::objs::Commit {
            message: "x\n".into(),
            tree,
            author: nobody.clone(),
            committer: nobody,
            encoding: None,
            parents: parent.into_iter().collect(),
            extra_headers: Vec::new(),
        };
        self.gix.write_object(commit).unwrap().detach()
    }

    /// The paths that two trees hold differently.
    pub fn changed(&self, old: ObjectId, new: ObjectId) -> BTreeSet<String> {
        let (old, new) = (self.state(old), self.state(new));
        let paths = old.keys().chain(new.keys());
        paths.filter(|path| old.get(*path) != new.get(*path)).cloned().collect()
    }

    /// The id that a content has.
    pub fn blob_id(&self, bytes: &[u8]) -> ObjectId {
        gix::objs::compute_hash(self.gix.object_hash(), Kind::Blob, bytes).unwrap()
    }

    pub fn write(&self, state: &State) -> ObjectId {
        let tree = self.write_folder(state);
        self.states.borrow_mut().entry(tree).or_insert_with(|| Rc::new(state.clone()));
        tree
    }

    fn write_folder(&self, state: &State) -> ObjectId {
        let mut folders: BTreeMap<&str, State> = BTreeMap::new();
        let mut entries = Vec::new();
        for (path, (kind, bytes)) in state {
            if let Some((folder, rest)) = path.split_once('/') {
                folders.entry(folder).or_default().insert(rest.into(), (*kind, bytes.clone()));
                continue;
            }
            let oid = match kind {
                EntryKind::Commit => ObjectId::from_hex(bytes).unwrap(),
                _ => self.write_object(Kind::Blob, bytes),
            };
            entries.push(Entry { mode: (*kind).into(), filename: path.as_str().into(), oid });
        }
        for (folder, state) in folders {
            let oid = self.write_folder(&state);
            entries.push(Entry { mode: EntryKind::Tree.into(), filename: folder.into(), oid });
        }
        entries.sort();
        let mut bytes = Vec::new();
        gix::objs::Tree { entries }.write_to(&mut bytes).unwrap();
        self.write_object(Kind::Tree, &bytes)
    }

    fn write_object(&self, kind: Kind, bytes: &[u8]) -> ObjectId {
        let mut written = self.written.borrow_mut();
        let write = || self.gix.objects.write_buf(kind, bytes).unwrap();
        *written.entry((kind, bytes.to_vec())).or_insert_with(write)
    }

    pub fn state(&self, tree: ObjectId) -> Rc<State> {
        if let Some(known) = self.states.borrow().get(&tree) {
            return Rc::clone(known);
        }
        let state = Rc::new(self.read(tree));
        self.states.borrow_mut().insert(tree, Rc::clone(&state));
        state
    }

    fn read(&self, tree: ObjectId) -> State {
        let mut state = State::new();
        for entry in self.gix.find_tree(tree).unwrap().iter() {
            let entry = entry.unwrap();
            let (name, kind, oid) = (entry.filename().to_string(), entry.mode().kind(), entry.object_id());
            match kind {
                EntryKind::Tree => {
                    let inner = self.read(oid).into_iter();
                    state.extend(inner.map(|(path, file)| (format!("{name}/{path}"), file)));
                }
                EntryKind::Commit => drop(state.insert(name, (kind, oid.to_string().into_bytes()))),
                _ => drop(state.insert(name, (kind, self.gix.find_blob(oid).unwrap().detach().data))),
            }
        }
        state
    }
}
