//! Claude Code.
//!
//! Its last event tells the truth in `is_error`; `subtype` stays "success" on errors, and after an
//! interrupt there is no last event and the exit status is 0. Skipping permissions as root needs
//! `IS_SANDBOX`. Left alone, it tries ten times for minutes, and waits for a silent server for ever.

use super::events::{anthropic_usage, event, number, text};
use super::{Call, Invocation, Listener, Preset, Reader};
use crate::agents::agent::Known;
use crate::agents::agent::fault;
use crate::agents::agent::observed::{End, Observed};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use jiff::Timestamp;
use serde_json::Value;

pub const PRESET: Preset = Preset {
    known: Known {
        name: "claude",
        program: "claude",
        vendor: Some("anthropic"),
        install: "npm install -g @anthropic-ai/claude-code (Node 22 or newer)",
    },
    prepare,
};

/// How often it may repeat a request; with its own waits between, this takes about a minute.
const RETRIES: &str = "5";

fn prepare(call: &Call, invocation: &mut Invocation) -> Result<Listener> {
    invocation.args(&["-p", "--output-format", "stream-json", "--verbose"]);
    if call.edits() {
        invocation.args(&["--dangerously-skip-permissions"]);
        if rustix::process::geteuid().is_root() {
            invocation.set("IS_SANDBOX", "1");
        }
    } else {
        invocation.args(&["--tools", "Read,Grep,Glob", "--permission-mode", "dontAsk"]);
        if let Some(schema) = &call.job.schema {
            invocation.args(&["--json-schema", &schema.to_string()]);
        }
    }
    call.model(invocation, "--model");
    for switch in [
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_AUTOUPDATER",
        "DISABLE_TELEMETRY",
        "DISABLE_ERROR_REPORTING",
    ] {
        call.default_to(invocation, switch, "1");
    }
    call.default_to(invocation, "CLAUDE_CODE_MAX_RETRIES", RETRIES);
    call.default_to(invocation, "API_TIMEOUT_MS", call.job.silence.as_millis().to_string());
    invocation.args.extend(call.config.args.iter().map(Into::into));
    Ok(Box::new(Claude { edits: call.edits(), ..Claude::default() }))
}

/// The reader of its `stream-json`, which others have taken over.
#[derive(Debug, Default)]
pub struct Claude {
    edits: bool,
    message: String,
    of_message: Usage,
    before: Usage,
}

impl Reader for Claude {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        if let Some(event) = event(line, observed) {
            self.event(&event, observed);
        }
    }
}

impl Claude {
    /// One event.
    pub fn event(&mut self, event: &Value, observed: &mut Observed) {
        match (text(event, "/type"), text(event, "/subtype")) {
            ("system", "init") => {
                observed.started(event["session_id"].as_str(), event["model"].as_str());
            }
            ("system", "api_retry") => retry(event, observed),
            ("rate_limit_event", _) => limit(event, observed),
            ("assistant", _) => self.message(event, observed),
            ("result", _) => self.result(event, observed),
            _ => {}
        }
    }

    fn message(&mut self, event: &Value, observed: &mut Observed) {
        for block in event.pointer("/message/content").and_then(Value::as_array).into_iter().flatten() {
            match text(block, "/type") {
                "text" => observed.says(text(block, "/text")),
                "tool_use" => observed.tool(text(block, "/name"), &block["input"]),
                _ => {}
            }
        }
        if let Some(usage) = event.pointer("/message/usage") {
            // One message comes in several events, each with what was used for it so far.
            let id = text(event, "/message/id");
            if id != self.message || id.is_empty() {
                self.before = self.before.plus(self.of_message);
                id.clone_into(&mut self.message);
            }
            self.of_message = anthropic_usage(usage);
            observed.used(self.before.plus(self.of_message));
        }
    }

    fn result(&self, event: &Value, observed: &mut Observed) {
        if let Some(usage) = event.get("usage") {
            let cost = event["total_cost_usd"].as_f64();
            observed.used(Usage { cost, ..anthropic_usage(usage) });
        }
        if let Some(session) = event["session_id"].as_str() {
            observed.session = Some(session.to_owned());
        }
        let said = text(event, "/result");
        observed.end = Some(self.end(event, said, observed.fault.as_deref()));
        match event.get("structured_output").filter(|output| !output.is_null()) {
            Some(output) => observed.text = output.to_string(),
            None => said.clone_into(&mut observed.text),
        }
    }

    /// How it ended, by its last event.
    fn end(&self, event: &Value, said: &str, fault: Option<&str>) -> End {
        let subtype = text(event, "/subtype");
        let failed = event["is_error"] == true || subtype.starts_with("error");
        if event["stop_reason"] == "refusal" {
            return End::Refused(if said.is_empty() { "it refused".into() } else { said.into() });
        }
        if !failed && is_notice_of_limit(said) {
            return End::Badly(said.to_owned());
        }
        if !failed {
            return self.question(event).map_or(End::Well, End::Waiting);
        }
        let why = [said, text(event, "/error/message"), fault.unwrap_or_default(), subtype];
        let why =
            why.into_iter().find(|why| !matches!(*why, "" | "success")).unwrap_or("it says that it failed");
        match number(event, "/api_error_status") {
            0 => End::Badly(why.to_owned()),
            status => End::Badly(format!("{why} (status {status})")),
        }
    }

    /// A question to the person that nobody answered. Other refused tools it worked around.
    fn question(&self, event: &Value) -> Option<String> {
        let denied = event["permission_denials"].as_array()?;
        let asked =
            denied.iter().find(|denial| denial["tool_name"] == "AskUserQuestion").filter(|_| self.edits)?;
        let question = text(asked, "/tool_input/questions/0/question");
        Some(if question.is_empty() { "it asks a question".into() } else { question.to_owned() })
    }
}

/// Some versions end well with nothing but the notice of a limit for an answer.
fn is_notice_of_limit(said: &str) -> bool {
    const NOTICES: &[&str] = &["Claude AI usage limit reached", "You've hit your ", "5-hour limit reached"];
    said.trim().lines().count() == 1 && NOTICES.iter().any(|notice| said.starts_with(notice))
}

fn retry(event: &Value, observed: &mut Observed) {
    let status = number(event, "/error_status");
    let why = format!("{} (status {status})", text(event, "/error"));
    if fault::is_limit(&why) {
        observed.limited(Some(number(event, "/retry_delay_ms").div_ceil(1000)), &why);
    } else {
        observed.retries(&why);
    }
}

/// What a subscription's limits say; it comes when all is well, too.
fn limit(event: &Value, observed: &mut Observed) {
    let info = &event["rate_limit_info"];
    if info["status"] == "rejected" {
        observed.resets = info["resetsAt"].as_i64().and_then(|at| Timestamp::from_second(at).ok());
        let left = observed.resets.map(|at| at.duration_since(Timestamp::now()).as_secs());
        let window = text(info, "/rateLimitType").replace('_', " ");
        let why = format!("usage limit reached {window}");
        observed.limited(left.and_then(|seconds| u64::try_from(seconds).ok()), why.trim_end());
    }
}
