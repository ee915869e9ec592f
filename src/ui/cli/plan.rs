//! `git flow-ai plan`: write the plan of a spec, or look at it.

use crate::commands::{plan as command, spec};
use crate::domain::error::{Exit, Result, hint};
use crate::domain::plan::{self, Plan};
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::gate::store::{Repo, specs};
use crate::ui::args::text_source::TextSource;
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
    source: TextSource,

    /// Write nothing: show the plan, and whether it can be carried out
    #[arg(long, conflicts_with_all = ["from", "draft", "agent"])]
    check: bool,

    /// Write nothing: print the plan as one JSON object
    #[arg(long, conflicts_with_all = ["from", "draft", "agent"])]
    json: bool,
}

pub fn run(args: PlanArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    if args.check || args.json {
        return show(&repo, &args);
    }
    let exit = args.source.write(&repo, &args.slug, plan::DOCUMENT)?;
    if exit == Exit::Yes {
        let plan = command::read(&repo, &args.slug)?;
        print(&plan)?;
        // The plan is written: what is wrong with the config concerns the next run.
        let unknown = command::unknown_agents(&repo, &plan).unwrap_or_default();
        unknown.iter().for_each(|why| report::warning(why));
    }
    Ok(exit)
}

fn show(repo: &Repo, args: &PlanArgs) -> Result<Exit> {
    let plan = match command::read(repo, &args.slug) {
        Ok(plan) => plan,
        Err(error) => {
            // Without such a spec there is no answer; a plan that cannot be read is one.
            specs::read(repo, &args.slug)?;
            report::error(&error);
            return Ok(Exit::No);
        }
    };
    if args.json {
        return report::json(&value(&args.slug, &plan)).map(|()| Exit::Yes);
    }
    print(&plan)?;
    let unknown = command::unknown_agents(repo, &plan)?;
    if !unknown.is_empty() {
        let fix = command_line!("name another (git flow-ai plan {}), or add it to the config", args.slug);
        report::error(&hint(unknown.join("; "), fix));
        return Ok(Exit::No);
    }
    report::next_commands(&spec::next(repo, &args.slug)?)?;
    Ok(Exit::Yes)
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
