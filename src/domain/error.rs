//! What is broken, and the way out.
//!
//! Errors are `anyhow` chains: each link says what we were doing. [`Hint`] attaches the sentence
//! that tells a person what to do next, [`Interrupted`] marks a Ctrl-C. What can be *expected* (a
//! rejecting reviewer, a failing agent) is never an error but a value of the journey that met it.

use std::fmt;

/// The result of anything that can break.
pub type Result<T, E = anyhow::Error> = std::result::Result<T, E>;

/// An error with the way out: `message` says what is wrong, `fix` what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Hint {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it: a command to run, or a sentence.
    pub fix: String,
    /// What it came from, where something else failed first.
    #[source]
    pub cause: Option<anyhow::Error>,
}

/// An error with the way out, to `return Err(...)` or `bail!` with.
pub fn hint(message: impl fmt::Display, fix: impl fmt::Display) -> anyhow::Error {
    anyhow::Error::new(Hint { message: message.to_string(), fix: fix.to_string(), cause: None })
}

/// The same on top of what failed. `Error::context(hint(…))` would not do: anyhow hides the type of a
/// context, so that nobody would find the way out in the chain.
pub fn hint_on(cause: anyhow::Error, message: impl fmt::Display, fix: impl fmt::Display) -> anyhow::Error {
    let (message, fix) = (message.to_string(), fix.to_string());
    anyhow::Error::new(Hint { message, fix, cause: Some(cause) })
}

/// What each link of the chain says, the outermost first.
pub fn messages(error: &anyhow::Error) -> Vec<String> {
    error.chain().map(ToString::to_string).collect()
}

/// The hints of the chain, the outermost first.
pub fn fixes(error: &anyhow::Error) -> impl Iterator<Item = &str> {
    error.chain().filter_map(|link| Some(link.downcast_ref::<Hint>()?.fix.as_str()))
}

/// The candidate that a misspelt word most probably means; none where nothing is alike.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |candidate: &&str| strsim::jaro_winkler(word, candidate);
    let best = candidates.into_iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    // Below this, two words are unrelated: the threshold of the suggestions for misspelt commands.
    (alike(&best) > 0.7).then_some(best)
}

/// The person pressed Ctrl-C, or we were told to terminate: exit status 130.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// The documented exit statuses, see EXIT STATUS in `git-flow-ai(1)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: yes, done.
    Yes,
    /// 1: no: refused, or some task failed.
    No,
    /// 2: could not tell or could not do: usage, environment, no reviewer.
    CannotTell,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::CannotTell => 2,
            Exit::Interrupted => 130,
        }
    }

    /// The status for an error that reached `main`.
    pub fn from_error(error: &anyhow::Error) -> Exit {
        if error.chain().any(|cause| cause.is::<Interrupted>()) {
            Exit::Interrupted
        } else {
            Exit::CannotTell
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, Interrupted, hint_on};

    #[test]
    fn what_an_error_is_stays_to_be_seen_below_a_hint() {
        let error = hint_on(Interrupted.into(), "the review broke off", "try again").context("in vain");
        assert_eq!(Exit::from_error(&error), Exit::Interrupted);
        assert_eq!(error.chain().count(), 3, "no link is told twice");
    }
}
