//! `git flow-ai spec show` and `spec list`.

use crate::commands::documents::{self, DocumentState};
use crate::commands::spec::{self, Details, Document};
use crate::domain::error::{Exit, Result};
use crate::domain::plan::Task;
use crate::domain::spec::Slug;
use crate::gate::store::{Repo, specs};
use crate::ui::report::table::{Cell, Table};
use crate::ui::report::{self, plain};
use clap::Args;
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};

/// Show a spec, or one of its documents
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The spec
    slug: Slug,

    /// The document; default: where the spec stands
    document: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `spec show`.
pub fn run(args: &ShowArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let spec = specs::read(&repo, &args.slug)?;
    let Some(name) = &args.document else {
        let details = spec::details(&repo, spec)?;
        match args.json {
            true => report::json(&value(&details))?,
            false => print(&details)?,
        }
        return Ok(Exit::Yes);
    };
    let (name, text) = spec::document(&repo, &spec, name)?;
    if args.json {
        report::json(&json!({"spec": spec.slug.as_str(), "document": name, "text": text}))?;
    } else if io::stdout().is_terminal() {
        report::out().write_all(plain(&text).as_bytes())?;
    } else {
        // Into a file goes what the branch has, byte for byte.
        report::raw_out().write_all(text.as_bytes())?;
    }
    Ok(Exit::Yes)
}

/// `spec list`.
pub fn list(is_json: bool) -> Result<Exit> {
    let repo = Repo::discover()?;
    let all = specs::list(&repo)?;
    if is_json {
        let values = all.into_iter().map(|spec| {
            let (slug, title) = (spec.slug.to_string(), spec.title.clone());
            // One spec that cannot be read must not hide the others.
            spec::details(&repo, spec).map_or_else(
                |error| json!({"spec": slug, "title": title, "error": format!("{error:#}")}),
                |details| value(&details),
            )
        });
        report::json(&values.collect::<Vec<_>>())?;
        return Ok(Exit::Yes);
    }
    let mut table = Table::new(["spec", "title", "workflow", "stands at", "next"]);
    for spec in &all {
        let (summary, next) = match documents::step_of(&repo, spec) {
            Ok(status) => (Cell::from(status.summary()), status.next.first().cloned().unwrap_or_default()),
            Err(error) => (Cell::bad(format!("{error:#}")), String::new()),
        };
        table.row([
            spec.slug.as_str().into(),
            report::first_line(&spec.title, 40).into(),
            spec.workflow.as_str().into(),
            summary,
            next.into(),
        ]);
    }
    if table.is_empty() {
        writeln!(report::out(), "There is no spec yet. Begin one: git flow-ai spec \"What you want\"")?;
    } else {
        report::out().write_all(table.render().as_bytes())?;
    }
    Ok(Exit::Yes)
}

fn print(Details { spec, status, documents, .. }: &Details) -> Result<()> {
    let mut out = report::out();
    writeln!(out, "{}: {}", spec.slug, plain(&spec.title).replace('\n', " "))?;
    writeln!(out, "workflow {}, {}", plain(&spec.workflow), plain(&status.summary()))?;
    let mut table = Table::new(["document", "state", "lines", "approved by"]);
    for document in documents {
        let state = document.step.as_ref().map(|step| &step.state);
        let word = state.map_or("", DocumentState::as_str);
        let cell = match state {
            Some(DocumentState::Approved) => Cell::good(word),
            Some(DocumentState::Invalid(_)) => Cell::bad(word),
            Some(DocumentState::Unapproved | DocumentState::Missing) => Cell::pending(word),
            Some(DocumentState::Written) | None => Cell::from(word),
        };
        let lines = document.text.as_ref().map_or_else(String::new, |text| text.lines().count().to_string());
        table.row([document.name.as_str().into(), cell, Cell::number(lines), approved_by(document).into()]);
    }
    out.write_all(table.render().as_bytes())?;
    for document in &status.documents {
        if let DocumentState::Invalid(why) = &document.state {
            report::warning(why);
        }
    }
    report::next_commands(&status.next)
}

/// Who approved the document as it stands; else whose approval an edit made void.
fn approved_by(document: &Document) -> String {
    let holding = document.approvals.iter().filter(|(_, holds)| *holds);
    let holding: Vec<String> =
        holding.map(|(approval, _)| format!("{}, {}", approval.by, approval.at)).collect();
    match document.approvals.first() {
        _ if !holding.is_empty() => holding.join("; "),
        Some((void, _)) => format!("void since an edit: {}, {}", void.by, void.at),
        None => String::new(),
    }
}

/// A spec for scripts.
fn value(Details { spec, status, documents, tasks }: &Details) -> Value {
    let approvals = |document: &Document| -> Vec<Value> {
        let all = document.approvals.iter();
        all.map(|(approval, holds)| {
            json!({"by": approval.by, "at": approval.at, "text": approval.text.to_string(), "holds": holds})
        })
        .collect()
    };
    let document = |document: &Document| {
        json!({
            "name": document.name,
            "step": document.step.as_ref().map(|step| step.title.as_str()),
            "state": document.step.as_ref().map(|step| step.state.as_str()),
            "text": document.id.map(|id| id.to_string()),
            "bytes": document.text.as_ref().map(String::len),
            "approvals": approvals(document),
        })
    };
    let task = |task: &Task| json!({"id": task.id, "title": task.title, "done": task.done});
    json!({
        "spec": spec.slug.as_str(),
        "title": spec.title,
        "workflow": spec.workflow,
        "commit": spec.commit.to_string(),
        "stands_at": status.summary(),
        "may_run": status.may_run(),
        "documents": documents.iter().map(document).collect::<Vec<_>>(),
        "tasks": tasks.iter().map(task).collect::<Vec<_>>(),
        "next": status.next,
    })
}
