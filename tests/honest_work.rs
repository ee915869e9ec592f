//! Work as honest people do it, which has to come in: reviewed once with `git flow-ai review`, then brought to
//! a protected branch by git's own commands, with our hooks in force.

use crate::support::{Config, Out, Place};
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A protected `main` with some files of a few parts each, and a rival who approves what it is shown.
fn place() -> Place {
    place_with(config())
}

fn config() -> Config {
    Config::lookup_only().reviewer("judge", "zeta")
}

fn place_with(config: Config) -> Place {
    let place = Place::gated(config);
    place.watched_reviewer("judge", "");
    place.ungated(&["switch", "--quiet", "main"]).ok();
    for name in ["app", "base", "cache"] {
        place.write(&format!("src/{name}.py"), module(&[]));
    }
    place.ungated(&["add", "--all"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Add the program"]).ok();
    place
}

/// A file of six functions, some of which do more.
fn module(more: &[(usize, &str)]) -> String {
    (0..6).fold(String::from("import os\n\n"), |text, part| {
        let lines: String =
            more.iter().filter(|(at, _)| *at == part).map(|(_, line)| format!("    {line}\n")).collect();
        format!(
            "{text}def part{part}(user):\n    begin({part})\n    work({part})\n{lines}    end({part})\n\n\n"
        )
    })
}

/// Others' work, which is in already.
fn move_main(place: &Place, path: &str, text: &str) {
    place.switch("main");
    place.write(path, text);
    place.ungated(&["add", "--all"]).ok();
    place.ungated(&["commit", "--quiet", "-m", &format!("Others change {path}")]).ok();
}

fn holds(place: &Place, branch: &str, path: &str, text: &str) -> bool {
    place.file(branch, path).is_some_and(|file| file.contains(text))
}

#[test]
fn stacked_branches_land_one_after_the_other() {
    let place = place();
    place.branch("lower", "main");
    place.commit("src/app.py", module(&[(1, "lower()")]));
    place.branch("upper", "lower");
    place.commit("src/base.py", module(&[(2, "upper()")]));
    place.flow(&["review", "lower"]).ok();
    place.flow(&["review", "lower..upper"]).ok();
    move_main(&place, "src/cache.py", &module(&[(3, "others()")]));
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "lower"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "upper"]).ok();
    assert!(
        holds(&place, "main", "src/base.py", "upper()") && holds(&place, "main", "src/app.py", "lower()")
    );
}

#[test]
fn a_stack_lands_when_its_lower_half_was_squashed_and_its_upper_half_rebased() {
    let place = place();
    place.branch("lower", "main");
    place.commit("src/app.py", module(&[(1, "lower()")]));
    place.commit("src/app.py", module(&[(1, "lower()"), (4, "lower_too()")]));
    place.branch("upper", "lower");
    place.commit("src/base.py", module(&[(2, "upper()")]));
    place.flow(&["review", "lower"]).ok();
    place.flow(&["review", "lower..upper"]).ok();
    move_main(&place, "src/cache.py", &module(&[(3, "others()")]));
    place.git(&["merge", "--quiet", "--squash", "lower"]).ok();
    place.git(&["commit", "--quiet", "-m", "Lower"]).ok();
    place.git(&["rebase", "--quiet", "--onto", "main", "lower", "upper"]).ok();
    place.switch("main");
    place.git(&["merge", "--quiet", "--ff-only", "upper"]).ok();
    assert!(
        holds(&place, "main", "src/base.py", "upper()") && holds(&place, "main", "src/app.py", "lower_too()")
    );
}

#[test]
fn a_whole_stack_lands_at_once() {
    let place = place();
    place.branch("lower", "main");
    place.commit("src/app.py", module(&[(1, "lower()")]));
    place.branch("upper", "lower");
    place.commit("src/app.py", module(&[(1, "lower()"), (4, "upper()")]));
    place.flow(&["review", "lower"]).ok();
    place.flow(&["review", "lower..upper"]).ok();
    move_main(&place, "src/cache.py", &module(&[(3, "others()")]));
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "upper"]).ok();
    assert!(holds(&place, "main", "src/app.py", "upper()") && holds(&place, "main", "src/app.py", "lower()"));
}

#[test]
fn a_release_branch_is_merged_up() {
    let place = place();
    place.branch("release", "main");
    place.commit("src/app.py", module(&[(1, "fix()")]));
    place.commit("src/app.py", module(&[(1, "fix()"), (5, "fix_too()")]));
    move_main(&place, "src/app.py", &module(&[(3, "others()")]));
    place.flow(&["review", "release"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "release"]).ok();
    // And again, when there is more.
    place.switch("release");
    place.commit("src/base.py", module(&[(1, "later()")]));
    move_main(&place, "src/cache.py", &module(&[(3, "others()")]));
    place.flow(&["review", "release"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "release"]).ok();
    assert!(
        holds(&place, "main", "src/app.py", "fix_too()") && holds(&place, "main", "src/base.py", "later()")
    );
}

