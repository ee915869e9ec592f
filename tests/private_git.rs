//! The git of an agent: everything works in its worktree, nothing of it is shared, what it committed is
//! not lost, and what it prepared for others runs nowhere.

use crate::support::plan::task;
use crate::support::{self, Place};
use git_flow_ai::agents::worktree::{Collected, LeftOutReason, Removed, TooMuch, Worktree, Worktrees};
use git_flow_ai::domain::config::Config;
use git_flow_ai::gate::store::Repo;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A worktree of a repository's HEAD.
struct Desk {
    repo: PathBuf,
    worktrees: Worktrees,
    worktree: Worktree,
}

impl Desk {
    fn new(place: &Place) -> Desk {
        Desk::of(&place.repo())
    }

    fn of(path: &Path) -> Desk {
        let repo = Repo::open(path).unwrap();
        let worktrees = Worktrees::new(&repo, &Config::default()).unwrap();
        let worktree = worktrees.make("demo.api", repo.commit_of("HEAD").unwrap().id).unwrap();
        Desk { repo: path.to_owned(), worktrees, worktree }
    }

    fn path(&self) -> &Path {
        self.worktree.path()
    }

    /// Its private repository.
    fn git_dir(&self) -> PathBuf {
        self.worktree.scope().write[0].clone()
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs shell lines in it, as its agent would; all must succeed.
    fn sh(&self, place: &Place, lines: &str) -> String {
        let out = place
            .command("sh")
            .current_dir(self.path())
            .args(["-euc", lines])
            .env("EVIL", place.root().join("bin/evil"))
            .env("GITDIR", self.git_dir())
            .output()
            .unwrap();
        assert!(out.status.success(), "{lines}\n{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim_end().to_owned()
    }

    fn collect(&self) -> Collected {
        self.worktree.collect().unwrap()
    }
}

/// The worktree that nobody uses any more. Another test's child holds our files open between fork and
/// exec, so it may take a moment.
fn left_over(worktrees: &Worktrees) -> Worktree {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match worktrees.leftovers().unwrap().pop() {
            Some(worktree) => return worktree,
            None => assert!(Instant::now() < deadline, "its process let it go"),
        }
    }
}

/// Every file of a git directory with its content, but for our own folder.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path == dir.join("flow-ai") {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    files
}

fn names(collected: &Collected) -> Vec<&str> {
    collected.commits.iter().map(|own| own.name.as_str()).collect()
}

/// What agents and people do with git.
const EVERYTHING: &str = "
git status --porcelain
echo one > one.txt; git add one.txt; git diff --cached --stat
git commit -q -m One
git log --oneline main..HEAD | grep One
git branch topic; git switch -q topic; git switch -q -c other main
echo two > two.txt; git add two.txt; git stash push -q -m Later; git stash list | grep Later; git stash pop -q
git commit -q -m Two; git merge -q --no-edit topic
git tag v9; git tag -a -m Annotated v10; git notes add -m Remark HEAD
git update-ref refs/heads/main HEAD; git branch -q -D topic; git reflog | grep -c .
git repack -q -a -d; git gc --quiet; git fsck --strict 2>&1 | grep -v dangling | grep . && exit 1 || true
git worktree list | grep -c .
";

#[test]
fn every_git_command_works_in_it_and_writes_nothing_shared() {
    let place = Place::new();
    // The test itself runs with the machine's own configuration, so it is said here who works.
    place.git(&["config", "user.name", "Ada Lovelace"]).ok();
    place.git(&["config", "user.email", "ada@example.com"]).ok();
    place.git(&["tag", "v1"]).ok();
    place.git(&["clone", "--quiet", "--bare", ".", "../upstream.git"]).ok();
    place.git(&["remote", "add", "origin", "../upstream.git"]).ok();
    place.git(&["fetch", "--quiet", "origin"]).ok();
    place.git(&["remote", "set-head", "origin", "main"]).ok();
    place.git(&["notes", "--ref=flow-ai", "add", "-m", "A verdict"]).ok();
    let desk = Desk::new(&place);
    let before = files(&desk.repo.join(".git"));
    desk.sh(&place, EVERYTHING);
    assert_eq!(desk.sh(&place, "git rev-parse --abbrev-ref origin/HEAD"), "origin/main");
    assert_eq!(desk.sh(&place, "git log -1 --format='%an <%ae>'"), "Ada Lovelace <ada@example.com>");
    assert_eq!(
        desk.sh(&place, "git for-each-ref refs/notes/flow-ai; git remote"),
        "",
        "no verdict, no remote"
    );
    assert_eq!(files(&desk.repo.join(".git")), before, "nothing of the person's was written");
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
    let collected = desk.collect();
    let tree = place.git_says(&["ls-tree", "--name-only", &collected.tree.to_string()]);
    assert_eq!(tree, "README.md\none.txt\ntwo.txt");
    assert_eq!(names(&collected), ["refs/notes/commits"], "the rest is in the tree");
}

