//! Cursor's `cursor-agent`. Untried: it is in no registry; this follows its public documentation.
//!
//! Its events are Claude's, but for tools, which have events of their own. `--mode ask` reads only.

use super::claude::Claude;
use super::events::{event, text};
use super::{Call, Invocation, Listener, Preset, Reader};
use crate::agents::agent::Known;
use crate::agents::agent::observed::Observed;
use crate::domain::error::Result;
use serde_json::Value;

pub const PRESET: Preset = Preset {
    known: Known {
        name: "cursor",
        program: "cursor-agent",
        vendor: None,
        install: "curl https://cursor.com/install -fsS | bash",
    },
    prepare,
};

fn prepare(call: &Call, invocation: &mut Invocation) -> Result<Listener> {
    invocation.args(&["-p", "--output-format", "stream-json", "--trust"]);
    invocation.args(if call.edits() { &["--force"] } else { &["--mode", "ask"] });
    call.model(invocation, "--model");
    invocation.args.extend(call.config.args.iter().map(Into::into));
    Ok(Box::new(Cursor::default()))
}

#[derive(Debug, Default)]
struct Cursor {
    like_claude: Claude,
}

impl Reader for Cursor {
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
