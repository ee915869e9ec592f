//! `git flow-ai plan`: write the plan of a spec, or look at it.

use crate::commands::draft;
use crate::domain::error::{Exit, Result, hint};
use crate::domain::plan::{self, Plan};
use crate::domain::spec::Slug;
use crate::gate::store::{Repo, config, specs};
use crate::ui::cli::spec::{Writing, print_next};
use crate::ui::report;
use crate::ui::report::table::{Cell, Table};
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

/// Write the plan of a spec: tasks, their order, agents, files and checks
///
/// A task is a heading `### [ ] Step: Name` in plan.md, with directives under it, one per line:
/// `<!-- id: store -->`, `<!-- after: other-id, another -->`, `<!-- agent: codex -->`,
/// `<!-- files: src/store/** -->`, `<!-- verify: cargo test -q store -->`. A task with an id and no
/// `after` depends on nothing; without an id, it comes after the one before it. Cycles, unknown and
/// double ids are refused with their line.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai plan dark-mode            in your editor
  git flow-ai plan dark-mode --draft    by an agent
  git flow-ai plan dark-mode --check    only look at it

Exit status: 0 the plan can be carried out; 1 it cannot (--check); 2 could not tell or could not do.")]
pub struct PlanArgs {
    /// The spec
    slug: Slug,

    #[command(flatten)]
    writing: Writing,

    /// Write nothing: show the plan, and whether it can be carried out
    #[arg(long, conflicts_with_all = ["from", "draft", "agent"])]
    check: bool,

    /// Write nothing: print the plan as one JSON object
    #[arg(long, conflicts_with_all = ["from", "draft", "agent"])]
    json: bool,
}

/// Runs the command.
pub fn run(args: PlanArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    if !args.check && !args.json {
        let exit = args.writing.write(&repo, &args.slug, plan::DOCUMENT)?;
        if exit == Exit::Yes {
            let plan = read(&repo, &args.slug)?;
            print(&plan)?;
            // It is written: a config that cannot be read is somebody else's business now.
            strangers(&repo, &plan).unwrap_or_default().iter().for_each(|why| report::warning(why));
        }
        return Ok(exit);
    }
    match read(&repo, &args.slug) {
        Ok(plan) if args.json => report::json(&value(&args.slug, &plan))?,
        Ok(plan) => {
            print(&plan)?;
            let strangers = strangers(&repo, &plan)?;
            if !strangers.is_empty() {
                let fix = format!("name another (git flow-ai plan {}), or add it to the config", args.slug);
                report::error(&hint(strangers.join("; "), fix));
                return Ok(Exit::No);
            }
            print_next(&repo, &args.slug)?;
        }
        // Whether there is such a spec at all has been told by then.
        Err(error) if specs::read(&repo, &args.slug).is_ok() => {
            report::error(&error);
            return Ok(Exit::No);
        }
        Err(error) => return Err(error),
    }
    Ok(Exit::Yes)
}

/// The plan as it stands.
fn read(repo: &Repo, slug: &Slug) -> Result<Plan> {
    let spec = specs::read(repo, slug)?;
    let Some(text) = spec.document(plan::DOCUMENT).filter(|text| draft::has_content(text)) else {
        return Err(hint(format!("{slug} has no plan"), format!("write it: git flow-ai plan {slug}")));
    };
    plan::parse(text)
}

/// What is wrong with the agents that open tasks want: a run would refuse those that nobody knows.
fn strangers(repo: &Repo, plan: &Plan) -> Result<Vec<String>> {
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

fn print(plan: &Plan) -> Result<()> {
    plan.warnings.iter().for_each(|warning| report::warning(warning));
    let mut table = Table::new(["task", "title", "after", "agent", "files", "verify"]);
    for task in &plan.tasks {
        let id = if task.done { Cell::good(format!("{} ✓", task.id)) } else { task.id.as_str().into() };
        table.row([
            id,
            task.title.as_str().into(),
            task.after.join(", ").into(),
            task.agent.clone().unwrap_or_default().into(),
            task.files.join(", ").into(),
            task.verify.clone().unwrap_or_default().into(),
        ]);
    }
    if table.is_empty() {
        writeln!(report::out(), "The plan has no task")?;
    }
    Ok(report::out().write_all(table.render().as_bytes())?)
}

fn value(slug: &Slug, plan: &Plan) -> Value {
    let tasks: Vec<Value> = plan
        .tasks
        .iter()
        .map(|task| {
            json!({
                "id": task.id, "title": task.title, "after": task.after, "agent": task.agent, "files": task.files,
                "verify": task.verify, "done": task.done, "line": task.line, "instruction": task.instruction,
            })
        })
        .collect();
    json!({"spec": slug.as_str(), "tasks": tasks, "warnings": plan.warnings})
}