#[test]
fn in_the_sandbox_as_well_and_what_decides_about_it_stays_as_it_is() {
    let place = Place::with_config(
        support::Config::new().run("sandbox = \"require\"\nattempts = 1").agent("fake", "acme"),
    );
    let attack = r#"
        for file in .git $GITDIR/config $GITDIR/hooks/post-commit $GITDIR/info/attributes $GITDIR/objects/info/alternates; do
          (echo bad >>$file) 2>/dev/null && echo $file >>written.txt
          rm -f $file 2>/dev/null; mv $file $file.away 2>/dev/null && echo moved $file >>written.txt
        done; echo end >>written.txt"#;
    place.script(
        "fake",
        &format!("cat >/dev/null\nGITDIR=$(git rev-parse --absolute-git-dir)\nset -eu\n{EVERYTHING}\nset +e\n{attack}"),
    );
    place.spec_with(&task("it", ""));
    place.run(&["--no-review"]).ok();
    assert_eq!(place.git_says(&["show", "flow/demo/it:written.txt"]), "end");
    assert_eq!(place.git_says(&["show", "flow/demo/it:two.txt"]), "two");
    place.git(&["fsck", "--strict"]).ok();
}

#[test]
fn what_an_agent_committed_beyond_its_files_is_told_until_it_is_let_go() {
    let place = Place::new();
    let desk = Desk::new(&place);
    desk.sh(
        &place,
        "echo kept > kept.txt; git add .; git commit -q -m Kept
         git switch -q -c aside; echo aside > aside.txt; git add .; git commit -q -m Aside; git switch -q --detach HEAD~1
         echo a > a.txt; git add .; git stash -q; echo b > b.txt; git add .; git stash -q
         git tag -a -m Tagged tagged aside~0; echo c > c.txt; git add .; git commit -q -m C; git tag c; git reset -q --hard HEAD~1
         echo later > later.txt",
    );
    let collected = desk.collect();
    let mut found = names(&collected);
    found.sort_unstable();
    assert_eq!(
        found,
        ["refs/heads/aside", "refs/stash", "refs/stash@{1}", "refs/tags/c", "refs/tags/tagged"]
    );
    for own in &collected.commits {
        // All of it is among the person's objects, whatever becomes of the worktree.
        place.git(&["rev-list", "--objects", &own.id.to_string()]).ok();
    }
    let Removed::Kept(why) = desk.worktree.remove().unwrap() else { panic!("its commits are nowhere else") };
    assert!(why.contains("in no commit"), "{why}");
    let worktree = left_over(&desk.worktrees);
    let collected = worktree.collect().unwrap();
    worktree.mark_saved(&collected).unwrap();
    assert_eq!(names(&worktree.collect().unwrap()), [""; 0], "settled once and for all");
    assert!(matches!(worktree.remove().unwrap(), Removed::Gone));
    place.git(&["fsck", "--strict"]).ok();
}

