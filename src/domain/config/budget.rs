//! Budgets: how much money, how many tokens and how much time a run or a task may take.
//!
//! Repository and person may both set one; the stricter holds, dimension by dimension. What agents do
//! not report cannot be counted; time always can.

use crate::domain::error::{Result, hint};
use crate::domain::event::Usage;
use crate::domain::parse_units::{
    parse_duration, parse_money, some_count, some_duration, some_money, some_seconds,
};
use crate::domain::text::units::duration;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A budget; what is not set is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// US dollars, as agents and reviewers report them. Default: no limit.
    #[serde(deserialize_with = "some_money", skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Tokens read and written, cached ones included. Default: no limit.
    #[serde(deserialize_with = "some_count", skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Time at work; waiting for a limit to pass is none. Default: no limit.
    #[serde(
        deserialize_with = "some_duration",
        serialize_with = "some_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub time: Option<Duration>,
}

impl Budget {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Budget::default()
    }

    /// Of both the stricter.
    pub fn stricter(self, other: Budget) -> Budget {
        let least = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Budget {
            cost: least(self.cost, other.cost),
            tokens: self.tokens.into_iter().chain(other.tokens).min(),
            time: self.time.into_iter().chain(other.time).min(),
        }
    }

    /// The other one where it says something, else this one.
    pub fn replaced_by(self, other: Budget) -> Budget {
        Budget {
            cost: other.cost.or(self.cost),
            tokens: other.tokens.or(self.tokens),
            time: other.time.or(self.time),
        }
    }

    /// What of it is spent, as `$5.12 of $5.00`; none while something is left of everything.
    pub fn spent(&self, usage: Usage, time: Duration) -> Option<String> {
        let used = usage.cost.unwrap_or_default();
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        if let Some(cost) = self.cost.filter(|cost| used >= *cost) {
            return Some(format!("${used:.2} of ${cost:.2}"));
        }
        if let Some(most) = self.tokens.filter(|most| tokens >= *most) {
            return Some(format!("{tokens} of {most} tokens"));
        }
        let most = self.time.filter(|most| time >= *most)?;
        Some(format!("{} of {}", duration(time), duration(most)))
    }

    /// What is used of what is limited: `$1.20 of $5.00, 3m of 2h`.
    pub fn account(&self, usage: Usage, time: Duration) -> String {
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        let cost = self.cost.map(|cost| format!("${:.2} of ${cost:.2}", usage.cost.unwrap_or_default()));
        let tokens = self.tokens.map(|most| format!("{tokens} of {most} tokens"));
        let time = self.time.map(|most| format!("{} of {}", duration(time), duration(most)));
        cost.into_iter().chain(tokens).chain(time).collect::<Vec<_>>().join(", ")
    }

    /// Reads `cost=10,tokens=2000000,time=2h`, as a flag says it.
    pub fn from_flag(text: &str) -> Result<Budget> {
        let unknown = |what: &str| {
            hint(
                format!("`{what}` is no budget"),
                "write for example --budget cost=10,tokens=2000000,time=2h; one of them is enough",
            )
        };
        let mut budget = Budget::default();
        for part in text.split(',').map(str::trim) {
            let (key, value) = part.split_once('=').ok_or_else(|| unknown(part))?;
            let value = value.trim().trim_start_matches('$');
            match key.trim() {
                "cost" => budget.cost = Some(parse_money(value).ok_or_else(|| unknown(part))?),
                "tokens" => {
                    let tokens = value.replace('_', "").parse().ok().filter(|tokens| *tokens > 0);
                    budget.tokens = Some(tokens.ok_or_else(|| unknown(part))?);
                }
                "time" => budget.time = Some(parse_duration(value).ok_or_else(|| unknown(part))?),
                _ => return Err(unknown(part)),
            }
        }
        Ok(budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(cost: Option<f64>, tokens: u64) -> Usage {
        Usage { input_tokens: tokens, output_tokens: 0, cost }
    }

    #[test]
    fn a_budget_is_spent_when_any_part_of_it_is() {
        let budget = Budget::from_flag("cost=5, tokens=1_000,time=2h").unwrap();
        let hour = Duration::from_secs(3600);
        assert_eq!(budget.spent(used(None, 999), hour), None, "what nobody reports cannot be counted");
        assert_eq!(budget.spent(used(Some(5.0), 0), hour).as_deref(), Some("$5.00 of $5.00"));
        assert_eq!(budget.spent(used(None, 1000), hour).as_deref(), Some("1000 of 1000 tokens"));
        assert_eq!(budget.spent(used(None, 0), 2 * hour).as_deref(), Some("2h of 2h"));
        assert_eq!(budget.account(used(Some(1.2), 7), hour), "$1.20 of $5.00, 7 of 1000 tokens, 1h of 2h");
        assert_eq!(Budget::default().spent(used(Some(1e9), u64::MAX), 9999 * hour), None);
    }

    #[test]
    fn the_stricter_holds_and_a_flag_replaces() {
        let one = Budget { cost: Some(5.0), tokens: None, time: Some(Duration::from_secs(9)) };
        let two = Budget { cost: Some(7.0), tokens: Some(3), time: Some(Duration::from_secs(8)) };
        let both = Budget { cost: Some(5.0), tokens: Some(3), time: Some(Duration::from_secs(8)) };
        assert_eq!(one.stricter(two), both);
        assert_eq!(two.stricter(one), both);
        assert_eq!(both.replaced_by(Budget::from_flag("cost=$10").unwrap()).cost, Some(10.0));
    }

    #[test]
    fn what_is_no_budget_is_refused_with_an_example() {
        for text in ["", "10", "cost", "cost=0", "cost=-1", "cost=NaN", "tokens=0", "time=soon", "money=1"] {
            let error = Budget::from_flag(text).expect_err(text);
            assert!(error.to_string().contains("is no budget"), "{error}");
        }
    }
}
