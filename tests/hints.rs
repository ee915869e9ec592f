//! Every hint that a refusal prints works when it is pasted: from a refused command, what is offered leads to
//! the change being in, or to a person who is asked for. More than three rounds, or the same words twice, is
//! a failure.

use crate::support::{Config, Place};
use std::path::{Path, PathBuf};

/// How often a refused command may be tried again.
const ROUNDS: usize = 3;

/// What a refusal's lines offer to be typed: what follows the last `: ` before a `git` or `man`, or stands in
/// backquotes.
fn hinted(said: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in said.lines().map(|line| line.trim_start_matches("remote: ").trim()) {
        let Some(rest) = ["hint:", "next:", "fix:"].iter().find_map(|label| line.strip_prefix(label)) else {
            continue;
        };
        let quoted = rest.split('`').nth(1).filter(|text| text.starts_with("git "));
        let plain = rest.rsplit_once(": git ").map(|(_, command)| format!("git {command}"));
        let Some(command) = quoted.map(str::to_owned).or(plain) else { continue };
        let command = command.split(", then").next().unwrap_or_default();
        let command = command.split(", or ").next().unwrap_or_default().split("; or ").next();
        let command = command.unwrap_or_default().trim().to_owned();
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

/// Does the command, and what its refusals offer, until the goal is reached.
#[track_caller]
fn follow(place: &Place, command: &str, goal: impl Fn() -> bool) {
    let mut said = Vec::<String>::new();
    for round in 1..=ROUNDS {
        let out = place.sh(command);
        if goal() {
            return;
        }
        let text = out.stdout + &out.stderr;
        assert!(out.status != 0, "`{command}` says yes, and it is not in:\n{text}");
        assert_eq!(text.matches("man git-flow-ai-gate").count(), 1, "the page is named once:\n{text}");
        let words: String = text.lines().filter(|line| line.contains("hint:")).collect();
        assert!(!said.contains(&words), "round {round} says the same again:\n{text}");
        said.push(words);
        let commands = hinted(&text);
        assert!(!commands.is_empty(), "nothing is offered:\n{text}");
        for command in commands {
            assert!(!command.contains('<'), "`{command}` has a blank:\n{text}");
            let pasted = place.sh(&command);
            if goal() {
                return;
            }
            if command.starts_with("git flow-ai review") {
                assert_eq!(pasted.status, 0, "`{command}` does not work: {pasted:?}");
            }
        }
    }
    place.sh(command);
    assert!(goal(), "still refused after {ROUNDS} rounds of what is offered: {said:#?}");
}

/// `main` is protected, and nobody is asked unless it is typed.
fn config() -> Config {
    Config::lookup_only().reviewer("judge", "zeta")
}

/// A repository with a guarded server, `origin`; here the hooks only if asked for.
fn guarded(hooks: bool) -> (Place, PathBuf) {
    let place = Place::with_config(config());
    place.watched_reviewer("judge", "");
    place.write("n.txt", (1..=40).map(|number| format!("{number}\n")).collect::<String>());
    place.git(&["add", "-A"]).ok();
    place.git(&["commit", "--quiet", "-m", "Numbers"]).ok();
    let server = place.server("origin");
    place.flow_in(&server, &["init"]).ok();
    place.git(&["fetch", "--quiet", "origin"]).ok();
    place.git(&["branch", "--quiet", "-u", "origin/main", "main"]).ok();
    if hooks {
        init(&place);
    }
    (place, server)
}

fn init(place: &Place) {
    place.flow(&["init"]).ok();
    place.git(&["clean", "-fdq", ".zenflow"]).ok();
}

/// A repository with hooks and no server.
fn local(config: Config) -> Place {
    let place = Place::with_config(config);
    place.watched_reviewer("judge", "");
    init(&place);
    place
}

fn tip_of(place: &Place, folder: &Path) -> String {
    place.git_in(folder, &["rev-parse", "refs/heads/main"]).ok().stdout.trim().to_owned()
}

/// Commits that file on a branch off main, and goes back to main.
fn topic(place: &Place, name: &str, path: &str) {
    place.branch(name, "main");
    place.commit(path, format!("{path}\n"));
    place.switch("main");
}

/// Stages a file with that content.
fn stage(place: &Place, path: &str, text: &str) {
    place.write(path, text);
    place.git(&["add", path]).ok();
}

#[test]
fn two_commits_pushed_past_no_hooks() {
    let (place, server) = guarded(false);
    place.commit("w.txt", "one\n");
    place.commit("v.txt", "two\n");
    let wanted = place.id("main");
    follow(&place, "git push origin main", || tip_of(&place, &server) == wanted);
    assert_eq!(place.asked().len(), 1, "one review is enough");
}

#[test]
fn a_reviewed_branch_pushed_by_plain_git() {
    let (place, server) = guarded(true);
    topic(&place, "change", "x.txt");
    place.flow(&["review", "change"]).ok();
    let wanted = place.id("change");
    follow(&place, "git push origin change:main", || tip_of(&place, &server) == wanted);
    assert_eq!(place.asked().len(), 1, "what is judged is not judged again");
}

#[test]
fn a_squash_pushed_with_the_notes_only() {
    let (place, server) = guarded(true);
    place.branch("feature", "main");
    place.write("n.txt", place.read("n.txt").replace("\n5\n", "\nfive\n"));
    place.commit("f.txt", "f\n");
    place.flow(&["review", "feature"]).ok();
    place.switch("main");
    place.write("n.txt", place.read("n.txt").replace("\n20\n", "\ntwenty\n"));
    place.ungated(&["commit", "--quiet", "-am", "main moved"]).ok();
    place.ungated(&[
        "push",
        "--quiet",
        "--receive-pack=git -c core.hooksPath=/dev/null receive-pack",
        "origin",
        "main",
    ]);
    place.git(&["merge", "--quiet", "--squash", "feature"]).ok();
    place.git(&["commit", "--quiet", "-m", "Squash"]).ok();
    let wanted = place.id("main");
    follow(&place, "git push --atomic origin main refs/notes/flow-ai", || tip_of(&place, &server) == wanted);
    assert_eq!(place.asked().len(), 1, "on the approval that is there");
}

#[test]
fn a_squash_of_a_stack_pushed_without_what_was_reviewed() {
    let (place, server) = guarded(false);
    let number = |from: &str, to: &str| {
        place.write("n.txt", place.read("n.txt").replace(&format!("\n{from}\n"), &format!("\n{to}\n")));
        place.git(&["commit", "--quiet", "-am", to]).ok();
    };
    place.branch("lower", "main");
    number("20", "a20");
    place.branch("upper", "lower");
    number("a20", "b20");
    place.flow(&["review", "lower"]).ok();
    place.flow(&["review", "lower..upper"]).ok();
    place.switch("main");
    number("20", "b20");
    let push = "git push --atomic origin main refs/notes/flow-ai";
    let refused = place.sh(push).stderr;
    assert!(refused.contains("the commits that were reviewed are not in this repository"), "{refused}");
    let offered = hinted(&refused);
    assert!(offered[0].starts_with("git flow-ai push"), "it is approved already: {refused}");
    let wanted = place.id("main");
    follow(&place, push, || tip_of(&place, &server) == wanted);
    assert_eq!(place.asked().len(), 2);
}

#[test]
fn a_mistake_its_revert_and_a_good_commit() {
    let (place, server) = guarded(false);
    place.commit("bad.txt", "bad\n");
    place.git(&["revert", "--no-edit", "HEAD"]).ok();
    place.commit("good.txt", "good\n");
    let wanted = place.id("main");
    follow(&place, "git push origin main", || tip_of(&place, &server) == wanted);
}

#[test]
fn a_branch_that_is_not_the_usual_target() {
    let (place, server) = guarded(false);
    place.commit(
        ".zenflow/config.toml",
        Config::protected()
            .gate("review_on_merge = false")
            .reviewer("judge", "zeta")
            .to_string()
            .replace("[\"main\"]", "[\"main\", \"release\"]"),
    );
    place.git(&["branch", "release"]).ok();
    for branch in ["main", "release"] {
        let fetch = ["-c", "core.hooksPath=/dev/null", "fetch", "--quiet", "../repo"];
        place.git_in(&server, &[&fetch[..], &[&format!("+{branch}:{branch}")]].concat()).ok();
    }
    place.switch("release");
    place.commit("fix.txt", "fix\n");
    let wanted = place.id("release");
    follow(&place, "git push origin release", || {
        place.git_in(&server, &["rev-parse", "refs/heads/release"]).stdout.trim() == wanted
    });
}

#[test]
fn an_amended_commit_is_refused_and_no_review_of_it_offered() {
    let place = local(config());
    let before = place.id("main");
    stage(&place, "README.md", "amended\n");
    for amend in
        ["git commit --amend -m re", "git commit --am --no-edit", "git -c x.y=z commit -a --amend -m re"]
    {
        let out = place.sh(amend).exits(1);
        assert!(!hinted(&out.stderr).iter().any(|command| command.contains("review")), "{}", out.stderr);
        assert!(out.stderr.contains("on top"), "{}", out.stderr);
    }
    assert_eq!(place.id("main"), before);
    // The same as a commit of its own gets in.
    follow(&place, "git commit -m 'Not --amend'", || place.file("main", "README.md").unwrap() == "amended\n");
}

#[test]
fn a_branch_that_nets_to_nothing() {
    let place = local(config());
    place.branch("w", "main");
    place.commit("tmp.txt", "tmp\n");
    place.git(&["revert", "--no-edit", "HEAD"]).ok();
    place.switch("main");
    let wanted = place.id("w");
    follow(&place, "git merge --ff-only w", || place.id("main") == wanted);
}

#[test]
fn a_pick_of_three_commits() {
    let place = local(config());
    place.branch("topic", "main");
    for path in ["a.txt", "b.txt", "c.txt", "d.txt"] {
        place.commit(path, format!("{path}\n"));
    }
    place.switch("main");
    follow(&place, "git cherry-pick topic~2 topic~1 topic", || {
        place.file("main", "b.txt").is_some() && place.file("main", "d.txt").is_some()
    });
    assert_eq!(place.file("main", "a.txt"), None);
    assert_eq!(place.asked().len(), 1);
}

#[test]
fn merges_commits_rebases_and_resets_of_what_is_not_judged() {
    for command in [
        "git merge topic",
        "git merge --no-ff --no-edit topic",
        "git merge --squash -q topic && git commit -m Squash",
        "git reset --hard topic",
        "git switch -q --detach && git branch -f main topic",
        "git switch -q --detach && git fetch . topic:main",
        "git switch -q --detach && git push . topic:main",
        "git cherry-pick topic",
        "git rebase topic",
    ] {
        let place = local(config());
        topic(&place, "topic", "a.txt");
        follow(&place, command, || place.file("main", "a.txt").is_some());
    }
    let place = local(config());
    stage(&place, "a.txt", "a\n");
    follow(&place, "git commit -m a", || place.file("main", "a.txt").is_some());
}

#[test]
fn a_merge_whose_approval_does_not_carry_is_judged_as_it_would_land() {
    let place = local(config());
    place.write("lines.txt", (1..=30).map(|number| format!("line {number}\n")).collect::<String>());
    place.git(&["add", "-A"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Lines"]).ok();
    place.branch("topic", "main");
    place.write("lines.txt", place.read("lines.txt").replace("line 15\n", "line fifteen\n"));
    place.git(&["commit", "--quiet", "-am", "Fifteen"]).ok();
    place.flow(&["review"]).ok();
    place.switch("main");
    std::fs::create_dir(place.repo().join("deploy")).unwrap();
    place.git(&["mv", "lines.txt", "deploy/lines.txt"]).ok();
    place.ungated(&["commit", "--quiet", "-m", "Move"]).ok();
    follow(&place, "git merge --no-edit topic", || {
        place.file("main", "deploy/lines.txt").unwrap().contains("fifteen")
    });
    let shown = place.request();
    assert!(
        shown.contains(r#""files":["deploy/lines.txt","lines.txt"]"#),
        "what lands, and the commit:\n{shown}"
    );
    // It holds as it landed.
    let list = place.flow(&["verdict", "show", "topic"]).ok().stdout;
    assert_eq!(list.matches("holds       yes").count(), 2, "{list}");
}

#[test]
fn a_branch_of_two_vendors_is_judged_in_parts() {
    let place = two_vendors(Config::lookup_only());
    place.branch("mixed", "main");
    for (path, vendor) in [("a.txt", "acme"), ("b.txt", "zeta"), ("c.txt", "zeta")] {
        commit_by(&place, path, &[vendor]);
    }
    place.switch("main");
    follow(&place, "git merge --no-edit --no-ff mixed", || place.file("main", "c.txt").is_some());
    assert_eq!(place.asked(), ["zeta", "acme"], "each part by a rival of its own authors");
}

/// Two reviewers, each of a vendor that an agent here has too.
fn two_vendors(config: Config) -> Place {
    let place = Place::with_config(config.reviewer("acme", "acme").reviewer("zeta", "zeta"));
    for name in ["acme", "zeta"] {
        place.watched_reviewer(name, "");
    }
    init(&place);
    place
}

/// Reviews are asked for by command alone.
fn asked_for() -> Config {
    Config::new().gate("branches = [\"main\"]\nreview_on_merge = false")
}

/// Commits a file as the work of agents of these vendors.
fn commit_by(place: &Place, path: &str, vendors: &[&str]) {
    stage(place, path, path);
    let trailers: String =
        vendors.iter().map(|by| format!("Flow-Agent: {by}\nFlow-Vendor: {by}\n")).collect();
    place.git(&["commit", "--quiet", "-m", &format!("Add {path}\n\n{trailers}")]).ok();
}

#[test]
fn a_branch_of_two_vendors_that_took_in_main_is_judged_in_parts() {
    for command in ["git merge --no-edit --no-ff mixed", "git push origin mixed:main"] {
        let place = two_vendors(asked_for());
        let server = place.server("origin");
        place.flow_in(&server, &["init"]).ok();
        place.branch("mixed", "main");
        commit_by(&place, "a.txt", &["acme"]);
        place.branch("side", "mixed");
        commit_by(&place, "side.txt", &["zeta"]);
        place.switch("main");
        stage(&place, "other.txt", "other\n");
        place.ungated(&["commit", "--quiet", "-m", "Other"]).ok();
        let receive = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack";
        place.ungated(&["push", "--quiet", receive, "origin", "main"]).ok();
        place.switch("mixed");
        place.git(&["merge", "--quiet", "--no-edit", "main"]).ok();
        place.git(&["merge", "--quiet", "--no-edit", "side"]).ok();
        commit_by(&place, "b.txt", &["zeta"]);
        place.switch("main");
        follow(&place, command, || {
            let at = if command.contains("push") { tip_of(&place, &server) } else { place.id("main") };
            place.file(&at, "b.txt").is_some() && place.file(&at, "side.txt").is_some()
        });
        assert_eq!(place.asked(), ["zeta", "acme", "acme"], "each part by a rival of its own authors");
    }
}

#[test]
fn a_merge_reviewed_on_the_spot_is_judged_in_parts_too() {
    let place = two_vendors(Config::protected());
    place.branch("mixed", "main");
    commit_by(&place, "a.txt", &["acme"]);
    commit_by(&place, "b.txt", &["zeta"]);
    place.switch("main");
    place.git(&["merge", "--quiet", "--no-edit", "--no-ff", "mixed"]).ok();
    assert_eq!(place.asked(), ["zeta", "acme"]);
}

#[test]
fn where_no_reviewer_is_a_rival_a_person_is_asked_for() {
    for (gate, wanted) in [("", "waivers = ["), ("waivers = [\"bob@example.com\"]", "git flow-ai waive")] {
        let place = two_vendors(asked_for().gate(gate));
        place.branch("both", "main");
        commit_by(&place, "a.txt", &["acme", "zeta"]);
        place.switch("main");
        let merge = place.sh("git merge --no-edit both").stderr;
        assert!(!hinted(&merge).iter().any(|command| command.contains("flow-ai review")), "{gate}: {merge}");
        let review = place.flow(&["review", "both"]).exits(2).stderr;
        for said in [merge, review] {
            assert!(said.contains("acme, zeta") && said.contains(wanted), "{gate}: {said}");
        }
    }
}

#[test]
fn a_person_is_offered_a_command_for_another_branch_that_can_be_pasted() {
    let gate = "branches = [\"main\", \"release\"]\nreview_on_merge = false\nwaivers = [\"bob@example.com\"]";
    let place = two_vendors(Config::new().gate(gate));
    place.branch("release", "main");
    place.branch("both", "release");
    commit_by(&place, "a.txt", &["acme", "zeta"]);
    place.switch("release");
    let said = place.sh("git merge --no-edit --no-ff both").stderr;
    let head = &place.id("both")[..10];
    assert!(said.contains(&format!("{head} --target release --reason")), "{said}");
}

#[test]
fn a_rejection_of_another_message_is_answered_by_the_reviewer_or_a_person() {
    for (gate, wanted) in [
        ("", "git flow-ai review --again"),
        ("max_asks = 2", "waivers = ["),
        ("max_asks = 2\nwaivers = [\"bob@example.com\"]", "git flow-ai waive"),
    ] {
        let place = Place::with_config(config().gate(gate));
        let finding = r#"{"path":"a.txt","line":null,"severity":"P1","body":"It lies."}"#;
        place.watched_reviewer("judge", &format!("case $request in *EVIL*) findings='[{finding}]';; esac"));
        init(&place);
        for (branch, message) in [("honest", "Add a"), ("other", "EVIL")] {
            place.branch(branch, "main");
            stage(&place, "a.txt", "a\n");
            place.git(&["commit", "--quiet", "-m", message]).ok();
            place.switch("main");
        }
        place.flow(&["review", "honest"]).ok();
        place.flow(&["review", "--again", "other"]).exits(1);
        let refused = place.sh("git merge --no-edit honest").stderr;
        assert!(refused.contains(wanted), "{gate}: {refused}");
        if gate.is_empty() {
            assert!(refused.contains(&place.id("other")[..10]), "{refused}");
            let own = place.sh("git merge --no-edit other").stderr;
            assert!(!own.contains("--again"), "the very commit that was rejected has to be mended: {own}");
            follow(&place, "git merge --no-edit honest", || place.file("main", "a.txt").is_some());
        } else {
            assert!(refused.contains("edit this one"), "{gate}: {refused}");
            place.switch("honest");
            place.write("a.txt", "a, edited\n");
            place.git(&["commit", "--quiet", "-a", "--amend", "--no-edit"]).ok();
            place.switch("main");
            follow(&place, "git merge --no-edit honest", || place.file("main", "a.txt").is_some());
        }
    }
}

#[test]
fn a_policy_with_a_mistake_on_the_way_is_let_in_as_one_step() {
    for command in ["git merge --ff-only t", "git merge t", "git push origin t:main", "git reset --hard t"] {
        let place = local(config());
        let server = place.server("origin");
        place.flow_in(&server, &["init"]).ok();
        place.branch("t", "main");
        let policy = place.read(".zenflow/config.toml");
        place.commit(".zenflow/config.toml", policy.replace("branches", "brnches"));
        place.commit(".zenflow/config.toml", format!("{policy}# as it was\n"));
        place.switch("main");
        follow(&place, command, || {
            let at = if command.contains("push") { tip_of(&place, &server) } else { place.id("main") };
            place.file(&at, ".zenflow/config.toml").is_some_and(|text| text.ends_with("# as it was\n"))
        });
    }
}

#[test]
fn a_person_is_asked_for_where_a_rule_wants_one() {
    let rule = "[[gate.rule]]\npaths = [\"deploy/**\"]\nhuman = true";
    let place = local(config().gate(rule));
    topic(&place, "topic", "deploy/run.sh");
    place.flow(&["review", "topic"]).ok();
    let out = place.sh("git merge topic");
    let offered = hinted(&out.stderr);
    assert_eq!(offered.len(), 1, "{}", out.stderr);
    assert!(offered[0].ends_with("--approve"), "{offered:?}");
    let (_, review) = offered[0].split_once("flow-ai ").unwrap();
    place.flow_as_bob(&review.split(' ').collect::<Vec<_>>()).ok();
    place.git(&["merge", "--quiet", "--no-edit", "topic"]).ok();
}

/// A guarded server with `main` and `release`, both protected, and no hooks here.
fn with_release(gate: &str) -> (Place, PathBuf) {
    let branches = "branches = [\"main\", \"release\"]\nreview_on_merge = false\n";
    let place = Place::with_config(Config::new().gate(format!("{branches}{gate}")).reviewer("judge", "zeta"));
    place.watched_reviewer("judge", "");
    place.write("n.txt", numbers(&[]));
    place.write("old.txt", "old\n");
    place.git(&["add", "-A"]).ok();
    place.git(&["commit", "--quiet", "-m", "Numbers"]).ok();
    place.git(&["branch", "release"]).ok();
    let server = place.server("origin");
    place.flow_in(&server, &["init"]).ok();
    place.git(&["fetch", "--quiet", "origin"]).ok();
    (place, server)
}

/// Sixty numbered lines, some of them written out.
fn numbers(changed: &[usize]) -> String {
    (1..=60)
        .map(|line| if changed.contains(&line) { format!("line {line}\n") } else { format!("{line}\n") })
        .collect()
}

/// Brings what is checked out to a branch of the server, by what is offered, and goes to a branch `next` that starts
/// where that one is then.
#[track_caller]
fn lands(place: &Place, server: &Path, branch: &str, next: &str) {
    let wanted = place.id("HEAD");
    let tip = || place.git_in(server, &["rev-parse", &format!("refs/heads/{branch}")]).ok().stdout;
    follow(place, &format!("git flow-ai push origin HEAD:{branch}"), || tip().trim() == wanted);
    for known in ["main", "release"] {
        place.git(&["fetch", "--quiet", "origin"]).ok();
        place.git(&["update-ref", &format!("refs/heads/{known}"), &format!("origin/{known}")]).ok();
    }
    place.git(&["switch", "--quiet", "-C", "work", next]).ok();
}

#[test]
fn a_release_that_has_picks_of_main_is_merged_up() {
    for accept in ["", "accept_from = [\"main\", \"release\"]"] {
        for change in [
            "echo new > new.txt",
            "chmod +x old.txt",
            "printf 'a\\0b' > x.bin",
            "ln -s old.txt link",
            "git rm -q old.txt",
            "git mv old.txt moved.txt",
        ] {
            let (place, server) = with_release(accept);
            place.git(&["switch", "--quiet", "-C", "work", "main"]).ok();
            place.commit("n.txt", numbers(&[2]));
            lands(&place, &server, "main", "main");
            place.sh(&format!("{change} && git add -A && git commit -q -m feature")).ok();
            lands(&place, &server, "main", "release");
            place.git(&["cherry-pick", "main"]).ok();
            lands(&place, &server, "release", "main");
            let asked = place.asked().len();
            place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "release"]).ok();
            assert_eq!(place.id("HEAD^{tree}"), place.id("main^{tree}"), "the merge changes nothing");
            lands(&place, &server, "main", "main");
            assert_eq!(place.asked().len(), asked, "{change}: all of it was judged, and is there");
        }
    }
}

#[test]
fn what_was_taken_out_does_not_come_back_by_a_release_that_has_a_pick_of_it() {
    let (place, server) = with_release("");
    place.git(&["switch", "--quiet", "-C", "work", "main"]).ok();
    place.commit("new.txt", "new\n");
    lands(&place, &server, "main", "release");
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Release"]).ok();
    place.git(&["cherry-pick", "main"]).ok();
    lands(&place, &server, "release", "main");
    place.git(&["revert", "--no-edit", "HEAD"]).ok();
    lands(&place, &server, "main", "release");
    // What git itself makes of both has it again.
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "-s", "ours", "main"]).ok();
    assert_eq!(place.file("HEAD", "new.txt").unwrap(), "new\n");
    let asked = place.asked().len();
    let refused = place.flow(&["push", "origin", "HEAD:main"]);
    assert_ne!(refused.status, 0, "{refused:?}");
    lands(&place, &server, "main", "main");
    assert_eq!(place.asked().len(), asked + 1, "it is judged anew");
}

#[test]
fn a_hotfix_goes_up_through_a_release_to_a_main_that_changed_the_same_file() {
    for accept in ["", "accept_from = [\"main\", \"release\"]"] {
        for line in [2, 4, 6, 8] {
            let (place, server) = with_release(accept);
            place.git(&["switch", "--quiet", "-C", "work", "main"]).ok();
            place.commit("n.txt", numbers(&[line]));
            lands(&place, &server, "main", "release");
            place.commit("n.txt", numbers(&[5]));
            lands(&place, &server, "release", "main");
            let merge = ["merge", "--quiet", "--no-ff", "--no-edit", "release"];
            if place.git(&merge).status != 0 {
                place.write("n.txt", numbers(&[line, 5]));
                place.git(&["commit", "--quiet", "-a", "--no-edit"]).ok();
            }
            lands(&place, &server, "main", "main");
            assert_eq!(place.file("main", "n.txt").unwrap(), numbers(&[line, 5]));
        }
    }
}

#[test]
fn main_is_merged_into_a_release_that_has_a_pick_which_is_not_exact() {
    let (place, server) = with_release("accept_from = [\"main\"]");
    place.git(&["switch", "--quiet", "-C", "work", "release"]).ok();
    place.commit("n.txt", numbers(&[5]));
    lands(&place, &server, "release", "main");
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "release"]).ok();
    lands(&place, &server, "main", "main");
    for lines in [&[5, 12][..], &[5, 12, 14]] {
        place.commit("n.txt", numbers(lines));
        lands(&place, &server, "main", "main");
    }
    place.git(&["switch", "--quiet", "-C", "work", "release"]).ok();
    place.git(&["cherry-pick", "main"]).ok();
    lands(&place, &server, "release", "release");
    place.git(&["merge", "--quiet", "--no-ff", "--no-edit", "main"]).ok();
    lands(&place, &server, "release", "release");
    assert_eq!(place.file("release", "n.txt").unwrap(), numbers(&[5, 12, 14]));
}

#[test]
fn what_a_reviewer_rejects_is_not_to_be_pushed_again_as_it_is() {
    let (place, _) = guarded(false);
    let finding = r#"{"path":"bad.txt","line":null,"severity":"P1","body":"Bad."}"#;
    place.watched_reviewer("judge", &format!("findings='[{finding}]'"));
    place.commit("bad.txt", "bad\n");
    place.flow(&["review", "origin/main..main"]).exits(1);
    let refused = place.sh("git flow-ai push origin main").exits(1).stderr;
    assert!(refused.contains("asks for changes") && refused.contains("mend what is found"), "{refused}");
    assert!(!refused.contains("then push it together"), "{refused}");
}
