//! What a change is meant to do, for its reviewer: the spec's documents and the task.

use crate::domain::plan::Task;
use crate::domain::spec::Spec;
use std::fmt::Write;

/// The spec's documents without the plan, then the task; without a task, the plan as well.
pub fn of(spec: &Spec, task: Option<&Task>) -> String {
    let mut text = String::new();
    let documents = spec.documents.iter().filter(|(name, _)| task.is_none() || name != "plan.md");
    for (name, content) in documents {
        // Writing to a string cannot fail.
        let _ = write!(text, "[{name}]\n{}\n\n", content.trim_end());
    }
    if let Some(task) = task {
        let _ = write!(
            text,
            "[the task of this change, one part of the above: others do the rest]\n{}\n{}\n",
            task.title,
            task.instruction.trim_end()
        );
        if !task.files.is_empty() {
            let _ = writeln!(text, "It means to touch: {}", task.files.join(", "));
        }
    }
    text
}
