//! `check`: the gate's answer for CI, from any clone, in every form, with nothing left out.

use crate::support::verdicts::{author, finding};
use crate::support::{Config, Out, Place};
use git_flow_ai::domain::verdict::{Decision, Finding, Severity, Verdict};
use serde_json::Value;
use std::fs;

/// `topic` adds a file to a protected `main`; HEAD is on it.
fn place() -> Place {
    let place = Place::with_config(Config::protected());
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit_saying("Add a file", "new", "new\n");
    place
}

fn check(place: &Place, args: &[&str]) -> Value {
    place.flow(&[&["check", "--format", "json"], args].concat()).json()
}

fn answer(place: &Place, args: &[&str]) -> String {
    check(place, args)["answer"].as_str().unwrap().to_owned()
}

/// A verdict of `codex` that blocks, recorded.
fn block(place: &Place, base: &str, head: &str, findings: Vec<Finding>) -> Verdict {
    let verdict = place.block(base, head, findings);
    place.record(&verdict);
    verdict
}

#[test]
fn what_a_rival_approved_may_enter_and_nothing_else() {
    let place = place();
    place.commit_saying("Add more", "more", "more\n");
    place.approve("main", "topic~1");
    place.flow(&["check", "main..topic~1"]).ok().says("yes: `main` may become").says("codex (openai): Read.");
    let out = place.flow(&["check"]).exits(1).says("no rival's verdict covers").says("hint: have it judged");
    assert!(out.stdout.contains("admitted") && out.stdout.contains("missing"), "{}", out.stdout);
    // The way out is one: what it names is what is missing.
    let fix = check(&place, &[])["fix"][0].as_str().unwrap().to_owned();
    let range = fix.split_once("git flow-ai review ").unwrap().1.split(' ').next().unwrap().to_owned();
    let (base, head) = range.split_once("..").unwrap();
    place.approve(base, head);
    place.flow(&["check"]).ok();
}

