//! Whose verdicts count: the reviewers that a config names, each with the maker of its model.
//!
//! The vendor is the model's maker, since a gateway or a command line tool does not change whose judgement
//! it is. It is read off the config alone, never asked of a tool or a server, so that the gate knows it.

mod workable;

pub use workable::refuse_unworkable;

use crate::domain::change::{Author, Vendor};
use crate::domain::config::{AgentConfig, ApiKind, Config, ReviewerConfig};
use crate::domain::presets::Preset;

/// The reviewers of that config. One of which nothing tells whose model it is counts for nothing, so it is
/// not among them.
pub fn named(config: &Config) -> Vec<Author> {
    let reviewers = config.reviewers.iter();
    reviewers.filter_map(|(name, settings)| author(config, name, settings)).collect()
}

/// Who the reviewer of that name is; `None` if nothing tells whose model it is.
pub fn author(config: &Config, name: &str, settings: &ReviewerConfig) -> Option<Author> {
    let (vendor, model) = match (&settings.agent, settings.api) {
        (Some(agent), None) => {
            let agent = as_reviewer(config.agents.get(agent)?, settings);
            (agent_vendor(&agent), agent.model)
        }
        (None, Some(api)) => (api_vendor(api, settings), settings.model.clone()),
        _ => return None,
    };
    let vendor = vendor.filter(|vendor| !vendor.as_str().is_empty())?;
    Some(Author { name: name.to_owned(), vendor, model })
}

/// An agent as a reviewer has it: the reviewer's own model and vendor go before the agent's.
pub fn as_reviewer(agent: &AgentConfig, settings: &ReviewerConfig) -> AgentConfig {
    let mut agent = agent.clone();
    agent.model = settings.model.clone().or(agent.model);
    agent.vendor = settings.vendor.clone().or(agent.vendor);
    agent
}

/// The maker of the model that an agent runs; `None` if nothing tells.
pub fn agent_vendor(agent: &AgentConfig) -> Option<Vendor> {
    let usual = || agent.preset.as_deref().and_then(Preset::find)?.vendor;
    let by_model = || agent.model.as_deref().and_then(Vendor::from_model);
    agent.vendor.clone().or_else(by_model).or_else(|| {
        // A model that we do not know may be any vendor's, whatever the tool usually runs.
        usual().filter(|_| agent.model.is_none()).map(Vendor::new)
    })
}

fn api_vendor(api: ApiKind, settings: &ReviewerConfig) -> Option<Vendor> {
    let by_model = || settings.model.as_deref().and_then(Vendor::from_model);
    // Behind another address anybody's model may answer, whatever protocol it speaks.
    let usual = || settings.base_url.is_none().then(|| usual_vendor(api)).flatten();
    settings.vendor.clone().or_else(by_model).or_else(usual)
}

fn usual_vendor(api: ApiKind) -> Option<Vendor> {
    match api {
        ApiKind::Anthropic => Some(Vendor::new("anthropic")),
        ApiKind::Openai | ApiKind::OpenaiChat => Some(Vendor::new("openai")),
        ApiKind::Google => Some(Vendor::new("google")),
        ApiKind::OpenaiCompatible => None,
    }
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::domain::config::parse;

    #[test]
    fn a_reviewer_is_named_with_the_maker_of_its_model() {
        let text = "version = 1\n\
             [agents.claude]\npreset = \"claude\"\n\
             [agents.mine]\ncommand = [\"mine\"]\nvendor = \"acme\"\nmodel = \"m-1\"\n\
             [reviewers.c]\nagent = \"claude\"\n\
             [reviewers.gateway]\nagent = \"claude\"\nmodel = \"gpt-5\"\n\
             [reviewers.strange]\nagent = \"claude\"\nmodel = \"our-finetune\"\n\
             [reviewers.m]\nagent = \"mine\"\n\
             [reviewers.theirs]\nagent = \"mine\"\nvendor = \"Umbrella\"\nmodel = \"u-2\"\n\
             [reviewers.personal]\nagent = \"of-somebodys-own-file\"\n\
             [reviewers.o]\napi = \"openai\"\nmodel = \"latest\"\n\
             [reviewers.elsewhere]\napi = \"openai\"\nmodel = \"latest\"\nbase_url = \"http://localhost/v1\"\n";
        let reviewers = named(&parse(text, "c.toml").unwrap());
        let reviewers: Vec<String> = reviewers
            .iter()
            .map(|who| format!("{} {} {}", who.name, who.vendor, who.model.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(
            reviewers,
            ["c anthropic -", "gateway openai gpt-5", "m acme m-1", "theirs umbrella u-2", "o openai latest"]
        );
    }
}
