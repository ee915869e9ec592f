//! The end of a run: a table of its tasks, what went wrong with each, and what comes next.

use super::progress::usage;
use super::table::{Cell, Table};
use super::{json as print_json, plain};
use crate::commands::run::{Summary, TaskOutcome, TaskReport};
use crate::domain::error::Result;
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::domain::text::units::duration;
use serde::Serialize;
use std::fmt::Write;

/// The summary as the last line of a stream of events.
pub fn json(summary: &Summary) -> Result<()> {
    #[derive(Serialize)]
    struct Last<'a> {
        event: &'static str,
        #[serde(flatten)]
        summary: &'a Summary,
    }
    print_json(&Last { event: "summary", summary })
}

pub fn text(summary: &Summary, slug: &Slug) -> String {
    let mut table = Table::new(["task", "agent", "attempts", "outcome", "time", "used", "verdict"]);
    for task in &summary.tasks {
        table.row(row(task));
    }
    let mut text = table.render();
    for task in &summary.tasks {
        if let Some(sentence) = task.outcome.sentence() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{}: {}\n", task.task, indented(&sentence));
            if let Some(fix) = task.outcome.fix(slug, &task.task) {
                let _ = writeln!(text, "  next: {fix}");
            }
        }
        if let Some(path) = &task.kept {
            let _ =
                writeln!(text, "{}: its worktree is kept: {}", task.task, plain(&path.display().to_string()));
        }
    }
    if let Some(budget) = &summary.budget {
        let spent = if budget.spent { ", spent: nothing new was started" } else { "" };
        let _ = write!(text, "\nbudget: {}{spent}\n", budget.used);
        if !budget.unreported.is_empty() {
            let names = budget.unreported.join(", ");
            let _ = writeln!(text, "  not counted, since they do not report it: {}", plain(&names));
        }
    }
    if let Some((sentence, next)) = summary.of_result(slug) {
        let _ = write!(text, "\n{}\n  next: {next}\n", indented(&sentence));
    } else if summary.stopped {
        text.push_str(&command_line!("\nstopped; nothing is lost\n  next: git flow-ai run {}\n", slug));
    }
    text
}

fn row(task: &TaskReport) -> [Cell; 7] {
    let word = task.outcome.word();
    let outcome = match &task.outcome {
        TaskOutcome::Stopped
        | TaskOutcome::Blocked { .. }
        | TaskOutcome::Unreviewed
        | TaskOutcome::RateLimited { .. }
        | TaskOutcome::BudgetSpent { .. } => Cell::pending(word),
        outcome if outcome.is_success() => Cell::good(word),
        _ => Cell::bad(word),
    };
    let time = match task.attempts {
        0 if task.duration.as_secs() == 0 => String::new(),
        _ => duration(task.duration),
    };
    [
        task.task.as_str().into(),
        task.agent.as_str().into(),
        Cell::number(task.attempts.to_string()),
        outcome,
        Cell::number(time),
        usage(task.usage).into(),
        task.verdict.as_deref().unwrap_or_default().into(),
    ]
}

/// A text of several lines, those after the first set in; control characters shown.
fn indented(text: &str) -> String {
    plain(text.trim_end()).replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::ResultReport;
    use crate::domain::event::Usage;
    use std::time::Duration;

    #[test]
    fn a_summary_shows_every_task_what_went_wrong_and_what_comes_next() {
        let task = |id: &str, attempts, outcome, verdict: Option<&str>| TaskReport {
            task: id.into(),
            agent: "claude".into(),
            attempts,
            outcome,
            duration: Duration::from_secs(65),
            usage: Usage { input_tokens: 1200, output_tokens: 34, cost: Some(0.5) },
            verdict: verdict.map(str::to_owned),
            head: None,
            kept: None,
        };
        let failed = TaskOutcome::AgentFailed { why: "no\nkey \u{1b}[2J".into() };
        let summary = Summary {
            run: "r".into(),
            spec: "demo".into(),
            tasks: vec![
                task("api", 2, TaskOutcome::Done, Some("APPROVE by codex (openai)")),
                task("web", 3, failed, None),
            ],
            result: ResultReport::Partial,
            usage: Usage::default(),
            budget: None,
            stopped: false,
            duration: Duration::from_secs(70),
        };
        let text = anstream::adapter::strip_str(&text(&summary, &"demo".parse().unwrap())).to_string();
        assert_eq!(
            text,
            "TASK  AGENT   ATTEMPTS  OUTCOME       TIME   USED                VERDICT\n\
             api   claude         2  done          1m 5s  1.2k tokens, $0.50  APPROVE by codex (openai)\n\
             web   claude         3  agent failed  1m 5s  1.2k tokens, $0.50\n\
             \n\
             web: its agent failed: no\n  key ␛[2J\n  \
             next: git flow-ai log demo web shows what it did; then git flow-ai run demo --task web --retry\n\
             \n\
             what is done is merged into flow/demo/result; the rest is not done yet\n  \
             next: git flow-ai run demo --retry\n"
        );
    }
}
