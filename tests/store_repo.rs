//! The repository as data: it opens wherever git does, and moves no ref but our own.

use crate::support::{Out, Place, open};
use git_flow_ai::domain::error::Hint;
use git_flow_ai::gate::store::{Conflict, Expected, Repo};
use gix::ObjectId;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

/// The tree of everything in the working tree, committed.
pub fn tree(place: &Place) -> ObjectId {
    place.git(&["add", "--all", "."]).ok();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "A state"]).ok();
    id(&place.git_says(&["rev-parse", "HEAD^{tree}"]))
}

pub fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).unwrap()
}

fn fix(error: &anyhow::Error) -> String {
    error.chain().find_map(|cause| cause.downcast_ref::<Hint>()).unwrap().fix.clone()
}

fn is_conflict(error: anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<Conflict>())
}

#[test]
fn a_folder_without_a_repository_is_refused_with_the_way_out() {
    let place = Place::new();
    fs::create_dir(place.root().join("nowhere")).unwrap();
    let error = Repo::open(&place.root().join("nowhere")).unwrap_err();
    assert!(error.to_string().contains("not in a git repository"), "{error:#}");
    assert!(fix(&error).contains("git init"));
    let out = Out::of(
        place.command("git").args(["-C", "../nowhere", "flow-ai", "verdict", "list"]).output().unwrap(),
    );
    out.exits(2).says("not in a git repository").says("hint: go to one");
}

#[test]
fn reftable_is_refused_in_one_sentence() {
    let place = Place::new();
    if place.git(&["init", "--quiet", "--ref-format=reftable", "../reftable"]).status != 0 {
        return; // git before 2.45 has no such format.
    }
    let error = Repo::open(&place.root().join("reftable")).unwrap_err();
    assert!(error.to_string().contains("`reftable` format"), "{error:#}");
    assert!(fix(&error).contains("git refs migrate"));
}

#[test]
fn a_repository_without_a_commit_says_so_only_where_one_is_needed() {
    let place = Place::empty();
    let repo = open(&place.repo());
    assert_eq!(repo.head_ref().unwrap().as_deref(), Some("refs/heads/main"));
    assert_eq!(repo.target().unwrap(), "main");
    assert!(repo.is_unborn());
    let error = repo.commit_of("HEAD").unwrap_err();
    assert!(error.to_string().contains("no commit yet"), "{error:#}");
    assert!(repo.commit_of("nonsense").unwrap_err().to_string().contains("`nonsense` names no commit"));
}

#[test]
fn worktrees_submodules_bare_shallow_and_sha256_repositories_open_like_any_other() {
    let place = Place::new();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Second"]).ok();
    let common = fs::canonicalize(place.repo().join(".git")).unwrap();

    place.git(&["worktree", "add", "--quiet", "--detach", "../linked"]).ok();
    let linked = Repo::open(&place.root().join("linked")).unwrap();
    assert_eq!(linked.common_dir(), common);
    assert_eq!(linked.git_dir(), common.join("worktrees/linked"));
    assert_eq!(linked.work_dir(), Some(fs::canonicalize(place.root().join("linked")).unwrap().as_path()));
    assert_eq!(linked.head_ref().unwrap(), None, "detached");
    assert_eq!(linked.commit_of("HEAD").unwrap().subject(), "Second");

    place.git(&["clone", "--quiet", "--bare", ".", "../bare.git"]).ok();
    let bare = Repo::open(&place.root().join("bare.git")).unwrap();
    assert_eq!(bare.work_dir(), None);
    assert_eq!(bare.commit_of("main~1").unwrap().subject(), "Begin");

    let url = format!("file://{}", place.repo().display());
    place.git(&["clone", "--quiet", "--depth=1", &url, "../shallow"]).ok();
    let shallow = Repo::open(&place.root().join("shallow")).unwrap();
    let head = shallow.commit_of("HEAD").unwrap();
    assert_eq!(shallow.merge_base(head.id, head.id).unwrap(), Some(head.id));
    let line: Vec<_> = shallow.first_parents(head.id, head.tree).map(Result::unwrap).collect();
    assert_eq!(line.len(), 1, "history ends where it was cut off");
    assert_eq!(shallow.commits_between(None, head.id).unwrap().len(), 1);

    place.git(&["init", "--quiet", "--object-format=sha256", "../sha256"]).ok();
    let dir = place.root().join("sha256");
    place.git_in(&dir, &["commit", "--quiet", "--allow-empty", "-m", "Long"]).ok();
    let long = Repo::open(&dir).unwrap();
    assert_eq!(long.commit_of("HEAD").unwrap().id.to_string().len(), 64);

    let submodule = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"];
    place.git_in(&place.repo(), &submodule).ok();
    let sub = Repo::open(&place.repo().join("sub")).unwrap();
    assert_eq!(sub.common_dir(), common.join("modules/sub"));
}

