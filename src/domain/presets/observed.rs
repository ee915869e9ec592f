//! What was observed of an agent so far, in our words; readers of event streams write it.
//!
//! Texts are kept as the tool printed them: `agents::cli` removes secrets, cuts them, and decides by the
//! table of phrases what a fault or a stray line means.

use crate::domain::event::{Activity, Usage};
use jiff::Timestamp;
use serde_json::Value;

/// The longest final text that is kept, in bytes. A model's answer is far shorter.
const LONGEST_TEXT: usize = 4 << 20;

/// How many earlier answers are kept, to be compared with the last one.
const EARLIER: usize = 16;

/// How many of the last lines beside the event stream are kept.
const ASIDES: usize = 20;

/// What the tool's last event says about its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinalEvent {
    /// It succeeded, and its text is its answer.
    Answered,
    /// It succeeded, whether it printed anything or not.
    Finished,
    Failed(String),
    /// The model refused: why.
    Refused(String),
    /// It needed a person: what for.
    Waiting(String),
}

/// How long a tool waits before it tries again, as far as an event says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    Seconds(u64),
    Until(Timestamp),
}

/// Everything that was observed.
#[derive(Debug, Default)]
pub struct Observed {
    /// What happened since they were last taken.
    pub activities: Vec<Activity>,
    pub session: Option<String>,
    pub model: Option<String>,
    pub usage: Usage,
    /// The final text, as far as it is one.
    pub text: String,
    /// Earlier texts that look like an answer to a review: only one that is asked for a verdict writes so.
    pub earlier: Vec<String>,
    /// What its last event says about its end; `None` so far.
    pub final_event: Option<FinalEvent>,
    /// Whether an event of its stream said that it ends.
    pub has_ended: bool,
    /// Whether it went on after that: said more, ended again, or printed what is not an event.
    pub went_on: bool,
    /// The last fault that it met and did not get over.
    pub fault: Option<String>,
    /// How long it waits because of that fault; taken with the activity.
    pub wait: Option<Wait>,
    /// When the limit passes that it met last, as far as an event said.
    pub resets: Option<Timestamp>,
    /// The last lines that are not events.
    pub asides: Vec<String>,
    /// A line that is not an event and may ask a person something; taken with the activities.
    pub stray: Option<String>,
}

impl Observed {
    pub fn started(&mut self, session: Option<&str>, model: Option<&str>) {
        self.session = session.map(str::to_owned).or(self.session.take());
        self.model = model.map(str::to_owned).or(self.model.take());
        let (session, model) = (self.session.clone(), self.model.clone());
        self.activities.push(Activity::Started { session, model });
    }

    /// It uses a tool. What it said before was not its final text.
    pub fn tool(&mut self, name: &str, input: &Value) {
        self.went_on |= self.has_ended;
        self.fault = None;
        self.forget_text();
        self.activities.push(Activity::Tool { name: name.to_owned(), detail: detail(input).to_owned() });
    }

    /// It says something, all of it.
    pub fn says(&mut self, text: &str) {
        self.forget_text();
        self.adds(text);
    }

    /// Its last event says that it ends, and how.
    pub fn ends(&mut self, how: FinalEvent) {
        self.went_on |= self.has_ended;
        self.has_ended = true;
        self.final_event = Some(how);
    }

    /// What it said last is its answer.
    pub fn answers(&mut self, text: String) {
        self.forget_text();
        self.text = text;
    }

    /// What it said was not its final text.
    fn forget_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.contains("\"nonce\"") && self.earlier.len() < EARLIER {
            self.earlier.push(text);
        }
    }

    /// It goes on saying something.
    pub fn adds(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.fault = None;
        self.went_on |= self.has_ended;
        let room = LONGEST_TEXT.saturating_sub(self.text.len());
        self.text.push_str(&text[..text.floor_char_boundary(room.min(text.len()))]);
        self.activities.push(Activity::Text { text: text.to_owned() });
    }

    /// It prints a line of its answer.
    pub fn adds_line(&mut self, line: &str) {
        self.adds(line);
        if self.text.len() < LONGEST_TEXT {
            self.text.push('\n');
        }
    }

    /// It has used so much since its start.
    pub fn used(&mut self, usage: Usage) {
        self.usage = usage;
        self.activities.push(Activity::Usage(usage));
    }

    /// A fault, perhaps a limit; it tries again by itself.
    pub fn retries(&mut self, why: &str) {
        self.fault = Some(why.to_owned());
        self.activities.push(Activity::Retrying { why: why.to_owned() });
    }

    /// The same, where an event says when it tries again.
    pub fn retries_after(&mut self, wait: Option<Wait>, why: &str) {
        self.wait = wait;
        self.retries(why);
    }

    /// It asks a person something.
    pub fn waits(&mut self, what: &str) {
        self.activities.push(Activity::Waiting { what: what.to_owned() });
    }

    /// A line that is not an event.
    pub fn aside(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.asides.len() == ASIDES {
            self.asides.remove(0);
        }
        self.asides.push(line.to_owned());
    }

    /// A line that is not an event, and that may be a question to a person.
    pub fn stray(&mut self, line: &str) {
        self.aside(line);
        self.stray = Some(line.to_owned());
    }
}

/// What a tool is used on: the first of its arguments that tells a person something.
fn detail(input: &Value) -> &str {
    const TELLING: &[&str] = &[
        "file_path",
        "filePath",
        "path",
        "absolute_path",
        "command",
        "cmd",
        "pattern",
        "query",
        "url",
        "description",
    ];
    let named = || TELLING.iter().find_map(|name| input.get(name)?.as_str());
    input.as_str().or_else(named).unwrap_or_default()
}