#[test]
fn commits_that_are_only_the_files_need_no_ref_and_broken_ones_are_told() {
    let place = Place::new();
    place.write(".gitignore", "*.gen\n.env\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "Ignore"]).ok();
    place.write(".env", "secret");
    let desk = Desk::new(&place);
    desk.worktree.copy(&[".env".to_owned()]).unwrap();
    desk.sh(
        &place,
        "echo x > x.gen; echo y > y.txt; git add -f x.gen y.txt .env; git commit -q -m Mine; echo z > z.txt",
    );
    let collected = desk.collect();
    assert_eq!(names(&collected), [""; 0]);
    let tree = place.git_says(&["ls-tree", "--name-only", &collected.tree.to_string()]);
    assert_eq!(tree, ".gitignore\nREADME.md\nx.gen\ny.txt\nz.txt", "the ignored file that it committed, too");

    // One commit without its tree, one whose name is nobody's, one with a path that leads into `.git`.
    desk.sh(
        &place,
        r#"blob=$(echo bad | git hash-object -w --stdin)
           tree=$(printf '100644 blob %s\tgone.txt\n' $blob | git mktree)
           git branch broken $(git commit-tree -m Broken $tree)
           rm -f $GITDIR/objects/$(echo $tree | cut -c1-2)/$(echo $tree | cut -c3-)
           echo 1111111111111111111111111111111111111111 > $GITDIR/refs/heads/nobody
           git branch good $(git commit-tree -p HEAD -m Good $(printf '100644 blob %s\tgood.txt\n' $blob | git mktree))"#,
    );
    let collected = desk.collect();
    assert_eq!(names(&collected), ["refs/heads/good"], "one broken tip does not take the others with it");
    let left: Vec<(&str, LeftOutReason)> =
        collected.left_out.iter().map(|left| (left.path.as_str(), left.reason)).collect();
    assert_eq!(left, [("refs/heads/broken", LeftOutReason::Commits)]);
    place.git(&["fsck", "--strict"]).ok();
}

/// All that an agent without a sandbox can put where git looks.
const SABOTAGE: &str = r#"
printf '[core]\n\tfsmonitor = %s\n\thooksPath = %s\n\tpager = %s\n\tbare = false\n\tworktree = /\n[alias]\n\tst = !%s\n[diff]\n\texternal = %s\n[log]\n\tshowSignature = true\n[gpg]\n\tprogram = %s\n' "$EVIL" "$(dirname $EVIL)" "$EVIL" "$EVIL" "$EVIL" "$EVIL" > $GITDIR/config
cp $GITDIR/config $GITDIR/config.worktree
mkdir -p other; cp -r $GITDIR/. other/; echo "$PWD/other" > $GITDIR/commondir
rm -rf $GITDIR/hooks; ln -s "$(dirname $EVIL)" $GITDIR/hooks
echo '* filter=evil diff=evil' > $GITDIR/info/attributes; mkfifo $GITDIR/info/sparse-checkout
echo /elsewhere/objects > $GITDIR/objects/info/alternates; echo x > $GITDIR/objects/info/commit-graph
mkfifo $GITDIR/objects/pipe; ln -s /etc $GITDIR/objects/pack/etc
ln -s /etc/passwd $GITDIR/refs/heads/link; mkfifo $GITDIR/index.lock; touch $GITDIR/HEAD.lock
rm $GITDIR/HEAD; mkfifo $GITDIR/HEAD
rm .git; mkdir .git; cp -r $GITDIR/objects/info .git/; echo 'ref: refs/heads/main' > .git/HEAD
chmod 000 $GITDIR/refs
"#;

#[test]
fn whatever_an_agent_made_of_its_git_a_person_finds_it_usable_and_runs_nothing_of_it() {
    let place = Place::new();
    let evil = place.script("evil", "echo \"$0 $*\" >> \"$HOME/ran\"; cat");
    for hook in ["post-index-change", "reference-transaction", "pre-commit", "fsmonitor-watchman"] {
        fs::copy(&evil, place.root().join("bin").join(hook)).unwrap();
    }
    let desk = Desk::new(&place);
    desk.put("work.txt", "work\n");
    desk.sh(&place, SABOTAGE);
    let collected = desk.collect();
    for what in [
        ".git",
        "config",
        "config.worktree",
        "commondir",
        "hooks/",
        "info/attributes",
        "objects/info/alternates",
        "HEAD",
    ] {
        assert!(
            collected.repaired.iter().any(|repaired| repaired == what),
            "{what}: {:?}",
            collected.repaired
        );
    }
    let tree = place.git_says(&["ls-tree", "--name-only", &collected.tree.to_string()]);
    assert!(tree.contains("work.txt"), "{tree}");
    assert_eq!(desk.collect().repaired, [""; 0], "once is enough");
    for lines in
        ["git status --porcelain", "git log --oneline", "git diff HEAD", "git add .; git commit -q -m Mine"]
    {
        desk.sh(&place, lines);
    }
    assert!(
        !place.root().join("home/ran").exists(),
        "{}",
        fs::read_to_string(place.root().join("home/ran")).unwrap()
    );
    let path = desk.path().to_owned();
    let Removed::Kept(_) = desk.worktree.remove().unwrap() else { panic!("work.txt is in no commit") };
    assert_eq!(place.git_says(&["-C", path.to_str().unwrap(), "status", "--porcelain"]), "");
}

#[test]
fn a_kept_worktree_leads_into_no_repository_of_the_agents() {
    let place = Place::new();
    let head = place.git_says(&["rev-parse", "HEAD"]);
    place.write(".gitmodules", "[submodule \"sub\"]\n\tpath = sub\n\turl = ./sub\n");
    place.git(&["add", ".gitmodules"]).ok();
    place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},sub")]).ok();
    place.git(&["commit", "--quiet", "-m", "With a submodule"]).ok();
    place.script("evil", "echo \"$0 $*\" >> \"$HOME/ran\"; cat");
    let desk = Desk::new(&place);
    desk.sh(
        &place,
        r#"for dir in sub nested; do
             mkdir -p $dir; git init -q $dir; git -C $dir commit -q --allow-empty -m Mine
             git -C $dir config core.fsmonitor "$EVIL"; echo x > $dir/file
           done
           printf '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n\tignore = none\n[submodule "nested"]\n\tpath = nested\n\turl = ./nested\n\tignore = none\n' > .gitmodules
           git update-index --add --cacheinfo 160000,$(git -C nested rev-parse HEAD),nested
           git add .gitmodules; git commit -q -m Tricks"#,
    );
    let _ = fs::remove_file(place.root().join("home/ran"));
    let path = desk.path().to_owned();
    desk.worktree.close().unwrap();
    let inside = path.to_str().unwrap();
    place.git(&["-C", inside, "status"]).ok();
    place.git(&["-C", inside, "log", "--stat"]).ok();
    place.git(&["-C", inside, "diff", "--submodule=diff"]).ok();
    assert!(
        !place.root().join("home/ran").exists(),
        "{}",
        fs::read_to_string(place.root().join("home/ran")).unwrap()
    );
    assert!(
        path.join("sub/file").exists() && path.join("nested/file").exists(),
        "no file of anybody's is gone"
    );
}

