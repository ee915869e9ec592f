//! The answer of `git flow-ai check` in the forms that people and CI services read.
//!
//! Its texts were written by models and by the authors of the commits, and they are printed where a
//! line may be a command to the machine that runs the job: so they pass `inert`, whatever the form.

mod github;
mod sarif;
mod text;

pub use github::{annotations, summary};
pub use sarif::sarif;
pub use text::text;

use super::{plain, short};
use crate::domain::verdict::Severity;
use crate::gate::check::{PartOutcome, ReportPart, ReportedFinding, ReportedVerdict};

/// How loud a result is, in the words of GitHub and SARIF alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Note,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// What blocks is an error, a matter of taste a note, and the rest a warning.
fn level(problem: &ReportedFinding) -> Level {
    match problem.finding.severity {
        _ if problem.blocks => Level::Error,
        Severity::P3 => Level::Note,
        _ => Level::Warning,
    }
}

/// Text in which no line is a command to a CI service (`::error::…`, `##[group]…`) or to a terminal.
fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in plain(text).split_inclusive('\n') {
        let rest = line.trim_start();
        out.push_str(&line[..line.len() - rest.len()]);
        let rest = match rest.strip_prefix("::") {
            Some(rest) => {
                out.push_str(": :");
                rest
            }
            None => rest,
        };
        out.push_str(&rest.replace("##", "# #"));
    }
    out
}

/// The same on one line.
fn inert_line(text: &str) -> String {
    inert(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A path of the repository that a reviewer named; `None` if it could be a path of anything else.
fn relative(path: &str) -> Option<&str> {
    let is_plain = !path.is_empty()
        && !path.starts_with('/')
        && !path.contains(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    is_plain.then_some(path)
}

/// Every finding of the report with whose it is, each once.
fn problems(parts: &[ReportPart]) -> impl Iterator<Item = (&ReportedVerdict, &ReportedFinding)> {
    let words = parts.iter().flat_map(|part| &part.verdicts);
    words.flat_map(|word| word.findings.iter().map(move |problem| (word, problem)))
}

/// The uncovered parts that no blocking finding of theirs explains.
fn unexplained(parts: &[ReportPart]) -> impl Iterator<Item = &ReportPart> {
    parts.iter().filter(|part| {
        let explained = part.verdicts.iter().any(|word| word.findings.iter().any(|problem| problem.blocks));
        part.outcome == PartOutcome::Missing || (part.outcome == PartOutcome::Blocked && !explained)
    })
}

/// `codex (openai)`
fn who(word: &ReportedVerdict) -> String {
    format!("{} ({})", inert_line(&word.reviewer.name), word.reviewer.vendor)
}

#[cfg(test)]
mod tests {
    use super::{inert, relative};

    #[test]
    fn no_text_is_a_command_to_what_runs_the_job() {
        for (hostile, harmless) in [
            ("::error::x", ": :error::x"),
            ("fine\n  ::set-output name=a::b\n", "fine\n  : :set-output name=a::b\n"),
            ("fine\r\n::stop-commands::x", "fine\n: :stop-commands::x"),
            ("x ##[error]y ##vso[task.complete]", "x # #[error]y # #vso[task.complete]"),
            ("a\u{1b}]0;t\u{7}\r::error::z", "a␛]0;t␇␍::error::z"),
        ] {
            assert_eq!(inert(hostile), harmless);
        }
        assert_eq!(inert("std::fmt and # a head\n"), "std::fmt and # a head\n");
    }

    #[test]
    fn only_what_is_a_path_of_the_repository_is_shown_as_one() {
        for path in ["src/a b.rs", "ä", "a:b", "..a/b"] {
            assert_eq!(relative(path), Some(path));
        }
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a\nb", "./a"] {
            assert_eq!(relative(path), None, "{path}");
        }
    }
}
