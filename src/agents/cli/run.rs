//! One run of an agent: start, listen, watch the clocks, stop, judge.

use super::ending;
use super::prepare::Prepared;
use super::seed;
use super::summary::{short, summary};
use super::transcript::Transcript;
use super::{Agent, AgentReport, Ending, Job, Limit};
use crate::agents::sandbox::{SandboxGuard, SandboxedCommand};
use crate::domain::error::Result;
use crate::domain::event::Activity;
use crate::domain::presets::{EventReader, Observed, Wait};
use crate::domain::{phrases, retry_time};
use crate::system::process::identity::Identity;
use crate::system::process::stop::Stop;
use crate::system::process::tree::Tree;
use crate::system::process::tty_wait::TtyWait;
use crate::system::secrets::LineRedactor;
use jiff::{Timestamp, Zoned};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The shortest time between two texts that are passed on: people do not read a flood.
const BETWEEN_TEXTS: Duration = Duration::from_millis(50);

/// One that prints nothing for so long may be waiting for an answer.
const QUIET: Duration = Duration::from_secs(60);

/// How long an agent may wait for limits by itself, without having done anything in between. It keeps
/// its place meanwhile; after that others get it.
const LIMITED: Duration = Duration::from_secs(120);

/// Why we no longer wait.
enum Finish {
    /// The process has ended.
    Exited(ExitStatus),
    CutShort(Ending),
}

/// Runs it to its end; its home is there as long as the guard.
pub async fn run(
    agent: &Agent,
    job: &Job,
    stop: &Stop,
    on: impl FnMut(Activity),
) -> Result<(AgentReport, SandboxGuard)> {
    let begun = Instant::now();
    let mut prepared = Prepared::new(agent, job)?;
    let transcript = Transcript::open(job.transcript.as_deref())?;
    let SandboxedCommand { command, wrappers, guard } =
        prepared.sandboxed(agent, job, seed::of(agent, job))?;
    let (mut tree, mut output) = Tree::start(command, prepared.input(job), wrappers)?;
    let mut handler = OutputHandler::new(job, &mut *prepared.reader, transcript, on);
    if let Some(Identity { pid, started, boot }) = tree.identity() {
        (handler.on)(Activity::Process { pid, started, boot });
    }
    let mut stop = stop.clone();
    let mut open = true;
    let finish = loop {
        tokio::select! {
            line = output.next(), if open => match line {
                Some((line, from_err)) => handler.line(line, from_err),
                None => open = false,
            },
            status = tree.ended() => break Finish::Exited(status?),
            () = sleep_until(handler.quiet_until) => break Finish::CutShort(handler.timed_out(Ending::Silent)),
            () = sleep_until(handler.deadline) => break Finish::CutShort(handler.timed_out(Ending::TimedOut)),
            () = sleep_until(handler.tty_wait.due()) => if let Some(what) = handler.tty_wait.look(tree.waiter(), output.unfinished()) {
                break Finish::CutShort(Ending::WaitingForPerson(handler.with_context(&what)));
            },
            () = sleep_until(handler.limited_until()) => break Finish::CutShort(handler.timed_out(Ending::Silent)),
            () = stop.wait() => break Finish::CutShort(Ending::Stopped),
        }
        if let Some(ending) = handler.early_exit.take() {
            break Finish::CutShort(ending);
        }
    };
    tree.finish(&mut output, |line, from_err| handler.line(line, from_err)).await;
    for text in guard.stopped() {
        (handler.on)(Activity::Text { text });
    }
    let last = handler.last_activity();
    let OutputHandler { mut observed, early_exit, .. } = handler;
    let mut was_killed = false;
    let ending = match finish {
        Finish::CutShort(ending) => ending,
        Finish::Exited(status) => {
            was_killed = ending::is_killed(status);
            observed.asides.iter_mut().for_each(|line| *line = short(line));
            let report = prepared.report();
            prepared.reader.ended(status, &report, &mut observed);
            // Its last words may have been a question.
            let question = early_exit.filter(|_| observed.final_event.is_none());
            match question.unwrap_or_else(|| ending::after_exit(&observed, status)) {
                Ending::Failed(why) => Ending::Failed(match guard.guess(&why) {
                    Some(guess) => format!("{why}; {guess}"),
                    None => why,
                }),
                ending => ending,
            }
        }
    };
    let report = AgentReport {
        ending,
        text: observed.text,
        earlier: observed.earlier,
        went_on: observed.went_on,
        was_killed,
        usage: observed.usage,
        session: observed.session,
        model: observed.model,
        duration: begun.elapsed(),
        last,
    };
    Ok((report, guard))
}

/// Handles what an agent prints, and keeps the clocks.
struct OutputHandler<'a, F> {
    on: F,
    reader: &'a mut dyn EventReader,
    observed: Observed,
    transcript: Transcript,
    redactor: LineRedactor,
    /// The folder that it works in, as it begins the paths that it names.
    dir_prefix: String,
    silence: Duration,
    quiet_until: Instant,
    deadline: Instant,
    next_text: Instant,
    tty_wait: TtyWait,
    /// Since when it has met nothing but limits.
    limited_since: Option<Instant>,
    /// Its last activity in a few words, and when that was.
    last: Option<(String, Instant)>,
    early_exit: Option<Ending>,
}

