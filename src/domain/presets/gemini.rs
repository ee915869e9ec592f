//! Google's Gemini CLI.
//!
//! It must not start itself again, or a signal reaches only the first of the two. Its `result` says
//! "success" after a refusal, and there is no text then.

use super::events::{event, number, text};
use super::home::{Expiry, Renewal, instructions, json, login, plain};
use super::{
    AgentHome, Call, EventReader, FinalEvent, Invocation, Observed, Phrases, Preset, Reading, Tested,
    as_found,
};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use std::process::ExitStatus;

pub const PRESET: Preset = Preset {
    name: "gemini",
    is_coined: false,
    program: "gemini",
    vendor: Some("google"),
    install: "npm install -g @google/gemini-cli",
    tested: Tested::Always,
    addresses: &[
        "gemini-cli@google.com",
        "gemini-code-assist[bot]@users.noreply.github.com",
        "gemini-cli[bot]@users.noreply.github.com",
        "gemini-cli-robot@google.com",
    ],
    name_suffix: None,
    home: AgentHome {
        files: &[
            login(".gemini/oauth_creds.json"),
            plain(".gemini/google_accounts.json"),
            plain(".gemini/installation_id"),
            plain(".gemini/.env"),
            json(
                ".gemini/settings.json",
                &["security", "selectedAuthType", "model", "modelConfigs", "privacy"],
            ),
            instructions(".gemini/GEMINI.md"),
        ],
        seed: None,
        moved: None,
        renewal: Some(Renewal {
            login: ".gemini/oauth_creds.json",
            expiry: Expiry::Milliseconds("/expiry_date"),
            keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        }),
    },
    env: &["GEMINI_*", "GOOGLE_*"],
    marks: &[],
    phrases: Phrases {
        logins: &["invalid auth method", "set an auth method"],
        questions: &[
            "please visit the following url",
            "enter the authorization code",
            "opening authentication page",
            "waiting for authentication",
        ],
        ..Phrases::NONE
    },
    direct: as_found,
    needs_folder: true,
    reading: Reading::Files,
    instructions: &["GEMINI.md", ".gemini", ".geminiignore"],
    report: None,
    invoke,
    reader: |_| Box::new(Gemini::default()),
};

/// What no other settings change in a review: nothing that starts processes, no servers, hooks, extensions or
/// memories, and an end.
const REVIEW: &str = r#"{"tools":{"exclude":["run_shell_command","save_memory","web_fetch","google_web_search","activate_skill"],"discoveryCommand":"","callCommand":""},"mcp":{"allowed":[]},"mcpServers":{},"hooksConfig":{"enabled":false},"skills":{"enabled":false},"experimental":{"enableAgents":false},"admin":{"extensions":{"enabled":false},"mcp":{"enabled":false},"skills":{"enabled":false}},"model":{"maxSessionTurns":60}}"#;

fn invoke(call: &Call, invocation: &mut Invocation) -> Result<()> {
    invocation.args(&["--skip-trust", "-o", "stream-json"]);
    invocation.args(&["--approval-mode", if call.edits() { "yolo" } else { "plan" }]);
    invocation.model(call, "-m");
    invocation.set("GEMINI_CLI_NO_RELAUNCH", "true");
    if !call.edits() {
        invocation.files.push(("settings.json", REVIEW.to_owned()));
        let settings = call.folder.join("settings.json");
        invocation.set("GEMINI_CLI_SYSTEM_SETTINGS_PATH", settings.to_string_lossy());
    }
    invocation.config_args(call);
    Ok(())
}

#[derive(Debug, Default)]
struct Gemini {
    speaking: bool,
}

impl EventReader for Gemini {
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
                let how = if text(&event, "/status") == "success" {
                    FinalEvent::Answered
                } else {
                    let why = text(&event, "/error/message");
                    let why =
                        if why.is_empty() { observed.fault.as_deref().unwrap_or_default() } else { why };
                    FinalEvent::Failed(if why.is_empty() {
                        "it says that it failed".into()
                    } else {
                        why.to_owned()
                    })
                };
                observed.ends(how);
            }
            _ => {}
        }
    }

    /// It reports its retries on standard error only.
    fn error_line(&mut self, line: &str, observed: &mut Observed) {
        observed.stray(line);
        if line.starts_with("Attempt ") && line.contains("failed") {
            observed.retries(line);
        }
    }

    fn ended(&mut self, status: ExitStatus, _: &[u8], observed: &mut Observed) {
        // 41: its own status for a missing login.
        if observed.final_event.is_none() && status.code() == Some(41) {
            let said = observed.asides.last().cloned().unwrap_or_default();
            observed.final_event = Some(FinalEvent::Failed(format!("no login: {said} (authentication)")));
        }
    }
}
