//! The policy that an update brings: could anybody work under it?
//!
//! The gate judges by the old policy, and reads the new one too. A config with a mistake in it, or one that
//! asks for what no reviewer can give, would lock the branch against its own repair, so it does not enter,
//! whoever approved it. Where one is at the tip all the same, the policy before it is in force, and only a
//! change of policy files that repairs it enters.

use super::{Candidate, Explanation, Part, Refusal};
use crate::domain::config::{PATH, SETTINGS, parse_settings};
use crate::domain::error::{Result, fixes, hint, messages};
use crate::domain::policy::{Policy, is_policy_file};
use crate::domain::secret;
use crate::domain::text::shell::command_line;
use crate::gate::signing;
use crate::gate::store::in_force::{self, Mistake, TreePolicy};
use crate::gate::store::trees::{self, AtPath};
use crate::gate::store::{Repo, upstream};
use gix::ObjectId;
use jiff::Timestamp;

/// How a policy with a mistake is passed by that a later commit of the same update mends.
const ON_THE_WAY: &str =
    "a later commit mends that: let it in as one step, squashed or by a merge that is no fast-forward";

/// What the policy is that an update brings.
pub(super) enum NewPolicy {
    /// One that somebody can work under, or the one that was there.
    Fit,
    /// One that keeps the update out, whatever its verdicts say.
    Unfit {
        /// The commit that is to blame; `None` if it is yet to be made.
        commit: Option<ObjectId>,
        /// How many of the steps may enter without it.
        before: usize,
        refusal: Box<Refusal>,
    },
    /// The first that somebody can work under, in place of one with a mistake: there is nobody to judge it.
    First,
}

/// Reads the policy that an update brings; `policy` is the one in force, `steps` are the commits and trees that
/// the branch goes through, oldest first.
pub(super) fn judge(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    steps: impl Iterator<Item = (Option<ObjectId>, ObjectId)>,
) -> Result<NewPolicy> {
    let tip = upstream::policy_commit(repo, candidate.old, candidate.accepted)?;
    let start = repo.tree_of(tip)?;
    let reader = Reader { repo, candidate, policy };
    let mut steps: Vec<_> = steps.collect();
    if let Some(mistake) = reader.mistake(start, &tip.to_hex_with_len(12).to_string())? {
        let Some((commit, tree)) = steps.pop() else { return Ok(NewPolicy::Fit) };
        let is_first = in_force::at(repo, tip)?.found.is_none();
        return Ok(match reader.no_repair(start, (commit, tree), &mistake.why, is_first)? {
            Some(refusal) => NewPolicy::Unfit { commit, before: 0, refusal: Box::new(refusal) },
            None if is_first => NewPolicy::First,
            None => NewPolicy::Fit,
        });
    }
    let mut before = start;
    let last = steps.last().map_or(start, |(_, tree)| *tree);
    for (at, (commit, tree)) in steps.into_iter().enumerate() {
        if let Some(mut refusal) = reader.brings(before, commit, tree)? {
            if tree != last && reader.brings(start, None, last)?.is_none() {
                refusal.fix = vec![ON_THE_WAY.to_owned()];
            }
            return Ok(NewPolicy::Unfit { commit, before: at, refusal: Box::new(refusal) });
        }
        before = tree;
    }
    Ok(NewPolicy::Fit)
}

/// The same in an explanation: the part that is to blame stays out.
pub(super) fn explain(new: NewPolicy, parts: &mut [Part]) {
    match new {
        NewPolicy::Fit => {}
        NewPolicy::First => {
            for part in parts {
                part.explanation = Explanation::Enters(Vec::new());
            }
        }
        NewPolicy::Unfit { commit, refusal, .. } => {
            let is_to_blame = |part: &Part| commit.is_some_and(|commit| part.commits.contains(&commit));
            let at = parts.iter().position(is_to_blame).or(parts.len().checked_sub(1));
            if let Some(part) = at.and_then(|at| parts.get_mut(at)) {
                part.explanation = Explanation::Stays(*refusal);
            }
        }
    }
}

/// The policies of an update's trees.
struct Reader<'a> {
    repo: &'a Repo,
    candidate: &'a Candidate,
    /// What is in force for the branch.
    policy: &'a Policy,
}

