//! What the presets make of their tools' event streams, and how they start them.
//!
//! The tools are scripts on the PATH that print what the real ones were seen to print. The real ones
//! are run by the compatibility step.

use crate::support::Place;
use git_flow_ai::agents::cli::{Agent, AgentReport, Ending, Job, Mode};
use git_flow_ai::agents::sandbox::{Sandbox, Scope};
use git_flow_ai::domain::config::AgentConfig;
use git_flow_ai::domain::event::{Activity, LimitKind};
use git_flow_ai::domain::presets::{self, Preset, Tested};
use git_flow_ai::system::process::stop::Stop;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One run of a preset whose tool prints that.
struct Played {
    place: Place,
    report: AgentReport,
    activities: Vec<Activity>,
}

/// A tool that prints these lines on standard output, those on standard error, and exits so.
fn play(preset: &str, mode: Mode, out: &str, err: &str, status: i32) -> Played {
    play_script(preset, mode, &format!("cat <<'END'\n{out}\nEND\ncat >&2 <<'END'\n{err}\nEND\nexit {status}"))
}

/// A tool that is that script; what it was given lies in the folder around the repository.
fn play_script(preset: &str, mode: Mode, body: &str) -> Played {
    let place = Place::empty();
    let root = place.root().display().to_string();
    let program = Preset::find(preset).unwrap().program;
    place.script(
        program,
        &format!(
            "cat >{root}/prompt; for a; do printf '%s\\n' \"$a\"; done >{root}/args; env >{root}/env\n{body}"
        ),
    );
    let mut config = AgentConfig {
        preset: Some(preset.into()),
        model: Some("claude-sonnet-5".into()),
        args: vec!["--of-the-config".into()],
        ..AgentConfig::default()
    };
    config.env.insert("PATH".into(), format!("{root}/bin:{}", std::env::var("PATH").unwrap()));
    config.env.insert("HOME".into(), format!("{root}/home"));
    let job = Job {
        prompt: "Do it, \"all\" of it.".into(),
        scope: Scope { dir: place.repo().canonicalize().unwrap(), edits: true, ..Scope::default() },
        sandbox: Sandbox::none(),
        mode,
        env: Vec::new(),
        transcript: None,
        timeout: Duration::from_secs(60),
        silence: Duration::from_secs(30),
        schema: Some(serde_json::json!({"type": "object"})),
    };
    let agent = Agent::new(preset, &config).unwrap();
    let (_stopper, stop) = Stop::pair();
    let mut activities = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(agent.run(&job, &stop, |activity| activities.push(activity))).unwrap();
    Played { place, report, activities }
}

impl Played {
    fn told(&self, name: &str) -> String {
        fs::read_to_string(self.place.root().join(name)).unwrap()
    }

    fn args(&self) -> Vec<String> {
        self.told("args").lines().map(str::to_owned).collect()
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.told("env").lines().any(|line| line == format!("{name}={value}"))
    }

    fn tools(&self) -> Vec<(&str, &str)> {
        let tools = self.activities.iter().filter_map(|activity| match activity {
            Activity::Tool { name, detail } => Some((name.as_str(), detail.as_str())),
            _ => None,
        });
        tools.collect()
    }

    #[track_caller]
    fn done(&self, text: &str, session: &str, tokens: (u64, u64)) {
        assert_eq!(self.report.ending, Ending::Done);
        assert_eq!(self.report.text.trim(), text);
        assert_eq!(self.report.session.as_deref().unwrap_or_default(), session);
        assert_eq!((self.report.usage.input_tokens, self.report.usage.output_tokens), tokens);
    }

    #[track_caller]
    fn failed(&self, why: &str) {
        assert!(
            matches!(&self.report.ending, Ending::Failed(said) if said.contains(why)),
            "{:?}",
            self.report
        );
    }

    #[track_caller]
    fn refused(&self) {
        assert!(matches!(&self.report.ending, Ending::Refused(_)), "{:?}", self.report);
    }
}

