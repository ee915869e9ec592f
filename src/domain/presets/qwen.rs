//! Qwen Code.
//!
//! Its script on the PATH dies alone on a signal while the agent goes on, so its `cli.js` is started
//! by node itself where it can be found. With a prompt on its standard input it runs commands in a
//! terminal of their own, which Landlock does not allow. Its events are Claude's.

use super::claude::Claude;
use super::home::{Expiry, Renewal, instructions, json, login, plain};
use super::{
    AgentHome, Call, Direct, EventReader, Invocation, Observed, Phrases, Preset, Reading, Tested, npm_package,
};
use crate::domain::error::Result;
use std::path::Path;

pub const PRESET: Preset = Preset {
    name: "qwen",
    is_coined: true,
    program: "qwen",
    vendor: Some("alibaba"),
    install: "npm install -g @qwen-code/qwen-code (Node 22 or newer)",
    tested: Tested::OnRequest,
    addresses: &["qwen-coder@alibabacloud.com"],
    name_suffix: None,
    home: AgentHome {
        files: &[
            login(".qwen/oauth_creds.json"),
            plain(".qwen/installation_id"),
            plain(".qwen/.env"),
            json(
                ".qwen/settings.json",
                &["security", "selectedAuthType", "model", "modelProviders", "env", "privacy"],
            ),
            instructions(".qwen/QWEN.md"),
        ],
        seed: None,
        moved: None,
        renewal: Some(Renewal {
            login: ".qwen/oauth_creds.json",
            expiry: Expiry::Milliseconds("/expiry_date"),
            keys: &["OPENAI_API_KEY", "DASHSCOPE_API_KEY"],
        }),
    },
    env: &["QWEN_*", "OPENAI_*", "DASHSCOPE_*", "BAILIAN_*"],
    marks: &[],
    phrases: Phrases::NONE,
    direct,
    needs_folder: true,
    reading: Reading::Files,
    instructions: &["QWEN.md", ".qwen", ".qwenignore"],
    report: None,
    invoke,
    reader: |_| Box::new(Qwen::default()),
};

/// What holds unless the user has set something else.
const DEFAULTS: &str = r#"{"tools":{"shell":{"enableInteractiveShell":false}}}"#;

/// What no other settings change in a review: nothing that starts processes, no servers or memories, and an end.
const REVIEW: &str = r#"{"tools":{"exclude":["run_shell_command","save_memory","web_fetch","task","skill"],"discoveryCommand":"","callCommand":""},"mcp":{"allowed":[]},"mcpServers":{},"model":{"maxSessionTurns":60}}"#;

/// The script of the package, run by node itself.
fn direct(program: &Path) -> Vec<Direct> {
    let folder = npm_package::folder(program, "qwen-code").into_iter();
    let interpreter: Option<(_, &[_])> = Some(("node", &["--expose-gc"]));
    folder.map(|folder| Direct { file: folder.join("cli.js"), interpreter }).collect()
}

fn invoke(call: &Call, invocation: &mut Invocation) -> Result<()> {
    invocation.args(&["-o", "stream-json", "--approval-mode", if call.edits() { "yolo" } else { "plan" }]);
    invocation.model(call, "-m");
    invocation.set("QWEN_CODE_NO_RELAUNCH", "true");
    invocation.set("QWEN_CODE_SUPPRESS_YOLO_WARNING", "1");
    invocation.files.push(("defaults.json", DEFAULTS.to_owned()));
    let defaults = call.folder.join("defaults.json");
    invocation.default_to(call, "QWEN_CODE_SYSTEM_DEFAULTS_PATH", defaults.to_string_lossy());
    if !call.edits() {
        invocation.files.push(("settings.json", REVIEW.to_owned()));
        let settings = call.folder.join("settings.json");
        invocation.set("QWEN_CODE_SYSTEM_SETTINGS_PATH", settings.to_string_lossy());
    }
    invocation.config_args(call);
    Ok(())
}

#[derive(Debug, Default)]
struct Qwen {
    like_claude: Claude,
}

impl EventReader for Qwen {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        self.like_claude.line(line, observed);
    }
}
