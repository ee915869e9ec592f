//! Every command and flag: the source of help, man pages and completions.
//!
//! One file per command: its arguments as a struct whose doc comments are the help, and `run`, which
//! calls the journeys and prints through [`crate::ui::report`]. Nothing below this layer prints.

pub mod approve;
pub mod check;
pub mod clean;
pub mod completions;
pub mod demo;
pub mod doctor;
pub mod hook;
mod human_review;
pub mod init;
pub mod log;
pub mod man;
mod manual;
pub mod merge;
mod page;
pub mod plan;
pub mod push;
pub mod recover;
mod refusal;
pub mod review;
pub mod run;
pub mod sandbox;
pub mod spec;
pub mod status;
mod subject;
pub mod sync;
pub mod trust;
pub mod verdict;
pub mod verify;
pub mod wait;
pub mod waive;

use crate::domain::error::{Exit, Result};
use crate::domain::secret;
use clap::{ArgMatches, Parser, Subcommand};

const EXAMPLES: &str = "Examples:
  git flow-ai init                      # config, hooks, agents found on the PATH
  git flow-ai spec \"Dark mode\"          # an idea becomes a spec on a branch of its own
  git flow-ai approve dark-mode         # bound to the exact text
  git flow-ai plan dark-mode            # tasks with agents and dependencies
  git flow-ai run dark-mode --parallel 3
  git flow-ai merge dark-mode           # let in only with a rival's verdict

  git flow-ai review feature            # a rival's review of any change
  git flow-ai status                    # every spec, and what to do next
  git flow-ai demo                      # the whole story, without network or keys";

/// Specs first, agents in parallel, a rival judges: an engineering process for AI-written code, inside git
#[derive(Debug, Parser)]
#[command(
    name = "git-flow-ai",
    bin_name = "git flow-ai",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, in the order in which a person meets them.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::InitArgs),
    Spec(spec::SpecArgs),
    Approve(approve::ApproveArgs),
    Plan(plan::PlanArgs),
    Run(run::RunArgs),
    Review(review::ReviewArgs),
    Waive(waive::WaiveArgs),
    Verdict(verdict::VerdictArgs),
    Merge(merge::MergeArgs),
    Sync(sync::SyncArgs),
    Push(push::PushArgs),
    Check(check::CheckArgs),
    Verify(verify::VerifyArgs),
    Status(status::StatusArgs),
    Log(log::LogArgs),
    Clean(clean::CleanArgs),
    Recover(recover::RecoverArgs),
    Trust(trust::TrustArgs),
    Doctor(doctor::DoctorArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[command(hide = true)]
    Hook(hook::HookArgs),
    #[command(hide = true)]
    Sandbox(sandbox::SandboxArgs),
    #[command(hide = true)]
    DemoAgent(demo::AgentArgs),
}

impl Command {
    /// Whether it does something with the work of the repository, so that whoever calls it should know
    /// when a protected branch is not where the gate let it be.
    fn acts(&self) -> bool {
        use Command::{Approve, Clean, Merge, Plan, Push, Review, Run, Spec, Status, Sync, Waive};
        matches!(
            self,
            Approve(_)
                | Clean(_)
                | Merge(_)
                | Plan(_)
                | Push(_)
                | Review(_)
                | Run(_)
                | Spec(_)
                | Status(_)
                | Sync(_)
                | Waive(_)
        )
    }
}

/// Whether what was called is to answer in JSON.
pub fn wants_json(given: &ArgMatches) -> bool {
    match given.subcommand() {
        Some((_, further)) if wants_json(further) => true,
        _ => matches!(given.try_get_one::<bool>("json"), Ok(Some(true))),
    }
}

/// Runs a command; the exit status is its answer.
pub fn run(cli: Cli) -> Result<Exit> {
    secret::learn_named(std::env::vars_os());
    if cli.command.acts() {
        verify::glance();
    }
    match cli.command {
        Command::Init(args) => init::run(args),
        Command::Spec(args) => spec::run(args),
        Command::Approve(args) => approve::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Run(args) => run::run(args),
        Command::Review(args) => review::run(args),
        Command::Waive(args) => waive::run(args),
        Command::Verdict(args) => verdict::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Sync(args) => sync::run(args),
        Command::Push(args) => push::run(args),
        Command::Check(args) => check::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Status(args) => status::run(args),
        Command::Log(args) => log::run(args),
        Command::Clean(args) => clean::run(args),
        Command::Recover(args) => recover::run(args),
        Command::Trust(args) => trust::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
        Command::Hook(args) => hook::run(args),
        Command::Sandbox(args) => sandbox::run(args),
        Command::DemoAgent(args) => demo::run_agent(args),
    }
}
