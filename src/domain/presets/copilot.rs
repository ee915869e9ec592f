//! GitHub's Copilot CLI.
//!
//! Its script on the PATH dies alone on a signal while the agent goes on, so the program of this
//! system, in a package beside it, is started itself where it can be found. What it used stands in no
//! event, only in a file that it writes at its end.

use super::events::{event, number, text};
use super::{Call, Invocation, Listener, Preset, Reader, package, private_folder};
use crate::agents::agent::Known;
use crate::agents::agent::fault;
use crate::agents::agent::observed::{End, Observed};
use crate::domain::error::Result;
use crate::domain::event::Usage;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tempfile::TempDir;

pub const PRESET: Preset = Preset {
    known: Known {
        name: "copilot",
        program: "copilot",
        vendor: None,
        install: "npm install -g @github/copilot",
    },
    prepare,
};

fn prepare(call: &Call, invocation: &mut Invocation) -> Result<Listener> {
    if let Some(program) = of_this_system(&invocation.program) {
        invocation.program = program;
    }
    invocation.args(&["--no-ask-user", "--output-format", "json", "--no-auto-update"]);
    invocation.args(&[if call.edits() { "--allow-all-tools" } else { "--available-tools=view,grep,glob" }]);
    call.model(invocation, "--model");
    call.default_to(invocation, "COPILOT_AUTO_UPDATE", "false");
    let folder = private_folder()?;
    invocation.write.push(folder.path().to_owned());
    invocation.args.extend(["--usage-output-file".into(), folder.path().join(USAGE).into_os_string()]);
    invocation.args.extend(call.config.args.iter().map(Into::into));
    Ok(Box::new(Copilot { folder, used: Usage::default() }))
}

/// The program in the package of this system, which npm puts beside or below the main one.
fn of_this_system(program: &Path) -> Option<PathBuf> {
    let main = package::folder(program, "copilot")?;
    let name = format!("copilot-{}", package::platform());
    [main.parent()?.join(&name), main.join("node_modules/@github").join(&name)]
        .into_iter()
        .map(|folder| folder.join("copilot"))
        .find(|program| program.is_file())
}

/// The file, in a folder of ours, that it writes what it used to.
const USAGE: &str = "usage.json";

#[derive(Debug)]
struct Copilot {
    folder: TempDir,
    used: Usage,
}

impl Reader for Copilot {
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
                let why = if why.is_empty() { text(data, "/errorMessage") } else { why };
                if fault::is_limit(why) {
                    observed.limited_by(why);
                } else {
                    observed.retries(why);
                }
            }
            "permission.requested" => observed.waits("it asks for a permission"),
            "result" => {
                if let Some(session) = event["sessionId"].as_str() {
                    observed.session = Some(session.to_owned());
                }
                observed.end = Some(match event["exitCode"].as_i64() {
                    Some(0) => End::Well,
                    code => End::Badly(observed.fault.clone().unwrap_or_else(|| {
                        let code = code.map_or("none".into(), |code| code.to_string());
                        format!("it says that it failed, with status {code}")
                    })),
                });
            }
            _ => {}
        }
    }

    fn ended(&mut self, _: ExitStatus, observed: &mut Observed) {
        let told = fs::read(self.folder.path().join(USAGE)).unwrap_or_default();
        let told: Value = serde_json::from_slice(&told).unwrap_or_default();
        let models = told["modelMetrics"].as_object().into_iter().flatten();
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
