//! What nobody means to type, and places where nothing can work: one clear message, the way out, the
//! documented status, and nothing left behind.
//!
//! A table row is a situation or a word, and what must be said about it. What needs a story of its own
//! (a hostile agent, a server that lies) is tried in the file of that journey.

use crate::support::{Config, Out, Place};
use std::fs;
use std::process::Stdio;

fn config() -> Config {
    Config::protected().agent("hand", "acme").reviewer("judge", "zeta")
}

/// A repository with an agent that works and a rival that approves.
fn place() -> Place {
    let place = Place::with_config(config());
    place.script("hand", "cat > /dev/null; echo work > \"$GIT_FLOW_AI_TASK.txt\"; echo Done.");
    place.reviewer("judge", "");
    place
}

/// Every error is one message: nothing of the library underneath, no second cause, and a hint.
#[track_caller]
fn one_message(out: &Out) {
    let causes = out.stderr.lines().filter(|line| line.trim_start().starts_with("because:")).count();
    assert_eq!(causes, 0, "only what a person can act on:\n{}", out.stderr);
    assert!(out.stderr.contains("hint: "), "the way out is missing:\n{}", out.stderr);
    for internal in ["NotFound", "Validation", "rev-spec", "panicked", "os error"] {
        assert!(!out.stderr.contains(internal), "`{internal}` is for us, not for them:\n{}", out.stderr);
    }
}

#[test]
fn before_the_first_commit_every_command_says_what_is_missing() {
    for (args, status) in [
        (&["review"][..], 2),
        (&["verdict"], 2),
        (&["verdict", "show"], 2),
        (&["verdict", "list", "HEAD"], 2),
        (&["run"], 2),
        (&["merge"], 2),
    ] {
        let place = Place::empty();
        let out = place.flow(args).exits(status);
        one_message(&out);
    }
    let place = Place::empty();
    place.flow(&["clean"]).ok();
    place.flow(&["spec", "Dark mode", "--no-edit"]).ok();
    place.flow(&["clean"]).ok().says("kept spec dark-mode: main has no commit yet");
    place.flow(&["status"]).ok().says("dark-mode");
}

#[test]
fn a_revision_that_is_none_is_told_in_one_sentence() {
    let place = place();
    let long = "x".repeat(300);
    for word in [
        "",
        "nope",
        "../x",
        "-",
        "HEAD~99",
        "@{-1}",
        "HEAD^9",
        "HEAD:nope",
        ":/nothing",
        "a\u{1b}[31mb",
        &long,
    ] {
        for command in [&["review", word][..], &["verdict", "show", word], &["verdict", "list", word]] {
            let out = place.flow(command).exits(2).says("names no commit here");
            one_message(&out);
            assert!(!out.stderr.contains('\u{1b}'), "what was typed does not steer the terminal: {word:?}");
        }
    }
}

#[test]
fn a_flag_that_names_nothing_is_refused_before_anybody_is_asked() {
    let place = place();
    let asked = place.root().join("asked");
    place.script("judge", &format!("touch '{}'; cat > /dev/null", asked.display()));
    for (flag, word, says) in [
        ("--target", "nope", "no branch `nope`"),
        ("--target", "", "no branch ``"),
        ("--target", "../x", "no branch `../x`"),
        ("--spec", "nope", "no spec `nope`"),
        ("--reviewer", "nope", "no reviewer `nope`"),
        ("--author", "", "no vendor that is known"),
        ("--author", "antropic", "did you mean"),
        ("--author", "hnad", "did you mean `hand`?"),
    ] {
        let out = place.flow(&["review", flag, word]).exits(2).says(says);
        one_message(&out);
    }
    assert!(!asked.exists(), "a misspelt word must not cost a review");
    assert_eq!(place.git_says(&["for-each-ref", "refs/notes"]), "");
}

#[test]
fn the_family_of_a_model_names_its_maker_as_an_author() {
    let place = Place::with_config(Config::protected().agent("hand", "acme").reviewer("judge", "anthropic"));
    place.reviewer("judge", "");
    // `claude` is no agent here: taken for a vendor of that name, it would make a rival of its own maker.
    place.flow(&["review", "--author", "claude"]).exits(2).says("every reviewer is of a vendor");
    place.flow(&["review", "--author", "openai"]).ok().says("APPROVE");
}

