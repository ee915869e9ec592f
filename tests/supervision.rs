//! Supervision: what a run says of its agents is so, limits are waited for, budgets hold, and however
//! one is stopped, nothing is lost.
//!
//! The agents are shell scripts; the one called `claude` speaks its event stream.

use crate::support::plan::task;
use crate::support::processes::wait_for;
use crate::support::{Config, Out, Place, WRITE};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A repository with an agent `mine`, another `claude`, a rival `judge`, and a spec `demo`. `run` is the
/// `[run]` section; `mine` does what `act` says in shell; tasks are `id` or `id:agent`.
fn stage(run: &str, act: &str, tasks: &[&str]) -> Place {
    let config = Config::new().run(run).agent("mine", "acme").section("agents.claude", "preset = \"claude\"");
    let place = Place::with_config(config.reviewer("judge", "rival"));
    place.agent("mine", act);
    place.agent("claude", &format!("echo x > $task.txt\n{CLAUDE_DONE}"));
    place.reviewer("judge", "");
    let task = |name: &&str| {
        let (id, agent) = name.split_once(':').unwrap_or((name, "mine"));
        task(id, &format!("<!-- agent: {agent} -->"))
    };
    place.spec_with(&tasks.iter().map(task).collect::<String>());
    place
}

/// A limit until somebody makes the file `go`; some work is there already.
const LIMITED: &str = "echo half >> $task.half; [ -f \"$root/go\" ] || { echo \"429 rate limit, try again in $wait\" >&2; exit 1; }";

const CLAUDE_DONE: &str = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"Done.","session_id":"s","total_cost_usd":0.4,"usage":{"input_tokens":900,"output_tokens":100}}'"#;

/// Whether nothing but an entry is left of a process.
fn is_dead(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
}

/// The events of a run with `--json`; the summary is the last.
fn events(out: &Out) -> Vec<Value> {
    out.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a task came to.
fn outcome<'a>(events: &'a [Value], id: &str) -> &'a Value {
    let tasks = events.last().unwrap()["tasks"].as_array().unwrap();
    tasks.iter().find(|task| task["task"] == id).unwrap()
}

fn states<'a>(events: &'a [Value], id: &str) -> Vec<&'a str> {
    let own = events.iter().filter(|event| event["event"] == "state" && event["task"] == id);
    own.map(|event| event["state"].as_str().unwrap()).collect()
}

#[test]
fn a_limit_parks_the_task_frees_its_place_and_the_same_attempt_goes_on_after_it() {
    // The first of three meets a limit at the only place; the two others are another agent's.
    let act = format!(
        "wait=3s\n{}\n{WRITE}",
        LIMITED.replace("[ -f \"$root/go\" ]", "[ -f half ]").replace("exit 1", "touch half; exit 1")
    );
    let stage = stage("attempts = 1\nparallel = 1", &act, &["slow", "one:claude", "two:claude"]);
    let begin = Instant::now();
    let out = stage.run(&["--json"]).ok();
    assert!(begin.elapsed() >= Duration::from_secs(3));
    let events = events(&out);
    assert_eq!(stage.calls(), ["slow 1", "one 1", "two 1", "slow 1"], "others got the place meanwhile");
    let parked = events.iter().find(|event| event["event"] == "parked").unwrap();
    assert_eq!((&parked["task"], &parked["limit"]), (&"slow".into(), &"requests".into()));
    assert!(parked["until"].as_str().unwrap() > events[0]["at"].as_str().unwrap());
    assert!(states(&events, "slow").contains(&"rate-limited"));
    assert_eq!(outcome(&events, "slow")["outcome"], "done");
    assert_eq!(outcome(&events, "slow")["attempts"], 1, "what a limit cut short is no attempt");
    let files = stage.file("flow/demo/result", "slow.half").unwrap();
    assert_eq!(files, "half\nhalf\n", "it went on from its own files");
}

