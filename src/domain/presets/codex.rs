//! OpenAI's Codex.
//!
//! Its end is `turn.completed` or `turn.failed`; after a refusal the turn is complete and no message
//! came. With its home beneath the temporary folder every command in its sandbox fails while it says
//! that all is well, so it is given another temporary folder then.

use super::events::{event, number, text};
use super::home::{Expiry, Renewal, instructions, login, toml};
use super::{
    AgentHome, Call, EventReader, FinalEvent, Invocation, Moved, Observed, Phrases, Preset, Reading, Tested,
    as_found,
};
use crate::domain::error::{Result, hint};
use crate::domain::event::Usage;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub const PRESET: Preset = Preset {
    name: "codex",
    is_coined: true,
    program: "codex",
    vendor: Some("openai"),
    install: "npm install -g @openai/codex",
    tested: Tested::Always,
    addresses: &[
        "@openai.com",
        "chatgpt-codex-connector[bot]@users.noreply.github.com",
        "openai-codex[bot]@users.noreply.github.com",
        "codex[bot]@users.noreply.github.com",
    ],
    name_suffix: None,
    home: AgentHome {
        files: &[
            login(".codex/auth.json"),
            toml(
                ".codex/config.toml",
                &[
                    "model",
                    "model_provider",
                    "model_providers",
                    "model_reasoning_effort",
                    "model_reasoning_summary",
                    "model_verbosity",
                    "model_context_window",
                    "model_max_output_tokens",
                    "preferred_auth_method",
                    "forced_login_method",
                    "chatgpt_base_url",
                    "openai_base_url",
                    "service_tier",
                    "personality",
                    "profile",
                    "profiles",
                    "cli_auth_credentials_store",
                ],
            ),
            instructions(".codex/AGENTS.md"),
        ],
        seed: None,
        moved: Some(Moved { folder: ".codex", variable: "CODEX_HOME" }),
        renewal: Some(Renewal {
            login: ".codex/auth.json",
            expiry: Expiry::Token { token: "/tokens/access_token", renewed: "/last_refresh" },
            keys: &["CODEX_API_KEY"],
        }),
    },
    env: &["OPENAI_*", "CODEX_*"],
    marks: &[],
    phrases: Phrases::NONE,
    direct: as_found,
    needs_folder: false,
    reading: Reading::RequestAlone("it reads files only by starting commands"),
    instructions: &["AGENTS.md", "AGENTS.override.md", ".codex", ".agents"],
    report: None,
    invoke,
    reader: |_| Box::new(Codex::default()),
};

fn invoke(call: &Call, invocation: &mut Invocation) -> Result<()> {
    invocation.args(&["exec", "--json"]);
    if !call.can_nest_sandboxes {
        // Each of its commands would fail.
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
    if !call.edits() {
        // No commands, servers, hooks, memories or other agents. A version that does not know one of them
        // passes it over.
        for feature in ["shell_tool", "unified_exec", "hooks", "memories", "multi_agent", "skill_search"] {
            invocation.args(&["-c", &format!("features.{feature}=false")]);
        }
        invocation.args(&["-c", "mcp_servers={}", "-c", "project_doc_max_bytes=0"]);
    }
    invocation.model(call, "-m");
    invocation.config_args(call);
    invocation.args(&["-"]);
    if let Some(folder) = other_temporary_folder(call)? {
        invocation.set("TMPDIR", folder.to_string_lossy());
    }
    Ok(())
}

/// A temporary folder that its home is not beneath; `None` if it is not beneath the usual one.
fn other_temporary_folder(call: &Call) -> Result<Option<PathBuf>> {
    let real = |path: PathBuf| (call.real_folder)(&path).unwrap_or(path);
    let home = (call.variable)("CODEX_HOME").or_else(|| (call.variable)("HOME")).map(PathBuf::from);
    let Some(home) = home.map(real) else { return Ok(None) };
    let usual = (call.variable)("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    if !home.starts_with(real(usual)) {
        return Ok(None);
    }
    let is_elsewhere =
        |folder: &&Path| (call.real_folder)(folder).is_some_and(|real| !home.starts_with(real));
    let other = ["/var/tmp", "/tmp", "/dev/shm"].map(Path::new).into_iter().find(is_elsewhere);
    other.map(|folder| Some(folder.to_owned())).ok_or_else(|| {
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

impl EventReader for Codex {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        let Some(event) = event(line, observed) else { return };
        match text(&event, "/type") {
            "thread.started" => observed.started(event["thread_id"].as_str(), None),
            "item.started" | "item.completed" | "item.updated" => item(&event, observed),
            "error" => observed.retries(text(&event, "/message")), // "Reconnecting… 2/5 (…)"
            "turn.completed" => {
                self.used = self.used.plus(Usage {
                    input_tokens: number(&event, "/usage/input_tokens"),
                    output_tokens: number(&event, "/usage/output_tokens"),
                    cost: None,
                });
                observed.used(self.used);
                observed.ends(FinalEvent::Answered);
            }
            "turn.failed" => {
                observed.ends(FinalEvent::Failed(text(&event, "/error/message").to_owned()));
            }
            _ => {}
        }
    }
}

/// Most items come twice, when they start and when they are complete.
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
        "error" => observed.retries(text(item, "/message")),
        _ => {}
    }
}
