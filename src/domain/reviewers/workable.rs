//! Whether anybody could get a change past a config's gate: under one where nobody can, a branch is locked
//! against its own repair too.

use super::named;
use crate::domain::change::{Author, Vendor};
use crate::domain::config::{Config, Key, ReviewSection, explain_at};
use crate::domain::error::{Result, nearest};
use crate::domain::presets::Preset;
use std::collections::BTreeSet;
use std::time::Duration;

/// The fewest bytes that a request may have: what stands in it beside the change and the team's own words, and
/// room for a small change.
const LEAST_BUDGET: usize = 6000;

/// The shortest time in which somebody could answer.
const LEAST_TIMEOUT: Duration = Duration::from_secs(1);

/// Refuses a config that no change could be approved under; `text` is what it was read from.
///
/// # Errors
/// Where it defines no reviewer, or asks for approvals of more vendors than its reviewers have, with the
/// line.
pub fn refuse_unworkable(config: &Config, text: &str, origin: &str) -> Result<()> {
    // On purpose, nothing is protected.
    if config.gate.branches.is_empty() {
        return Ok(());
    }
    refuse_no_room(&config.review, text, origin)?;
    let reviewers: Vec<Author> =
        named(config).into_iter().filter(|who| runs_something(config, who)).collect();
    let vendors: BTreeSet<&Vendor> = reviewers
        .iter()
        .map(|reviewer| &reviewer.vendor)
        .filter(|vendor| !vendor.is_unknown() && !vendor.is_person())
        .collect();
    if vendors.is_empty() {
        return Err(without_reviewers(config, text, origin));
    }
    let gate = [Key::Of("gate"), Key::Of("approvals")];
    let rules = config.gate.rules.iter().enumerate().filter_map(|(index, rule)| {
        let way = [Key::Of("gate"), Key::Of("rule"), Key::At(index), Key::Of("approvals")];
        Some((rule.approvals?, way.to_vec()))
    });
    for (approvals, way) in [(config.gate.approvals, gate.to_vec())].into_iter().chain(rules) {
        if usize::try_from(approvals).unwrap_or(usize::MAX) > vendors.len() {
            let names: Vec<&str> = vendors.iter().map(|vendor| vendor.as_str()).collect();
            let what = format!(
                "`approvals` is {approvals}, and the reviewers are of {} ({})",
                counted(vendors.len()),
                names.join(", ")
            );
            let fix = format!("add a reviewer of another vendor, or ask for at most {}", vendors.len());
            return Err(explain_at(text, origin, &way, &what, &fix));
        }
    }
    Ok(())
}

/// Refuses limits of a review within which no change could be shown, or no answer be given.
fn refuse_no_room(review: &ReviewSection, text: &str, origin: &str) -> Result<()> {
    let instructions = review.instructions.as_ref().map_or(0, String::len);
    let least = LEAST_BUDGET.saturating_add(instructions);
    if review.budget < least {
        let besides = match instructions {
            0 => String::new(),
            bytes => format!(", {bytes} of which are the `instructions`"),
        };
        let what = format!(
            "`budget` is {} bytes, and a request that shows a change takes at least {least}{besides}",
            review.budget
        );
        let is_said = review.budget != ReviewSection::default().budget;
        let key = if is_said { "budget" } else { "instructions" };
        let fix = format!("set `budget` to {least} or more, or leave it out");
        return Err(explain_at(text, origin, &[Key::Of("review"), Key::Of(key)], &what, &fix));
    }
    if review.timeout < LEAST_TIMEOUT {
        let what = "no reviewer answers in less than a second";
        let fix = "set `timeout` to what a review takes, for example \"10m\", or leave it out";
        return Err(explain_at(text, origin, &[Key::Of("review"), Key::Of("timeout")], what, fix));
    }
    Ok(())
}