#[test]
fn nobody_is_started_into_a_limit_that_another_task_of_the_agent_has_met() {
    let stage =
        stage("attempts = 1\nparallel = 1", &format!("wait=4s\n{LIMITED}\n{WRITE}"), &["a", "b", "c"]);
    let mut run = stage.start_run();
    wait_for(|| stage.calls().len() == 1);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(stage.calls(), ["a 1"]);
    let status = stage.flow(&["status", "demo"]).ok().stdout;
    assert_eq!(status.matches(": waiting for a limit").count(), 3, "{status}");
    assert!(status.contains("a limit of requests"), "with its evidence: {status}");
    stage.beside("go", "");
    assert!(run.wait().unwrap().success());
    assert_eq!(stage.calls().len(), 4);
}

#[test]
fn a_limit_that_lasts_longer_than_the_patience_is_not_waited_for() {
    let act = "echo x > $task.txt; echo 'You have hit your usage limit, try again in 2 hours' >&2; exit 1";
    let stage = stage("patience = \"1h\"\nattempts = 1", act, &["a", "b:claude"]);
    let begin = Instant::now();
    let out = stage.run(&["--json"]).exits(1);
    assert!(begin.elapsed() < Duration::from_secs(20));
    let events = events(&out);
    let a = outcome(&events, "a");
    assert_eq!(
        (&a["outcome"], &a["limit"], &a["until"]),
        (&"rate-limited".into(), &"quota".into(), &Value::Null)
    );
    assert_eq!(outcome(&events, "b")["outcome"], "done", "others are not held up");
    assert_eq!(stage.file("flow/demo/a", "a.txt").unwrap(), "x\n", "what it had made is kept");
    // No attempt was used up.
    stage.agent("mine", WRITE);
    stage.run(&[]).ok();
    assert_eq!(stage.calls().last().unwrap(), "a 1");
}

#[test]
fn spending_passes_by_a_persons_hand_only() {
    let stage = stage("attempts = 1", "echo 'Your credit balance is too low' >&2; exit 1", &["a", "b"]);
    let out = stage.run(&["--json", "--parallel", "1"]).exits(1);
    let events = events(&out);
    for id in ["a", "b"] {
        assert_eq!(outcome(&events, id)["limit"], "spend", "{id}");
    }
    assert_eq!(stage.calls(), ["a 1"], "the other was not even started");
}

#[test]
fn an_agent_that_would_wait_for_hours_is_ended_and_its_files_kept() {
    let retry = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","rateLimitType":"five_hour","resetsAt":4000000000}}"#;
    let stage = stage("attempts = 1", "", &["a:claude"]);
    stage.agent("claude", &format!("echo x > $task.txt; echo '{retry}'; sleep 300"));
    let begin = Instant::now();
    let out = stage.run(&["--json"]).exits(1);
    assert!(begin.elapsed() < Duration::from_secs(20));
    let events = events(&out);
    let a = outcome(&events, "a");
    assert_eq!((&a["outcome"], &a["limit"]), (&"rate-limited".into(), &"quota".into()));
    assert!(a["why"].as_str().unwrap().contains("five hour"), "{a}");
    assert_eq!(stage.file("flow/demo/a", "a.txt").unwrap(), "x\n");
}

#[test]
fn ctrl_c_while_all_wait_for_a_limit_leaves_everything_and_the_next_run_still_knows_the_limit() {
    let stage = stage("attempts = 1", &format!("wait=8s\n{LIMITED}\n{WRITE}"), &["a"]);
    let mut run = stage.start_run();
    let parked = || stage.flow(&["status", "demo"]).stdout.contains("waiting for a limit");
    wait_for(|| stage.calls().len() == 1 && parked());
    let begin = Instant::now();
    kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert_eq!(stage.file("flow/demo/a", "a.half").unwrap(), "half\n");
    stage.beside("go", "");
    let out = stage.run(&["--json"]).ok();
    let events = events(&out);
    assert!(events.iter().any(|event| event["event"] == "parked"), "it waited for the rest of the time");
    assert_eq!(stage.calls(), ["a 1", "a 1"]);
    assert_eq!(outcome(&events, "a")["outcome"], "done");
}