#[test]
fn every_change_that_nothing_covers_is_told_and_not_only_the_first() {
    let place = place();
    for name in ["b", "c", "d", "e"] {
        place.commit_saying(name, name, "text\n");
    }
    place.approve("topic~4", "topic~3");
    place.approve("topic~1", "topic");
    let told = check(&place, &["main..topic"]);
    let outcomes: Vec<&str> =
        told["parts"].as_array().unwrap().iter().map(|part| part["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["missing", "admitted", "missing", "admitted"]);
    assert_eq!(told["parts"][2]["commits"].as_array().unwrap().len(), 2, "one review covers both");
    let tally = &told["report"];
    assert_eq!((&tally["steps"], &tally["missing"], &tally["admitted"]), (&5.into(), &3.into(), &2.into()));
    assert_eq!(tally["by_reviewer"]["codex (openai)"], 2);
    // The same where the branch has to be merged first.
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Move on", "elsewhere", "x\n");
    let told = check(&place, &["topic"]);
    assert_eq!(told["predicted"], true);
    assert_eq!(told["parts"].as_array().unwrap().len(), 4, "{told:#}");
}

#[test]
fn the_law_is_the_branchs_own_before_the_change() {
    let place = place();
    place.approve("main~1", "main"); // so that there are notes
    let free = Config::protected().to_string().replace("main", "other");
    place.commit_saying("Protect nothing", ".zenflow/config.toml", free);
    assert_eq!(answer(&place, &[]), "no", "not the law that comes with it");
    assert_eq!(answer(&place, &["HEAD~1..HEAD"]), "no", "nor one that a base brings along");
    place.commit_saying("Under the new law", "later", "x\n");
    assert_eq!(answer(&place, &["HEAD~1..HEAD"]), "no", "nor where only the base is lax");
    // After a push, the tip is the change's own.
    let before = place.git_says(&["rev-parse", "main"]);
    place.git(&["update-ref", "refs/heads/main", "topic"]).ok();
    assert_eq!(answer(&place, &[&format!("{before}..topic"), "--target", "main"]), "no");
}

#[test]
fn under_a_base_that_the_branch_has_left_the_tip_is_what_counts() {
    let place = place();
    place.approve("main", "topic");
    let base = place.git_says(&["rev-parse", "main"]);
    let range = format!("{base}..topic");
    assert_eq!(answer(&place, &[&range]), "yes");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying(
        "Ask for two",
        ".zenflow/config.toml",
        Config::protected().gate("approvals = 2").to_string(),
    );
    let told = check(&place, &[&range]);
    assert_eq!(
        (&told["answer"], &told["old"]),
        (&"no".into(), &place.git_says(&["rev-parse", "main"]).into())
    );
    assert!(told["notes"][0].as_str().unwrap().contains("has moved on"), "{told:#}");
}

#[test]
fn what_conflicts_or_is_in_already_is_said_to() {
    let place = place();
    place.flow(&["check", "main"]).ok().says("has all of it already");
    place.approve("main", "topic");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("The same file", "new", "other\n");
    place.flow(&["check", "topic"]).exits(1).says("conflicts with `main`").says("hint: merge or rebase");
    place.flow(&["check", "main...topic"]).exits(2).says("main..topic");
}

#[test]
fn a_branch_that_nothing_protects_is_free_and_said_to_be() {
    let place = place();
    place.git(&["branch", "next", "main"]).ok();
    place.flow(&["check", "--target", "next"]).ok().says("does not protect it");
    place.flow(&["check", "--target", "refs/heads/nowhere"]).exits(2).says("no branch `nowhere`");
}

#[test]
fn a_clone_in_ci_works_or_says_which_fetch_mends_it() {
    let place = place();
    place.approve("main", "topic");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Move on", "elsewhere", "x\n");
    let origin = format!("file://{}", place.repo().display());
    let clone = |name: &str, args: &[&str]| {
        let (at, place) = (place.root().join(name), &place);
        place.git(&[&["clone", "--quiet", &origin], args, &[at.to_str().unwrap()]].concat()).ok();
        move |program: &str, args: &[&str]| {
            Out::of(place.command(program).args(args).current_dir(&at).output().unwrap())
        }
    };
    // As actions/checkout leaves it: HEAD detached, the target only as the remote has it.
    let full = clone("full", &[]);
    full("git", &["checkout", "--quiet", "--detach", "origin/topic"]).ok();
    full("git", &["branch", "--quiet", "-D", "main"]).ok();
    full("git", &["flow-ai", "check"])
        .exits(2)
        .says("no verdicts at all")
        .says("git fetch origin refs/notes/flow-ai:refs/notes/flow-ai");
    full("git", &["fetch", "--quiet", "origin", "refs/notes/flow-ai:refs/notes/flow-ai"]).ok();
    full("git", &["flow-ai", "check", "--target", "main"]).ok().says("may be merged into `main`");
    full("git", &["flow-ai", "check", "0123456789..HEAD"]).exits(2).says("lacks the commit 0123456789");

    let shallow = clone("shallow", &["--depth", "1", "--branch", "topic"]);
    shallow("git", &["checkout", "--quiet", "--detach"]).ok();
    shallow("git", &["fetch", "--quiet", "origin", "refs/notes/flow-ai:refs/notes/flow-ai"]).ok();
    let out = shallow("git", &["flow-ai", "check", "--target", "main"]).exits(2).says("--unshallow");
    let hint = out.stderr.lines().find_map(|line| line.split_once("fetch it: ")).unwrap().1.to_owned();
    shallow("sh", &["-c", &hint]).ok();
    shallow("git", &["flow-ai", "check", "--target", "main"]).ok();

    let cut = clone("cut", &["--depth", "1", "--no-single-branch", "--branch", "topic"]);
    cut("git", &["checkout", "--quiet", "--detach"]).ok();
    cut("git", &["fetch", "--quiet", "origin", "refs/notes/flow-ai:refs/notes/flow-ai"]).ok();
    cut("git", &["flow-ai", "check", "--target", "main"]).exits(2).says("shallow").says("--unshallow");
    cut("git", &["fetch", "--quiet", "--unshallow", "origin"]).ok();
    cut("git", &["flow-ai", "check", "--target", "main"]).ok();
}

#[test]
fn what_a_clone_that_lacks_something_offers_makes_it_whole() {
    let place = Place::with_config(Config::protected());
    place.write("n.txt", (1..=40).map(|number| format!("{number}\n")).collect::<String>());
    place.commit_saying("Numbers", "a/b.txt", "b\n");
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit_saying("Add a file", "a/new.txt", "new\n");
    place.record(&place.verdict("main", "topic"));
    place.switch("main");
    place.commit_saying("Go on", "c.txt", "c\n");
    let server = place.server("origin");
    for (key, value) in [("uploadpack.allowFilter", "true"), ("uploadpack.allowAnySHA1InWant", "true")] {
        place.git_in(&server, &["config", key, value]).ok();
    }
    place.git(&["push", "--quiet", "origin", "main", "topic", "refs/notes/flow-ai"]).ok();
    let url = format!("file://{}", server.display());
    for (number, options) in [
        "",
        "--depth=1 --no-single-branch",
        "--depth=1 --branch=topic",
        "--filter=blob:none",
        "--depth=1 --no-single-branch --filter=blob:none",
        "--depth=1 --branch=topic --filter=blob:none",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("clone-{number}");
        let clone = format!(
            "git clone -q {options} {url} ../{name} && cd ../{name} && git checkout -q --detach origin/topic"
        );
        place.sh(&clone).ok();
        place.sh(&format!("cd ../{name} && git fetch -q origin refs/notes/flow-ai:refs/notes/flow-ai")).ok();
        let check = format!("cd ../{name} && git flow-ai check --target main");
        let mut offered: Vec<String> = Vec::new();
        let mut out = place.sh(&check);
        while out.status == 2 && offered.len() < 2 {
            let hint = out.stderr.lines().rfind(|line| line.contains("git fetch ")).unwrap_or_default();
            let (_, command) = hint.split_once("git fetch ").unwrap();
            assert!(!offered.iter().any(|before| before == command), "{options}: {out:?}");
            place.sh(&format!("cd ../{name} && git fetch -q {command}")).ok();
            offered.push(command.to_owned());
            out = place.sh(&check);
        }
        assert_eq!(
            (out.status, offered.is_empty()),
            (0, options.is_empty()),
            "{options}: {offered:?} {out:?}"
        );
    }
    // Without trees nothing can be merged, which is no conflict.
    place.sh(&format!("git clone -q --filter=tree:0 {url} ../treeless")).ok();
    let out = place.sh("cd ../treeless && git flow-ai check origin/topic --target main").exits(2);
    out.says("git fetch --refetch");
}

#[test]
fn waivers_are_counted_with_who_gave_them_and_why() {
    let place = Place::with_config(Config::protected().gate("waivers = [\"ada@example.com\"]"));
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit_saying("Add a file", "new", "new\n");
    let mut waiver = place.verdict("main", "topic");
    waiver.decision = Decision::Waive;
    waiver.reviewer = author("Ada Lovelace <ada@example.com>", "person");
    waiver.summary = "The rivals are down.".into();
    place.record(&waiver);
    let told = check(&place, &["--report"]);
    assert_eq!((&told["answer"], &told["report"]["waived"]), (&"yes".into(), &1.into()));
    assert_eq!(told["report"]["waivers"][0]["reason"], "The rivals are down.");
    place
        .flow(&["check", "--report"])
        .ok()
        .says("waived by Ada Lovelace <ada@example.com>: 1 (The rivals are down.)");
}

#[test]
fn findings_that_block_are_told_apart_from_those_that_do_not() {
    let place = place();
    let findings = vec![finding(Severity::P1, "Wrong."), finding(Severity::P3, "Ugly.")];
    block(&place, "main", "topic", findings);
    let told = check(&place, &[]);
    assert_eq!(told["parts"][0]["outcome"], "blocked");
    let findings = &told["parts"][0]["verdicts"][0]["findings"];
    assert_eq!((&findings[0]["blocks"], &findings[1]["blocks"]), (&true.into(), &false.into()));
    place.flow(&["check"]).exits(1).says("README.md:1: P1 Wrong.").says("hint: mend what is found");
}

/// What the report says, checked against the schema of SARIF.
fn sarif(place: &Place, args: &[&str]) -> Value {
    let log = place.flow(&[&["check", "--format", "sarif"], args].concat()).json();
    // One pattern of the schema is no regular expression: of `language`, which we never write.
    let schema = include_str!("sarif/sarif-schema-2.1.0.json").replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{log:#}");
    let mut broken = log.clone();
    broken["runs"][0]["results"] = Value::from("none");
    assert!(!validator.is_valid(&broken), "the schema is one that can say no");
    log
}

fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().unwrap()
}

#[test]
fn sarif_is_valid_whatever_the_answer() {
    let place = place();
    place.git(&["remote", "add", "origin", "../elsewhere.git"]).ok();
    let log = sarif(&place, &[]);
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false, "no notes: cannot tell");
    place.commit_saying("An odd name", "odd name #1%.txt", "x\n");
    place.approve("topic~1", "topic");
    let log = sarif(&place, &[]);
    assert_eq!(results(&log).len(), 1);
    assert_eq!(results(&log)[0]["ruleId"], "uncovered-change");
    assert_eq!(log["runs"][0]["automationDetails"]["id"], "git-flow-ai/check/main/");
    let mut odd = finding(Severity::P0, "See [this](http://evil) {0} \u{1b}[2J");
    odd.path = "odd name #1%.txt".into();
    let mut outside = finding(Severity::P2, "Elsewhere.");
    outside.path = "../../etc/passwd".into();
    block(&place, "topic~1", "topic", vec![odd, outside]);
    let log = sarif(&place, &[]);
    let by = |rule: &str| results(&log).iter().find(|result| result["ruleId"] == rule).unwrap().clone();
    let place_of =
        |result: &Value| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert_eq!(place_of(&by("finding-p0")), "odd%20name%20%231%25.txt");
    assert_eq!(by("finding-p0")["level"], "error");
    let message = by("finding-p0")["message"]["text"].as_str().unwrap().to_owned();
    assert!(message.starts_with("See \\[this\\](http://evil) {{0}} ␛"), "{message}");
    assert_eq!(
        (&by("finding-p2")["level"], &by("finding-p2")["locations"]),
        (&"warning".into(), &Value::Null)
    );
    sarif(&place, &["--target", "nowhere"]);
    place.approve("main", "topic");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Conflict", "new", "other\n");
    assert_eq!(results(&sarif(&place, &["topic"]))[0]["ruleId"], "cannot-enter");
}

#[test]
fn a_result_is_known_again_after_a_rebase() {
    let place = place();
    place.approve("main~1", "main"); // so that there are notes
    place.commit_saying("Say more", "README.md", "# A project\n\nMore.\n");
    let mut found = finding(Severity::P1, "Wrong  here.");
    found.path = "new".into();
    let marks = |log: &Value| -> Vec<Value> {
        results(log).iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let uncovered = marks(&sarif(&place, &[]));
    block(&place, "main", "topic", vec![found.clone()]);
    let blocked = marks(&sarif(&place, &[]));
    assert_ne!(uncovered, blocked);
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Move on", "README.md", "Before all.\n\n# A project\n");
    place.git(&["rebase", "--quiet", "main", "topic"]).ok();
    assert_eq!(marks(&sarif(&place, &[])), uncovered, "by what it adds and takes away");
    found.line = Some(7);
    found.body = "Wrong here.".into();
    block(&place, "main", "topic", vec![found]);
    assert_eq!(marks(&sarif(&place, &[])), blocked, "by what is said of which file");
    place.commit_saying("Other content", "new", "newer\n");
    assert_ne!(marks(&sarif(&place, &[])), uncovered);
}

#[test]
fn nothing_that_a_model_writes_becomes_a_command_to_the_runner() {
    let place = place();
    let mut hostile = finding(Severity::P1, "fine\n::error::forged\n##[add-mask]x\r\n\u{1b}]0;t\u{7}100%");
    hostile.path = "::error file=x::y".into();
    hostile.suggestion = Some("::stop-commands::x\n::set-output name=a::b".into());
    let mut verdict = block(&place, "main", "topic", vec![hostile.clone()]);
    verdict.reviewer = author("evil,title=x::y\n::warning::z", "google");
    verdict.summary = "::notice::forged\n::group::x @all <img src=x>".into();
    place.record(&verdict);
    place.git(&["commit", "--quiet", "--amend", "-m", "::error::from a subject"]).ok();
    block(&place, "main", "topic", vec![hostile]);
    let summary = place.root().join("summary.md");
    let out = place
        .command("git")
        .args(["flow-ai", "check", "--format", "github", "--report"])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    let out = Out::of(out).exits(1);
    let commands: Vec<&str> = out.stdout.lines().filter(|line| line.trim().starts_with("::")).collect();
    for command in &commands {
        let (head, message) = command[2..].split_once("::").unwrap();
        assert!(["error ", "warning ", "notice "].iter().any(|name| head.starts_with(name)), "{command}");
        assert!(head.split(',').all(|property| property.contains('=')), "{command}");
        assert!(!message.contains("\u{1b}"), "{command}");
    }
    assert!(
        commands
            .iter()
            .any(|line| line
                .contains("title=P1 by codex (openai)::fine%0A: :error::forged%0A# #[add-mask]x%0A")),
        "{commands:#?}"
    );
    assert!(!out.stdout.contains("##[") && !out.stdout.contains('\u{1b}'), "{}", out.stdout);
    let text = place.flow(&["check"]).exits(1).stdout;
    assert!(!text.lines().any(|line| line.trim().starts_with("::")) && !text.contains("##["), "{text}");
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("### git flow-ai check: May not enter main"), "{summary}");
    assert!(!summary.contains("<img") && !summary.contains("@all"), "{summary}");
}

#[test]
fn a_machine_gets_its_answer_in_its_own_form_whatever_happened() {
    let place = place();
    let told = place.flow(&["check", "--format", "json", "nowhere"]).exits(2);
    assert_eq!(told.json()["answer"], "cannot-tell");
    assert_eq!(told.json()["version"], 1);
    place
        .flow(&["check", "--format", "github", "nowhere"])
        .exits(2)
        .says("::error title=git flow-ai check::");
    place.flow(&["check", "--format", "yaml"]).exits(2).says("sarif");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit_saying("Break it", ".zenflow/config.toml", "version = 1\n[gate]\nbranches = 3\n");
    let told = place.flow(&["check", "topic", "--target", "main", "--format", "json"]).exits(1).json();
    assert_eq!(told["answer"], "no", "a policy that cannot be read lets nothing in but its repair");
    assert!(told["why"][0].as_str().unwrap().contains("branches = 3"), "{told:#}");
}

#[test]
fn where_no_remote_could_have_verdicts_the_answer_is_no_and_the_way_out_needs_none() {
    let place = place();
    let told = check(&place, &[]);
    assert_eq!(told["answer"], "no", "{told}");
    assert!(!told["fix"].to_string().contains("sync"), "{told}");
    place.git(&["remote", "add", "upstream", "../elsewhere.git"]).ok();
    let told = check(&place, &[]);
    assert_eq!(told["answer"], "cannot-tell", "{told}");
    assert!(told["fix"].to_string().contains("git flow-ai sync upstream"), "{told}");
}

#[test]
fn verdicts_that_only_the_copy_of_a_remotes_notes_has_are_verdicts() {
    let place = place();
    place.git(&["branch", "--quiet", "other", "main"]).ok();
    place.approve("main", "topic");
    place.git(&["update-ref", "refs/flow-ai/notes/origin", "refs/notes/flow-ai"]).ok();
    place.git(&["update-ref", "-d", "refs/notes/flow-ai"]).ok();
    place.flow(&["check"]).ok();
    place.commit_saying("Add more", "more", "more\n");
    let told = check(&place, &[]);
    assert_eq!(told["answer"], "no", "{told}");
    assert!(!told.to_string().contains("no verdicts at all"), "{told}");
}

#[test]
fn a_start_behind_the_end_is_no_update() {
    let place = place();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit("more", "more\n");
    place.flow(&["check", "main..main~1"]).exits(1).says("would lose commits");
    // Nobody judged the topic, and main does not have it.
    place.flow(&["check", "topic..topic", "--target", "main"]).exits(2).says("`main` does not have");
    place.flow(&["check", "main..main"]).ok().says("has all of it already");
    place.flow(&["check", "main~1"]).ok().says("has all of it already");
}

#[test]
fn no_annotation_holds_what_a_terminal_would_obey() {
    let place = Place::with_config(Config::lookup_only());
    place.branch("topic", "main");
    place.commit("a\u{1b}[31mRED\u{202e}.b", "x\n");
    let said = place.flow(&["check", "main..topic", "--format", "github"]).exits(1).stdout;
    assert!(said.contains("::error file=a"), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
}