const CLAUDE: &str = r#"{"type":"system","subtype":"init","cwd":"/w","session_id":"s1","model":"claude-sonnet-5","permissionMode":"bypassPermissions"}
{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"I write."},{"type":"tool_use","name":"Write","input":{"file_path":"hello.txt","content":"x"}}],"usage":{"input_tokens":10,"cache_read_input_tokens":990,"output_tokens":50}},"session_id":"s1"}
{"type":"user","message":{"content":[{"type":"tool_result","content":"File created successfully at: hello.txt"}]}}
{"type":"assistant","message":{"id":"m2","content":[{"type":"text","text":"Done."}],"usage":{"input_tokens":1000,"output_tokens":50}},"session_id":"s1"}
"#;

fn claude_result(rest: &str) -> String {
    format!(r#"{CLAUDE}{{"type":"result","subtype":"success","session_id":"s1",{rest}}}"#)
}

#[test]
fn claude_is_done_when_its_last_event_says_so() {
    let result = claude_result(
        r#""is_error":false,"result":"Done.","total_cost_usd":0.01,"usage":{"input_tokens":1010,"cache_read_input_tokens":990,"output_tokens":100},"permission_denials":[]"#,
    );
    let played = play("claude", Mode::Edit, &result, "", 0);
    played.done("Done.", "s1", (2000, 100));
    assert_eq!(played.report.usage.cost, Some(0.01));
    assert_eq!(played.report.model.as_deref(), Some("claude-sonnet-5"));
    assert_eq!(played.tools(), [("Write", "hello.txt")]);
    assert_eq!(played.told("prompt"), "Do it, \"all\" of it.");
    let args = played.args();
    assert!(
        args.contains(&"--dangerously-skip-permissions".into())
            && args.ends_with(&["--of-the-config".into()])
    );
    assert!(played.has("DISABLE_AUTOUPDATER", "1") && played.has("API_TIMEOUT_MS", "30000"));
    assert_eq!(
        played.has("IS_SANDBOX", "1"),
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
    );
}

#[test]
fn claude_reviews_with_reading_tools_and_answers_in_the_schema() {
    let result =
        claude_result(r#""is_error":false,"result":"It is fine.","structured_output":{"verdict":"APPROVE"}"#);
    let played = play("claude", Mode::Review, &result, "", 0);
    assert_eq!(played.report.text, r#"{"verdict":"APPROVE"}"#);
    let args = played.args();
    assert!(args.windows(2).any(|pair| pair == ["--tools", "Read,Grep,Glob"]));
    assert!(args.windows(2).any(|pair| pair == ["--json-schema", r#"{"type":"object"}"#]));
    assert!(!args.contains(&"--dangerously-skip-permissions".into()));
}

#[test]
fn claude_is_not_done_without_its_last_event_though_it_exits_0() {
    play("claude", Mode::Edit, CLAUDE, "", 0).failed("without saying that it is done");
}

#[test]
fn claude_failed_when_its_last_event_is_an_error_though_it_says_success() {
    let result =
        claude_result(r#""is_error":true,"result":"Prompt is too long","terminal_reason":"context""#);
    play("claude", Mode::Edit, &result, "", 1).failed("Prompt is too long");
    let result = claude_result(
        r#""is_error":true,"result":"Invalid API key · Please run /login","api_error_status":401"#,
    );
    play("claude", Mode::Edit, &result, "", 1).failed("not logged in");
    let result = claude_result(
        r#""is_error":true,"stop_reason":"refusal","result":"API Error: it violates the policy""#,
    );
    play("claude", Mode::Edit, &result, "", 1).refused();
    play("claude", Mode::Edit, &claude_result(r#""is_error":false,"result":"""#), "", 0).refused();
}

/// The Unix time in so many seconds.
fn in_seconds(seconds: i64) -> String {
    (jiff::Timestamp::now().as_second() + seconds).to_string()
}

#[test]
fn claude_tells_its_limits() {
    let retry = r#"{"type":"system","subtype":"api_retry","attempt":7,"max_retries":10,"retry_delay_ms":3916,"error_status":429,"error":"rate_limit"}"#;
    let last = claude_result(
        r#""is_error":true,"result":"API Error: Request rejected (429)","api_error_status":429"#,
    );
    let played = play("claude", Mode::Edit, &format!("{retry}\n{last}"), "", 1);
    played.limited(None);
    assert!(
        played
            .activities
            .contains(&Activity::RateLimited { seconds: Some(4), limit: Some(LimitKind::Requests) })
    );
    // One that lasts longer than the job may take is not waited for.
    let retry = retry.replace("3916", "3916000");
    let played = play_script("claude", Mode::Edit, &format!("echo '{retry}'; sleep 300"));
    played.limited(Some(3916));
    // When it passes, an earlier event may have told.
    let event = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","rateLimitType":"five_hour","resetsAt":4000000000}}"#;
    let played = play(
        "claude",
        Mode::Edit,
        &format!("{}\n{last}", event.replace("4000000000", &in_seconds(60))),
        "",
        1,
    );
    let Ending::RateLimited(limit) = &played.report.ending else { panic!("{:?}", played.report) };
    assert!(limit.seconds.is_some_and(|seconds| (30..=61).contains(&seconds)), "{limit:?}");
    // Some versions call it a good end.
    let notice = format!("Claude AI usage limit reached|{}", in_seconds(7200));
    let notice = claude_result(&format!(r#""is_error":false,"result":"{notice}""#));
    let played = play("claude", Mode::Edit, &notice, "", 0);
    let Ending::RateLimited(limit) = &played.report.ending else { panic!("{:?}", played.report) };
    assert_eq!(limit.kind, LimitKind::Quota);
    assert!(limit.seconds.is_some_and(|seconds| (7100..=7201).contains(&seconds)), "{limit:?}");
    // One that it got over is forgotten.
    let last = claude_result(r#""is_error":false,"result":"Done.""#);
    let retry = retry.replace("3916000", "39");
    assert_eq!(play("claude", Mode::Edit, &format!("{retry}\n{last}"), "", 0).report.ending, Ending::Done);
}

#[test]
fn a_question_to_a_person_is_no_work_done() {
    let asked = claude_result(
        r#""is_error":false,"result":"I need to know.","permission_denials":[{"tool_name":"AskUserQuestion","tool_input":{"questions":[{"question":"Which colour?"}]}}]"#,
    );
    let played = play("claude", Mode::Edit, &asked, "", 0);
    assert_eq!(played.report.ending, Ending::WaitingForPerson("Which colour?".into()));
    let other =
        claude_result(r#""is_error":false,"result":"Done.","permission_denials":[{"tool_name":"WebFetch"}]"#);
    assert_eq!(play("claude", Mode::Edit, &other, "", 0).report.ending, Ending::Done);
    let login = play_script(
        "gemini",
        Mode::Edit,
        "echo 'Please visit the following URL to authorize: https://x'; sleep 300",
    );
    assert!(matches!(login.report.ending, Ending::WaitingForPerson(_)), "{:?}", login.report);
}

#[test]
fn codex_is_done_when_its_turn_is_and_it_said_something() {
    let out = r#"{"type":"thread.started","thread_id":"t1"}
{"type":"turn.started"}
{"type":"item.started","item":{"id":"item_0","type":"command_execution","command":"/bin/bash -lc 'ls'","status":"in_progress"}}
{"type":"item.completed","item":{"id":"item_0","type":"command_execution","command":"/bin/bash -lc 'ls'","aggregated_output":"","exit_code":0,"status":"completed"}}
{"type":"item.completed","item":{"type":"file_change","changes":[{"path":"/w/p.txt","kind":"add"}],"status":"completed"}}
{"type":"item.completed","item":{"type":"agent_message","text":"Done"}}
{"type":"turn.completed","usage":{"input_tokens":2000,"cached_input_tokens":0,"output_tokens":100}}"#;
    let played = play("codex", Mode::Edit, out, "", 0);
    played.done("Done", "t1", (2000, 100));
    assert_eq!(played.tools(), [("shell", "/bin/bash -lc 'ls'"), ("add", "/w/p.txt")]);
    let args = played.args();
    assert!(args.windows(2).any(|pair| pair == ["-s", "workspace-write"]));
    assert_eq!(args.last().map(String::as_str), Some("-"), "the prompt comes by standard input");
    let review = play("codex", Mode::Review, out, "", 0).args();
    assert!(review.windows(2).any(|pair| pair == ["-s", "read-only"]));
    assert!(review.contains(&"--skip-git-repo-check".into()));
}

#[test]
fn codex_has_refused_when_its_turn_is_complete_without_a_message() {
    let out = r#"{"type":"thread.started","thread_id":"t1"}
{"type":"turn.completed","usage":{"input_tokens":2000,"output_tokens":0}}"#;
    play("codex", Mode::Edit, out, "", 0).refused();
}

#[test]
fn codex_failed_when_its_turn_did() {
    let failed = |why: &str| {
        let out = format!(
            "{{\"type\":\"error\",\"message\":\"Reconnecting... 1/5 ({why})\"}}\n{{\"type\":\"turn.failed\",\"error\":{{\"message\":\"{why}\"}}}}"
        );
        play("codex", Mode::Edit, &out, "", 1)
    };
    failed("exceeded retry limit, last status: 429 Too Many Requests").limited(None);
    failed("You've hit your usage limit. Try again in 3 hours 2 minutes.").limited(Some(10_920));
    failed("unexpected status 401 Unauthorized: bad key").failed("not logged in");
    failed("stream disconnected before completion").failed("stream disconnected");
}

#[test]
fn codex_gets_another_temporary_folder_when_its_home_is_in_the_usual_one() {
    let place = Place::empty();
    // The tests' places are temporary, and so is this home.
    assert!(place.root().canonicalize().unwrap().starts_with(std::env::temp_dir().canonicalize().unwrap()));
    let played = play("codex", Mode::Edit, "{}", "", 0);
    let env = played.told("env");
    let tmp = env.lines().find_map(|line| line.strip_prefix("TMPDIR=")).expect("TMPDIR is set");
    assert!(!played.place.root().starts_with(Path::new(tmp)), "{tmp}");
}

const GEMINI: &str = r#"{"type":"init","session_id":"g1","model":"gemini-2.5-pro"}
{"type":"message","role":"user","content":"Do it"}
{"type":"message","role":"assistant","content":"I write.","delta":true}
{"type":"tool_use","tool_name":"write_file","tool_id":"1","parameters":{"file_path":"a.txt","content":"x"}}
{"type":"tool_result","tool_id":"1","status":"success"}"#;

#[test]
fn gemini_is_done_when_its_result_is_a_success_with_a_text() {
    let out = format!(
        "{GEMINI}\n{}",
        r#"{"type":"message","role":"assistant","content":"Do","delta":true}
{"type":"message","role":"assistant","content":"ne","delta":true}
{"type":"result","status":"success","stats":{"input_tokens":2000,"output_tokens":100,"tool_calls":1}}"#
    );
    let played = play("gemini", Mode::Edit, &out, "YOLO mode is enabled.", 0);
    played.done("Done", "g1", (2000, 100));
    assert_eq!(played.tools(), [("write_file", "a.txt")]);
    assert!(played.has("GEMINI_CLI_NO_RELAUNCH", "true"));
    assert!(played.args().windows(2).any(|pair| pair == ["--approval-mode", "yolo"]));
    assert!(
        play("gemini", Mode::Review, &out, "", 0)
            .args()
            .windows(2)
            .any(|pair| pair == ["--approval-mode", "plan"])
    );
}

#[test]
fn gemini_is_not_done_when_its_result_is_an_error_or_it_says_nothing() {
    let result = |rest: &str| format!("{GEMINI}\n{{\"type\":\"result\",{rest}}}");
    play("gemini", Mode::Edit, &result(r#""status":"success""#), "", 0).refused();
    play("gemini", Mode::Edit, &result(r#""status":"error","error":{"message":"cut off"}"#), "", 0)
        .failed("cut off");
    play("gemini", Mode::Edit, GEMINI, "", 0).failed("without saying");
    play("gemini", Mode::Edit, "", "Invalid auth method selected.", 41).failed("not logged in");
    let limit = "Attempt 1 failed with status 429. Retrying with backoff...";
    let played = play("gemini", Mode::Edit, "", limit, 1);
    played.limited(None);
}

#[test]
fn qwen_speaks_like_claude() {
    let out = claude_result(
        r#""is_error":false,"result":"Done.","usage":{"input_tokens":2000,"output_tokens":100}"#,
    );
    let played = play("qwen", Mode::Edit, &out, "", 0);
    played.done("Done.", "s1", (2000, 100));
    assert!(played.args().windows(2).any(|pair| pair == ["--approval-mode", "yolo"]));
    assert!(
        play("qwen", Mode::Review, &out, "", 0)
            .args()
            .windows(2)
            .any(|pair| pair == ["--approval-mode", "plan"])
    );
    let out = claude_result(r#""is_error":true,"result":"","error":{"message":"401 no such key"}"#);
    play("qwen", Mode::Edit, &out, "", 1).failed("not logged in");
}

#[test]
fn cursor_speaks_like_claude_but_for_its_tools() {
    let out = r#"{"type":"system","subtype":"init","session_id":"c1","model":"composer-1"}
{"type":"tool_call","subtype":"started","call_id":"1","tool_call":{"readToolCall":{"args":{"path":"src/main.rs"}}}}
{"type":"tool_call","subtype":"completed","call_id":"1","tool_call":{"readToolCall":{"result":{"success":{}}}}}
{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"Done."}]}}
{"type":"result","subtype":"success","is_error":false,"duration_ms":20,"result":"Done.","session_id":"c1"}"#;
    let played = play("cursor", Mode::Edit, out, "", 0);
    played.done("Done.", "c1", (0, 0));
    assert_eq!(played.tools(), [("read", "src/main.rs")]);
    assert!(played.args().contains(&"--force".into()));
    assert!(!play("cursor", Mode::Review, out, "", 0).args().contains(&"--force".into()));
}

#[test]
fn opencode_is_done_when_its_last_step_stops() {
    let step = |reason: &str| {
        format!(
            r#"{{"type":"step_finish","sessionID":"o1","part":{{"reason":"{reason}","tokens":{{"input":1000,"output":40,"reasoning":10,"cache":{{"read":0,"write":0}}}},"cost":0.001}}}}"#
        )
    };
    let tool = r#"{"type":"tool_use","sessionID":"o1","part":{"tool":"write","state":{"status":"completed","input":{"filePath":"/w/a.txt"}}}}"#;
    let text = r#"{"type":"text","sessionID":"o1","part":{"text":"Done"}}"#;
    let out = [tool, &step("tool-calls"), text, &step("stop")].join("\n");
    let played = play("opencode", Mode::Edit, &out, "", 0);
    played.done("Done", "o1", (2000, 100));
    assert_eq!(played.report.usage.cost, Some(0.002));
    assert_eq!(played.tools(), [("write", "/w/a.txt")]);
    let repo = played.place.repo().canonicalize().unwrap().display().to_string();
    assert!(played.args().windows(2).any(|pair| pair == ["--dir", repo.as_str()]), "it believes this");
    assert!(played.has("PWD", &repo), "and this");
    play("opencode", Mode::Edit, &[tool, &step("tool-calls")].join("\n"), "", 0).failed("without saying");
    play("opencode", Mode::Edit, &step("stop"), "", 0).refused();
    let error = r#"{"type":"error","sessionID":"o1","error":{"name":"APIError","data":{"message":"Too Many Requests","statusCode":429}}}"#;
    let played = play("opencode", Mode::Edit, &[text, error, &step("stop")].join("\n"), "", 1);
    played.limited(None);
    let review = play("opencode", Mode::Review, &out, "", 0);
    assert!(review.has(
        "OPENCODE_PERMISSION",
        r#"{"edit":"deny","bash":"deny","webfetch":"deny","task":"deny","skill":"deny"}"#
    ));
    assert!(!review.args().contains(&"--auto".into()));
}

#[test]
fn copilot_is_done_when_its_result_is_0_and_it_said_something() {
    let message = r#"{"type":"assistant.message","data":{"content":"Done","toolRequests":[]}}"#;
    let tool = r#"{"type":"assistant.message","data":{"content":"","toolRequests":[{"name":"create","arguments":{"path":"a.txt"}}]}}"#;
    let result = |code: i32| {
        format!(r#"{{"type":"result","sessionId":"p1","exitCode":{code},"usage":{{"codeChanges":{{}}}}}}"#)
    };
    let played = play("copilot", Mode::Edit, &[tool, message, &result(0)].join("\n"), "", 0);
    played.done("Done", "p1", (0, 0));
    assert_eq!(played.tools(), [("create", "a.txt")]);
    assert!(played.args().contains(&"--allow-all-tools".into()));
    play("copilot", Mode::Edit, &[tool, &result(0)].join("\n"), "", 0).refused();
    play("copilot", Mode::Edit, &[tool, message].join("\n"), "", 0).failed("without saying");
    let error = r#"{"type":"session.error","data":{"message":"401 Unauthorized"}}"#;
    play("copilot", Mode::Edit, &[error, &result(1)].join("\n"), "", 1).failed("not logged in");
    let review = play("copilot", Mode::Review, message, "", 0).args();
    assert!(review.contains(&"--available-tools=view,grep,glob".into()));
}

#[test]
fn aider_is_done_when_it_counted_tokens_and_met_no_fault_after() {
    // It writes its chat where it is told to.
    let script = |out: &str, answer: &str| {
        format!(
            r#"while [ $# -gt 0 ]; do [ "$1" = --chat-history-file ] && chat=$2; [ "$1" = --message-file ] && cat "$2" >"$(dirname "$0")/../message"; shift; done
cat >"$chat" <<'END'
# aider chat started at 2026-11-20
> Aider v0.86.2
#### Do it
{answer}
> Tokens: 2.1k sent, 107 received.
END
cat <<'END'
Aider v0.86.2
{out}
END"#
        )
    };
    let played = play_script(
        "aider",
        Mode::Edit,
        &script(
            "Done.\nTokens: 2.1k sent, 107 received. Cost: $0.01 message, $0.01 session.\nApplied edit to a.txt",
            "Done.\n",
        ),
    );
    played.done("Done.", "", (2100, 107));
    assert_eq!(played.report.usage.cost, Some(0.01));
    assert_eq!(played.tools(), [("edit", "a.txt")]);
    assert_eq!(played.told("message"), "Do it, \"all\" of it.");
    assert_eq!(played.told("prompt"), "", "nothing comes by standard input");
    let fault = |out: &str| play_script("aider", Mode::Edit, &script(out, ""));
    fault("litellm.AuthenticationError: AuthenticationError: 401").failed("not logged in");
    fault("litellm.RateLimitError: RateLimitError: slow down\nRetrying in 0.2 seconds...").failed_by_limit();
    fault("Tokens: 2.1k sent, 0 received.").refused();
    fault("nothing at all").failed("without saying");
}

impl Played {
    #[track_caller]
    fn limited(&self, seconds: Option<u64>) {
        assert!(
            matches!(&self.report.ending, Ending::RateLimited(limit) if limit.seconds == seconds),
            "{:?}",
            self.report
        );
    }

    #[track_caller]
    fn failed_by_limit(&self) {
        assert!(matches!(self.report.ending, Ending::RateLimited(_)), "{:?}", self.report);
    }
}

#[test]
fn no_preset_takes_garbage_or_silence_for_success() {
    for known in presets::ALL {
        let played = play(known.name, Mode::Edit, "{\"type\":\"result\"\n[]\n{}\n\u{1b}[2J", "warning: x", 0);
        assert_ne!(played.report.ending, Ending::Done, "{}", known.name);
        let played = play_script(known.name, Mode::Review, "printf '\\377\\376{\\000'");
        assert_ne!(played.report.ending, Ending::Done, "{}", known.name);
    }
}

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn no_list_of_presets_is_typed_by_hand() {
    // Names of models, which begin with the same words as those of tools.
    const EXCEPT: &str = "src/domain/change/model_names.rs";
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let path = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
        if path.starts_with("src/domain/presets/") || path == EXCEPT {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let has = |preset: &&Preset| code.split(|c| !is_name(c)).any(|word| word == preset.name);
        let named: Vec<&str> = presets::ALL.iter().filter(has).map(|preset| preset.name).collect();
        assert!(named.len() < 3, "{path} lists {named:?}: take them from presets::ALL");
        for name in named {
            assert!(!code.contains(&format!("\"{name}\"")), "{path} knows {name} by name");
        }
    }
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn the_readme_and_the_example_name_every_preset() {
    let mut rows: Vec<&Preset> = presets::ALL.iter().collect();
    rows.sort_by_key(|preset| preset.tested);
    let rows: String = rows
        .iter()
        .map(|preset| {
            let vendor = preset.vendor.map_or("its model's".to_owned(), |vendor| format!("`{vendor}`"));
            let tested = match preset.tested {
                Tested::Always => "with every change",
                Tested::OnRequest => "by `.ci/compat --all`",
                Tested::Never => "**never**: it follows the public documentation",
            };
            format!("| `{}` | {vendor} | {tested} |\n", preset.name)
        })
        .collect();
    let table = format!("|---|---|---|\n{rows}\n");
    assert!(text("README.md").contains(&table), "the README's table of presets is to be:\n{table}");
    let example = text(".zenflow-example/config.toml").replace("\n# ", " ");
    assert!(
        example.contains(&format!("({})", Preset::names())),
        "the example is to name {}",
        Preset::names()
    );
}

#[test]
fn every_preset_that_is_called_tested_is_installed_and_run() {
    let (tests, settings, install) =
        (text("tests/compat/main.rs"), text("tests/compat/settings.rs"), text(".ci/agents"));
    let list = tests.split("each!(@ $test; ").nth(1).unwrap().split(')').next().unwrap();
    let run: Vec<&str> = list.split(' ').collect();
    for Preset { name, program, tested, .. } in presets::ALL {
        let is_tested = *tested != Tested::Never;
        assert_eq!(run.contains(name), is_tested, "tests/compat/main.rs: {name}");
        assert_eq!(
            settings.contains(&format!("\"{name}\" => {{")),
            is_tested,
            "tests/compat/settings.rs: {name}"
        );
        assert_eq!(install.contains(&format!("bin/{program}")), is_tested, ".ci/agents: {name}");
    }
}

#[test]
fn no_two_presets_share_a_name_a_program_or_an_address() {
    let unique = |all: Vec<&str>| {
        let count = all.len();
        assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), count);
    };
    unique(presets::ALL.iter().map(|preset| preset.name).collect());
    unique(presets::ALL.iter().map(|preset| preset.program).collect());
    unique(presets::ALL.iter().flat_map(|preset| preset.addresses).copied().collect());
    for preset in presets::ALL {
        // Without them a sandboxed agent would have no login.
        assert!(!preset.home.files.is_empty(), "{}", preset.name);
        assert!(!preset.env.is_empty() && !preset.addresses.is_empty(), "{}", preset.name);
    }
}
