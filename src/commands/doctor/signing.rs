//! Whether records can be signed as the branch demands, by the user.

use super::Check;
use crate::commands::human_review;
use crate::domain::error::Result;
use crate::gate::signing::{self, SigningKey};
use crate::gate::store::Repo;
use crate::gate::store::config::Loaded;

const TOPIC: &str = "signing";

pub(super) fn examine(repo: &Repo, loaded: &Loaded, target: &str) -> Check {
    look(repo, loaded, target).unwrap_or_else(|error| Check::broken(TOPIC, &error))
}

fn look(repo: &Repo, loaded: &Loaded, target: &str) -> Result<Check> {
    let policy = &loaded.config.gate;
    signing::ready(repo, policy, target, None, None)?;
    if !policy.signed && policy.rules.iter().any(|rule| rule.human) {
        return Ok(Check::note(
            TOPIC,
            format!(
                "a rule of {target} wants a person's approval, and unsigned ones count: anybody who invents a \
                 `user.email` can approve"
            ),
            format!(
                "set `signed = true` under [gate] in {}, and name who may sign in {}",
                crate::domain::config::PATH,
                policy.allowed_signers
            ),
        ));
    }
    if !policy.signed && !policy.waivers.is_empty() {
        return Ok(Check::note(
            TOPIC,
            format!(
                "{target} takes waivers that are not signed: anybody who invents a `user.email` can waive"
            ),
            format!(
                "set `signed = true` under [gate] in {}, and name who may sign in {}",
                crate::domain::config::PATH,
                policy.allowed_signers
            ),
        ));
    }
    let Some(key) = SigningKey::configured(repo)? else {
        let says = format!("records are not signed, and {target} does not demand it");
        return Ok(Check::good(TOPIC, says));
    };
    if !policy.signed {
        return Ok(Check::good(TOPIC, format!("records are signed with {key}")));
    }
    let person = human_review::user(repo)?;
    let file = &policy.allowed_signers;
    Ok(match signing::ready(repo, policy, target, Some(&person), None) {
        Ok(()) => {
            let says =
                format!("records are signed with {key}, and {file} of {target} names {}", person.address());
            Check::good(TOPIC, says)
        }
        Err(_) => Check::note(
            TOPIC,
            format!(
                "{file} of {target} has {key}, and not for {}: reviews count, your own word does not",
                person.address()
            ),
            format!("have the line name {} as well", person.address()),
        ),
    })
}
