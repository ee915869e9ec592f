//! Attempts that are overlays over a checkout that they share: what is collected is what an attempt with all files to
//! itself would give, the shared files are never written, and nothing of it is left behind.

use crate::support::plan::task;
use crate::support::processes::wait_for;
use crate::support::{Config, Out, Place};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// All ways of making a checkout.
const WAYS: [&str; 3] = ["overlay", "copy", "full"];

/// A project of some folders, with one agent that does what `act` says.
fn stage(way: &str, run: &str, act: &str, tasks: &str) -> Place {
    let sandbox = if run.contains("sandbox =") { "" } else { "sandbox = \"require\"\n" };
    let config = Config::new().agent("hand", "acme").run(format!("attempts = 1\n{sandbox}{run}"));
    let place = Place::with_config(config);
    place.git(&["config", "flow-ai.checkouts", way]).ok();
    for folder in ["src", "src/deep/er", "docs", "gone"] {
        for name in ["one", "two", "three"] {
            place.write(&format!("{folder}/{name}.txt"), format!("{folder} {name}\n"));
        }
    }
    place.write(".gitignore", "*.log\nbuild/\n");
    place.write(".gitattributes", "*.crlf text eol=crlf\n");
    place.write("file.crlf", "a\nb\n");
    place.executable("tool.sh", "#!/bin/sh\n");
    std::os::unix::fs::symlink("src/one.txt", place.repo().join("link")).unwrap();
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "A project"]).ok();
    agent(&place, act);
    place.spec_with(tasks);
    place
}

/// What the agent does, who can write nothing but its worktree.
fn agent(place: &Place, act: &str) {
    place.script(
        "hand",
        &format!("cat >/dev/null\ntask=$GIT_FLOW_AI_TASK\nattempt=$GIT_FLOW_AI_ATTEMPT\n{act}"),
    );
}

/// Another spec with one task, and its run.
fn run_another(place: &Place, slug: &str) -> Out {
    let request = place.beside("request.md", "Make it.\n");
    let plan = place.beside("plan.md", &format!("# More\n\n{}", task("more", "")));
    place.flow(&["spec", slug, "--workflow", "quick", "--from", request.to_str().unwrap()]).ok();
    place.flow(&["plan", slug, "--from", plan.to_str().unwrap()]).ok();
    place.flow(&["run", slug, "--no-review"])
}

/// Where the worktree of the task `it` is.
fn folder_of_it(place: &Place) -> PathBuf {
    place.root().join(".repo.flow-ai/demo.it")
}

fn run(place: &Place) -> Out {
    place.flow(&["run", "demo", "--no-review"])
}

/// The files of all clean checkouts, with everything that a write would change.
fn shared(place: &Place) -> BTreeMap<PathBuf, (Vec<u8>, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut open = vec![place.repo().join(".git/flow-ai/bases")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let data = entry.path().symlink_metadata().unwrap();
            if data.is_dir() {
                open.push(entry.path());
            } else if entry.path().to_str().unwrap().contains("/files/") {
                let content = fs::read(entry.path()).unwrap_or_default();
                let state = (content, data.ino(), data.mtime_nsec(), data.ctime_nsec());
                found.insert(entry.path(), state);
            }
        }
    }
    found
}

/// Whether nothing is mounted for others, and no worktree is left.
#[track_caller]
fn is_tidy(place: &Place) {
    is_unmounted(place);
    place.has_no_worktree();
}

#[track_caller]
fn is_unmounted(place: &Place) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(place.root().to_str().unwrap()), "{mounts}");
    assert_eq!(place.git_says(&["status", "--porcelain"]), "");
    assert_eq!(place.worktrees(), [""; 0]);
}

/// The ignored files that went to the trash, since somebody may have written them.
fn in_trash(place: &Place) -> String {
    place.sh("cd .git/flow-ai/worktrees && find . -path '*/files/*' | sed 's,.*/files/,,' | sort").stdout
}

