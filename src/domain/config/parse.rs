//! Reading a config, with messages that show line and caret and name the key that was meant.
//!
//! What one file alone can tell is checked by [`parse`]. What depends on the person's own file as
//! well (does a reviewer's agent exist?) is checked by [`Config::validate`], once both are merged.

use super::locate::{self, Key};
use super::{AgentConfig, ApiKind, Config, ReviewerConfig};
use crate::domain::error::{Result, hint, nearest};
use crate::domain::policy::{Carry, Checks, Policy, Rule};
use crate::domain::verdict::Severity;
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use std::ops::Range;

/// The format's version that we write and read.
const VERSION: i64 = 1;

/// Reads a config; `origin` is the file's name for messages.
///
/// # Errors
/// Where the file is not TOML, has an unknown key or a value that makes no sense, with the line; where
/// it was written by a newer version; where an agent or reviewer is neither or both of two kinds.
pub fn parse(text: &str, origin: &str) -> Result<Config> {
    let config: Config = read(text, origin)?;
    check_agents(&config.agents, text, origin)?;
    check_reviewers(&config.reviewers, text, origin)?;
    refuse_persons_own(&config, origin)?;
    check_branches(&config.gate, text, origin)?;
    check_accepted(&config.gate, text, origin)?;
    check_block(&config.gate, text, origin)?;
    check_checks(&config, text, origin)?;
    check_rules(&config.gate.rules, text, origin)?;
    if config.gate.pin_model {
        check_models(&config, text, origin)?;
    }
    Ok(config)
}

/// Commands that give keys are the person's: a repository's would be run by everybody who clones it.
fn refuse_persons_own(config: &Config, origin: &str) -> Result<()> {
    let agents = config.agents.iter().filter(|(_, agent)| !agent.env_command.is_empty());
    let agents = agents.map(|(name, _)| format!("`env_command` of [agents.{name}]"));
    let commands = config.reviewers.iter().filter(|(_, reviewer)| reviewer.key_command.is_some());
    let commands = commands.map(|(name, _)| format!("`key_command` of [reviewers.{name}]"));
    let helpers = config.reviewers.iter().filter(|(_, reviewer)| reviewer.key.is_some());
    let helpers = helpers.map(|(name, _)| format!("`key` of [reviewers.{name}]"));
    match agents.chain(commands).chain(helpers).next() {
        Some(what) => Err(hint(
            format!("{origin}: {what} says where a person keeps a key, which is theirs to say"),
            "move it to your own file, ~/.config/git-flow-ai/config.toml, under the same name",
        )),
        None => Ok(()),
    }
}

/// A name or pattern that can match no branch would only seem to protect.
fn check_branches(policy: &Policy, text: &str, origin: &str) -> Result<()> {
    let Some((at, why)) = policy.mistaken_branches().next() else { return Ok(()) };
    let way = [Key::Of("gate"), Key::Of("branches"), Key::At(at)];
    let what = format!("`{}` in `branches` means no branch", policy.branches[at]);
    Err(explain_at(text, origin, &way, &what, &why))
}

/// What blocks has to hold the worst that there is, or a finding would let in what it says must not enter.
fn check_block(policy: &Policy, text: &str, origin: &str) -> Result<()> {
    if policy.block.contains(&Severity::P0) {
        return Ok(());
    }
    let way = [Key::Of("gate"), Key::Of("block")];
    Err(explain_at(text, origin, &way, "`block` lets a P0 in", "block at least P0: `block = [\"P0\"]`"))
}

/// Records that are required have to be about something.
fn check_checks(config: &Config, text: &str, origin: &str) -> Result<()> {
    if config.gate.checks == Checks::Known || config.run.verify.is_some() {
        return Ok(());
    }
    let way = [Key::Of("gate"), Key::Of("checks")];
    let fix = "add the test command to [run]: `verify = \"make test\"`";
    Err(explain_at(text, origin, &way, "`checks` requires test records, and there is no test command", fix))
}

/// What a branch takes over is named branch by branch.
fn check_accepted(policy: &Policy, text: &str, origin: &str) -> Result<()> {
    let is_pattern = |name: &String| name.trim().is_empty() || name.contains(['*', '?', '[', '{', ' ']);
    let Some(at) = policy.accept_from.iter().position(is_pattern) else { return Ok(()) };
    let way = [Key::Of("gate"), Key::Of("accept_from"), Key::At(at)];
    let what = format!("`{}` in `accept_from` names no branch", policy.accept_from[at]);
    Err(explain_at(text, origin, &way, &what, "name each branch, for example `accept_from = [\"main\"]`"))
}

