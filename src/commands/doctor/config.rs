//! Whether the config is in force: committed on the target branch, where the gate reads it.

use super::Check;
use crate::domain::config::PATH;
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;

const TOPIC: &str = "config";

pub(super) fn examine(repo: &Repo, loaded: &Loaded, target: &str) -> Check {
    if let Some(mistake) = &loaded.unworkable {
        let says = format!("nobody could work under it, so {}: {}", mistake.effect(), mistake.why);
        return Check::bad(TOPIC, says, &mistake.fix);
    }
    let says = format!("config from {}", loaded.origin);
    if repo.work_dir().is_none() && !loaded.origin.contains(&format!("{target}:")) {
        let fix = format!("push one to {target}; it is in force from then on");
        Check::note(TOPIC, format!("{target} has no {PATH}: nothing is protected"), fix)
    } else if repo.work_dir().is_some() && loaded.config.agents.is_empty() {
        Check::note(TOPIC, format!("{says}, without agents"), "git flow-ai init finds them on the PATH")
    } else if loaded.origin.contains(&format!("{target}:")) {
        Check::good(TOPIC, says)
    } else {
        let fix = format!("commit {PATH} on {target}: the gate reads it there and nowhere else");
        Check::note(TOPIC, says, fix)
    }
}
