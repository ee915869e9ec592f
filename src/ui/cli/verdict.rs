//! `git flow-ai verdict`: what reviewers have decided, and which of it still holds.

use crate::domain::change::Author;
use crate::domain::error::{Exit, Result};
use crate::domain::policy::Policy;
use crate::domain::verdict::{Decision, Severity, Unreadable, Verdict};
use crate::gate::admit::{BranchVerdicts, Effect};
use crate::gate::signing::{Proof, Proves};
use crate::gate::store::verdicts::{self, Everything};
use crate::gate::store::{Commit, Repo, changes, config};
use crate::ui::report::table::{Cell, Table};
use crate::ui::report::{self, plain};
use anstyle::{AnsiColor, Style};
use clap::{Args, Subcommand};
use gix::ObjectId;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::io::Write;

/// List or show verdicts
///
/// Verdicts are kept in refs/notes/flow-ai; `git log --notes=flow-ai` shows them as well. A verdict
/// holds while its reviewer is a rival under the target branch's policy and the commit that it hangs
/// on is what was reviewed. The gate looks further: a verdict on a commit that was rebased or
/// squashed since lets in exactly what was reviewed, wherever it is now.
#[derive(Debug, Args)]
#[command(
    visible_alias = "verdicts",
    after_help = "\
Examples:
  git flow-ai verdict list               of the commits that HEAD has
  git flow-ai verdict list main..topic   of a range
  git flow-ai verdict list --all --json  all there are, for a script
  git flow-ai verdict show topic         whole, with findings

Exit status: 0 there is a verdict; 1 there is none; 2 cannot tell."
)]
pub struct VerdictArgs {
    #[command(subcommand)]
    command: Option<VerdictCommand>,
}

#[derive(Debug, Subcommand)]
enum VerdictCommand {
    /// List verdicts, the newest commit's first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show the verdicts on a commit, with their findings
    Show(ShowArgs),
}

#[derive(Debug, Default, Args)]
struct ListArgs {
    /// The commits to look at: a range, or a revision and all before it; HEAD when not given
    #[arg(value_name = "REV|RANGE", conflicts_with = "all")]
    revision: Option<String>,

    /// List every verdict there is, also on commits that no branch has any more
    #[arg(long)]
    all: bool,

    /// Print one JSON object: `verdicts`, and `unreadable` with what cannot be told
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// A commit or branch, or the id of a tree that was judged before it was committed
    #[arg(value_name = "REV", default_value = "HEAD")]
    revision: String,

    /// Print one JSON object: `verdicts`, and `unreadable` with what cannot be told
    #[arg(long)]
    json: bool,
}

pub fn run(args: VerdictArgs) -> Result<Exit> {
    let repo = Repo::discover()?;
    match args.command.unwrap_or(VerdictCommand::List(ListArgs::default())) {
        VerdictCommand::List(args) => list(&repo, &args),
        VerdictCommand::Show(args) => show(&repo, &args),
    }
}

/// A verdict and whether it holds.
#[derive(Debug, Serialize)]
struct Entry {
    /// What it hangs on.
    object: String,
    /// The subject of that commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    holds: bool,
    /// Why it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Who signed it, and what that proves.
    proof: Proof,
    verdict: Verdict,
    /// The severities that block by the policy of its branch.
    #[serde(skip)]
    block: Vec<Severity>,
}

/// A line of a note that cannot be told.
#[derive(Debug, Serialize)]
struct Untold {
    object: String,
    why: String,
    line: String,
}

#[derive(Debug, Serialize)]
struct Listing {
    verdicts: Vec<Entry>,
    unreadable: Vec<Untold>,
}

