//! `git flow-ai spec`: begin a spec, and look after its documents.

mod show;
mod writing;

pub use show::{ShowArgs, print_next};
pub use writing::Writing;

use crate::commands::draft;
use crate::domain::error::{Exit, Result, hint};
use crate::domain::spec::Slug;
use crate::gate::store::{Repo, config, specs};
use crate::ui::cli::approve::{self, ApproveArgs};
use crate::ui::report;
use clap::{Args, Subcommand};
use std::io::Write;

/// Begin a spec, or list, show, edit and approve specs
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
    writing: Writing,
}

#[derive(Debug, Subcommand)]
enum SpecCommand {
    List(ListArgs),
    Show(ShowArgs),
    Edit(EditArgs),
    Approve(ApproveArgs),
}

/// List all specs, where they stand and what to do next
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Write or change a document of a spec
#[derive(Debug, Args)]
pub struct EditArgs {
    /// The spec
    slug: Slug,

    /// The document; default: the one that is next
    document: Option<String>,

    #[command(flatten)]
    writing: Writing,
}

/// Runs the command.
pub fn run(args: SpecArgs) -> Result<Exit> {
    match args.command {
        Some(SpecCommand::List(list)) => show::list(list.json),
        Some(SpecCommand::Show(show)) => show::run(&show),
        Some(SpecCommand::Edit(edit)) => {
            let repo = Repo::discover()?;
            let document =
                draft::document_meant(&repo, &specs::read(&repo, &edit.slug)?, edit.document.as_deref())?;
            edit.writing.write(&repo, &edit.slug, &document)
        }
        Some(SpecCommand::Approve(args)) => approve::run(args),
        None => begin(&args),
    }
}

/// Begins a spec.
fn begin(args: &SpecArgs) -> Result<Exit> {
    let title = args.title.as_deref().unwrap_or_default();
    refuse_misspelt_command(title)?;
    let repo = Repo::discover()?;
    let target = repo.target()?;
    let loaded = config::load(&repo, &target)?;
    loaded.warnings.iter().for_each(|warning| report::warning(warning));
    let new = draft::prepare(&repo, &loaded, &target, title, args.slug.clone(), args.workflow.as_deref())?;
    new.workflow.warnings.iter().for_each(|warning| report::warning(warning));

    let given = args.writing.given()?;
    let drafts = args.writing.wants_draft();
    if drafts {
        args.writing.consent(&repo, &loaded)?;
        draft::refuse_undraftable(&repo, &loaded, args.writing.agent(), &target)?;
    }
    if let Some(text) = given {
        // What is given is the request where an agent drafts the documents from it.
        let document = if drafts { specs::REQUEST } else { new.first_document() };
        draft::begin(&repo, &new, Some((document, text)))?;
    } else if args.no_edit || drafts {
        draft::begin(&repo, &new, None)?;
    } else {
        draft::edit_first(&repo, &new, |text| draft::begin(&repo, &new, Some((new.first_document(), text))))?;
    }
    writeln!(report::out(), "Begun: {} on flow/{}/spec, workflow {}", new.slug, new.slug, new.workflow.name)?;
    if drafts {
        return args.writing.draft(&repo, &loaded, &target, &new.slug, None);
    }
    print_next(&repo, &new.slug)?;
    Ok(Exit::Yes)
}

/// A title of one word that is a letter away from a command is no title.
fn refuse_misspelt_command(title: &str) -> Result<()> {
    let meant =
        ["list", "show", "edit", "approve"].into_iter().find(|name| strsim::osa_distance(title, name) == 1);
    match meant {
        Some(meant) => Err(hint(
            format!("`{title}` looks like `{meant}` misspelt"),
            format!(
                "git flow-ai spec {meant}; for a spec of that title, write a longer one and --slug {title}"
            ),
        )),
        None => Ok(()),
    }
}
