//! Ways around the gate that once were open, one test for each, as a user or a hostile author takes them.

use crate::support::verdicts::{author, finding};
use crate::support::{Config, Out, Place};
use git_flow_ai::domain::verdict::Severity;
use std::fmt::Display;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// The reviewer `judge` is that executable; no reviewer is asked during a merge.
fn config(vendor: &str, executable: &str) -> Config {
    Config::lookup_only()
        .section("agents.judge", format!("command = [\"{executable}\"]\nvendor = \"{vendor}\""))
        .section("reviewers.judge", "agent = \"judge\"")
}

/// Finds fault with every line that holds EVIL.
const LOOKS: &str = r#"case $request in *EVIL*) findings='[{"path":"app.txt","line":1,"severity":"P1","body":"Evil"}]' ;; esac"#;

/// `main` protected, hooks in force, and `evil` one commit ahead of it. There is a reviewer that looks, and
/// one by whom everything is fine.
fn place_with(config: impl Display) -> Place {
    let place = Place::gated(config);
    place.reviewer("judge", LOOKS);
    place.reviewer("yes-man", "");
    place.branch("evil", "main");
    place.commit_saying("Be evil", "app.txt", "EVIL\n");
    place.switch("main");
    place
}

fn place() -> Place {
    place_with(config("zeta", "judge"))
}

/// Whether `main` is where it was before that command, which must fail.
#[track_caller]
fn stays(place: &Place, command: &mut Command) -> String {
    let tip = place.git_says(&["rev-parse", "main"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{command:?}");
    assert_eq!(place.git_says(&["rev-parse", "main"]), tip, "{command:?}: {said}");
    said
}

#[track_caller]
fn is_kept_out(place: &Place, branch: &str) {
    for command in [&["merge", branch][..], &["update-ref", "refs/heads/main", branch]] {
        stays(place, place.command("git").args(command));
    }
}

#[test]
fn a_verdict_by_the_reviewers_of_another_branch_is_none_for_this_one() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "prepared"]).ok();
    place.commit_saying("Bribe", ".zenflow/config.toml", config("zeta", "yes-man").to_string());
    place.git(&["switch", "--quiet", "main"]).ok();
    place.flow(&["review", "evil", "--target", "prepared"]).ok().says("APPROVE");
    is_kept_out(&place, "evil");
    place.flow(&["review", "evil"]).exits(1).says("REQUEST CHANGES");
    // A branch that does not exist has no config, and the working tree's is not the law either.
    place.write(".zenflow/config.toml", config("zeta", "yes-man").to_string());
    place.flow(&["review", "evil", "--target", "nowhere"]).exits(2).says("there is no branch `nowhere`");
    place.flow(&["review", "evil", "--target", "refs/heads/main", "--again"]).exits(1);
    is_kept_out(&place, "evil");
}

