//! Who can be asked, and who of them is a rival of the authors.
//!
//! A reviewer that cannot be asked (no executable, no key) is named with the reason, never silently
//! replaced; when nobody is left the error says whom to add. The vendor is the model's maker, since a
//! gateway or a command line tool does not change whose judgement it is.

use super::{Reviewer, ReviewerKind};
use crate::agents::cli::Agent;
use crate::agents::model::Endpoint;
use crate::domain::change::{Author, Vendor};
use crate::domain::config::{Config, ReviewerConfig};
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::policy::Policy;
use crate::domain::reviewers;
use crate::domain::rival::Rival;
use crate::domain::text::shell::command_line;

/// All reviewers of the config that can be asked at all, in its order, and why the others cannot: a
/// name and a reason each.
pub fn reviewers(config: &Config) -> (Vec<Reviewer>, Vec<(String, String)>) {
    let mut able = Vec::new();
    let mut unable = Vec::new();
    for (name, settings) in &config.reviewers {
        match reviewer(config, name, settings) {
            Ok(reviewer) => able.push(reviewer),
            Err(error) => unable.push((name.clone(), error.to_string())),
        }
    }
    (able, unable)
}

/// The rivals among them for these authors whose verdicts count; an error says why there is none and the
/// way out.
pub fn rivals(config: &Config, policy: &Policy, authors: &[Author]) -> Result<Vec<Reviewer>> {
    let (able, unable) = reviewers(config);
    let (own, able): (Vec<_>, Vec<_>) = able.into_iter().partition(|reviewer| !policy.names(&reviewer.who));
    let (rivals, others): (Vec<_>, Vec<_>) =
        able.into_iter().partition(|reviewer| policy.is_rival(&reviewer.who, authors));
    if !rivals.is_empty() {
        return Ok(rivals);
    }
    let error = nobody(policy, authors, &others, &unable);
    let is_rival = |reviewer: &&Reviewer| policy.is_rival(&reviewer.who, authors);
    Err(match own.iter().find(is_rival) {
        Some(Reviewer { who, .. }) => hint_on(
            error,
            format!(
                "no reviewer whose word counts can be asked; your own reviewer `{}` only advises",
                who.name
            ),
            command_line!(
                "have its advice: git flow-ai review --reviewer {}; to have its word count, commit its \
                 section to {} on the target branch",
                who.name,
                crate::domain::config::PATH
            ),
        ),
        None => error,
    })
}

/// The reviewer of that name, for people who want a certain one; an error says why it cannot judge.
pub fn rival(config: &Config, policy: &Policy, authors: &[Author], name: &str) -> Result<Reviewer> {
    let Some(settings) = config.reviewers.get(name) else {
        let known: Vec<&str> = config.reviewers.keys().map(String::as_str).collect();
        return Err(hint(
            format!("there is no reviewer `{name}` in the config"),
            if known.is_empty() {
                format!("add [reviewers.{name}] to {}", crate::domain::config::PATH)
            } else {
                format!("it has: {}", known.join(", "))
            },
        ));
    };
    let reviewer = reviewer(config, name, settings)?;
    if policy.is_rival(&reviewer.who, authors) {
        return Ok(reviewer);
    }
    if let Some(error) = unknown(policy, authors, std::slice::from_ref(&reviewer)) {
        return Err(error);
    }
    let fix = match rivals(config, policy, authors) {
        Ok(rivals) => format!("rivals are: {}", names(&rivals)),
        Err(_) => format!("add a reviewer of another {} to the config", other(policy)),
    };
    Err(hint(
        format!(
            "`{name}` is no rival: it is of the {} {}, as an author of this change ({})",
            other(policy),
            named(policy, &reviewer.who),
            who(policy, authors)
        ),
        fix,
    ))
}

fn reviewer(config: &Config, name: &str, settings: &ReviewerConfig) -> Result<Reviewer> {
    match (&settings.agent, &settings.api) {
        (Some(agent), None) => by_agent(config, name, agent, settings),
        (None, Some(_)) => by_api(config, name, settings),
        _ => Err(hint(
            format!("[reviewers.{name}] must say either `agent` or `api`"),
            "for example: agent = \"codex\", or: api = \"openai\" with model = \"…\"",
        )),
    }
}

