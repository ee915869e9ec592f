//! A random repository, written object by object, and random edits of its content.

use super::{Mutation, place};
use crate::support::{Config, Place};
use gix::ObjectId;
use gix::objs::tree::{Entry, EntryKind};
use std::collections::BTreeMap;

pub const FILE: EntryKind = EntryKind::Blob;

/// What a tree holds: kind and content by path; of a submodule the content is its commit's hex.
pub type State = BTreeMap<String, (EntryKind, Vec<u8>)>;

/// A commit.
#[derive(Debug, Clone)]
pub struct Tip {
    pub id: ObjectId,
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
}

pub struct RandomRepository {
    pub place: Place,
    pub seed: u64,
    pub is_hooked: bool,
    /// Where `main` and every topic begin.
    pub base: Tip,
    gix: gix::Repository,
    rng: fastrand::Rng,
    count: i64,
}

impl RandomRepository {
    pub fn new(seed: u64, is_hooked: bool) -> RandomRepository {
        let place = place(is_hooked);
        let gix = gix::open(place.repo()).unwrap();
        let nothing = Tip { id: gix.empty_tree().id, tree: gix.empty_tree().id, parents: Vec::new() };
        let rng = fastrand::Rng::with_seed(seed);
        let mut world = RandomRepository { place, seed, is_hooked, base: nothing, gix, rng, count: 0 };
        let state = world.first_state();
        let tree = world.write(&state);
        world.base = world.commit(tree, &[]);
        world
    }

    /// Something of every kind that git knows, and files with twin parts.
    fn first_state(&mut self) -> State {
        let mut state = State::new();
        state.insert(".zenflow/config.toml".into(), (FILE, Config::lookup_only().to_string().into_bytes()));
        for number in 0..self.rng.usize(3..6) {
            let folder = ["", "src/", "src/deep/", "doc/"][self.rng.usize(..4)];
            let end = if self.rng.u8(..4) == 0 { "\r\n" } else { "\n" };
            let mut text = String::new();
            for function in 0..self.rng.usize(3..6) {
                text.push_str(&format!("fn f{function}() {{{end}"));
                for line in 0..self.rng.usize(3..7) {
                    text.push_str(&format!("    let a{line} = {line};{end}"));
                }
                text.push_str(&format!("}}{end}{end}"));
            }
            let kind = if self.rng.bool() { FILE } else { EntryKind::BlobExecutable };
            state.insert(format!("{folder}file{number}.rs"), (kind, text.into_bytes()));
        }
        let picture = std::iter::repeat_with(|| self.rng.u8(..)).take(400).collect();
        state.insert("picture.png".into(), (FILE, picture));
        state.insert("link".into(), (EntryKind::Link, b"src".to_vec()));
        state.insert("vendored".into(), (EntryKind::Commit, "1".repeat(40).into_bytes()));
        state
    }

    /// `main` after the base: nothing, or some commits of others.
    pub fn grow_main(&mut self) -> Tip {
        let mut tip = self.base.clone();
        for _ in 0..self.rng.usize(..4) {
            tip = self.edit(&tip);
        }
        tip
    }

    /// Some commits on the base.
    pub fn topic(&mut self) -> Vec<Tip> {
        let mut tips = Vec::new();
        for _ in 0..self.rng.usize(1..5) {
            let next = self.edit(tips.last().unwrap_or(&self.base.clone()));
            tips.push(next);
        }
        tips
    }

    /// One commit with some random work.
    pub fn edit(&mut self, on: &Tip) -> Tip {
        let mut state = self.read(on.tree);
        for _ in 0..self.rng.usize(1..4) {
            self.work(&mut state);
        }
        let tree = self.write(&state);
        self.commit(tree, &[on])
    }

    fn path(&mut self, state: &State, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let paths: Vec<&String> = state.keys().filter(|path| wanted(path)).collect();
        (!paths.is_empty()).then(|| paths[self.rng.usize(..paths.len())].clone())
    }

