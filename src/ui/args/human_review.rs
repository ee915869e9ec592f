//! The flags of `review` by which the user judges a change, instead of a model.

use crate::commands::human_review::HumanDecision;
use crate::domain::error::{Result, hint};
use clap::Args;

/// A person's own verdict, in place of a model's.
#[derive(Debug, Args)]
pub struct HumanReviewArgs {
    /// Approve it yourself: a person's own verdict, without asking a model
    #[arg(long, conflicts_with_all = ["request_changes", "reviewer", "again", "intent", "spec"])]
    approve: bool,

    /// Block it yourself until it is mended; say why with --message
    #[arg(long, requires = "message", conflicts_with_all = ["reviewer", "again", "intent", "spec"])]
    request_changes: bool,

    /// What you have to say of it
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,

    /// The file that your request for changes is about, where there are several
    #[arg(long, value_name = "PATH[:LINE]", requires = "request_changes")]
    on: Option<String>,
}

impl HumanReviewArgs {
    /// The user's decision; `None` if a model is to be asked.
    pub fn decision(&self) -> Result<Option<HumanDecision>> {
        let message = self.message.as_deref().map(str::trim);
        if !self.approve && !self.request_changes {
            return match message {
                Some(_) => Err(hint(
                    "--message says what a person thinks, and no model is asked with it",
                    "add --approve or --request-changes; for a model, --intent says what the change is for",
                )),
                None => Ok(None),
            };
        }
        if self.approve {
            let summary = message.filter(|text| !text.is_empty()).unwrap_or("Approved by a person.");
            return Ok(Some(HumanDecision::Approve(summary.to_owned())));
        }
        let body = not_empty(message.unwrap_or_default(), "--message", "what is wrong")?;
        Ok(Some(HumanDecision::RequestChanges(body, self.on.as_deref().map(path_and_line))))
    }
}

/// The trimmed text of that flag, which must say `what`.
pub fn not_empty(text: &str, flag: &str, what: &str) -> Result<String> {
    match text.trim() {
        "" => Err(hint(format!("{flag} is empty"), format!("say {what}, for those who read it later"))),
        text => Ok(text.to_owned()),
    }
}

/// `path:line`, or a path.
fn path_and_line(text: &str) -> (String, Option<u32>) {
    match text.rsplit_once(':').map(|(path, line)| (path, line.parse())) {
        Some((path, Ok(line))) => (path.to_owned(), Some(line)),
        _ => (text.to_owned(), None),
    }
}