#[test]
fn a_vendor_is_the_same_in_capitals() {
    let place = place_with(config("Anthropic", "yes-man"));
    place.git(&["switch", "--quiet", "evil"]).ok();
    let message = "Be evil\n\nCo-authored-by: Claude <noreply@anthropic.com>";
    place.ungated(&["commit", "--quiet", "--amend", "-m", message]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.flow(&["review", "evil"]).exits(2);
    is_kept_out(&place, "evil");
}

#[test]
fn a_block_follows_the_change_when_its_commit_is_reworded() {
    let second = "[agents.second]\ncommand = [\"yes-man\"]\nvendor = \"omega\"\n[reviewers.second]\nagent = \"second\"\n";
    let place = place_with(format!("{}{second}", config("zeta", "judge")));
    place.flow(&["review", "evil"]).exits(1);
    place.git(&["switch", "--quiet", "evil"]).ok();
    place.ungated(&["commit", "--quiet", "--amend", "-m", "Be nice"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.flow(&["review", "evil", "--reviewer", "second"]).exits(1).says("Evil");
    is_kept_out(&place, "evil");
    let list = place.flow(&["verdict", "list", "--all"]).ok().stdout;
    assert_eq!(list.matches("REQUEST CHANGES").count(), 1, "once, not for the commit and its tree: {list}");
    // Only the one who blocks can take it back.
    place.reviewer("judge", "");
    place.flow(&["review", "evil", "--reviewer", "judge", "--again"]).ok();
    place.git(&["merge", "--quiet", "evil"]).ok();
}

#[test]
fn whoever_a_commit_names_as_its_author_did_not_judge_it() {
    let place = place_with(config("anthropic", "yes-man"));
    place.git(&["switch", "--quiet", "-c", "work"]).ok();
    place.write("app.txt", "Claude's\n");
    place.git(&["add", "--all"]).ok();
    // While it is only staged, nothing says whose it is.
    place.flow(&["review", "--staged"]).ok();
    let trailer = "Co-authored-by: Claude <noreply@anthropic.com>";
    place.git(&["commit", "--quiet", "-m", &format!("Add\n\n{trailer}")]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    let said = stays(&place, place.command("git").args(["merge", "work"]));
    assert!(said.contains("no reviewer independent of all its authors"), "{said}");
    is_kept_out(&place, "work");
    // Asking again says that there is no rival, not that all is well.
    place.flow(&["review", "work"]).exits(2);
    let by = |vendor| {
        let mut verdict = place.verdict("main", "work");
        verdict.reviewer = author("codex", vendor);
        verdict
    };
    place.record(&by("openai"));
    place.git(&["merge", "--quiet", "work"]).ok();
}

#[test]
fn whoever_made_an_unrelated_history_does_not_judge_it() {
    let config = config("anthropic", "yes-man").to_string();
    let place = place_with(config.replace("review_on_merge = false", ""));
    place.git(&["switch", "--quiet", "--orphan", "other"]).ok();
    place.commit_saying("Add\n\nCo-authored-by: Claude <noreply@anthropic.com>", "other", "other\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    let merge = ["merge", "--no-edit", "--allow-unrelated-histories", "other"];
    stays(&place, place.command("git").args(merge));
    let notes = place.git(&["notes", "--ref=flow-ai", "list"]);
    assert_eq!(notes.stdout, "", "nobody was asked who would not count");
}

#[test]
fn what_git_says_is_not_lost_on_a_strange_path() {
    let git = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("git"))
        .find(|git| git.exists())
        .unwrap();
    let many: String = (0..150).map(|number| format!("create refs/tags/t{number} evil\n")).collect();
    for chained in [false, true] {
        let place = place();
        if chained {
            place.flow(&["init", "--uninstall"]).ok();
            let hook = place.repo().join(".git/hooks/reference-transaction");
            fs::create_dir_all(hook.parent().unwrap()).unwrap();
            fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
            place.flow(&["init"]).ok();
        }
        let mut alone = place.command(git.to_str().unwrap());
        stays(&place, alone.args(["update-ref", "refs/heads/main", "evil"]).env("PATH", "/nowhere"));
        let input = place.root().join("input");
        fs::write(&input, format!("{many}update refs/heads/main evil\n")).unwrap();
        let mut together = place.command(git.to_str().unwrap());
        together.args(["update-ref", "--stdin"]).stdin(Stdio::from(fs::File::open(&input).unwrap()));
        stays(&place, together.env("PATH", "/nowhere"));
        let mut without = place.command(git.to_str().unwrap());
        stays(&place, without.args(["merge", "evil"]).env_remove("PATH").env_remove("HOME"));
    }
}

#[test]
fn a_config_behind_a_link_is_no_missing_config() {
    let place = place();
    fs::rename(place.repo().join(".zenflow/config.toml"), place.repo().join("flow.toml")).unwrap();
    std::os::unix::fs::symlink("../flow.toml", place.repo().join(".zenflow/config.toml")).unwrap();
    place.ungated(&["add", "--all"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Link the config"]).ok();
    let said = stays(&place, place.command("git").args(["merge", "--no-edit", "evil"]));
    assert!(said.contains("is not a plain file"), "{said}");
}

#[test]
fn a_broken_config_on_a_branch_of_ones_own_can_be_mended_there_and_stays_out_of_main() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "work"]).ok();
    place.commit_saying("Slip", ".zenflow/config.toml", "not = a config\n");
    place.commit_saying("Go on", "app.txt", "more\n");
    place.commit_saying("Mend", ".zenflow/config.toml", config("zeta", "judge").to_string());
    place.git(&["switch", "--quiet", "main"]).ok();
    place.ungated(&["merge", "--quiet", "--ff-only", "work~1"]).ok();
    let said = stays(&place, place.command("git").args(["merge", "work"]));
    assert!(said.contains("no rival's verdict covers"), "{said}");
}

#[test]
fn what_a_new_remote_never_judged_does_not_come_back_as_if_it_had() {
    let place = place();
    place.git(&["init", "--quiet", "--bare", "../remote"]).ok();
    place.git(&["remote", "add", "origin", "../remote"]).ok();
    let said = stays(&place, place.command("git").args(["push", "origin", "evil:main"]));
    assert!(said.contains("this push to `main` is refused"), "{said}");
    place.git(&["push", "--quiet", "origin", "main", "evil"]).ok();
}

#[test]
fn steps_judged_one_by_one_are_let_in_whatever_their_clocks_say() {
    let place = place();
    place.git(&["switch", "--quiet", "-c", "old", "main"]).ok();
    for (name, year) in [("one", 2001), ("two", 2002)] {
        place.write(name, name);
        place.git(&["add", "--all"]).ok();
        let date = format!("{year}-01-01T00:00:00Z");
        let mut git = place.command("git");
        git.args(["commit", "--quiet", "-m", name]).env("GIT_COMMITTER_DATE", date);
        assert!(git.status().unwrap().success());
        place.approve("HEAD~1", "HEAD");
    }
    place.git(&["switch", "--quiet", "main"]).ok();
    place.git(&["merge", "--quiet", "--ff-only", "old"]).ok();
}

#[test]
fn the_way_back_that_is_named_leads_back() {
    let place = place();
    place.git(&["format-patch", "--quiet", "-1", "evil", "-o", "../patches"]).ok();
    for name in ["one", "two"] {
        place.write(name, name);
        place.ungated(&["add", "--all"]).ok();
        place.ungated(&["commit", "--quiet", "-m", name]).ok();
    }
    place.git(&["branch", "straight"]).ok();
    place.git(&["switch", "--quiet", "straight"]).ok();
    place.commit_saying("Be evil", "app.txt", "EVIL\n");
    place.git(&["switch", "--quiet", "-c", "work", "main"]).ok();
    let cases: [(&str, &[&str]); 9] = [
        ("main", &["am", "--quiet", "../patches/0001-Be-evil.patch"]),
        ("main", &["revert", "--no-edit", "HEAD"]),
        ("main", &["revert", "--no-edit", "HEAD", "HEAD~1"]),
        ("main", &["cherry-pick", "straight"]),
        ("main", &["rebase", "--no-verify", "--apply", "straight"]),
        ("main", &["rebase", "--no-verify", "--apply", "evil"]),
        ("main", &["rebase", "--no-verify", "straight"]),
        ("work", &["checkout", "-B", "main", "straight"]),
        ("main", &["reset", "--hard", "straight"]),
    ];
    for (on, command) in cases {
        place.git(&["switch", "--quiet", on]).ok();
        place.write("untracked", "mine\n");
        let before = place.git_says(&["status", "--porcelain=v2", "--branch"]);
        let said = stays(&place, place.command("git").args(command));
        let hint = said.lines().find_map(|line| line.split_once("go back to where you were: git "));
        let back = hint.unwrap_or_else(|| panic!("{command:?} names no way back: {said}")).1;
        let back = format!("git {}", back.split(" (").next().unwrap());
        Out::of(place.command("sh").args(["-c", &back]).output().unwrap()).ok();
        assert_eq!(place.git_says(&["status", "--porcelain=v2", "--branch"]), before, "{command:?}: {said}");
        let left: Vec<_> = ["rebase-apply", "rebase-merge", "sequencer", "CHERRY_PICK_HEAD", "REVERT_HEAD"]
            .into_iter()
            .filter(|name| place.repo().join(".git").join(name).exists())
            .collect();
        assert!(left.is_empty(), "{command:?} leaves {left:?}");
        assert_eq!(place.read("untracked"), "mine\n");
    }
    // Where nothing was touched there is nothing to go back from, and staged work is nobody's to undo.
    place.git(&["switch", "--quiet", "main"]).ok();
    place.write("app.txt", "my work\n");
    place.git(&["add", "app.txt"]).ok();
    let before = place.git_says(&["status", "--porcelain=v2", "--branch"]);
    for command in [
        &["update-ref", "refs/heads/main", "straight"][..],
        &["reset", "--soft", "straight"],
        &["commit", "--no-verify", "-m", "Mine"],
        &["commit", "--no-verify", "--amend", "-m", "Mine"],
        &["commit", "--no-verify", "-m", "Mine", "app.txt"],
    ] {
        let said = stays(&place, place.command("git").args(command));
        assert!(!said.contains("go back"), "{command:?}: {said}");
        assert_eq!(place.git_says(&["status", "--porcelain=v2", "--branch"]), before, "{command:?}");
    }
    place.git(&["reset", "--quiet", "--hard", "HEAD"]).ok();
    place.git(&["switch", "--quiet", "straight"]).ok();
    let said = stays(&place, place.command("git").args(["branch", "--force", "main", "straight"]));
    assert!(!said.contains("go back"), "{said}");
}

#[test]
fn a_note_written_by_hand_is_read_to_the_letter() {
    let place = place();
    let good = git_flow_ai::domain::verdict::record::encode(&place.verdict("main", "evil")).unwrap();
    let good = good.lines().nth(1).unwrap();
    let forms = [
        good.replace("attestation/v1", "attestation/v1.0"),
        good.replace("attestation/v1", "attestation/v+1"),
        good.replace("attestation/v1", "attestation/v4294967297"),
        good.replace("\"kind\":\"verdict\"", "\"kind\":\"check\""),
        good.replace("\"kind\":\"verdict\"", "\"kind\":\"waiver\""),
        good.replace("\"kind\":\"verdict\"", "\"kind\":\"Verdict\""),
        good.replace("\"decision\":\"APPROVE\"", "\"decision\":\"REQUEST CHANGES\",\"decision\":\"APPROVE\""),
        good.replace("\"bytes\":100", "\"bytes\":0"),
        good.replace("\"bytes\":100", "\"bytes\":-1"),
        good.replace("\"findings\":[]", "\"findings\":null"),
        good.replace("\"vendor\":\"openai\"", "\"vendor\":\" Person \""),
        format!("{good}x"),
        format!("{good},{good}"),
        format!(" {good}"),
        format!("\u{feff}{good}"),
        good.replace(&place.git_says(&["rev-parse", "main^{tree}"]), &"1".repeat(64)),
        good.replace(&place.git_says(&["rev-parse", "main^{tree}"]), &"0".repeat(40)),
        good[..good.len() - 1].to_owned(),
    ];
    for form in &forms {
        assert_ne!(form, good);
        fs::write(place.root().join("note"), format!("{form}\n")).unwrap();
        place.git(&["notes", "--ref=flow-ai", "append", "-F", "../note", "evil"]).ok();
    }
    is_kept_out(&place, "evil");
    place.record(&place.block("main", "evil", vec![finding(Severity::P0, "Evil")]));
    is_kept_out(&place, "evil");
}
