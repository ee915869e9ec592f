//! The one event stream: the whole contract between doing and showing.
//!
//! Commands send, consumers (bars, plain lines, JSON) receive; nothing else passes between them. The
//! JSON form of an [`Event`] is a promise to scripts: fields are added, never changed. Sending never
//! blocks and never fails: a consumer that has gone is no reason to lose work.

use crate::domain::change::Vendor;
use crate::domain::verdict::{Decision, Finding};
use jiff::Timestamp;
use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, mpsc};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    /// The task that it happened to; none for the run or review as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A run begins: `tasks` are those still to do, in the plan's order.
    RunStarted { run: String, spec: String, base: String, tasks: Vec<String>, parallel: usize },
    /// A task entered a state. `attempt` counts from 1; `agent` does the work or the review.
    State { state: TaskState, attempt: u32, agent: String, detail: String },
    /// The agent (or reviewer) at work did something.
    Activity(Activity),
    /// A line of a command's output: set-up or verification.
    Output { line: String },
    /// A reviewer judged an attempt; `blocking` are the findings that block, `findings` counts all.
    Judged { reviewer: String, vendor: Vendor, decision: Decision, blocking: Vec<Finding>, findings: usize },
    /// An attempt is over: how its agent ended, and the commit that keeps what it made, if it made
    /// anything. An attempt with this event is never repeated.
    AttemptFinished { attempt: u32, ending: AttemptEnding, commit: Option<String> },
    /// A task's agent met a limit and was ended; what it made is kept, its place goes to others, and the
    /// same attempt goes on after `until`. `limit` is the kind of limit, `why` what the agent said.
    Parked { attempt: u32, agent: String, limit: LimitKind, why: String, until: Timestamp },
    /// A task is over for this run.
    TaskFinished { outcome: String, attempts: u32, seconds: u64, usage: Usage, verdict: Option<String> },
    /// Tasks were merged into the result branch, which now is at `commit`.
    Merged { commit: String, tasks: Vec<String> },
    /// A step of a longer job, for people who wait.
    Progress { message: String },
    /// Something a person should know, and that does not stop us.
    Warning { message: String },
    /// The run is over.
    RunFinished { done: usize, failed: usize, seconds: u64, usage: Usage },
}

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// Its dependencies are done, or it has none; no place is free yet.
    Queued,
    /// Its worktree is being made and set up.
    Preparing,
    /// Its agent has been started, and nothing has been heard of it yet.
    Starting,
    /// Its agent is at work.
    Working,
    /// Its agent has said nothing for a while.
    Quiet,
    /// Its agent asks something that nobody will answer.
    WaitingForPerson,
    /// Its agent met a limit, and the task waits for it to pass.
    RateLimited,
    /// The verify command runs.
    Verifying,
    /// Its files are being committed.
    Harvesting,
    /// A rival reads the change.
    InReview,
    Done,
    /// Over, without a result that could be merged.
    Failed,
    /// Stopped by the person; running again goes on.
    Stopped,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskState::Queued => "queued",
            TaskState::Preparing => "preparing",
            TaskState::Starting => "starting",
            TaskState::Working => "working",
            TaskState::Quiet => "quiet",
            TaskState::WaitingForPerson => "waiting for a person",
            TaskState::RateLimited => "waiting for a limit",
            TaskState::Verifying => "verifying",
            TaskState::Harvesting => "harvesting",
            TaskState::InReview => "in review",
            TaskState::Done => "done",
            TaskState::Failed => "failed",
            TaskState::Stopped => "stopped",
        })
    }
}

/// How an agent's work on an attempt ended, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptEnding {
    Done,
    Failed,
    /// The model refused, or answered nothing.
    Refused,
    WaitingForPerson,
    RateLimited,
    TimedOut,
    /// It printed nothing for longer than it may.
    Silent,
    /// The user or a budget stopped it.
    Stopped,
}

impl fmt::Display for AttemptEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for AttemptEnding {
    type Err = serde::de::value::Error;

    fn from_str(word: &str) -> Result<AttemptEnding, Self::Err> {
        AttemptEnding::deserialize(word.into_deserializer())
    }
}

