//! `pre-receive` and `update`: what a server is pushed, before any ref of it moves.
//!
//! A pusher cannot switch these off. The policy of a branch is read at its tip on the server; what
//! arrives is read in the push's quarantine, its verdicts together with those that are there already.
//! A branch that does not protect itself is under the default branch's policy if that names it; where HEAD
//! names no branch that protects itself, under that of `main`, `master` or else of any that does. If
//! the server does not have a branch and no policy names it, its first push is let in: there is nothing to
//! judge it by. Nothing is written.

use super::independence::can_be_reviewed;
use super::policies::{self, InForce};
use super::{HookAnswer, Moment, Refused, hints, names, notes, refused, review};
use crate::domain::error::{Result, hint};
use crate::domain::policy::Policy;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::NOTES_REF;
use crate::gate::admit::{self, Beginning, Candidate, Missing, New, Protector, Ruling};
use crate::gate::store::keep::{self, KEPT};
use crate::gate::store::{Repo, verdicts};
use crate::system::git::refspec;
use anyhow::Context;
use gix::ObjectId;
use std::io::Read;

/// Refs that bend what git shows of an object.
const REPLACED: &str = "refs/replace/";

/// Refs of ours besides branches and notes.
const OWN: &str = "refs/flow-ai/";

/// One ref of a push.
struct RefUpdate {
    old: ObjectId,
    new: ObjectId,
    /// The full name, as the pusher says it.
    name: String,
    /// The same byte for byte: it may not be UTF-8.
    raw: Vec<u8>,
}

impl RefUpdate {
    fn parse(old: &str, new: &str, name: &str) -> Result<RefUpdate> {
        let id = |text: &str| text.parse().with_context(|| format!("`{text}` is no object id"));
        Ok(RefUpdate { old: id(old)?, new: id(new)?, name: name.to_owned(), raw: name.as_bytes().to_vec() })
    }
}

/// All refs of a push at once: the verdicts that come along count.
pub(super) fn all(mut input: impl Read) -> Result<HookAnswer> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).context("what git says about the push cannot be read")?;
    let update = |line: &[u8]| {
        let text = String::from_utf8_lossy(line);
        let raw = line.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
        match text.splitn(3, ' ').collect::<Vec<_>>()[..] {
            [old, new, name] => Ok(RefUpdate { raw: raw.to_vec(), ..RefUpdate::parse(old, new, name)? }),
            _ => Err(hint(format!("git said `{text}` about the push"), "expected: <old> <new> <ref>")),
        }
    };
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let updates = lines.map(update).collect::<Result<Vec<_>>>()?;
    // Git never asks about nothing: who heard yes would believe itself guarded.
    if updates.is_empty() {
        return Err(hint(
            "nothing about the push was to be read",
            "whoever keeps the server sees to it that each hook gets what git writes, not only the first",
        ));
    }
    let mut repo = open()?;
    for notes in updates.iter().filter(|update| update.name == NOTES_REF && !update.new.is_null()) {
        verdicts::also_read(&mut repo, notes.new);
    }
    for update in &updates {
        if let Some(refused) = judge(&repo, update)? {
            return Ok(HookAnswer::Refuse(refused));
        }
    }
    Ok(HookAnswer::Pass)
}

/// One ref of a push: git tells of no other, so the verdicts have to be there before.
pub(super) fn one(args: &[String]) -> Result<HookAnswer> {
    let [name, old, new] = args else {
        return Err(hint("`update` was not called as git calls it", "its arguments are <ref> <old> <new>"));
    };
    let Some(mut refused) = judge(&open()?, &RefUpdate::parse(old, new, name)?)? else {
        return Ok(HookAnswer::Pass);
    };
    if name.starts_with("refs/heads/") {
        refused.fix.push(
            "this server asks `update`, which sees no verdicts of the same push; before it: git flow-ai sync"
                .to_owned(),
        );
    }
    Ok(HookAnswer::Refuse(refused))
}

fn open() -> Result<Repo> {
    // Git then tells hooks names that are not those of the refs.
    if std::env::var_os("GIT_NAMESPACE").is_some_and(|namespace| !namespace.is_empty()) {
        return Err(hint(
            "this server keeps several repositories in one (GIT_NAMESPACE), which the gate cannot judge",
            "whoever keeps it gives the guarded one a repository of its own",
        ));
    }
    Repo::discover().context("the gate cannot read the repository that is pushed to")
}

