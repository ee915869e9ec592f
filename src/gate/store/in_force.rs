//! Which policy is in force at a commit: its own, or the newest on its first-parent line that anybody could
//! work under.
//!
//! A config with a mistake in it locks nobody out: the one before it goes on, and a change that repairs it is
//! judged by that. If there is none before it, a repair has nobody to be judged by, and enters as it is. A
//! config that names no reviewer yet protects nothing: who adds the first one has nobody to ask.

use super::Repo;
use super::trees::{self, AtPath};
use crate::domain::config::{self, Config, PATH};
use crate::domain::digest;
use crate::domain::error::{Result, hint};
use crate::domain::policy::{Policy, signers};
use crate::domain::reviewers;
use gix::ObjectId;

/// The policy of one tree.
#[derive(Debug)]
pub enum TreePolicy {
    /// There is no config.
    Absent,
    Workable(Box<WorkableConfig>),
    Unworkable(Mistake),
}

/// A config under which somebody can judge.
#[derive(Debug)]
pub struct WorkableConfig {
    pub config: Config,
    /// SHA-256 of its text, in hex.
    pub digest: String,
}

/// Why nobody could work under a config.
#[derive(Debug)]
pub struct Mistake {
    /// With the line, and with how to repair it.
    pub why: anyhow::Error,
    /// The config, if it can be read.
    pub read: Option<Box<Config>>,
    /// Whether the config alone shows it, whatever else is in the tree.
    by_config: bool,
}

impl Mistake {
    /// Whether the config names no reviewer: then it protects nothing yet.
    pub fn is_beginning(&self) -> bool {
        self.read.as_ref().is_some_and(|config| config.reviewers.is_empty())
    }
}

/// What is in force at a commit.
#[derive(Debug)]
pub struct InForce {
    /// The commit and its config; `None` if there is none that anybody could work under.
    pub found: Option<(ObjectId, Box<WorkableConfig>)>,
    /// Why the config of the commit that was asked about is not in force; `None` if it is, or there is none.
    pub mistake: Option<Mistake>,
}

impl InForce {
    /// What is demanded. Where nobody can tell, the usual; and nothing by a config without reviewers.
    pub fn policy(self) -> Option<Policy> {
        match (self.found, self.mistake) {
            (Some((_, found)), _) => Some(found.config.gate),
            (None, Some(mistake)) if !mistake.is_beginning() => {
                Some(mistake.read.map_or_else(Policy::default, |config| config.gate))
            }
            (None, _) => None,
        }
    }
}

/// The policy that is in force at that commit.
///
/// # Errors
/// What cannot be read, such as an object that is missing, or a history that is cut off before a policy that
/// could be in force.
pub fn at(repo: &Repo, commit: ObjectId) -> Result<InForce> {
    let (mut mistake, mut last, mut hopeless) = (None, None, None);
    for commit in repo.first_parents(commit, ObjectId::null(commit.kind())) {
        let commit = commit?;
        let config = trees::entry(repo, commit.tree, PATH.as_bytes())?;
        // A config that stays as it is for years is read once.
        if config.is_none() || hopeless != config {
            match of_tree(&|path| trees::at_path(repo, commit.tree, path), &short(commit.id))? {
                TreePolicy::Workable(found) => {
                    return Ok(InForce { found: Some((commit.id, found)), mistake });
                }
                TreePolicy::Absent => return Ok(InForce { found: None, mistake }),
                TreePolicy::Unworkable(found) => {
                    hopeless = config.filter(|_| found.by_config);
                    mistake.get_or_insert(found);
                }
            }
        }
        last = Some(commit);
    }
    if let Some(cut) = last.filter(|last| last.parents.first().is_some_and(|parent| !repo.has(*parent))) {
        let why = mistake.map_or_else(String::new, |mistake| format!("{}\n", mistake.why));
        return Err(hint(
            format!("{why}the policy before it is unknown: this clone ends at {}", short(cut.id)),
            format!("fetch the history: {}", repo.make_whole()),
        ));
    }
    Ok(InForce { found: None, mistake })
}

/// The policy of a tree, whose files `read` reads; `name` is what the tree is called in messages.
pub fn of_tree(read: &dyn Fn(&str) -> Result<AtPath>, name: &str) -> Result<TreePolicy> {
    let origin = format!("{name}:{PATH}");
    let unworkable = |why, read| Ok(TreePolicy::Unworkable(Mistake { why, read, by_config: true }));
    let text = match read(PATH)? {
        AtPath::Nothing => return Ok(TreePolicy::Absent),
        AtPath::File(bytes) => match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => return unworkable(hint(format!("{origin} is not UTF-8"), "save it as UTF-8"), None),
        },
        AtPath::Odd(odd) => return unworkable(not_plain(name, PATH, &odd), None),
    };
    let config = match parse(&text, &origin) {
        Ok(config) => config,
        Err(error) => return unworkable(error, None),
    };
    if let Err(error) = reviewers::refuse_unworkable(&config, &text, &origin) {
        return unworkable(error, Some(Box::new(config)));
    }
    if config.gate.signed
        && let Some(why) = without_signers(read, &config.gate.allowed_signers, name)?
    {
        let read = Some(Box::new(config));
        return Ok(TreePolicy::Unworkable(Mistake { why, read, by_config: false }));
    }
    Ok(TreePolicy::Workable(Box::new(WorkableConfig { config, digest: digest::sha256(&text) })))
}

/// A config of the repository, whose policy knows the reviewers that it names and its test command: no file of a
/// person's own adds one whose word counts, or another command.
pub fn parse(text: &str, origin: &str) -> Result<Config> {
    let mut config = config::parse(text, origin)?;
    config.gate.reviewers = reviewers::named(&config);
    config.gate.test = config.test();
    Ok(config)
}

/// Why a list of signers cannot be used; `None` if it can.
fn without_signers(
    read: &dyn Fn(&str) -> Result<AtPath>,
    path: &str,
    name: &str,
) -> Result<Option<anyhow::Error>> {
    let why = match read(path)? {
        AtPath::Nothing => "is missing".to_owned(),
        AtPath::Odd(odd) => return Ok(Some(not_plain(name, path, &odd))),
        AtPath::File(bytes) => match String::from_utf8(bytes) {
            Err(_) => "is not UTF-8".into(),
            Ok(text) => match signers::parse(&text) {
                Ok(_) => return Ok(None),
                Err(why) => why,
            },
        },
    };
    let what = format!("{name}:{PATH} has signed = true, and {path} {why}");
    let fix = format!("commit {path} with it, with a line for each who may sign: <address> <public key>");
    Ok(Some(hint(what, fix)))
}

/// What is said of a file that is none.
pub fn not_plain(name: &str, path: &str, odd: &str) -> anyhow::Error {
    hint(
        format!("{name}:{path} cannot be read: {odd} is not a plain file or folder there"),
        format!("commit {path} as a plain file in a plain folder"),
    )
}

fn short(id: ObjectId) -> String {
    id.to_hex_with_len(12).to_string()
}