/// Why no reviewer is defined: none is there, or what they need is not.
fn without_reviewers(config: &Config, text: &str, origin: &str) -> anyhow::Error {
    let example = "add for example [agents.codex] with preset = \"codex\", and [reviewers.codex] with agent = \"codex\"";
    let Some((name, reviewer)) = config.reviewers.first() else {
        let what = "no reviewer is defined, so no change could be approved";
        return explain_at(text, origin, &[], what, example);
    };
    let section = [Key::Of("reviewers"), Key::Of(name.as_str())];
    let Some(agent) = &reviewer.agent else {
        let what = format!("the maker of the model of [reviewers.{name}] is unknown");
        return explain_at(text, origin, &section, &what, "add vendor = \"…\" there");
    };
    let way = [section[0], section[1], Key::Of("agent")];
    if !config.agents.contains_key(agent) {
        let what = format!("[reviewers.{name}] needs the agent `{agent}`, which this file does not define");
        let fix = match nearest(agent, config.agents.keys().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("add a section [agents.{agent}]"),
        };
        return explain_at(text, origin, &way, &what, &fix);
    }
    let what = format!("[agents.{agent}] is no preset that we know, or the maker of its model is unknown");
    let way = [Key::Of("agents"), Key::Of(agent.as_str())];
    explain_at(
        text,
        origin,
        &way,
        &what,
        "add `model = \"…\"`, or `vendor = \"…\"` with the maker of the model",
    )
}

/// Whether its agent is a command, or a preset that we know; or it is an API.
fn runs_something(config: &Config, reviewer: &Author) -> bool {
    let agent = config.reviewers.get(&reviewer.name).and_then(|settings| settings.agent.as_ref());
    let preset = agent.and_then(|agent| config.agents.get(agent)?.preset.as_deref());
    preset.is_none_or(|preset| Preset::find(preset).is_some())
}

fn counted(vendors: usize) -> String {
    format!("{vendors} vendor{}", if vendors == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::refuse_unworkable;
    use crate::domain::config::parse;

    #[test]
    fn a_config_that_nobody_could_work_under_is_shown_where_it_is_wrong() {
        let judge =
            "version = 1\n[agents.a]\ncommand = [\"a\"]\nvendor = \"acme\"\n[reviewers.a]\nagent = \"a\"\n";
        let mistake = |text: &str| {
            let config = parse(text, "c.toml").expect(text);
            refuse_unworkable(&config, text, "c.toml").expect_err(text).to_string()
        };
        for (text, expected) in [
            ("version = 1\n".to_owned(), "c.toml: no reviewer is defined"),
            (
                format!("{judge}[gate]\napprovals = 2\n"),
                "c.toml:8:13: `approvals` is 2, and the reviewers are of 1 vendor (acme)",
            ),
            (
                format!("{judge}[[gate.rule]]\npaths = [\"a\"]\napprovals = 2\n"),
                "c.toml:9:13: `approvals` is 2",
            ),
            (format!("{judge}[review]\nbudget = 10\n"), "c.toml:8:10: `budget` is 10 bytes"),
            (
                format!("{judge}[review]\nbudget = 7000\ninstructions = \"{}\"\n", "x".repeat(2000)),
                "c.toml:8:10: `budget` is 7000 bytes, and a request that shows a change takes at least 8000, 2000 of",
            ),
            (
                format!("{judge}[review]\ninstructions = \"{}\"\n", "x".repeat(400_000)),
                "c.toml:8:16: `budget` is 400000 bytes",
            ),
            (format!("{judge}[review]\ntimeout = \"1ms\"\n"), "c.toml:8:11: no reviewer answers"),
            (
                judge.replace("agent = \"a\"", "agent = \"b\""),
                "c.toml:6:9: [reviewers.a] needs the agent `b`",
            ),
            (judge.replace("vendor = \"acme\"\n", ""), "c.toml:2:9: [agents.a] is no preset"),
        ] {
            let message = mistake(&text);
            assert!(message.starts_with(expected), "{text}\n{message}");
        }
        let config = parse(judge, "c.toml").expect("reads");
        assert!(refuse_unworkable(&config, judge, "c.toml").is_ok());
    }
}
