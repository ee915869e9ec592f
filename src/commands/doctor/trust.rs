//! Whether the person has seen and trusted what the repository brings.

use super::Check;
use crate::agents::trust;
use crate::domain::error::{Result, fixes};
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;

const TOPIC: &str = "trust";

pub(super) fn examine(repo: &Repo, loaded: &Loaded) -> Check {
    look(repo, loaded).unwrap_or_else(|error| Check::broken(TOPIC, &error))
}

fn look(repo: &Repo, loaded: &Loaded) -> Result<Check> {
    let look = trust::check(repo, trust::all_items(repo, loaded)?)?;
    Ok(if let Some(trouble) = &look.trouble {
        Check::bad(TOPIC, trouble.to_string(), fixes(trouble).next().unwrap_or_default())
    } else if look.is_trusted() {
        Check::good(TOPIC, "you trust what this repository brings")
    } else {
        let says =
            format!("you have not trusted yet what this repository brings: {}", look.untrusted().join(", "));
        Check::note(TOPIC, says, "git flow-ai trust shows it and asks")
    })
}
