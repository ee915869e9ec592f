//! Trust on first use: what a repository brings runs only after the person has seen exactly that.
//!
//! A clone brings commands, agents, reviewers with addresses that keys are sent to, and holes in the
//! sandbox. Each is trusted by its content, for one repository, on a list of the person's that no
//! repository holds; a change is asked about again, and what is asked about is the very content that is
//! in memory and will be used. Whole folders can be trusted by `flow-ai.trust` in git's configuration,
//! which counts only where no repository can set it. The gate needs no trust: looking a verdict up runs
//! nothing.

mod items;
mod list;

pub use items::{Item, Purpose, brought, of_plan};
pub use list::{Record, place};

use crate::domain::error::{Result, hint, hint_on};
use crate::domain::plan;
use crate::gate::store::config::Loaded;
use crate::gate::store::{Repo, specs};
use crate::system::fs::home;
use jiff::Timestamp;
use std::path::Path;

/// The variable that tells an agent of ours, and whatever it starts, what it is.
const INSIDE_AN_AGENT: &str = "GIT_FLOW_AI_MODE";

/// How a thing stands with the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// They have trusted exactly this.
    Trusted,
    /// They have trusted nothing of that name here.
    New,
    /// They have trusted something else of that name here: its lines.
    Changed(Vec<String>),
}

/// What a repository brings, and how each thing stands.
#[derive(Debug)]
pub struct Look {
    /// Every thing, each content once.
    pub items: Vec<(Item, Standing)>,
    /// Why the list is not believed, where it is not: then nothing is trusted.
    pub trouble: Option<anyhow::Error>,
}

impl Look {
    /// Whether all of it may be used.
    pub fn is_trusted(&self) -> bool {
        self.items.iter().all(|(_, standing)| *standing == Standing::Trusted)
    }

    /// The things that are not trusted, by name, each name once.
    pub fn untrusted(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (item, _) in self.items.iter().filter(|(_, standing)| *standing != Standing::Trusted) {
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
/// Where a spec cannot be read.
pub fn everything(repo: &Repo, loaded: &Loaded) -> Result<Vec<Item>> {
    let mut items = brought(&loaded.brought, Purpose::Run);
    for spec in specs::list(repo)? {
        // A plan that cannot be read cannot be run.
        if let Some(Ok(plan)) = spec.document(plan::DOCUMENT).map(plan::parse) {
            items.extend(of_plan(&spec.slug, &plan));
        }
    }
    Ok(items)
}

/// Looks how these things of that repository stand.
///
/// # Errors
/// A value of `flow-ai.trust` that says nothing.
pub fn look(repo: &Repo, items: Vec<Item>) -> Result<Look> {
    let repository = name_of(repo);
    let wholly = items.is_empty() || is_wholly_trusted(repo)?;
    let (records, trouble) = match if wholly { Ok(Vec::new()) } else { list::read() } {
        Ok(records) => (records, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut looked: Vec<(Item, Standing)> = Vec::new();
    for item in items {
        if looked.iter().any(|(other, _)| (&other.what, &other.lines) == (&item.what, &item.lines)) {
            continue;
        }
        let standing = match records.iter().rfind(|one| one.repository == repository && one.what == item.what)
        {
            _ if wholly || records.iter().any(|one| one.covers(&repository, &item)) => Standing::Trusted,
            // Tasks have commands of their own, which replace no other.
            Some(last) if item.place.is_none() => Standing::Changed(last.lines.clone()),
            _ => Standing::New,
        };
        looked.push((item, standing));
    }
    Ok(Look { items: looked, trouble })
}

/// Refuses to go on with what the person does not trust; `given`: they have said that they trust all of
/// it this time.
///
/// # Errors
/// As said, with the way out.
pub fn require(repo: &Repo, items: Vec<Item>, given: bool) -> Result<()> {
    if given {
        return refuse_agents();
    }
    let look = look(repo, items)?;
    if look.is_trusted() {
        return Ok(());
    }
    let why = format!(
        "this repository brings what would run here or send things away, and you have not trusted it yet: {}",
        look.untrusted().join(", ")
    );
    let fix = "look at it and decide: git flow-ai trust";
    Err(match look.trouble {
        Some(trouble) => hint_on(trouble, why, fix),
        None => hint(why, fix),
    })
}

/// Writes down that the person trusts exactly these things in that repository.
pub fn record(repo: &Repo, items: &[Item]) -> Result<()> {
    refuse_agents()?;
    let repository = name_of(repo);
    let at = Timestamp::now().round(jiff::Unit::Second)?.to_string();
    list::edit(|records| {
        for item in items {
            // What was trusted last stands last: the next change is told against it.
            records.retain(|record| !record.covers(&repository, item));
            records.push(list::Record::new(&repository, item, &at));
        }
    })
}

/// Takes back all trust in that repository; how much there was.
pub fn revoke(repo: &Repo) -> Result<usize> {
    let repository = name_of(repo);
    list::edit(|records| {
        let before = records.len();
        records.retain(|record| record.repository != repository);
        before - records.len()
    })
}

/// Everything on the list, for all repositories.
pub fn all() -> Result<Vec<Record>> {
    list::read()
}

/// Whether the person's configuration trusts the repository as a whole, whatever it brings.
pub fn is_wholly_trusted(repo: &Repo) -> Result<bool> {
    let mut trusted = false;
    for value in repo.persons_config("flow-ai.trust") {
        trusted = match value.trim() {
            // As with `safe.directory`, an empty one takes back those before it.
            "" => false,
            "*" => true,
            folder => trusted || holds(folder, repo.common_dir())?,
        };
    }
    Ok(trusted)
}

/// Whether the folder that somebody named is that one, or above it.
fn holds(folder: &str, repository: &Path) -> Result<bool> {
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

/// What a repository is known by: the folder that all its worktrees share.
fn name_of(repo: &Repo) -> String {
    let dir = repo.common_dir();
    dir.to_str().map_or_else(|| format!("{dir:?}"), str::to_owned)
}

/// Trust is a person's to give.
fn refuse_agents() -> Result<()> {
    match std::env::var_os(INSIDE_AN_AGENT) {
        None => Ok(()),
        Some(_) => Err(hint(
            "an agent cannot trust anything: that is for a person to do",
            format!("write down what you would have done; a person will read it ({INSIDE_AN_AGENT} is set)"),
        )),
    }
}