/// A rule that matches nothing, or asks for nothing, would only seem to protect.
fn check_rules(rules: &[Rule], text: &str, origin: &str) -> Result<()> {
    for (at, rule) in rules.iter().enumerate() {
        let way = [Key::Of("gate"), Key::Of("rule"), Key::At(at)];
        if rule.paths.is_empty() {
            let example = "write for example `paths = [\"crypto/\"]`";
            return Err(explain_at(text, origin, &way, "a [[gate.rule]] names no `paths`", example));
        }
        if rule.approvals.is_none() && !rule.human && rule.carry != Carry::Exact {
            let fix = "add `approvals = 2`, `human = true` or `carry = \"exact\"`";
            return Err(explain_at(text, origin, &way, "a [[gate.rule]] demands nothing", fix));
        }
        if let Some((index, why)) = rule.mistaken_paths().next() {
            let way = [way[0], way[1], way[2], Key::Of("paths"), Key::At(index)];
            let what = format!("`{}` in `paths` means no path", rule.paths[index]);
            return Err(explain_at(text, origin, &way, &what, &why));
        }
    }
    Ok(())
}

/// A model that is to be pinned has to be named.
fn check_models(config: &Config, text: &str, origin: &str) -> Result<()> {
    let has_model = |reviewer: &ReviewerConfig| {
        let agent = reviewer.agent.as_ref().and_then(|agent| config.agents.get(agent));
        reviewer.model.is_some() || agent.is_some_and(|agent| agent.model.is_some())
    };
    match config.reviewers.iter().find(|(_, reviewer)| !has_model(reviewer)) {
        Some((name, _)) => {
            let what = format!("`pin_model` of [gate] is set, and [reviewers.{name}] names no model");
            let fix = format!("add `model = \"…\"` to [reviewers.{name}], or take `pin_model` away");
            let way = [Key::Of("reviewers"), Key::Of(name.as_str())];
            Err(explain_at(text, origin, &way, &what, &fix))
        }
        None => Ok(()),
    }
}

/// Each agent is a preset or a command that names a program.
pub(super) fn check_agents<'a>(
    agents: impl IntoIterator<Item = (&'a String, &'a AgentConfig)>,
    text: &str,
    origin: &str,
) -> Result<()> {
    for (name, agent) in agents {
        let (table, way) = (format!("[agents.{name}]"), [Key::Of("agents"), Key::Of(name.as_str())]);
        let wrong = |what: String, fix: String| Err(explain_at(text, origin, &way, &what, &fix));
        if let Some((what, fix)) =
            not_exactly_one(("preset", agent.preset.is_some()), ("command", agent.command.is_some()))
        {
            return wrong(format!("{table} {what}"), fix);
        }
        for (key, command) in [("command", &agent.command), ("review_command", &agent.review_command)] {
            if command.as_ref().is_some_and(|words| words.first().is_none_or(|program| program.is_empty())) {
                let example = format!("write for example `{key} = [\"my-agent\", \"--headless\"]`");
                return wrong(format!("`{key}` of {table} names no program"), example);
            }
        }
    }
    Ok(())
}

/// Each reviewer is an agent or an API that can be asked.
fn check_reviewers(reviewers: &IndexMap<String, ReviewerConfig>, text: &str, origin: &str) -> Result<()> {
    for (name, reviewer) in reviewers {
        let (table, way) = (format!("[reviewers.{name}]"), [Key::Of("reviewers"), Key::Of(name.as_str())]);
        let wrong = |what: String, fix: &str| Err(explain_at(text, origin, &way, &what, fix));
        if let Some((what, fix)) =
            not_exactly_one(("agent", reviewer.agent.is_some()), ("api", reviewer.api.is_some()))
        {
            return wrong(format!("{table} {what}"), &fix);
        }
        if reviewer.api == Some(ApiKind::OpenaiCompatible) && reviewer.base_url.is_none() {
            let fix = "say where the server is, for example `base_url = \"http://localhost:11434/v1\"`";
            return wrong(format!("{table} has no `base_url`"), fix);
        }
        if reviewer.api.is_some() && reviewer.model.is_none() {
            let fix = "an API must be told which model is to judge: `model = \"…\"`";
            return wrong(format!("{table} has no `model`"), fix);
        }
    }
    Ok(())
}

impl Config {
    /// Whether everything that is named exists: to be asked when the person's own file is merged.
    ///
    /// # Errors
    /// A reviewer's agent that does not exist, with the name that was probably meant.
    pub fn validate(&self, origin: &str) -> Result<()> {
        check_reviewers(&self.reviewers, "", origin)?;
        for (name, reviewer) in &self.reviewers {
            let Some(agent) = &reviewer.agent else { continue };
            if !self.agents.contains_key(agent) {
                let known = self.agents.keys().map(String::as_str);
                return Err(hint(
                    format!("{origin}: [reviewers.{name}] wants the agent `{agent}`, which does not exist"),
                    match nearest(agent, known) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => format!("add a section [agents.{agent}], or name another agent"),
                    },
                ));
            }
        }
        Ok(())
    }
}

