//! The flags that select a change: a revision, a range, what is staged.

use crate::commands::selection::Selection;
use clap::Args;

/// Which change, and for which branch.
#[derive(Debug, Args)]
pub struct SelectionArgs {
    /// A commit, branch or range; a single commit stands for what it adds to the target
    #[arg(value_name = "REV|RANGE", conflicts_with = "staged")]
    revision: Option<String>,

    /// What is staged
    #[arg(long)]
    staged: bool,

    /// The branch that the change is meant for
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
}

impl From<SelectionArgs> for Selection {
    fn from(args: SelectionArgs) -> Selection {
        let SelectionArgs { revision, staged, target } = args;
        Selection { revision, staged, target }
    }
}