#[test]
fn what_is_put_back_is_written_through_no_link() {
    let place = Place::new();
    let outside = place.root().join("home/.bashrc");
    fs::write(&outside, "mine\n").unwrap();
    let desk = Desk::new(&place);
    let pointer = desk.path().join(".git");
    fs::remove_file(&pointer).unwrap();
    fs::hard_link(&outside, &pointer).unwrap();
    let config = desk.git_dir().join("config");
    fs::remove_file(&config).unwrap();
    symlink(&outside, &config).unwrap();
    fs::hard_link(&outside, desk.path().join("linked.txt")).unwrap();
    let collected = desk.collect();
    assert_eq!(collected.repaired, [".git", "config"]);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine\n");
    assert_eq!(place.git_says(&["show", &format!("{}:linked.txt", collected.tree)]), "mine", "only content");
    desk.worktree.mark_saved(&collected).unwrap();
    assert!(matches!(desk.worktree.remove().unwrap(), Removed::Gone));
    drop(desk.worktrees);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine\n");
}

#[test]
fn objects_of_other_repositories_are_not_had_by_links() {
    let place = Place::new();
    place.git(&["init", "--quiet", "../secret"]).ok();
    fs::write(place.root().join("secret/key"), "secret\n").unwrap();
    place.git(&["-C", "../secret", "add", "."]).ok();
    place.git(&["-C", "../secret", "commit", "--quiet", "-m", "Secret"]).ok();
    let id = place.git_says(&["-C", "../secret", "rev-parse", "HEAD"]);
    let desk = Desk::new(&place);
    let secret = place.root().join("secret/.git/objects");
    for entry in fs::read_dir(&secret).unwrap() {
        let entry = entry.unwrap();
        let _ = symlink(entry.path(), desk.git_dir().join("objects").join(entry.file_name()));
    }
    fs::write(desk.git_dir().join("objects/info/alternates"), format!("{}\n", secret.display())).unwrap();
    fs::write(desk.git_dir().join("refs/heads/theirs"), format!("{id}\n")).unwrap();
    assert_eq!(names(&desk.collect()), [""; 0]);
    place.git(&["cat-file", "-e", &id]).exits(1);
    // Nor by a symbolic link for the whole store.
    fs::remove_dir_all(desk.git_dir().join("objects")).unwrap();
    symlink(&secret, desk.git_dir().join("objects")).unwrap();
    assert_eq!(names(&desk.collect()), [""; 0]);
    place.git(&["cat-file", "-e", &id]).exits(1);
}

