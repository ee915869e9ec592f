//! Judges how an agent ended: by its last event, the text, and what it said about faults.
//!
//! An exit status alone tells nothing: most tools exit 0 after a refusal, an empty answer or a cut
//! connection, and some exit 0 when they are interrupted.

use super::fault;
use super::observed::{End, Observed, short};
use super::{Ending, Limit};
use jiff::Timestamp;
use std::process::ExitStatus;

/// The ending of a process that ended by itself.
pub fn of_process(observed: &Observed, status: ExitStatus) -> Ending {
    match &observed.end {
        Some(End::Waiting(what)) => Ending::WaitingForPerson(short(what)),
        Some(End::Refused(why)) => Ending::Refused(short(why)),
        Some(End::Badly(why)) => of_fault(why, observed),
        Some(End::Well) if observed.text.trim().is_empty() => {
            Ending::Refused(observed.fault.as_deref().map_or_else(|| "its final text is empty".into(), short))
        }
        Some(End::Well | End::Done) => Ending::Done,
        None => of_silence(observed, status),
    }
}

/// The ending of a process without a last event.
fn of_silence(observed: &Observed, status: ExitStatus) -> Ending {
    if let Some(fault) = &observed.fault {
        return of_fault(fault, observed);
    }
    if let Some(telling) =
        observed.asides.iter().rev().find(|line| fault::is_login(line) || fault::is_limit(line))
    {
        return of_fault(telling, observed);
    }
    let said = observed.asides.last().map(|line| format!(": {line}")).unwrap_or_default();
    Ending::Failed(format!("it ended without saying that it is done ({status}){said}"))
}

/// What a fault comes to.
fn of_fault(fault: &str, observed: &Observed) -> Ending {
    if fault::is_limit(fault) {
        Ending::RateLimited(of_limit(fault, observed))
    } else if fault::is_login(fault) {
        Ending::Failed(format!("it is not logged in, or its key is refused: {}", short(fault)))
    } else if fault::is_refusal(fault) {
        Ending::Refused(short(fault))
    } else {
        Ending::Failed(short(fault))
    }
}

/// The limit that a fault tells of. Where it does not say when it passes, an earlier event may have.
pub fn of_limit(fault: &str, observed: &Observed) -> Limit {
    let limit = Limit::of(fault);
    let left = || {
        let left = observed.resets?.duration_since(Timestamp::now()).as_secs();
        u64::try_from(left).ok().filter(|seconds| *seconds > 0)
    };
    Limit { seconds: limit.seconds.or_else(left), ..limit }
}
