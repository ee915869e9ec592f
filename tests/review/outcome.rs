//! What a review comes to, and what no reviewer gets away with.

use super::{config, place, recorded};
use crate::support::{Config, Out, Place};
use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A blocking finding, in the reviewer's shell.
const BLOCK: &str =
    r#"findings='[{"path":"app.txt","line":2,"severity":"P1","body":"Two is wrong","suggestion":"Three"}]'"#;

#[test]
fn an_approval_is_recorded_and_not_asked_for_twice() {
    let place = place("");
    place.flow(&["review"]).ok().says("APPROVE");
    assert_eq!((place.asked().len(), recorded(&place)), (1, 1));
    place.flow(&["review", "topic"]).ok().says("judged already");
    assert_eq!(place.asked().len(), 1);
    place.flow(&["review", "main..topic", "--again"]).ok();
    assert_eq!((place.asked().len(), recorded(&place)), (2, 2));
}

#[test]
fn a_blocking_finding_is_printed_where_it_is_and_exits_1() {
    let place = place(BLOCK);
    place.flow(&["review"]).exits(1).says("app.txt:2: P1").says("Two is wrong");
    assert_eq!(recorded(&place), 1);
    place.flow(&["review"]).exits(1).says("judged already");
    // The same reviewer thinks better of it: its newer word counts.
    place.reviewer("judge", "");
    place.flow(&["review", "--again"]).ok();
    place.flow(&["review"]).ok().says("judged already");
}

#[test]
fn a_script_gets_one_object_whatever_happens() {
    let place = place(BLOCK);
    let object = |out: Out| -> Value { serde_json::from_str(&out.stdout).expect(&out.stdout) };
    let blocked = object(place.flow(&["review", "--json"]).exits(1));
    assert_eq!(blocked["decision"], "REQUEST CHANGES");
    assert_eq!(blocked["verdicts"][0]["findings"][0]["line"], 2);
    let record = &blocked["verdicts"][0];
    assert_eq!(record["head_tree"], place.git_says(&["rev-parse", "HEAD^{tree}"]));
    assert_eq!(record["base_tree"], place.git_says(&["rev-parse", "main^{tree}"]));
    assert_eq!(record["shown"]["files"], json!(["app.txt"]));

    place.commit("app.txt", "one\n2\nthree\n");
    place.script("judge", "echo nonsense");
    let unknown = object(place.flow(&["review", "--json"]).exits(2));
    assert_eq!(unknown["decision"], Value::Null);
    assert!(unknown["reasons"][0].as_str().unwrap().contains("no verdict in our schema"), "{unknown}");
}

#[test]
fn no_liar_gets_a_verdict_recorded() {
    let honest = r#"request=$(cat); nonce=$(printf '%s\n' "$request" | sed -n 's/^REQUEST {"nonce":"\([0-9a-f]*\)".*/\1/p')
approve() { printf '{"nonce":"%s","verdict":"%s","summary":"Fine.","files":["app.txt"],"findings":%s%s}' "${3:-$nonce}" "${1:-APPROVE}" "${2:-[]}" "$4"; }"#;
    let liars = [
        ("says nothing", "", "nothing"),
        ("talks around it", "echo 'LGTM:'; approve", "no verdict in our schema"),
        ("approves in prose", "echo APPROVE", "no verdict in our schema"),
        ("says it twice", "approve; approve", "no verdict in our schema"),
        ("answers another request", "approve APPROVE [] 0123456789abcdef0123456789abcdef", "nonce"),
        ("adds a key", "approve APPROVE [] \"$nonce\" ',\"waived\":true'", "unknown field"),
        ("skips the files", "approve | sed 's/\\[\"app.txt\"\\]/[]/'", "does not cover"),
        (
            "blames another file",
            "approve APPROVE '[{\"path\":\"README.md\",\"line\":1,\"severity\":\"P1\",\"body\":\"x\"}]'",
            "not in the change",
        ),
        (
            "blames a line that is not there",
            "approve APPROVE '[{\"path\":\"app.txt\",\"line\":99,\"severity\":\"P1\",\"body\":\"x\"}]'",
            "has 3 lines",
        ),
        ("blocks without a reason", "approve 'REQUEST CHANGES'", "none of its findings blocks"),
        ("is cut off", "approve | head -c 60", "no verdict in our schema"),
        ("approves, then fails", "approve; exit 3", "exit"),
        ("floods", "head -c 10000000 /dev/zero | tr '\\0' x", "judge"),
        ("is no text", "approve; printf '\\377\\376'", "no verdict in our schema"),
    ];
    let place = place("");
    for (what, lie, why) in liars {
        place.script("judge", &format!("{honest}\n{lie}"));
        let out = place.flow(&["review"]);
        assert_eq!(out.status, 2, "{what}: {out:?}");
        assert!(out.stderr.contains(why), "{what}: `{why}` is missing in {}", out.stderr);
        assert_eq!(recorded(&place), 0, "{what}");
    }
}

#[test]
fn a_malformed_answer_may_be_mended_once() {
    let place = place("");
    let root = place.root().display().to_string();
    place.reviewer(
        "judge",
        &format!("if [ ! -e {root}/again ]; then touch {root}/again; echo Hm; exit 0; fi"),
    );
    place.flow(&["review"]).ok().says("asking once more");
    assert_eq!(recorded(&place), 1);
}

