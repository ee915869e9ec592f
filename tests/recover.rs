//! What was removed can be got back, whole; and nothing that is nowhere else is ever removed unasked.

use crate::support::processes::wait_for;
use crate::support::{Out, Place};
use git_flow_ai::agents::worktree::{Removed, Worktree, Worktrees};
use git_flow_ai::domain::config::Config;
use git_flow_ai::gate::store::{Expected, Repo};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn make(place: &Place, name: &str) -> Worktree {
    let repo = Repo::open(&place.repo()).unwrap();
    let worktrees = Worktrees::new(&repo, &Config::default()).unwrap();
    worktrees.make(name, repo.commit_of("HEAD").unwrap().id).unwrap()
}

/// A worktree that a process which has died left, with what `fill` put into it.
fn left(place: &Place, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let worktree = make(place, name);
    let path = worktree.path().to_owned();
    fill(&path);
    path
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Everything below a folder, as it is: kind, mode, content, target.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(path) = open.pop() {
        let full = root.join(&path);
        let data = full.symlink_metadata().unwrap();
        let kind = data.file_type();
        let content = if kind.is_symlink() {
            format!("-> {}", fs::read_link(&full).unwrap().display())
        } else if kind.is_fifo() || kind.is_socket() {
            "special".into()
        } else if kind.is_dir() {
            let entries = fs::read_dir(&full).map(|entries| entries.map(|entry| entry.unwrap().file_name()));
            open.extend(entries.into_iter().flatten().map(|name| path.join(name)));
            String::new()
        } else {
            format!("{:?}", fs::read(&full))
        };
        all.insert(path, format!("{:o} {:?} {content}", data.mode(), data.modified().unwrap()));
    }
    all
}

fn listed(place: &Place) -> Vec<serde_json::Value> {
    place.flow(&["recover", "--json"]).ok().json().as_array().unwrap().clone()
}

/// The id of the only thing that can be got back.
fn only_id(place: &Place) -> String {
    let all = listed(place);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]["id"].as_str().unwrap().to_owned()
}