#[test]
fn only_our_own_refs_move_and_only_from_where_they_were_expected() {
    let place = Place::new();
    let repo = open(&place.repo());
    let head = repo.commit_of("HEAD").unwrap();
    let next = repo.write_commit(head.tree, &[head.id], "Next\n").unwrap();

    for name in ["refs/heads/main", "refs/heads/flow", "refs/tags/v1", "HEAD", "refs/heads/flow/../main"] {
        assert!(repo.set_ref(name, next, Expected::At(head.id), "test").is_err(), "{name}");
        assert!(repo.delete_ref(name, head.id).is_err(), "{name}");
    }
    assert_eq!(place.git_says(&["rev-parse", "main"]), head.id.to_string());

    let name = "refs/heads/flow/x/spec";
    repo.set_ref(name, head.id, Expected::Missing, "begin").unwrap();
    assert!(is_conflict(repo.set_ref(name, next, Expected::Missing, "again").unwrap_err()));
    assert!(is_conflict(repo.set_ref(name, next, Expected::At(next), "stale").unwrap_err()));
    repo.set_ref(name, next, Expected::At(head.id), "go on").unwrap();
    assert_eq!(place.git_says(&["rev-parse", name]), next.to_string());
    assert!(place.git_says(&["reflog", name]).contains("flow-ai: go on"));
    assert!(is_conflict(repo.delete_ref(name, head.id).unwrap_err()));
    place.git(&["pack-refs", "--all"]).ok();
    repo.delete_ref(name, next).unwrap();
    assert_eq!(repo.find_ref(name).unwrap(), None);
}

#[test]
fn a_lock_on_the_packed_refs_that_a_killed_git_left_is_named_at_once_and_is_no_move() {
    let place = Place::new();
    let repo = open(&place.repo());
    let head = repo.commit_of("HEAD").unwrap().id;
    let (name, lock) = ("refs/flow-ai/test", place.repo().join(".git/packed-refs.lock"));
    repo.set_ref(name, head, Expected::Missing, "begin").unwrap();
    place.git(&["pack-refs", "--all"]).ok();
    fs::write(&lock, "").unwrap();
    for error in [
        repo.set_ref("refs/notes/flow-ai", head, Expected::Missing, "test").unwrap_err(),
        repo.delete_ref(name, head).unwrap_err(),
        repo.delete_refs(&[(name.to_owned(), head)]).unwrap_err(),
    ] {
        assert!(format!("{error:#}").contains("packed-refs.lock is in the way"), "{error:#}");
        assert!(fix(&error).ends_with(&format!("rm {}", lock.display())), "{}", fix(&error));
        assert!(!is_conflict(error), "nothing has moved");
    }
    assert!(lock.exists(), "it may be a living git's");
    let new = lock.with_extension("new");
    fs::write(&new, "").unwrap();
    let error = repo.delete_ref(name, head).unwrap_err();
    assert!(fix(&error).ends_with(&format!("rm {} {}", lock.display(), new.display())), "{}", fix(&error));
    fs::remove_file(&lock).unwrap();
    repo.delete_ref(name, head).unwrap();
}

#[test]
fn a_move_says_beforehand_that_it_locks_the_packed_refs_too() {
    let place = Place::new();
    let repo = open(&place.repo());
    let head = repo.commit_of("HEAD").unwrap().id;
    let name = "refs/flow-ai/test";
    repo.set_ref(name, head, Expected::Missing, "begin").unwrap();
    place.git(&["pack-refs", "--all"]).ok();
    // It waits for this one, and holds the other: that is what it leaves when it is killed here.
    let common = place.repo().join(".git");
    fs::create_dir_all(common.join("refs/flow-ai")).unwrap();
    fs::write(common.join("refs/flow-ai/test.lock"), "").unwrap();
    let folder = place.repo();
    let mover = thread::spawn(move || {
        let repo = open(&folder);
        repo.set_ref(name, head, Expected::At(head), "again").unwrap_err();
    });
    let mut seen = None;
    while !mover.is_finished() {
        let Some(intent) = intent_of(&common) else { continue };
        let lines = fs::read_to_string(intent).unwrap_or_default();
        if common.join("packed-refs.lock").exists() {
            seen = Some(lines);
        }
    }
    mover.join().unwrap();
    assert_eq!(seen.as_deref(), Some("\nrefs/flow-ai/test\npacked-refs"));
}

