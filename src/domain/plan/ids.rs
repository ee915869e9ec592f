//! The ids of tasks: what can be one, and that each name in a plan means one task.

use super::{DOCUMENT, Task};
use crate::domain::branch_part::{LONGEST, is_branch_part};
use crate::domain::digest;
use crate::domain::error::{Result, hint, nearest};
use crate::domain::spec::Slug;
use crate::domain::workflow::Step;
use std::collections::HashMap;

/// Refuses an id that can be no branch, or that means something else.
pub fn check_id(id: &str, line: usize) -> Result<()> {
    let at = format!("{DOCUMENT}:{line}");
    if ["spec", "result"].contains(&id.to_lowercase().as_str()) {
        return Err(hint(
            format!("{at}: the id `{id}` is reserved for the branch flow/<spec>/{}", id.to_lowercase()),
            "choose another id",
        ));
    }
    if is_branch_part(id) {
        Ok(())
    } else {
        let fix = format!(
            "an id has letters, digits, `-`, `_` and `.`, at most {LONGEST}, and begins with a letter or digit"
        );
        Err(hint(format!("{at}: `{id}` cannot be a task's id, since it cannot name a branch"), fix))
    }
}

/// The id of a step that has none. A title without letters or digits gets one by its hash, which stays
/// the same when other steps come and go.
pub fn id_from_title(title: &str, line: usize) -> Result<String> {
    let id = match Slug::from_title(title) {
        Ok(slug) => slug.to_string(),
        Err(_) => format!("task-{:.8}", digest::sha256(title)),
    };
    check_id(&id, line)?;
    Ok(id)
}

pub fn refuse_double_ids(tasks: &[Task]) -> Result<()> {
    let mut seen: HashMap<String, &Task> = HashMap::new();
    for task in tasks {
        // Refs are files on most systems, and some file systems know no case.
        if let Some(first) = seen.insert(task.id.to_lowercase(), task) {
            return Err(hint(
                format!(
                    "{DOCUMENT}:{}: the id `{}` is taken by the step in line {}",
                    task.line, task.id, first.line
                ),
                "give one of them another: `<!-- id: … -->` under its heading",
            ));
        }
    }
    Ok(())
}

/// Refuses names in `after` that no task has. What comes after a document's step is always true when
/// a plan is carried out, so that such names are dropped.
pub fn refuse_unknown_ids(tasks: &mut [Task], steps: &[Step]) -> Result<()> {
    let ids: Vec<String> = tasks.iter().map(|task| task.id.clone()).collect();
    let documents: Vec<String> = steps
        .iter()
        .filter(|step| step.document.is_some())
        .filter_map(|step| match step.values("id").next() {
            Some((id, _)) => Some(id.to_owned()),
            None => Slug::from_title(&step.title).ok().map(|slug| slug.to_string()),
        })
        .collect();
    for task in tasks {
        task.after.retain(|name| ids.contains(name) || !documents.contains(name));
        if let Some(unknown) = task.after.iter().find(|name| !ids.contains(name)) {
            let step = steps.iter().find(|step| step.line == task.line);
            let line = step
                .and_then(|step| step.values("after").find(|(value, _)| names(value).any(|n| n == unknown)));
            let line = line.map_or(task.line, |(_, line)| line);
            return Err(hint(
                format!("{DOCUMENT}:{line}: `{}` comes after `{unknown}`, which is no task's id", task.id),
                match nearest(unknown, ids.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the ids are: {}", ids.join(", ")),
                },
            ));
        }
    }
    Ok(())
}

/// Names separated by commas or white space.
pub fn names(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| c == ',' || c.is_whitespace()).filter(|name| !name.is_empty())
}
