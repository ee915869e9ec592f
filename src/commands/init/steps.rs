//! What `init` is about to do: actions, and steps that need none.

use super::action::{Action, Step, StepState};
use super::installed::Installed;
use super::script::{self, Content};
use std::fs;
use std::path::Path;

/// What there is to do, and what to report besides.
#[derive(Default)]
pub(super) struct Plan {
    pub actions: Vec<Action>,
    pub steps: Vec<Step>,
}

impl Plan {
    pub fn extend(&mut self, other: Plan) {
        self.actions.extend(other.actions);
        self.steps.extend(other.steps);
    }

    /// Has a file of ours written unless it is there already or has been edited; whether it will be.
    pub fn renew(&mut self, content: Content, installed: &Installed) -> bool {
        match fs::read(&content.path) {
            Ok(there)
                if there == *content.bytes && (!content.runs || script::is_executable(&content.path)) => {}
            Ok(there) if script::is_ours(&there) && installed.is_edited(&content.path, &there) => {
                self.steps.push(Step::new(StepState::Kept, edited(&content.path)));
            }
            _ => {
                self.actions.push(Action::Hook { content, moved: None });
                return true;
            }
        }
        false
    }
}

/// What is reported about a hook of ours that was edited.
pub(super) fn edited(path: &Path) -> String {
    let path = path.display();
    format!("the hook {path} has been edited; to have it renewed, move it away and run init again")
}
