//! The progress of a run, read from its events: what bars and lines show.
//!
//! Pure: events go in, the state of each task comes out. It keeps what one event does not say but a
//! reader wants to see beside it: which agent is at work, since when, and what it did last.

use super::first_line;
use crate::domain::event::{Activity, Event, TaskState, Usage, What};
use crate::domain::text::units::duration;
use indexmap::IndexMap;
use jiff::Timestamp;
use std::time::Duration;

/// All tasks that events are about, in the order in which they came.
#[derive(Debug, Default)]
pub struct RunProgress {
    /// By the task's id; `None` is work that belongs to no task.
    pub tasks: IndexMap<Option<String>, TaskProgress>,
    /// How many tasks the run has; 0 outside a run.
    pub total: usize,
    pub over: usize,
}

/// What one task is doing.
#[derive(Debug, Clone)]
pub struct TaskProgress {
    /// Its state; `None` before the first one.
    pub state: Option<TaskState>,
    pub agent: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Since when it is at work.
    pub since: Timestamp,
    /// What was done last, in a few words.
    pub last: String,
    /// Until when it waits, where that is known.
    pub until: Option<Timestamp>,
    /// What has been used: by the attempts before, and by the process at work.
    used: (Usage, Usage),
    pub over: bool,
}

impl TaskProgress {
    pub fn usage(&self) -> Usage {
        self.used.0.plus(self.used.1)
    }
}

impl RunProgress {
    /// Takes an event in and returns the task that it changed.
    pub fn apply(&mut self, event: &Event) -> &TaskProgress {
        let task = self.tasks.entry(event.task.clone()).or_insert_with(|| TaskProgress {
            state: None,
            agent: String::new(),
            attempt: 1,
            since: event.at,
            last: String::new(),
            until: None,
            used: Default::default(),
            over: false,
        });
        match &event.what {
            What::RunStarted { tasks, .. } => self.total = tasks.len(),
            What::State { state, attempt, agent, detail } => {
                task.state = Some(*state);
                task.attempt = *attempt;
                task.agent = first_line(agent, 30);
                task.last = first_line(detail, 120);
                task.until = None;
            }
            What::Parked { until, .. } => task.until = Some(*until),
            What::Activity(activity) => task.apply(activity),
            What::Output { line } => task.last = first_line(line, 120),
            What::Progress { message } => task.last = first_line(message, 120),
            What::TaskFinished { .. } => {
                task.over = true;
                self.over += 1;
            }
            What::Judged { .. }
            | What::AttemptFinished { .. }
            | What::Merged { .. }
            | What::Warning { .. }
            | What::RunFinished { .. } => {}
        }
        task
    }

    /// The sum of what all tasks have used.
    pub fn usage(&self) -> Usage {
        self.tasks.values().map(TaskProgress::usage).fold(Usage::default(), Usage::plus)
    }
}

impl TaskProgress {
    fn apply(&mut self, activity: &Activity) {
        match activity {
            Activity::Started { .. } => self.used = (self.usage(), Usage::default()),
            // An agent reports the sum since it was started, again and again.
            Activity::Usage(usage) => self.used.1 = *usage,
            _ => {}
        }
        if let Some(text) = describe(activity) {
            self.last = text;
        }
    }
}

/// An activity in a few words that follow the agent's name: `edits src/a.rs`.
pub fn describe(activity: &Activity) -> Option<String> {
    Some(match activity {
        Activity::Started { model: Some(model), .. } => format!("starts, with {}", first_line(model, 40)),
        Activity::Started { model: None, .. } => "starts".into(),
        Activity::Tool { name, detail } => {
            let detail = first_line(detail, 100);
            let separator = if detail.is_empty() { "" } else { " " };
            format!("{}{separator}{detail}", verb(name))
        }
        Activity::Text { text } => {
            let line = first_line(text, 120);
            if line.is_empty() {
                return None;
            }
            format!("says: {line}")
        }
        Activity::Usage(_) | Activity::Process { .. } => return None,
        Activity::Waiting { what } => format!("asks: {}", first_line(what, 120)),
        Activity::RateLimited { seconds: Some(seconds), .. } => {
            format!("was told to wait for {}", duration(Duration::from_secs(*seconds)))
        }
        Activity::RateLimited { seconds: None, .. } => "was told to wait".into(),
        Activity::Retrying { why } => format!("tries again: {}", first_line(why, 100)),
    })
}

/// The same verb for the same kind of tool, whichever agent's it is.
fn verb(tool: &str) -> String {
    let name = tool.to_lowercase().replace(['_', '-'], "");
    match name.as_str() {
        "edit" | "multiedit" | "write" | "editfile" | "writefile" | "replace" | "applypatch"
        | "filechange" | "create" | "strreplace" | "patch" => "edits".into(),
        "read" | "readfile" | "readmanyfiles" | "view" => "reads".into(),
        "bash" | "shell" | "runshellcommand" | "commandexecution" | "exec" | "execcommand" => "runs".into(),
        "grep" | "glob" | "search" | "searchfilecontent" | "ls" | "list" | "listdirectory" => {
            "looks for".into()
        }
        _ => format!("uses {}", first_line(tool, 40)),
    }
}

/// Usage for people: `12.3k tokens, $0.41`; empty when nothing was reported.
pub fn usage(usage: Usage) -> String {
    let tokens = usage.input_tokens + usage.output_tokens;
    let tokens = match tokens {
        0 => String::new(),
        1..1000 => format!("{tokens} tokens"),
        1000..1_000_000 => format!("{:.1}k tokens", tokens as f64 / 1e3),
        _ => format!("{:.1}M tokens", tokens as f64 / 1e6),
    };
    let cost = usage.cost.map(|dollars| format!("${dollars:.2}")).unwrap_or_default();
    let separator = if tokens.is_empty() || cost.is_empty() { "" } else { ", " };
    format!("{tokens}{separator}{cost}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(what: What) -> Event {
        Event { at: Timestamp::UNIX_EPOCH, task: Some("a".into()), what }
    }

    #[test]
    fn an_agents_usage_counts_once_per_process_however_often_it_is_reported() {
        let mut progress = RunProgress::default();
        let tokens = |input_tokens| Activity::Usage(Usage { input_tokens, output_tokens: 0, cost: None });
        let started = || Activity::Started { session: None, model: None };
        for activity in [started(), tokens(10), tokens(100), started(), tokens(5), tokens(7)] {
            progress.apply(&event(What::Activity(activity)));
        }
        assert_eq!(progress.usage().input_tokens, 107);
    }

    #[test]
    fn tools_of_all_agents_are_shown_in_the_same_words() {
        let tool =
            |name: &str| describe(&Activity::Tool { name: name.into(), detail: "a.rs".into() }).unwrap();
        assert_eq!(tool("Edit"), "edits a.rs");
        assert_eq!(tool("write_file"), "edits a.rs");
        assert_eq!(tool("apply_patch"), "edits a.rs");
        assert_eq!(tool("mcp__browser__click"), "uses mcp__browser__click a.rs");
    }

    #[test]
    fn numbers_are_short() {
        let used = Usage { input_tokens: 12_000, output_tokens: 345, cost: Some(0.411) };
        assert_eq!(usage(used), "12.3k tokens, $0.41");
        assert_eq!(usage(Usage::default()), "");
    }
}