#[test]
fn a_topic_that_took_main_in_meanwhile_is_merged() {
    let place = place();
    place.branch("topic", "main");
    place.commit("src/app.py", module(&[(1, "mine()")]));
    move_main(&place, "src/app.py", &module(&[(4, "others()")]));
    place.switch("topic");
    place.git(&["merge", "--quiet", "--no-edit", "main"]).ok();
    place.commit("src/base.py", module(&[(1, "mine()")]));
    place.flow(&["review", "topic"]).ok();
    move_main(&place, "src/cache.py", &module(&[(3, "others()")]));
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"]).ok();
    assert!(holds(&place, "main", "src/app.py", "mine()") && holds(&place, "main", "src/app.py", "others()"));
}

#[test]
fn a_hotfix_of_a_release_lands_there_and_on_main() {
    let place = place_with(
        Config::new()
            .gate("branches = [\"main\", \"release\"]\nreview_on_merge = false")
            .reviewer("judge", "zeta"),
    );
    place.git(&["branch", "release", "main"]).ok();
    move_main(&place, "src/app.py", &module(&[(4, "others()")]));
    place.branch("hotfix", "release");
    place.commit("src/app.py", module(&[(1, "hotfix()")]));
    place.flow(&["review", "hotfix", "--target", "release"]).ok();
    place.flow(&["review", "hotfix", "--target", "main"]).ok();
    place.switch("release");
    place.git(&["merge", "--quiet", "--ff-only", "hotfix"]).ok();
    place.switch("main");
    place.git(&["cherry-pick", "hotfix"]).ok();
    assert!(
        holds(&place, "main", "src/app.py", "hotfix()") && holds(&place, "release", "src/app.py", "hotfix()")
    );
}

#[test]
fn a_submodule_is_moved_on_and_its_log_is_shown_where_it_is() {
    let place = place();
    let library = place.root().join("library");
    place.git(&["init", "--quiet", "../library"]).ok();
    let commit = |text: &str| {
        place.git_in(&library, &["commit", "--quiet", "--allow-empty", "-m", text]).ok();
        place.git_in(&library, &["rev-parse", "HEAD"]).ok().stdout.trim().to_owned()
    };
    let (old, new) = (commit("Begin"), commit("Repair the parser"));
    place
        .ungated(&[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            "../library",
            "vendor/library",
        ])
        .ok();
    place.git_in(&place.repo().join("vendor/library"), &["checkout", "--quiet", &old]).ok();
    place.ungated(&["commit", "--quiet", "--all", "-m", "Add a library"]).ok();
    place.branch("bump", "main");
    place.git_in(&place.repo().join("vendor/library"), &["checkout", "--quiet", &new]).ok();
    place.git(&["commit", "--quiet", "--all", "-m", "Move the library on"]).ok();
    place.flow(&["review", "bump"]).ok();
    let request = place.request();
    assert!(request.contains(&format!("+Subproject commit {new}")), "{request}");
    assert!(request.contains("> Repair the parser"), "its log: {request}");
    move_main(&place, "src/cache.py", &module(&[(3, "others()")]));
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "bump"]).ok();
    assert_eq!(place.id("main:vendor/library"), new);
    place.branch("back", "main");
    place.git_in(&place.repo().join("vendor/library"), &["checkout", "--quiet", &old]).ok();
    place.git(&["commit", "--quiet", "--all", "-m", "Move the library back"]).ok();
    fs::rename(place.repo().join(".git/modules"), place.root().join("elsewhere")).unwrap();
    place.flow(&["review", "back"]).ok();
    assert!(place.request().contains("a submodule, opaque: only the ids"), "{}", place.request());
}

#[test]
fn a_library_with_its_own_history_is_imported_by_a_waiver() {
    let place = place_with(config().gate("waivers = [\"ada@example.com\"]"));
    place.git(&["switch", "--quiet", "--orphan", "library"]).ok();
    for version in ["one", "two", "three"] {
        place.commit("lib.py", format!("version = \"{version}\"\n"));
    }
    place.branch("import", "main");
    place
        .git(&["merge", "--quiet", "-s", "ours", "--no-commit", "--allow-unrelated-histories", "library"])
        .ok();
    place.git(&["read-tree", "--prefix=vendor/lib/", "-u", "library"]).ok();
    place.git(&["commit", "--quiet", "-m", "Import the library"]).ok();
    place.switch("main");
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "import"]).exits(128);
    place.flow(&["waive", "import", "--reason", "Three years of a library that we know."]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "import"]).ok();
    assert!(holds(&place, "main", "vendor/lib/lib.py", "three"));
}

