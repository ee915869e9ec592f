//! What a change is meant to do, for its reviewer: the spec's documents and the task.

use crate::commands::{documents, prompts};
use crate::domain::error::Result;
use crate::domain::plan::{self, Task};
use crate::domain::spec::Spec;
use crate::domain::verdict::Purpose;
use crate::gate::store::Repo;
use serde::Serialize;

/// What a change is meant to do.
#[derive(Debug, Clone, Default)]
pub struct Intent {
    /// For the reviewer.
    pub text: String,
    /// The text of the spec that it belongs to; `None` if it belongs to none.
    pub purpose: Option<Purpose>,
}

/// The values of `intent.md`.
#[derive(Serialize)]
struct Values<'a> {
    documents: String,
    task: Option<IntentTask<'a>>,
}

#[derive(Serialize)]
struct IntentTask<'a> {
    title: &'a str,
    instruction: &'a str,
    files: &'a [String],
}

/// The spec's documents without the plan, then the task; without a task, the plan as well.
pub fn describe(repo: &Repo, spec: &Spec, task: Option<&Task>) -> Result<Intent> {
    let text = documents::text_for(repo, spec, task)?;
    let purpose = Some(Purpose { spec: spec.slug.to_string(), text });
    Ok(Intent { text: render(spec, task)?, purpose })
}

fn render(spec: &Spec, task: Option<&Task>) -> Result<String> {
    let without: &[&str] = if task.is_some() { &[plan::DOCUMENT] } else { &[] };
    let task = task.map(|task| IntentTask {
        title: &task.title,
        instruction: &task.instruction,
        files: &task.files,
    });
    prompts::render("intent.md", Values { documents: prompts::documents(spec, without, None)?, task })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_shown_with_the_documents_and_without_the_other_tasks() {
        let document = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let spec = Spec {
            slug: "demo".parse().unwrap(),
            title: "Demo".into(),
            commit: gix::ObjectId::null(gix::hash::Kind::Sha1),
            workflow: "spec".into(),
            documents: vec![document("request.md", "# Demo\n"), document("plan.md", "all tasks")],
            approvals: Vec::new(),
            recipe: None,
        };
        let task = crate::domain::plan::parse("### [ ] Step: The API\n<!-- files: src/** -->\nDo it.\n")
            .unwrap()
            .tasks
            .remove(0);
        assert_eq!(render(&spec, None).unwrap().trim_end(), "[request.md]\n# Demo\n\n[plan.md]\nall tasks");
        assert_eq!(
            render(&spec, Some(&task)).unwrap(),
            "[request.md]\n# Demo\n\n[the task of this change, one part of the above: others do the rest]\nThe API\nDo it.\nIt means to touch: src/**\n"
        );
    }
}
