//! Qwen Code.
//!
//! Its script on the PATH dies alone on a signal while the agent goes on, so its `cli.js` is started
//! by node itself where it can be found. Its events are Claude's.

use super::claude::Claude;
use super::{Call, Invocation, Listener, Preset, package};
use crate::agent::Known;
use crate::error::Result;

pub const PRESET: Preset = Preset {
    known: Known {
        name: "qwen",
        program: "qwen",
        vendor: Some("alibaba"),
        install: "npm install -g @qwen-code/qwen-code (Node 22 or newer)",
    },
    prepare,
};

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
    invocation.args.extend(call.config.args.iter().map(Into::into));
    Ok(Box::new(Claude::default()))
}
