//! The tools that we know, and how a plain command is run.
//!
//! Each preset says how its tool is invoked for editing and for reading only, how it takes a long
//! prompt, and what its event stream means. What they say was measured with the real tools against a
//! scripted model; `cursor`, which is in no registry, follows its public documentation, untried.

mod aider;
mod claude;
mod codex;
mod command;
mod copilot;
mod cursor;
mod events;
mod gemini;
mod opencode;
mod package;
mod qwen;

use super::observed::Observed;
use super::{Agent, Job, Known, Mode};
use crate::domain::config::AgentConfig;
use crate::domain::error::Result;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tempfile::TempDir;

/// A preset.
pub struct Preset {
    /// As others see it.
    pub known: Known,
    prepare: fn(&Call, &mut Invocation) -> Result<Listener>,
}

/// All of them, in the order in which `init` proposes them.
pub const ALL: &[Preset] = &[
    claude::PRESET,
    codex::PRESET,
    gemini::PRESET,
    copilot::PRESET,
    cursor::PRESET,
    opencode::PRESET,
    qwen::PRESET,
    aider::PRESET,
];

/// What an agent inside which we run ourselves would tell the agents that we start: claude refuses to
/// be started by claude.
pub const FOREIGN: &[&str] = &["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT"];

/// How a tool is started.
#[derive(Debug, Default)]
pub struct Invocation {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables added to its environment; the config's own win.
    pub env: Vec<(String, String)>,
    /// Whether the prompt goes to its standard input.
    pub reads_prompt: bool,
    /// Folders of ours that it writes.
    pub write: Vec<PathBuf>,
}

impl Invocation {
    fn args(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(OsString::from));
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.push((name.to_owned(), value.into()));
    }
}

/// What a tool is started for.
pub struct Call<'a> {
    config: &'a AgentConfig,
    job: &'a Job,
}

impl Call<'_> {
    fn edits(&self) -> bool {
        self.job.mode == Mode::Edit
    }

    /// A variable as the tool will see it, as long as the preset leaves it alone.
    fn variable(&self, name: &str) -> Option<OsString> {
        self.config.env.get(name).map(OsString::from).or_else(|| env::var_os(name))
    }

    /// Sets a variable that the person has not set.
    fn default_to(&self, invocation: &mut Invocation, name: &str, value: impl Into<String>) {
        if self.variable(name).is_none() {
            invocation.set(name, value);
        }
    }

    /// The model, by that option.
    fn model(&self, invocation: &mut Invocation, option: &str) {
        if let Some(model) = &self.config.model {
            invocation.args(&[option, model]);
        }
    }

    /// The program of that name that the tool would find.
    fn find(&self, program: &str) -> Result<PathBuf> {
        crate::system::program::find(program, self.config.env.get("PATH").map(String::as_str), "install it")
    }
}

/// What reads a tool's output.
pub trait Reader: Send {
    /// A line of standard output.
    fn line(&mut self, line: &str, observed: &mut Observed);

    /// A line of standard error.
    fn error_line(&mut self, line: &str, observed: &mut Observed) {
        observed.aside(line);
        if crate::system::process::question::asks_person(line) {
            observed.waits(line);
        }
    }

    /// The process has ended by itself, so.
    fn ended(&mut self, status: ExitStatus, observed: &mut Observed) {
        let _ = (status, observed);
    }
}

/// A reader, whichever.
pub type Listener = Box<dyn Reader>;

/// How to start that agent for that job, and how to read it.
pub fn prepare(agent: &Agent, job: &Job) -> Result<(Invocation, Listener)> {
    let call = Call { config: &agent.config, job };
    let mut invocation =
        Invocation { program: agent.executable()?, reads_prompt: true, ..Invocation::default() };
    let prepare =
        agent.preset().map_or(command::prepare as fn(&Call, &mut Invocation) -> _, |preset| preset.prepare);
    let reader = prepare(&call, &mut invocation)?;
    Ok((invocation, reader))
}

/// The preset of that name.
pub fn find(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.known.name == name)
}

/// All names, for people.
pub fn names() -> String {
    ALL.iter().map(|preset| preset.known.name).collect::<Vec<_>>().join(", ")
}

/// A folder that only we can read, for files that a tool insists on.
fn private_folder() -> Result<TempDir> {
    crate::system::fs::temporary::create_dir("agent")
}

/// The file's real place, behind the links that package managers make; itself where there is none.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