/// An agent run read-only; the reviewer's own model and vendor go before the agent's.
fn by_agent(config: &Config, name: &str, agent: &str, settings: &ReviewerConfig) -> Result<Reviewer> {
    let Some(found) = config.agents.get(agent) else {
        return Err(hint(
            format!("[reviewers.{name}] names the agent `{agent}`, which the config does not have"),
            format!("add [agents.{agent}]"),
        ));
    };
    let agent = Agent::new(agent, &reviewers::as_reviewer(found, settings))?;
    agent.executable()?;
    let who = Author { name: name.to_owned(), ..agent.author() };
    Ok(Reviewer { who, kind: ReviewerKind::Agent(Box::new(agent)) })
}

fn by_api(config: &Config, name: &str, settings: &ReviewerConfig) -> Result<Reviewer> {
    let endpoint = Endpoint::new(name, settings)?;
    endpoint.expects_key()?;
    let Some(who) = reviewers::author(config, name, settings) else {
        return Err(hint(
            format!("[reviewers.{name}]: nothing tells who made the model `{}`", endpoint.model),
            "say it: vendor = \"…\"",
        ));
    };
    Ok(Reviewer { who, kind: ReviewerKind::Api(endpoint) })
}

/// Why nobody can judge, and whom to add.
fn nobody(
    policy: &Policy,
    authors: &[Author],
    others: &[Reviewer],
    unable: &[(String, String)],
) -> anyhow::Error {
    let reasons: Vec<String> = unable.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let reasons = reasons.join("; ");
    if others.is_empty() && unable.is_empty() {
        return hint(
            "no reviewer is configured, so that nobody can judge this change",
            format!("add one to {}, or let `git flow-ai init` propose some", crate::domain::config::PATH),
        );
    }
    if others.is_empty() {
        return hint(
            format!("no reviewer can be asked: {reasons}"),
            "`git flow-ai doctor` says how to mend each",
        );
    }
    if let Some(error) = unknown(policy, authors, others) {
        return error;
    }
    let other = other(policy);
    let mut why = format!(
        "no rival can be asked: every reviewer is of a {other} that wrote this change ({}): {}",
        who(policy, authors),
        names(others)
    );
    if !reasons.is_empty() {
        why.push_str("; and of the others, ");
        why.push_str(&reasons);
    }
    hint(
        why,
        format!(
            "add a reviewer of another {other} to {}, for example [reviewers.rival] with agent = \"…\" or api = \"…\"",
            crate::domain::config::PATH
        ),
    )
}

/// Why nobody can judge where nobody can tell whose model an author ran; none where that is not it.
fn unknown(policy: &Policy, authors: &[Author], others: &[Reviewer]) -> Option<anyhow::Error> {
    let tool = &authors.iter().find(|author| author.vendor.is_unknown())?.name;
    let alone = Author { name: tool.clone(), vendor: Vendor::unknown(), model: None };
    if others.iter().any(|reviewer| policy.is_rival(&reviewer.who, std::slice::from_ref(&alone))) {
        return None;
    }
    Some(hint(
        format!(
            "no rival can be asked: nobody can tell whose model {tool} ran for this change, and it may be \
             that of every reviewer: {}",
            names(others)
        ),
        command_line!(
            "say which model it was in a trailer of the same commit (git commit --amend, or git rebase \
             -i), for example: Assisted-by: {}:gpt-5",
            tool
        ),
    ))
}

/// What a rival must have another one of.
fn other(policy: &Policy) -> &'static str {
    if policy.rival == Rival::Model { "model" } else { "vendor" }
}

fn names(reviewers: &[Reviewer]) -> String {
    let names: Vec<&str> = reviewers.iter().map(|reviewer| reviewer.who.name.as_str()).collect();
    names.join(", ")
}

