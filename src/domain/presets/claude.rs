//! Claude Code.
//!
//! Its last event tells the truth in `is_error`; `subtype` stays "success" on errors, and after an
//! interrupt there is no last event and the exit status is 0. Skipping permissions as root needs
//! `IS_SANDBOX`. Left alone, it tries ten times for minutes, and waits for a silent server for ever.

use super::events::{anthropic_usage, event, number, text};
use super::home::{Expiry, Renewal, instructions, json, login};
use super::{
    AgentHome, Call, EventReader, FinalEvent, Invocation, Mode, Moved, Observed, Phrases, Preset, Reading,
    Tested, Wait, as_found,
};
use crate::domain::error::Result;
use crate::domain::event::{LimitKind, Usage};
use jiff::Timestamp;
use serde_json::Value;

pub const PRESET: Preset = Preset {
    name: "claude",
    is_coined: false,
    program: "claude",
    vendor: Some("anthropic"),
    install: "npm install -g @anthropic-ai/claude-code (Node 22 or newer)",
    tested: Tested::Always,
    addresses: &[
        "noreply@anthropic.com",
        "claude[bot]@users.noreply.github.com",
        "claude-code[bot]@users.noreply.github.com",
    ],
    name_suffix: None,
    home: AgentHome {
        files: &[
            login(".claude/.credentials.json"),
            json(
                ".claude.json",
                &[
                    "oauthAccount",
                    "userID",
                    "primaryApiKey",
                    "customApiKeyResponses",
                    "hasCompletedOnboarding",
                ],
            ),
            json(
                ".claude/settings.json",
                &[
                    "env",
                    "model",
                    "effortLevel",
                    "alwaysThinkingEnabled",
                    "language",
                    "attribution",
                    "includeCoAuthoredBy",
                    "forceLoginMethod",
                    "forceLoginOrgUUID",
                ],
            ),
            instructions(".claude/CLAUDE.md"),
        ],
        seed: None,
        moved: Some(Moved { folder: ".claude", variable: "CLAUDE_CONFIG_DIR" }),
        renewal: Some(Renewal {
            login: ".claude/.credentials.json",
            expiry: Expiry::Milliseconds("/claudeAiOauth/expiresAt"),
            keys: &[
                "ANTHROPIC_API_KEY",
                "ANTHROPIC_AUTH_TOKEN",
                "CLAUDE_CODE_OAUTH_TOKEN",
                "CLAUDE_CODE_USE_BEDROCK",
                "CLAUDE_CODE_USE_VERTEX",
            ],
        }),
    },
    env: &["ANTHROPIC_*", "CLAUDE_*", "API_TIMEOUT_MS", "MAX_THINKING_TOKENS", "DISABLE_*"],
    marks: &["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT"],
    phrases: Phrases {
        limits: &[
            (LimitKind::Quota, "hit your limit"),
            (LimitKind::Quota, "session limit"),
            (LimitKind::Quota, "hour limit"),
            (LimitKind::Quota, "weekly limit"),
        ],
        logins: &["/login"],
        refusals: &["usage policy"],
        questions: &["please run /login"],
    },
    direct: as_found,
    needs_folder: false,
    reading: Reading::Files,
    instructions: &["CLAUDE.md", "CLAUDE.local.md", ".claude", ".mcp.json"],
    report: None,
    invoke,
    reader: |mode| Box::new(Claude::new(mode)),
};

/// How many answers of the model a review may take.
const TURNS: &str = "60";

/// How often it may repeat a request; with its own waits between, this takes about a minute.
const RETRIES: &str = "5";

fn invoke(call: &Call, invocation: &mut Invocation) -> Result<()> {
    invocation.args(&["-p", "--output-format", "stream-json", "--verbose"]);
    if call.edits() {
        invocation.args(&["--dangerously-skip-permissions"]);
        if call.is_root {
            invocation.set("IS_SANDBOX", "1");
        }
    } else {
        invocation.args(&["--tools", "Read,Grep,Glob", "--permission-mode", "dontAsk", "--max-turns", TURNS]);
        // No servers, hooks, plugins or rules. In a home of its own its settings are where its provider is.
        let sources = if call.has_own_home { "user" } else { "" };
        invocation.args(&["--strict-mcp-config", "--disable-slash-commands", "--setting-sources", sources]);
        if let Some(schema) = call.schema {
            invocation.args(&["--json-schema", &schema.to_string()]);
        }
    }
    invocation.model(call, "--model");
    for switch in [
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_AUTOUPDATER",
        "DISABLE_TELEMETRY",
        "DISABLE_ERROR_REPORTING",
    ] {
        invocation.default_to(call, switch, "1");
    }
    invocation.default_to(call, "CLAUDE_CODE_MAX_RETRIES", RETRIES);
    invocation.default_to(call, "API_TIMEOUT_MS", call.silence.as_millis().to_string());
    invocation.config_args(call);
    Ok(())
}

/// The reader of its `stream-json`, which others have taken over.
#[derive(Debug, Default)]
pub struct Claude {
    edits: bool,
    message: String,
    of_message: Usage,
    before: Usage,
}

impl EventReader for Claude {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        if let Some(event) = event(line, observed) {
            self.event(&event, observed);
        }
    }
}

impl Claude {
    /// The reader for a tool that edits, or one that only reads.
    pub fn new(mode: Mode) -> Claude {
        Claude { edits: mode == Mode::Edit, ..Claude::default() }
    }

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
        observed.ends(self.final_event(event, said, observed.fault.as_deref()));
        let output = event.get("structured_output").filter(|output| !output.is_null());
        observed.answers(output.map_or_else(|| said.to_owned(), ToString::to_string));
    }

    /// How it ended, by its last event.
    fn final_event(&self, event: &Value, said: &str, fault: Option<&str>) -> FinalEvent {
        let subtype = text(event, "/subtype");
        let failed = event["is_error"] == true || subtype.starts_with("error");
        if event["stop_reason"] == "refusal" {
            return FinalEvent::Refused(if said.is_empty() { "it refused".into() } else { said.into() });
        }
        if !failed && is_notice_of_limit(said) {
            return FinalEvent::Failed(said.to_owned());
        }
        if !failed {
            return self.question(event).map_or(FinalEvent::Answered, FinalEvent::Waiting);
        }
        let why = [said, text(event, "/error/message"), fault.unwrap_or_default(), subtype];
        let why =
            why.into_iter().find(|why| !matches!(*why, "" | "success")).unwrap_or("it says that it failed");
        match number(event, "/api_error_status") {
            0 => FinalEvent::Failed(why.to_owned()),
            status => FinalEvent::Failed(format!("{why} (status {status})")),
        }
    }

    /// A question to the user that was not answered. Other refused tools it worked around.
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
    let seconds = number(event, "/retry_delay_ms").div_ceil(1000);
    observed.retries_after(Some(Wait::Seconds(seconds)), &why);
}

/// What a subscription's limits say; it comes when all is well, too.
fn limit(event: &Value, observed: &mut Observed) {
    let info = &event["rate_limit_info"];
    if info["status"] == "rejected" {
        observed.resets = info["resetsAt"].as_i64().and_then(|at| Timestamp::from_second(at).ok());
        let window = text(info, "/rateLimitType").replace('_', " ");
        let why = format!("usage limit reached {window}");
        observed.retries_after(observed.resets.map(Wait::Until), why.trim_end());
    }
}