    fn work(&mut self, state: &mut State) {
        self.count += 1;
        let count = self.count;
        let Some(path) = self.path(state, |path| path.ends_with(".rs")) else { return };
        let (kind, bytes) = state[&path].clone();
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let new = format!("    let unique{count} = {count};\n").into_bytes();
        match self.rng.u8(..14) {
            0..=4 if !lines.is_empty() => {
                let at = self.rng.usize(..lines.len());
                lines[at] = &new;
                state.insert(path, (kind, lines.concat()));
            }
            5..=7 => {
                let at = self.rng.usize(..=lines.len());
                lines.insert(at, &new);
                state.insert(path, (kind, lines.concat()));
            }
            8 if lines.len() > 3 => {
                let at = self.rng.usize(..lines.len() - 2);
                lines.drain(at..at + 2);
                state.insert(path, (kind, lines.concat()));
            }
            9 => {
                let other = [FILE, EntryKind::BlobExecutable];
                state.insert(path, (if kind == FILE { other[1] } else { other[0] }, bytes));
            }
            10 => {
                state.remove(&path);
                state.insert(format!("moved/to{count}.rs"), (kind, bytes));
            }
            11 => drop(state.insert("link".into(), (EntryKind::Link, format!("to{count}").into()))),
            12 => {
                let commit = format!("{count:040x}").into_bytes();
                state.insert("vendored".into(), (EntryKind::Commit, commit));
            }
            _ => drop(state.insert(format!("new/{count}.rs"), (FILE, new))),
        }
    }

    /// Every kind of other content, each as little as can be.
    pub fn mutations(&mut self, of: &Tip) -> Vec<Mutation> {
        let state = self.read(of.tree);
        let mut all: Vec<Mutation> = Vec::new();
        let is_long = |state: &State, path: &str| path.ends_with(".rs") && state[path].1.len() > 20;
        if let Some(path) = self.path(&state, |path| is_long(&state, path)) {
            let (kind, bytes) = state[&path].clone();
            let lines: Vec<Vec<u8>> =
                bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let at = self.rng.usize(..lines.len());
            let mut put = |what, edit: &dyn Fn(&mut Vec<Vec<u8>>)| {
                let mut lines = lines.clone();
                edit(&mut lines);
                let mut state = state.clone();
                state.insert(path.clone(), (kind, lines.concat()));
                all.push((what, state));
            };
            put("a space at a line's end", &|lines| {
                let end = lines[at].len() - 1;
                lines[at].insert(end, b' ');
            });
            put("an indent", &|lines| lines[at].insert(0, b'\t'));
            put("a carriage return", &|lines| {
                let end = lines[at].len() - 1;
                lines[at].insert(end, b'\r');
            });
            put("a line doubled", &|lines| lines.insert(at, lines[at].clone()));
            put("a line gone", &|lines| drop(lines.remove(at)));
            put("one character", &|lines| lines[at].insert(0, b'x'));
            put("no line end at the end", &|lines| {
                lines.last_mut().unwrap().pop();
            });
            put("a null byte", &|lines| lines[at].insert(0, 0));
            // A line moves to a twin of its place: the same line further on.
            if let Some(twin) = (0..lines.len()).find(|twin| *twin != at && lines[*twin] != lines[at]) {
                put("two lines in each other's place", &|lines| lines.swap(at, twin));
            }
            let mut put = |what, change: &dyn Fn(&mut State)| {
                let mut state = state.clone();
                change(&mut state);
                all.push((what, state));
            };
            put("a mode", &|state| {
                let other = if kind == FILE { EntryKind::BlobExecutable } else { FILE };
                state.insert(path.clone(), (other, bytes.clone()));
            });
            put("a file that is a link now", &|state| {
                state.insert(path.clone(), (EntryKind::Link, bytes.clone()));
            });
            put("a file gone", &|state| drop(state.remove(&path)));
            put("another name", &|state| {
                let file = state.remove(&path).unwrap();
                state.insert(format!("{path}x"), file);
            });
            put("an empty file", &|state| drop(state.insert("empty".into(), (FILE, Vec::new()))));
            put("another link", &|state| {
                state.insert("link".into(), (EntryKind::Link, b"/etc/passwd".to_vec()));
            });
            put("another submodule", &|state| {
                state.insert("vendored".into(), (EntryKind::Commit, "f".repeat(40).into_bytes()));
            });
            put("one bit of a picture", &|state| state.get_mut("picture.png").unwrap().1[200] ^= 1);
            put("attributes", &|state| {
                state.insert(".gitattributes".into(), (FILE, b"* merge=union -diff\n".to_vec()));
            });
        }
        // Two at a time: which ones is drawn too.
        self.rng.shuffle(&mut all);
        all.truncate(2);
        all
    }