/// One of every kind of content that a worktree can hold.
fn fill_with_everything(place: &Place, path: &Path) {
    put(&path.join("untracked.txt"), "new\n");
    put(&path.join(".env"), "SECRET=1\n");
    put(&path.join("target/out.o"), "built\n");
    put(&path.join("README.md"), "changed\n");
    put(&path.join("staged.txt"), "staged\n");
    place.git_in(path, &["add", "staged.txt"]).ok();
    place.git_in(path, &["commit", "--quiet", "-m", "The agent's own"]).ok();
    put(&path.join("stashed.txt"), "stashed\n");
    place.git_in(path, &["add", "stashed.txt"]).ok();
    place.git_in(path, &["stash", "--quiet"]).ok();
    put(&path.join("README.md"), "changed again\n");
    put(&path.join("half.txt"), "half\n");
    place.git_in(path, &["add", "half.txt"]).ok();
    place.git_in(path, &["init", "--quiet", "nested"]).ok();
    put(&path.join("nested/inner.txt"), "inner\n");
    place.git_in(&path.join("nested"), &["add", "."]).ok();
    place.git_in(&path.join("nested"), &["commit", "--quiet", "-m", "Inside"]).ok();
    symlink("/etc", path.join("out")).unwrap();
    symlink("nowhere", path.join("dangling")).unwrap();
    assert!(place.command("mkfifo").arg(path.join("pipe")).status().unwrap().success());
    put(&path.join("shut/unreadable"), "x");
    fs::set_permissions(path.join("shut/unreadable"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(path.join("shut"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::create_dir_all(path.join("empty/er")).unwrap();
}

#[test]
fn a_worktree_with_everything_odd_comes_back_byte_for_byte() {
    let place = Place::new();
    place.write(".gitignore", ".env\ntarget/\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    let path = left(&place, "demo.api", |path| fill_with_everything(&place, path));
    let before = snapshot(&path);
    place.flow(&["clean"]).ok().says("kept worktree").says("it holds files that are in no commit");
    place.flow(&["clean", "--dry-run", "--trash"]).ok();
    assert_eq!(snapshot(&path), before, "refused means untouched");
    place.flow(&["clean", "--trash"]).ok().says("to the trash: git flow-ai recover");
    assert!(!path.exists());
    let found = &listed(&place)[0];
    assert_eq!(
        (&found["kind"], &found["spec"], &found["task"]),
        (&"worktree".into(), &"demo".into(), &"api".into())
    );
    assert!(found["holds"].as_str().unwrap().contains("in no commit"), "{found}");
    assert!(found["bytes"].as_u64().unwrap() > 4096, "{found}");
    let id = only_id(&place);
    place.flow(&["recover"]).ok().says(&id).says("demo").says("worktree");
    place.flow(&["recover", &id[..4]]).ok().says("is back in");
    assert_eq!(snapshot(&path), before);
    // The agent's commits and its stash are there as well.
    place.git_in(&path, &["stash", "show", "--include-untracked"]).ok();
    assert!(listed(&place).is_empty());
    // It is what it was: a run takes it in, and a second removal works like the first.
    place.flow(&["clean", "--trash"]).ok().says("to the trash");
    place.flow(&["recover", &only_id(&place)]).ok();
    assert_eq!(snapshot(&path), before);
    place.git(&["fsck", "--strict"]).ok();
}

#[test]
fn it_never_goes_over_something_and_goes_elsewhere_instead() {
    let place = Place::new();
    let path = left(&place, "demo.api", |path| put(&path.join("work"), "w"));
    place.flow(&["clean", "--trash"]).ok();
    let id = only_id(&place);
    // Not even over an empty folder, which a rename would replace without a word.
    fs::create_dir_all(&path).unwrap();
    place.flow(&["recover", &id]).exits(2).says("nothing is ever written over").says("--to <folder>");
    let elsewhere = place.root().join("look/here");
    place.flow(&["recover", &id, "--to", elsewhere.to_str().unwrap()]).ok();
    assert_eq!(fs::read_to_string(elsewhere.join("work")).unwrap(), "w");
    place.git_in(&elsewhere, &["status"]).ok();
    // It is the person's now.
    place.flow(&["clean", "--trash"]).ok().says("you had it restored there");
    assert!(elsewhere.join("work").exists());
}

#[test]
fn small_ignored_files_stay_for_a_while_and_build_output_does_not() {
    let place = Place::new();
    place.write(".gitignore", "*.env\nnotes/\ntarget/\ncache/\n");
    place.git(&["add", ".gitignore"]).ok();
    place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    let worktree = make(&place, "demo.api");
    // What set-up made and nobody touched is no loss; what the agent changed of it is.
    put(&worktree.path().join("notes/untouched.env"), "made by set-up");
    put(&worktree.path().join("kept.env"), "made by set-up");
    worktree.mark_set_up().unwrap();
    drop(worktree);
    let path = place.root().join(".repo.flow-ai/demo.api");
    let fill = |path: &Path| {
        put(&path.join(".env"), "SECRET=1\n");
        put(&path.join("notes/why.md"), "because\n");
        put(&path.join("cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n");
        fs::create_dir(path.join("target")).unwrap();
        fs::write(path.join("target/big"), vec![1; 17 << 20]).unwrap();
    };
    fill(&path);
    place.flow(&["clean"]).ok().says("removed worktree");
    assert!(!path.exists());
    let id = only_id(&place);
    place.flow(&["recover", &id]).ok();
    let back: Vec<PathBuf> = snapshot(&path)
        .into_keys()
        .filter(|path| path.extension().is_some() || path.ends_with(".env"))
        .collect();
    assert_eq!(back, [".env", "notes/untouched.env", "notes/why.md"].map(PathBuf::from));
    // It is a folder of the person's now, which no clean touches.
    place.flow(&["clean", "--trash"]).ok();
    assert!(path.join(".env").exists());
}

#[test]
fn what_is_kept_of_ignored_files_is_no_object_keeps_its_mode_and_goes_for_good() {
    let place = Place::new();
    place.write(".gitignore", ".env\n");
    place.git(&["add", ".gitignore"]).ok();
    place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    let path = left(&place, "demo.api", |path| {
        put(&path.join(".env"), "TOKEN=not-for-agents\n");
        fs::set_permissions(path.join(".env"), fs::Permissions::from_mode(0o600)).unwrap();
    });
    place.flow(&["clean"]).ok().says("removed worktree");
    let id = only_id(&place);
    // Agents read all objects, and `push --mirror` takes all refs.
    let objects = place.git_says(&["cat-file", "--batch-all-objects", "--batch", "--buffer"]);
    assert!(!objects.contains("not-for-agents"));
    assert_eq!(place.git_says(&["for-each-ref", "refs/flow-ai"]), "");
    place.flow(&["recover", &id]).ok();
    assert_eq!(path.join(".env").metadata().unwrap().mode() & 0o777, 0o600);
    let again = left(&place, "demo.again", |path| put(&path.join(".env"), "TOKEN=not-for-agents\n"));
    place.flow(&["clean"]).ok();
    assert!(!again.exists());
    place.flow(&["recover", "--drop", &only_id(&place), "--yes"]).ok();
    let left = place.command("grep").args(["-r", "not-for-agents", ".git"]).output().unwrap();
    assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
}

#[test]
fn a_worktree_with_nothing_but_commits_leaves_no_trash() {
    let place = Place::new();
    let path = left(&place, "demo.api", |_| {});
    place.flow(&["clean"]).ok().says("removed worktree");
    assert!(!path.exists() && listed(&place).is_empty());
    assert!(!place.root().join(".repo.flow-ai").exists());
}

#[test]
fn what_has_had_its_time_goes_and_work_that_is_nowhere_else_stays_until_it_is_dropped() {
    let place = Place::new();
    place.write(".gitignore", ".env\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    left(&place, "demo.spare", |path| put(&path.join(".env"), "x"));
    left(&place, "demo.work", |path| put(&path.join("work"), "w"));
    place.flow(&["clean", "--trash"]).ok();
    assert_eq!(listed(&place).len(), 2);
    place.flow(&["recover", "--expire", "--yes"]).ok().says("Nothing has had its time yet");
    // By size: nothing may take anything.
    place.git(&["config", "flow-ai.keep", "14d 0B"]).ok();
    place.flow(&["clean", "--dry-run"]).ok().says("would remove from the trash");
    assert_eq!(listed(&place).len(), 2);
    place.flow(&["clean"]).ok().says("removed from the trash");
    let id = only_id(&place);
    let holds = listed(&place)[0]["holds"].clone();
    assert!(holds.as_str().unwrap().contains("in no commit"));
    // By age, with the person's leave.
    place.git(&["config", "flow-ai.keep", "0s"]).ok();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    place.flow(&["clean"]).ok();
    assert_eq!(only_id(&place), id);
    place.flow(&["recover", "--drop", &id]).exits(2).says("nobody to ask").says("--yes");
    place.flow(&["recover", "--expire"]).exits(2).says("--yes");
    assert_eq!(only_id(&place), id);
    place.flow(&["recover", "--expire", "--yes"]).ok().says(&format!("deleted {id}"));
    assert!(listed(&place).is_empty());
    assert!(!place.root().join(".repo.flow-ai").exists(), "the empty folders are tidied away");
}

#[test]
fn ids_are_found_by_their_beginning_and_mistakes_are_told() {
    let place = Place::new();
    left(&place, "demo.api", |path| put(&path.join("work"), "w"));
    place.flow(&["clean", "--trash"]).ok();
    let id = only_id(&place);
    let wrong: String = id[..7].to_owned() + if id.ends_with('0') { "1" } else { "0" };
    place.flow(&["recover", &wrong]).exits(2).says(&format!("did you mean {id}?"));
    place.flow(&["recover", ""]).exits(2);
    place.flow(&["recover", "--to", "x"]).exits(2).says("but not what");
    place.flow(&["recover", "--drop"]).exits(2);
    place.flow(&["recover", &id.to_uppercase()]).ok();
}

#[test]
fn commits_at_a_recovery_ref_become_a_branch_and_stay_until_dropped() {
    let place = Place::new();
    let repo = Repo::open(&place.repo()).unwrap();
    let head = repo.commit_of("HEAD").unwrap();
    // Identity by the environment of the place.
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Lost work"]).ok();
    let lost = repo.commit_of("HEAD").unwrap().id;
    place.git(&["reset", "--quiet", "--hard", &head.id.to_string()]).ok();
    let name = "refs/flow-ai/recovered/demo/api/20260101T000000.000-abcd";
    repo.set_ref(name, lost, Expected::Missing, "kept").unwrap();
    let found = &listed(&place)[0];
    assert_eq!((&found["kind"], &found["run"]), (&"commit".into(), &"20260101T000000.000-abcd".into()));
    assert_eq!(found["holds"], "commits that are in no branch");
    let id = only_id(&place);
    place.git(&["config", "flow-ai.keep", "0s 0B"]).ok();
    place.flow(&["clean"]).ok();
    assert_eq!(only_id(&place), id, "what is nowhere else never goes unasked");
    place.flow(&["recover", &id]).ok().says("on the branch recovered/demo/api");
    assert_eq!(place.git_says(&["rev-parse", "recovered/demo/api"]), lost.to_string());
    place.flow(&["recover", &id]).exits(2).says("exists, and is not written over");
    place.flow(&["recover", &id, "--to", "mine"]).ok();
    assert_eq!(place.git_says(&["rev-parse", "mine"]), lost.to_string());
    place.flow(&["recover", &id, "--to", "a..b"]).exits(2);
    assert_eq!(listed(&place)[0].get("holds"), None, "a branch has it now");
    place.flow(&["recover", "--drop", &id, "--yes"]).ok();
    assert!(listed(&place).is_empty());
}

#[test]
fn a_folder_that_somebody_else_put_there_is_never_touched() {
    let place = Place::new();
    let path = left(&place, "demo.api", |_| {});
    fs::rename(&path, place.root().join("away")).unwrap();
    put(&path.join("mine.txt"), "mine");
    place.flow(&["clean"]).ok().says("another folder has taken its place");
    place.flow(&["clean", "--trash"]).ok().says("another folder has taken its place");
    assert_eq!(fs::read_to_string(path.join("mine.txt")).unwrap(), "mine");
    // A link in its place is not followed either.
    fs::remove_dir_all(&path).unwrap();
    symlink(place.root().join("home"), &path).unwrap();
    place.flow(&["clean", "--trash"]).ok().says("no folder has taken its place");
    assert!(place.root().join("home/.gitconfig").exists() && path.is_symlink());
    fs::remove_file(&path).unwrap();
    fs::rename(place.root().join("away"), &path).unwrap();
    place.flow(&["clean"]).ok().says("removed worktree");
}

#[test]
fn a_repository_that_was_moved_together_with_its_trash_gives_it_back() {
    let place = Place::new();
    left(&place, "demo.api", |path| put(&path.join("work"), "w"));
    place.flow(&["clean", "--trash"]).ok();
    let id = only_id(&place);
    let new = place.root().join("new");
    fs::create_dir(&new).unwrap();
    fs::rename(place.repo(), new.join("repo")).unwrap();
    let flow = |args: &[&str]| {
        let mut git = place.command("git");
        Out::of(git.current_dir(new.join("repo")).arg("flow-ai").args(args).output().unwrap())
    };
    flow(&["recover"]).ok().says(&id);
    flow(&["recover", &id]).ok();
    assert_eq!(fs::read_to_string(new.join(".repo.flow-ai/demo.api/work")).unwrap(), "w");
}

#[test]
fn a_removal_that_was_killed_is_finished_and_can_be_undone() {
    let place = Place::new();
    let path = left(&place, "demo.api", |path| put(&path.join("work"), "w"));
    place.flow(&["clean", "--trash"]).ok();
    let id = only_id(&place);
    assert_eq!(listed(&place)[0]["goes_to"].as_str().map(PathBuf::from).unwrap(), path);
    let records = fs::read_dir(place.repo().join(".git/flow-ai/worktrees")).unwrap();
    let record = records.map(|record| record.unwrap().path()).next().unwrap();
    // As it is before the rename, and after the one that restores it: the record says that it is in the
    // trash, and its files are in their place.
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::rename(record.join("files"), &path).unwrap();
    assert!(listed(&place).is_empty());
    place.flow(&["clean"]).ok().says("kept worktree").says("in no commit");
    place.flow(&["clean", "--trash"]).ok();
    assert_eq!(only_id(&place), id);
    place.flow(&["recover", &id]).ok();
    assert_eq!(fs::read_to_string(path.join("work")).unwrap(), "w");
    place.git_in(&path, &["status"]).ok();
    // A removal for good that was killed after its first rename.
    let other = left(&place, "demo.other", |_| {});
    let records = fs::read_dir(place.repo().join(".git/flow-ai/worktrees")).unwrap();
    let record = records
        .map(|record| record.unwrap().path())
        .find(|record| fs::read_to_string(record.join("name")).unwrap() == "demo.other")
        .unwrap();
    fs::rename(&other, record.join("files")).unwrap();
    // A child of another test may hold our lock between fork and exec: then it goes a moment later.
    wait_for(|| {
        place.flow(&["clean"]).ok();
        !record.exists()
    });
    assert!(fs::read_dir(place.repo().join(".git/flow-ai/trash")).unwrap().next().is_none());
    assert_eq!(place.git_says(&["for-each-ref", "--format=x", "refs/flow-ai/worktrees"]), "x", "demo.api");
}

/// The only record of a worktree.
fn record(place: &Place) -> PathBuf {
    let mut records = fs::read_dir(place.repo().join(".git/flow-ai/worktrees")).unwrap();
    let record = records.next().unwrap().unwrap().path();
    assert!(records.next().is_none());
    record
}

#[test]
fn a_removal_that_fails_leaves_the_record_of_a_worktree_that_lives() {
    let place = Place::new();
    let worktree = make(&place, "demo.api");
    put(&worktree.path().join("work"), "w");
    let (path, record) = (worktree.path().to_owned(), record(&place));
    // Something is in the way.
    put(&record.join("files/x"), "x");
    worktree.move_to_trash("asked for", None).unwrap_err();
    assert!(path.join("work").exists());
    assert!(!record.join("removed").exists());
}

#[test]
fn a_record_of_a_removal_that_is_damaged_is_listed_and_its_files_come_back() {
    let place = Place::new();
    place.write(".gitignore", ".env\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    for (file, kind) in [("work", "worktree"), (".env", "ignored")] {
        let path = left(&place, "demo.api", |path| put(&path.join(file), "w"));
        place.flow(&["clean", "--trash"]).ok();
        let id = only_id(&place);
        // As after a loss of power.
        fs::write(record(&place).join("removed"), "").unwrap();
        let found = &listed(&place)[0];
        assert_eq!((&found["id"], &found["kind"]), (&id.as_str().into(), &kind.into()));
        assert!(found["holds"].as_str().unwrap().contains("unknown"), "{found}");
        place.git(&["config", "flow-ai.keep", "0s 0B"]).ok();
        place.flow(&["clean", "--trash"]).ok();
        place.git(&["config", "--unset", "flow-ai.keep"]).ok();
        place.flow(&["recover", &id]).ok();
        assert_eq!(fs::read_to_string(path.join(file)).unwrap(), "w");
        fs::remove_file(path.join(file)).unwrap();
        if kind == "worktree" {
            place.flow(&["clean"]).ok().says("removed worktree");
        }
    }
}

#[test]
fn a_recover_elsewhere_that_was_killed_still_knows_the_first_place() {
    let place = Place::new();
    let path = left(&place, "demo.api", |path| put(&path.join("work"), "w"));
    place.flow(&["clean", "--trash"]).ok();
    let (id, record) = (only_id(&place), record(&place));
    let removed = fs::read(record.join("removed")).unwrap();
    let elsewhere = place.root().join("elsewhere");
    place.flow(&["recover", &id, "--to", elsewhere.to_str().unwrap()]).ok();
    // As it is after the rename: it is the user's.
    fs::write(record.join("removed"), &removed).unwrap();
    assert!(listed(&place).is_empty());
    place.flow(&["clean", "--trash"]).ok().says("you had it restored there");
    assert_eq!(fs::read_to_string(elsewhere.join("work")).unwrap(), "w");
    // As it is before the rename.
    fs::write(record.join("removed"), &removed).unwrap();
    fs::rename(&elsewhere, record.join("files")).unwrap();
    assert_eq!(listed(&place)[0]["goes_to"].as_str().map(Path::new), Some(&*path));
    place.flow(&["recover", &id]).ok();
    assert_eq!(fs::read_to_string(path.join("work")).unwrap(), "w");
    place.flow(&["clean", "--trash"]).ok().says("to the trash");
}

#[test]
fn cleans_at_once_and_beside_each_other_lose_nothing() {
    let place = Place::new();
    for number in 0..6 {
        left(&place, &format!("demo.t{number}"), |path| put(&path.join("work"), &number.to_string()));
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| place.flow(&["clean", "--trash"]));
        }
    });
    let mut tasks: Vec<String> = listed(&place)
        .iter()
        .map(|found| {
            let id = found["id"].as_str().unwrap();
            place.flow(&["recover", id]).ok();
            found["task"].as_str().unwrap().to_owned()
        })
        .collect();
    tasks.sort();
    assert_eq!(tasks, ["t0", "t1", "t2", "t3", "t4", "t5"]);
    for number in 0..6 {
        let work = place.root().join(format!(".repo.flow-ai/demo.t{number}/work"));
        assert_eq!(fs::read_to_string(work).unwrap(), number.to_string());
    }
}

#[test]
fn a_living_worktree_is_not_cleaned_and_beside_it_recover_works() {
    let place = Place::new();
    left(&place, "demo.dead", |path| put(&path.join("work"), "w"));
    let living = make(&place, "demo.living");
    put(&living.path().join("work"), "w");
    place.flow(&["clean", "--trash"]).ok();
    assert!(living.path().join("work").exists());
    place.flow(&["recover", &only_id(&place)]).ok();
    assert!(matches!(living.remove().unwrap(), Removed::Kept(_)));
}

#[test]
fn a_removal_that_is_killed_at_any_moment_loses_nothing() {
    let place = Place::new();
    let path = left(&place, "demo.api", |path| {
        for number in 0..50 {
            put(&path.join(format!("dir{number}/work")), "w");
        }
    });
    let files = |root: &Path| fs::read_dir(root).map(|entries| entries.count()).unwrap_or_default();
    for round in 0..24u64 {
        let mut clean = place.command("git-flow-ai").args(["clean", "--trash"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10 * round));
        clean.kill().unwrap();
        clean.wait().unwrap();
        if !path.exists() {
            let id = only_id(&place);
            let mut recover = place.command("git-flow-ai").args(["recover", &id]).spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(4 * round));
            recover.kill().unwrap();
            recover.wait().unwrap();
            if !path.exists() {
                place.flow(&["recover", &only_id(&place)]).ok();
            }
        }
        assert!(files(&path) >= 51, "round {round}: {}", files(&path));
    }
    // What a killed recover left half is finished by the next one, or was whole.
    for found in listed(&place) {
        place.flow(&["recover", found["id"].as_str().unwrap()]);
    }
    place.git_in(&path, &["status"]).ok();
    place.flow(&["clean", "--trash"]).ok().says("to the trash");
    place.flow(&["recover", &only_id(&place)]).ok();
    assert!(files(&path) >= 51);
}

#[test]
fn what_is_in_a_submodule_blocks_a_removal_and_comes_back_from_the_trash() {
    let place = Place::new();
    place.git(&["clone", "--quiet", "--bare", ".", "../lib.git"]).ok();
    let add = ["-c", "protocol.file.allow=always", "submodule", "add", "--quiet", "../lib.git", "lib"];
    place.git(&add).ok();
    place.git(&["commit", "--quiet", "-m", "A submodule"]).ok();
    let path = left(&place, "demo.api", |path| {
        place.git_in(path, &["init", "--quiet", "lib"]).ok();
        put(&path.join("lib/own.txt"), "nowhere else");
        place.git_in(&path.join("lib"), &["add", "."]).ok();
        place.git_in(&path.join("lib"), &["commit", "--quiet", "-m", "Nowhere else"]).ok();
    });
    place.flow(&["clean"]).ok().says("lib is in a submodule");
    place.flow(&["clean", "--trash"]).ok();
    assert!(!path.exists());
    place.flow(&["recover", &only_id(&place)]).ok();
    assert_eq!(fs::read_to_string(path.join("lib/own.txt")).unwrap(), "nowhere else");
}

#[test]
fn linked_worktrees_of_the_user_are_never_removed() {
    let place = Place::new();
    place.git(&["worktree", "add", "--quiet", "../mine"]).ok();
    place.git(&["worktree", "lock", "../mine"]).ok();
    // One whose folder is not there now, as on a disk that is not mounted.
    place.git(&["worktree", "add", "--quiet", "../unplugged"]).ok();
    fs::rename(place.root().join("unplugged"), place.root().join("away")).unwrap();
    left(&place, "demo.api", |path| put(&path.join("work"), "w"));
    place.flow(&["clean", "--trash"]).ok().says("to the trash");
    let registered = place.git_says(&["worktree", "list"]);
    assert!(registered.contains("/mine") && registered.contains("/unplugged"), "{registered}");
    assert!(place.root().join("mine/README.md").exists());
}

#[test]
fn what_cannot_be_deleted_is_told_and_what_is_mounted_is_never_emptied() {
    let place = Place::new();
    place.write(".gitignore", "target/\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    let fill = |path: &Path| {
        put(&path.join("target/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n");
        put(&path.join("target/stuck"), "x");
    };
    let path = left(&place, "demo.api", fill);
    let stuck = |how: &str, path: &Path| {
        place.command("chattr").arg(how).arg(path).status().is_ok_and(|status| status.success())
    };
    // Needs root and a file system that can: elsewhere there is nothing to see.
    if stuck("+i", &path.join("target/stuck")) {
        place.flow(&["clean"]).ok();
        assert!(!path.exists());
        place.flow(&["clean"]).ok().says("cannot be deleted: it is immutable");
        place.flow(&["doctor"]).says("is not all deleted yet");
        let trash = || fs::read_dir(place.repo().join(".git/flow-ai/trash")).unwrap();
        let gone = trash().next().unwrap().unwrap().path();
        assert!(stuck("-i", &gone.join("files/target/stuck")));
        place.flow(&["clean"]).ok();
        assert!(trash().next().is_none());
    }
    let path = left(&place, "demo.mount", fill);
    let share = place.root().join("share");
    put(&share.join("precious"), "p");
    fs::create_dir(path.join("target/mnt")).unwrap();
    let script = format!(
        "mount --bind {} {} && git-flow-ai clean && git-flow-ai clean",
        share.display(),
        path.join("target/mnt").display()
    );
    let out = place.command("unshare").args(["-m", "sh", "-c", &script]).output();
    if let Ok(out) = out
        && out.status.success()
    {
        Out::of(out).says("something is mounted there");
    }
    assert_eq!(fs::read_to_string(share.join("precious")).unwrap(), "p");
    place.flow(&["clean"]).ok();
}

#[test]
fn disk_use_is_told_by_what_it_is_for() {
    let place = Place::new();
    left(&place, "demo.held", |path| put(&path.join("work"), &"w".repeat(100_000)));
    place.flow(&["clean", "--trash"]).ok();
    left(&place, "demo.left", |path| put(&path.join("work"), &"w".repeat(200_000)));
    let disk = place.flow(&["status", "--disk", "--json"]).ok().json();
    let bytes = |what: &str| disk[what]["bytes"].as_u64().unwrap();
    assert!(bytes("worktrees") >= 200_000 && bytes("trash") >= 100_000, "{disk}");
    assert!(bytes("private") > 0 && disk["held"] == 1 && disk["recovered"] == 0, "{disk}");
    place.flow(&["status", "--disk"]).ok().says("trash").says("total").says("1 of all that was removed");
    place
        .flow(&["doctor"])
        .says("a worktree of a task is left over (")
        .says("1 removed with work that is nowhere else");
}

#[test]
fn what_was_judged_long_ago_and_is_in_no_branch_any_more_is_moved_and_not_dropped() {
    let place = Place::new();
    let date = "GIT_COMMITTER_DATE";
    let commit = |tree: &str, parent: &str| {
        let mut git = place.command("git");
        git.env(date, "2020-01-01T00:00:00Z").args(["commit-tree", tree, "-p", parent, "-m", "Judged"]);
        Out::of(git.output().unwrap()).ok().stdout.trim().to_owned()
    };
    let lost = commit("HEAD^{tree}", "HEAD");
    let kept = commit("HEAD^{tree}", &lost);
    let there = commit("HEAD^{tree}", "HEAD");
    for (name, id) in [(&kept, &kept), (&there, &there)] {
        place.git(&["update-ref", &format!("refs/flow-ai/keep/{name}"), id]).ok();
    }
    place.flow(&["clean"]).ok();
    assert_eq!(place.git_says(&["for-each-ref", "refs/flow-ai/keep"]), "");
    let all = listed(&place);
    assert_eq!(all.len(), 1, "the other one is in main: {all:?}");
    place.flow(&["recover", all[0]["id"].as_str().unwrap(), "--to", "again"]).ok();
    assert_eq!(place.git_says(&["rev-parse", "again^"]), lost);
}

#[test]
fn large_files_by_a_filter_are_in_the_store_before_their_worktree_goes() {
    let place = Place::with_config(
        "version = 1\n[agents.mine]\ncommand = [\"mine\"]\nvendor = \"acme\"\n\
         [agents.judge]\ncommand = [\"judge\"]\nvendor = \"rival\"\n[reviewers.judge]\nagent = \"judge\"\n",
    );
    // As git-lfs does: the content goes to the store of the git directory, a pointer to the commit.
    place.script(
        "store",
        "cat > \"$HOME/in\"; sum=$(sha256sum < \"$HOME/in\" | cut -c1-64)\n\
         dir=$(git rev-parse --absolute-git-dir)/lfs/objects; mkdir -p \"$dir\"; cp \"$HOME/in\" \"$dir/$sum\"; echo \"oid $sum\"",
    );
    place.git(&["config", "filter.lfs.clean", "store"]).ok();
    place.write(".gitattributes", "*.bin filter=lfs\n");
    place.git(&["add", ".gitattributes"]).ok();
    place.git(&["commit", "--quiet", "-m", "Large files"]).ok();
    place.reviewer("judge", "");
    place.script("mine", "cat > /dev/null; sleep 1; echo large > big.bin; echo hand > notes.env; echo done");
    let text = |name: &str, text: &str| {
        let path = place.root().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plan = "# Demo\n\n### [ ] Step: Make it\n<!-- id: api -->\nWrite it.\n";
    place.flow(&["spec", "Demo", "--workflow", "quick", "--from", &text("r.md", "Make it.\n")]).ok();
    place.flow(&["plan", "demo", "--from", &text("p.md", plan)]).ok();
    // Beside it somebody cleans as hard as can be.
    std::thread::scope(|scope| {
        let run = scope.spawn(|| place.flow(&["run", "demo"]));
        while !run.is_finished() {
            place.flow(&["clean", "--trash"]);
        }
        run.join().unwrap().ok();
    });
    let pointer = place.git_says(&["cat-file", "blob", "flow/demo/result:big.bin"]);
    let oid = pointer.strip_prefix("oid ").unwrap();
    let stored = place.repo().join(".git/lfs/objects").join(oid);
    assert_eq!(fs::read_to_string(stored).unwrap(), "large\n");
    assert!(listed(&place).is_empty() && !place.root().join(".repo.flow-ai").exists());
}

#[test]
fn a_file_beside_what_is_half_deleted_is_not_ours_to_delete() {
    let place = Place::new();
    let trash = place.repo().join(".git/flow-ai/trash");
    fs::create_dir_all(trash.join("half")).unwrap();
    put(&trash.join("notes"), "mine");
    place.flow(&["clean"]).ok();
    assert!(!trash.join("half").exists());
    assert_eq!(fs::read_to_string(trash.join("notes")).unwrap(), "mine");
}