#[test]
fn whatever_an_agent_does_is_collected_as_from_a_checkout_of_its_own() {
    for (what, act) in [
        ("nothing", ":"),
        ("a file is changed", "echo more >> src/one.txt"),
        ("a file is touched", "touch src/one.txt; chmod 600 src/two.txt"),
        ("a file is written with the same content", "cp src/one.txt x; cat x > src/one.txt; rm x"),
        ("a file goes", "rm src/one.txt"),
        ("a file moves", "mv src/one.txt docs/moved.txt"),
        ("a folder goes", "rm -r gone"),
        ("a folder goes and comes back with less", "rm -r src && mkdir src && echo new > src/one.txt"),
        ("a folder moves", "mv src sources || { cp -a src sources && rm -r src; }"),
        ("a folder is replaced by a file", "rm -r src && echo file > src"),
        ("a file is replaced by a folder", "rm tool.sh && mkdir tool.sh && echo in > tool.sh/in.txt"),
        ("a folder is replaced by a link", "rm -r docs && ln -s src docs"),
        ("a file is replaced by a link", "rm src/one.txt && ln -s two.txt src/one.txt"),
        ("a link is replaced by a file", "rm link && echo file > link"),
        ("a link leads elsewhere", "ln -sfn src/two.txt link"),
        ("a program is made", "chmod +x src/one.txt; chmod -x tool.sh"),
        ("new files in new folders", "mkdir -p new/er/est && echo x > new/er/est/x && echo y > new/y"),
        ("ignored files", "mkdir -p build/a && echo x > build/a/x; echo y > src/y.log; echo z > src/z"),
        ("what was ignored is no more", "echo '*.log' > .gitignore; mkdir build; echo x > build/x"),
        (
            "what was not ignored is now",
            "echo 'src/' >> .gitignore; echo new > src/new; echo c >> src/one.txt",
        ),
        ("the rules go", "rm .gitignore .gitattributes; echo x > a.log; printf 'a\\r\\n' > other.crlf"),
        ("ends of lines", "printf 'a\\r\\nb\\r\\n' > file.crlf; printf 'c\\r\\n' > new.crlf"),
        ("new attributes", "echo '*.txt text eol=crlf' >> .gitattributes; printf 'c\\r\\n' > src/new.txt"),
        ("a repository inside", "git init -q in && mkdir in/er && echo x > in/x && echo y > in/er/y"),
        ("a pipe", "mkfifo src/pipe; rm src/two.txt; mkfifo src/two.txt"),
        ("rules that are a pipe", "rm .gitignore; mkfifo .gitignore; echo x > x.log"),
        ("its own commit", "echo x > x.log; git add -f x.log; echo y > y; git add y; git commit -qm own"),
        ("a stash", "echo x > src/one.txt; git stash -q; echo y > y"),
        (
            "strange names",
            "echo x > 'a b'; echo y > \"$(printf 'new\\nline')\"; echo z > -z; mkdir ' '; echo x > ' /x'",
        ),
        ("many files", "mkdir many; for i in $(seq 1500); do mkdir many/$i; echo $i > many/$i/$i; done"),
        ("a deep chain", "p=.; for i in $(seq 60); do p=$p/d; done; mkdir -p $p; echo x > $p/x"),
    ] {
        let trees = WAYS.map(|way| {
            // The second one of a commit is copied.
            let first = format!("if [ $task = first ]; then echo x > first.txt; else {act}\nfi\necho done");
            let tasks = match way {
                "copy" => [task("first", ""), task("it", "")].concat(),
                _ => task("it", ""),
            };
            let place = stage(way, "parallel = 1", &first, &tasks);
            let before = shared(&place);
            let said = run(&place).stderr;
            assert!(before.is_empty() && shared(&place).is_empty() == (way == "full"), "{what} by {way}");
            let branch = place.git(&["rev-parse", "--verify", "--quiet", "flow/demo/it^{tree}"]);
            let listed = place.git(&["ls-tree", "-r", "flow/demo/it"]).stdout;
            place.git(&["fsck", "--strict", "--no-dangling"]).ok();
            assert_eq!(place.worktrees(), [""; 0], "{what} by {way}: {said}");
            is_unmounted(&place);
            (branch.stdout, listed, in_trash(&place))
        });
        let [overlay, copy, full] = trees;
        assert_eq!(overlay, full, "{what}");
        assert_eq!(copy, full, "{what}");
    }
}

#[test]
fn a_change_is_found_that_was_made_at_once_and_dated_back() {
    let act = "if [ $task = it ]; then cp -p src/one.txt keep; printf 'Src one\\n' > src/one.txt; touch -r keep src/one.txt; rm keep; fi\n\
        git status --porcelain > $task.status; echo done";
    for way in WAYS {
        let place = stage(way, "parallel = 1", act, &[task("first", ""), task("it", "")].concat());
        // So many that they are made older than their index.
        for number in 0..1500 {
            place.write(&format!("many/{number}"), format!("{number}\n"));
        }
        place.git(&["add", "--all"]).ok();
        place.git(&["commit", "--quiet", "-m", "Many"]).ok();
        run(&place).ok();
        assert_eq!(place.file("flow/demo/it", "src/one.txt").as_deref(), Some("Src one\n"), "{way}");
        let seen = place.file("flow/demo/it", "it.status").unwrap();
        assert!(seen.contains(" M src/one.txt") && !seen.contains("many"), "{way}: {seen}");
        is_tidy(&place);
    }
}

