//! Wherever git looks for hooks (a worktree's own setting, a link, another folder, a copy of the repository):
//! after `init` it asks us, nothing that is not ours is written to, and uninstalling undoes what was done here.

use crate::support::{Config, Out, Place};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// `main` protected by the config at its tip, `topic` one commit ahead, `main` checked out.
fn place() -> Place {
    let place = Place::with_config(Config::lookup_only());
    place.topic("new");
    place.switch("main");
    place
}

/// Whether git itself asks by its config, so that folders of hooks do not matter.
fn asks_by_config() -> bool {
    git_flow_ai::system::git::version().unwrap() >= (2, 54)
}

/// A hook that says that it ran.
fn hook(place: &Place) -> String {
    format!("#!/bin/sh\necho \"${{0##*/}} $PWD\" >> '{}'\n", place.root().join("ran").display())
}

/// What the hooks that were there have said since the last time.
fn ran(place: &Place) -> String {
    let file = place.root().join("ran");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(file);
    text
}

fn write_hook(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A linked worktree on a branch of its own.
fn worktree(place: &Place, name: &str) -> PathBuf {
    let dir = place.root().join(name);
    place.git(&["worktree", "add", "--quiet", "-b", name, dir.to_str().unwrap(), "main"]).ok();
    dir
}

/// Nothing that nobody has judged gets onto `main` from there.
#[track_caller]
fn guarded(place: &Place, dir: &Path) {
    let main = place.id("main");
    let out = place.git_in(dir, &["update-ref", "refs/heads/main", "topic"]);
    assert_eq!(place.id("main"), main, "open from {}: {out:?}", dir.display());
    out.exits(128).says("`main` may not move to this");
}

/// Nothing asks there any more.
#[track_caller]
fn free(place: &Place, dir: &Path) {
    place.git_in(dir, &["update-ref", "refs/heads/main", "topic"]).ok();
    place.git_in(dir, &["update-ref", "refs/heads/main", "topic~1"]).ok();
}

fn commit(place: &Place, dir: &Path) -> Out {
    place.git_in(dir, &["commit", "--quiet", "--allow-empty", "-m", "Nothing"])
}

fn hooks_path(place: &Place, dir: &Path) -> String {
    place.git_in(dir, &["config", "core.hooksPath"]).stdout.trim_end().to_owned()
}

#[test]
fn every_worktree_is_guarded_whatever_settings_it_has_of_its_own() {
    let place = place();
    place.git(&["config", "extensions.worktreeConfig", "true"]).ok();
    place.git(&["config", "core.hooksPath", ".husky/_"]).ok();
    write_hook(&place.repo().join(".husky/_/pre-commit"), &hook(&place));
    let custom = place.root().join("custom");
    write_hook(&custom.join("pre-commit"), &hook(&place));
    let (plain, absolute, relative) =
        (worktree(&place, "plain"), worktree(&place, "absolute"), worktree(&place, "relative"));
    write_hook(&relative.join("own hooks/pre-commit"), &hook(&place));
    let settings = [(&absolute, custom.to_str().unwrap()), (&relative, "own hooks")];
    for (dir, value) in settings {
        place.git_in(dir, &["config", "--worktree", "core.hooksPath", value]).ok();
    }
    place.flow_in(&relative, &["init"]).ok();
    let again = place.flow_in(&absolute, &["init"]).ok();
    assert!(!again.stdout.contains("done: install"), "{}", again.stdout);
    for dir in [&place.repo(), &plain, &absolute, &relative] {
        guarded(&place, dir);
    }
    for (dir, _) in settings {
        ran(&place);
        commit(&place, dir).ok();
        assert_eq!(ran(&place), format!("pre-commit {}\n", dir.display()));
    }
    if asks_by_config() {
        return;
    }
    // git gives a new worktree the settings of the one that it is made from.
    let later = place.root().join("later");
    place.git_in(&absolute, &["worktree", "add", "--quiet", later.to_str().unwrap()]).ok();
    guarded(&place, &later);
    commit(&place, &later).ok();
    assert_eq!(ran(&place), format!("pre-commit {}\n", later.display()));
    // A tool sets it anew, in a worktree where nobody runs `init`.
    place.git_in(&plain, &["config", "--worktree", "core.hooksPath", custom.to_str().unwrap()]).ok();
    let doctor = place.flow(&["doctor"]).exits(1);
    doctor.says(plain.to_str().unwrap()).says("none there asks us");
    place.flow(&["init"]).ok();
    guarded(&place, &plain);
    place.flow(&["doctor"]);
    // All of it is given back, what git has copied too.
    place.flow(&["init", "--uninstall"]).ok();
    assert_eq!(hooks_path(&place, &place.repo()), ".husky/_");
    for (dir, value) in settings.into_iter().chain([(&later, custom.to_str().unwrap())]) {
        assert_eq!(hooks_path(&place, dir), value);
        free(&place, dir);
    }
    assert!(!place.repo().join(".git/flow-ai").exists());
}

#[test]
fn a_setting_of_the_main_worktree_is_its_own_too() {
    let place = place();
    place.git(&["config", "extensions.worktreeConfig", "true"]).ok();
    let custom = place.root().join("custom");
    write_hook(&custom.join("pre-commit"), &hook(&place));
    place.git(&["config", "--worktree", "core.hooksPath", custom.to_str().unwrap()]).ok();
    let linked = worktree(&place, "linked");
    place.git_in(&linked, &["config", "--worktree", "--unset-all", "core.hooksPath"]);
    // From the other one.
    place.flow_in(&linked, &["init"]).ok();
    guarded(&place, &place.repo());
    guarded(&place, &linked);
    place.flow_in(&linked, &["init", "--uninstall"]).ok();
    assert_eq!(hooks_path(&place, &place.repo()), custom.to_str().unwrap());
    free(&place, &place.repo());
}

#[test]
fn init_says_so_where_git_goes_elsewhere_all_the_same() {
    if asks_by_config() {
        return;
    }
    let place = place();
    let custom = place.root().join("custom");
    fs::create_dir(&custom).unwrap();
    place.write("../included", format!("[core]\n\thooksPath = {}\n", custom.display()));
    // Whatever is set in this file itself, what it includes in the end wins.
    let mut config = place.read(".git/config");
    config.push_str(&format!("[include]\n\tpath = {}\n", place.root().join("included").display()));
    place.write(".git/config", config);
    let out = place.flow(&["init"]).exits(1);
    let out = out.says("git does not ask us").says(custom.to_str().unwrap()).says("--show-origin");
    let hint = out.stdout.lines().find_map(|line| line.trim().strip_prefix("git -C ")).unwrap();
    place.sh(&format!("git -C {hint}")).ok().says("included");
    place.flow(&["doctor"]).exits(1);
}

#[test]
fn what_one_command_or_an_environment_says_is_no_setting_of_the_repository() {
    let place = place();
    let custom = place.root().join("custom");
    write_hook(&custom.join("pre-commit"), &hook(&place));
    let path = format!("core.hooksPath={}", custom.display());
    place.git(&["-c", &path, "flow-ai", "init"]).ok();
    assert_eq!(hooks_path(&place, &place.repo()), "");
    guarded(&place, &place.repo());
    place.flow(&["init", "--uninstall"]).ok();
    // A config of the user's that only some shells have: the repository's own setting holds in all.
    let global = place.root().join("global");
    fs::write(&global, format!("[core]\n\thooksPath = {}\n", custom.display())).unwrap();
    let mut init = place.command("git");
    Out::run(init.args(["-c", "user.name=A", "flow-ai", "init"]).env("GIT_CONFIG_GLOBAL", &global)).ok();
    guarded(&place, &place.repo());
    let mut update = place.command("git");
    update.args(["update-ref", "refs/heads/main", "topic"]).env("GIT_CONFIG_GLOBAL", &global);
    Out::run(&mut update).exits(128);
}

#[test]
fn nothing_is_written_through_a_link() {
    let tracked = |place: &Place, folder: &str| {
        write_hook(&place.repo().join(folder).join("pre-commit"), &hook(place));
        place.ungated(&["add", "--all"]).ok();
        place.ungated(&["commit", "--quiet", "-m", "Hooks"]).ok();
    };
    type Link = fn(&Place);
    let links: [(&str, Link); 4] = [
        ("the folder is a link", |place| {
            fs::remove_dir_all(place.repo().join(".git/hooks")).unwrap();
            symlink("../githooks", place.repo().join(".git/hooks")).unwrap();
        }),
        ("one hook is a link", |place| {
            symlink("../../githooks/pre-commit", place.repo().join(".git/hooks/pre-commit")).unwrap();
        }),
        ("the setting names a link", |place| {
            symlink(place.repo().join("githooks"), place.root().join("link")).unwrap();
            place.git(&["config", "core.hooksPath", "../link"]).ok();
        }),
        ("the setting names a tracked folder by way of the git directory", |place| {
            symlink("../githooks", place.repo().join(".git/team")).unwrap();
            place.git(&["config", "core.hooksPath", ".git/team"]).ok();
        }),
    ];
    for (what, link) in links {
        println!("{what}");
        let place = place();
        tracked(&place, "githooks");
        link(&place);
        let before =
            place.sh("ls -lA .git/hooks .git/hooks/ .git/team ../link | sed 's/:[0-9][0-9] / /'").stdout;
        place.flow(&["init", "--no-hooks"]).ok();
        let status = place.git_says(&["status", "--porcelain"]);
        place.flow(&["init"]).ok();
        let again = place.flow(&["init"]).ok();
        assert!(!again.stdout.contains("done:"), "{}", again.stdout);
        assert_eq!(place.git_says(&["status", "--porcelain"]), status, "{what}");
        guarded(&place, &place.repo());
        place.git(&["switch", "--quiet", "-c", "work"]).ok();
        ran(&place);
        commit(&place, &place.repo()).ok();
        assert_eq!(ran(&place).lines().count(), 1, "{what}: their hook runs once");
        place.git(&["switch", "--quiet", "main"]).ok();
        place.flow(&["init", "--uninstall"]).ok();
        let after =
            place.sh("ls -lA .git/hooks .git/hooks/ .git/team ../link | sed 's/:[0-9][0-9] / /'").stdout;
        assert_eq!(after, before, "{what}");
        assert_eq!(place.git_says(&["status", "--porcelain", "githooks"]), "");
        free(&place, &place.repo());
    }
}

#[test]
fn a_copy_and_its_original_are_two_and_a_moved_repository_is_one() {
    for value in [None, Some(".husky/_"), Some("/elsewhere/hooks")] {
        let place = place();
        if let Some(value) = value {
            write_hook(&place.repo().join(".husky/_/pre-commit"), &hook(&place));
            place.git(&["config", "core.hooksPath", value]).ok();
        }
        place.flow(&["init"]).ok();
        let files =
            || place.sh("find .git/hooks .git/flow-ai -type f | sort | xargs cksum; cat .git/config").stdout;
        let before = files();
        let copy = place.root().join("copy");
        place.sh("cp -a . ../copy").ok();
        // Rid of ours, and what was there before is there again.
        place.flow_in(&copy, &["init", "--uninstall"]).ok();
        assert_eq!(files(), before, "uninstalling in a copy changed the original");
        guarded(&place, &place.repo());
        place.git_in(&copy, &["update-ref", "refs/heads/main", "topic"]).ok();
        assert_eq!(hooks_path(&place, &copy), value.unwrap_or_default());
        assert!(!copy.join(".git/flow-ai/hooks").exists());

        // Another copy is set up anew, and stands without the original.
        let second = place.root().join("second");
        place.sh("cp -a . ../second").ok();
        place.flow_in(&second, &["init"]).ok();
        assert_eq!(files(), before, "setting up a copy changed the original");
        let moved = place.root().join("moved");
        fs::rename(place.repo(), &moved).unwrap();
        let main = |dir: &Path| place.git_in(dir, &["rev-parse", "main"]).stdout;
        let at = main(&second);
        place.git_in(&second, &["update-ref", "refs/heads/main", "topic"]).exits(128).says("may not move");
        assert_eq!(main(&second), at);
        place.flow_in(&second, &["init", "--uninstall"]).ok();
        assert_eq!(hooks_path(&place, &second), value.unwrap_or_default());
        place.git_in(&second, &["update-ref", "refs/heads/main", "topic"]).ok();

        // What was moved is guarded again after `init`, and free after uninstalling.
        place.flow_in(&moved, &["init"]).ok();
        place.git_in(&moved, &["update-ref", "refs/heads/main", "topic"]).exits(128).says("may not move");
        place.flow_in(&moved, &["init", "--uninstall"]).ok();
        assert_eq!(hooks_path(&place, &moved), value.unwrap_or_default());
        place.git_in(&moved, &["update-ref", "refs/heads/main", "topic"]).ok();
        place.flow_in(&moved, &["init", "--uninstall"]).ok().says("nothing of git-flow-ai is installed");
    }
}

#[test]
fn a_record_that_leads_out_of_the_repository_is_not_believed() {
    let place = place();
    place.flow(&["init"]).ok();
    let record = ".git/flow-ai/installed.json";
    let outside = place.root().join("outside");
    fs::copy(place.repo().join(".git/hooks/pre-push"), &outside).unwrap();
    let text = place.read(record);
    for lead in ["../../outside".to_owned(), outside.display().to_string()] {
        place.write(record, text.replace("hooks/pre-push\"", &format!("{lead}\"")));
        place.flow(&["init", "--uninstall", "--dry-run"]).ok();
        assert!(outside.exists());
    }
    place.flow(&["init", "--uninstall"]).ok().says("kept: the hook");
    assert!(outside.exists());
}

#[test]
fn a_server_is_guarded_wherever_its_hooks_are() {
    let settings: [(&str, &str); 3] = [
        ("the setting of the repository", "git config core.hooksPath ../shared"),
        ("the setting of the machine", "git config --global core.hooksPath \"$PWD/../shared\""),
        ("a folder that is a link", "rm -r hooks && ln -s ../shared hooks"),
    ];
    for (what, line) in settings {
        println!("{what}");
        let place = place();
        let server = place.server("origin");
        let shared = place.root().join("shared");
        write_hook(&shared.join("pre-receive"), &format!("{}cat > /dev/null\n", hook(&place)));
        write_hook(&shared.join("post-receive"), &hook(&place));
        let shell = |line: &str| Out::run(place.command("sh").current_dir(&server).args(["-c", line]));
        shell(line).ok();
        let before = shell("cksum ../shared/*").stdout;
        place.flow_in(&server, &["init"]).ok();
        let again = place.flow_in(&server, &["init"]).ok();
        assert!(!again.stdout.contains("done:"), "{}", again.stdout);
        place.flow_in(&server, &["doctor"]).says("asks before a push moves a branch");
        place.git(&["push", "--quiet", "--no-verify", "origin", "topic:main"]).exits(1).says("refused");
        ran(&place);
        place.git(&["push", "--quiet", "--no-verify", "origin", "topic:other"]).ok();
        let said = ran(&place);
        assert!(said.contains("pre-receive") && said.contains("post-receive"), "{what}: {said}");
        assert_eq!(shell("cksum ../shared/*").stdout, before, "{what}");
        place.flow_in(&server, &["init", "--uninstall"]).ok();
        assert_eq!(shell("cksum ../shared/*").stdout, before, "{what}");
        place.git(&["push", "--quiet", "--no-verify", "origin", "topic:main"]).ok();
    }
}