impl<'a, F: FnMut(Activity)> OutputHandler<'a, F> {
    fn new(
        job: &Job,
        reader: &'a mut dyn EventReader,
        transcript: Transcript,
        on: F,
    ) -> OutputHandler<'a, F> {
        let now = Instant::now();
        OutputHandler {
            on,
            reader,
            observed: Observed::default(),
            transcript,
            redactor: LineRedactor::default(),
            dir_prefix: format!("{}/", job.scope.dir.display()),
            silence: job.silence,
            quiet_until: now + job.silence,
            deadline: now + job.timeout,
            next_text: now,
            tty_wait: TtyWait::new(QUIET.min(job.silence / 2)),
            limited_since: None,
            last: None,
            early_exit: None,
        }
    }

    fn line(&mut self, line: String, from_err: bool) {
        let now = Instant::now();
        self.quiet_until = now + self.silence;
        self.tty_wait.printed(&line);
        if from_err {
            self.reader.error_line(&line, &mut self.observed);
        } else {
            self.reader.line(&line, &mut self.observed);
        }
        if let Some(stray) = self.observed.stray.take().filter(|line| phrases::asks_person(line)) {
            self.observed.waits(&stray);
        }
        for activity in std::mem::take(&mut self.observed.activities) {
            let activity = self.understood(activity, from_err);
            self.adjust_clocks(&activity, now);
            if let Some(summary) = summary(&activity) {
                self.last = Some((summary.replace(&self.dir_prefix, ""), now));
            }
            self.pass_on(activity, now);
        }
        if let Some(text) = self.transcript.add(line, from_err) {
            (self.on)(Activity::Text { text });
        }
    }

    /// An activity without secrets, and a fault as the limit that it is.
    fn understood(&mut self, activity: Activity, from_err: bool) -> Activity {
        match activity {
            // Also a text that is not passed on: a private key goes over many lines.
            Activity::Text { text } => Activity::Text { text: self.redactor.line(text, from_err) },
            Activity::Tool { name, detail } => Activity::Tool { name, detail: short(&detail) },
            Activity::Waiting { what } => Activity::Waiting { what: short(&what) },
            Activity::Retrying { why } => {
                let wait = self.observed.wait.take();
                match phrases::limit(&why) {
                    Some(limit) => {
                        Activity::RateLimited { seconds: wait_seconds(wait, &why), limit: Some(limit) }
                    }
                    None => Activity::Retrying { why: short(&why) },
                }
            }
            other => other,
        }
    }

    /// Passes an activity on; of texts only so many a second.
    fn pass_on(&mut self, activity: Activity, now: Instant) {
        match activity {
            Activity::Text { .. } if now < self.next_text => {}
            Activity::Text { .. } => {
                self.next_text = now + BETWEEN_TEXTS;
                (self.on)(activity);
            }
            // Paths in the agent's folder as a user would name them.
            Activity::Tool { name, detail } => {
                (self.on)(Activity::Tool { name, detail: detail.replace(&self.dir_prefix, "") });
            }
            other => (self.on)(other),
        }
    }

    fn adjust_clocks(&mut self, activity: &Activity, now: Instant) {
        match activity {
            Activity::Waiting { what } => self.early_exit = Some(Ending::WaitingForPerson(what.clone())),
            Activity::RateLimited { seconds, .. } => {
                self.limited_since.get_or_insert(now);
                let wait = Duration::from_secs(seconds.unwrap_or(0).min(u64::from(u32::MAX)));
                if now + wait >= self.deadline.min(self.limited_until()) {
                    let fault = self.observed.fault.as_deref().unwrap_or_default();
                    let limit = ending::limit(fault, &self.observed);
                    self.early_exit = Some(Ending::RateLimited(Limit { seconds: *seconds, ..limit }));
                }
                // The provider has asked it to be silent for so long.
                self.quiet_until = now + wait + self.silence;
            }
            Activity::Tool { .. } | Activity::Text { .. } => self.limited_since = None,
            _ => {}
        }
    }

    /// A question, with the last activity before it.
    fn with_context(&self, what: &str) -> String {
        match self.last_activity() {
            Some(last) if !last.starts_with(what) => format!("{what}; last seen: {last}"),
            _ => what.to_owned(),
        }
    }

    /// Until when it may wait for limits by itself.
    fn limited_until(&self) -> Instant {
        self.limited_since.map_or(self.deadline + LIMITED, |since| since + LIMITED)
    }

    /// The last activity, and how long before now it was.
    fn last_activity(&self) -> Option<String> {
        let (what, when) = self.last.as_ref()?;
        Some(format!("{what} ({} s before)", when.elapsed().as_secs()))
    }

    /// The ending if a clock has run out: while it waits for a limit, the limit is the reason.
    fn timed_out(&self, clock: Ending) -> Ending {
        match &self.observed.fault {
            Some(fault) if phrases::limit(fault).is_some() => {
                Ending::RateLimited(ending::limit(fault, &self.observed))
            }
            _ => clock,
        }
    }
}

/// After how many seconds a limit passes, by the event or by its prose.
fn wait_seconds(wait: Option<Wait>, why: &str) -> Option<u64> {
    match wait {
        Some(Wait::Seconds(seconds)) => Some(seconds),
        Some(Wait::Until(at)) => u64::try_from(at.duration_since(Timestamp::now()).as_secs()).ok(),
        None => retry_time::seconds(why, &Zoned::now()),
    }
}