#[test]
fn what_was_written_to_a_clean_checkout_is_not_copied() {
    let act = "cat src/one.txt src/two.txt docs/one.txt > $task.txt; git status --porcelain >> $task.txt; echo done";
    let tasks = |names: [&str; 2]| names.map(|name| task(name, "")).concat();
    let place = stage("copy", "parallel = 1\nsandbox = \"off\"", act, &tasks(["one", "two"]));
    run(&place).ok();
    let clean = "src one\nsrc two\ndocs one\n?? two.txt\n";
    assert_eq!(place.file("flow/demo/two", "two.txt").as_deref(), Some(clean));
    place.sh("cd .git/flow-ai/bases/*/files && echo evil > src/one.txt && rm src/two.txt docs/one.txt && ln -s /etc/passwd docs/one.txt");
    let plan = place.beside("plan.md", &format!("# More\n\n{}", tasks(["three", "four"])));
    let request = place.beside("request.md", "Make it.\n");
    place.flow(&["spec", "again", "--workflow", "quick", "--from", request.to_str().unwrap()]).ok();
    place.flow(&["plan", "again", "--from", plan.to_str().unwrap()]).ok();
    place.flow(&["run", "again", "--no-review"]).ok();
    for name in ["three", "four"] {
        let text = place.file(&format!("flow/again/{name}"), &format!("{name}.txt"));
        assert_eq!(text, Some(clean.replace("two.txt", &format!("{name}.txt"))));
    }
    is_tidy(&place);
}

#[test]
fn the_shared_files_are_never_written_and_the_next_run_finds_them() {
    let act =
        "rm -rf gone docs; for f in src/*.txt; do echo more >> $f; done; touch *; chmod 777 src; echo done";
    let tasks = [task("one", ""), task("two", ""), task("three", "")].concat();
    let place = stage("overlay", "", act, &tasks);
    run(&place).says("overlays over a clean checkout");
    let before = shared(&place);
    assert!(before.keys().any(|path| path.ends_with("src/one.txt")));
    // Three branches that change the same lines, so that two of them come again.
    run_another(&place, "again").ok();
    let now = shared(&place);
    assert!(before.iter().all(|(path, state)| now.get(path) == Some(state)), "none was written");
    assert_eq!(now.len(), before.len(), "the same commit, the same checkout");
    is_tidy(&place);
    place.flow(&["clean"]).ok();
    assert!(shared(&place).is_empty(), "nobody needs it");
}

#[test]
fn a_commit_that_differs_little_is_a_layer_over_the_checkout_that_is_there() {
    let place = stage(
        "overlay",
        "",
        "ls -R > seen.txt; cat src/one.txt >> seen.txt; git status --porcelain >> seen.txt; echo done",
        &task("it", ""),
    );
    run(&place).ok();
    let before = shared(&place);
    place.write("src/one.txt", "changed\n");
    place.git(&["rm", "-r", "--quiet", "gone"]).ok();
    place.write("added/file.txt", "new\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Go on"]).ok();
    run_another(&place, "again").ok();
    let now = shared(&place);
    assert!(before.iter().all(|(path, state)| now.get(path) == Some(state)));
    let added = now.len() - before.len();
    assert!(added < before.len() / 2, "{added} files and whiteouts, and an index");
    let seen = place.file("flow/again/more", "seen.txt").unwrap();
    assert!(seen.contains("changed") && seen.contains("added") && !seen.contains("gone"), "{seen}");
    assert!(
        seen.lines().any(|line| line == "?? seen.txt") && !seen.contains(" M ") && !seen.contains(" D "),
        "{seen}"
    );
}

