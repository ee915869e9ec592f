//! `git flow-ai approve`: the user approves a document's exact text.

use crate::commands::approve::{self, Approved};
use crate::commands::documents::Which;
use crate::commands::spec;
use crate::domain::error::{Exit, Result};
use crate::domain::spec::Slug;
use crate::gate::store::Repo;
use crate::ui::report;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

/// Approve a spec's document as it stands
///
/// The approval is recorded on the spec's branch with your name and the time, and holds for this very
/// text: after an edit, the document must be approved again. Ticking a plan's tasks is no edit. Agents
/// cannot approve.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai spec show dark-mode spec.md && git flow-ai approve dark-mode
  git flow-ai approve dark-mode --document requirements.md
  git flow-ai approve dark-mode --all

Exit status: 0 approved, also when it was before; 2 there is nothing that could be approved.")]
pub struct ApproveArgs {
    /// The spec
    slug: Slug,

    /// This document instead of the current step's
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    document: Option<String>,

    /// Every document that waits for approval
    #[arg(long)]
    all: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: ApproveArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let which = match &args.document {
        Some(document) => Which::Document(document),
        None if args.all => Which::All,
        None => Which::Current,
    };
    let Approved { spec, approvals } = approve::approve(&repo, &args.slug, which)?;
    if args.json {
        let values: Vec<Value> = approvals
            .iter()
            .map(|approval| {
                json!({"document": approval.document, "text": approval.text.to_string(), "by": approval.by, "at": approval.at})
            })
            .collect();
        report::json(&json!({"spec": args.slug.as_str(), "approved": values}))?;
        return Ok(Exit::Yes);
    }
    let mut out = report::out();
    for approval in &approvals {
        let text = spec.document(&approval.document).unwrap_or_default();
        writeln!(
            out,
            "Approved: {} of {} ({} lines, {} bytes, text {}) by {}",
            approval.document,
            args.slug,
            text.lines().count(),
            text.len(),
            approval.text.to_hex_with_len(12),
            report::plain(&approval.by)
        )?;
    }
    if approvals.is_empty() {
        writeln!(out, "Nothing of {} waits for approval", args.slug)?;
    }
    report::next_commands(&spec::next(&repo, &args.slug)?)?;
    Ok(Exit::Yes)
}