    pub fn write(&self, state: &State) -> ObjectId {
        let mut folders: BTreeMap<&str, State> = BTreeMap::new();
        let mut entries = Vec::new();
        for (path, (kind, bytes)) in state {
            if let Some((folder, rest)) = path.split_once('/') {
                folders.entry(folder).or_default().insert(rest.into(), (*kind, bytes.clone()));
                continue;
            }
            let oid = match kind {
                EntryKind::Commit => ObjectId::from_hex(bytes).unwrap(),
                _ => self.gix.write_blob(bytes).unwrap().detach(),
            };
            entries.push(Entry { mode: (*kind).into(), filename: path.as_str().into(), oid });
        }
        for (folder, state) in folders {
            let oid = self.write(&state);
            entries.push(Entry { mode: EntryKind::Tree.into(), filename: folder.into(), oid });
        }
        entries.sort();
        self.gix.write_object(gix::objs::Tree { entries }).unwrap().detach()
    }

    pub fn read(&self, tree: ObjectId) -> State {
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

    pub fn commit(&mut self, tree: ObjectId, parents: &[&Tip]) -> Tip {
        self.commit_on(tree, parents.iter().map(|parent| parent.id).collect())
    }

    /// A commit in the place of another one.
    pub fn commit_like(&mut self, tree: ObjectId, tip: &Tip) -> Tip {
        self.commit_on(tree, tip.parents.clone())
    }

    fn commit_on(&mut self, tree: ObjectId, parents: Vec<ObjectId>) -> Tip {
        self.count += 1;
        let ada = gix::actor::Signature {
            name: "Ada Lovelace".into(),
            email: "ada@example.com".into(),
            time: gix::date::Time::new(1_700_000_000 + self.count, 0),
        };
        let commit = gix::objs::Commit {
            message: format!("Commit {}\n", self.count).into(),
            tree,
            author: ada.clone(),
            committer: ada,
            encoding: None,
            parents: parents.iter().copied().collect(),
            extra_headers: Vec::new(),
        };
        Tip { id: self.gix.write_object(commit).unwrap().detach(), tree, parents }
    }

    /// What git makes of `base → theirs` onto `ours`; none on a conflict.
    pub fn merge(&mut self, base: &Tip, ours: &Tip, theirs: &Tip) -> Option<ObjectId> {
        let base = self.commit(base.tree, &[]);
        let (ours, theirs) = (self.commit(ours.tree, &[&base]), self.commit(theirs.tree, &[&base]));
        self.merge_real(&ours, &theirs)
    }

    /// What git makes of two commits with their own history; none on a conflict.
    pub fn merge_real(&self, ours: &Tip, theirs: &Tip) -> Option<ObjectId> {
        let ids = [ours.id.to_string(), theirs.id.to_string()];
        let out = self.place.git(&["merge-tree", "--write-tree", "--no-messages", &ids[0], &ids[1]]);
        (out.status == 0).then(|| ObjectId::from_hex(out.stdout.trim().as_bytes()).unwrap())
    }

    /// Has the whole of a topic approved.
    pub fn approve(&self, head: &Tip) {
        self.approve_change(head, self.base.tree);
    }

    /// Has it approved as a change that starts from that tree.
    pub fn approve_change(&self, head: &Tip, base: ObjectId) {
        let (from, to) = (self.base.id.to_string(), head.id.to_string());
        let mut verdict = self.place.verdict(&from, &to);
        verdict.base_tree = base;
        self.place.record(&verdict);
    }
}
