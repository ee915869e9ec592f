//! A `.zenflow/config.toml`, put together from what a test is about.

use std::fmt::{self, Display, Formatter, Write};

/// Whose verdicts tests write themselves: no reviewer that anybody could ask here, but without one a policy
/// protects nothing.
const REVIEWERS: &str = "[reviewers.codex]\napi = \"openai\"\nmodel = \"gpt-5\"\n\
                         [reviewers.gemini]\napi = \"google\"\nmodel = \"gemini-2.5-pro\"\n";

/// The config; every section may be added to more than once.
#[derive(Debug, Clone, Default)]
pub struct Config {
    run: String,
    review: String,
    gate: String,
    others: String,
}

impl Config {
    /// Without any setting.
    pub fn new() -> Config {
        Config::default()
    }

    /// `main` is protected, and the verdicts of [`Place::verdict`](super::Place::verdict) count: their reviewer
    /// is named, and has no key with which it could be asked.
    pub fn protected() -> Config {
        Config::new().gate("branches = [\"main\"]").names("codex", "openai")
    }

    /// `main` is protected, and no reviewer is asked during a merge: verdicts are only looked up.
    pub fn lookup_only() -> Config {
        Config::protected().gate("review_on_merge = false")
    }

    /// A line, or several, of `[run]`.
    pub fn run(mut self, lines: impl Display) -> Config {
        writeln!(self.run, "{lines}").unwrap();
        self
    }

    /// A line, or several, of `[review]`.
    pub fn review(mut self, lines: impl Display) -> Config {
        writeln!(self.review, "{lines}").unwrap();
        self
    }

    /// A line, or several, of `[gate]`.
    pub fn gate(mut self, lines: impl Display) -> Config {
        writeln!(self.gate, "{lines}").unwrap();
        self
    }

    /// Any other section.
    pub fn section(mut self, name: &str, lines: impl Display) -> Config {
        writeln!(self.others, "[{name}]\n{lines}").unwrap();
        self
    }

    /// An agent of that name and vendor, whose command is the executable of that name.
    pub fn agent(self, name: &str, vendor: &str) -> Config {
        self.section(&format!("agents.{name}"), format!("command = [\"{name}\"]\nvendor = \"{vendor}\""))
    }

    /// A reviewer whose verdicts count and that cannot be asked: nothing has a key for it.
    pub fn names(self, name: &str, vendor: &str) -> Config {
        let lines = format!("api = \"openai\"\nmodel = \"m-1\"\nvendor = \"{vendor}\"");
        self.section(&format!("reviewers.{name}"), lines)
    }

    /// The same, which reviews too.
    pub fn reviewer(self, name: &str, vendor: &str) -> Config {
        self.agent(name, vendor).section(&format!("reviewers.{name}"), format!("agent = \"{name}\""))
    }
}

impl Display for Config {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "version = 1")?;
        for (name, lines) in [("run", &self.run), ("review", &self.review)] {
            if !lines.is_empty() {
                write!(f, "[{name}]\n{lines}")?;
            }
        }
        f.write_str(&self.others)?;
        if !self.others.contains("[reviewers.") {
            f.write_str(REVIEWERS)?;
        }
        // Last, so that a test can add rules, which are tables of their own.
        if self.gate.is_empty() { Ok(()) } else { write!(f, "[gate]\n{}", self.gate) }
    }
}