/// The file that says which refs are being written.
fn intent_of(common: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(common.join("flow-ai")).ok()?.flatten();
    files.map(|file| file.path()).find(|path| path.to_string_lossy().contains("writing-refs-"))
}

#[test]
fn a_branch_in_the_way_is_named() {
    let place = Place::new();
    let repo = open(&place.repo());
    let head = repo.commit_of("HEAD").unwrap().id;
    place.git(&["branch", "flow/x"]).ok();
    let error = repo.set_ref("refs/heads/flow/x/spec", head, Expected::Missing, "begin").unwrap_err();
    assert!(error.to_string().contains("because refs/heads/flow/x exists"), "{error:#}");
    assert!(fix(&error).contains("git branch -m flow/x"));
}

#[test]
fn our_folder_is_closed_to_others() {
    let place = Place::new();
    let repo = open(&place.repo());
    fs::create_dir(place.repo().join(".git/flow-ai")).unwrap();
    fs::set_permissions(place.repo().join(".git/flow-ai"), fs::Permissions::from_mode(0o755)).unwrap();
    let dir = repo.own_dir().unwrap();
    assert_eq!(fs::metadata(dir).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn neither_replace_refs_nor_a_forged_commit_graph_are_believed() {
    let place = Place::new();
    place.git(&["checkout", "--quiet", "-b", "topic"]).ok();
    place.write("evil.sh", "rm -rf /\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Evil"]).ok();
    let main = place.git_says(&["rev-parse", "main"]);
    let topic = place.git_says(&["rev-parse", "topic"]);
    let (good, evil) =
        (place.git_says(&["rev-parse", "main^{tree}"]), place.git_says(&["rev-parse", "topic^{tree}"]));

    // The graph claims that the evil commit has the good tree.
    place.git(&["commit-graph", "write", "--reachable"]).ok();
    let graph = place.repo().join(".git/objects/info/commit-graph");
    let bytes = fs::read(&graph).unwrap();
    let raw = |hex: &str| gix::ObjectId::from_hex(hex.as_bytes()).unwrap().as_slice().to_vec();
    let at = bytes.windows(20).position(|window| window == raw(&evil)).unwrap();
    let forged = [&bytes[..at], &raw(&good), &bytes[at + 20..]].concat();
    fs::remove_file(&graph).unwrap();
    fs::write(&graph, forged).unwrap();
    assert_eq!(place.git_says(&["diff", "main", "topic"]), "", "git itself is blinded");

    let repo = open(&place.repo());
    assert_eq!(repo.commit_of("topic").unwrap().tree.to_string(), evil);
    place.git(&["replace", &topic, &main]).ok();
    let repo = Repo::open(&place.repo()).unwrap();
    assert_eq!(repo.commit_of("topic").unwrap().tree.to_string(), evil);
    assert_eq!(repo.commit_of("topic").unwrap().id.to_string(), topic);
    let id = |hex: &str| gix::ObjectId::from_hex(hex.as_bytes()).unwrap();
    assert_eq!(repo.merge_base(id(&topic), id(&main)).unwrap(), Some(id(&main)));
    assert!(!repo.is_ancestor(id(&topic), id(&main)).unwrap());
}

#[test]
fn what_git_dash_c_says_is_heard_and_a_pushs_quarantine_is_seen() {
    let place = Place::with_config("version = 1\n");
    place.git(&["clone", "--quiet", "--bare", ".", "../server.git"]).ok();
    // In the quarantine the new commit exists for git and for us; nobody has judged it: status 1, not 2.
    let hook = place.root().join("server.git/hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\nread old new ref\ngit-flow-ai verdict show $new\necho status $? >&2\n")
        .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    place.write("new.txt", "new\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "New"]).ok();
    place.git(&["push", "../server.git", "main"]).ok().says("Nobody has judged").says("status 1");

    let nobody = ["-c", "flow-ai.target=nonsense", "flow-ai", "review"];
    place.git(&nobody).exits(2).says("flow-ai.target is `nonsense`");
}

#[test]
fn a_way_out_is_told_even_when_it_stands_on_top_of_another_error() {
    let place = Place::new();
    place
        .flow(&["review", "nonsense"])
        .exits(2)
        .says("error: `nonsense` names no commit here")
        .says("hint: name a branch, a tag or a commit");
}
