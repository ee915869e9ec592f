//! The limits that agents are under, as far as their tasks have met them: no task is started into a limit
//! that another task of the same agent has met already.
//!
//! If the agent says when a limit passes, that is when its tasks go on; else after 1, 2, 4 and more
//! minutes, up to half an hour, a little earlier or later by chance. A limit that lasts longer than
//! `run.patience` is not waited for, and one of spending passes only when somebody pays. Pure: the
//! caller says what time it is.

use crate::agents::cli::Limit;
use crate::domain::event::LimitKind;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// The first wait if it is unknown how long it takes; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// The longest of those waits.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// How often in a row an agent is believed when it names a time that turns out to be too early.
const BELIEVED: u32 = 3;

/// The limits of all agents.
#[derive(Debug)]
pub struct Limits {
    agents: BTreeMap<String, ActiveLimit>,
    patience: SignedDuration,
}

#[derive(Debug, Clone)]
pub struct ActiveLimit {
    pub kind: LimitKind,
    /// What the agent said.
    pub why: String,
    /// When it passes; `None` if that is not waited for.
    pub until: Option<Timestamp>,
    /// Since when the agent has met nothing but limits.
    since: Timestamp,
    /// How often in a row.
    times: u32,
}

impl Limits {
    /// No agent is under any.
    pub fn new(patience: Duration) -> Limits {
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        Limits { agents: BTreeMap::new(), patience }
    }

    /// What an earlier run was told, and is still so.
    pub fn recall(&mut self, agent: &str, kind: LimitKind, why: &str, until: Timestamp, now: Timestamp) {
        if until > now {
            let until = (until.duration_since(now) <= self.patience).then_some(until);
            let active = ActiveLimit { kind, why: why.to_owned(), until, since: now, times: 1 };
            self.agents.insert(agent.to_owned(), active);
        }
    }

    /// An agent met a limit. `chance` is any number, so that not all come back at the same moment.
    pub fn meet(&mut self, agent: &str, limit: &Limit, now: Timestamp, chance: u32) -> ActiveLimit {
        let before = self.agents.get(agent);
        let since = before.map_or(now, |limit| limit.since);
        // Tasks that ran side by side meet the same limit together; that is once.
        let again = before.is_none_or(|limit| limit.until.is_none_or(|until| until <= now));
        let times = before.map_or(0, |limit| limit.times) + u32::from(again);
        let told = limit.seconds.map(|seconds| Duration::from_secs(seconds.max(1)));
        let wait = match told {
            Some(told) if times <= BELIEVED => told,
            Some(told) => told.max(own_wait(times - BELIEVED, chance)),
            None => own_wait(times, chance),
        };
        let until = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
        let passes = limit.kind != LimitKind::Spend || told.is_some();
        let until = until.filter(|until| passes && until.duration_since(since) <= self.patience);
        let active = ActiveLimit { kind: limit.kind, why: limit.why.clone(), until, since, times };
        self.agents.insert(agent.to_owned(), active.clone());
        active
    }

    /// An agent did something else than meet a limit.
    pub fn passed(&mut self, agent: &str) {
        self.agents.remove(agent);
    }

    /// The limit that an agent is under at that time.
    pub fn active(&self, agent: &str, now: Timestamp) -> Option<&ActiveLimit> {
        self.agents.get(agent).filter(|limit| limit.until.is_none_or(|until| until > now))
    }
}

/// 1, 2, 4 … minutes, up to a fifth more or less.
fn own_wait(times: u32, chance: u32) -> Duration {
    let wait = FIRST_WAIT.saturating_mul(1 << times.saturating_sub(1).min(10)).min(LONGEST_WAIT);
    let percent = 80 + chance % 41;
    wait * percent / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(kind: LimitKind, seconds: Option<u64>) -> Limit {
        Limit { kind, seconds, why: "slow down".into() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_time_that_an_agent_tells_is_the_time_that_its_tasks_wait() {
        let mut limits = Limits::new(HOUR);
        let met = limits.meet("a", &limit(LimitKind::Quota, Some(600)), at(0), 7);
        assert_eq!(met.until, Some(at(600)));
        assert!(limits.active("a", at(599)).is_some());
        assert!(limits.active("a", at(600)).is_none() && limits.active("b", at(0)).is_none());
    }

    #[test]
    fn without_a_time_the_waits_grow_and_the_patience_ends_them() {
        let mut limits = Limits::new(HOUR);
        let mut now = 0;
        let mut waits = Vec::new();
        while let Some(until) = limits.meet("a", &limit(LimitKind::Requests, None), at(now), 20).until {
            let next = until.as_second() - 1_800_000_000;
            waits.push((next - now) / 60);
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16], "the next one would go beyond an hour");
        assert!(limits.active("a", at(now + 100_000)).is_some(), "it is not waited for any more");
        limits.passed("a");
        assert!(limits.active("a", at(now)).is_none());
    }

    #[test]
    fn chance_moves_a_wait_by_a_fifth_at_most() {
        assert_eq!(own_wait(1, 0), Duration::from_secs(48));
        assert_eq!(own_wait(1, 40), Duration::from_secs(72));
        assert_eq!(own_wait(99, 20), LONGEST_WAIT);
    }

    #[test]
    fn tasks_that_meet_one_limit_together_have_met_it_once() {
        let mut limits = Limits::new(HOUR);
        for _ in 0..9 {
            assert_eq!(limits.meet("a", &limit(LimitKind::Requests, None), at(0), 20).until, Some(at(60)));
        }
    }

    #[test]
    fn one_who_names_a_second_again_and_again_is_not_believed_for_ever() {
        let mut limits = Limits::new(HOUR);
        for second in 0..3 {
            limits.meet("a", &limit(LimitKind::Requests, Some(1)), at(second), 20);
        }
        let met = limits.meet("a", &limit(LimitKind::Requests, Some(1)), at(3), 20);
        assert_eq!(met.until, Some(at(63)));
    }

    #[test]
    fn what_lasts_too_long_or_needs_a_person_is_not_waited_for() {
        let mut limits = Limits::new(HOUR);
        assert_eq!(limits.meet("a", &limit(LimitKind::Quota, Some(3601)), at(0), 0).until, None);
        assert_eq!(limits.meet("b", &limit(LimitKind::Spend, None), at(0), 0).until, None);
        limits.recall("c", LimitKind::Quota, "quota", at(60), at(0));
        limits.recall("d", LimitKind::Quota, "quota", at(60), at(61));
        assert!(limits.active("c", at(59)).is_some() && limits.active("d", at(61)).is_none());
    }
}
