//! The flags that say where a document's text comes from: the user's editor, a file, an agent.

use super::input;
use super::trust::{TrustFlag, consent};
use crate::agents::trust::{self, Purpose};
use crate::commands::documents::{self, Drafted, Drafting};
use crate::commands::spec;
use crate::domain::error::{Exit, Result, hint};
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::gate::store::config::{self, Loaded};
use crate::gate::store::{Repo, specs};
use crate::ui::report::{self, EventStyle};
use crate::ui::runtime::block_on_watched;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Flags that say where the text comes from; without one: the user's editor.
#[derive(Debug, Args)]
pub struct TextSource {
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

impl TextSource {
    /// Whether an agent writes.
    pub fn is_draft(&self) -> bool {
        self.draft
    }

    /// The text that `--from` gives.
    pub fn given(&self) -> Result<Option<String>> {
        let Some(file) = &self.from else { return Ok(None) };
        let name = match file == Path::new("-") {
            true => "standard input".to_owned(),
            false => file.display().to_string(),
        };
        let text = String::from_utf8(input::read(file, "--from")?);
        text.map(Some).map_err(|_| hint(format!("{name} is not UTF-8"), "save it as UTF-8"))
    }

    /// Asks for trust in what the repository brings to a draft, and refuses what no agent could draft, before
    /// anything is written.
    pub fn prepare_draft(&self, repo: &Repo, loaded: &Loaded, target: &str) -> Result<()> {
        self.consent(repo, loaded)?;
        documents::refuse_undraftable(repo, loaded, self.agent.as_deref(), target)
    }

    fn consent(&self, repo: &Repo, loaded: &Loaded) -> Result<()> {
        consent(repo, trust::config_items(&loaded.brought, Purpose::Draft), &self.trust)
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
            return self.draft(repo, &loaded, &target, slug, Some(document.to_owned()));
        }
        let written = spec::write(repo, slug, document, self.given()?.as_deref())?;
        let mut out = report::out();
        match written.is_changed {
            false => writeln!(out, "{document} of {slug} stays as it was")?,
            true => writeln!(out, "Written: {document} of {slug}")?,
        }
        if written.lost_approval {
            report::warning(&format!("{document} was approved; the approval does not hold for the new text"));
        }
        report::next_commands(&spec::next(repo, slug)?)?;
        Ok(Exit::Yes)
    }

    /// Has an agent draft that document, or the one that is next, and those after it up to one that the user
    /// has to approve.
    pub fn draft(
        &self,
        repo: &Repo,
        loaded: &Loaded,
        target: &str,
        slug: &Slug,
        mut document: Option<String>,
    ) -> Result<Exit> {
        loop {
            let next =
                document.take().map_or_else(|| spec::next_to_draft(repo, slug), |named| Ok(Some(named)))?;
            let Some(document) = next else {
                report::next_commands(&spec::next(repo, slug)?)?;
                return Ok(Exit::Yes);
            };
            let drafting = Drafting {
                spec: &specs::read(repo, slug)?,
                document: &document,
                agent: self.agent.as_deref(),
                target,
                trust: self.trust.is_given(),
            };
            let drafted = block_on_watched(EventStyle::choose(false), async |events, stop| {
                documents::draft(repo, loaded, drafting, events, &stop).await
            })?;
            match drafted {
                Drafted::Written { agent } => {
                    writeln!(report::out(), "Drafted: {document} of {slug}, by {agent}")?
                }
                Drafted::Failed { agent, why, transcript } => {
                    report::error(&hint(
                        format!("{agent} did not write {document}: {why}"),
                        format!(
                            "what it said is in {}; then try again: {}",
                            transcript.display(),
                            command_line!("git flow-ai spec edit {} {} --draft", slug, document)
                        ),
                    ));
                    return Ok(Exit::No);
                }
            }
        }
    }
}
