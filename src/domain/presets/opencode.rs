//! opencode.
//!
//! It believes `PWD` and not where it is, and quotes a prompt that is an argument anew. Its plan agent
//! writes through the shell, so reading only needs permissions of its own. It meets a context that is
//! too long with a loop without end, which the watchdog ends.

use super::events::{event, number, text};
use super::{Call, Invocation, Listener, Preset, Reader};
use crate::agents::agent::Known;
use crate::agents::agent::observed::{End, Observed};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use serde_json::Value;

pub const PRESET: Preset = Preset {
    known: Known {
        name: "opencode",
        program: "opencode",
        vendor: None,
        install: "npm install -g opencode-ai",
    },
    prepare,
};

fn prepare(call: &Call, invocation: &mut Invocation) -> Result<Listener> {
    invocation.args(&["run", "--format", "json", "--dir"]);
    invocation.args.push(call.job.scope.dir.clone().into_os_string());
    if call.edits() {
        invocation.args(&["--auto"]);
    } else {
        invocation.args(&["--agent", "plan"]);
        invocation.set("OPENCODE_PERMISSION", r#"{"edit":"deny","bash":"deny","webfetch":"deny"}"#);
    }
    call.model(invocation, "-m");
    call.default_to(invocation, "OPENCODE_DISABLE_AUTOUPDATE", "1");
    call.default_to(invocation, "OPENCODE_DISABLE_LSP_DOWNLOAD", "1");
    invocation.args.extend(call.config.args.iter().map(Into::into));
    Ok(Box::new(OpenCode::default()))
}

#[derive(Debug, Default)]
struct OpenCode {
    used: Usage,
    begun: bool,
}

impl Reader for OpenCode {
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
                observed.end = Some(End::Badly(match (why, status) {
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
        if !matches!(observed.end, Some(End::Badly(_))) {
            observed.end = match text(part, "/reason") {
                "stop" => Some(End::Well),
                "tool-calls" => None,
                "content-filter" => Some(End::Refused("the content filter stopped it".into())),
                other => Some(End::Badly(format!("its last step ended with `{other}`"))),
            };
        }
    }
}
