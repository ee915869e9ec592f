//! `git flow-ai status`.

use crate::commands::status::{
    self, Detail, Disk, Judgement, NewestRun, Overview, Stage, TaskDetail, TaskStatus,
};
use crate::domain::error::{Exit, Result, fixes, messages};
use crate::domain::spec::Slug;
use crate::domain::text::units::{self, duration};
use crate::domain::verdict::Decision;
use crate::gate::store::Repo;
use crate::system::fs::disk_usage::{GLANCE, THOROUGH, Usage};
use crate::ui::report::table::{Cell, Table};
use crate::ui::report::{self, plain};
use clap::Args;
use jiff::Timestamp;
use std::io::Write;
use std::time::Duration;

/// Show every spec, its step, and what to do next
///
/// With a spec's name: its documents and who approved them, its tasks with agents, attempts and
/// verdicts, what is under way, and the worktrees with the disk that they take.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  git flow-ai status
  git flow-ai status dark-mode
  git flow-ai status --disk
  git flow-ai status --json | jq -r '.[] | select(.stage == \"approve\") | .next'")]
pub struct StatusArgs {
    /// The spec; all of them in a list without it
    #[arg(value_name = "SPEC")]
    slug: Option<Slug>,
    /// Show what git flow-ai takes on the disk, and for what
    #[arg(long, conflicts_with = "slug")]
    disk: bool,
    /// Print JSON: an array of all specs, or one object with a spec's name or with --disk
    #[arg(long)]
    json: bool,
}

pub fn run(args: StatusArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    if args.disk {
        let disk = status::disk(&repo, THOROUGH)?;
        if args.json {
            return report::json(&disk).map(|()| Exit::Yes);
        }
        report::out().write_all(disk_table(&disk).as_bytes())?;
        return Ok(Exit::Yes);
    }
    let text = match args.slug {
        Some(slug) => {
            let (detail, warnings) = status::detail(&repo, &slug)?;
            warn(&warnings);
            if args.json {
                return report::json(&detail).map(|()| Exit::Yes);
            }
            describe(&detail)
        }
        None => {
            let (specs, warnings) = status::all(&repo)?;
            warn(&warnings);
            if args.json {
                return report::json(&specs).map(|()| Exit::Yes);
            }
            list(&specs) + &footer(&status::disk(&repo, GLANCE)?)
        }
    };
    report::out().write_all(text.as_bytes())?;
    Ok(Exit::Yes)
}

fn warn(errors: &[anyhow::Error]) {
    for error in errors {
        report::warning(&messages(error).join(": "));
        for fix in fixes(error) {
            let _ = report::err().write_all(report::hint_line(fix).as_bytes());
        }
    }
}

