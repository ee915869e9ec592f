//! Events as prefixed lines, for pipes, logs and terminals that cannot redraw.
//!
//! `[task] working: claude edits src/a.rs`. An event is a line, and each finding that sends a task back
//! one more, all with the task's prefix, so that `grep '^\[api\]'` shows one
//! task's story. What repeats itself, usage for instance, is left out.

use super::progress::{self, RunProgress, TaskProgress};
use super::{err, first_line, short, state_style};
use crate::domain::change::Vendor;
use crate::domain::event::{Activity, Event, TaskState, What};
use crate::domain::text::units::duration;
use crate::domain::verdict::Decision;
use std::io::Write;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Prints them until every sender has gone.
pub fn show(events: &Receiver<Event>) {
    let mut progress = RunProgress::default();
    for event in events {
        if let Some(line) = line(&event, progress.apply(&event)) {
            // A full disk under the log must not stop the agents: the journal has it all.
            let _ = writeln!(err(), "{line}");
        }
    }
}

/// The line of an event, `task` being its task's progress with it; `None` if it needs no line.
pub fn line(event: &Event, task: &TaskProgress) -> Option<String> {
    let text = describe(&event.what, task)?;
    let Some(id) = &event.task else { return Some(text) };
    let id = first_line(id, 60);
    let mut lines = format!("[{id}] {text}");
    // Outside a run the findings are the answer, which the command prints itself.
    if let What::Judged { blocking, .. } = &event.what {
        for finding in blocking {
            lines.push_str(&format!("\n[{id}]   {}", super::findings::headline(finding)));
        }
    }
    Some(lines)
}

fn describe(what: &What, task: &TaskProgress) -> Option<String> {
    Some(match what {
        What::RunStarted { run, spec, base, tasks, parallel } => format!(
            "run {run} of {spec}: {} {} from {}, at most {parallel} at once",
            tasks.len(),
            if tasks.len() == 1 { "task" } else { "tasks" },
            short(base)
        ),
        What::State { state, attempt, .. } => {
            let colour = state_style(*state);
            let attempt = if *attempt > 1 { format!("attempt {attempt}") } else { String::new() };
            let details = [task.agent.as_str(), &attempt, &task.last];
            let details: Vec<&str> = details.into_iter().filter(|part| !part.is_empty()).collect();
            let separator = if details.is_empty() { "" } else { ": " };
            format!("{colour}{state}{colour:#}{separator}{}", details.join(", "))
        }
        // What follows from it comes at once: verification, another attempt, the end.
        What::Activity(Activity::Usage(_)) | What::AttemptFinished { .. } | What::Parked { .. } => {
            return None;
        }
        // A reviewer's text is its answer in JSON, which is shown as what it decides.
        What::Activity(Activity::Text { .. }) if task.state == Some(TaskState::InReview) => return None,
        What::Activity(activity) => {
            let text = progress::describe(activity)?;
            let state = task.state.map(|state| state.to_string());
            let agent = if task.agent.is_empty() { "agent" } else { &task.agent };
            match state {
                Some(state) => format!("{state}: {agent} {text}"),
                None => format!("{agent} {text}"),
            }
        }
        What::Output { line } => format!("  {}", first_line(line, 300)),
        What::Judged { reviewer, vendor, decision, blocking, findings } => {
            judged(reviewer, vendor, *decision, blocking.len(), *findings)
        }
        What::TaskFinished { outcome, attempts, seconds, usage, .. } => {
            finished(outcome, *attempts, *seconds, progress::usage(*usage))
        }
        What::Merged { commit, tasks } => {
            format!("merged {} into the result, now at {}", tasks.join(", "), short(commit))
        }
        What::Progress { message } => first_line(message, 300),
        What::Warning { message } => format!("warning: {}", super::plain(message)),
        What::RunFinished { done, failed, seconds, usage } => {
            let usage = progress::usage(*usage);
            let separator = if usage.is_empty() { "" } else { ", " };
            format!(
                "{done} done, {failed} failed, {}{separator}{usage}",
                duration(Duration::from_secs(*seconds))
            )
        }
    })
}

/// What a reviewer decided: `codex (openai): REQUEST CHANGES, 2 findings, 1 blocks`.
fn judged(reviewer: &str, vendor: &Vendor, decision: Decision, blocking: usize, findings: usize) -> String {
    let count = match findings {
        0 => String::new(),
        1 => ", 1 finding".into(),
        _ => format!(", {findings} findings"),
    };
    let blocks = match blocking {
        0 => String::new(),
        1 => ", 1 blocks".into(),
        _ => format!(", {blocking} block"),
    };
    format!("{} ({}): {}{count}{blocks}", first_line(reviewer, 40), first_line(vendor.as_str(), 40), decision)
}

/// How a task ended: `done after 2 attempts, 1m 5s, 12.3k tokens`.
fn finished(outcome: &str, attempts: u32, seconds: u64, usage: String) -> String {
    let attempts = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
    let separator = if usage.is_empty() { "" } else { ", " };
    format!(
        "{}{attempts}, {}{separator}{usage}",
        first_line(outcome, 200),
        duration(Duration::from_secs(seconds))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Usage;
    use crate::domain::verdict::{Finding, Severity};
    use jiff::Timestamp;

    #[test]
    fn a_tasks_story_reads_line_by_line() {
        let mut progress = RunProgress::default();
        let mut shown = |what| {
            let event = Event { at: Timestamp::UNIX_EPOCH, task: Some("api".into()), what };
            let line = line(&event, progress.apply(&event))?;
            Some(anstream::adapter::strip_str(&line).to_string())
        };
        let state = |state, attempt, detail: &str| What::State {
            state,
            attempt,
            agent: "claude".into(),
            detail: detail.into(),
        };
        assert_eq!(shown(state(TaskState::Working, 1, "")).unwrap(), "[api] working: claude");
        let tool = Activity::Tool { name: "Edit".into(), detail: "src/a.rs".into() };
        assert_eq!(shown(What::Activity(tool)).unwrap(), "[api] working: claude edits src/a.rs");
        assert_eq!(shown(What::Activity(Activity::Usage(Usage::default()))), None);
        let hostile = Activity::Text { text: "\u{1b}]0;owned\u{7} done\nand more".into() };
        assert_eq!(shown(What::Activity(hostile)).unwrap(), "[api] working: claude says: ␛]0;owned␇ done");
        assert_eq!(
            shown(state(TaskState::Working, 2, "the review found a bug")).unwrap(),
            "[api] working: claude, attempt 2, the review found a bug"
        );
        let judged = What::Judged {
            reviewer: "codex".into(),
            vendor: Vendor::new("openai"),
            decision: Decision::RequestChanges,
            blocking: vec![Finding {
                path: "src/a.rs".into(),
                line: Some(7),
                severity: Severity::P1,
                body: "Off by one.\nIt never ends.".into(),
                suggestion: None,
            }],
            findings: 2,
        };
        assert_eq!(
            shown(judged).unwrap(),
            "[api] codex (openai): REQUEST CHANGES, 2 findings, 1 blocks\n[api]   src/a.rs:7: P1 Off by one."
        );
    }
}
