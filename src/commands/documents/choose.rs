//! Which agent drafts, and whether it could.

use crate::agents::cli::Agent;
use crate::domain::error::{Result, hint};
use crate::domain::event::Events;
use crate::domain::workflow::Step;
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;
use gix::ObjectId;

/// Refuses what could not be drafted: an agent that does not exist or cannot be started, or no code to
/// read. Asked before a spec is begun, so that a misspelt name leaves none behind.
pub fn refuse_undraftable(repo: &Repo, loaded: &Loaded, agent: Option<&str>, target: &str) -> Result<()> {
    match agent {
        Some(name) => named(loaded, name)?.executable().map(drop)?,
        // The workflow's step may name another.
        None => first(loaded).map(drop)?,
    }
    code_of(repo, target).map(drop)
}

pub fn code_of(repo: &Repo, target: &str) -> Result<ObjectId> {
    repo.find_ref(&format!("refs/heads/{target}"))?.ok_or_else(|| {
        hint(
            format!("an agent reads the code of {target}, which has no commit yet"),
            "make a first commit, or write the document yourself",
        )
    })
}

/// The agent that is asked for, else the step's own, else the first of the config.
pub fn choose(
    loaded: &Loaded,
    named_agent: Option<&str>,
    step: Option<&Step>,
    events: &Events,
) -> Result<Agent> {
    if let Some(name) = named_agent {
        return named(loaded, name);
    }
    if let Some(name) = step.and_then(|step| step.agent.as_deref()) {
        match loaded.config.agents.get(name) {
            Some(config) => return Agent::new(name, config),
            None => events.warn(format!(
                "the workflow names the agent `{name}`, which {} does not have",
                loaded.origin
            )),
        }
    }
    first(loaded)
}

fn named(loaded: &Loaded, name: &str) -> Result<Agent> {
    let agents = &loaded.config.agents;
    let Some(config) = agents.get(name) else {
        let known = agents.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(hint(
            format!("there is no agent `{name}` in {}", loaded.origin),
            format!("there are: {known}"),
        ));
    };
    Agent::new(name, config)
}

fn first(loaded: &Loaded) -> Result<Agent> {
    match loaded.config.agents.first() {
        Some((name, config)) => Agent::new(name, config),
        None => Err(hint(
            format!("there is no agent that could draft ({})", loaded.origin),
            "git flow-ai init proposes those it finds; or write the document yourself, without --draft",
        )),
    }
}
