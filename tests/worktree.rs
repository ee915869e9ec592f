//! Temporary worktrees: made beside anything, harvested whatever was done to them, removed only when
//! nothing is lost.

use crate::support::{Out, Place};
use git_flow_ai::agents::worktree::{Collected, LeftOutReason, Removed, Worktree, Worktrees};
use git_flow_ai::domain::config::Config;
use git_flow_ai::gate::store::Repo;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A repository, and where its worktrees are made.
fn workshop(place: &Place) -> (Repo, Worktrees) {
    let repo = Repo::open(&place.repo()).unwrap();
    let worktrees = Worktrees::new(&repo, &Config::default()).unwrap();
    (repo, worktrees)
}

fn make(place: &Place) -> (Repo, Worktrees, Worktree) {
    let (repo, worktrees) = workshop(place);
    let worktree = worktrees.make("demo.api", repo.commit_of("HEAD").unwrap().id).unwrap();
    (repo, worktrees, worktree)
}

fn put(worktree: &Worktree, path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    let path = worktree.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The paths of a tree with their modes: `100644 a/b`.
fn tree(place: &Place, collected: &Collected) -> Vec<String> {
    let listed =
        place.git_says(&["ls-tree", "-r", "--format=%(objectmode) %(path)", &collected.tree.to_string()]);
    listed.lines().map(str::to_owned).collect()
}

fn blob(place: &Place, collected: &Collected, path: &str) -> String {
    place.git(&["cat-file", "blob", &format!("{}:{path}", collected.tree)]).ok().stdout
}

fn only_main_is_left(place: &Place) {
    place.has_no_worktree();
    assert_eq!(place.git_says(&["worktree", "list"]).lines().count(), 1, "git knows of none either");
    assert_eq!(place.git_says(&["for-each-ref", "refs/flow-ai/worktrees"]), "");
    place.git(&["fsck", "--strict"]).ok();
}

#[test]
fn the_check_that_no_worktree_is_left_finds_one_by_its_folder_and_by_its_record() {
    let place = Place::new();
    let (_, _, worktree) = make(&place);
    let fails = || std::panic::catch_unwind(|| place.has_no_worktree()).is_err();
    assert_eq!(place.worktrees(), ["demo.api"]);
    assert!(fails(), "it is there");
    fs::remove_dir_all(worktree.path().parent().unwrap()).unwrap();
    assert_eq!(place.worktrees(), [""; 0]);
    assert!(fails(), "its record is there");
}

#[test]
fn two_hundred_worktrees_are_made_sixteen_at_a_time_beside_foreign_adds_and_fetches() {
    let place = Place::new();
    place.git(&["clone", "--quiet", "--bare", ".", "../upstream.git"]).ok();
    place.git(&["remote", "add", "origin", "../upstream.git"]).ok();
    let (repo, worktrees) = workshop(&place);
    let commit = repo.commit_of("HEAD").unwrap().id;
    let over = AtomicBool::new(false);
    let made: Vec<Worktree> = thread::scope(|scope| {
        let foreign = scope.spawn(|| {
            let mut rounds = 0;
            while !over.load(Ordering::Relaxed) || rounds < 3 {
                let path = format!("../foreign-{rounds}");
                place.git(&["worktree", "add", "--quiet", "--detach", &path]).ok();
                place.git(&["fetch", "--quiet", "origin"]).ok();
                place.git(&["worktree", "prune"]).ok();
                place.git(&["worktree", "remove", &path]).ok();
                rounds += 1;
            }
        });
        let makers: Vec<_> = (0..16)
            .map(|maker| {
                let worktrees = &worktrees;
                let share = 200 / 16 + usize::from(maker < 200 % 16);
                scope.spawn(move || -> Vec<Worktree> {
                    (0..share).map(|_| worktrees.make("demo.api", commit).unwrap()).collect()
                })
            })
            .collect();
        let made = makers.into_iter().flat_map(|maker| maker.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        foreign.join().unwrap();
        made
    });
    assert_eq!(made.len(), 200);
    assert_eq!(place.git_says(&["worktree", "list"]).lines().count(), 1, "git knows of none of ours");
    for worktree in &made {
        assert_eq!(fs::read_to_string(worktree.path().join("README.md")).unwrap(), "# A project\n");
    }
    for worktree in made {
        assert!(matches!(worktree.remove().unwrap(), Removed::Gone));
    }
    drop(worktrees);
    only_main_is_left(&place);
}

#[test]
fn a_new_worktree_is_clean_detached_and_nothing_that_a_prune_could_lose() {
    let place = Place::new();
    place.script("post-checkout", "touch \"$HOME/ran\"");
    place.git(&["config", "core.hooksPath", place.root().join("bin").to_str().unwrap()]).ok();
    let (_repo, worktrees, worktree) = make(&place);
    let inside = worktree.path().to_str().unwrap();
    assert_eq!(place.git_says(&["-C", inside, "status", "--porcelain"]), "");
    place.git(&["-C", inside, "symbolic-ref", "-q", "HEAD"]).exits(1);
    assert!(!place.root().join("home/ran").exists(), "a checkout of ours runs no hook");
    fs::rename(worktree.path(), place.root().join("away")).unwrap();
    place.git(&["worktree", "prune", "--expire=now"]).ok();
    fs::rename(place.root().join("away"), worktree.path()).unwrap();
    place.git(&["-C", inside, "status"]).ok();
    assert!(matches!(worktree.remove().unwrap(), Removed::Gone));
    drop(worktrees);
    only_main_is_left(&place);
}

#[test]
fn a_harvest_holds_every_file_as_git_would_have_it() {
    let place = Place::new();
    place.write(".gitignore", "target/\n*.log\n");
    place.write(".gitattributes", "*.txt text\n*.up filter=up\n");
    place.write("old.txt", "old\n");
    place.write("folder/file", "x");
    place.git(&["config", "filter.up.clean", "tr a-z A-Z"]).ok();
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "More"]).ok();
    let (_repo, _worktrees, worktree) = make(&place);
    let nothing = worktree.collect().unwrap();
    assert_eq!((nothing.changed, nothing.left_out.len()), (0, 0));

    fs::remove_file(worktree.path().join("old.txt")).unwrap();
    fs::remove_dir_all(worktree.path().join("folder")).unwrap();
    put(&worktree, "folder", "a file where a folder was");
    put(&worktree, "windows.txt", "one\r\ntwo\r\n");
    put(&worktree, "tool.sh", "#!/bin/sh\n");
    fs::set_permissions(worktree.path().join("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", worktree.path().join("link")).unwrap();
    put(&worktree, "loud.up", "abc");
    put(&worktree, "target/debug/app", "binary");
    put(&worktree, "x.log", "log");
    put(&worktree, "empty", "");
    put(&worktree, Path::new(OsStr::from_bytes(b"not-utf8-\xff\n\"name\"")), "bytes \u{0}\u{1}");
    let collected = worktree.collect().unwrap();
    assert_eq!(
        tree(&place, &collected),
        [
            "100644 .gitattributes",
            "100644 .gitignore",
            "100644 README.md",
            "100644 empty",
            "100644 folder",
            "120000 link",
            "100644 loud.up",
            "100644 \"not-utf8-\\377\\n\\\"name\\\"\"",
            "100755 tool.sh",
            "100644 windows.txt",
        ]
    );
    assert_eq!(blob(&place, &collected, "windows.txt"), "one\ntwo\n");
    assert_eq!(blob(&place, &collected, "loud.up"), "ABC");
    assert_eq!(blob(&place, &collected, "link"), "/etc/passwd");
    assert_eq!(collected.changed, 9, "two gone, one of them replaced, six new");
}

#[test]
fn nothing_that_an_agent_plants_in_its_folder_runs_or_hides_work() {
    let place = Place::new();
    // A project with a submodule, whose folder an agent can fill.
    let head = place.git_says(&["rev-parse", "HEAD"]);
    place.write(".gitmodules", "[submodule \"sub\"]\n\tpath = sub\n\turl = ./sub\n");
    place.git(&["add", ".gitmodules"]).ok();
    place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},sub")]).ok();
    place.git(&["commit", "--quiet", "-m", "With a submodule"]).ok();
    let evil = place.script("evil", "touch \"$(dirname \"$0\")/ran\"; cat");
    let evil = evil.to_str().unwrap();
    let (_repo, _worktrees, worktree) = make(&place);
    let [why] = worktree.empty_submodules() else { panic!("one that nobody has") };
    assert!(why.starts_with("the submodule sub is empty: you have not fetched it"), "{why}");

    // The worktree's `.git` becomes a repository of the agent's own, and so does the submodule's folder.
    fs::remove_file(worktree.path().join(".git")).unwrap();
    for folder in ["", "sub", "nested"] {
        let folder = worktree.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let inside = folder.to_str().unwrap();
        place.git(&["init", "--quiet", inside]).ok();
        for key in ["core.fsmonitor", "core.sshCommand", "diff.external", "filter.evil.clean", "core.editor"]
        {
            place.git(&["-C", inside, "config", key, evil]).ok();
        }
        place
            .git(&["-C", inside, "config", "core.hooksPath", place.root().join("bin").to_str().unwrap()])
            .ok();
        place.git(&["-C", inside, "commit", "--quiet", "--allow-empty", "-m", "mine"]).ok();
        fs::write(folder.join("work.rs"), "fn work() {}\n").unwrap();
    }
    place.script("post-index-change", "touch \"$(dirname \"$0\")/ran\"");
    put(&worktree, ".gitattributes", "* filter=evil\n");
    let _ = fs::remove_file(place.root().join("bin/ran"));

    let collected = worktree.collect().unwrap();
    assert!(!place.root().join("bin/ran").exists(), "something of the agent's ran");
    assert_eq!(
        tree(&place, &collected),
        [
            "100644 .gitattributes",
            "100644 .gitmodules",
            "100644 README.md",
            "100644 nested/work.rs",
            "160000 sub",
            "100644 work.rs",
        ]
    );
    let left: Vec<(&str, LeftOutReason)> =
        collected.left_out.iter().map(|left| (left.path.as_str(), left.reason)).collect();
    assert_eq!(left, [("nested/.git", LeftOutReason::NestedRepository), ("sub", LeftOutReason::InSubmodule)]);
    worktree.mark_saved(&collected).unwrap();
    let Removed::Kept(why) = worktree.remove().unwrap() else {
        panic!("the submodule's files are nowhere else")
    };
    assert!(why.contains("sub is in a submodule"), "{why}");
}