#[test]
fn a_clone_for_ci_that_is_cut_off_anywhere_cannot_tell_and_names_the_fetch_that_helps() {
    let place = place();
    place.branch("topic", "main");
    place.commit("src/app.py", module(&[(1, "one()")]));
    place.commit("src/app.py", module(&[(1, "one()"), (2, "two()")]));
    place.commit("src/base.py", module(&[(1, "three()")]));
    place.flow(&["review", "topic"]).ok();
    move_main(&place, "src/cache.py", &module(&[(3, "others()")]));
    move_main(&place, "src/cache.py", &module(&[(3, "others()"), (4, "more()")]));
    place.server("origin");
    place.git(&["push", "--quiet", "origin", "refs/notes/flow-ai"]).ok();
    let origin = format!("file://{}", place.root().join("origin.git").display());
    for depth in 1..=6 {
        for (name, cut) in
            [("one", vec!["--branch", "topic"]), ("all", vec!["--no-single-branch", "--branch", "topic"])]
        {
            let clone = format!("../{name}{depth}");
            let depth_arg = format!("--depth={depth}");
            place.git(&[&["clone", "--quiet", &depth_arg], &cut[..], &[&origin, &clone]].concat()).ok();
            let at = place.repo().join(&clone);
            place.git_in(&at, &["checkout", "--quiet", "--detach"]).ok();
            place.git_in(&at, &["fetch", "--quiet", "origin", "refs/notes/flow-ai:refs/notes/flow-ai"]).ok();
            ends_with_yes(&place, &at, &format!("{name}, depth {depth}"));
        }
    }
}

/// `check` there says yes, or which fetch is needed until it does.
#[track_caller]
fn ends_with_yes(place: &Place, clone: &std::path::Path, what: &str) {
    let check = || place.git_in(clone, &["flow-ai", "check", "--target", "main"]);
    for _ in 0..3 {
        let out = check();
        if out.status == 0 {
            return;
        }
        assert_eq!(out.status, 2, "{what}: what cannot be told is not refused: {out:?}");
        let said = out.stderr.clone() + &out.stdout;
        let fetch =
            said.split_once("git fetch").unwrap_or_else(|| panic!("{what}: no fetch is named: {said}")).1;
        let fetch = fetch.split(['\n', ',', ';', '`', '(']).next().unwrap();
        Out::run(place.command("sh").current_dir(clone).args(["-c", &format!("git fetch {}", fetch.trim())]))
            .ok();
    }
    panic!("{what}: three rounds, and still: {:?}", check());
}

#[test]
fn a_repository_of_fifteen_thousand_commits_takes_the_gate_up_and_is_quick() {
    let place = Place::empty();
    let mut import = place.command("git");
    let mut import = import.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stream = import.stdin.take().unwrap();
    let mut all = String::new();
    for commit in 0..15_000 {
        let text = format!("line {commit}\n");
        all.push_str(&format!(
            "commit refs/heads/main\ncommitter Ada Lovelace <ada@example.com> {} +0000\ndata 5\nWork\n\nM 100644 inline src/dir{}/file{}.txt\ndata {}\n{text}\n",
            1_500_000_000 + commit * 600,
            commit % 40,
            commit % 1_000,
            text.len()
        ));
    }
    stream.write_all(all.as_bytes()).unwrap();
    drop(stream);
    assert!(import.wait().unwrap().success());
    place.git(&["reset", "--quiet", "--hard"]).ok();
    place.watched_reviewer("judge", "");
    place.commit(".zenflow/config.toml", config().to_string());
    let quick = |what: &str, work: &dyn Fn() -> Out| {
        let begun = Instant::now();
        work().ok();
        // A machine that runs all tests at once is slow; what reads all history anew is slower.
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} took {:?}", begun.elapsed());
    };
    quick("init", &|| place.flow(&["init"]));
    place.branch("topic", "main~200");
    place.commit("src/dir1/file1.txt", "mine\n");
    place.commit("src/dir2/new.txt", "mine too\n");
    quick("review", &|| place.flow(&["review", "topic"]));
    place.switch("main");
    quick("check", &|| place.flow(&["check", "topic"]));
    quick("merge", &|| place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"]));
    quick("verify", &|| place.flow(&["verify"]));
    quick("status", &|| place.flow(&["status"]));
    assert!(holds(&place, "main", "src/dir2/new.txt", "mine too"));
}