#[test]
fn a_persons_fresh_start_does_not_wait_for_a_limit_of_before() {
    let stage = stage("attempts = 1", &format!("wait=600s\n{LIMITED}\n{WRITE}"), &["a"]);
    let mut run = stage.start_run();
    wait_for(|| stage.flow(&["status", "demo"]).stdout.contains("waiting for a limit"));
    kill_process(Pid::from_child(&run), Signal::TERM).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    stage.beside("go", "");
    stage.run(&["--retry"]).ok();
}

#[test]
fn a_spent_budget_of_the_run_starts_nothing_new_and_loses_nothing() {
    let run = "budget = { cost = 0.5 }\nparallel = 1";
    let stage = stage(run, WRITE, &["a:claude", "b:claude", "c:claude"]);
    let out = stage.run(&[]).exits(1);
    out.says("$0.80 of $0.50").says("budget spent").says("--budget cost=10");
    assert_eq!(stage.calls(), ["a 1", "b 1"], "0.4 dollars each");
    assert!(stage.file("flow/demo/result", "a.txt").is_some(), "what was done is merged");
    assert!(stage.file("flow/demo/b", "b.txt").is_some(), "what was made is kept, unreviewed");
    let out = stage.run(&["--budget", "cost=10", "--json"]).ok();
    let events = events(&out);
    assert_eq!(events.last().unwrap()["budget"]["used"], "$0.40 of $10.00");
    assert_eq!(stage.calls(), ["a 1", "b 1", "c 1"], "nothing is done again");
    stage.run(&["--budget", "money=1"]).exits(2).says("cost=10");
}

#[test]
fn a_spent_budget_of_a_task_stops_its_agent_at_the_next_event() {
    let stage = stage("task_budget = { tokens = 1500 }\nattempts = 1", WRITE, &["a:claude", "b"]);
    let used = r#"{"type":"assistant","message":{"id":"m'$n'","content":[{"type":"text","text":"On."}],"usage":{"input_tokens":1000,"output_tokens":0}}}"#;
    stage.agent(
        "claude",
        &format!("for n in 1 2 3; do echo $n >> a.txt; echo '{used}'; sleep 1; done; sleep 300"),
    );
    let out = stage.run(&["--json"]).exits(1);
    let events = events(&out);
    let a = outcome(&events, "a");
    assert_eq!(
        (&a["outcome"], &a["of"], &a["why"]),
        (&"budget-spent".into(), &"task".into(), &"2000 of 1500 tokens".into())
    );
    assert_eq!(outcome(&events, "b")["outcome"], "done", "the others go on");
    assert_eq!(stage.file("flow/demo/a", "a.txt").unwrap(), "1\n2\n");
    let warned = events
        .iter()
        .any(|event| event["message"].as_str().is_some_and(|text| text.contains("mine reports no tokens")));
    assert!(warned, "who reports nothing is named: {}", out.stdout);
}

#[test]
fn a_tasks_time_is_time_at_work() {
    let stage = stage("task_budget = { time = \"2s\" }", "echo x > $task.txt; sleep 300", &["a"]);
    let begin = Instant::now();
    stage.run(&[]).exits(1).says("2s of 2s");
    assert!(begin.elapsed() < Duration::from_secs(15));
    assert_eq!(stage.file("flow/demo/a", "a.txt").unwrap(), "x\n");
}

#[test]
fn which_clock_ended_an_agent_is_told_with_what_was_seen_last() {
    let act =
        "echo \"looking at $task\"; [ $task = mute ] && sleep 300; while :; do echo again; sleep 0.1; done";
    let stage = stage("attempts = 1\nsilence = \"2s\"\ntimeout = \"4s\"", act, &["mute", "chatty"]);
    let out = stage.run(&["--parallel", "2"]).exits(1);
    let out = out.says("said nothing for 2s (run.silence); the last that was seen of it: looking at mute");
    out.says("took longer than 4s (run.timeout); the last that was seen of it: again");
}

/// A command at a terminal of its own that nobody answers.
fn at_a_terminal(command: &str) -> String {
    format!("sleep 300 | script -qec '{command}' /dev/null")
}