fn list(repo: &Repo, args: &ListArgs) -> Result<Exit> {
    let mut found = verdicts::everything(repo)?;
    if !args.all {
        keep_range(repo, &mut found, args.revision.as_deref().unwrap_or("HEAD"))?;
    }
    let listing = Listing::new(repo, found)?;
    if args.json {
        report::json(&listing)?;
        return Ok(listing.exit());
    }
    let mut out = report::out();
    if listing.verdicts.is_empty() {
        writeln!(out, "No verdicts here. `git flow-ai review` obtains one; `--all` lists those elsewhere.")?;
    } else {
        let mut table = Table::new([
            "commit",
            "verdict",
            "by",
            "on work of",
            "for",
            "when",
            "signed",
            "holds",
            "subject",
        ]);
        for entry in &listing.verdicts {
            table.row(row(entry));
        }
        out.write_all(table.render().as_bytes())?;
    }
    listing.print_unreadable();
    Ok(listing.exit())
}

fn show(repo: &Repo, args: &ShowArgs) -> Result<Exit> {
    let mut found = Everything::default();
    for object in objects(repo, &args.revision)? {
        let (verdicts, unreadable) = verdicts::on(repo, object)?;
        found.verdicts.extend(verdicts.into_iter().map(|verdict| (object, verdict)));
        found.unreadable.extend(unreadable.into_iter().map(|line| (object, line)));
    }
    let listing = Listing::new(repo, found)?;
    if args.json {
        report::json(&listing)?;
        return Ok(listing.exit());
    }
    let mut out = report::out();
    if listing.verdicts.is_empty() {
        let revision = &args.revision;
        writeln!(
            out,
            "Nobody has judged {}. Have it judged: git flow-ai review {revision}",
            plain(revision)
        )?;
    }
    for (index, entry) in listing.verdicts.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        print(&mut out, entry)?;
    }
    listing.print_unreadable();
    Ok(listing.exit())
}

/// Where the verdicts on a revision may hang: on the commit, and on its tree.
fn objects(repo: &Repo, revision: &str) -> Result<Vec<ObjectId>> {
    if let Ok(id) = ObjectId::from_hex(revision.as_bytes())
        && repo.commit(id).is_err()
        && repo.tree_of(id).is_ok()
    {
        return Ok(vec![id]);
    }
    let commit = repo.commit_of(revision)?;
    Ok(vec![commit.id, commit.tree])
}

/// Keeps what hangs on these commits or their trees, in the order of the commits.
fn keep_range(repo: &Repo, found: &mut Everything, revision: &str) -> Result<()> {
    let commits = commits(repo, revision)?;
    let mut order: HashMap<ObjectId, usize> = HashMap::new();
    for (index, commit) in commits.iter().enumerate() {
        for object in [commit.id, commit.tree] {
            order.entry(object).or_insert(index);
        }
    }
    found.verdicts.retain(|(object, _)| order.contains_key(object));
    found.verdicts.sort_by_key(|(object, _)| order.get(object).copied());
    found.unreadable.retain(|(object, _)| order.contains_key(object));
    Ok(())
}

fn commits(repo: &Repo, revision: &str) -> Result<Vec<Commit>> {
    let end = |name: &str| repo.commit_of(if name.is_empty() { "HEAD" } else { name });
    let Some((from, to)) = revision.split_once("...").or_else(|| revision.split_once("..")) else {
        return repo.commits_between(None, repo.commit_of(revision)?.id);
    };
    repo.commits_between(Some(end(from)?.id), end(to)?.id)
}

/// The policy of each branch that one of these verdicts was given for; `None` if it cannot be read.
fn policies(repo: &Repo, verdicts: &[(ObjectId, Verdict)]) -> HashMap<String, Option<Policy>> {
    let targets: HashSet<&String> = verdicts.iter().map(|(_, verdict)| &verdict.target).collect();
    targets.into_iter().map(|target| (target.clone(), config::policy(repo, target).ok())).collect()
}

/// What each verdict does among those on the same change for the same branch; `None` if it does not count.
fn effects(
    branches: &HashMap<&str, BranchVerdicts<'_>>,
    verdicts: &[(ObjectId, Verdict)],
) -> Vec<Option<Effect>> {
    let mut changes: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, (_, verdict)) in verdicts.iter().enumerate() {
        changes.entry((verdict.target.as_str(), verdict.base_tree, verdict.head_tree)).or_default().push(at);
    }
    let mut effects = vec![None; verdicts.len()];
    for ((target, _, _), places) in changes {
        let on_change: Vec<Verdict> = places.iter().map(|at| verdicts[*at].1.clone()).collect();
        let found = branches.get(target).and_then(|branch| branch.effects(&on_change).ok());
        for (at, effect) in places.into_iter().zip(found.into_iter().flatten()) {
            effects[at] = effect;
        }
    }
    effects
}

