//! Judges how an agent ended: by its last event, the text, and what it said about faults.
//!
//! An exit status alone says nothing: most tools exit 0 after a refusal, an empty answer or a cut
//! connection, and some exit 0 when they are interrupted.

use super::summary::short;
use super::{Ending, Limit};
use crate::domain::phrases;
use crate::domain::presets::{FinalEvent, Observed};
use jiff::Timestamp;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The ending of a process that ended by itself.
pub fn after_exit(observed: &Observed, status: ExitStatus) -> Ending {
    match &observed.final_event {
        Some(FinalEvent::Waiting(what)) => Ending::WaitingForPerson(short(what)),
        Some(FinalEvent::Refused(why)) => Ending::Refused(short(why)),
        Some(FinalEvent::Failed(why)) => after_fault(why, observed),
        Some(FinalEvent::Answered) if observed.text.trim().is_empty() => {
            Ending::Refused(observed.fault.as_deref().map_or_else(|| "its final text is empty".into(), short))
        }
        Some(FinalEvent::Answered | FinalEvent::Finished) => Ending::Done,
        None => without_final_event(observed, status),
    }
}

/// Whether a signal ended it. What starts it reports that as 128 and the signal's number, as shells do.
pub fn is_killed(status: ExitStatus) -> bool {
    const FIRST: i32 = 129;
    const LAST: i32 = 128 + 64;
    status.signal().is_some() || status.code().is_some_and(|code| (FIRST..=LAST).contains(&code))
}

fn without_final_event(observed: &Observed, status: ExitStatus) -> Ending {
    if let Some(fault) = &observed.fault {
        return after_fault(fault, observed);
    }
    let is_fault = |line: &&String| phrases::is_login(line) || phrases::limit(line).is_some();
    if let Some(fault) = observed.asides.iter().rev().find(is_fault) {
        return after_fault(fault, observed);
    }
    let said = observed.asides.last().map(|line| format!(": {line}")).unwrap_or_default();
    Ending::Failed(format!("it ended without saying that it is done ({status}){said}"))
}

fn after_fault(fault: &str, observed: &Observed) -> Ending {
    if phrases::limit(fault).is_some() {
        Ending::RateLimited(limit(fault, observed))
    } else if phrases::is_login(fault) {
        Ending::Failed(format!("it is not logged in, or its key is refused: {}", short(fault)))
    } else if phrases::is_refusal(fault) {
        Ending::Refused(short(fault))
    } else {
        Ending::Failed(short(fault))
    }
}

/// The limit that a fault reports. If it does not say when it passes, an earlier event may have.
pub fn limit(fault: &str, observed: &Observed) -> Limit {
    let limit = Limit::from_fault(fault);
    let left = || {
        let left = observed.resets?.duration_since(Timestamp::now()).as_secs();
        u64::try_from(left).ok().filter(|seconds| *seconds > 0)
    };
    Limit { seconds: limit.seconds.or_else(left), ..limit }
}