/// What an agent did, in our words, whatever its own event stream calls it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "activity", rename_all = "kebab-case")]
pub enum Activity {
    /// The process runs; the session's id where the agent tells one.
    Started {
        session: Option<String>,
        model: Option<String>,
    },
    /// Who the process is: its number, when it started, and in which boot, in the system's own words.
    Process {
        pid: i32,
        started: String,
        boot: String,
    },
    /// It uses a tool: its name, and what on (a path, a command).
    Tool {
        name: String,
        detail: String,
    },
    Text {
        text: String,
    },
    /// It has used so much since it was started.
    Usage(Usage),
    /// It asks a person something: permission, a login, a choice.
    Waiting {
        what: String,
    },
    /// A limit was hit; it (or we) will try again, after so many seconds where that is known.
    RateLimited {
        seconds: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<LimitKind>,
    },
    /// It meets a fault and tries again by itself.
    Retrying {
        why: String,
    },
}

/// What kind of limit it is that a model's provider sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// So many requests in a short time; passes within minutes.
    Requests,
    /// So many tokens in a short time; passes within minutes.
    Tokens,
    /// A quota or the window of a subscription; passes after hours or days.
    Quota,
    /// The provider itself is overloaded.
    Overloaded,
    /// Money: a person has to pay before it passes.
    Spend,
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LimitKind::Requests => "a limit of requests",
            LimitKind::Tokens => "a limit of tokens",
            LimitKind::Quota => "a quota",
            LimitKind::Overloaded => "an overloaded provider",
            LimitKind::Spend => "a limit of spending",
        })
    }
}

/// What a model's work has cost, as far as it was reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// US dollars; none where it was not reported.
    pub cost: Option<f64>,
}

impl Usage {
    /// The sum of both.
    pub fn plus(self, other: Usage) -> Usage {
        Usage {
            input_tokens: self.input_tokens + other.input_tokens,
            output_tokens: self.output_tokens + other.output_tokens,
            cost: match (self.cost, other.cost) {
                (None, None) => None,
                (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
            },
        }
    }

    /// Whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        *self == Usage::default()
    }
}

/// Receives every event before anything else happens: a journal.
type Recorder = Arc<dyn Fn(&Event) + Send + Sync>;

/// Where journeys send events. Cheap to clone; one per task knows its name.
#[derive(Clone)]
pub struct Events {
    sender: mpsc::Sender<Event>,
    redact: fn(What) -> What,
    recorder: Option<Recorder>,
    task: Option<String>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("task", &self.task).finish_non_exhaustive()
    }
}

impl Events {
    /// A stream and its end for the consumer; `redact` takes secrets out of each event.
    pub fn channel(redact: fn(What) -> What) -> (Events, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel();
        (Events { sender, redact, recorder: None, task: None }, receiver)
    }

    /// The same stream for the events of one task.
    pub fn for_task(&self, task: &str) -> Events {
        Events { task: Some(task.to_owned()), ..self.clone() }
    }

    /// The same stream; `recorder` receives every event too before [`Events::send`] returns.
    pub fn recorded(&self, recorder: impl Fn(&Event) + Send + Sync + 'static) -> Events {
        let before = self.recorder.clone();
        let all = move |event: &Event| {
            if let Some(record) = &before {
                record(event);
            }
            recorder(event);
        };
        Events { recorder: Some(Arc::new(all)), ..self.clone() }
    }

    /// Sends an event. Waits for the recorder only.
    pub fn send(&self, what: What) {
        // An agent may print what it knows.
        let what = (self.redact)(what);
        let event = Event { at: Timestamp::now(), task: self.task.clone(), what };
        if let Some(record) = &self.recorder {
            record(&event);
        }
        // A consumer that has gone is no reason to lose work.
        let _ = self.sender.send(event);
    }

    /// Reports a step of a longer job.
    pub fn progress(&self, message: impl Into<String>) {
        self.send(What::Progress { message: message.into() });
    }

    /// Reports something that the user should know.
    pub fn warn(&self, message: impl Into<String>) {
        self.send(What::Warning { message: message.into() });
    }
}
