//! The whole story, played for real: a repository, real git, this very program, scripted agents.
//!
//! Every line that a person would type is run as typed, in a playground of its own: its home, git
//! configuration and PATH have nothing of the machine's. After each step git itself is asked whether
//! what was shown is true; if not, the demo fails. Only the agents are scripted, see [`act`].

mod agent;
mod playground;
mod sample;
mod story;

pub use agent::act;
pub use playground::Playground;

use crate::domain::error::Result;
use crate::system::git;
use std::path::PathBuf;

/// What is shown, in order.
#[derive(Debug, Clone, Copy)]
pub enum Narration<'a> {
    Chapter(&'a str),
    Say(&'a str),
    /// A command, as typed.
    Command(&'a str),
    /// A line that the command printed.
    Output(&'a str),
    /// What git itself says about a step: true, or not as shown.
    Proof(&'a str, bool),
}

#[derive(Debug, Clone, Default)]
pub struct DemoOptions {
    /// The folder to play in, missing or empty; without it, a new one in the system's temporary folder.
    pub dir: Option<PathBuf>,
    /// Leave the tasks' worktrees too, which go when their work is committed.
    pub keep: bool,
}

#[derive(Debug)]
pub struct Played {
    /// Where everything is, for looking around.
    pub playground: Playground,
    /// Whether each step came out as shown.
    pub succeeded: bool,
}

pub fn play(options: &DemoOptions, narrate: &mut dyn FnMut(Narration<'_>)) -> Result<Played> {
    // Asked before a folder is made that would be left behind.
    git::version()?;
    let playground = Playground::make(options.dir.as_deref())?;
    narrate(Narration::Say(&format!("It plays in {}.", playground.root().display())));
    let succeeded = story::play(&playground, options.keep, narrate)?;
    Ok(Played { playground, succeeded })
}