/// Reads a versioned TOML file into a type.
pub(super) fn read<T: DeserializeOwned>(text: &str, origin: &str) -> Result<T> {
    // Windows editors put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table: toml::Table = toml::from_str(text).map_err(|error| explain(&error, text, origin))?;
    // The version goes first: the keys of a newer format would only confuse.
    match table.get("version").map(toml::Value::as_integer) {
        Some(Some(VERSION)) => {}
        Some(Some(newer)) if newer > VERSION => {
            return Err(hint(
                format!(
                    "{origin} was written by a newer git flow-ai: it has version {newer}, we read {VERSION}"
                ),
                "install a newer git flow-ai",
            ));
        }
        _ => {
            return Err(hint(
                format!("{origin} does not say its version"),
                "put `version = 1` on its first line",
            ));
        }
    }
    toml::from_str(text).map_err(|error| explain(&error, text, origin))
}

/// A person's message: file, line and column, what is wrong, the line with a caret, what was meant.
fn explain(error: &toml::de::Error, text: &str, origin: &str) -> anyhow::Error {
    let message = error.message();
    let shown = match error.span() {
        Some(span) => {
            let (line, column, excerpt) = excerpt(text, span);
            format!("{origin}:{line}:{column}: {message}\n{excerpt}")
        }
        None => format!("{origin}: {message}"),
    };
    match did_you_mean(message) {
        Some(meant) => hint(shown, format!("did you mean `{meant}`?")),
        None => hint(
            shown,
            "docs/ and .zenflow-example/config.toml of git-flow-ai show every key; `.zenflow/config.toml` is TOML (toml.io)",
        ),
    }
}

/// The same about a value that is wrong only beside others; without a place if there is none.
pub(in crate::domain) fn explain_at(
    text: &str,
    origin: &str,
    way: &[Key<'_>],
    what: &str,
    fix: &str,
) -> anyhow::Error {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match locate::place(text, way) {
        Some(span) => {
            let (line, column, excerpt) = excerpt(text, span);
            hint(format!("{origin}:{line}:{column}: {what}\n{excerpt}"), fix)
        }
        None => hint(format!("{origin}: {what}"), fix),
    }
}

/// The line and column (from 1) of a span, and its line with carets under it.
fn excerpt(text: &str, span: Range<usize>) -> (usize, usize, String) {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let shown = text[start..].lines().next().unwrap_or_default();
    let column = before[start..].chars().count() + 1;
    // A span may cover a whole table: underline what is on its first line.
    let end = span.end.min(start + shown.len()).max(before.len());
    let width = text.get(before.len()..end).map_or(1, |part| part.chars().count().max(1));
    let margin = " ".repeat(line.to_string().len());
    let carets = format!("{}{}", " ".repeat(column - 1), "^".repeat(width));
    (line, column, format!("{margin} |\n{line} | {shown}\n{margin} | {carets}"))
}

/// What serde's "unknown field `paralel`, expected one of `parallel`, `setup`" probably means.
fn did_you_mean(message: &str) -> Option<&str> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let word = quoted.next()?;
    nearest(word, quoted)
}