#[test]
fn special_files_and_impossible_names_are_left_out_and_named() {
    let place = Place::new();
    place.write("was-a-file", "x");
    place.write("was-a-folder/file", "x");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "More"]).ok();
    let (_repo, _worktrees, worktree) = make(&place);
    fs::remove_file(worktree.path().join("was-a-file")).unwrap();
    let fifo = |name: &str| {
        assert!(
            std::process::Command::new("mkfifo").arg(worktree.path().join(name)).status().unwrap().success()
        );
    };
    fifo("was-a-file");
    fifo("pipe");
    let socket = std::os::unix::net::UnixListener::bind(worktree.path().join("socket")).unwrap();
    fs::remove_dir_all(worktree.path().join("was-a-folder")).unwrap();
    symlink("/etc", worktree.path().join("was-a-folder")).unwrap();
    put(&worktree, ".GIT/config", "[core]\n");
    put(&worktree, "sub/.g\u{200c}it", "x");
    put(&worktree, "deep/git~1/config", "x");
    put(&worktree, "x\nIgnoring path good\n/.GIT/y", "x");
    put(&worktree, "bell\u{7}\nand\tline", "x");
    put(&worktree, "good", "x");
    let collected = worktree.collect().unwrap();
    drop(socket);
    let good = ["100644 README.md", "100644 \"bell\\a\\nand\\tline\"", "100644 good", "120000 was-a-folder"];
    assert_eq!(tree(&place, &collected), good);
    let mut left: Vec<(String, LeftOutReason)> =
        collected.left_out.iter().map(|left| (left.path.clone(), left.reason)).collect();
    left.sort_by(|one, two| one.0.cmp(&two.0));
    assert_eq!(
        left,
        [
            (".GIT/config".into(), LeftOutReason::Name),
            ("deep/git~1/config".into(), LeftOutReason::Name),
            ("pipe".into(), LeftOutReason::SpecialFile),
            ("socket".into(), LeftOutReason::SpecialFile),
            ("sub/.g\u{200c}it".into(), LeftOutReason::Name),
            ("was-a-file".into(), LeftOutReason::SpecialFile),
            ("x\nIgnoring path good\n/.GIT/y".into(), LeftOutReason::Name),
        ]
    );
}