#[test]
fn whoever_waits_at_a_terminal_is_found_and_named_and_is_no_hang() {
    let act = format!("echo x > $task.txt; echo committing; {}", at_a_terminal("head -n 1 >answer; true"));
    let stage = stage("silence = \"4s\"", &act, &["a", "b:claude"]);
    let out = stage.run(&["--json"]).exits(1);
    let events = events(&out);
    let a = outcome(&events, "a");
    assert_eq!(a["outcome"], "waiting-for-person", "{a}");
    let what = a["what"].as_str().unwrap();
    assert!(
        what.starts_with("`head -n 1 (started by script") && what.contains("waits at a terminal"),
        "{what}"
    );
    assert!(what.contains("committing"), "with what was seen last: {what}");
    assert_eq!(outcome(&events, "b")["outcome"], "done");
    assert_eq!(stage.file("flow/demo/a", "a.txt").unwrap(), "x\n");
    assert_eq!(
        stage.calls().iter().filter(|call| call.starts_with("a ")).count(),
        1,
        "no attempt repeats it"
    );
}

#[test]
fn whoever_waits_at_a_terminal_is_found_from_outside_of_the_sandbox() {
    let act = format!("echo x > $task.txt; echo committing; {}", at_a_terminal("head -n 1 >answer; true"));
    let stage = stage("silence = \"6s\"", &act, &["a"]);
    stage.git(&["config", "--global", "--unset", "flow-ai.sandbox"]).ok();
    // What its scripts note lies outside of its worktree.
    stage.script("mine", &act.replace("$task", "a"));
    let out = stage.run(&["--json"]).exits(1);
    let events = events(&out);
    let a = outcome(&events, "a");
    assert_eq!(a["outcome"], "waiting-for-person", "{}", out.stdout);
    assert!(!out.stdout.contains("sandbox: none"), "{}", out.stdout);
    assert!(a["what"].as_str().unwrap().starts_with("`head -n 1"), "{a}");
}

#[test]
fn a_question_at_the_end_of_what_was_printed_is_found_and_a_shell_that_is_kept_open_is_not_one() {
    let act = format!(
        "if [ $task = asks ]; then printf 'Overwrite package.json? (y/N) '; sleep 300; fi\n\
         (sleep 300 | script -qec 'exec sh -i' /dev/null) >/dev/null 2>&1 &\nsleep 5\n{WRITE}"
    );
    let stage = stage("silence = \"6s\"\nattempts = 1", &act, &["asks", "keeps"]);
    let out = stage.run(&["--json"]).exits(1);
    let events = events(&out);
    let asks = outcome(&events, "asks");
    assert_eq!(asks["outcome"], "waiting-for-person", "{asks}");
    assert!(asks["what"].as_str().unwrap().starts_with("Overwrite package.json? (y/N)"), "{asks}");
    assert_eq!(outcome(&events, "keeps")["outcome"], "done", "{}", out.stdout);
}

#[test]
fn a_check_that_asks_is_named_and_goes_back_to_the_agent() {
    let verify = "test ! -e a.txt || { printf 'Are you sure? [y/n] '; sleep 300; }";
    let stage = stage(&format!("timeout = \"8s\"\nattempts = 1\nverify = \"{verify}\""), WRITE, &["a"]);
    stage.run(&[]).exits(1).says("asked what nobody answers: Are you sure? [y/n]");
}

#[test]
fn one_who_wants_the_persons_own_terminal_does_not_hang_either() {
    let act = "echo x > $task.txt; echo asking; cat </dev/tty >answer";
    let stage = stage("silence = \"4s\"\nattempts = 1", act, &["a"]);
    let mut script = stage.command("script");
    let flow = env!("CARGO_BIN_EXE_git-flow-ai");
    script.args(["-qec", &format!("{flow} run demo --json"), "/dev/null"]).env("TERM", "dumb");
    // Nobody types; the end of the input would be an answer, so it stays open.
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let keys = child.stdin.take();
    let out = Out::of(child.wait_with_output().unwrap());
    drop(keys);
    // Where it has no way to our terminal, opening it fails at once; else the kernel stops it.
    let is_refused = out.stdout.contains("/dev/tty: No such device");
    assert!(is_refused || out.stdout.contains("`cat` waits at a terminal"), "{}", out.stdout);
}

