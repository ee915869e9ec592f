//! The agents' command line tools that we know, one file each.
//!
//! A preset owns everything that is special about its tool: how it is started for editing and for
//! reading only, how it takes a long prompt, what its event stream and its prose mean, what it
//! gets of the user's home, which variables are meant for it, how it signs commits. All of it is data and pure
//! functions, since the gate reads signatures here and must not know how a process is started;
//! `agents::cli` starts the tools and hands over what they print. What the presets say was measured
//! with the real tools against a scripted model, see [`Tested`].
//!
//! To add one: a file here, a line in [`ALL`], and a run of the real tool in `tests/compat`.

mod aider;
mod call;
mod claude;
mod codex;
mod copilot;
mod cursor;
mod events;
mod gemini;
mod home;
mod npm_package;
mod observed;
mod opencode;
mod qwen;

pub use call::{Call, Invocation, Mode};
pub use home::{AgentHome, Expiry, HomeFile, HomeFileKind, Moved, Renewal, Seed};
pub use observed::{FinalEvent, Observed, Wait};

use crate::domain::error::Result;
use crate::domain::event::LimitKind;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

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

/// What we know of one tool.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// The preset's name in configs, and the tool's in records.
    pub name: &'static str,
    /// Whether that name was made for the tool, so that no person is called so.
    pub is_coined: bool,
    /// The program to look for on the PATH.
    pub program: &'static str,
    /// The vendor of the tool's own models; `None` if it runs any vendor's, so that the config has to say.
    pub vendor: Option<&'static str>,
    pub install: &'static str,
    /// How well the preset is tested.
    pub tested: Tested,
    /// The addresses by which the tool signs commits, in lower case; one that begins with `@` stands
    /// for all of its host.
    pub addresses: &'static [&'static str],
    /// What the tool adds to the name of the person for whom it commits.
    pub name_suffix: Option<&'static str>,
    /// What it gets in the home of a job.
    pub home: AgentHome,
    /// The variables that are meant for it: names, `PREFIX_*` or `*_SUFFIX`.
    pub env: &'static [&'static str],
    /// Variables by which it knows that it was started by itself, which some versions refuse: agents
    /// never inherit them from the tool inside which we may be running.
    pub marks: &'static [&'static str],
    /// Its own phrases, beside those that all tools share.
    pub phrases: Phrases,
    /// Programs to start instead of the small script that a package manager puts on the PATH, given the
    /// script's real path: some of those scripts die alone on a signal, and the tool goes on working.
    pub direct: fn(&Path) -> Vec<Direct>,
    /// Whether it needs files of ours; then [`Call::folder`] is there.
    pub needs_folder: bool,
    /// What its reviewers are given beside the request.
    pub reading: Reading,
    /// Names of files and folders in a project that tell it what to do, in whatever folder they are: no reviewer
    /// sees them as files.
    pub instructions: &'static [&'static str],
    /// The file in that folder which it writes at its end, for [`EventReader::ended`].
    pub report: Option<&'static str>,
    /// Adds to an invocation what the tool needs.
    pub invoke: fn(&Call, &mut Invocation) -> Result<()>,
    /// What reads its output.
    pub reader: fn(Mode) -> Box<dyn EventReader>,
}

/// How well a preset is tested against the real tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tested {
    Always,
    /// By `.ci/compat --all`.
    OnRequest,
    /// It follows the tool's public documentation.
    Never,
}

/// What a tool that reviews is given beside the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The files of the head: it can read them, and be kept from starting anything.
    Files,
    /// Nothing: why.
    RequestAlone(&'static str),
}

/// What a tool's prose means, as regular expressions that ignore case.
#[derive(Debug, Clone, Copy)]
pub struct Phrases {
    /// A limit that its provider sets.
    pub limits: &'static [(LimitKind, &'static str)],
    /// A login or key that is missing or refused.
    pub logins: &'static [&'static str],
    pub refusals: &'static [&'static str],
    /// A question to the user, after which nothing more will come.
    pub questions: &'static [&'static str],
}

impl Phrases {
    pub const NONE: Phrases = Phrases { limits: &[], logins: &[], refusals: &[], questions: &[] };
}

/// A program that can be started instead of the one on the PATH, if it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direct {
    /// The program, or the script that the interpreter runs.
    pub file: PathBuf,
    /// The interpreter's name and its own arguments.
    pub interpreter: Option<(&'static str, &'static [&'static str])>,
}

/// What reads a tool's output.
pub trait EventReader: Send {
    /// A line of standard output.
    fn line(&mut self, line: &str, observed: &mut Observed);

    /// A line of standard error.
    fn error_line(&mut self, line: &str, observed: &mut Observed) {
        observed.stray(line);
    }

    /// The process has ended by itself; `report` is the content of [`Preset::report`].
    fn ended(&mut self, status: ExitStatus, report: &[u8], observed: &mut Observed) {
        let _ = (status, report, observed);
    }
}

impl Preset {
    pub fn find(name: &str) -> Option<&'static Preset> {
        ALL.iter().find(|preset| preset.name == name)
    }

    /// All names, for messages.
    pub fn names() -> String {
        ALL.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ")
    }
}

/// For presets whose program on the PATH is the tool itself.
fn as_found(_: &Path) -> Vec<Direct> {
    Vec::new()
}
