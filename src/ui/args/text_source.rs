//! Where a document's text comes from: the person's editor, a file, an agent.

use super::print_next;
use crate::agents::trust::{self, Purpose};
use crate::commands::draft::{self, DocumentState, Drafted, Drafting, Saved};
use crate::domain::error::{Exit, Result, hint};
use crate::domain::spec::Slug;
use crate::gate::store::config::{self, Loaded};
use crate::gate::store::{Repo, specs};
use crate::ui::cli::trust::{TrustFlag, consent};
use crate::ui::cli::wait::watched;
use crate::ui::report::{self, Style};
use anyhow::Context;
use clap::Args;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Flags that say where the text comes from; none: the person's editor.
#[derive(Debug, Args)]
pub struct Writing {
    /// Take the text from this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// Have an agent draft it, step by step up to what needs your approval
    #[arg(long)]
    draft: bool,

    /// The agent that drafts; default: the workflow's, else the first of the config
    #[arg(long, value_name = "NAME", requires = "draft")]
    agent: Option<String>,

    #[command(flatten)]
    trust: TrustFlag,
}

impl Writing {
    /// Whether an agent is to write.
    pub fn wants_draft(&self) -> bool {
        self.draft
    }

    /// The text that was given by `--from`.
    pub fn given(&self) -> Result<Option<String>> {
        self.from.as_deref().map(read).transpose()
    }

    /// The agent that is to draft, where one is named.
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// Asks the person about what the repository brings to a draft, before anything is begun.
    pub fn consent(&self, repo: &Repo, loaded: &Loaded) -> Result<()> {
        consent(repo, trust::brought(&loaded.brought, Purpose::Draft), &self.trust)
    }

    /// Writes a document of a spec that exists.
    pub fn write(&self, repo: &Repo, slug: &Slug, document: &str) -> Result<Exit> {
        if self.draft && self.from.is_some() {
            return Err(hint(
                "--from gives the text, and --draft has an agent write it",
                "use one of them; what an agent should know belongs into request.md",
            ));
        }
        if self.draft {
            let target = repo.target()?;
            let loaded = config::load(repo, &target)?;
            loaded.warnings.iter().for_each(|warning| report::warning(warning));
            self.consent(repo, &loaded)?;
            return self.draft(repo, &loaded, &target, slug, Some(document));
        }
        let spec = specs::read(repo, slug)?;
        let was_approved = specs::is_approved(repo, &spec, document);
        let saved = match self.given()? {
            Some(text) => draft::save(repo, &spec, document, &text, &format!("Write {document}"))?,
            None => draft::edit(repo, &spec, document)?,
        };
        let mut out = report::out();
        match saved {
            Saved::Unchanged => writeln!(out, "{document} of {slug} stays as it was")?,
            Saved::At(_) => writeln!(out, "Written: {document} of {slug}")?,
        }
        if was_approved && !specs::is_approved(repo, &specs::read(repo, slug)?, document) {
            report::warning(&format!("{document} was approved; the approval does not hold for the new text"));
        }
        print_next(repo, slug)?;
        Ok(Exit::Yes)
    }

    /// Has an agent draft that document (none: the one that is next), and those after it as long as
    /// none needs a person's approval.
    pub fn draft(
        &self,
        repo: &Repo,
        loaded: &Loaded,
        target: &str,
        slug: &Slug,
        document: Option<&str>,
    ) -> Result<Exit> {
        let mut named = document.map(str::to_owned);
        loop {
            let spec = specs::read(repo, slug)?;
            let status = draft::step_of(repo, &spec)?;
            let missing = status.document().filter(|document| document.state == DocumentState::Missing);
            let Some(document) = named.take().or_else(|| missing.map(|document| document.document.clone()))
            else {
                print_next(repo, slug)?;
                return Ok(Exit::Yes);
            };
            let drafting = Drafting {
                spec: &spec,
                document: &document,
                agent: self.agent.as_deref(),
                target,
                trust: self.trust.is_given(),
            };
            let drafted = watched(Style::choose(false), async |events, stop| {
                draft::draft(repo, loaded, drafting, events, &stop).await
            })?;
            match drafted {
                Drafted::Written { agent } => {
                    writeln!(report::out(), "Drafted: {document} of {slug}, by {agent}")?
                }
                Drafted::Failed { agent, why, transcript } => {
                    report::error(&hint(
                        format!("{agent} did not write {document}: {why}"),
                        format!(
                            "what it said is in {}; then try again: git flow-ai spec edit {slug} {document} --draft",
                            transcript.display()
                        ),
                    ));
                    return Ok(Exit::No);
                }
            }
        }
    }
}

/// A whole file, or standard input, as text.
fn read(file: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let name = if file == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        "standard input".to_owned()
    } else {
        let name = file.display().to_string();
        let opened = File::open(file).and_then(|mut file| file.read_to_end(&mut bytes));
        opened.map_err(|error| {
            hint(format!("cannot read {name}: {error}"), "give --from a file that exists, or `-`")
        })?;
        name
    };
    String::from_utf8(bytes).map_err(|_| hint(format!("{name} is not UTF-8"), "save it as UTF-8"))
}
