//! The gate as git's own commands meet it: nothing unjudged gets in, and a refusal leaves no trace.

use crate::support::verdicts::finding;
use crate::support::{Config, Out, Place};
use git_flow_ai::domain::verdict::Severity;
use std::fs;

const APPROVE: &str = "";
const BLOCK: &str =
    r#"findings='[{"path":"app.txt","line":2,"severity":"P1","body":"Two is wrong","suggestion":"Three"}]'"#;

/// One reviewer, a command, of a vendor that wrote nothing.
fn config() -> Config {
    Config::protected().reviewer("judge", "zeta")
}

/// A repository with hooks, `main` protected, and `topic` one commit ahead of it.
fn place_with(config: Config, decide: &str) -> Place {
    let place = Place::gated(config);
    place.watched_reviewer("judge", decide);
    place.branch("topic", "main");
    place.commit("app.txt", "one\ntwo\nthree\n");
    place.switch("main");
    place
}

fn place(decide: &str) -> Place {
    place_with(config(), decide)
}

/// The same where no reviewer is asked during a merge.
fn lookup_only() -> Place {
    place_with(config().gate("review_on_merge = false"), APPROVE)
}

/// Everything that a refusal must leave as it was.
fn state(place: &Place) -> Vec<String> {
    let mut state: Vec<String> = [
        &["status", "--porcelain=v2", "--branch", "--untracked-files=all"][..],
        &["for-each-ref", "refs/heads", "refs/tags", "refs/stash"],
        &["diff"],
        &["diff", "--cached"],
        &["ls-files", "--stage"],
    ]
    .iter()
    .map(|args| place.git_says(args))
    .collect();
    let mut left: Vec<String> = fs::read_dir(place.repo().join(".git"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("MERGE") || name.contains("_MSG") || name.contains("rebase"))
        .filter(|name| name != "COMMIT_EDITMSG")
        .collect();
    left.sort();
    state.append(&mut left);
    state
}

#[test]
fn no_merge_or_pull_of_an_unjudged_change_touches_anything() {
    let place = lookup_only();
    commit_on_main(&place);
    place.git(&["branch", "straight", "main"]).ok();
    place.git(&["switch", "--quiet", "straight"]).ok();
    place.commit("straight.txt", "straight\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.write("untracked", "mine\n");
    let before = state(&place);
    for command in [
        &["merge", "straight"][..],
        &["merge", "--ff-only", "straight"],
        &["merge", "--no-ff", "straight"],
        &["merge", "--squash", "straight"],
        &["merge", "--no-commit", "--no-ff", "straight"],
        &["merge", "topic"],
        &["merge", "--no-verify", "topic"],
        &["merge", "--squash", "topic"],
        &["merge", "-s", "ours", "topic"],
        &["merge", "topic", "straight"],
        &["pull", "--no-rebase", ".", "topic"],
        &["pull", "--ff-only", ".", "straight"],
    ] {
        let out = place.git(command);
        assert_ne!(out.status, 0, "{command:?}");
        assert!(out.stderr.contains("nothing was touched"), "{command:?}: {}", out.stderr);
        assert!(out.stderr.contains("git flow-ai review "), "{command:?}: {}", out.stderr);
        assert_eq!(state(&place), before, "{command:?}");
    }
    assert_eq!(place.asked().len(), 0);
}

/// `main` moves on, so that merging `topic` is no fast-forward.
fn commit_on_main(place: &Place) {
    place.write("main.txt", "main\n");
    place.ungated(&["add", "--all"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Move on"]).ok();
}

#[test]
fn the_branch_itself_moves_only_to_what_was_approved() {
    let place = lookup_only();
    let tip = place.git_says(&["rev-parse", "main"]);
    let topic = place.git_says(&["rev-parse", "topic"]);
    let commands: [&[&str]; 8] = [
        &["update-ref", "refs/heads/main", "topic"],
        &["reset", "--soft", "topic"],
        &["fetch", "--quiet", ".", "topic:main", "--update-head-ok"],
        &["push", "--quiet", ".", "topic:main"],
        &["cherry-pick", "topic"],
        &["checkout", "-B", "main", "topic"],
        &["rebase", "topic"],
        &["symbolic-ref", "refs/heads/main", "refs/heads/topic"],
    ];
    for command in commands {
        // Before 2.46 git asks no hook about symbolic refs.
        if command[0] == "symbolic-ref" && git_flow_ai::system::git::version().unwrap() < (2, 46) {
            continue;
        }
        let out = place.git(command);
        assert_ne!(out.status, 0, "{command:?}: {out:?}");
        assert_eq!(place.git_says(&["rev-parse", "main"]), tip, "{command:?}");
        // The way back that the message names.
        for hint in out.stderr.lines().filter_map(|line| line.split_once("go back to where you were: git ")) {
            let words: Vec<&str> = hint.1.split(" (").next().unwrap().split(' ').collect();
            place.git(&words).ok();
        }
        let status = place.git_says(&["status", "--porcelain", "--branch"]);
        assert_eq!(status, "## main", "{command:?}: {}", out.stderr);
    }
    place.approve("main", "topic");
    place.git(&["update-ref", "refs/heads/main", &topic]).ok();
}

#[test]
fn a_judged_merge_passes_and_starts_no_reviewer() {
    for command in [&["merge", "topic"][..], &["merge", "--no-ff", "--no-edit", "topic"]] {
        for moved in [false, true] {
            let place = place(APPROVE);
            place.approve("main", "topic");
            if moved {
                commit_on_main(&place);
            }
            place.git(command).ok();
            assert_eq!(place.read("app.txt"), "one\ntwo\nthree\n");
            assert_eq!(place.asked().len(), 0);
        }
    }
}

#[test]
fn a_verdict_on_the_merged_head_is_found_without_any_process() {
    let place = lookup_only();
    let (old, new) = (place.git_says(&["rev-parse", "main"]), place.git_says(&["rev-parse", "topic"]));
    let ask = |line: &str, env: &[(&str, &str)]| {
        let mut hook = place.command(env!("CARGO_BIN_EXE_git-flow-ai"));
        hook.args(["hook", "reference-transaction", "prepared"]).env("PATH", "/nowhere");
        hook.envs(env.iter().copied()).stdin(std::process::Stdio::piped());
        let mut child =
            hook.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), line.as_bytes()).unwrap();
        Out::of(child.wait_with_output().unwrap())
    };
    let moves = format!("{old} {new} refs/heads/main\n");
    let merges = format!("{} {old} ORIG_HEAD\n", "0".repeat(40));
    let head = (format!("GITHEAD_{new}"), "topic");
    ask(&moves, &[]).exits(1);
    ask(&merges, &[(&head.0, head.1)]).exits(1);
    place.approve("main", "topic");
    ask(&moves, &[]).ok();
    ask(&merges, &[(&head.0, head.1)]).ok();
}

#[test]
fn a_judged_squash_is_committed_without_further_ado() {
    let place = place(APPROVE);
    place.approve("main", "topic");
    commit_on_main(&place);
    place.git(&["merge", "--squash", "topic"]).ok();
    place.git(&["commit", "--quiet", "-m", "All of topic"]).ok();
    assert_eq!(place.asked().len(), 0);
    // Something more in the same commit is something else.
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.commit("app.txt", "one\ntwo\nthree\nfour\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.approve("main~1", "topic");
    place.git(&["merge", "--squash", "topic"]);
    place.write("extra.txt", "extra\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "And more"]).exits(1).says("review --staged");
}

#[test]
fn an_unjudged_merge_is_judged_on_the_spot_once() {
    let place = place(APPROVE);
    place.git(&["merge", "--no-edit", "topic"]).ok().says("judge");
    assert_eq!(place.asked().len(), 1);
    assert_eq!(place.git_says(&["rev-parse", "main"]), place.git_says(&["rev-parse", "topic"]));
    place.git(&["log", "--notes=flow-ai", "-1"]).ok().says("APPROVE");
}

#[test]
fn what_a_strategy_makes_of_a_conflict_is_judged_as_it_stands() {
    let place = place(APPROVE);
    place.approve("main", "topic");
    place.write("app.txt", "ours\n");
    place.ungated(&["add", "--all"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Collide"]).ok();
    place.git(&["merge", "--no-edit", "-X", "theirs", "topic"]).ok();
    assert_eq!(place.asked().len(), 1);
    assert_eq!(place.read("app.txt"), "one\ntwo\nthree\n");
}

#[test]
fn a_squash_judged_on_the_spot_can_be_committed() {
    let place = place(APPROVE);
    commit_on_main(&place);
    place.git(&["merge", "--squash", "topic"]).ok();
    place.git(&["commit", "--quiet", "-m", "All of topic"]).ok();
    assert_eq!(place.asked().len(), 1);
}

#[test]
fn findings_on_the_spot_refuse_and_leave_everything_as_it_was() {
    let place = place(BLOCK);
    commit_on_main(&place);
    let before = state(&place);
    let out = place.git(&["merge", "--no-edit", "topic"]);
    assert_ne!(out.status, 0);
    let out = out.says("app.txt:2: P1 Two is wrong").says("suggestion: Three").says("nothing was touched");
    assert!(out.stderr.contains("judge (zeta) asks for changes"), "{}", out.stderr);
    assert_eq!(state(&place), before);
    // The verdict is kept: asking again costs no review.
    assert_ne!(place.git(&["merge", "--no-edit", "topic"]).status, 0);
    assert_eq!(place.asked().len(), 1);
}

#[test]
fn a_reviewer_that_cannot_tell_is_no_approval() {
    for decide in ["exit 1", "echo nonsense; exit 0"] {
        let place = place(decide);
        let before = state(&place);
        assert_ne!(place.git(&["merge", "topic"]).status, 0, "{decide}");
        assert_eq!(state(&place), before, "{decide}");
    }
}

#[test]
fn without_a_reviewer_the_merge_is_refused_with_the_way_out() {
    let place = place_with(Config::protected(), APPROVE);
    let before = state(&place);
    let out = place.git(&["merge", "topic"]);
    assert_ne!(out.status, 0);
    out.says("cannot tell").says("no reviewer").says("hint:");
    assert_eq!(state(&place), before);
}

#[test]
fn a_merge_that_was_let_through_by_force_is_caught_when_it_is_concluded() {
    let place = lookup_only();
    commit_on_main(&place);
    let before = state(&place);
    // The first fence is walked around; the merge stops before its commit.
    place.ungated(&["merge", "--no-commit", "--no-ff", "topic"]).ok();
    place.git(&["commit", "--no-edit"]).exits(1).says("git merge --abort").says("git flow-ai review ");
    place.git(&["commit", "--no-edit", "--no-verify"]).exits(128);
    place.git(&["merge", "--abort"]).ok();
    assert_eq!(state(&place), before);
}

#[test]
fn a_conflict_resolved_by_hand_is_judged_as_it_stands() {
    let place = place(APPROVE);
    place.approve("main", "topic");
    place.write("app.txt", "ours\n");
    place.ungated(&["add", "--all"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Collide"]).ok();
    place.git(&["merge", "topic"]).exits(1);
    place.write("app.txt", "resolved\n");
    place.git(&["add", "app.txt"]).ok();
    place.git(&["commit", "--no-edit"]).exits(1).says("review --staged").says("git merge --abort");
    assert_eq!(place.asked().len(), 0, "no review on the spot while a person commits");
    place.flow(&["review", "--staged"]).ok();
    place.git(&["commit", "--no-edit"]).ok();
    assert_eq!(place.read("app.txt"), "resolved\n");
}

#[test]
fn a_commit_on_the_protected_branch_needs_a_verdict_on_what_is_staged() {
    let place = place(APPROVE);
    place.write("README.md", "# Another\n");
    place.git(&["commit", "--quiet", "--all", "-m", "Directly"]).exits(1).says("git flow-ai review --staged");
    place.git(&["commit", "--quiet", "--all", "--no-verify", "-m", "Directly"]).exits(128);
    place.git(&["add", "README.md"]).ok();
    place.flow(&["review", "--staged"]).ok();
    place.git(&["commit", "--quiet", "-m", "Judged"]).ok();
    place.git(&["commit", "--quiet", "--amend", "-m", "Rewritten"]).exits(128).says("lose commits");
}

#[test]
fn work_on_other_branches_is_free() {
    let place = lookup_only();
    commit_on_main(&place);
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.commit("more.txt", "more\n");
    place.git(&["commit", "--quiet", "--amend", "-m", "Rewritten"]).ok();
    place.git(&["rebase", "--quiet", "main"]).ok();
    place.git(&["branch", "-m", "renamed"]).ok();
    place.git(&["switch", "--quiet", "-c", "other", "main"]).ok();
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "renamed"]).ok();
    place.git(&["branch", "--quiet", "-D", "renamed"]).ok();
    place.git(&["reset", "--quiet", "--hard", "main"]).ok();
    place.git(&["pack-refs", "--all"]).ok();
    place.git(&["gc", "--quiet"]).ok();
    let worktree = place.root().join("linked");
    place.git(&["worktree", "add", "--quiet", worktree.to_str().unwrap()]).ok();
}

#[test]
fn every_way_to_give_up_works_on_the_protected_branch() {
    let place = place(APPROVE);
    place.approve("main", "topic");
    place.write("app.txt", "ours\n");
    place.ungated(&["add", "--all"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Collide"]).ok();
    let before = state(&place);
    place.git(&["merge", "topic"]).exits(1);
    place.git(&["merge", "--abort"]).ok();
    assert_eq!(state(&place), before);
    place.git(&["cherry-pick", "topic"]).exits(1);
    place.git(&["cherry-pick", "--abort"]).ok();
    assert_eq!(state(&place), before);
    place.git(&["rebase", "--no-verify", "topic"]).exits(1);
    place.git(&["rebase", "--abort"]).ok();
    assert_eq!(state(&place), before);
}

#[test]
fn what_upstream_has_let_in_can_be_pulled() {
    let place = lookup_only();
    let upstream = place.root().join("upstream.git");
    let upstream = upstream.to_str().unwrap();
    place.git(&["clone", "--quiet", "--bare", ".", upstream]).ok();
    place.git(&["remote", "add", "origin", upstream]).ok();
    place.git(&["fetch", "--quiet", "origin"]).ok();
    place.git(&["branch", "--quiet", "--set-upstream-to", "origin/main"]).ok();
    // Somebody else's push to the guarded branch.
    place.ungated(&["push", "--quiet", "origin", "topic:main"]).ok();
    place.git(&["pull", "--quiet", "--ff-only"]).ok();
    assert_eq!(place.git_says(&["rev-parse", "main"]), place.git_says(&["rev-parse", "topic"]));
    assert_eq!(place.asked().len(), 0);
}

#[test]
fn an_unjudged_push_to_a_protected_branch_is_refused() {
    let place = lookup_only();
    let upstream = place.root().join("upstream.git");
    let upstream = upstream.to_str().unwrap();
    place.git(&["clone", "--quiet", "--bare", ".", upstream]).ok();
    place.git(&["push", "--quiet", upstream, "topic:main"]).exits(1).says("this push to `main` is refused");
    place.git(&["push", "--quiet", upstream, "topic:feature"]).ok();
    place.approve("main", "topic");
    place.git(&["push", "--quiet", upstream, "topic:main"]).ok();
}

#[test]
fn a_block_on_the_head_is_shown_with_its_findings() {
    let place = lookup_only();
    place.record(&place.block("main", "topic", vec![finding(Severity::P0, "Hides \u{1b}[2Jeverything")]));
    let out = place.git(&["merge", "topic"]);
    assert_ne!(out.status, 0);
    assert!(!out.stderr.contains('\u{1b}'), "a finding cannot steer the terminal");
    out.says("README.md:1: P0 Hides");
}

#[test]
fn a_policy_that_cannot_be_read_is_doubt_and_doubt_is_refusal() {
    let place = lookup_only();
    place.write(".zenflow/config.toml", "version = 1\n[gate]\nbranchs = []\n");
    place.ungated(&["commit", "--quiet", "--all", "-m", "Misspell"]).ok();
    let before = state(&place);
    assert_ne!(
        place
            .git(&["merge", "topic"])
            .says("only a change of policy files that repairs it may enter")
            .says("config.toml:3:1")
            .status,
        0
    );
    assert_eq!(state(&place), before);
}

/// Has every installed hook name a program that is not there.
fn lose_the_program(place: &Place) {
    let hooks = place.repo().join(".git/hooks");
    let installed = place.repo().join(".git/flow-ai/installed.json");
    assert!(installed.exists());
    for file in fs::read_dir(&hooks).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let text = text.replace(env!("CARGO_BIN_EXE_git-flow-ai"), "/nowhere/git-flow-ai");
        fs::write(&file, text).unwrap();
    }
}

#[test]
fn without_the_program_protected_branches_stay_and_all_else_works() {
    let place = lookup_only();
    place.approve("main", "topic");
    lose_the_program(&place);
    let tip = place.git_says(&["rev-parse", "main"]);
    assert_ne!(place.git(&["merge", "topic"]).says("/nowhere/git-flow-ai is missing").status, 0);
    place.git(&["reset", "--merge", "HEAD"]).ok();
    assert_ne!(
        place.git(&["update-ref", "refs/heads/main", "topic"]).says("hint: install it again").status,
        0
    );
    assert_eq!(place.git_says(&["rev-parse", "main"]), tip);
    place.git(&["pack-refs", "--all"]).ok();
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.write("more.txt", "more\n");
    place.git(&["add", "--all"]).ok();
    place.git(&["commit", "--quiet", "-m", "More"]).ok().says("pre-commit asks nobody");
    place.git(&["branch", "another"]).ok();
    place.git(&["fetch", "--quiet", ".", "topic:fetched"]).ok();
    place.git(&["rebase", "--quiet", "--force-rebase", "HEAD~1"]).ok();
    place.git(&["branch", "-D", "another"]).ok();
    place.commit("most.txt", "most\n");
    place.git(&["switch", "--quiet", "fetched"]).ok();
    place
        .git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"])
        .ok()
        .says("pre-merge-commit asks nobody");
    let upstream = place.root().join("upstream.git");
    let upstream = upstream.to_str().unwrap();
    place.git(&["init", "--quiet", "--bare", upstream]).ok();
    place.git(&["push", "--quiet", upstream, "topic"]).ok().says("pre-push asks nobody");
}

#[test]
fn a_hook_without_its_program_names_itself_so_that_it_can_be_pasted() {
    let place = lookup_only();
    lose_the_program(&place);
    let odd = place.root().join("it's a hook");
    for name in ["pre-commit", "reference-transaction"] {
        fs::copy(place.repo().join(".git/hooks").join(name), &odd).unwrap();
        let beside = place.repo().join(".git/hooks/reference-transaction.flow-ai");
        fs::copy(beside, place.root().join("it's a hook.flow-ai")).unwrap();
        let tip = place.git_says(&["rev-parse", "topic"]);
        let input = place.root().join("input");
        fs::write(&input, format!("{} {tip} refs/heads/main\n", "0".repeat(40))).unwrap();
        let mut hook = place.command(odd.to_str().unwrap());
        hook.arg("prepared").stdin(fs::File::open(&input).unwrap());
        let out = Out::of(hook.output().unwrap());
        let (_, typed) = out.stderr.split_once(": rm ").unwrap();
        let pasted = format!("rm {}", typed.lines().next().unwrap());
        Out::of(place.command("sh").arg("-c").arg(&pasted).output().unwrap()).ok();
        assert!(!odd.exists(), "{pasted}");
    }
}

#[test]
fn a_fence_that_cannot_read_what_it_has_to_know_lets_no_branch_move_and_says_where_to_look() {
    let place = lookup_only();
    fs::remove_file(place.repo().join(".git/hooks/reference-transaction.flow-ai")).unwrap();
    let out = place.git(&["update-ref", "refs/heads/main", "topic"]);
    assert_ne!(out.says("reference-transaction.flow-ai cannot be read").status, 0);
    place.git(&["tag", "free"]).ok();
    place.git(&["branch", "new"]).ok();
    place.flow(&["init"]).ok();
    place.git(&["update-ref", "refs/heads/topic", "main"]).ok();
}

#[test]
fn an_agent_that_merges_does_not_set_off_a_review() {
    let place = place(APPROVE);
    let mut merge = place.command("git");
    let out = Out::of(merge.args(["merge", "topic"]).env("GIT_FLOW_AI_MODE", "edit").output().unwrap());
    assert_ne!(out.status, 0);
    assert_eq!(place.asked().len(), 0);
}

#[test]
fn in_a_linked_worktree_the_same_gate_stands() {
    let place = lookup_only();
    place.git(&["switch", "--quiet", "topic"]).ok();
    let linked = place.root().join("linked");
    place.git(&["worktree", "add", "--quiet", linked.to_str().unwrap(), "main"]).ok();
    let git = |args: &[&str]| Out::of(place.command("git").current_dir(&linked).args(args).output().unwrap());
    assert_ne!(git(&["merge", "topic"]).says("nothing was touched").status, 0);
    place.approve("main", "topic");
    git(&["merge", "--quiet", "topic"]).ok();
}

#[test]
fn a_review_on_the_spot_holds_nobody_up() {
    for command in [
        "git merge topic",
        "git merge --no-ff --no-edit topic",
        "git merge --squash topic",
        "git pull --quiet --ff-only . topic",
        "git rebase topic",
    ] {
        // What others do meanwhile; the reviewer has no word to say unless all of it goes through.
        let place = place(
            r#"set -e
            cd ROOT/repo
            find .git -name '*.lock' > ROOT/locks
            echo meanwhile > ../linked/meanwhile.txt
            git -C ../linked add meanwhile.txt
            git -C ../linked commit --quiet -m Meanwhile
            git notes add -m Meanwhile topic
            git branch meanwhile topic
            set +e"#,
        );
        let script = place.root().join("bin/judge");
        let text = fs::read_to_string(&script).unwrap().replace("ROOT", place.root().to_str().unwrap());
        fs::write(&script, text).unwrap();
        place.git(&["worktree", "add", "--quiet", "-b", "other", "../linked"]).ok();
        Out::of(place.command("sh").args(["-c", command]).output().unwrap()).ok();
        assert_eq!(place.asked().len(), 1, "{command}");
        assert_eq!(place.git_says(&["log", "-1", "--format=%s", "other"]), "Meanwhile", "{command}");
        place.git(&["rev-parse", "--verify", "meanwhile"]).ok();
        place.git(&["notes", "show", "topic"]).ok().says("Meanwhile");
        let locks = fs::read_to_string(place.root().join("locks")).unwrap();
        let only = if command.starts_with("git rebase") { "" } else { ".git/ORIG_HEAD.lock\n" };
        assert_eq!(locks, only, "{command}");
    }
}

#[test]
fn no_review_begins_while_the_branch_itself_is_locked() {
    let place = place(APPROVE);
    commit_on_main(&place);
    place.git(&["branch", "straight", "main"]).ok();
    place.git(&["switch", "--quiet", "straight"]).ok();
    place.commit("straight.txt", "straight\n");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.write("README.md", "# Another\n");
    for command in [
        "git update-ref refs/heads/main straight",
        "git reset --soft straight",
        "git fetch --quiet --update-head-ok . straight:main",
        "git push --quiet --no-verify . straight:main",
        "git commit --quiet --all --no-verify -m Directly",
        "git cherry-pick topic; git cherry-pick --abort; false",
        "git rebase --quiet --no-verify straight; git rebase --abort; false",
    ] {
        let out = Out::of(place.command("sh").args(["-c", command]).output().unwrap());
        assert_ne!(out.status, 0, "{command}");
        assert_eq!(place.asked().len(), 0, "{command}: {}", out.stderr);
    }
}
