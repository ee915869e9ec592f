//! What was seen of an agent so far, in our words; readers of event streams write it.

use super::limit;
use crate::domain::event::{Activity, Usage};
use crate::domain::secret;
use jiff::Timestamp;
use serde_json::Value;

/// The longest final text that is kept, in bytes. A model's answer is far shorter.
const LONGEST_TEXT: usize = 4 << 20;

/// The longest detail of an activity, in characters.
const LONGEST_DETAIL: usize = 200;

/// How many of the last lines beside the event stream are kept.
const ASIDES: usize = 20;

/// What the tool itself said about its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All went well, it says; its text is its answer.
    Well,
    /// All went well, whether it said anything or not.
    Done,
    /// It went wrong: why.
    Badly(String),
    /// The model refused: why.
    Refused(String),
    /// It needed a person: what for.
    Waiting(String),
}

/// Everything seen.
#[derive(Debug, Default)]
pub struct Observed {
    /// What happened since it was last asked.
    pub activities: Vec<Activity>,
    /// The session's id.
    pub session: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// What was used.
    pub usage: Usage,
    /// The final text, as far as it is one.
    pub text: String,
    /// The end that its last event tells; none so far.
    pub end: Option<End>,
    /// The last fault that it met and did not get over.
    pub fault: Option<String>,
    /// When the limit passes that it met last, as far as an event told.
    pub resets: Option<Timestamp>,
    /// The last lines that are no events.
    pub asides: Vec<String>,
}

impl Observed {
    /// It has begun.
    pub fn started(&mut self, session: Option<&str>, model: Option<&str>) {
        self.session = session.map(str::to_owned).or(self.session.take());
        self.model = model.map(str::to_owned).or(self.model.take());
        let (session, model) = (self.session.clone(), self.model.clone());
        self.activities.push(Activity::Started { session, model });
    }

    /// It uses a tool. What it said before was not its final text.
    pub fn tool(&mut self, name: &str, input: &Value) {
        self.fault = None;
        self.text.clear();
        self.activities.push(Activity::Tool { name: name.to_owned(), detail: detail(input) });
    }

    /// It says something, all of it.
    pub fn says(&mut self, text: &str) {
        self.text.clear();
        self.adds(text);
    }

    /// It goes on saying something.
    pub fn adds(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.fault = None;
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

    /// A limit, as its own words tell it; it tries again by itself.
    pub fn limited_by(&mut self, why: &str) {
        self.limited(limit::seconds(why), why);
    }

    /// A limit; it tries again by itself.
    pub fn limited(&mut self, seconds: Option<u64>, why: &str) {
        self.fault = Some(why.to_owned());
        self.activities.push(Activity::RateLimited { seconds, limit: Some(limit::kind(why)) });
    }

    /// A fault; it tries again by itself.
    pub fn retries(&mut self, why: &str) {
        self.fault = Some(why.to_owned());
        self.activities.push(Activity::Retrying { why: short(why) });
    }

    /// It asks a person something.
    pub fn waits(&mut self, what: &str) {
        self.activities.push(Activity::Waiting { what: short(what) });
    }

    /// A line that is no event.
    pub fn aside(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.asides.len() == ASIDES {
            self.asides.remove(0);
        }
        self.asides.push(short(line));
    }
}

/// One line, not too long and without secrets, of a text of others.
pub fn short(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // Before it is cut: half a key is not known as one.
    let line = secret::redacted(line);
    match line.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into_owned(),
    }
}

/// What a tool is used on: the first of its arguments that tells a person something.
fn detail(input: &Value) -> String {
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
    if let Some(text) = input.as_str() {
        return short(text);
    }
    TELLING.iter().find_map(|name| input.get(name)?.as_str()).map(short).unwrap_or_default()
}

/// What an activity lets be seen, in a few words; none for what goes without saying.
pub fn observe(activity: &Activity) -> Option<String> {
    Some(match activity {
        Activity::Started { .. } => "it started".into(),
        Activity::Tool { name, detail } => short(&format!("{name} {detail}")).trim_end().to_owned(),
        Activity::Text { text } => Some(short(text)).filter(|line| !line.is_empty())?,
        Activity::Usage(_) | Activity::Process { .. } => return None,
        Activity::Waiting { what } => format!("it asks: {what}"),
        Activity::RateLimited { .. } => "it met a limit".into(),
        Activity::Retrying { why } => format!("it tries again: {why}"),
    })
}
