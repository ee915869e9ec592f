//! Every subcommand and flag: the source of help, man pages and completions.
//!
//! One file per subcommand: its arguments, whose doc comments are the help, and `run`, which calls
//! [`crate::commands`] and prints by [`crate::ui::report`]. A new one is such a file and its line below.

mod approve;
mod check;
mod clean;
mod completions;
mod demo;
mod demo_agent;
mod doctor;
mod hook;
mod init;
mod log;
mod man;
mod merge;
mod open;
mod plan;
mod push;
mod recover;
mod review;
mod run;
mod sandbox;
mod spec;
mod status;
mod sync;
mod test;
mod trust;
mod verdict;
mod verify;
mod waive;

use crate::domain::error::{Exit, Result};
use crate::system::secrets;
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

/// Defines the subcommands: a line has the arguments, and `warned` if it works with branches, so that the user
/// should know when a protected branch moved past the gate; else `unwarned`.
macro_rules! subcommands {
    ($($(#[$attribute:meta])* $name:ident($module:ident::$args:ident), $warned:ident;)*) => {
        /// The subcommands, in the order in which a user meets them.
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($(#[$attribute])* $name($module::$args),)*
        }

        impl Command {
            fn run(self) -> Result<Exit> {
                match self {
                    $(Command::$name(args) => {
                        $warned();
                        $module::run(args)
                    })*
                }
            }
        }
    };
}

subcommands! {
    Init(init::InitArgs), unwarned;
    Spec(spec::SpecArgs), warned;
    Approve(approve::ApproveArgs), warned;
    Plan(plan::PlanArgs), warned;
    Run(run::RunArgs), warned;
    Review(review::ReviewArgs), warned;
    Waive(waive::WaiveArgs), warned;
    Verdict(verdict::VerdictArgs), unwarned;
    Test(test::TestArgs), warned;
    Merge(merge::MergeArgs), warned;
    Sync(sync::SyncArgs), warned;
    Push(push::PushArgs), warned;
    Check(check::CheckArgs), unwarned;
    Verify(verify::VerifyArgs), unwarned;
    Status(status::StatusArgs), warned;
    Log(log::LogArgs), unwarned;
    Open(open::OpenArgs), unwarned;
    Clean(clean::CleanArgs), warned;
    Recover(recover::RecoverArgs), unwarned;
    Trust(trust::TrustArgs), unwarned;
    Doctor(doctor::DoctorArgs), unwarned;
    Demo(demo::DemoArgs), unwarned;
    Completions(completions::CompletionsArgs), unwarned;
    Man(man::ManArgs), unwarned;
    #[command(hide = true)]
    Hook(hook::HookArgs), unwarned;
    #[command(hide = true)]
    Sandbox(sandbox::SandboxArgs), unwarned;
    #[command(hide = true)]
    DemoAgent(demo_agent::DemoAgentArgs), unwarned;
}

/// Warns if a protected branch is not where the gate left it.
fn warned() {
    verify::glance();
}

fn unwarned() {}

/// Whether the arguments ask for JSON.
pub fn wants_json(arguments: &ArgMatches) -> bool {
    match arguments.subcommand() {
        Some((_, nested)) if wants_json(nested) => true,
        _ => matches!(arguments.try_get_one::<bool>("json"), Ok(Some(true))),
    }
}

/// Runs a command; the exit status is its answer.
pub fn run(cli: Cli) -> Result<Exit> {
    secrets::learn_variables(std::env::vars_os());
    cli.command.run()
}