#[test]
fn a_spec_that_is_none_is_refused_by_every_command_that_takes_one() {
    let place = place();
    for command in ["approve", "plan", "run", "merge", "status", "clean"] {
        let out = place.flow(&[command, "nope"]).exits(2).says("no spec `nope`");
        one_message(&out);
        for word in ["", "..", "../x", "A B", "HEAD", "a\u{1b}[2Jb", "-", "flow/x"] {
            let out = place.flow(&[command, word]).exits(2);
            assert!(!out.stderr.contains('\u{1b}'), "{command} {word:?}: {}", out.stderr);
            assert!(!out.stderr.contains("panicked"), "{}", out.stderr);
        }
    }
    assert_eq!(place.git_says(&["branch", "--list", "flow/*"]), "", "nothing was made by the way");
}

#[test]
fn outside_a_repository_every_command_says_so() {
    let place = Place::new();
    let outside = place.root().join("outside");
    fs::create_dir(&outside).unwrap();
    for args in [
        &["init"][..],
        &["spec", "X", "--no-edit"],
        &["spec", "list"],
        &["approve", "x"],
        &["plan", "x"],
        &["run"],
        &["review"],
        &["merge"],
        &["verdict"],
        &["status"],
        &["log"],
        &["clean"],
        &["hook", "pre-commit"],
    ] {
        let mut command = place.command("git");
        let ran = command.arg("flow-ai").args(args).current_dir(&outside).output().unwrap();
        let out = Out::of(ran).exits(2).says("is not in a git repository").says("git init");
        assert!(!out.stderr.contains("because:"), "{}", out.stderr);
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_repository_around_the_place_is_nobodys() {
    let above = tempfile::tempdir().unwrap();
    // One that works, and what a `.git` in the system's temporary folder usually is.
    for broken in [false, true] {
        if broken {
            fs::remove_dir_all(above.path().join(".git")).unwrap();
            fs::create_dir(above.path().join(".git")).unwrap();
        } else {
            let init = std::process::Command::new("git").args(["init", "--quiet"]).arg(above.path()).status();
            assert!(init.unwrap().success());
        }
        let place = Place::within(above.path());
        place.git_in(place.root(), &["rev-parse", "--git-dir"]).exits(128).says("not a git repository");
        let out = place.flow_in(place.root(), &["status"]).exits(2).says("is not in a git repository");
        assert!(!out.stderr.contains("broken"), "{}", out.stderr);
        // Without the environment of the tests it is found: so it does not prove nothing.
        let mut bare = place.command("git");
        let bare =
            bare.env_remove("GIT_CEILING_DIRECTORIES").current_dir(place.root()).args(["flow-ai", "status"]);
        assert!(!Out::run(bare).stderr.contains("is not in a git repository"));
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let place = place();
    place.flow(&["spec", "Dark mode", "--no-edit"]).ok();
    place.flow(&["review", "HEAD"]).ok();
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["spec", "list"],
        &["spec", "show", "dark-mode"],
        &["plan", "dark-mode", "--check"],
        &["verdict", "list", "--all"],
        &["verdict", "show"],
        &["log"],
        &["clean", "--dry-run"],
        &["init", "--dry-run"],
        &["completions", "bash"],
        &["review", "HEAD", "--json"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = place.command(env!("CARGO_BIN_EXE_git-flow-ai"));
        let ran = command.args(args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let out = Out::of(ran);
        assert_eq!(out.status, 0, "{args:?}: {}", out.stderr);
        assert!(!out.stderr.contains("panicked") && !out.stderr.contains("roken pipe"), "{}", out.stderr);
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    let place = place();
    place.flow(&["spec", "Dark mode", "-w", "quick", "--no-edit"]).ok();
    for word in ["0", "-1", "", "many", "1e3", "99999999999999999999999"] {
        let out = place.flow(&["run", "dark-mode", &format!("--parallel={word}")]).exits(2);
        assert!(out.stderr.contains("invalid value"), "{}", out.stderr);
    }
}

#[test]
fn a_plan_with_an_agent_that_nobody_knows_cannot_be_carried_out() {
    let place = place();
    place.flow(&["spec", "Dark mode", "-w", "quick", "--no-edit"]).ok();
    place.write("plan.md", "### [ ] Step: Api\n<!-- agent: hnad -->\n\nDo it.\n");
    let from = place.repo().join("plan.md");
    place.flow(&["plan", "dark-mode", "--from", from.to_str().unwrap()]).ok().says("agent `hnad`");
    let out = place.flow(&["plan", "dark-mode", "--check"]).exits(1).says("agent `hnad`");
    one_message(&out);
    place.flow(&["run", "dark-mode"]).exits(2).says("agent `hnad`");
}

/// The config that counts then is not the one that the person sees.
#[test]
fn an_agent_that_only_an_unworkable_config_has_is_missed_with_the_reason() {
    let place = Place::with_config(Config::protected());
    place.commit(
        ".zenflow/config.toml",
        "version = 1\n[agents.hand]\ncommand = [\"hand\"]\nvendor = \"acme\"\n",
    );
    place.spec_with("### [ ] Step: Api\n\nDo it.\n");
    let out = place.flow(&["run", "demo", "--no-review"]).exits(2).says("no agent is configured");
    out.says("no reviewer is defined").says("hint: ");
}

#[test]
fn a_full_disk_comes_with_the_way_out() {
    let place = place();
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let mut command = place.command("git");
    let ran = command.args(["flow-ai", "status"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    Out::of(ran).exits(2).says("hint: free some space");
}

#[test]
fn a_repository_that_cannot_be_written_is_left_as_it_is() {
    let place = place();
    place.flow(&["spec", "Dark mode", "-w", "quick", "--no-edit"]).ok();
    let refs = place.git_says(&["for-each-ref"]);
    // What a read-only disk is to everybody, a file in the folder's place is to root as well.
    let own = place.repo().join(".git/flow-ai");
    let _ = fs::remove_dir_all(&own);
    fs::write(&own, "in the way").unwrap();
    for args in [&["run", "dark-mode"][..], &["review", "HEAD"]] {
        let out = place.flow(args).exits(2).says(".git/flow-ai");
        assert!(!out.stderr.contains("panicked"), "{}", out.stderr);
    }
    place.flow(&["status"]).ok().says("dark-mode");
    assert_eq!(place.git_says(&["for-each-ref"]), refs);
    assert_eq!(place.worktrees(), [""; 0]);
}

#[test]
fn without_an_identity_nobody_is_asked_for_a_verdict_that_could_not_be_written() {
    let place = place();
    let asked = place.root().join("asked");
    place.script("judge", &format!("touch '{}'; cat > /dev/null", asked.display()));
    fs::write(
        place.root().join("home/.gitconfig"),
        "[user]\n\tuseConfigOnly = true\n[flow-ai]\n\ttrust = *\n\tsandbox = off\n",
    )
    .unwrap();
    let out = place.flow(&["review", "HEAD"]).exits(2).says("git does not know who you are");
    one_message(&out);
    assert!(!asked.exists(), "an answer that cannot be kept must not be paid for");
}

#[test]
fn why_a_reviewer_could_not_tell_is_said_once() {
    let place = place();
    place.script("judge", "cat > /dev/null; exit 3");
    let out = place.flow(&["review", "HEAD"]).exits(2);
    one_message(&out);
    assert_eq!(out.stderr.matches("exit status: 3").count(), 1, "{}", out.stderr);
}

#[test]
fn where_a_shallow_clone_ends_no_change_is_made_up() {
    let place = place();
    place.write("b.txt", "b\n");
    place.git(&["add", "b.txt"]).ok();
    place.git(&["commit", "--quiet", "-m", "Second"]).ok();
    let url = format!("file://{}", place.repo().display());
    place.git(&["clone", "--quiet", "--depth", "1", &url, "../shallow"]).ok();
    let mut command = place.command("git");
    let ran = command.args(["flow-ai", "review", "HEAD"]).current_dir(place.root().join("shallow")).output();
    let out = Out::of(ran.unwrap()).exits(2).says("git fetch --unshallow");
    one_message(&out);
}

#[test]
fn a_title_of_any_length_leaves_a_list_readable() {
    let place = place();
    place.flow(&["spec", &"long ".repeat(200), "--slug", "long", "--no-edit"]).ok();
    let out = place.flow(&["spec", "list"]).ok();
    assert!(out.stdout.lines().all(|line| line.chars().count() < 200), "{}", out.stdout);
}

#[test]
fn what_the_demo_tells_to_type_is_safe_in_a_folder_with_spaces() {
    let place = Place::new();
    let dir = place.root().join("two words");
    let out = place.flow(&["demo", "--dir", dir.to_str().unwrap()]).ok();
    let typed = format!("rm -rf '{}'", dir.canonicalize().unwrap().display());
    assert!(out.stdout.contains(&typed), "`{typed}` is missing in\n{}", out.stdout);
    place.flow(&["demo", "--dir", "README.md/x"]).exits(2).says("hint: name another folder");
}

#[test]
fn a_repository_under_a_name_that_git_cannot_write_down_is_refused_in_one_sentence() {
    let place = Place::new();
    let broken = place.root().join("new\nline");
    fs::rename(place.repo(), &broken).unwrap();
    fs::create_dir(place.repo()).unwrap();
    for args in [&["init"][..], &["run"], &["review"], &["status"], &["hook", "pre-commit"]] {
        let ran = place.command("git").arg("flow-ai").args(args).current_dir(&broken).output().unwrap();
        let out = Out::of(ran).exits(2).says("line break").says("rename that folder");
        one_message(&out);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn hooks_are_not_installed_under_a_name_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let odd = place.root().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    fs::rename(place.repo(), &odd).unwrap();
    let ran = place.command("git").args(["flow-ai", "init"]).current_dir(&odd).output().unwrap();
    one_message(&Out::of(ran).exits(2).says("is not UTF-8"));
    assert!(!odd.join(".zenflow").exists() && !odd.join(".git/hooks/pre-commit").exists());
    // All that needs no hook works there.
    let ran = place.command("git").args(["flow-ai", "status"]).current_dir(&odd).output().unwrap();
    Out::of(ran).ok();
}

#[test]
fn a_repository_that_lacks_an_object_says_who_can_tell_more() {
    let place = place();
    place.flow(&["spec", "Dark mode", "--no-edit"]).ok();
    let tip = place.git_says(&["rev-parse", "flow/dark-mode/spec"]);
    fs::remove_file(place.repo().join(".git/objects").join(&tip[..2]).join(&tip[2..])).unwrap();
    for args in [&["status"][..], &["run", "dark-mode"], &["clean"]] {
        let out = place.flow(args).exits(2).says("git fsck");
        assert!(!out.stderr.contains("panicked"), "{}", out.stderr);
    }
}

#[test]
fn a_lock_that_a_killed_git_has_left_is_named_with_the_way_out() {
    let place = place();
    let lock = place.repo().join(".git/refs/heads/flow/dark-mode/spec.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    place
        .flow(&["spec", "Dark mode", "--no-edit"])
        .exits(2)
        .says("spec.lock is in the way")
        .says("hint: when no");
    fs::remove_file(&lock).unwrap();
    place.flow(&["spec", "Dark mode", "--no-edit"]).ok();
    fs::write(&lock, "").unwrap();
    place.write("text.md", "# Spec\n\nMake it dark.\n");
    let edit = ["spec", "edit", "dark-mode", "spec.md", "--from", "text.md"];
    place.flow(&edit).exits(2).says("spec.lock is in the way");
    fs::remove_file(&lock).unwrap();
    place.flow(&edit).ok();
    fs::write(&lock, "").unwrap();
    place.flow(&["approve", "dark-mode"]).exits(2).says("spec.lock is in the way");
}

#[test]
fn a_hint_works_when_pasted_whatever_the_path_holds() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("it's a \"$HOME\"");
    fs::create_dir(&folder).unwrap();
    let place = Place::within(&folder);
    let lock = place.repo().join(".git/refs/heads/flow/dark-mode/spec.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    let out = place.flow(&["spec", "Dark mode", "--no-edit"]).exits(2);
    let (_, typed) = out.stderr.split_once("has left it: ").unwrap();
    let pasted = place.command("sh").arg("-c").arg(typed.lines().next().unwrap()).output().unwrap();
    Out::of(pasted).ok();
    assert!(!lock.exists(), "{typed}");
    place.flow(&["spec", "Dark mode", "--no-edit"]).ok();
}

#[test]
fn a_lock_on_the_notes_does_not_hide_the_way_out() {
    let place = place();
    let lock = place.repo().join(".git/refs/notes/flow-ai.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    place
        .flow(&["review", "HEAD"])
        .exits(2)
        .says("flow-ai.lock is in the way")
        .says("killed one has left it: rm");
}

#[test]
fn a_draft_that_nobody_can_write_leaves_no_spec_behind() {
    let place = place();
    for agent in ["nope", ""] {
        let out = place.flow(&["spec", "Dark mode", "--draft", "--agent", agent]).exits(2).says("no agent");
        one_message(&out);
    }
    fs::remove_file(place.root().join("bin/hand")).unwrap();
    place.flow(&["spec", "Dark mode", "--draft", "--agent", "hand"]).exits(2).says("is not on the PATH");
    assert_eq!(place.git_says(&["branch", "--list", "flow/*"]), "");
}
