//! opencode.
//!
//! It believes `PWD` and not where it is, and quotes a prompt that is an argument anew. Its plan agent
//! writes through the shell, so reading only needs permissions of its own. It meets a context that is
//! too long with a loop without end, which the watchdog ends.

use super::events::{event, number, text};
use super::home::{instructions, json, login};
use super::{
    AgentHome, Call, EventReader, FinalEvent, Invocation, Observed, Phrases, Preset, Reading, Tested,
    as_found,
};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use serde_json::Value;

pub const PRESET: Preset = Preset {
    name: "opencode",
    is_coined: true,
    program: "opencode",
    vendor: None,
    install: "npm install -g opencode-ai",
    tested: Tested::Always,
    addresses: &["noreply@opencode.ai"],
    name_suffix: None,
    home: AgentHome {
        files: &[
            login(".local/share/opencode/auth.json"),
            json(".config/opencode/opencode.json", SETTINGS),
            json(".config/opencode/opencode.jsonc", SETTINGS),
            json(".config/opencode/config.json", SETTINGS),
            instructions(".config/opencode/AGENTS.md"),
        ],
        seed: None,
        moved: None,
        renewal: None,
    },
    env: &["OPENCODE_*", "*_API_KEY", "*_BASE_URL"],
    marks: &[],
    phrases: Phrases::NONE,
    direct: as_found,
    needs_folder: false,
    reading: Reading::Files,
    instructions: &[".opencode", "opencode.json", "opencode.jsonc"],
    report: None,
    invoke,
    reader: |_| Box::new(OpenCode::default()),
};

/// The settings that are not code.
const SETTINGS: &[&str] =
    &["provider", "model", "small_model", "disabled_providers", "enabled_providers", "autoupdate", "share"];

fn invoke(call: &Call, invocation: &mut Invocation) -> Result<()> {
    invocation.args(&["run", "--format", "json", "--dir"]);
    invocation.args.push(call.dir.as_os_str().to_owned());
    if call.edits() {
        invocation.args(&["--auto"]);
    } else {
        invocation.args(&["--agent", "plan"]);
        invocation.set(
            "OPENCODE_PERMISSION",
            r#"{"edit":"deny","bash":"deny","webfetch":"deny","task":"deny","skill":"deny"}"#,
        );
        invocation.set("OPENCODE_DISABLE_PROJECT_CONFIG", "1");
        invocation.set("OPENCODE_DISABLE_CLAUDE_CODE", "1");
    }
    invocation.model(call, "-m");
    invocation.default_to(call, "OPENCODE_DISABLE_AUTOUPDATE", "1");
    invocation.default_to(call, "OPENCODE_DISABLE_LSP_DOWNLOAD", "1");
    invocation.config_args(call);
    Ok(())
}

#[derive(Debug, Default)]
struct OpenCode {
    used: Usage,
    begun: bool,
}

impl EventReader for OpenCode {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        let Some(event) = event(line, observed) else { return };
        if !self.begun && event["sessionID"].is_string() {
            self.begun = true;
            observed.started(event["sessionID"].as_str(), None);
        }
        match text(&event, "/type") {
            "tool_use" => observed.tool(text(&event, "/part/tool"), &event["part"]["state"]["input"]),
            "text" => observed.says(text(&event, "/part/text")),
            "step_finish" => self.step(&event, observed),
            "error" => {
                let name = text(&event, "/error/name");
                let why = text(&event, "/error/data/message");
                let status = number(&event, "/error/data/statusCode");
                observed.final_event = Some(FinalEvent::Failed(match (why, status) {
                    ("", _) => name.to_owned(),
                    (why, 0) => format!("{why} ({name})"),
                    (why, status) => format!("{why} ({name}, status {status})"),
                }));
            }
            _ => {}
        }
    }
}

impl OpenCode {
    fn step(&mut self, event: &Value, observed: &mut Observed) {
        let part = &event["part"];
        self.used = self.used.plus(Usage {
            input_tokens: number(part, "/tokens/input")
                + number(part, "/tokens/cache/read")
                + number(part, "/tokens/cache/write"),
            output_tokens: number(part, "/tokens/output") + number(part, "/tokens/reasoning"),
            cost: part["cost"].as_f64(),
        });
        observed.used(self.used);
        // An error stands: what comes after it is only the end of the step.
        if !matches!(observed.final_event, Some(FinalEvent::Failed(_))) {
            match text(part, "/reason") {
                "stop" => observed.ends(FinalEvent::Answered),
                "tool-calls" => observed.final_event = None,
                "content-filter" => {
                    observed.ends(FinalEvent::Refused("the content filter stopped it".into()))
                }
                other => observed.ends(FinalEvent::Failed(format!("its last step ended with `{other}`"))),
            }
        }
    }
}