/// Why a verdict on an object of that tree does not hold; `None` if it does.
fn void(
    repo: &Repo,
    verdict: &Verdict,
    tree: ObjectId,
    branch: Option<&BranchVerdicts<'_>>,
    effect: Option<Effect>,
) -> Option<String> {
    let Some(branch) = branch else { return Some("the policy of its branch cannot be read".into()) };
    if verdict.head_tree != tree {
        return Some("it is about another state".into());
    }
    if !branch.policy().protects(&verdict.target) {
        return Some("it was given for a branch that is not protected".into());
    }
    let authors = changes::authors_of(repo, verdict).unwrap_or_default();
    match (branch.void(verdict, &authors), effect) {
        (Ok(Some(void)), _) => Some(void.to_string()),
        // The list of those who may sign cannot be read.
        (Err(_), _) => Some("it is not signed as the branch demands".into()),
        (_, Some(Effect::Replaced)) => Some("a newer verdict of its reviewer replaces it".into()),
        (_, Some(Effect::Waived)) => Some("it has been waived since".into()),
        (_, Some(Effect::Overruled)) => Some("a later verdict blocks the change".into()),
        (_, Some(Effect::Approves | Effect::Blocks | Effect::Waives) | None) => None,
    }
}

/// Leaves out the copy of a verdict that hangs on the tree, where the one on the commit is here too.
fn once(mut found: Everything) -> Everything {
    let key = |verdict: &Verdict| (verdict.head_commit, verdict.reviewer.name.clone(), verdict.time);
    let is_copy =
        |on: &ObjectId, verdict: &Verdict| verdict.head_commit.is_some() && verdict.head_tree == *on;
    let originals: HashSet<_> = found
        .verdicts
        .iter()
        .filter(|(on, verdict)| !is_copy(on, verdict))
        .map(|(_, verdict)| key(verdict))
        .collect();
    found.verdicts.retain(|(on, verdict)| !is_copy(on, verdict) || !originals.contains(&key(verdict)));
    found
}

impl Listing {
    fn new(repo: &Repo, found: Everything) -> Result<Listing> {
        let found = once(found);
        let policies = policies(repo, &found.verdicts);
        let branches: HashMap<&str, BranchVerdicts<'_>> = policies
            .iter()
            .filter_map(|(name, policy)| {
                Some((name.as_str(), BranchVerdicts::new(repo, policy.as_ref()?, name)))
            })
            .collect();
        let effects = effects(&branches, &found.verdicts);
        let entry = |((on, verdict), effect): ((ObjectId, Verdict), Option<Effect>)| {
            let commit = repo.commit(on).ok();
            let branch = branches.get(verdict.target.as_str());
            let tree = commit.as_ref().map_or(on, |commit| commit.tree);
            let why = void(repo, &verdict, tree, branch, effect);
            Ok(Entry {
                object: on.to_string(),
                subject: commit.map(|commit| commit.subject().to_owned()),
                holds: why.is_none(),
                why,
                proof: branch
                    .map_or_else(|| Proof::new(repo, None, &verdict), |branch| branch.proof(&verdict))?,
                block: branch.map(|branch| branch.policy().block.clone()).unwrap_or_default(),
                verdict,
            })
        };
        let untold = |(on, Unreadable { line, why }): (ObjectId, Unreadable)| Untold {
            object: on.to_string(),
            why,
            line,
        };
        Ok(Listing {
            verdicts: found.verdicts.into_iter().zip(effects).map(entry).collect::<Result<_>>()?,
            unreadable: found.unreadable.into_iter().map(untold).collect(),
        })
    }

    fn exit(&self) -> Exit {
        if self.verdicts.is_empty() { Exit::No } else { Exit::Yes }
    }