#[test]
fn who_cannot_work_in_an_overlay_gets_a_checkout_of_its_own() {
    let act = "git mv src sources || exit 1; echo done";
    let place = stage("overlay", "", act, &task("it", ""));
    let config = place.read(".zenflow/config.toml").replace("attempts = 1", "attempts = 2");
    place.write(".zenflow/config.toml", config);
    place.git(&["commit", "--quiet", "-am", "Two attempts"]).ok();
    run(&place).ok().says("a program cannot work in an overlay: the next checkout is a copy");
    assert_eq!(place.file("flow/demo/it", "sources/one.txt").as_deref(), Some("src one\n"));
    assert_eq!(place.file("flow/demo/it", "src/one.txt"), None);
    // The same of the checks.
    place.write(
        ".zenflow/config.toml",
        place
            .read(".zenflow/config.toml")
            .replace("attempts = 2", "attempts = 1\nverify = 'git mv docs d && git mv d docs'"),
    );
    place.git(&["commit", "--quiet", "-am", "Checks"]).ok();
    agent(&place, "echo x > x; echo done");
    run_another(&place, "again").ok().says("the next checkout is a copy");
    // And of the setup.
    let config = place.read(".zenflow/config.toml").replace("verify =", "setup =");
    place.write(".zenflow/config.toml", config);
    place.git(&["commit", "--quiet", "-am", "Setup"]).ok();
    run_another(&place, "setup").ok().says("the next checkout is a copy");
    is_tidy(&place);
}

#[test]
fn many_at_once_come_home_beside_what_others_tidy_up() {
    let number = std::env::var("FLOW_AI_MANY").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let tasks: String = (0..number).map(|number| task(&format!("t{number}"), "")).collect();
    let place = stage("overlay", "parallel = 64", "echo made > $task.txt; echo done", &tasks);
    place.git(&["config", "flow-ai.pressure", "false"]).ok();
    let busy = "while [ ! -e \"$0\" ]; do git gc --quiet; git worktree prune; \
        find .git/objects -maxdepth 1 -type d -name '??' -empty -delete; sleep 0.5; done";
    let end = place.root().join("end");
    let mut tidying = place.command("sh");
    let mut tidying =
        tidying.args(["-c", busy]).arg(&end).stderr(std::process::Stdio::null()).spawn().unwrap();
    let out = run(&place);
    fs::write(end, "").unwrap();
    tidying.wait().unwrap();
    let out = out.ok();
    assert!(out.stderr.contains(&format!("{number} done, 0 failed")), "{}", out.stderr);
    let result = place.git_says(&["ls-tree", "--name-only", "flow/demo/result"]);
    assert_eq!(result.lines().filter(|name| name.starts_with('t') && name.ends_with(".txt")).count(), number);
    is_tidy(&place);
}

#[test]
fn what_is_kept_is_a_folder_like_any_other() {
    let place = stage(
        "overlay",
        "",
        "echo more >> src/one.txt; rm -r gone; mkdir build; echo x > build/x; echo done",
        &task("it", ""),
    );
    place.flow(&["run", "demo", "--no-review", "--keep"]).ok();
    let folder = folder_of_it(&place);
    assert_eq!(fs::read_to_string(folder.join("src/one.txt")).unwrap(), "src one\nmore\n");
    assert_eq!(fs::read_to_string(folder.join("src/two.txt")).unwrap(), "src two\n");
    assert!(
        !folder.join("gone").exists() && folder.join("build/x").exists() && folder.join("tool.sh").exists()
    );
    let status = place.git_in(&folder, &["diff", "--cached", "--name-status", "HEAD"]).ok().stdout;
    assert!(status.contains("M\tsrc/one.txt") && status.contains("D\tgone/one.txt"), "{status}");
    assert_eq!(place.git_in(&folder, &["status", "--porcelain"]).ok().stdout.matches("src/two").count(), 0);
    place.flow(&["clean"]).ok();
    is_unmounted(&place);
}

