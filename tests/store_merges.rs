//! Merges of trees are git's own, with the attributes that whoever merges there would get.

use crate::store_repo::{id, tree};
use crate::support::{Place, open};
use git_flow_ai::gate::store::trees::{Merger, Sealed, Triple, changed};
use gix::ObjectId;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind};
use std::collections::BTreeMap;
use std::fs;

fn lines(changed: &[(usize, &str)]) -> String {
    let line =
        |n: usize| changed.iter().find(|(at, _)| *at == n).map_or(n.to_string(), |(_, to)| (*to).into());
    (1..=20).map(|n| line(n) + "\n").collect()
}

/// Both sides add a line at the same place of `path`, under these attributes of the side that is merged into.
fn both_add(attributes: &[(&str, &str)], path: &str) -> (Place, Triple) {
    let place = Place::new();
    place.write(path, lines(&[]));
    let base = tree(&place);
    place.write(path, lines(&[(10, "10\nfrom there")]));
    let theirs = tree(&place);
    place.write(path, lines(&[(10, "10\nfrom here")]));
    for (at, text) in attributes {
        place.write(at, text);
    }
    let ours = tree(&place);
    (place, [base, ours, theirs])
}

fn merged(place: &Place, [base, ours, theirs]: Triple) -> Option<ObjectId> {
    Merger::new(&open(&place.repo())).merge(base, ours, theirs).unwrap()
}

#[test]
fn union_joins_where_the_side_that_is_merged_into_says_so() {
    for (at, pattern) in [(".gitattributes", "*.md"), ("deep/.gitattributes", "/log.md")] {
        let (place, triple) = both_add(&[(at, &format!("{pattern} merge=union\n"))], "deep/log.md");
        let repo = open(&place.repo());
        let [base, ours, theirs] = triple;
        let tree = Merger::new(&repo).merge(base, ours, theirs).unwrap().expect("union joins");
        Sealed::over(&repo).unwrap().copy_tree_to(&repo, tree).unwrap();
        let text = place.git_says(&["cat-file", "-p", &format!("{tree}:deep/log.md")]);
        assert!(text.contains("\nfrom here\nfrom there\n"), "{text}");
        // Onto the other side, which says nothing of it, the same is a conflict.
        assert_eq!(Merger::new(&repo).merge(base, theirs, ours).unwrap(), None);
    }
}

#[test]
fn what_attributes_call_binary_is_never_joined_line_by_line() {
    for attribute in ["binary", "-merge", "merge=binary"] {
        let place = Place::new();
        place.write("a.lock", lines(&[]));
        let base = tree(&place);
        place.write("a.lock", lines(&[(20, "there")]));
        let theirs = tree(&place);
        place.write("a.lock", lines(&[(1, "here")]));
        let plain = tree(&place);
        place.write(".gitattributes", format!("*.lock {attribute}\n"));
        let ours = tree(&place);
        assert!(merged(&place, [base, plain, theirs]).is_some());
        assert_eq!(merged(&place, [base, ours, theirs]), None, "{attribute}");
    }
}

#[test]
fn a_driver_that_attributes_name_is_not_run_and_text_is_merged_as_text() {
    let (place, conflict) = both_add(&[(".gitattributes", "* merge=mine\n")], "a.txt");
    let mark = place.root().join("ran");
    place.git(&["config", "merge.mine.driver", &format!("touch '{}'; true", mark.display())]).ok();
    assert_eq!(merged(&place, conflict), None);
    place.git(&["checkout", "--quiet", "HEAD~1"]).ok();
    place.write("a.txt", lines(&[(20, "there")]));
    let theirs = tree(&place);
    assert!(merged(&place, [conflict[0], conflict[1], theirs]).is_some());
    assert!(!mark.exists());
}

#[test]
fn attributes_of_the_clone_the_user_and_the_change_itself_do_not_count() {
    let (place, [base, ours, theirs]) = both_add(&[], "a.txt");
    fs::write(place.repo().join(".git/info/attributes"), "* merge=union\n").unwrap();
    place.write("../user", "* merge=union\n");
    place.git(&["config", "core.attributesFile", "../user"]).ok();
    place.write("a.txt", lines(&[(10, "10\nfrom there")]));
    place.write(".gitattributes", "* merge=union\n");
    let with_attributes = tree(&place);
    assert_eq!(merged(&place, [base, ours, theirs]), None);
    assert_eq!(merged(&place, [base, ours, with_attributes]), None);
}

