//! What a spec is and where it stands, for people and scripts.

use crate::commands::draft::{self, DocumentState, StepStatus};
use crate::domain::error::{Exit, Result};
use crate::domain::plan;
use crate::domain::spec::{Approval, Slug, Spec};
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
    let status = draft::step_of(&repo, &spec)?;
    match &args.document {
        Some(name) => {
            let name = draft::document_meant(&repo, &spec, Some(name))?;
            let text = spec.document(&name).unwrap_or_default();
            if args.json {
                report::json(&json!({"spec": spec.slug.as_str(), "document": name, "text": text}))?;
            } else if io::stdout().is_terminal() {
                report::out().write_all(plain(text).as_bytes())?;
            } else {
                // Into a file goes what the branch has, byte for byte.
                report::raw_out().write_all(text.as_bytes())?;
            }
        }
        None if args.json => report::json(&value(&repo, &spec, &status)?)?,
        None => print(&repo, &spec, &status)?,
    }
    Ok(Exit::Yes)
}

/// `spec list`.
pub fn list(as_json: bool) -> Result<Exit> {
    let repo = Repo::discover()?;
    let all = specs::list(&repo)?;
    let mut table = Table::new(["spec", "title", "workflow", "stands at", "next"]);
    let mut values = Vec::new();
    for spec in &all {
        // One spec that cannot be read must not hide the others.
        let (summary, next) = match draft::step_of(&repo, spec) {
            Ok(status) if as_json => {
                values.push(value(&repo, spec, &status)?);
                continue;
            }
            Ok(status) => (Cell::from(status.summary()), status.next.first().cloned().unwrap_or_default()),
            Err(error) if as_json => {
                values.push(
                    json!({"spec": spec.slug.as_str(), "title": spec.title, "error": format!("{error:#}")}),
                );
                continue;
            }
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
    if as_json {
        report::json(&values)?;
    } else if table.is_empty() {
        writeln!(report::out(), "There is no spec yet. Begin one: git flow-ai spec \"What you want\"")?;
    } else {
        report::out().write_all(table.render().as_bytes())?;
    }
    Ok(Exit::Yes)
}

/// Prints what to do next.
pub fn print_next(repo: &Repo, slug: &Slug) -> Result<()> {
    let status = draft::step_of(repo, &specs::read(repo, slug)?)?;
    print_commands(&status)
}

fn print_commands(status: &StepStatus) -> Result<()> {
    for (place, command) in status.next.iter().enumerate() {
        let word = if place == 0 { "Next:" } else { "  or:" };
        writeln!(report::out(), "{word} {command}")?;
    }
    Ok(())
}

fn print(repo: &Repo, spec: &Spec, status: &StepStatus) -> Result<()> {
    let mut out = report::out();
    writeln!(out, "{}: {}", spec.slug, plain(&spec.title).replace('\n', " "))?;
    writeln!(out, "workflow {}, {}", plain(&spec.workflow), plain(&status.summary()))?;
    let ever = specs::approvals_ever(repo, spec)?;
    let mut table = Table::new(["document", "state", "lines", "approved by"]);
    for (name, text) in documents(spec, status) {
        let known = status.documents.iter().find(|document| document.document == name);
        let state = known.map_or("", |document| document.state.as_str());
        let cell = match known.map(|document| &document.state) {
            Some(DocumentState::Approved) => Cell::good(state),
            Some(DocumentState::Invalid(_)) => Cell::bad(state),
            Some(DocumentState::Unapproved | DocumentState::Missing) => Cell::pending(state),
            Some(DocumentState::Written) | None => Cell::from(state),
        };
        let lines = text.map_or_else(String::new, |text| text.lines().count().to_string());
        table.row([
            name.as_str().into(),
            cell,
            Cell::number(lines),
            approved_by(repo, spec, &name, &ever).into(),
        ]);
    }
    out.write_all(table.render().as_bytes())?;
    for document in &status.documents {
        if let DocumentState::Invalid(why) = &document.state {
            report::warning(why);
        }
    }
    print_commands(status)
}

/// The spec's documents in the workflow's order, those that are missing included, then the others.
fn documents<'a>(spec: &'a Spec, status: &StepStatus) -> Vec<(String, Option<&'a str>)> {
    let mut names: Vec<String> = vec![specs::REQUEST.to_owned()];
    names.extend(status.documents.iter().map(|document| document.document.clone()));
    names.extend(spec.documents.iter().map(|(name, _)| name.clone()));
    let mut seen = Vec::new();
    names.retain(|name| {
        let is_new = !seen.contains(name);
        seen.push(name.clone());
        is_new
    });
    names.into_iter().map(|name| (name.clone(), spec.document(&name))).collect()
}

/// Who approved the document as it stands; else whose approval an edit made void.
fn approved_by(repo: &Repo, spec: &Spec, document: &str, ever: &[Approval]) -> String {
    let holding = spec.document(document).map(|text| specs::text_id(repo, document, text));
    let of_document = || ever.iter().filter(|approval| approval.document == document);
    let valid: Vec<String> = of_document()
        .filter(|approval| Some(approval.text) == holding)
        .map(|approval| format!("{}, {}", approval.by, approval.at))
        .collect();
    match of_document().next() {
        _ if !valid.is_empty() => valid.join("; "),
        Some(void) => format!("void since an edit: {}, {}", void.by, void.at),
        None => String::new(),
    }
}

/// A spec for scripts.
fn value(repo: &Repo, spec: &Spec, status: &StepStatus) -> Result<Value> {
    let ever = specs::approvals_ever(repo, spec)?;
    let documents: Vec<Value> = documents(spec, status)
        .into_iter()
        .map(|(name, text)| {
            let known = status.documents.iter().find(|document| document.document == name);
            let holding = text.map(|text| specs::text_id(repo, &name, text));
            let approvals: Vec<Value> = ever
                .iter()
                .filter(|approval| approval.document == name)
                .map(|approval| {
                    json!({"by": approval.by, "at": approval.at, "text": approval.text.to_string(), "holds": Some(approval.text) == holding})
                })
                .collect();
            json!({
                "name": name,
                "step": known.map(|document| document.title.as_str()),
                "state": known.map(|document| document.state.as_str()),
                "text": holding.map(|id| id.to_string()),
                "bytes": text.map(str::len),
                "approvals": approvals,
            })
        })
        .collect();
    let tasks: Vec<Value> = spec
        .document(plan::DOCUMENT)
        .and_then(|text| plan::parse(text).ok())
        .map(|plan| {
            plan.tasks
                .iter()
                .map(|task| json!({"id": task.id, "title": task.title, "done": task.done}))
                .collect()
        })
        .unwrap_or_default();
    Ok(json!({
        "spec": spec.slug.as_str(),
        "title": spec.title,
        "workflow": spec.workflow,
        "commit": spec.commit.to_string(),
        "stands_at": status.summary(),
        "may_run": status.may_run(),
        "documents": documents,
        "tasks": tasks,
        "next": status.next,
    }))
}