/// Why a ref may not become that; none where it may.
fn judge(repo: &Repo, update: &RefUpdate) -> Result<Option<Refused>> {
    let name = names::real(repo, &update.name)?;
    if name == NOTES_REF {
        return notes_moving(repo, update);
    }
    // Below that name it would stand in the way of the notes themselves.
    if name.strip_prefix(NOTES_REF).is_some_and(|below| below.starts_with('/')) {
        return Ok(Some(refuse(
            format!("{name} would stand in the way of {NOTES_REF}, which holds what was decided"),
            ["push it under another name"],
        )));
    }
    if let Some(id) = name.strip_prefix(KEPT) {
        return keeping(repo, id, update);
    }
    // git takes it for the ref that the name says in full: pushes of that one would go astray, or nowhere.
    if refspec::is_completion(&name) && !update.new.is_null() {
        return Ok(Some(refuse(
            format!("{name} could be taken for another ref: `refs/…` is no name for a branch or tag"),
            ["push it under another name"],
        )));
    }
    // Every git on the server would look through it, and one that replaces itself stops them all.
    if name.starts_with(REPLACED) && !update.new.is_null() {
        return Ok(Some(refuse(
            format!("{name} would have git show something else for what is here (git-replace(1))"),
            ["keep it in your own repository"],
        )));
    }
    // The gate believes what a clone keeps of others' verdicts and of what was admitted.
    if name.starts_with(OWN) {
        return Ok(Some(refuse(
            format!("{name} is what a clone keeps for itself, and does not belong here"),
            ["verdicts are exchanged by: git flow-ai sync"],
        )));
    }
    let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(None) };
    let tip = match std::str::from_utf8(&update.raw) {
        Ok(_) => repo.find_ref(&name)?,
        Err(_) => repo.find_ref_named(&update.raw)?,
    };
    let branch = match tip {
        Some(tip) => names::protected(repo, branch, tip)?,
        None => branch.to_owned(),
    };
    let in_force = policies::in_force(repo, &branch, tip)?;
    if let InForce::InTheWay { of, by } = &in_force
        && !update.new.is_null()
    {
        return Ok(Some(refuse(
            format!(
                "`{branch}` would stand in the way of `{of}`, which `{by}` protects: git has no branch below \
                 another one"
            ),
            ["push it under another name"],
        )));
    }
    if matches!(&in_force, InForce::InTheWay { .. })
        || matches!(&in_force, InForce::Others(others) if others.is_empty())
    {
        return match update.new.is_null() || !repo.has(update.new) {
            true => Ok(None),
            false => saying(repo, &branch, tip, update.new),
        };
    }
    if update.new.is_null() {
        return Ok(Some(refuse(
            format!("`{branch}` is protected, and may not be deleted"),
            ["whoever keeps the server can, in the repository itself"],
        )));
    }
    if !repo.has(update.new) {
        let (new, what) = (update.new, "so nobody can tell what it brings");
        return Err(hint(format!("{new}, pushed to `{branch}`, cannot be read, {what}"), "push again"));
    }
    // Git moves the ref only from there; what it said is what was judged.
    if tip.is_some_and(|tip| tip != update.old) {
        return Ok(Some(refuse(
            format!("`{branch}` has moved meanwhile"),
            ["take in what is new there, and push again: git fetch"],
        )));
    }
    let protectors = match in_force {
        InForce::Own(policy) => {
            return tip.map_or(Ok(None), |tip| replay(repo, &branch, &policy, tip, update.new));
        }
        InForce::Others(protectors) => protectors,
        InForce::InTheWay { .. } => Vec::new(),
    };
    for by in &protectors {
        let refused = match tip {
            None => beginning(repo, &branch, by, update.new)?,
            Some(tip) => replay(repo, &branch, &by.policy, tip, update.new)?,
        };
        if refused.is_some() {
            return Ok(refused);
        }
    }
    Ok(None)
}

/// A branch that is not there and that another branch's policy names: it begins with what that branch
/// has, and with what was judged on top.
fn beginning(repo: &Repo, branch: &str, by: &Protector, new: ObjectId) -> Result<Option<Refused>> {
    // Says so where it cannot be read.
    policies::own(repo, branch, new)?;
    match by.beginning(repo, branch, new)? {
        Beginning::Within => Ok(None),
        Beginning::OnTop(at) => replay(repo, branch, &by.policy, at, new),
        refused => {
            let mut refused = hints::beginning(branch, by, refused, Moment::Receive);
            let keeper = command_line!("git branch {} {}", branch, new);
            refused
                .fix
                .push(format!("or whoever keeps the server begins it in the repository itself: {keeper}"));
            if policies::is_head(repo, &by.branch)? && !by.policy.protects(&by.branch) {
                refused.fix.push(format!(
                    "`{}` has a say because the server's HEAD names it, and nothing protects it: whoever keeps \
                     the server lets HEAD name a protected branch (git symbolic-ref HEAD refs/heads/main)",
                    by.branch
                ));
            }
            Ok(Some(refused))
        }
    }
}