#[test]
fn a_link_called_gitattributes_is_none() {
    let (place, [base, _, theirs]) = both_add(&[], "a.txt");
    place.write("a.txt", lines(&[(10, "10\nfrom here")]));
    std::os::unix::fs::symlink("* merge=union", place.repo().join(".gitattributes")).unwrap();
    let ours = tree(&place);
    assert_eq!(merged(&place, [base, ours, theirs]), None);
}

#[test]
fn what_a_merge_made_is_read_wherever_the_repository_is() {
    let place = Place::new();
    place.write("a/one.txt", lines(&[]));
    let base = tree(&place);
    place.write("a/one.txt", lines(&[(1, "here")]));
    let ours = tree(&place);
    place.write("a/one.txt", lines(&[(20, "there")]));
    let theirs = tree(&place);
    let repo = open(&place.repo());
    let tree = Merger::new(&repo).merge(base, ours, theirs).unwrap().unwrap();
    assert!(!repo.has(tree));
    let merger = Merger::new(&repo);
    assert!(merger.has(tree));
    assert_eq!(changed(&repo, ours, tree).unwrap().len(), 1);
    assert_eq!(merger.sealed().unwrap().changed(ours, tree).unwrap().len(), 1);
    assert_eq!(merger.merge(ours, tree, base).unwrap(), Some(theirs));
}

/// A world of small trees: what git says of merging them is what we say.
#[test]
fn merges_are_gits_own() {
    let place = Place::empty();
    let store = gix::open(place.repo()).unwrap();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut triples = Vec::new();
    for _ in 0..600 {
        let base = World::new(&mut random);
        let (mut ours, mut theirs) = (base.clone(), base.clone());
        for _ in 0..random.usize(1..4) {
            ours.change(&mut random);
        }
        for _ in 0..random.usize(1..4) {
            theirs.change(&mut random);
        }
        triples.push([base.write(&store), ours.write(&store), theirs.write(&store)]);
    }
    let wanted: Vec<Option<Option<ObjectId>>> =
        triples.iter().map(|triple| by_git(&store, *triple)).collect();
    let clean = wanted.iter().flatten().flatten().count();
    assert!((50..600).contains(&clean), "{clean} are clean");
    let repo = open(&place.repo());
    let merger = Merger::new(&repo);
    // Half of them at once, the others one by one.
    merger.merge_all(&triples[..300]).unwrap();
    for ([base, ours, theirs], wanted) in triples.into_iter().zip(wanted) {
        let merged = merger.merge(base, ours, theirs);
        match wanted {
            Some(wanted) => assert_eq!(merged.unwrap(), wanted, "{base} -- {ours} {theirs}, seed {seed}"),
            None => assert!(merged.is_err(), "{base} -- {ours} {theirs}, seed {seed}"),
        }
    }
}

/// By git in the repository itself, whose trees name no attributes; as commits, which every git takes. `None`
/// where git itself breaks, as it does on some renamed links.
fn by_git(store: &gix::Repository, [base, ours, theirs]: Triple) -> Option<Option<ObjectId>> {
    let dir = store.git_dir();
    let git = |args: &[&str]| {
        std::process::Command::new("git").arg("--git-dir").arg(dir).args(args).output().unwrap()
    };
    let commit = |tree: ObjectId, parent: Option<&str>| {
        let tree = tree.to_string();
        let mut args = vec!["-c", "user.name=A", "-c", "user.email=a@b", "commit-tree", "-m", "A", &tree];
        args.extend(parent.into_iter().flat_map(|parent| ["-p", parent]));
        String::from_utf8(git(&args).stdout).unwrap().trim().to_owned()
    };
    let fork = commit(base, None);
    let (ours, theirs) = (commit(ours, Some(&fork)), commit(theirs, Some(&fork)));
    let output = git(&["merge-tree", "--write-tree", "--no-messages", &ours, &theirs]);
    match output.status.code() {
        Some(0) => Some(Some(id(String::from_utf8(output.stdout).unwrap().trim()))),
        Some(1) => Some(None),
        Some(_) => panic!("{output:?}"),
        None => None,
    }
}

