//! Who can work and who can judge whom.

use super::Check;
use crate::agents::cli::Agent;
use crate::commands::review::{self, Reviewer, ReviewerKind};
use crate::domain::config::Config;
use crate::domain::presets::{self, Reading};
use crate::gate::store::config::Loaded;

/// The agents and reviewers of the config, and of the user's own, which only advise.
pub(super) fn examine(loaded: &Loaded) -> Vec<Check> {
    let config = &loaded.config;
    let mut checks = Vec::new();
    let (reviewers, unavailable) = review::reviewers(config);
    for (name, settings) in &config.agents {
        let agent = match Agent::new(name, settings) {
            Ok(agent) => agent,
            Err(error) => {
                checks.push(Check::broken("agents", &error));
                continue;
            }
        };
        match agent.executable() {
            Ok(path) => {
                checks.push(Check::good("agents", format!("{name} ({}): {}", agent.vendor, path.display())));
                checks.push(rivals_of(&agent, &reviewers, config));
            }
            Err(error) => checks.push(Check::broken("agents", &error)),
        }
    }
    checks.extend(unavailable.into_iter().map(|(name, why)| {
        Check::note(
            "reviewers",
            format!("{name} cannot be asked: {why}"),
            "mend that, or take it out of the config",
        )
    }));
    checks.extend(reviewers.iter().filter_map(reading));
    if loaded.brought.reviewers.is_empty() {
        checks.push(Check::bad(
            "reviewers",
            "the config names no reviewer, so nothing can be approved",
            "git flow-ai init proposes some",
        ));
    }
    checks
}

/// What a reviewer lacks that is an agent which cannot be kept from starting processes.
fn reading(reviewer: &Reviewer) -> Option<Check> {
    let ReviewerKind::Agent(agent) = &reviewer.kind else { return None };
    let Reading::RequestAlone(why) = agent.reading() else { return None };
    let name = &reviewer.who.name;
    Some(Check::good(
        "reviewers",
        format!("{name} judges by the request alone, without the project's files: {why}"),
    ))
}

/// Who may judge what that agent makes.
fn rivals_of(agent: &Agent, reviewers: &[Reviewer], config: &Config) -> Check {
    let author = [agent.author()];
    let rivals = reviewers.iter().filter(|reviewer| config.gate.is_rival(&reviewer.who, &author));
    let (named, own): (Vec<&Reviewer>, Vec<&Reviewer>) =
        rivals.partition(|rival| config.gate.names(&rival.who));
    let names = |reviewers: &[&Reviewer]| {
        reviewers.iter().map(|reviewer| reviewer.who.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    if named.is_empty() {
        let advises = match own.is_empty() {
            true => String::new(),
            false => format!(" ({} of your own config only advises)", names(&own)),
        };
        Check::bad(
            "reviewers",
            format!(
                "nobody can judge what {} makes: no reviewer is a rival of {}{advises}",
                agent.name, agent.vendor
            ),
            "add a reviewer of another vendor to the config, or install one that it names",
        )
    } else {
        Check::good("reviewers", format!("{} is judged by {}", agent.name, names(&named)))
    }
}

/// The agents that could be used, where there is no config to ask.
pub(super) fn on_path() -> Vec<Check> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs: Vec<_> = std::env::split_paths(&path).collect();
    let is_there = |program: &str| dirs.iter().any(|dir| dir.join(program).is_file());
    let found: Vec<Check> = presets::ALL
        .iter()
        .filter(|preset| is_there(preset.program))
        .map(|preset| {
            let vendor = preset.vendor.unwrap_or("whose model it runs, the config tells");
            Check::good("agents", format!("{} ({vendor})", preset.name))
        })
        .collect();
    if found.is_empty() {
        let mend = presets::ALL.iter().map(|preset| preset.install).take(3).collect::<Vec<_>>().join(", or ");
        return vec![Check::note("agents", "no agent that we know is on the PATH", mend)];
    }
    found
}
