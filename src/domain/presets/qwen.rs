//! Qwen Code.
//!
//! Its script on the PATH dies alone on a signal while the agent goes on, so its `cli.js` is started
//! by node itself where it can be found. With a prompt on its standard input it runs commands in a
//! terminal of their own, for whoever watches; nobody does, and Landlock allows none. Its events are
//! Claude's.

use super::claude::Claude;
use super::{Call, Invocation, Listener, Preset, Reader, package, private_folder};
use crate::agents::agent::Known;
use crate::agents::agent::observed::Observed;
use crate::domain::error::Result;
use anyhow::Context;
use std::fs;
use tempfile::TempDir;

pub const PRESET: Preset = Preset {
    known: Known {
        name: "qwen",
        program: "qwen",
        vendor: Some("alibaba"),
        install: "npm install -g @qwen-code/qwen-code (Node 22 or newer)",
    },
    prepare,
};

/// What holds where the person has set nothing else.
const DEFAULTS: &str = r#"{"tools":{"shell":{"enableInteractiveShell":false}}}"#;

fn prepare(call: &Call, invocation: &mut Invocation) -> Result<Listener> {
    let script = package::folder(&invocation.program, "qwen-code").map(|folder| folder.join("cli.js"));
    if let Some(script) = script.filter(|script| script.is_file())
        && let Ok(node) = call.find("node")
    {
        invocation.program = node;
        invocation.args.extend(["--expose-gc".into(), script.into_os_string()]);
    }
    invocation.args(&["-o", "stream-json", "--approval-mode", if call.edits() { "yolo" } else { "plan" }]);
    call.model(invocation, "-m");
    invocation.set("QWEN_CODE_NO_RELAUNCH", "true");
    invocation.set("QWEN_CODE_SUPPRESS_YOLO_WARNING", "1");
    let folder = private_folder()?;
    let defaults = folder.path().join("defaults.json");
    fs::write(&defaults, DEFAULTS).context("cannot write defaults for qwen")?;
    call.default_to(invocation, "QWEN_CODE_SYSTEM_DEFAULTS_PATH", defaults.to_string_lossy());
    invocation.write.push(folder.path().to_owned());
    invocation.args.extend(call.config.args.iter().map(Into::into));
    Ok(Box::new(Qwen { like_claude: Claude::default(), _folder: folder }))
}

#[derive(Debug)]
struct Qwen {
    like_claude: Claude,
    _folder: TempDir,
}

impl Reader for Qwen {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        self.like_claude.line(line, observed);
    }
}
