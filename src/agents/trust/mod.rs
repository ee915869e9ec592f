//! Trust on first use: what a repository brings runs only after the user has seen exactly that.
//!
//! A clone brings commands, agents, reviewers with addresses that keys are sent to, and holes in the
//! sandbox. Each is trusted by its content, for one repository, on a list of the user's that no
//! repository holds; a change is asked about again, and what is asked about is the very content that is
//! in memory and will be used. Whole folders can be trusted by `flow-ai.trust` in git's configuration,
//! which counts only where no repository can set it. The gate needs no trust: looking a verdict up runs
//! nothing.

mod items;
mod list;

pub use items::{Item, Purpose, config_items, plan_items};
pub use list::{TrustedItem, list_path};

use crate::domain::error::{Result, hint, hint_on};
use crate::domain::plan;
use crate::gate::store::config::Loaded;
use crate::gate::store::{Repo, specs};
use crate::system::fs::home;
use jiff::Timestamp;
use std::path::Path;

/// The variable that each agent of ours has, and whatever it starts.
const INSIDE_AN_AGENT: &str = "GIT_FLOW_AI_MODE";

/// Whether the user trusts an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustStatus {
    Trusted,
    /// Nothing of that key in this repository.
    New,
    /// Something else of that key in this repository: its lines.
    Changed(Vec<String>),
}

/// What a repository brings, and which of it the user trusts.
#[derive(Debug)]
pub struct TrustCheck {
    /// Every item, each content once.
    pub items: Vec<(Item, TrustStatus)>,
    /// Why the list is not believed, if it is not: then nothing is trusted.
    pub trouble: Option<anyhow::Error>,
}

impl TrustCheck {
    /// Whether all of it may be used.
    pub fn is_trusted(&self) -> bool {
        self.items.iter().all(|(_, status)| *status == TrustStatus::Trusted)
    }

    /// The keys of items that are not trusted, each once.
    pub fn untrusted(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (item, _) in self.items.iter().filter(|(_, status)| *status != TrustStatus::Trusted) {
            if !names.contains(&item.what.as_str()) {
                names.push(&item.what);
            }
        }
        names
    }
}

/// All that a repository brings, whatever it is for: in its config, and in the plans of its specs.
///
/// # Errors
/// If a spec cannot be read.
pub fn all_items(repo: &Repo, loaded: &Loaded) -> Result<Vec<Item>> {
    let mut items = config_items(&loaded.brought, Purpose::Run);
    for spec in specs::list(repo)? {
        // A plan that cannot be read cannot be run.
        if let Some(Ok(plan)) = spec.document(plan::DOCUMENT).map(plan::parse) {
            items.extend(plan_items(&spec.slug, &plan));
        }
    }
    Ok(items)
}

/// Checks which of these items of that repository are trusted.
///
/// # Errors
/// A value of `flow-ai.trust` that says nothing.
pub fn check(repo: &Repo, items: Vec<Item>) -> Result<TrustCheck> {
    let repository = repository_key(repo);
    let wholly = items.is_empty() || is_wholly_trusted(repo)?;
    let (records, trouble) = match if wholly { Ok(Vec::new()) } else { list::read() } {
        Ok(records) => (records, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut checked: Vec<(Item, TrustStatus)> = Vec::new();
    for item in items {
        if checked.iter().any(|(other, _)| (&other.what, &other.lines) == (&item.what, &item.lines)) {
            continue;
        }
        let status = match records.iter().rfind(|one| one.repository == repository && one.what == item.what) {
            _ if wholly || records.iter().any(|one| one.covers(&repository, &item)) => TrustStatus::Trusted,
            // Tasks have commands of their own, which replace no other.
            Some(last) if item.place.is_none() => TrustStatus::Changed(last.lines.clone()),
            _ => TrustStatus::New,
        };
        checked.push((item, status));
    }
    Ok(TrustCheck { items: checked, trouble })
}

/// Refuses to go on with what the user does not trust; `given`: they trust all of it this time.
///
/// # Errors
/// As said, with the way out.
pub fn require(repo: &Repo, items: Vec<Item>, given: bool) -> Result<()> {
    if given {
        return refuse_agents();
    }
    let check = check(repo, items)?;
    if check.is_trusted() {
        return Ok(());
    }
    let why = format!(
        "this repository brings what would run here or send things away, and you have not trusted it yet: {}",
        check.untrusted().join(", ")
    );
    let fix = "look at it and decide: git flow-ai trust";
    Err(match check.trouble {
        Some(trouble) => hint_on(trouble, why, fix),
        None => hint(why, fix),
    })
}

/// Records that the user trusts exactly these items in that repository.
pub fn record(repo: &Repo, items: &[Item]) -> Result<()> {
    refuse_agents()?;
    let repository = repository_key(repo);
    let at = Timestamp::now().round(jiff::Unit::Second)?.to_string();
    list::edit(|records| {
        for item in items {
            // The item trusted last comes last: the next change is shown against it.
            records.retain(|record| !record.covers(&repository, item));
            records.push(list::TrustedItem::new(&repository, item, &at));
        }
    })
}

/// Takes back all trust in that repository; returns how many items it was.
pub fn revoke(repo: &Repo) -> Result<usize> {
    let repository = repository_key(repo);
    list::edit(|records| {
        let before = records.len();
        records.retain(|record| record.repository != repository);
        before - records.len()
    })
}

/// Everything on the list, for all repositories.
pub fn trusted_items() -> Result<Vec<TrustedItem>> {
    list::read()
}

/// Whether the user's configuration trusts the repository as a whole, whatever it brings.
pub fn is_wholly_trusted(repo: &Repo) -> Result<bool> {
    let mut trusted = false;
    for value in repo.persons_config("flow-ai.trust") {
        trusted = match value.trim() {
            // As with `safe.directory`, an empty one takes back those before it.
            "" => false,
            "*" => true,
            folder => trusted || is_above(folder, repo.common_dir())?,
        };
    }
    Ok(trusted)
}

/// Whether a configured folder is that one, or above it.
fn is_above(folder: &str, repository: &Path) -> Result<bool> {
    let path = home::expand(folder);
    if !path.is_absolute() {
        return Err(hint(
            format!("flow-ai.trust is `{folder}`, which is neither `*` nor the path of a folder"),
            "git config --global flow-ai.trust ~/work",
        ));
    }
    // One that is not there trusts nothing.
    Ok(path.canonicalize().is_ok_and(|path| repository.starts_with(path)))
}

/// What a repository is known by: its common git directory.
fn repository_key(repo: &Repo) -> String {
    let dir = repo.common_dir();
    dir.to_str().map_or_else(|| format!("{dir:?}"), str::to_owned)
}

/// Only a person gives trust.
fn refuse_agents() -> Result<()> {
    match std::env::var_os(INSIDE_AN_AGENT) {
        None => Ok(()),
        Some(_) => Err(hint(
            "an agent cannot trust anything: that is for a person to do",
            format!("write down what you would have done; a person will read it ({INSIDE_AN_AGENT} is set)"),
        )),
    }
}