    fn print_unreadable(&self) {
        for Untold { object, why, .. } in &self.unreadable {
            report::warning(&format!("a record on {} cannot be told: {why}", short(object)));
        }
    }
}

fn row(entry: &Entry) -> [Cell; 9] {
    let verdict = &entry.verdict;
    let decision = verdict.decision.to_string();
    [
        short(&entry.object).into(),
        match verdict.decision {
            Decision::Approve => Cell::good(decision),
            Decision::Waive => Cell::pending(decision),
            Decision::RequestChanges => Cell::bad(decision),
        },
        who(&verdict.reviewer).into(),
        verdict.authors.iter().map(brief).collect::<Vec<_>>().join(", ").into(),
        verdict.target.as_str().into(),
        verdict.time.strftime("%Y-%m-%d %H:%M").to_string().into(),
        match (&entry.proof.signer, entry.proof.proves) {
            (Some(signer), Proves::Independence) => Cell::good(signer.clone()),
            (Some(signer), _) => Cell::pending(format!("{signer}, no independence")),
            (None, _) if entry.verdict.signature.is_some() => Cell::pending("in vain"),
            (None, _) => Cell::pending("no"),
        },
        match &entry.why {
            None => Cell::good("yes"),
            Some(why) => Cell::pending(format!("no: {why}")),
        },
        entry.subject.as_deref().unwrap_or("(not committed)").into(),
    ]
}

/// One verdict, whole.
fn print(out: &mut impl Write, entry: &Entry) -> Result<()> {
    let (verdict, bold) = (&entry.verdict, Style::new().bold());
    let colour = match verdict.decision {
        Decision::Approve => AnsiColor::Green.on_default().bold(),
        Decision::Waive => AnsiColor::Yellow.on_default().bold(),
        Decision::RequestChanges => AnsiColor::Red.on_default().bold(),
    };
    let subject = plain(entry.subject.as_deref().unwrap_or("not committed")).replace('\n', " ");
    writeln!(out, "{bold}{}{bold:#} {subject}", short(&entry.object))?;
    writeln!(out, "{colour}{}{colour:#} by {}", verdict.decision, plain(&who(&verdict.reviewer)))?;
    writeln!(out, "  on work of  {}", plain(&makers(verdict)))?;
    writeln!(out, "  for         {}, at {}", plain(&verdict.target), verdict.time)?;
    writeln!(
        out,
        "  change      {} to {}",
        verdict.base_tree.to_hex_with_len(10),
        verdict.head_tree.to_hex_with_len(10)
    )?;
    let files = verdict.shown.files.len();
    let plural = if files == 1 { "" } else { "s" };
    writeln!(out, "  was shown   {} bytes, {files} file{plural}", verdict.shown.bytes)?;
    if let Some((input, output)) = verdict.tokens {
        let cost = verdict.cost.map(|cost| format!(", ${cost:.4}")).unwrap_or_default();
        writeln!(out, "  used        {input} tokens in, {output} out{cost}")?;
    }
    writeln!(out, "  signed      {}", plain(&entry.proof.told))?;
    match &entry.why {
        None => writeln!(out, "  holds       yes")?,
        Some(why) => writeln!(out, "  holds       no: {why}")?,
    }
    for line in plain(verdict.summary.trim()).lines() {
        writeln!(out, "  {line}")?;
    }
    report::findings(out, verdict, &entry.block)?;
    Ok(())
}

/// `codex (openai, gpt-5)`
fn who(author: &Author) -> String {
    match &author.model {
        Some(model) => format!("{} ({}, {model})", author.name, author.vendor),
        None => format!("{} ({})", author.name, author.vendor),
    }
}

/// The same where there is little room: a person by name, an agent by name and vendor.
fn brief(author: &Author) -> String {
    match author.name.split_once(" <") {
        Some((name, _)) if author.vendor.is_person() => name.to_owned(),
        _ => format!("{} ({})", author.name, author.vendor),
    }
}

fn makers(verdict: &Verdict) -> String {
    match verdict.authors.as_slice() {
        [] => "nobody known".to_owned(),
        authors => authors.iter().map(who).collect::<Vec<_>>().join(", "),
    }
}

fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}