#[test]
fn what_an_agent_committed_by_force_is_harvested_and_what_we_copied_is_not() {
    let place = Place::new();
    place.write(".gitignore", "generated/\n.env\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    place.write(".env", "secret");
    place.write("certificates/dev.pem", "secret");
    place.write("certificates/deep/dev.key", "secret");
    place.write("notes.local", "secret");
    symlink("../home", place.repo().join("certificates/out")).unwrap();
    let (_repo, _worktrees, worktree) = make(&place);
    let patterns = [".env", "certificates", "*.local", "no-such-file"].map(str::to_owned);
    let copied = worktree.copy(&patterns).unwrap();
    assert_eq!(copied.files.len(), 4, "{copied:?}");
    assert_eq!(copied.skipped.len(), 2, "{copied:?}");
    assert!(!worktree.path().join("certificates/out").exists(), "no link leads out of the repository");
    assert_eq!(fs::read_to_string(worktree.path().join(".env")).unwrap(), "secret");

    put(&worktree, "generated/code.rs", "fn x() {}\n");
    put(&worktree, "generated/not-added.rs", "fn y() {}\n");
    put(&worktree, "plain.rs", "fn z() {}\n");
    let inside = worktree.path().to_str().unwrap();
    place.git(&["-C", inside, "add", "--force", "generated/code.rs", ".env", "plain.rs"]).ok();
    place.git(&["-C", inside, "commit", "--quiet", "-m", "By the agent itself"]).ok();
    let collected = worktree.collect().unwrap();
    let expected = ["100644 .gitignore", "100644 README.md", "100644 generated/code.rs", "100644 plain.rs"];
    assert_eq!(tree(&place, &collected), expected);
    assert!(worktree.copy(&["../x".to_owned()]).unwrap_err().to_string().contains("no path inside"));
    assert!(worktree.copy(&[".git/config".to_owned()]).is_err());
}

#[test]
fn a_change_that_keeps_size_and_time_is_seen() {
    let place = Place::new();
    let (_repo, _worktrees, worktree) = make(&place);
    let file = worktree.path().join("README.md");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "# A PROJECT\n").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
    assert_eq!(worktree.collect().unwrap().changed, 1);
}