/// What of the authors must be another one.
fn who(policy: &Policy, authors: &[Author]) -> String {
    let mut names: Vec<&str> = authors.iter().map(|author| named(policy, author)).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn named<'a>(policy: &Policy, author: &'a Author) -> &'a str {
    match (policy.rival, &author.model) {
        (Rival::Model, Some(model)) => model,
        _ => author.vendor.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::ApiKind;

    /// A config of reviewers on servers that need no key: name, model, vendor.
    fn config(reviewers: &[(&str, &str, Option<&str>)]) -> Config {
        let mut config = Config::default();
        for (name, model, vendor) in reviewers {
            let settings = ReviewerConfig {
                api: Some(ApiKind::OpenaiCompatible),
                base_url: Some("http://127.0.0.1:1/v1".into()),
                model: Some((*model).to_owned()),
                vendor: vendor.map(Vendor::new),
                ..ReviewerConfig::default()
            };
            config.reviewers.insert((*name).to_owned(), settings);
        }
        config.gate.reviewers = reviewers::named(&config);
        config
    }

    fn author(vendor: &str, model: Option<&str>) -> Author {
        Author { name: "author".into(), vendor: Vendor::new(vendor), model: model.map(str::to_owned) }
    }

    fn rival_names(config: &Config, rival: Rival, authors: &[Author]) -> Result<Vec<String>> {
        let policy = Policy { rival, ..config.gate.clone() };
        Ok(rivals(config, &policy, authors)?.into_iter().map(|reviewer| reviewer.who.name).collect())
    }

    #[test]
    fn a_rival_is_of_none_of_the_authors_vendors() {
        let config =
            config(&[("c", "claude-sonnet-4-5", None), ("g", "gpt-5.5", None), ("q", "qwen3-coder", None)]);
        let authors = [author("anthropic", None), author("alibaba", None), author("person", None)];
        assert_eq!(rival_names(&config, Rival::Vendor, &authors).unwrap(), ["g"]);
        assert_eq!(rival_names(&config, Rival::Any, &authors).unwrap(), ["c", "g", "q"]);
    }

    #[test]
    fn another_model_of_the_same_vendor_is_a_rival_only_where_the_policy_says_so() {
        let config = config(&[("c", "claude-opus-4-5", None)]);
        let authors = [author("anthropic", Some("claude-sonnet-4-5"))];
        assert_eq!(rival_names(&config, Rival::Model, &authors).unwrap(), ["c"]);
        let error = rival_names(&config, Rival::Vendor, &authors).unwrap_err();
        assert!(
            error.to_string().contains("every reviewer is of a vendor that wrote this change (anthropic): c")
        );
    }

    #[test]
    fn one_model_behind_two_gateways_does_not_judge_itself() {
        let config = config(&[("c", "openrouter/anthropic/claude-sonnet-4.5", None)]);
        let authors = [author("anthropic", Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0"))];
        let error = rival_names(&config, Rival::Model, &authors).unwrap_err().to_string();
        assert!(error.contains("of a model that wrote this change (us.anthropic"), "{error}");
        assert_eq!(rival_names(&config, Rival::Any, &authors).unwrap(), ["c"]);
    }

    #[test]
    fn what_nobody_knows_counts_as_everybodys() {
        let config = config(&[("c", "claude-sonnet-4-5", None), ("g", "gpt-5.5", None)]);
        let authors = [author("person", None), author("unknown", None)];
        for rival in [Rival::Vendor, Rival::Model] {
            let error = rival_names(&config, rival, &authors).unwrap_err();
            assert!(error.to_string().contains("nobody can tell whose model author ran"), "{error}");
            assert!(error.to_string().contains("every reviewer: c, g"), "{error}");
        }
        assert_eq!(rival_names(&config, Rival::Any, &authors).unwrap(), ["c", "g"]);
    }

    #[test]
    fn a_vendor_that_nothing_tells_is_asked_for_not_guessed() {
        let config = config(&[("mystery", "our-finetune", None)]);
        let (able, unable) = reviewers(&config);
        assert!(able.is_empty());
        assert!(unable[0].1.contains("who made the model `our-finetune`"), "{unable:?}");
    }

    #[test]
    fn a_reviewer_asked_for_by_name_is_refused_with_the_reason() {
        let config = config(&[("c", "claude-sonnet-4-5", None), ("g", "gpt-5.5", None)]);
        let authors = [author("anthropic", None)];
        let policy = Policy::default();
        assert_eq!(rival(&config, &policy, &authors, "g").unwrap().who.name, "g");
        assert!(rival(&config, &policy, &authors, "c").unwrap_err().to_string().contains("no rival"));
        assert!(rival(&config, &policy, &authors, "x").unwrap_err().to_string().contains("no reviewer `x`"));
    }
}
