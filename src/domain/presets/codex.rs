//! OpenAI's Codex.
//!
//! Its end is `turn.completed` or `turn.failed`; after a refusal the turn is complete and no message
//! came. With its home beneath the temporary folder every command in its sandbox fails while it says
//! that all is well, so it is given another temporary folder then.

use super::events::{event, number, text};
use super::{Call, Invocation, Listener, Preset, Reader, real};
use crate::agents::agent::Known;
use crate::agents::agent::fault;
use crate::agents::agent::observed::{End, Observed};
use crate::agents::sandbox::Backend;
use crate::domain::error::{Result, hint};
use crate::domain::event::Usage;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub const PRESET: Preset = Preset {
    known: Known {
        name: "codex",
        program: "codex",
        vendor: Some("openai"),
        install: "npm install -g @openai/codex",
    },
    prepare,
};

fn prepare(call: &Call, invocation: &mut Invocation) -> Result<Listener> {
    invocation.args(&["exec", "--json"]);
    if matches!(call.job.sandbox.backend(), Backend::Landlock(_)) {
        // Its own sandbox makes mounts, which nobody may in Landlock: each of its commands would fail.
        invocation.args(&["-s", "danger-full-access"]);
        if !call.edits() {
            invocation.args(&["--skip-git-repo-check"]);
        }
    } else if call.edits() {
        invocation.args(&["-s", "workspace-write"]);
    } else {
        // A review happens in an empty folder.
        invocation.args(&["-s", "read-only", "--skip-git-repo-check"]);
    }
    invocation.args(&["-c", "check_for_update_on_startup=false", "-c", "analytics.enabled=false"]);
    invocation.args(&["--disable", "plugins", "--disable", "apps"]);
    call.model(invocation, "-m");
    invocation.args.extend(call.config.args.iter().map(Into::into));
    invocation.args(&["-"]);
    if let Some(folder) = other_temporary_folder(call)? {
        invocation.set("TMPDIR", folder.to_string_lossy());
    }
    Ok(Box::new(Codex::default()))
}

/// A temporary folder that its home is not beneath; none where it is not beneath the usual one.
fn other_temporary_folder(call: &Call) -> Result<Option<PathBuf>> {
    let home = call.variable("CODEX_HOME").or_else(|| call.variable("HOME")).map(PathBuf::from);
    let Some(home) = home.map(|home| real(&home)) else { return Ok(None) };
    let usual = call.variable("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    if !home.starts_with(real(&usual)) {
        return Ok(None);
    }
    let other = ["/var/tmp", "/tmp", "/dev/shm"].map(Path::new);
    let other = other.iter().find(|folder| folder.is_dir() && !home.starts_with(real(folder)));
    other.map(|folder| Some(folder.to_path_buf())).ok_or_else(|| {
        hint(
            format!("codex cannot run commands with its home ({}) in a temporary folder", home.display()),
            "set CODEX_HOME or TMPDIR to a folder elsewhere, in the agent's `env`",
        )
    })
}

#[derive(Debug, Default)]
struct Codex {
    used: Usage,
}

impl Reader for Codex {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        let Some(event) = event(line, observed) else { return };
        match text(&event, "/type") {
            "thread.started" => observed.started(event["thread_id"].as_str(), None),
            "item.started" | "item.completed" | "item.updated" => item(&event, observed),
            "error" => fault(text(&event, "/message"), observed),
            "turn.completed" => {
                self.used = self.used.plus(Usage {
                    input_tokens: number(&event, "/usage/input_tokens"),
                    output_tokens: number(&event, "/usage/output_tokens"),
                    cost: None,
                });
                observed.used(self.used);
                observed.end = Some(End::Well);
            }
            "turn.failed" => observed.end = Some(End::Badly(text(&event, "/error/message").to_owned())),
            _ => {}
        }
    }
}

/// Each item is told twice, when it starts and when it is complete; some only once.
fn item(event: &Value, observed: &mut Observed) {
    let complete = text(event, "/type") == "item.completed";
    let item = &event["item"];
    match text(item, "/type") {
        "agent_message" if complete => observed.says(text(item, "/text")),
        "command_execution" if !complete => observed.tool("shell", &item["command"]),
        "command_execution" if text(item, "/status") == "failed" => {
            observed.tool("shell (failed)", &item["command"])
        }
        "file_change" if complete => {
            for change in item["changes"].as_array().into_iter().flatten() {
                observed.tool(text(change, "/kind"), &change["path"]);
            }
        }
        "mcp_tool_call" if complete => observed.tool(text(item, "/tool"), &item["arguments"]),
        "web_search" if complete => observed.tool("search", &item["query"]),
        "error" => fault(text(item, "/message"), observed),
        _ => {}
    }
}

/// A fault that it tries to get over: "Reconnecting… 2/5 (…)".
fn fault(why: &str, observed: &mut Observed) {
    if fault::is_limit(why) {
        observed.limited_by(why);
    } else {
        observed.retries(why);
    }
}
