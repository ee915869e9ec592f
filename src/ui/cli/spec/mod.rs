//! `git flow-ai spec`: begin a spec, and look after its documents.

mod show;

use super::approve::{self, ApproveArgs};
use crate::commands::spec::FirstText;
use crate::commands::{abandon, documents, spec};
use crate::domain::error::{Exit, Result, hint};
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::gate::store::{Repo, config, specs};
use crate::ui::args::text_source::TextSource;
use crate::ui::report;
use clap::{Args, Subcommand};
use show::ShowArgs;
use std::io::Write;

/// Begin a spec, or list, show, edit, approve and abandon specs
///
/// A spec is one intended change. Its documents live on the branch `flow/<slug>/spec`, which is never
/// checked out, so that this works from any worktree, with uncommitted changes and in the middle of a
/// merge. The workflow says which documents there are: `quick` none, `fix` an investigation, `spec` a
/// specification, `sdd` requirements, specification and plan; `.zenflow/workflows/*.md` are the team's
/// own. Without --from, --draft or --no-edit, your editor opens on the first document.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  git flow-ai spec \"Dark mode\"                        write the first document in your editor
  git flow-ai spec \"Dark mode\" --workflow sdd --draft   have an agent draft it
  git flow-ai spec \"Fix the crash\" --workflow fix --from notes.md
  git flow-ai spec list
  git flow-ai spec show dark-mode spec.md
  git flow-ai spec edit dark-mode                     the document that is next"
)]
pub struct SpecArgs {
    #[command(subcommand)]
    command: Option<SpecCommand>,

    /// What you want, in a few words
    #[arg(required = true)]
    title: Option<String>,

    /// The spec's short name: letters, digits, hyphens; made of the title when not given
    #[arg(long, value_name = "NAME")]
    slug: Option<Slug>,

    /// quick, fix, spec, sdd or one of the team's own; default: `spec.workflow` of the config
    #[arg(long, short, value_name = "NAME")]
    workflow: Option<String>,

    /// Only begin it; write the documents later
    #[arg(long, conflicts_with_all = ["draft", "agent"])]
    no_edit: bool,

    #[command(flatten)]
    source: TextSource,
}

#[derive(Debug, Subcommand)]
enum SpecCommand {
    List(ListArgs),
    Show(ShowArgs),
    Edit(EditArgs),
    Approve(ApproveArgs),
    Abandon(AbandonArgs),
}

/// List all specs, where they stand and what to do next
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Give a spec up: its branches go, and can be recovered
///
/// What is on the branches is kept from garbage collection; `git flow-ai recover` lists it and brings it
/// back. What is merged stays merged.
#[derive(Debug, Args)]
pub struct AbandonArgs {
    /// The spec
    slug: Slug,
}

/// Write or change a document of a spec
#[derive(Debug, Args)]
pub struct EditArgs {
    /// The spec
    slug: Slug,

    /// The document; default: the one that is next
    document: Option<String>,

    #[command(flatten)]
    source: TextSource,
}

pub fn run(args: SpecArgs) -> Result<Exit> {
    match args.command {
        Some(SpecCommand::List(args)) => show::list(args.json),
        Some(SpecCommand::Show(args)) => show::run(&args),
        Some(SpecCommand::Edit(args)) => edit(&args),
        Some(SpecCommand::Approve(args)) => approve::run(args),
        Some(SpecCommand::Abandon(args)) => abandon(&args.slug),
        None => begin(args),
    }
}

fn edit(args: &EditArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    let spec = specs::read(&repo, &args.slug)?;
    let document = documents::document_meant(&repo, &spec, args.document.as_deref())?;
    args.source.write(&repo, &args.slug, &document)
}

fn abandon(slug: &Slug) -> Result<Exit> {
    let gone = abandon::abandon(&Repo::discover()?, slug)?;
    writeln!(report::out(), "Abandoned {slug}; gone: {}", gone.join(", "))?;
    report::next_commands(&["git flow-ai recover".to_owned()])?;
    Ok(Exit::Yes)
}

fn begin(args: SpecArgs) -> Result<Exit> {
    let SpecArgs { title, slug, workflow, no_edit, source, .. } = args;
    let title = title.unwrap_or_default();
    refuse_misspelt_command(&title)?;
    let repo = Repo::discover()?;
    let target = repo.target()?;
    let loaded = config::load(&repo, &target)?;
    loaded.warnings.iter().for_each(|warning| report::warning(warning));
    let new = documents::prepare(&repo, &loaded, &target, &title, slug, workflow.as_deref())?;
    new.workflow.warnings.iter().for_each(|warning| report::warning(warning));

    let given = source.given()?;
    if source.is_draft() {
        source.prepare_draft(&repo, &loaded, &target)?;
    }
    let first = match given {
        Some(text) if source.is_draft() => FirstText::Request(text),
        Some(text) => FirstText::Document(text),
        None if no_edit || source.is_draft() => FirstText::Later,
        None => FirstText::Editor,
    };
    spec::begin(&repo, &new, first)?;
    writeln!(report::out(), "Begun: {} on flow/{}/spec, workflow {}", new.slug, new.slug, new.workflow.name)?;
    if source.is_draft() {
        return source.draft(&repo, &loaded, &target, &new.slug, None);
    }
    report::next_commands(&spec::next(&repo, &new.slug)?)?;
    Ok(Exit::Yes)
}

/// A title of one word that is a letter away from a command is no title.
fn refuse_misspelt_command(title: &str) -> Result<()> {
    let command = SpecCommand::augment_subcommands(clap::Command::new("spec"));
    let mut names = command.get_subcommands().map(clap::Command::get_name);
    match names.find(|name| strsim::osa_distance(title, name) == 1) {
        Some(meant) => Err(hint(
            format!("`{title}` looks like `{meant}` misspelt"),
            command_line!(
                "git flow-ai spec {}; for a spec of that title, write a longer one and --slug {}",
                meant,
                title
            ),
        )),
        None => Ok(()),
    }
}