/// A branch that nothing protects and that has a say over others is to say something else.
fn saying(repo: &Repo, branch: &str, tip: Option<ObjectId>, new: ObjectId) -> Result<Option<Refused>> {
    for other in policies::asked_about(repo, branch, tip, new)? {
        if let Some(mut refused) = replay(repo, branch, &other.policy, tip.unwrap_or(other.tip), new)? {
            let place = &other.branch;
            refused.why = format!(
                "`{branch}` would bring another policy than `{place}` has, and what it says counts for other \
                 branches: {}",
                refused.why
            );
            refused.fix.insert(
                0,
                format!(
                    "take the policy files of `{place}`: {}",
                    command_line!("git checkout {} -- .zenflow", place)
                ),
            );
            return Ok(Some(refused));
        }
    }
    Ok(None)
}

/// Whether what is pushed on top of that commit replays from approved changes.
fn replay(
    repo: &Repo,
    branch: &str,
    policy: &Policy,
    old: ObjectId,
    new: ObjectId,
) -> Result<Option<Refused>> {
    let candidate = Candidate { branch: branch.to_owned(), old, new: New::Commit(new), accepted: None };
    match admit::admit_under(repo, &candidate, policy)? {
        Ruling::Allow(_) => Ok(None),
        Ruling::Refuse(refusal) => {
            let (missing, is_blocked) = (refusal.missing.clone(), !refusal.blocking.is_empty());
            let mut refused = refused(repo, &candidate, policy, refusal, Moment::Receive)?;
            // What has to be mended is another commit then.
            let may_stay = !is_blocked || refused.fix.iter().any(|way| way.contains(": git flow-ai "));
            if let Some(missing) = missing.filter(|_| may_stay) {
                refused.fix.extend(push(repo, &candidate, policy, &missing)?);
            }
            Ok(Some(refused))
        }
    }
}

/// How what a server has refused is pushed together with its verdicts; `None` where none can be had.
fn push(repo: &Repo, candidate: &Candidate, policy: &Policy, missing: &Missing) -> Result<Option<String>> {
    let Some(new) = candidate.new.commit() else { return Ok(None) };
    let change = review::change(repo, candidate, missing)?;
    let can_be_let_in = can_be_reviewed(repo, policy, &change)? || !policy.waivers.is_empty();
    Ok(can_be_let_in.then(|| {
        command_line!(
            "then push it together with its verdicts: git flow-ai push {}:{}",
            hints::short(new),
            candidate.branch
        )
    }))
}

/// What was judged is kept under its own id, and no pusher takes it away: a verdict is about it.
fn keeping(repo: &Repo, id: &str, update: &RefUpdate) -> Result<Option<Refused>> {
    if update.new.is_null() {
        return Ok(Some(refuse(
            format!("{KEPT}{id} is what a verdict is about, and may not be deleted"),
            ["whoever keeps the server has what is merged or old removed: git flow-ai clean"],
        )));
    }
    let name = format!("{KEPT}{id}");
    Ok(match keep::may_be_at(repo, &name, update.new)? {
        true => None,
        false => Some(refuse(
            format!("{name} may only be the commit of that name"),
            ["what was judged is exchanged by: git flow-ai sync"],
        )),
    })
}

/// The notes only ever gain.
fn notes_moving(repo: &Repo, update: &RefUpdate) -> Result<Option<Refused>> {
    if update.new.is_null() {
        return Ok(Some(refuse(
            format!("{NOTES_REF} holds what was decided, and may not be deleted"),
            ["to take a verdict back, have the change judged again: the newest of a reviewer counts"],
        )));
    }
    notes::refused(repo, repo.find_ref(NOTES_REF)?, update.new)
        .context("the notes that are pushed cannot be read")
}

fn refuse<T: Into<String>>(why: String, fix: impl IntoIterator<Item = T>) -> Refused {
    Refused { why, blocking: Vec::new(), fix: fix.into_iter().map(Into::into).collect() }
}
