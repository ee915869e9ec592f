//! Events as one line per task at work, changed in place, by indicatif.
//!
//! A line holds state, agent, time, what was done last and what was used, cut to the terminal's
//! width, so that it never wraps and never flickers. What is over leaves one plain line above.

use super::lines;
use super::progress::{self, RunProgress, TaskProgress};
use super::{first_line, state_style};
use crate::domain::event::{Event, What};
use crate::domain::text::units::duration;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often clocks and spinners move.
const TICK: Duration = Duration::from_millis(120);

/// Shows them until every sender has gone.
pub fn show(events: &Receiver<Event>) {
    let mut screen = Screen::new();
    loop {
        match events.recv_timeout(TICK) {
            Ok(event) => {
                screen.apply(&event);
                // Whatever waits already is taken in before anything is drawn.
                events.try_iter().for_each(|event| screen.apply(&event));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        screen.draw();
    }
    screen.clear();
}

struct Screen {
    multi: MultiProgress,
    bars: HashMap<Option<String>, ProgressBar>,
    total: Option<ProgressBar>,
    progress: RunProgress,
    started: Timestamp,
    colours: bool,
}

impl Screen {
    fn new() -> Screen {
        let choice = anstream::AutoStream::choice(&std::io::stderr());
        Screen {
            multi: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12)),
            bars: HashMap::new(),
            total: None,
            progress: RunProgress::default(),
            started: Timestamp::now(),
            colours: choice != anstream::ColorChoice::Never,
        }
    }

    fn apply(&mut self, event: &Event) {
        let task = self.progress.apply(event).clone();
        let stays = matches!(
            event.what,
            What::RunStarted { .. }
                | What::Judged { .. }
                | What::TaskFinished { .. }
                | What::Merged { .. }
                | What::Warning { .. }
        );
        if stays && let Some(line) = lines::line(event, &task) {
            let line = if self.colours { line } else { anstream::adapter::strip_str(&line).to_string() };
            // A terminal that has gone does not stop the run.
            let _ = self.multi.println(line);
        }
        if matches!(event.what, What::RunStarted { .. }) {
            self.total = Some(self.multi.add(bar()));
        }
        if task.over {
            if let Some(bar) = self.bars.remove(&event.task) {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
        } else if is_work(&event.what) && !self.bars.contains_key(&event.task) {
            let new = match &self.total {
                Some(total) => self.multi.insert_before(total, bar()),
                None => self.multi.add(bar()),
            };
            self.bars.insert(event.task.clone(), new);
        }
    }

    fn draw(&self) {
        let now = Timestamp::now();
        let width = usize::from(console::Term::stderr().size().1).saturating_sub(4).max(20);
        for (id, bar) in &self.bars {
            if let Some(task) = self.progress.tasks.get(id) {
                let text = describe(id.as_deref(), task, now, self.colours);
                bar.set_message(console::truncate_str(&text, width, "…").into_owned());
                bar.tick();
            }
        }
        if let Some(total) = &self.total {
            let running = self.bars.keys().flatten().count();
            let used = progress::usage(self.progress.usage());
            let separator = if used.is_empty() { "" } else { " · " };
            total.set_message(format!(
                "{} of {} done · {running} at work · {}{separator}{used}",
                self.progress.over,
                self.progress.total,
                duration(elapsed(self.started, now)),
            ));
            total.tick();
        }
    }

    fn clear(&self) {
        // As above.
        let _ = self.multi.clear();
    }
}

/// Whether it gives a task a line of its own: work, not news of work that is over.
fn is_work(what: &What) -> bool {
    matches!(what, What::State { .. } | What::Activity(_) | What::Output { .. } | What::Progress { .. })
}

fn bar() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "))
}

/// `api · working 1m 5s · claude · edits src/a.rs · 12.3k tokens`
fn describe(id: Option<&str>, task: &TaskProgress, now: Timestamp, colours: bool) -> String {
    let mut parts = Vec::new();
    parts.extend(id.map(|id| first_line(id, 40)));
    let elapsed = match task.until {
        Some(until) => format!("{} more", duration(elapsed(now, until))),
        None => duration(elapsed(task.since, now)),
    };
    match task.state {
        Some(state) if colours => {
            let colour = state_style(state);
            parts.push(format!("{colour}{state}{colour:#} {elapsed}"));
        }
        Some(state) => parts.push(format!("{state} {elapsed}")),
        None => parts.push(elapsed),
    }
    parts.push(task.agent.clone());
    if task.attempt > 1 {
        parts.push(format!("attempt {}", task.attempt));
    }
    parts.push(progress::usage(task.usage()));
    // Last, since it is what may be cut.
    parts.push(task.last.clone());
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Activity, TaskState, Usage};

    #[test]
    fn a_line_shows_state_agent_time_and_the_last_act() {
        let mut progress = RunProgress::default();
        let mut apply = |what| {
            progress.apply(&Event { at: Timestamp::UNIX_EPOCH, task: Some("api".into()), what });
        };
        apply(What::State {
            state: TaskState::Working,
            attempt: 2,
            agent: "claude".into(),
            detail: String::new(),
        });
        apply(What::Activity(Activity::Usage(Usage { input_tokens: 1500, output_tokens: 0, cost: None })));
        apply(What::Activity(Activity::Tool { name: "Edit".into(), detail: "a\u{1b}[2Jb.rs".into() }));
        let task = &progress.tasks[&Some("api".into())];
        let now = Timestamp::from_second(65).unwrap();
        assert_eq!(
            describe(Some("api"), task, now, false),
            "api · working 1m 5s · claude · attempt 2 · 1.5k tokens · edits a␛[2Jb.rs"
        );
    }
}