/// What is wrong unless one of two keys is there and not both, and how it is repaired.
fn not_exactly_one(one: (&str, bool), other: (&str, bool)) -> Option<(String, String)> {
    let ((one, has_one), (other, has_other)) = (one, other);
    match (has_one, has_other) {
        (true, true) => Some((
            format!("has both `{one}` and `{other}`"),
            format!("keep one of them: `{one}` or `{other}`"),
        )),
        (false, false) => Some((format!("has neither `{one}` nor `{other}`"), "add one of them".into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::domain::error::Hint;

    /// The message and the way out.
    fn refusal(text: &str) -> (String, String) {
        let error = parse(text, "c.toml").expect_err(text);
        let hint = error.downcast_ref::<Hint>().expect("every refusal names the way out");
        (hint.message.clone(), hint.fix.clone())
    }

    #[test]
    fn a_misspelt_key_is_shown_with_line_and_caret_and_what_was_meant() {
        let (message, fix) = refusal("version = 1\r\n[run]\r\nparalel = 3\r\n");
        assert!(message.starts_with("c.toml:3:1: unknown field `paralel`"), "{message}");
        assert!(message.ends_with("  |\n3 | paralel = 3\n  | ^^^^^^^"), "{message}");
        assert_eq!(fix, "did you mean `parallel`?");
    }

    #[test]
    fn a_misspelt_choice_is_named_too() {
        let (message, fix) = refusal("version = 1\n[gate]\nrival = \"vendr\"\n");
        assert!(message.starts_with("c.toml:3:9: unknown variant `vendr`"), "{message}");
        assert_eq!(fix, "did you mean `vendor`?");
    }

    #[test]
    fn values_that_make_no_sense_are_refused_where_they_stand() {
        for (text, expected) in [
            ("version = 1\n[run]\nparallel = 0", "c.toml:3:12: must be at least 1, not 0"),
            ("version = 1\n[run]\nparallel = -3", "c.toml:3:12: must be at least 1, not -3"),
            ("version = 1\n[run]\nattempts = 5000000000", "c.toml:3:12: 5000000000 is too large"),
            ("version = 1\n[gate]\napprovals = 0", "c.toml:3:13: must be at least 1, not 0"),
            ("version = 1\n[run]\ntimeout = \"soon\"", "c.toml:3:11: `soon` is no duration"),
            ("version = 1\n[run]\ntimeout = \"0s\"", "c.toml:3:11: a duration must be longer"),
            ("version = 1\n[run]\ntimeout = \"-5m\"", "c.toml:3:11: a duration must be longer"),
            ("version = 1\n[run\n", "c.toml:2:5: "),
            ("version = 1\n[agents.a]\nmodel = \"m\"", "[agents.a] has neither `preset` nor `command`"),
            ("version = 1\n[agents.a]\npreset = \"p\"\ncommand = [\"c\"]", "[agents.a] has both"),
            ("version = 1\n[agents.a]\ncommand = []", "names no program"),
            ("version = 1\n[reviewers.a]\nmodel = \"m\"", "[reviewers.a] has neither `agent` nor `api`"),
            ("version = 1\n[reviewers.a]\napi = \"openai-compatible\"\nmodel = \"m\"", "no `base_url`"),
            ("version = 1\n[reviewers.a]\napi = \"openai\"", "no `model`"),
            (
                "version = 1\n[agents.a]\npreset = \"codex\"\n[reviewers.a]\nagent = \"a\"\n[gate]\npin_model = true",
                "[reviewers.a] names no model",
            ),
            ("[run]\n", "does not say its version"),
            ("version = \"1\"\n", "does not say its version"),
            ("version = 0\n", "does not say its version"),
        ] {
            let (message, _) = refusal(text);
            assert!(message.contains(expected), "{text}\n{message}");
        }
    }

    #[test]
    fn a_newer_format_is_named_as_such_whatever_its_keys_are() {
        let (message, _) = refusal("version = 2\nfuture = true\n");
        assert!(message.contains("written by a newer git flow-ai"), "{message}");
    }

    #[test]
    fn the_smallest_config_is_all_defaults_with_a_byte_order_mark_too() {
        assert_eq!(parse("\u{feff}version = 1\r\n", "c.toml").expect("reads"), super::Config::default());
    }

    #[test]
    fn a_reviewer_without_its_agent_is_found_once_everything_is_merged() {
        let config = parse(
            "version = 1\n[agents.claude]\npreset = \"claude\"\n[reviewers.r]\nagent = \"cluade\"\n",
            "c.toml",
        )
        .expect("the agent might be in the person's own file");
        let error = config.validate("c.toml").expect_err("but it is not");
        assert_eq!(error.downcast_ref::<Hint>().expect("has a way out").fix, "did you mean `claude`?");
    }

    #[test]
    fn a_name_or_pattern_that_can_mean_nothing_is_shown_where_it_stands() {
        for (text, expected) in [
            ("version = 1\n[gate]\nbranches = [\"main\", \"refs/heads/x\"]", "c.toml:3:21: `refs/heads/x`"),
            ("version = 1\n[gate]\nbranches = [\"rel/[\"]", "c.toml:3:13: `rel/[`"),
            ("version = 1\n[gate]\nbranches = [\n\"main\",\n\"flow/x\"]", "c.toml:5:1: `flow/x`"),
            ("version = 1\n[[gate.rule]]\nhuman = true\npaths = [\"a\", \"../x\"]", "c.toml:4:15: `../x`"),
            ("version = 1\n[[gate.rule]]\nhuman = true\npaths = [\"a{b\"]", "c.toml:4:10: `a{b`"),
            ("version = 1\n[[gate.rule]]\nhuman = true", "c.toml:2:1: a [[gate.rule]] names no `paths`"),
        ] {
            let (message, _) = refusal(text);
            assert!(message.starts_with(expected) && message.ends_with('^'), "{text}\n{message}");
        }
        assert!(parse("version = 1\n[gate]\nbranches = [\"release/*\", \"über\"]\n", "x").is_ok());
    }
}
