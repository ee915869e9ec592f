//! One agent process: start, event stream, limits, stop.
//!
//! What is special about a tool is in its [preset](crate::domain::presets); this starts it, reads it and
//! judges its end. Success is judged by the final event, its error flag and the text, never by silence
//! or an exit code: most of these tools exit 0 after a refusal, an empty answer or a cut connection.

mod command;
mod ending;
mod prepare;
mod provider_limit;
mod renew;
mod run;
mod seed;
mod summary;
mod transcript;
mod wait_for_lock;

pub use crate::domain::presets::Mode;
pub use provider_limit::Limit;
pub use summary::summary;
pub use transcript::Transcript;

use crate::agents::sandbox::{Sandbox, Scope};
use crate::domain::change::{Author, Vendor};
use crate::domain::config::AgentConfig;
use crate::domain::error::{Result, hint, nearest};
use crate::domain::event::{Activity, Usage};
use crate::domain::presets::{self, Preset, Reading};
use crate::domain::reviewers;
use crate::system::process::stop::Stop;
use crate::system::program;
use anyhow::Context;
use std::path::PathBuf;
use std::time::Duration;

/// An agent, ready to be started.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its name in the config.
    pub name: String,
    pub config: AgentConfig,
    /// Whose model it is; follows from the model, else the config, else the preset's usual one.
    pub vendor: Vendor,
}

/// One piece of work for an agent.
#[derive(Debug, Clone)]
pub struct Job {
    pub prompt: String,
    /// What it may touch beside its own state, and the folder that it works in.
    pub scope: Scope,
    pub sandbox: Sandbox,
    pub mode: Mode,
    /// Variables added to its environment.
    pub env: Vec<(String, String)>,
    /// The file that receives everything it prints, mode 0600, if any.
    pub transcript: Option<PathBuf>,
    /// How long it may take.
    pub timeout: Duration,
    /// How long it may print nothing.
    pub silence: Duration,
    /// The JSON schema that the final text must have, for tools that take one.
    pub schema: Option<serde_json::Value>,
}

/// How an agent's work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It said so itself, in its final event (a plain command: exit status 0).
    Done,
    /// It failed: why, in one sentence.
    Failed(String),
    /// The model refused, or answered nothing.
    Refused(String),
    /// It asked a person something, and no person is there.
    WaitingForPerson(String),
    /// It met a limit that does not pass soon enough for it to wait.
    RateLimited(Limit),
    /// It took longer than allowed.
    TimedOut,
    /// It printed nothing for longer than allowed.
    Silent,
    /// We were asked to stop.
    Stopped,
}

/// What an agent's work came to.
#[derive(Debug, Clone)]
pub struct AgentReport {
    pub ending: Ending,
    pub text: String,
    /// What it said before that looks like an answer to a review, too.
    pub earlier: Vec<String>,
    /// Whether it went on after it had said that it ends.
    pub went_on: bool,
    /// Whether a signal of somebody else's ended it, whatever it had said.
    pub was_killed: bool,
    /// What it used, as far as it said.
    pub usage: Usage,
    /// Its session, if it named one.
    pub session: Option<String>,
    /// The model that it said it used.
    pub model: Option<String>,
    pub duration: Duration,
    /// What was observed of it last, in a few words.
    pub last: Option<String>,
}

impl Agent {
    /// The agent of that name and settings.
    ///
    /// # Errors
    /// Settings that do not make an agent.
    pub fn new(name: &str, config: &AgentConfig) -> Result<Agent> {
        let section = format!("[agents.{name}]");
        match (&config.preset, &config.command) {
            (Some(_), Some(_)) => {
                return Err(hint(
                    format!("{section} has a preset and a command"),
                    "keep one: a preset knows its tool, a command is any other",
                ));
            }
            (None, None) => {
                return Err(hint(
                    format!("{section} says neither which preset nor which command to run"),
                    format!("add `preset = \"…\"` ({}) or `command = [\"…\"]`", Preset::names()),
                ));
            }
            (Some(wanted), None) => {
                Preset::find(wanted).ok_or_else(|| unknown_preset(&section, wanted))?;
            }
            (None, Some(command)) if command.is_empty() => {
                return Err(hint(format!("the command of {section} is empty"), "name a program"));
            }
            (None, Some(_)) => {}
        }
        let vendor = reviewers::agent_vendor(config).ok_or_else(|| {
            hint(
                format!("nobody can tell whose model {section} uses, hence who may judge its work"),
                "add `model = \"…\"`, or `vendor = \"…\"` with the maker of the model",
            )
        })?;
        Ok(Agent { name: name.to_owned(), config: config.clone(), vendor })
    }

    /// Who it is, for trailers and verdicts.
    pub fn author(&self) -> Author {
        Author { name: self.name.clone(), vendor: self.vendor.clone(), model: self.config.model.clone() }
    }

    /// The executable, if it is on the PATH.
    ///
    /// # Errors
    /// If it is not, with the way to install it.
    pub fn executable(&self) -> Result<PathBuf> {
        let wanted = match (&self.config.command, self.preset()) {
            (Some(command), _) => command.first().map_or("", String::as_str),
            (None, Some(preset)) => preset.program,
            (None, None) => "",
        };
        let install =
            self.preset().map_or("install it, or mend the command in the config", |preset| preset.install);
        self.find_program(wanted, install)
            .with_context(|| format!("the agent {} cannot be started", self.name))
    }

    /// Starts it, reports what it does, and returns when nothing of it is left alive.
    pub async fn run(&self, job: &Job, stop: &Stop, mut on: impl FnMut(Activity)) -> Result<AgentReport> {
        seed::before(self, job, stop).await;
        if let Some(text) = renew::before(self, job, stop).await {
            on(Activity::Text { text });
        }
        Ok(run::run(self, job, stop, on).await?.0)
    }

    /// What it is given beside the request when it reviews.
    pub fn reading(&self) -> Reading {
        match self.preset() {
            Some(preset) => preset.reading,
            None => Reading::RequestAlone("nothing says what a command starts"),
        }
    }

    /// Its preset; `None` for a plain command.
    fn preset(&self) -> Option<&'static Preset> {
        self.config.preset.as_deref().and_then(Preset::find)
    }

    /// A program on the PATH that the agent has.
    fn find_program(&self, wanted: &str, install: &str) -> Result<PathBuf> {
        program::find(wanted, self.config.env.get("PATH").map(String::as_str), install)
    }
}

fn unknown_preset(section: &str, wanted: &str) -> anyhow::Error {
    let all = Preset::names();
    let fix = match nearest(wanted, presets::ALL.iter().map(|preset| preset.name)) {
        Some(near) => format!("did you mean `{near}`? There are {all}"),
        None => format!("there are {all}; any other tool is a `command`"),
    };
    hint(format!("{section} wants the preset `{wanted}`, which we do not know"), fix)
}
