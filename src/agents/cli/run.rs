//! One run of an agent: start, listen, watch the clocks, stop, judge.

use super::ending;
use super::observed::{Observed, observe};
use super::preset::{self, Invocation, Listener};
use super::transcript::Transcript;
use super::{Agent, Ending, Job, Limit, Mode, Report, fault};
use crate::agents::credentials;
use crate::agents::sandbox::{Enclosed, Scope, state};
use crate::domain::config::AgentConfig;
use crate::domain::error::Result;
use crate::domain::event::Activity;
use crate::domain::secret::{self, Stream};
use crate::gate::signing;
use crate::system::git;
use crate::system::process::identity::Identity;
use crate::system::process::stop::Stop;
use crate::system::process::tree::Tree;
use crate::system::process::tty_wait::TtyWait;
use crate::system::process::unattended::unattended;
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The shortest time between two texts that are told: a flood is not for people.
const BETWEEN_TEXTS: Duration = Duration::from_millis(50);

/// One that says nothing for so long may be waiting for an answer that nobody gives.
const QUIET: Duration = Duration::from_secs(60);

/// How long an agent may wait for limits by itself, without having done anything in between. It keeps
/// its place meanwhile; after that others get it.
const LIMITED: Duration = Duration::from_secs(120);

/// Why we no longer wait.
enum Over {
    Ended(ExitStatus),
    Told(Ending),
}

/// Runs the agent on the job.
pub async fn run(agent: &Agent, job: &Job, stop: &Stop, on: impl FnMut(Activity)) -> Result<Report> {
    let begun = Instant::now();
    let (invocation, reader) = preset::prepare(agent, job)?;
    let mut handler = OutputHandler::new(job, reader, Transcript::open(job.transcript.as_deref())?, on);
    let input = invocation.reads_prompt.then(|| job.prompt.clone());
    let Enclosed { command, holders, keep } = enclosed(agent, job, invocation)?;
    let (mut tree, mut output) = Tree::start(command, input, holders)?;
    if let Some(Identity { pid, started, boot }) = tree.identity() {
        (handler.on)(Activity::Process { pid, started, boot });
    }
    let mut stop = stop.clone();
    let mut open = true;
    let over = loop {
        tokio::select! {
            line = output.next(), if open => match line {
                Some((line, from_err)) => handler.hear(line, from_err),
                None => open = false,
            },
            status = tree.ended() => break Over::Ended(status?),
            () = sleep_until(handler.quiet_until) => break Over::Told(handler.gave_up(Ending::Silent)),
            () = sleep_until(handler.deadline) => break Over::Told(handler.gave_up(Ending::TimedOut)),
            () = sleep_until(handler.tty_wait.due()) => if let Some(what) = handler.tty_wait.look(tree.waiter(), output.unfinished()) {
                break Over::Told(Ending::WaitingForPerson(handler.in_its_context(&what)));
            },
            () = sleep_until(handler.limited_until()) => break Over::Told(handler.gave_up(Ending::Silent)),
            () = stop.wait() => break Over::Told(Ending::Stopped),
        }
        if let Some(ending) = handler.early_exit.take() {
            break Over::Told(ending);
        }
    };
    tree.finish(&mut output, |line, from_err| handler.hear(line, from_err)).await;
    for what in keep.stopped() {
        (handler.on)(Activity::Text { text: what });
    }
    let last = handler.last_observation();
    let (mut observed, mut reader) = (handler.observed, handler.reader);
    let ending = match over {
        Over::Told(ending) => ending,
        Over::Ended(status) => {
            reader.ended(status, &mut observed);
            // Its last words may have been a question.
            let question = handler.early_exit.filter(|_| observed.end.is_none());
            question.unwrap_or_else(|| ending::of_process(&observed, status))
        }
    };
    Ok(Report {
        ending,
        text: observed.text,
        usage: observed.usage,
        session: observed.session,
        model: observed.model,
        duration: begun.elapsed(),
        last,
    })
}

/// The command in its sandbox.
fn enclosed(agent: &Agent, job: &Job, invocation: Invocation) -> Result<Enclosed> {
    let mut command = command(agent, job, &invocation);
    command.envs(keys_of(agent)?);
    job.sandbox.enclose(&command, &scope(agent, job, invocation.write))
}

/// Its keys, which are asked for now and which nobody else gets.
fn keys_of(agent: &Agent) -> Result<Vec<(String, String)>> {
    let AgentConfig { env, env_command, .. } = &agent.config;
    secret::learn_named(env.iter().map(|(name, value)| (name.into(), value.into())));
    let keys =
        env_command.iter().map(|(name, command)| Ok((name.clone(), credentials::of_command(command, name)?)));
    keys.collect::<Result<_>>().with_context(|| format!("the agent {} cannot be started", agent.name))
}

/// What it may touch: what the job says, and its own state.
fn scope(agent: &Agent, job: &Job, write: Vec<PathBuf>) -> Scope {
    let mut scope = job.scope.clone();
    let variable = |name: &str| agent.config.env.get(name).map(OsString::from).or_else(|| env::var_os(name));
    if let Some(state) = agent.config.preset.as_deref().and_then(state::of) {
        if job.sandbox.holds() {
            for folder in state.folders(&variable) {
                // One that cannot be made, the agent will miss aloud.
                let _ = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            }
        }
        scope.write.extend(state.paths(&variable));
        scope.settings.extend(state.kept(&variable));
        scope.env.extend(state.env.iter().map(|name| (*name).to_owned()));
    }
    let home = variable("HOME").map(PathBuf::from);
    let own = agent.config.state.iter().filter_map(|path| match path.strip_prefix("~/") {
        Some(rest) => Some(home.as_ref()?.join(rest)),
        None => Some(PathBuf::from(path)),
    });
    scope.write.extend(own.chain(write));
    scope
}

