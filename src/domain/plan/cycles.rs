//! Refuses a plan whose tasks wait for each other.

use super::{DOCUMENT, Task};
use crate::domain::error::{Result, hint};
use std::collections::HashMap;

/// Refuses tasks that wait for each other: goes along `after` until a task comes up again.
pub fn refuse_cycles(tasks: &[Task]) -> Result<()> {
    let by_id: HashMap<&str, &Task> = tasks.iter().map(|task| (task.id.as_str(), task)).collect();
    let mut finished: HashMap<&str, bool> = HashMap::new();
    for root in tasks {
        // The way from the root: each task with the place of its next dependency to look at. A stack
        // of our own, since a plan of any length must not exhaust the thread's.
        let mut way: Vec<(&Task, usize)> = Vec::new();
        if !finished.contains_key(root.id.as_str()) {
            finished.insert(&root.id, false);
            way.push((root, 0));
        }
        while let Some((task, next)) = way.last_mut() {
            let Some(name) = task.after.get(*next) else {
                finished.insert(&task.id, true);
                way.pop();
                continue;
            };
            *next += 1;
            let Some(dependency) = by_id.get(name.as_str()) else { continue };
            match finished.get(dependency.id.as_str()) {
                None => {
                    finished.insert(&dependency.id, false);
                    way.push((dependency, 0));
                }
                Some(true) => {}
                Some(false) => return Err(cycle(&way, dependency)),
            }
        }
    }
    Ok(())
}

/// The refusal of a cycle that closes at `again`.
fn cycle(way: &[(&Task, usize)], again: &Task) -> anyhow::Error {
    let around = way.iter().map(|(task, _)| *task).skip_while(|task| task.id != again.id);
    let mut names: Vec<String> = around.map(|task| format!("{} (line {})", task.id, task.line)).collect();
    names.push(again.id.clone());
    hint(
        format!("{DOCUMENT}:{}: tasks wait for each other: {}", again.line, names.join(" → ")),
        "take one of these names out of its `<!-- after: … -->`",
    )
}