impl Reader<'_> {
    /// Why a step may not enter that takes the policy from one tree to another.
    fn brings(&self, before: ObjectId, commit: Option<ObjectId>, after: ObjectId) -> Result<Option<Refusal>> {
        if before == after || !self.changes_policy(before, after)? {
            return Ok(None);
        }
        let name = commit.map_or_else(|| "the merge".to_owned(), |id| id.to_hex_with_len(12).to_string());
        let (is_there, was_there) = (self.read(after, PATH)?, self.read(before, PATH)?);
        if is_there == AtPath::Nothing && was_there != AtPath::Nothing {
            return Ok(Some(self.takes_the_gate_off(&name)));
        }
        if self.protects_the_branch(before)? == Some(true) && self.protects_the_branch(after)? == Some(false)
        {
            return Ok(Some(self.drops_the_branch(&name)));
        }
        let mistake = match self.new_mistake(commit, after, &name)? {
            Some(mistake) => Some(mistake),
            None => self.settings(before, after, &name)?,
        };
        Ok(mistake.map(|mistake| {
            let why = format!(
                "it brings a policy that nobody could work under to `{}`: {}",
                self.candidate.branch,
                messages(&mistake).join(": ")
            );
            refused(
                why,
                fixes(&mistake).map(str::to_owned).chain(["then have the repaired change reviewed".into()]),
            )
        }))
    }

    /// Why an update is no repair of the policy at the tip, of which it is unknown what it demands.
    fn no_repair(
        &self,
        before: ObjectId,
        (commit, after): (Option<ObjectId>, ObjectId),
        mistake: &anyhow::Error,
        is_first: bool,
    ) -> Result<Option<Refusal>> {
        let branch = &self.candidate.branch;
        if self.read(after, PATH)? == AtPath::Nothing {
            return Ok(Some(self.takes_the_gate_off("it")));
        }
        let how = match is_first {
            true => vec!["repair that, and commit it alone: git add --all && git commit".to_owned()],
            false => vec![
                command_line!("repair that on a branch of its own: git switch -c repair-policy {}", branch),
                "and have it reviewed: git add --all && git commit && git flow-ai review, then merge it"
                    .to_owned(),
            ],
        };
        let says = |mistake: &anyhow::Error, besides: &str| {
            let mistake = messages(mistake).join(": ");
            format!(
                "nobody could work under the policy of `{branch}`, so only a change of policy files that repairs it \
                 may enter{besides}: {mistake}"
            )
        };
        if self.protects_the_branch(after)? == Some(false) {
            return Ok(Some(self.drops_the_branch("it")));
        }
        let changes = self.changes_policy(before, after)?;
        if let Some(still) = changes.then(|| self.new_mistake(commit, after, "it")).transpose()?.flatten() {
            return Ok(Some(refused(says(&still, ""), fixes(&still).map(str::to_owned).chain(how))));
        }
        if !changes {
            return Ok(Some(refused(says(mistake, ""), fixes(mistake).map(str::to_owned).chain(how))));
        }
        let changed = trees::changed(self.repo, before, after)?;
        let is_policy = |path: &[u8]| is_policy_file(path) || path == self.policy.allowed_signers.as_bytes();
        Ok(changed
            .iter()
            .find(|changed| !is_policy(&changed.path))
            .map(|other| refused(says(mistake, &format!(", and this changes {} too", other.display())), how)))
    }

    fn takes_the_gate_off(&self, name: &str) -> Refusal {
        let branch = &self.candidate.branch;
        refused(
            format!("{name} takes {PATH} away, and the gate of `{branch}` with it"),
            ["if that is meant, say it in the config, and have that reviewed: `branches = []` under [gate]"
                .to_owned()],
        )
    }

    /// Whether the config of a tree protects the branch that it is for; `None` if it protects none.
    fn protects_the_branch(&self, tree: ObjectId) -> Result<Option<bool>> {
        let own = in_force::of_tree(&|path| self.read(tree, path), "it")?;
        let TreePolicy::Workable(found) = own else { return Ok(None) };
        let policy = &found.config.gate;
        Ok((!policy.branches.is_empty()).then(|| policy.protects(&self.candidate.branch)))
    }

    /// A name or a pattern that is a little off takes the gate away as well, and nobody would see it.
    fn drops_the_branch(&self, name: &str) -> Refusal {
        let branch = &self.candidate.branch;
        refused(
            format!(
                "by {name} no name or pattern of gate.branches means `{branch}` any more, which takes its gate off"
            ),
            [
                format!("name it: branches = [\"{branch}\", …] under [gate] in {PATH}"),
                "or, if that is meant, say it, and have that reviewed: `branches = []`".to_owned(),
            ],
        )
    }

    /// Whether what the policy is read from differs.
    fn changes_policy(&self, before: ObjectId, after: ObjectId) -> Result<bool> {
        for path in [PATH, SETTINGS, &self.policy.allowed_signers] {
            if self.read(before, path)? != self.read(after, path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Why nobody could work under the policy of a tree; `None` if somebody can, there is no policy, or it
    /// protects nothing yet.
    fn mistake(&self, tree: ObjectId, name: &str) -> Result<Option<Mistake>> {
        Ok(match in_force::of_tree(&|path| self.read(tree, path), name)? {
            TreePolicy::Unworkable(mistake) => Some(mistake),
            TreePolicy::Absent | TreePolicy::Workable(_) => None,
        })
    }

    /// The same of a tree whose policy is new. One that holds a secret would be refused by every command, and a
    /// list of signers has to name a key that is valid when its commit says that it was made: read off that and
    /// no clock, the answer stays the same.
    fn new_mistake(
        &self,
        commit: Option<ObjectId>,
        tree: ObjectId,
        name: &str,
    ) -> Result<Option<anyhow::Error>> {
        let is_secret = |text: &str| !secret::find_patterns(text).is_empty();
        Ok(match in_force::of_tree(&|path| self.read(tree, path), name)? {
            TreePolicy::Unworkable(mistake) => Some(mistake.why),
            TreePolicy::Absent => None,
            TreePolicy::Workable(found) => {
                let secret = found.config.refuse_secrets(&format!("{name}:{PATH}"), is_secret).err();
                secret.map_or_else(
                    || self.without_valid_key(commit, tree, &found.config.gate, name),
                    |secret| Ok(Some(secret)),
                )?
            }
        })
    }

    /// Why nobody could sign yet, or any more, under a policy that asks for signatures.
    fn without_valid_key(
        &self,
        commit: Option<ObjectId>,
        tree: ObjectId,
        policy: &Policy,
        name: &str,
    ) -> Result<Option<anyhow::Error>> {
        let list = &policy.allowed_signers;
        let made = match commit {
            Some(commit) => Timestamp::from_second(self.repo.commit(commit)?.time)?,
            None => Timestamp::now(),
        };
        if !policy.signed || signing::anybody_at(self.repo, tree, list, made)? {
            return Ok(None);
        }
        let what = format!("{name} has signed = true, and no key in {list} is valid at its own time, {made}");
        let fix = format!("name a key in {list} that is valid now, and commit anew");
        Ok(Some(hint(what, fix)))
    }

    /// Why Zenflow's settings cannot be read that are new: what they say would be left out in silence.
    fn settings(&self, before: ObjectId, after: ObjectId, name: &str) -> Result<Option<anyhow::Error>> {
        let settings = self.read(after, SETTINGS)?;
        let origin = format!("{name}:{SETTINGS}");
        Ok(match settings {
            _ if settings == self.read(before, SETTINGS)? => None,
            AtPath::File(bytes) => parse_settings(&String::from_utf8_lossy(&bytes), &origin).err(),
            AtPath::Nothing => None,
            AtPath::Odd(odd) => Some(in_force::not_plain(name, SETTINGS, &odd)),
        })
    }

    fn read(&self, tree: ObjectId, path: &str) -> Result<AtPath> {
        trees::at_path(self.repo, tree, path)
    }
}

fn refused(why: String, fix: impl IntoIterator<Item = String>) -> Refusal {
    Refusal { why, fix: fix.into_iter().collect(), ..Refusal::default() }
}