fn command(agent: &Agent, job: &Job, invocation: &Invocation) -> Command {
    let mut command = Command::new(&invocation.program);
    git::forget_repository(&mut command);
    unattended(&mut command);
    for name in preset::FOREIGN.iter().chain(&signing::AGENT) {
        command.env_remove(name);
    }
    command
        .args(&invocation.args)
        .env("NO_COLOR", "1")
        .env("TERM", "dumb")
        .envs(invocation.env.iter().map(|(name, value)| (name, value)))
        .envs(&agent.config.env)
        .envs(job.env.iter().map(|(name, value)| (name, value)))
        .env("GIT_FLOW_AI_MODE", if job.mode == Mode::Edit { "edit" } else { "review" });
    command
}

/// Who hears what it prints, and keeps the clocks.
struct OutputHandler<F> {
    on: F,
    reader: Listener,
    observed: Observed,
    transcript: Transcript,
    /// What it says, without secrets.
    told: Stream,
    /// The folder that it works in, as it begins the paths that it names.
    inside: String,
    silence: Duration,
    quiet_until: Instant,
    deadline: Instant,
    next_text: Instant,
    tty_wait: TtyWait,
    /// Since when it has met nothing but limits.
    limited_since: Option<Instant>,
    /// What was seen last, and when.
    last: Option<(String, Instant)>,
    early_exit: Option<Ending>,
}

impl<F: FnMut(Activity)> OutputHandler<F> {
    fn new(job: &Job, reader: Listener, transcript: Transcript, on: F) -> OutputHandler<F> {
        let now = Instant::now();
        OutputHandler {
            on,
            reader,
            observed: Observed::default(),
            transcript,
            told: Stream::default(),
            inside: format!("{}/", job.scope.dir.display()),
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

    fn hear(&mut self, line: String, from_err: bool) {
        let now = Instant::now();
        self.quiet_until = now + self.silence;
        self.tty_wait.heard(&line);
        if from_err {
            self.reader.error_line(&line, &mut self.observed);
        } else {
            self.reader.line(&line, &mut self.observed);
        }
        for activity in std::mem::take(&mut self.observed.activities) {
            // Also those that nobody is told of: a private key goes over many lines.
            let activity = match activity {
                Activity::Text { text } => Activity::Text { text: self.told.line(text, from_err) },
                other => other,
            };
            self.consider(&activity, now);
            if let Some(what) = observe(&activity) {
                self.last = Some((what.replace(&self.inside, ""), now));
            }
            let is_text = matches!(activity, Activity::Text { .. });
            if is_text && now < self.next_text {
                continue;
            }
            if is_text {
                self.next_text = now + BETWEEN_TEXTS;
            }
            (self.on)(relative(activity, &self.inside));
        }
        if let Some(text) = self.transcript.add(line, from_err) {
            (self.on)(Activity::Text { text });
        }
    }

    /// What an activity means for the clocks.
    fn consider(&mut self, activity: &Activity, now: Instant) {
        match activity {
            Activity::Waiting { what } => self.early_exit = Some(Ending::WaitingForPerson(what.clone())),
            Activity::RateLimited { seconds, .. } => {
                self.limited_since.get_or_insert(now);
                let wait = Duration::from_secs(seconds.unwrap_or(0).min(u64::from(u32::MAX)));
                if now + wait >= self.deadline.min(self.limited_until()) {
                    let limit =
                        ending::of_limit(self.observed.fault.as_deref().unwrap_or_default(), &self.observed);
                    self.early_exit = Some(Ending::RateLimited(Limit { seconds: *seconds, ..limit }));
                }
                // It was told to be silent for so long.
                self.quiet_until = now + wait + self.silence;
            }
            Activity::Tool { .. } | Activity::Text { .. } => self.limited_since = None,
            _ => {}
        }
    }

    /// A question, with what was seen last before it.
    fn in_its_context(&self, what: &str) -> String {
        match self.last_observation() {
            Some(last) if !last.starts_with(what) => format!("{what}; last seen: {last}"),
            _ => what.to_owned(),
        }
    }

    /// Until when it may wait for limits by itself.
    fn limited_until(&self) -> Instant {
        self.limited_since.map_or(self.deadline + LIMITED, |since| since + LIMITED)
    }

    /// What was seen last, and how long before now.
    fn last_observation(&self) -> Option<String> {
        let (what, when) = self.last.as_ref()?;
        Some(format!("{what} ({} s before)", when.elapsed().as_secs()))
    }

    /// The ending where a clock has run out: while it waits for a limit, the limit is the reason.
    fn gave_up(&self, clock: Ending) -> Ending {
        match &self.observed.fault {
            Some(fault) if fault::is_limit(fault) => {
                Ending::RateLimited(ending::of_limit(fault, &self.observed))
            }
            _ => clock,
        }
    }
}

/// Paths in the agent's folder as a person would name them.
fn relative(activity: Activity, inside: &str) -> Activity {
    match activity {
        Activity::Tool { name, detail } => Activity::Tool { name, detail: detail.replace(inside, "") },
        other => other,
    }
}