#[test]
fn an_approval_with_a_blocking_finding_is_none() {
    let place = place(&format!(
        "{BLOCK}\nprintf '{{\"nonce\":\"%s\",\"verdict\":\"APPROVE\",\"summary\":\"Fine.\",\"files\":%s,\"findings\":%s}}' \"$nonce\" \"$files\" \"$findings\"; exit 0"
    ));
    place.flow(&["review"]).exits(1).says("REQUEST CHANGES");
}

#[test]
fn a_reviewer_that_hangs_is_given_up() {
    let place = place("");
    let config = config().to_string().replace("20s", "2s");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit(".zenflow/config.toml", config);
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.script("judge", "cat > /dev/null; sleep 300");
    let begin = Instant::now();
    place.flow(&["review"]).exits(2).says("cannot tell");
    assert!(begin.elapsed() < Duration::from_secs(60));
    assert_eq!(recorded(&place), 0);
}

#[test]
fn ctrl_c_ends_a_review_and_everything_it_started() {
    let place = place("");
    let pid = place.root().join("pid");
    place.script("judge", &format!("cat > /dev/null; echo $$ > {}; sleep 300", pid.display()));
    let mut child = place
        .command("git-flow-ai")
        .arg("review")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while fs::read_to_string(&pid).map_or(true, |text| !text.ends_with('\n')) {
        assert!(begin.elapsed() < Duration::from_secs(60), "the reviewer was never started");
        std::thread::sleep(Duration::from_millis(20));
    }
    let process = |id: i32| rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(process(child.id().cast_signed()), rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let reviewer: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    assert!(rustix::process::test_kill_process(process(reviewer)).is_err(), "the reviewer is still alive");
    assert_eq!(recorded(&place), 0);
}

#[test]
fn who_wrote_the_change_does_not_judge_it() {
    let place = place("");
    place
        .git(&["commit", "--quiet", "--amend", "-m", "Change it\n\nFlow-Agent: author\nFlow-Vendor: zeta"])
        .ok();
    place
        .flow(&["review"])
        .exits(2)
        .says("every reviewer is of a vendor that wrote this change (zeta): judge")
        .says("add a reviewer");
    place.flow(&["review", "--reviewer", "judge"]).exits(2).says("`judge` is no rival");
    place
        .flow(&["review", "--reviewer", "nobody"])
        .exits(2)
        .says("no reviewer `nobody`")
        .says("it has: judge");
    assert_eq!(place.asked().len(), 0);
    // What a person says about the authors can only add to them.
    place.git(&["commit", "--quiet", "--amend", "-m", "Change it"]).ok();
    place.flow(&["review", "--author", "Zeta"]).exits(2).says("every reviewer is of a vendor");
    place.flow(&["review", "--author", "judge"]).exits(2).says("every reviewer is of a vendor");
    assert_eq!(place.asked().len(), 0);
}

#[test]
fn a_tool_that_does_not_say_whose_model_it_ran_must_be_asked_first() {
    let place = place("");
    let sign = |trailers: &str| {
        let message = format!("Change it\n\nCo-authored-by: Copilot <copilot@github.com>\n{trailers}");
        place.git(&["commit", "--quiet", "--amend", "-m", &message]).ok();
    };
    sign("");
    place
        .flow(&["review"])
        .exits(2)
        .says("nobody can tell whose model copilot ran")
        .says("Assisted-by: copilot:gpt-5");
    place.flow(&["review", "--reviewer", "judge"]).exits(2).says("whose model copilot ran");
    // What is committed says it itself, or the gate would not believe it.
    place.flow(&["review", "--author", "copilot:gpt-5"]).exits(2).says("whose model copilot ran");
    assert_eq!(place.asked().len(), 0);
    sign("Assisted-by: Copilot:gpt-5");
    place.flow(&["review"]).ok();
    place.git(&["switch", "--quiet", "main"]).ok();
    place.flow(&["init"]).ok();
    place.git(&["merge", "--quiet", "--no-edit", "topic"]).ok();
    assert_eq!(place.asked().len(), 1);
}

#[test]
fn without_a_reviewer_the_way_out_is_told() {
    let place = Place::with_config("version = 1\n");
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit("app.txt", "one\n");
    place.flow(&["review"]).exits(2).says("no reviewer is configured").says("git flow-ai init");
    let place = Place::with_config(config().to_string().replace("[\"judge\"]", "[\"not-installed\"]"));
    place.git(&["switch", "--quiet", "-c", "topic"]).ok();
    place.commit("app.txt", "one\n");
    place.flow(&["review"]).exits(2).says("no reviewer can be asked: judge:").says("doctor");
}

#[test]
fn a_reviewer_that_cannot_tell_is_followed_by_the_next_and_told() {
    let place = place("");
    let config = Config::new().gate("approvals = 2").reviewer("first", "eta").reviewer("judge", "zeta");
    place.git(&["switch", "--quiet", "main"]).ok();
    place.commit(".zenflow/config.toml", config.to_string());
    place.git(&["switch", "--quiet", "topic"]).ok();
    place.script("first", "cat > /dev/null; echo No idea.");
    // One approval, two wanted: that is no yes.
    place.flow(&["review"]).exits(2).says("first").says("the next rival is judge").says("2 approvals");
    place.reviewer("first", "");
    place.flow(&["review"]).ok();
    assert_eq!(recorded(&place), 2, "judge's approval is there");
}

#[test]
fn where_nothing_differs_nobody_is_asked() {
    let place = place("");
    place.flow(&["review", "--staged"]).ok().says("Nothing to review: nothing is staged");
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "Nothing"]).ok();
    place.flow(&["review", "HEAD~1..HEAD"]).ok().says("Nothing to review");
    assert_eq!(place.asked().len(), 0);
}
