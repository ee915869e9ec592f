//! The whole story, played for real: a repository, real git, this very program, scripted agents.
//!
//! Every line that a person would type is run as typed, in a place of its own: its home, git
//! configuration and PATH have nothing of the machine's. After each step git itself is asked whether
//! what was told is true; if not, the demo fails. Only the agents are scripted, see [`act`].

mod agent;
mod place;
mod sample;
mod story;

pub use agent::act;
pub use place::Place;

use crate::domain::error::Result;
use crate::system::git;
use std::path::PathBuf;

/// What is told, in order.
#[derive(Debug, Clone, Copy)]
pub enum Beat<'a> {
    /// A new chapter.
    Chapter(&'a str),
    /// A sentence to the watcher.
    Say(&'a str),
    /// A command, as typed.
    Command(&'a str),
    /// A line that the command printed.
    Output(&'a str),
    /// What git itself says about a step: true, or not as told.
    Proof(&'a str, bool),
}

/// How it is played.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder to play in, missing or empty; none: a new one in the system's temporary folder.
    pub dir: Option<PathBuf>,
    /// Leave the tasks' worktrees too, which go when their work is committed.
    pub keep: bool,
}

/// What it came to.
#[derive(Debug)]
pub struct Played {
    /// Where everything is, for looking around.
    pub place: Place,
    /// Whether each step came out as told.
    pub true_to_story: bool,
}

/// Plays it.
pub fn play(options: &Options, tell: &mut dyn FnMut(Beat<'_>)) -> Result<Played> {
    // Asked before a folder is made that nobody would know of.
    git::version()?;
    let place = Place::make(options.dir.as_deref())?;
    tell(Beat::Say(&format!("It plays in {}.", place.root().display())));
    let true_to_story = story::play(&place, options.keep, tell)?;
    Ok(Played { place, true_to_story })
}
