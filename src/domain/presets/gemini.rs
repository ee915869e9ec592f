//! Google's Gemini CLI.
//!
//! It must not start itself again, or a signal reaches only the first of the two. Its `result` says
//! "success" after a refusal, and there is no text then.

use super::events::{event, number, text};
use super::{Call, Invocation, Listener, Preset, Reader};
use crate::agents::agent::Known;
use crate::agents::agent::fault;
use crate::agents::agent::observed::{End, Observed};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use crate::system::process::question::asks_person;
use std::process::ExitStatus;

pub const PRESET: Preset = Preset {
    known: Known {
        name: "gemini",
        program: "gemini",
        vendor: Some("google"),
        install: "npm install -g @google/gemini-cli",
    },
    prepare,
};

fn prepare(call: &Call, invocation: &mut Invocation) -> Result<Listener> {
    invocation.args(&["--skip-trust", "-o", "stream-json"]);
    invocation.args(&["--approval-mode", if call.edits() { "yolo" } else { "plan" }]);
    call.model(invocation, "-m");
    invocation.set("GEMINI_CLI_NO_RELAUNCH", "true");
    invocation.args.extend(call.config.args.iter().map(Into::into));
    Ok(Box::new(Gemini::default()))
}

#[derive(Debug, Default)]
struct Gemini {
    speaking: bool,
}

impl Reader for Gemini {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        let Some(event) = event(line, observed) else { return };
        let spoke = std::mem::take(&mut self.speaking);
        match text(&event, "/type") {
            "init" => observed.started(event["session_id"].as_str(), event["model"].as_str()),
            "tool_use" => observed.tool(text(&event, "/tool_name"), &event["parameters"]),
            "message" if text(&event, "/role") == "assistant" => {
                let said = text(&event, "/content");
                if spoke && event["delta"] == true {
                    observed.adds(said)
                } else {
                    observed.says(said)
                }
                self.speaking = true;
            }
            "error" => observed.retries(text(&event, "/message")),
            "result" => {
                observed.used(Usage {
                    input_tokens: number(&event, "/stats/input_tokens"),
                    output_tokens: number(&event, "/stats/output_tokens"),
                    cost: None,
                });
                observed.end = Some(if text(&event, "/status") == "success" {
                    End::Well
                } else {
                    let why = text(&event, "/error/message");
                    let why =
                        if why.is_empty() { observed.fault.as_deref().unwrap_or_default() } else { why };
                    End::Badly(if why.is_empty() { "it says that it failed".into() } else { why.to_owned() })
                });
            }
            _ => {}
        }
    }

    /// Its retries are told on standard error only.
    fn error_line(&mut self, line: &str, observed: &mut Observed) {
        observed.aside(line);
        if asks_person(line) {
            observed.waits(line);
        } else if line.starts_with("Attempt ") && line.contains("failed") {
            if fault::is_limit(line) {
                observed.limited_by(line);
            } else {
                observed.retries(line);
            }
        }
    }

    fn ended(&mut self, status: ExitStatus, observed: &mut Observed) {
        // 41: its own status for a missing login.
        if observed.end.is_none() && status.code() == Some(41) {
            let said = observed.asides.last().cloned().unwrap_or_default();
            observed.end = Some(End::Badly(format!("no login: {said} (authentication)")));
        }
    }
}
