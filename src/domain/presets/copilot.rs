//! GitHub's Copilot CLI.
//!
//! Its script on the PATH dies alone on a signal while the agent goes on, so the program of this
//! system, in a package beside it, is started itself where it can be found. What it used stands in no
//! event, only in a file that it writes at its end.

use super::events::{event, number, text};
use super::home::{Seed, json};
use super::{
    AgentHome, Call, Direct, EventReader, FinalEvent, Invocation, Moved, Observed, Phrases, Preset, Reading,
    Tested, npm_package,
};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use serde_json::Value;
use std::path::Path;
use std::process::ExitStatus;

pub const PRESET: Preset = Preset {
    name: "copilot",
    is_coined: true,
    program: "copilot",
    vendor: None,
    install: "npm install -g @github/copilot",
    tested: Tested::OnRequest,
    addresses: &[
        "copilot@users.noreply.github.com",
        "copilot@github.com",
        "copilot-swe-agent[bot]@users.noreply.github.com",
        "copilot[bot]@users.noreply.github.com",
        "github-copilot[bot]@users.noreply.github.com",
    ],
    name_suffix: None,
    home: AgentHome {
        files: &[json(
            ".copilot/config.json",
            &["copilot_tokens", "last_logged_in_user", "logged_in_users", "model", "staff", "banner"],
        )],
        seed: Some(Seed { folder: ".cache/copilot/pkg", args: &["--version"] }),
        moved: Some(Moved { folder: ".copilot", variable: "COPILOT_HOME" }),
        renewal: None,
    },
    env: &["COPILOT_*", "GH_TOKEN", "GITHUB_TOKEN", "GH_HOST"],
    marks: &[],
    phrases: Phrases {
        questions: &["use a web browser to open the page", "enter the code"],
        ..Phrases::NONE
    },
    direct,
    needs_folder: true,
    reading: Reading::Files,
    instructions: &["copilot-instructions.md", ".copilot", ".github"],
    report: Some(USAGE),
    invoke,
    reader: |_| Box::new(Copilot::default()),
};

/// The file, in a folder of ours, that it writes what it used to.
const USAGE: &str = "usage.json";

fn invoke(call: &Call, invocation: &mut Invocation) -> Result<()> {
    invocation.args(&["--no-ask-user", "--output-format", "json", "--no-auto-update"]);
    invocation.args(&[if call.edits() { "--allow-all-tools" } else { "--available-tools=view,grep,glob" }]);
    invocation.model(call, "--model");
    invocation.default_to(call, "COPILOT_AUTO_UPDATE", "false");
    invocation.args.extend(["--usage-output-file".into(), call.folder.join(USAGE).into_os_string()]);
    invocation.config_args(call);
    Ok(())
}

/// The program in the package of this system, which npm puts beside or below the main one.
fn direct(program: &Path) -> Vec<Direct> {
    let Some(main) = npm_package::folder(program, "copilot") else { return Vec::new() };
    let name = format!("copilot-{}", npm_package::platform());
    let beside = main.parent().map(|folder| folder.join(&name));
    let below = main.join("node_modules/@github").join(&name);
    let folders = beside.into_iter().chain([below]);
    folders.map(|folder| Direct { file: folder.join("copilot"), interpreter: None }).collect()
}

#[derive(Debug, Default)]
struct Copilot {
    used: Usage,
}

impl EventReader for Copilot {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        let Some(event) = event(line, observed) else { return };
        let data = &event["data"];
        match text(&event, "/type") {
            "session.start" => observed.started(data["sessionId"].as_str(), data["selectedModel"].as_str()),
            "assistant.message" => {
                observed.says(text(data, "/content"));
                for request in data["toolRequests"].as_array().into_iter().flatten() {
                    observed.tool(text(request, "/name"), &request["arguments"]);
                }
            }
            "assistant.usage" => {
                self.used = self.used.plus(Usage {
                    input_tokens: number(data, "/inputTokens"),
                    output_tokens: number(data, "/outputTokens"),
                    cost: None,
                });
                observed.used(self.used);
            }
            "session.error" | "model.call_failure" => {
                let why = text(data, "/message");
                observed.retries(if why.is_empty() { text(data, "/errorMessage") } else { why });
            }
            "permission.requested" => observed.waits("it asks for a permission"),
            "result" => {
                if let Some(session) = event["sessionId"].as_str() {
                    observed.session = Some(session.to_owned());
                }
                let how = match event["exitCode"].as_i64() {
                    Some(0) => FinalEvent::Answered,
                    code => FinalEvent::Failed(observed.fault.clone().unwrap_or_else(|| {
                        let code = code.map_or("none".into(), |code| code.to_string());
                        format!("it says that it failed, with status {code}")
                    })),
                };
                observed.ends(how);
            }
            _ => {}
        }
    }

    fn ended(&mut self, _: ExitStatus, report: &[u8], observed: &mut Observed) {
        let report: Value = serde_json::from_slice(report).unwrap_or_default();
        let models = report["modelMetrics"].as_object().into_iter().flatten();
        let used = models.fold(Usage::default(), |sum, (_, model)| {
            sum.plus(Usage {
                input_tokens: number(model, "/usage/inputTokens"),
                output_tokens: number(model, "/usage/outputTokens"),
                cost: None,
            })
        });
        if !used.is_empty() {
            observed.used(used);
        }
    }
}