/// Files by path: a kind and lines.
#[derive(Clone)]
struct World {
    files: BTreeMap<String, (EntryKind, Vec<String>)>,
}

impl World {
    fn new(random: &mut fastrand::Rng) -> World {
        let mut world = World { files: BTreeMap::new() };
        for _ in 0..random.usize(3..8) {
            let path = path(random);
            world.put(&path, EntryKind::Blob, text(random));
        }
        world
    }

    /// Puts a file there, and takes away what cannot be beside it.
    fn put(&mut self, path: &str, kind: EntryKind, lines: Vec<String>) {
        let below = |one: &str, other: &str| one.starts_with(&format!("{other}/"));
        self.files.retain(|other, _| !below(other, path) && !below(path, other));
        self.files.insert(path.into(), (kind, lines));
    }

    fn change(&mut self, random: &mut fastrand::Rng) {
        let paths: Vec<String> = self.files.keys().cloned().collect();
        let Some(at) = random.choice(&paths) else { return };
        let (kind, mut lines) = self.files[at].clone();
        match random.u8(0..9) {
            0 => drop(self.files.remove(at)),
            1 => {
                self.files.remove(at);
                self.put(&path(random), kind, lines);
            }
            2 => {
                let folder = at.split('/').next().unwrap().to_owned();
                let inside: Vec<String> =
                    paths.iter().filter(|path| path.starts_with(&format!("{folder}/"))).cloned().collect();
                let to = format!("r{}", random.u8(0..2));
                for path in inside {
                    let (kind, lines) = self.files.remove(&path).unwrap();
                    self.put(&path.replacen(&folder, &to, 1), kind, lines);
                }
            }
            3 => {
                let text = text(random);
                self.put(&path(random), EntryKind::Blob, text);
            }
            4 => drop(self.files.insert(at.clone(), (EntryKind::BlobExecutable, lines))),
            5 => drop(self.files.insert(at.clone(), (EntryKind::Link, vec!["there".into()]))),
            _ => {
                let line = random.usize(0..lines.len());
                lines[line] = format!("changed {}", random.u8(0..4));
                self.files.insert(at.clone(), (kind, lines));
            }
        }
    }

    fn write(&self, store: &gix::Repository) -> ObjectId {
        let files: Vec<(&str, EntryKind, ObjectId)> = self
            .files
            .iter()
            .map(|(path, (kind, lines))| {
                let text = lines.join("\n") + if *kind == EntryKind::Link { "" } else { "\n" };
                (path.as_str(), *kind, store.write_blob(text).unwrap().detach())
            })
            .collect();
        folder(store, &files)
    }
}

fn folder(store: &gix::Repository, files: &[(&str, EntryKind, ObjectId)]) -> ObjectId {
    let mut folders: BTreeMap<&str, Vec<(&str, EntryKind, ObjectId)>> = BTreeMap::new();
    let mut entries = Vec::new();
    for (path, kind, oid) in files.iter().copied() {
        match path.split_once('/') {
            Some((first, rest)) => folders.entry(first).or_default().push((rest, kind, oid)),
            None => entries.push(Entry { mode: kind.into(), filename: path.into(), oid }),
        }
    }
    for (name, files) in folders {
        let oid = folder(store, &files);
        entries.push(Entry { mode: EntryKind::Tree.into(), filename: name.into(), oid });
    }
    entries.sort();
    store.write_object(Tree { entries }).unwrap().detach()
}

fn path(random: &mut fastrand::Rng) -> String {
    let names = ["a", "b", "c"];
    let mut path = random.choice(names).unwrap().to_owned();
    for _ in 0..random.usize(0..3) {
        path = format!("{path}/{}", random.choice(names).unwrap());
    }
    path
}

fn text(random: &mut fastrand::Rng) -> Vec<String> {
    let kind = random.u8(0..6);
    (0..12).map(|n| format!("line {n} of {kind}")).collect()
}
