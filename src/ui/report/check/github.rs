//! The answer as GitHub Actions shows it: annotations at the files, and a summary of the job's step.
//!
//! Workflow commands are lines (`::error file=…,line=…::…`) in which only `%` and line ends have a
//! meaning, and in properties `:` and `,` as well; a summary is Markdown in a file that the runner names.

use super::{Level, inert, inert_line, level, problems, relative, short, text, unexplained, who};
use crate::gate::check::{CheckReport, GateAnswer, PartOutcome};
use std::fmt::Write;

/// One workflow command per finding and per uncovered change, after the answer as text.
pub fn annotations(report: &CheckReport, counts: bool) -> String {
    let mut out = anstream::adapter::strip_str(&text(report, counts)).to_string();
    for (word, problem) in problems(&report.parts) {
        let finding = &problem.finding;
        let title = format!("{} by {}", finding.severity, who(word));
        let mut message = finding.body.trim().to_owned();
        if let Some(suggestion) = &finding.suggestion {
            let _ = write!(message, "\n\nSuggestion: {}", suggestion.trim());
        }
        let place = relative(&finding.path).map(|path| (path, finding.line));
        command(&mut out, level(problem), place, &title, &message);
    }
    for part in unexplained(&report.parts) {
        let place = part.files.iter().find(|file| !file.deleted).or(part.files.first());
        let place = place.and_then(|file| Some((std::str::from_utf8(&file.bytes).ok()?, None)));
        let reasons = [part.why.as_deref(), part.fix.as_deref()];
        let message = reasons.into_iter().flatten().collect::<Vec<_>>().join("\n");
        command(&mut out, Level::Error, place, "No verdict lets this change in", &message);
    }
    if report.answer == GateAnswer::CannotTell || (report.answer == GateAnswer::No && report.parts.is_empty())
    {
        let message = report.why.iter().chain(&report.fix).cloned().collect::<Vec<_>>().join("\n");
        command(&mut out, Level::Error, None, "git flow-ai check", &message);
    }
    for note in &report.notes {
        command(&mut out, Level::Note, None, "git flow-ai check", note);
    }
    out
}

fn command(out: &mut String, level: Level, place: Option<(&str, Option<u32>)>, title: &str, message: &str) {
    let name = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some((path, line)) = place {
        // A path that a terminal would obey is no file that GitHub shows.
        properties.push(format!("file={}", property(&inert_line(path))));
        properties.extend(line.filter(|line| *line > 0).map(|line| format!("line={line}")));
    }
    properties.push(format!("title={}", property(&inert_line(title))));
    let _ = writeln!(out, "::{name} {}::{}", properties.join(","), data(&inert(message)));
}

/// `actions/toolkit`'s `escapeData`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// `actions/toolkit`'s `escapeProperty`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The step's summary, in Markdown.
pub fn summary(report: &CheckReport) -> String {
    let mut out = String::new();
    let target = report.target.as_deref().map(markdown).unwrap_or_default();
    let head = match report.answer {
        GateAnswer::Yes => format!("May enter {target}"),
        GateAnswer::No => format!("May not enter {target}"),
        GateAnswer::CannotTell => "Cannot tell".to_owned(),
    };
    out.push_str("### git flow-ai check: ");
    let _ = writeln!(out, "{head}\n");
    let list = report.why.iter().chain(&report.notes).chain(&report.fix);
    for line in list {
        let _ = writeln!(out, "- {}", markdown(line));
    }
    if !report.parts.is_empty() {
        let _ = writeln!(out, "\n| commit | outcome | by |\n|---|---|---|");
    }
    for part in &report.parts {
        let outcome = match part.outcome {
            PartOutcome::Admitted => "admitted",
            PartOutcome::Waived => "waived",
            PartOutcome::Free => "free",
            PartOutcome::Blocked => "**blocked**",
            PartOutcome::Missing => "**missing**",
        };
        let by: Vec<String> = part.verdicts.iter().map(|word| markdown(&who(word))).collect();
        for commit in &part.commits {
            let subject = markdown(&commit.subject);
            let _ = writeln!(out, "| {} {subject} | {outcome} | {} |", short(&commit.id), by.join(", "));
        }
    }
    out
}

/// Text that Markdown shows as it is, on one line: no link, no HTML, no mention.
fn markdown(text: &str) -> String {
    let mut out = String::new();
    for c in inert_line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            c if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ';' | '/' | '\'') => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{data, markdown, property};

    #[test]
    fn nothing_ends_a_command_or_begins_one() {
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("a,b:c\n%"), "a%2Cb%3Ac%0A%25");
    }

    #[test]
    fn a_summary_shows_text_and_runs_none_of_it() {
        let hostile = "<img src=x> [a](http://b) `c` | d\n# e @all";
        assert_eq!(
            markdown(hostile),
            "&lt;img src\\=x\\> \\[a\\]\\(http\\://b\\) \\`c\\` \\| d \\# e &#64;all"
        );
    }
}
