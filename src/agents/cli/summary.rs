//! What an agent does, in a few words and without secrets.

use crate::domain::event::Activity;
use crate::system::secrets;

/// The longest detail of an activity, in characters.
const LONGEST_DETAIL: usize = 200;

/// One line, not too long and without secrets, of a text that a tool printed.
pub fn short(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // Before it is cut: half a key is not known as one.
    let line = secrets::redacted(line);
    match line.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into_owned(),
    }
}

/// An activity in a few words; `None` for what goes without saying.
pub fn summary(activity: &Activity) -> Option<String> {
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