#[test]
fn a_worktree_is_removed_only_when_all_of_it_is_safe_elsewhere() {
    let place = Place::new();
    let (_repo, worktrees, worktree) = make(&place);
    put(&worktree, "new.rs", "one\n");
    let path = worktree.path().to_owned();
    assert!(matches!(worktree.remove().unwrap(), Removed::Kept(_)));
    assert!(path.join("new.rs").exists());

    let worktree = left_over(&worktrees);
    assert_eq!(worktree.path(), path);
    let collected = worktree.collect().unwrap();
    assert_eq!(collected.changed, 1);
    assert!(worktree.unsaved().unwrap().is_some(), "a collected alone is in no commit");
    worktree.mark_saved(&collected).unwrap();
    put(&worktree, "new.rs", "two\n");
    assert!(matches!(worktree.remove().unwrap(), Removed::Kept(_)), "it changed after that");

    let worktree = left_over(&worktrees);
    // Build tools leave folders that cannot be written to.
    put(&worktree, "locked/file", "x");
    worktree.mark_saved(&worktree.collect().unwrap()).unwrap();
    fs::set_permissions(worktree.path().join("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    assert!(matches!(worktree.remove().unwrap(), Removed::Gone));
    assert!(!path.exists());
    drop(worktrees);
    only_main_is_left(&place);
}

/// What an agent, a check or the user can do in a worktree after its files were saved, and what keeps it
/// from being removed then. Empty: nothing.
#[test]
fn whatever_is_done_to_a_worktree_after_it_was_saved_is_seen() {
    for (lines, why) in [
        ("true", ""),
        (
            "touch README.md; mkdir -p empty; echo x > built.log; mkdir target; echo x > target/CACHEDIR.TAG",
            "",
        ),
        ("mkfifo pipe", ""),
        ("echo more >> new.rs", "in no commit"),
        ("touch -r new.rs t; printf 'b\n' > new.rs; touch -r t new.rs; rm t", "in no commit"),
        ("rm README.md", "in no commit"),
        ("chmod +x new.rs", "in no commit"),
        ("mv new.rs moved.rs", "in no commit"),
        ("mkdir -p a/b; echo x > a/b/c", "in no commit"),
        ("echo '!*.log' >> .gitignore; echo x > now.log", "in no commit"),
        ("git init -q nested; echo x > nested/file", "in no commit"),
        ("mkdir .GIT; echo x > .GIT/config", "has a name that git does not take"),
        ("truncate -s 101M large", "is larger than"),
        (
            "git checkout -q -b aside; echo x > x; git add x; git commit -q -m X; git rm -q x",
            "commits of its own",
        ),
        ("echo x > x; git add x; git stash -q", "commits of its own"),
        ("echo x > x; git add x; git stash -q; chmod 000 $GITDIR/refs", "commits of its own"),
        ("rm -rf $GITDIR/hooks; ln -s /etc $GITDIR/hooks", ""),
        ("rm .gitignore; mkfifo .gitignore", "in no commit"),
    ] {
        let place = Place::new();
        place.write(".gitignore", "target/\n*.log\n");
        place.git(&["add", "."]).ok();
        place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
        let (_repo, worktrees, worktree) = make(&place);
        put(&worktree, "new.rs", "a\n");
        worktree.mark_saved(&worktree.collect().unwrap()).unwrap();
        let mut sh = Command::new("sh");
        sh.current_dir(worktree.path()).args(["-euc", lines]).envs(AGENT);
        assert!(sh.env("GITDIR", &worktree.scope().write[0]).status().unwrap().success(), "{lines}");
        let path = worktree.path().to_owned();
        match worktree.remove().unwrap() {
            Removed::Gone => assert_eq!(why, "", "{lines}"),
            Removed::Kept(kept) => assert!(!why.is_empty() && kept.contains(why), "{lines}: {kept}"),
        }
        assert_eq!(path.exists(), !why.is_empty(), "{lines}");
        drop(worktrees);
    }
}

/// Within the second in which it was collected, with its old time and size: by which git knows a file.
#[test]
fn a_change_after_a_worktree_was_saved_is_seen_whatever_its_times_say() {
    let place = Place::new();
    let (_repo, _worktrees, worktree) = make(&place);
    let file = worktree.path().join("new.rs");
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let write = |text: &str| {
        let mut options = fs::File::options();
        let mut open = options.create(true).truncate(false).write(true).open(&file).unwrap();
        std::io::Write::write_all(&mut open, text.as_bytes()).unwrap();
        open.set_modified(old).unwrap();
    };
    let changed = || file.metadata().unwrap().ctime();
    for _ in 0..10 {
        write("aaaa");
        let at = changed();
        worktree.mark_saved(&worktree.collect().unwrap()).unwrap();
        assert_eq!(worktree.unsaved().unwrap(), None);
        write("bbbb");
        if changed() == at {
            break;
        }
    }
    assert!(matches!(worktree.remove().unwrap(), Removed::Kept(_)), "bbbb is nowhere else");
    assert_eq!(fs::read_to_string(file).unwrap(), "bbbb");
}

#[test]
fn a_worktree_in_use_is_nobodys_leftover() {
    let place = Place::new();
    let (repo, worktrees, worktree) = make(&place);
    assert!(worktrees.leftovers().unwrap().is_empty());
    let others = Worktrees::new(&repo, &Config::default()).unwrap();
    assert!(others.leftovers().unwrap().is_empty());
    drop(worktree);
    left_over(&others);
}

/// The only worktree that nobody uses any more. Another test's child holds our files open between fork
/// and exec, so it may take a moment.
fn left_over(worktrees: &Worktrees) -> Worktree {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let mut found = worktrees.leftovers().unwrap();
        assert!(found.len() <= 1, "{found:?}");
        match found.pop() {
            Some(worktree) => return worktree,
            None => assert!(Instant::now() < deadline, "its process let it go"),
        }
    }
}

#[test]
fn the_folder_can_be_chosen_and_dangerous_ones_are_refused() {
    let place = Place::new();
    let repo = Repo::open(&place.repo()).unwrap();
    let at = |folder: &str| {
        let mut config = Config::default();
        config.run.worktrees = Some(folder.into());
        Worktrees::new(&repo, &config).map(|worktrees| worktrees.root().to_owned())
    };
    assert_eq!(at("../elsewhere").unwrap(), repo.work_dir().unwrap().parent().unwrap().join("elsewhere"));
    assert!(at(".git/x").unwrap_err().to_string().contains("inside the git directory"));
    let mut config = Config::default();
    fs::write(place.root().join("file"), "").unwrap();
    config.run.worktrees = Some("../file/x".into());
    let worktrees = Worktrees::new(&repo, &config).unwrap();
    let error = worktrees.make("x", repo.commit_of("HEAD").unwrap().id).unwrap_err();
    let hint = error.downcast_ref::<git_flow_ai::domain::error::Hint>().unwrap();
    assert!(hint.fix.contains("flow-ai.worktrees"), "{hint:?}");
}

/// A folder on another file system than that place; `None` if there is none here.
fn another_file_system(place: &Place) -> Option<tempfile::TempDir> {
    let device = |path: &Path| path.metadata().map(|data| data.dev()).ok();
    let others = [Path::new("/dev/shm"), Path::new(env!("CARGO_TARGET_TMPDIR"))];
    let other = others.into_iter().find(|path| path.exists() && device(path) != device(place.root()))?;
    Some(tempfile::Builder::new().prefix("flow-ai-test-").tempdir_in(other).unwrap())
}

#[test]
fn a_folder_on_another_file_system_holds_worktrees_like_any_other() {
    let place = Place::new();
    place.commit(".gitignore", ".env\n");
    // A system with one file system only has nothing to try.
    let Some(other) = another_file_system(&place) else { return };
    let repo = Repo::open(&place.repo()).unwrap();
    let mut config = Config::default();
    config.run.worktrees = Some(other.path().join("x").to_str().unwrap().into());
    let worktrees = Worktrees::new(&repo, &config).unwrap();
    let head = repo.commit_of("HEAD").unwrap().id;
    let worktree = worktrees.make("demo.one", head).unwrap();
    worktree.mark_set_up().unwrap();
    put(&worktree, "work.rs", "fn work() {}\n");
    put(&worktree, ".env", "KEY=mine\n");
    fs::remove_file(worktree.path().join(".git")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, worktree.path().join(".gitattributes"), 0o600.into()).unwrap();
    let collected = worktree.collect().unwrap();
    assert_eq!(collected.repaired, [".git"]);
    assert_eq!(blob(&place, &collected, "work.rs"), "fn work() {}\n");
    worktree.mark_saved(&collected).unwrap();
    assert!(matches!(worktree.remove().unwrap(), Removed::Gone));
    let [entry] = &worktrees.trash().entries().unwrap().0[..] else { panic!("the ignored file is kept") };
    let back = worktrees.trash().restore(entry, None).unwrap();
    assert_eq!(fs::read_to_string(back.join(".env")).unwrap(), "KEY=mine\n");
    fs::remove_dir_all(back).unwrap();

    let worktree = worktrees.make("demo.two", head).unwrap();
    put(&worktree, "deep/er/work.rs", "fn more() {}\n");
    std::os::unix::fs::symlink("/etc/passwd", worktree.path().join("link")).unwrap();
    let path = worktree.path().to_owned();
    let entry = worktree.move_to_trash("tried", None).unwrap();
    assert!(!path.exists());
    let back = worktrees.trash().restore(&entry, None).unwrap();
    assert_eq!(back, path);
    assert_eq!(fs::read_to_string(back.join("deep/er/work.rs")).unwrap(), "fn more() {}\n");
    assert_eq!(fs::read_link(back.join("link")).unwrap(), Path::new("/etc/passwd"));
    fs::remove_dir_all(back).unwrap();
    drop(worktrees);
    assert!(!other.path().join("x").exists(), "nothing is left there");
}

#[test]
fn a_folder_that_is_mounted_from_elsewhere_on_the_same_device_holds_them_too() {
    let place = Place::with_config(crate::support::Config::new().agent("hand", "acme"));
    place.agent("hand", crate::support::WRITE);
    place.spec_with(&crate::support::plan::task("one", ""));
    let folders = ["other", ".repo.flow-ai"].map(|name| place.root().join(name));
    folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
    let script = format!(
        "mount --bind {} {} || exit 77; git-flow-ai run demo --no-review",
        folders[0].display(),
        folders[1].display()
    );
    let out = Out::of(place.command("unshare").args(["-m", "sh", "-c", &script]).output().unwrap());
    // Only root can mount.
    if rustix::process::geteuid().is_root() {
        out.ok();
        assert_eq!(fs::read_dir(&folders[0]).unwrap().count(), 0, "the worktree has gone");
    }
}

#[test]
fn where_nothing_can_be_written_beside_the_repository_the_users_state_folder_is_taken() {
    // Only root can play another user.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let config = crate::support::Config::new().agent("hand", "acme");
    let place = Place::with_config(config);
    place.agent("hand", "pwd > $task.txt");
    place.spec_with(&crate::support::plan::task("one", ""));
    place.sh("chmod 755 .. && chown -R 10001 . ../home && touch ../calls && chown 10001 ../calls").ok();
    let mut run = place.command("setpriv");
    run.args([
        "--reuid",
        "10001",
        "--regid",
        "10001",
        "--clear-groups",
        "git-flow-ai",
        "run",
        "demo",
        "--no-review",
    ]);
    let out = Out::of(run.output().unwrap()).ok();
    let state = place.root().join("home/.local/state/git-flow-ai/worktrees");
    let root = place.root().display();
    assert!(out.stderr.contains(&format!("worktrees are in {}/", state.display())), "{out:?}");
    assert!(out.stderr.contains(&format!("since {root} cannot be written (run.worktrees names")), "{out:?}");
    let made = place.git(&["-c", "safe.directory=*", "show", "flow/demo/result:one.txt"]).ok().stdout;
    assert!(made.starts_with(&format!("{}/repo.flow-ai-", state.display())), "{made}");
    assert_eq!(fs::read_dir(&state).unwrap().count(), 0, "the worktree has gone");
}

#[test]
fn sha256_and_bare_repositories_have_worktrees_too() {
    let place = Place::empty();
    place.git(&["init", "--quiet", "--object-format=sha256", "../other"]).ok();
    place.git(&["-C", "../other", "commit", "--quiet", "--allow-empty", "-m", "Begin"]).ok();
    place.git(&["clone", "--quiet", "--bare", "../other", "../bare.git"]).ok();
    for path in ["other", "bare.git"] {
        let repo = Repo::open(&place.root().join(path)).unwrap();
        let worktrees = Worktrees::new(&repo, &Config::default()).unwrap();
        let worktree = worktrees.make("x", repo.commit_of("HEAD").unwrap().id).unwrap();
        put(&worktree, "file", "x");
        let collected = worktree.collect().unwrap();
        assert_eq!((collected.changed, collected.tree.to_string().len()), (1, 64));
        worktree.mark_saved(&collected).unwrap();
        assert!(matches!(worktree.remove().unwrap(), Removed::Gone));
    }
}

#[test]
fn what_an_agent_committed_outlives_its_folder() {
    let place = Place::new();
    let (_repo, worktrees, worktree) = make(&place);
    put(&worktree, "own.txt", "mine");
    for args in [&["add", "own.txt"][..], &["commit", "--quiet", "-m", "own"]] {
        let git = Command::new("git").current_dir(worktree.path()).args(args).envs(AGENT).status();
        assert!(git.unwrap().success());
    }
    let path = worktree.path().to_owned();
    drop(worktree);
    fs::remove_dir_all(path).unwrap();
    let worktree = left_over(&worktrees);
    let commits = worktree.commits_without_folder().unwrap();
    assert_eq!(place.git_says(&["show", &format!("{}:own.txt", commits[0].id)]), "mine");
    let Removed::Kept(why) = worktree.remove().unwrap() else { panic!("its commits are nowhere else") };
    assert!(why.contains("commits of its own (HEAD)"), "{why}");
    let worktree = left_over(&worktrees);
    worktree.mark_commits_kept(&commits).unwrap();
    assert!(matches!(worktree.remove().unwrap(), Removed::Gone));
    drop(worktrees);
    only_main_is_left(&place);
}

/// Who commits in a worktree.
const AGENT: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "agent"),
    ("GIT_AUTHOR_EMAIL", "agent@example.com"),
    ("GIT_COMMITTER_NAME", "agent"),
    ("GIT_COMMITTER_EMAIL", "agent@example.com"),
];

#[test]
fn the_folder_for_worktrees_stays_as_long_as_anybody_uses_it() {
    let place = Place::new();
    let (repo, worktrees, worktree) = make(&place);
    let (root, path) = (worktrees.root().to_owned(), worktree.path().to_owned());
    let others = Worktrees::new(&repo, &Config::default()).unwrap();
    assert!(matches!(worktree.remove().unwrap(), Removed::Gone));
    assert!(!path.exists());
    // The sandboxes of others, or of the same run's judge, hide it while they start.
    drop(others);
    thread::sleep(Duration::from_millis(300));
    assert!(root.exists(), "it is in use");
    drop(worktrees);
    assert!(!root.exists());
}
