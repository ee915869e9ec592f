//! `git flow-ai plan`: the plan of a spec, and whether it can be carried out.

use super::documents;
use crate::domain::error::{Result, hint};
use crate::domain::plan::{self, Plan};
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::gate::store::{Repo, config, specs};

/// The plan as it stands.
pub fn read(repo: &Repo, slug: &Slug) -> Result<Plan> {
    let spec = specs::read(repo, slug)?;
    let Some(text) = spec.document(plan::DOCUMENT).filter(|text| documents::has_content(text)) else {
        return Err(hint(
            format!("{slug} has no plan"),
            command_line!("write it: git flow-ai plan {}", slug),
        ));
    };
    plan::parse(text)
}

/// A sentence for each open task whose agent the config does not have: a run would refuse it.
pub fn unknown_agents(repo: &Repo, plan: &Plan) -> Result<Vec<String>> {
    let agents = config::load(repo, &repo.target()?)?.config.agents;
    let open = plan.tasks.iter().filter(|task| !task.done);
    let wanted = open.filter_map(|task| Some((task, task.agent.as_ref()?)));
    Ok(wanted
        .filter(|(_, agent)| !agents.contains_key(*agent))
        .map(|(task, agent)| {
            format!("the task {} wants the agent `{agent}`, which the config does not have", task.id)
        })
        .collect())
}