#[test]
fn a_running_attempt_can_be_looked_at_and_not_be_changed() {
    let act = "echo half > half.txt; touch \"$root/begun\"; while [ ! -e \"$root/go\" ]; do sleep 0.05; done; echo done";
    // Without a sandbox, so that it can be told to go on.
    let place = stage("overlay", "sandbox = \"off\"", "", &task("it", ""));
    place.agent("hand", act);
    let mut child = place.command("git-flow-ai").args(["run", "demo", "--no-review"]).spawn().unwrap();
    wait_for(|| place.root().join("begun").exists());
    let open = |command: &[&str]| place.flow(&[&["open", "demo", "it", "--"], command].concat());
    open(&["cat", "half.txt", "src/one.txt"]).ok().says("half").says("src one");
    open(&["sh", "-c", "echo x > half.txt"]).exits(2).says("Read-only file system");
    open(&["git", "status", "--porcelain"]).ok().says("?? half.txt");
    place.flow(&["open"]).ok().says("demo").says("it");
    place.flow(&["open", "demo", "other"]).exits(2).says("no worktree of demo.other");
    fs::write(place.root().join("go"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(place.file("flow/demo/it", "half.txt").as_deref(), Some("half\n"));
    is_tidy(&place);
}

#[test]
fn what_a_setup_made_is_there_for_the_next_worktree() {
    let setup =
        "echo ran >> ran.log; mkdir -p node_modules/a; pwd > node_modules/a/where; echo setup > made.txt";
    let run = format!("setup = '{setup}'\nparallel = 2");
    let act = "cat ran.log node_modules/a/where > $task.txt; pwd >> $task.txt; echo done";
    let place = stage("overlay", &run, act, &[task("one", ""), task("two", "")].concat());
    place.write("package-lock.json", "{}\n");
    place.write(".gitignore", "*.log\nnode_modules/\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Dependencies"]).ok();
    place.flow(&["run", "demo", "--no-review"]).ok();
    for name in ["one", "two"] {
        let text = place.file(&format!("flow/demo/{name}"), &format!("{name}.txt")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "ran", "once for both");
        assert_eq!(lines[1], lines[2], "at the same path as when it was made");
        assert_eq!(place.file(&format!("flow/demo/{name}"), "made.txt"), None, "it is nobody's work");
    }
    // Other inputs, another setup; other files, none.
    let again = |slug: &str| {
        place.git(&["add", "--all"]).ok();
        place.git(&["commit", "--quiet", "-m", slug]).ok();
        run_another(&place, slug).ok();
        let entries = fs::read_dir(place.repo().join(".git/flow-ai/setups")).unwrap().flatten();
        entries.filter(|entry| !entry.file_name().to_str().unwrap().starts_with('.')).count()
    };
    place.write("src/one.txt", "changed\n");
    assert_eq!(again("files"), 1);
    place.write("package-lock.json", "{\"a\": 1}\n");
    assert_eq!(again("inputs"), 2);
    // A layer hides no file of a commit.
    place.git(&["add", "--force", "--all"]).ok();
    place.write("node_modules/a/where", "the project's\n");
    place.git(&["add", "--force", "node_modules"]).ok();
    assert_eq!(again("tracked"), 3);
    is_tidy(&place);
}

#[test]
fn what_an_agent_can_have_made_is_set_up_for_nobody_else() {
    // The second attempt begins from the first one's commit, whose setup is the agent's.
    let act = "case $attempt in 1) echo 'echo poisoned > dep.log' > setup.sh; exit 1;; *) cat dep.log > $task.txt;; esac; echo done";
    let place = stage("overlay", "setup = 'sh setup.sh'", act, &task("one", ""));
    place.write(
        ".zenflow/config.toml",
        place.read(".zenflow/config.toml").replace("attempts = 1", "attempts = 2"),
    );
    place.write("setup.sh", "echo clean > dep.log\n");
    place.write("package-lock.json", "{}\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "Setup"]).ok();
    place.flow(&["run", "demo", "--no-review"]);
    agent(&place, "cat dep.log > $task.txt; echo done");
    run_another(&place, "again").ok();
    assert_eq!(place.file("flow/again/more", "more.txt").as_deref(), Some("clean\n"));
}

#[test]
fn files_that_others_put_where_a_worktree_is_are_left_alone() {
    let place = stage("overlay", "", "touch \"$PWD/x\"; sleep 1; echo done", &task("it", ""));
    let mut child = place.command("git-flow-ai").args(["run", "demo", "--no-review"]).spawn().unwrap();
    let folder = folder_of_it(&place);
    wait_for(|| folder.exists());
    fs::write(folder.join("mine.txt"), "mine\n").unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_to_string(folder.join("mine.txt")).unwrap(), "mine\n");
    fs::remove_file(folder.join("mine.txt")).unwrap();
    place.flow(&["clean"]).ok();
    place.has_no_worktree();
}

#[test]
fn a_choice_that_means_nothing_is_named() {
    let place = stage("copies", "", "echo x > x; echo done", &task("it", ""));
    run(&place)
        .exits(2)
        .says("invalid value `copies` for flow-ai.checkouts (expected overlay, copy or full)");
    place.git(&["config", "flow-ai.checkouts", "full"]).ok();
    run(&place).ok().says("checkouts: by git, one for each worktree (flow-ai.checkouts asks for it)");
    place.flow(&["doctor"]).says("checkouts").says("by git, one for each worktree");
    place.git(&["config", "flow-ai.checkouts", "copy"]).ok();
    place.flow(&["doctor"]).says("copies of a clean checkout (flow-ai.checkouts asks for it)");
}