#[test]
fn files_that_are_too_large_are_told_and_stay() {
    let place = Place::new();
    place.git(&["config", "filter.large.clean", "echo pointer"]).ok();
    let desk = Desk::new(&place);
    let sparse = |name: &str, length: u64| {
        fs::File::create(desk.path().join(name)).unwrap().set_len(length).unwrap();
    };
    sparse("huge.bin", 10 << 30);
    sparse("large.bin", (100 << 20) + 1);
    sparse("large.lfs", (100 << 20) + 1);
    desk.put(".gitattributes", "*.lfs filter=large\nhuge.bin filter=nobodys\n");
    desk.put("small.txt", "small\n");
    let collected = desk.collect();
    let left: Vec<(&str, LeftOutReason)> =
        collected.left_out.iter().map(|left| (left.path.as_str(), left.reason)).collect();
    assert_eq!(left, [("huge.bin", LeftOutReason::TooLarge), ("large.bin", LeftOutReason::TooLarge)]);
    assert_eq!(place.git_says(&["show", &format!("{}:large.lfs", collected.tree)]), "pointer");
    desk.worktree.mark_saved(&collected).unwrap();
    let Removed::Kept(why) = desk.worktree.remove().unwrap() else { panic!("they are nowhere else") };
    assert!(why.contains("huge.bin is larger than 100 MiB"), "{why}");
}

#[test]
fn a_flood_of_files_is_refused_and_stays() {
    let place = Place::in_memory();
    let desk = Desk::new(&place);
    let flood = desk.path().join("cache");
    fs::create_dir(&flood).unwrap();
    for number in 0..100_001 {
        fs::write(flood.join(number.to_string()), "").unwrap();
    }
    let error = desk.worktree.collect().unwrap_err();
    let much = error.downcast_ref::<TooMuch>().unwrap().to_string();
    assert_eq!(much, "100,001 new files; is something missing in .gitignore?");
    let Removed::Kept(why) = desk.worktree.remove().unwrap() else { panic!("they are nowhere else") };
    assert!(why.contains("100,001 new files"), "{why}");
    assert!(flood.join("7").exists());
}

