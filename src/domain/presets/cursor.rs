//! Cursor's `cursor-agent`. Untried: it is in no registry; this follows its public documentation.
//!
//! Its events are Claude's, but for tools, which have events of their own. `--mode ask` reads only.

use super::claude::Claude;
use super::events::{event, text};
use super::home::{json, login};
use super::{AgentHome, Call, EventReader, Invocation, Observed, Phrases, Preset, Reading, Tested, as_found};
use crate::domain::error::Result;
use serde_json::Value;

pub const PRESET: Preset = Preset {
    name: "cursor",
    is_coined: false,
    program: "cursor-agent",
    vendor: None,
    install: "curl https://cursor.com/install -fsS | bash",
    tested: Tested::Never,
    addresses: &[
        "cursoragent@cursor.com",
        "cursor[bot]@users.noreply.github.com",
        "cursor-agent[bot]@users.noreply.github.com",
    ],
    name_suffix: None,
    home: AgentHome {
        files: &[
            login(".config/cursor/auth.json"),
            json(
                ".cursor/cli-config.json",
                &["version", "authInfo", "privacyCache", "model", "selectedModel"],
            ),
        ],
        seed: None,
        moved: None,
        renewal: None,
    },
    env: &["CURSOR_*"],
    marks: &[],
    phrases: Phrases::NONE,
    direct: as_found,
    needs_folder: false,
    reading: Reading::RequestAlone("nobody has tried whether it can be kept from starting commands"),
    instructions: &[".cursor", ".cursorrules", ".cursorignore"],
    report: None,
    invoke,
    reader: |_| Box::new(Cursor::default()),
};

fn invoke(call: &Call, invocation: &mut Invocation) -> Result<()> {
    invocation.args(&["-p", "--output-format", "stream-json", "--trust"]);
    invocation.args(if call.edits() { &["--force"] } else { &["--mode", "ask"] });
    invocation.model(call, "--model");
    invocation.config_args(call);
    Ok(())
}

#[derive(Debug, Default)]
struct Cursor {
    like_claude: Claude,
}

impl EventReader for Cursor {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        let Some(event) = event(line, observed) else { return };
        if text(&event, "/type") != "tool_call" {
            self.like_claude.event(&event, observed);
        } else if text(&event, "/subtype") == "started" {
            // {"tool_call":{"readToolCall":{"args":{"path":…}}}}
            for (name, call) in event["tool_call"].as_object().into_iter().flatten() {
                if let Some(name) = name.strip_suffix("ToolCall") {
                    observed.tool(name, call.get("args").unwrap_or(&Value::Null));
                }
            }
        }
    }
}