#[test]
fn editors_and_pagers_wait_for_nobody() {
    let act = "git config user.name A; git config user.email a@b; echo x > $task.txt; git add .\n\
               { git commit; git log; sh -c '$EDITOR $task.txt'; env | grep -c -e ASKPASS= ; } >said 2>&1; echo done";
    let stage = stage("attempts = 1\nsilence = \"20s\"", act, &["a"]);
    stage.run(&[]).ok();
    let said = stage.file("flow/demo/a", "said").unwrap();
    assert!(said.contains("empty commit message") && said.ends_with("0\n"), "{said}");
}

#[test]
fn term_and_hang_up_stop_like_ctrl_c() {
    for signal in [Signal::TERM, Signal::HUP] {
        let stage = stage("", "echo half > $task.txt; touch \"$root/half\"; sleep 300", &["a"]);
        let mut run = stage.start_run();
        wait_for(|| stage.root().join("half").exists());
        // As a closed terminal does: to us, and to our group.
        for _ in 0..2 {
            kill_process(Pid::from_child(&run), signal).unwrap();
            thread::sleep(Duration::from_millis(30));
        }
        assert_eq!(run.wait().unwrap().code(), Some(130), "{signal:?}");
        assert_eq!(stage.file("flow/demo/a", "a.txt").unwrap(), "half\n", "{signal:?}");
    }
}

#[test]
fn a_second_ctrl_c_kills_at_once_and_the_next_run_finds_everything() {
    let act = "trap '' TERM INT; echo half > $task.txt; echo $$ > \"$root/agent\"\n\
               [ -f \"$root/go\" ] || while :; do sleep 1; done\necho done";
    let stage = stage("", act, &["a"]);
    let mut run = stage.start_run();
    wait_for(|| stage.root().join("agent").exists());
    let interrupt = |run: &Child| kill_process(Pid::from_child(run), Signal::INT).unwrap();
    interrupt(&run);
    thread::sleep(Duration::from_millis(600));
    let begin = Instant::now();
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    let agent = fs::read_to_string(stage.root().join("agent")).unwrap();
    wait_for(|| is_dead(agent.trim()));
    stage.beside("go", "");
    stage.run(&[]).ok().says("what an interrupted run left");
    assert_eq!(stage.file("flow/demo/result", "a.txt").unwrap(), "half\n");
}

#[test]
fn a_machine_without_memory_gets_no_more_work_while_some_runs() {
    let act = format!("touch \"$root/at.$task\"; while [ ! -f \"$root/go\" ]; do sleep 0.05; done\n{WRITE}");
    let stage = stage("parallel = 2", &act, &["a", "b"]);
    stage.git(&["config", "flow-ai.pressure", "true"]).ok();
    let machine = stage.root().join("machine/proc");
    fs::create_dir_all(&machine).unwrap();
    let memory =
        |left| fs::write(machine.join("meminfo"), format!("MemTotal: 8000000 kB\nMemAvailable: {left} kB\n"));
    memory(100_000).unwrap();
    let mut command = stage.command("git-flow-ai");
    command.env("GIT_FLOW_AI_TEST_MACHINE", stage.root().join("machine"));
    let log = fs::File::create(stage.root().join("log")).unwrap();
    let mut run = command.args(["run", "demo"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let said = || fs::read_to_string(stage.root().join("log")).unwrap();
    wait_for(|| stage.calls().len() == 1 && said().contains("97.7 MiB of 7.6 GiB of memory are left"));
    thread::sleep(Duration::from_secs(3));
    assert_eq!(stage.calls(), ["a 1"], "one works, whatever the machine is short of");
    memory(4_000_000).unwrap();
    wait_for(|| stage.calls().len() == 2);
    stage.beside("go", "");
    assert!(run.wait().unwrap().success());
    assert_eq!(said().matches("no more is started").count(), 1, "{}", said());
}