#[test]
fn clones_of_all_kinds_have_such_worktrees_too() {
    let place = Place::new();
    place.write("folder/file", "x");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "-m", "More"]).ok();
    place.git(&["config", "uploadpack.allowFilter", "true"]).ok();
    let origin = format!("file://{}", place.repo().display());
    place.git(&["init", "--quiet", "--object-format=sha256", "../sha256"]).ok();
    fs::write(place.root().join("sha256/README.md"), "x").unwrap();
    place.git(&["-C", "../sha256", "add", "."]).ok();
    place.git(&["-C", "../sha256", "commit", "--quiet", "-m", "Begin"]).ok();
    for (name, how) in [
        ("shallow", &["--depth=1", &origin] as &[&str]),
        ("partial", &["--filter=blob:none", "--no-checkout", &origin]),
        ("shared", &["--shared", "."]),
        ("twice", &["--shared", "../shared"]),
        ("bare", &["--bare", "."]),
        ("sha", &["../sha256"]),
    ] {
        let path = place.root().join(name);
        let into = path.to_str().unwrap();
        place.git(&[&["clone", "--quiet"], how, &[into]].concat()).ok();
        let desk = Desk::of(&path);
        assert_eq!(desk.sh(&place, "git status --porcelain"), "", "{name}");
        desk.sh(
            &place,
            "git fsck --connectivity-only; echo own > own.txt; git add .; git commit -q -m Own; git log --oneline | grep Own
             git branch aside; rm own.txt; git rm -q --cached own.txt; git commit -q -m Gone; echo new > new.txt",
        );
        let collected = desk.collect();
        assert_eq!(names(&collected), ["refs/heads/aside"], "{name}");
        assert_eq!(collected.changed, 1, "{name}");
        place.git(&["-C", into, "cat-file", "-e", &format!("{}:own.txt", collected.commits[0].id)]).ok();
        desk.worktree.mark_saved(&collected).unwrap();
        assert!(matches!(desk.worktree.remove().unwrap(), Removed::Gone), "{name}");
    }
}

#[test]
fn what_a_worktree_was_made_from_outlives_its_branch_and_any_gc() {
    let place = Place::new();
    place.git(&["switch", "--quiet", "-c", "short-lived"]).ok();
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Soon gone"]).ok();
    let desk = Desk::new(&place);
    desk.put("work.txt", "work\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["branch", "-D", "short-lived"]).ok();
    place.git(&["reflog", "expire", "--expire=now", "--all"]).ok();
    place.git(&["gc", "--quiet", "--prune=now"]).ok();
    desk.sh(&place, "git status; git log --oneline");
    let collected = desk.collect();
    assert_eq!(collected.changed, 1);
    desk.worktree.mark_saved(&collected).unwrap();
    assert!(matches!(desk.worktree.remove().unwrap(), Removed::Gone));
    assert_eq!(place.git_says(&["for-each-ref", "refs/flow-ai/worktrees"]), "", "packed or not");
}

#[test]
fn the_persons_filters_line_ends_and_drivers_hold_in_it_and_their_secrets_do_not() {
    let place = Place::new();
    place.write(".gitattributes", "*.up filter=up -text\n*.keep merge=keep\n");
    place.write("windows.txt", "one\ntwo\n");
    place.git(&["config", "filter.up.clean", "tr a-z A-Z # \"quoted\" \\ "]).ok();
    place.git(&["config", "filter.up.smudge", "tr A-Z a-z"]).ok();
    place.git(&["config", "merge.keep.driver", "true"]).ok();
    place.git(&["config", "core.autocrlf", "true"]).ok();
    place.git(&["config", "remote.origin.url", "https://me:PASSWORD@example.com/x"]).ok();
    place.git(&["config", "http.extraHeader", "Authorization: PASSWORD"]).ok();
    place.git(&["config", "core.hooksPath", "/hooks"]).ok();
    place.write("loud.up", "loud\n");
    place.git(&["add", "."]).ok();
    place.git(&["commit", "--quiet", "--no-verify", "-m", "More"]).ok();
    let desk = Desk::new(&place);
    assert_eq!(fs::read_to_string(desk.path().join("windows.txt")).unwrap(), "one\r\ntwo\r\n");
    assert_eq!(fs::read_to_string(desk.path().join("loud.up")).unwrap(), "loud\n");
    desk.sh(&place, "touch *; test -z \"$(git status --porcelain)\"; echo more > more.up; git add .; git commit -q -m More");
    assert_eq!(desk.sh(&place, "git show HEAD:more.up"), "MORE");
    assert_eq!(desk.sh(&place, "git config merge.keep.driver"), "true");
    assert!(!fs::read_to_string(desk.git_dir().join("config")).unwrap().contains("PASSWORD"));
    let scope = desk.worktree.scope();
    assert!(
        scope.protect.iter().chain(&scope.read).chain(&scope.write).all(|path| path.exists()),
        "{scope:?}"
    );
}
