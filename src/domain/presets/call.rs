//! What a tool is started for, and how it is started.

use crate::domain::config::AgentConfig;
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What an agent may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Change files in its folder.
    Edit,
    Review,
}

/// What a tool is started for, and what its arguments depend on beside that.
pub struct Call<'a> {
    pub config: &'a AgentConfig,
    pub mode: Mode,
    pub prompt: &'a str,
    /// The folder that it works in.
    pub dir: &'a Path,
    /// How long it may print nothing.
    pub silence: Duration,
    /// The JSON schema that its answer must have.
    pub schema: Option<&'a Value>,
    /// An empty folder that only we can read; empty if the preset needs none.
    pub folder: &'a Path,
    pub is_root: bool,
    /// Whether its home holds nothing of the user but what its preset names.
    pub has_own_home: bool,
    /// Whether a sandbox of its own works inside of ours.
    pub can_nest_sandboxes: bool,
    /// A variable as the tool will see it, unless the preset sets it.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The real path of a folder; `None` if there is no such folder.
    pub real_folder: &'a dyn Fn(&Path) -> Option<PathBuf>,
}

impl Call<'_> {
    pub(super) fn edits(&self) -> bool {
        self.mode == Mode::Edit
    }
}

/// How a tool is started.
#[derive(Debug)]
pub struct Invocation {
    pub args: Vec<OsString>,
    /// Variables added to its environment; the config's own win.
    pub env: Vec<(String, String)>,
    /// Whether the prompt goes to its standard input.
    pub reads_prompt: bool,
    /// Files to write into the call's folder first.
    pub files: Vec<(&'static str, String)>,
}

impl Default for Invocation {
    fn default() -> Invocation {
        Invocation { args: Vec::new(), env: Vec::new(), reads_prompt: true, files: Vec::new() }
    }
}

impl Invocation {
    pub(super) fn args(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(OsString::from));
    }

    /// The arguments that the config adds.
    pub(super) fn config_args(&mut self, call: &Call) {
        self.args.extend(call.config.args.iter().map(OsString::from));
    }

    pub(super) fn model(&mut self, call: &Call, option: &str) {
        if let Some(model) = &call.config.model {
            self.args(&[option, model]);
        }
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.push((name.to_owned(), value.into()));
    }

    /// Sets a variable that the user has not set.
    pub(super) fn default_to(&mut self, call: &Call, name: &str, value: impl Into<String>) {
        if (call.variable)(name).is_none() {
            self.set(name, value);
        }
    }
}