fn list(specs: &[Overview]) -> String {
    if specs.is_empty() {
        return "There are no specs yet. Begin with an idea: git flow-ai spec \"Dark mode\"\n".into();
    }
    let mut table = Table::new(["spec", "title", "stage", "tasks", "verdict", "next"]);
    for spec in specs {
        table.row([
            spec.slug.as_str().into(),
            report::first_line(&spec.title, 40).into(),
            stage(&spec.stage),
            count_done(spec).into(),
            verdict(&spec.verdicts),
            spec.next.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render()
}

/// What is on the disk besides specs; empty if there is nothing.
fn footer(disk: &Disk) -> String {
    let mut text = String::new();
    if disk.total().bytes > 0 && disk.worktrees.and(disk.trash).files > 0 {
        text.push_str(&format!("\ndisk: {}; git flow-ai status --disk tells for what\n", size(disk.total())));
    }
    if disk.held > 0 {
        text.push_str(&format!(
            "{} removed with work that is nowhere else: git flow-ai recover\n",
            disk.held
        ));
    }
    text
}

fn disk_table(disk: &Disk) -> String {
    let mut table = Table::new(["what", "size", "files", "way out"]);
    for (what, usage, fix) in [
        ("worktrees", disk.worktrees, "git flow-ai clean"),
        ("their own repositories", disk.private, "git flow-ai clean"),
        ("trash", disk.trash, "git flow-ai recover --drop <id>, or --expire"),
        ("journals and transcripts", disk.journals, "keep under [run], git flow-ai clean"),
    ] {
        let files = Cell::number(usage.files.to_string());
        table.row([what.into(), Cell::number(size(usage)), files, fix.into()]);
    }
    let refs = format!(
        "{} kept as refs, {} of all that was removed hold work that is nowhere else: git flow-ai recover",
        disk.recovered, disk.held
    );
    format!("{}total {}\n{refs}\n", table.render(), size(disk.total()))
}

/// `1.2 GiB`, `at least 1.2 GiB`.
fn size(usage: Usage) -> String {
    let more = if usage.at_least { "at least " } else { "" };
    format!("{more}{}", units::size(usage.bytes))
}

fn stage(stage: &Stage) -> Cell {
    match stage {
        Stage::Mergeable | Stage::Merged => Cell::good(stage.to_string()),
        Stage::Rejected | Stage::Failing { .. } | Stage::Broken { .. } => Cell::bad(stage.to_string()),
        Stage::Write { .. } | Stage::Approve { .. } | Stage::Unjudged | Stage::NeedsPerson => {
            Cell::pending(stage.to_string())
        }
        Stage::Implementation | Stage::Running => stage.to_string().into(),
    }
}

/// `2/3`: tasks that are done, of all.
fn count_done(spec: &Overview) -> String {
    let done = spec.tasks.iter().filter(|task| task.status == TaskStatus::Done).count();
    if spec.tasks.is_empty() { String::new() } else { format!("{done}/{}", spec.tasks.len()) }
}

/// The newest decision and whose it is.
fn verdict(verdicts: &[Judgement]) -> Cell {
    let Some(judged) = verdicts.last() else { return "".into() };
    let text = format!("{} by {}", judged.decision, judged.reviewer.name);
    match judged.decision {
        Decision::Approve | Decision::Waive => Cell::good(text),
        Decision::RequestChanges => Cell::bad(text),
    }
}

fn describe(detail: &Detail) -> String {
    let overview = &detail.overview;
    let mut text = format!(
        "{}: {}\nworkflow {}, {}\n",
        overview.slug,
        plain(&overview.title),
        plain(&overview.workflow),
        overview.stage
    );
    if let Stage::Broken { why } = &overview.stage {
        text.push_str(&format!("  {}\n", plain(why)));
    }
    for judged in &overview.verdicts {
        text.push_str(&format!("result: {} by {}\n", judged.decision, plain(&judged.reviewer.name)));
    }
    text.push('\n');
    text.push_str(&documents(detail));
    if !detail.plan.is_empty() {
        text.push('\n');
        text.push_str(&tasks(detail));
    }
    text.push_str(&activities(detail));
    if let Some(run) = &detail.run {
        let word = match (run.under_way, run.finished) {
            (true, _) => "under way",
            (false, true) => "over",
            (false, false) => "cut short; the next one takes in what it left",
        };
        text.push_str(&format!("\nrun {}, {word}: {}\n", run.run, run.folder.display()));
    }
    for worktree in &detail.worktrees {
        let size = size(worktree.usage);
        text.push_str(&format!("worktree {} ({size})\n", plain(&worktree.path.to_string_lossy())));
    }
    if let Some(next) = &overview.next {
        text.push_str(&format!("\nnext: {next}\n"));
    }
    text
}

fn documents(detail: &Detail) -> String {
    let mut table = Table::new(["document", "approval"]);
    for document in &detail.documents {
        let approval = match (document.approved_by.is_empty(), document.void.is_empty()) {
            (false, _) => Cell::good(format!("by {}", document.approved_by.join(", "))),
            (true, false) => Cell::bad(format!("void, changed since: {}", document.void.join(", "))),
            (true, true) => "".into(),
        };
        table.row([document.name.as_str().into(), approval]);
    }
    table.render()
}

fn tasks(detail: &Detail) -> String {
    let mut table = Table::new(["task", "status", "agent", "attempt", "after", "verdict", "title"]);
    for task in &detail.plan {
        table.row([
            task.id.as_str().into(),
            task_status(task, detail.run.as_ref()),
            task.agent.as_deref().unwrap_or_default().into(),
            Cell::number(task.attempt.map(|attempt| attempt.to_string()).unwrap_or_default()),
            task.after.join(", ").into(),
            verdict(&task.verdicts),
            report::first_line(&task.title, 50).into(),
        ]);
    }
    table.render()
}

/// What each task of a run under way is doing, since when, and how that is known.
fn activities(detail: &Detail) -> String {
    let Some(run) = detail.run.as_ref().filter(|run| run.under_way) else { return String::new() };
    let now = Timestamp::now();
    let mut text = String::new();
    for (id, task) in run.tasks.iter().filter(|(_, task)| task.outcome.is_none()) {
        let time = match task.until {
            Some(until) => format!("{} more", between(now, until)),
            None => format!("for {}", between(task.since, now)),
        };
        let evidence = report::first_line(&task.evidence, 120);
        let separator = if evidence.is_empty() { "" } else { "; " };
        let heard = between(task.heard, now);
        text.push_str(&format!(
            "{}: {} {time} ({}, attempt {}); heard of {heard} ago{separator}{evidence}\n",
            report::first_line(id, 60),
            task.state,
            report::first_line(&task.agent, 30),
            task.attempt,
        ));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// A time for people.
fn between(from: Timestamp, to: Timestamp) -> String {
    duration(Duration::try_from(to.duration_since(from)).unwrap_or_default())
}

/// What the run says of a task while it is under way, or how it failed; else what the branches say.
fn task_status(task: &TaskDetail, run: Option<&NewestRun>) -> Cell {
    let live = run.and_then(|run| run.tasks.get(&task.id).map(|live| (run.under_way, live)));
    match (task.status, live) {
        (TaskStatus::Done, _) => Cell::good("done"),
        (TaskStatus::Stale, None | Some((false, _))) => Cell::bad("stale: its text was changed"),
        (_, Some((true, live))) => Cell::pending(format!("{}: {}", live.state, live.agent)),
        (status, Some((false, live))) => match &live.outcome {
            Some(outcome) => Cell::bad(report::first_line(outcome, 60)),
            None => status.to_string().into(),
        },
        (status, None) => status.to_string().into(),
    }
}
