//! `git flow-ai review`: which change, who made it, what it is for, and who is asked.
//!
//! A change that has been judged is not judged again, unless the user asks for that.

use super::{
    Intent, Request, ReviewOutcome, conclusion, intent, judge, known, review, reviewers, rival, rivals,
    split, too_few,
};
use crate::agents::cli::Agent;
use crate::commands::landing;
use crate::commands::selection::{Selected, Selection};
use crate::domain::change::{Author, Change, Vendor};
use crate::domain::config::Config;
use crate::domain::error::{self, Result, hint};
use crate::domain::event::Events;
use crate::domain::plan;
use crate::domain::policy::{Demand, Policy};
use crate::domain::spec::Slug;
use crate::domain::text::shell::{Part, command_line};
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::admit::{self, Candidate, New, Ruling};
use crate::gate::store::{Repo, changes, specs};
use crate::system::process::stop::Stop;
use anyhow::Context;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct ReviewOptions {
    pub selection: Selection,
    /// Its authors besides those whom its commits name.
    pub authors: Vec<String>,
    /// The spec that it carries out.
    pub spec: Option<Slug>,
    pub reviewer: Option<String>,
}

#[derive(Debug)]
pub struct Reviewed {
    /// `None` if there is no decision.
    pub decision: Option<Decision>,
    /// The verdicts that it follows from.
    pub verdicts: Vec<Verdict>,
    pub reasons: Vec<String>,
    /// What the reviewers said, if any was asked.
    pub transcript: Option<PathBuf>,
}

/// The verdicts that a change has before anybody is asked, and what its target branch demands.
#[derive(Debug)]
pub struct Earlier {
    outcomes: Vec<ReviewOutcome>,
    demand: Demand,
}

impl ReviewOptions {
    /// The change that is meant, with all its authors.
    pub fn select(&self, repo: &Repo) -> Result<Selected> {
        let mut selected = self.selection.find(repo)?;
        if let Some(slug) = &self.spec {
            // Misspelt, it is refused also where no reviewer has to be asked.
            specs::read(repo, slug)?;
        }
        let authors = &mut selected.change.authors;
        for name in &self.authors {
            let author = parse_author(name, &selected.loaded.config)?;
            // The gate believes the commits: only of what is not committed yet can this tell more.
            if self.selection.staged {
                changes::add_stated(authors, author);
            } else if !authors.contains(&author) {
                authors.push(author);
            }
        }
        Ok(selected)
    }

    /// What the change is meant to do, by the spec that is named or that its branch or trailers name; and a
    /// warning if that spec cannot be read.
    pub fn intent(&self, repo: &Repo, change: &Change) -> Result<(Intent, Option<String>)> {
        if let Some(slug) = &self.spec {
            return Ok((intent::describe(repo, &specs::read(repo, slug)?, None)?, None));
        }
        let Some((slug, task)) = self.spec_and_task(repo, change)? else {
            return Ok((Intent::default(), None));
        };
        Ok(match specs::read(repo, &slug) {
            Ok(spec) => {
                let plan = spec.document(plan::DOCUMENT).and_then(|text| plan::parse(text).ok());
                let task = plan.as_ref().and_then(|plan| plan.tasks.iter().find(|one| one.id == task));
                (intent::describe(repo, &spec, task)?, None)
            }
            Err(error) => {
                (Intent::default(), Some(format!("the reviewer will not know the spec: {error:#}")))
            }
        })
    }

    /// The spec and task that the change's branch name or its last commit's trailers name.
    fn spec_and_task(&self, repo: &Repo, change: &Change) -> Result<Option<(Slug, String)>> {
        let head = repo.head_ref()?;
        let branch = match &self.selection.revision {
            Some(revision) => Some(revision.rsplit("..").next().unwrap_or(revision)),
            None => head.as_deref(),
        };
        let named = branch
            .map(|branch| branch.trim_start_matches("refs/heads/"))
            .and_then(|branch| branch.strip_prefix("flow/")?.split_once('/'))
            .and_then(|(slug, task)| Some((slug.parse().ok()?, task.to_owned())));
        let (None, Some(id)) = (&named, change.head_commit) else { return Ok(named) };
        let commit = repo.commit(id)?;
        let slug = commit.trailers(changes::trailer::SPEC).last().and_then(|slug| slug.parse().ok());
        let task = commit.trailers(changes::trailer::TASK).last().unwrap_or_default().to_owned();
        Ok(slug.map(|slug| (slug, task)))
    }
}

/// The verdicts by which the target's gate lets a change in as it is: nothing is missing. `None` if it does not,
/// or none of its commits is there to ask about.
pub fn let_in_already(repo: &Repo, selected: &Selected) -> Result<Option<Vec<Verdict>>> {
    let Selected { change, landing, target, loaded } = selected;
    if landing.is_some() {
        return Ok(None);
    }
    let Some(candidate) = as_it_would_enter(repo, change, target)? else { return Ok(None) };
    match admit::admit_under(repo, &candidate, &loaded.config.gate) {
        Ok(Ruling::Allow(verdicts)) if !verdicts.is_empty() => Ok(Some(verdicts)),
        // Who cannot be told what was judged before has it judged.
        _ => Ok(None),
    }
}

/// The change at the target's tip: what let it in further back may be spent by now. Where it begins with what the
/// target lacks, or is in it, it is looked at from its own base. `None` if it conflicts with the tip.
fn as_it_would_enter(repo: &Repo, change: &Change, target: &str) -> Result<Option<Candidate>> {
    let (Some(base), Some(head)) = (change.base_commit, change.head_commit) else { return Ok(None) };
    let at = |old, new| Candidate { branch: target.to_owned(), old, new, accepted: None };
    let tip = match landing::tip(repo, target, Some(base))? {
        Some(tip) if repo.is_ancestor(base, tip)? && !repo.is_ancestor(head, tip)? => tip,
        _ => base,
    };
    if repo.is_ancestor(tip, head)? {
        return Ok(Some(at(tip, New::Commit(head))));
    }
    let merged = admit::predict(repo, tip, &[head])?;
    Ok(merged.map(|tree| at(tip, New::Tree { tree, heads: vec![head] })))
}

impl Earlier {
    /// Looks the verdicts of a change up.
    pub fn find(repo: &Repo, selected: &Selected) -> Result<Earlier> {
        let Selected { change, target, loaded, .. } = selected;
        let policy = &loaded.config.gate;
        let demand = admit::demand(repo, policy, change.base_tree, change.head_tree)?;
        Ok(Earlier { outcomes: known(repo, policy, target, change)?, demand })
    }

    /// What these verdicts come to; `None` if they do not suffice for a decision.
    pub fn decided(&self, selected: &Selected) -> Option<Reviewed> {
        let reviewed = Reviewed::new(&self.outcomes, selected, &self.demand);
        reviewed.decision.is_some().then_some(reviewed)
    }

    /// Asks the reviewer that is named; without one the reviewer that blocks, else the rivals. Whose verdict is
    /// there answers anew only where `again` says so.
    pub async fn ask(
        self,
        repo: &Repo,
        selected: &Selected,
        intent: &Intent,
        (reviewer, again): (Option<&str>, bool),
        events: &Events,
        stop: &Stop,
    ) -> Result<Reviewed> {
        let Selected { change, target, loaded, .. } = selected;
        let config = &loaded.config;
        let transcript = repo.own_dir()?.join("review.log");
        remove_old(&transcript)?;
        let sandbox = crate::agents::sandbox_for(repo, config)?;
        let transcript_file = Some(transcript.as_path());
        let request = Request {
            change,
            target,
            intent,
            loaded,
            attempt: 1,
            sandbox: &sandbox,
            files: Some(repo),
            transcript: transcript_file,
        };
        let find = |name: &str| rival(config, &config.gate, &change.authors, name);
        let chosen = match reviewer {
            Some(name) => Some(find(name)?),
            // Only a newer verdict of the same reviewer answers one that blocks.
            None => blocking(&self.outcomes).and_then(|verdict| find(&verdict.reviewer.name).ok()),
        };
        let known = if again { &[][..] } else { &self.outcomes[..] };
        let outcomes = match (chosen, parts(repo, config, change)?) {
            (Some(reviewer), _) if has_answered(known, &reviewer.who) => Vec::new(),
            (Some(reviewer), _) => vec![review(repo, &request, &reviewer, events, stop).await?],
            (None, Some(parts)) => {
                let reviewed = in_parts(repo, &request, &parts, events, stop).await?;
                return Ok(Reviewed { transcript: transcript.exists().then_some(transcript), ..reviewed });
            }
            (None, None) => {
                let rivals = rivals(config, &config.gate, &change.authors)
                    .map_err(|error| without_rival(&error, &config.gate, change))?;
                if let Some(why) = too_few(&rivals, &self.outcomes, change, &self.demand) {
                    return Err(without_rival(&why, &config.gate, change));
                }
                judge(repo, &request, known, events, stop).await?
            }
        };
        let reviewed = Reviewed::new(&joined(self.outcomes, outcomes), selected, &self.demand);
        Ok(Reviewed { transcript: transcript.exists().then_some(transcript), ..reviewed })
    }
}

/// The parts of a change that has no rival as a whole, each of which has one that can be asked.
pub(crate) fn parts(repo: &Repo, config: &Config, change: &Change) -> Result<Option<Vec<Change>>> {
    split::by_authors(repo, change, |part| {
        let policy = &config.gate;
        let demand = admit::demand(repo, policy, part.base_tree, part.head_tree);
        rivals(config, policy, &part.authors)
            .is_ok_and(|rivals| demand.is_ok_and(|demand| too_few(&rivals, &[], part, &demand).is_none()))
    })
}

/// Whether that reviewer's verdict is there.
fn has_answered(outcomes: &[ReviewOutcome], who: &Author) -> bool {
    let mut verdicts = outcomes.iter().filter_map(ReviewOutcome::verdict);
    verdicts.any(|verdict| verdict.reviewer.name == who.name && verdict.reviewer.vendor == who.vendor)
}

/// Why nobody can judge a change, and besides another reviewer, who can let it in.
fn without_rival(error: &anyhow::Error, policy: &Policy, change: &Change) -> anyhow::Error {
    let head = change.head_commit.map(|head| head.to_hex_with_len(10).to_string());
    let persons_way = persons_way(policy, head.as_deref().unwrap_or("--staged"));
    let ways: Vec<&str> = error::fixes(error).chain([persons_way.as_str()]).collect();
    hint(error::messages(error).join(": "), ways.join(", "))
}

/// How a person lets in what no reviewer may judge: `what` is the words that name it, quoted already.
pub(crate) fn persons_way(policy: &Policy, what: &str) -> String {
    match &policy.waivers[..] {
        [] => "or name a person who may let such a change in: waivers = [\"…\"] under [gate]".to_owned(),
        waivers => format!(
            "or have a person let it in ({}): {}",
            waivers.join(", "),
            command_line!("git flow-ai waive {} --reason \"…\"", Part(what))
        ),
    }
}

/// Has each part of a change judged by its own rivals, what is judged already not again. The whole is approved
/// if each part is.
pub(crate) async fn in_parts(
    repo: &Repo,
    request: &Request<'_>,
    parts: &[Change],
    events: &Events,
    stop: &Stop,
) -> Result<Reviewed> {
    let policy = &request.loaded.config.gate;
    events.progress(format!(
        "no reviewer is independent of all its authors, so its commits are judged in {} parts",
        parts.len()
    ));
    let mut whole = Reviewed {
        decision: Some(Decision::Approve),
        verdicts: Vec::new(),
        reasons: Vec::new(),
        transcript: None,
    };
    for part in parts {
        let demand = admit::demand(repo, policy, part.base_tree, part.head_tree)?;
        let mut outcomes = known(repo, policy, request.target, part)?;
        if conclusion(&outcomes, policy, &demand).is_none() {
            let request = Request { change: part, ..*request };
            let new = judge(repo, &request, &outcomes, events, stop).await?;
            outcomes = joined(outcomes, new);
        }
        let reviewed = Reviewed::of(&outcomes, policy, request.target, &demand);
        whole.verdicts.extend(reviewed.verdicts);
        whole.reasons.extend(reviewed.reasons);
        match reviewed.decision {
            Some(Decision::RequestChanges) => whole.decision = Some(Decision::RequestChanges),
            None if whole.decision != Some(Decision::RequestChanges) => whole.decision = None,
            _ => {}
        }
    }
    Ok(whole)
}

impl Reviewed {
    fn new(outcomes: &[ReviewOutcome], selected: &Selected, demand: &Demand) -> Reviewed {
        Reviewed::of(outcomes, &selected.loaded.config.gate, &selected.target, demand)
    }

    fn of(outcomes: &[ReviewOutcome], policy: &Policy, target: &str, demand: &Demand) -> Reviewed {
        let decision = conclusion(outcomes, policy, demand);
        let (mut verdicts, mut reasons) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                ReviewOutcome::Judged(verdict) => verdicts.push(Verdict::clone(verdict)),
                ReviewOutcome::CannotTell(why) => reasons.push(why.clone()),
            }
        }
        let (counting, advice): (Vec<&Verdict>, Vec<&Verdict>) =
            verdicts.iter().partition(|verdict| policy.names(&verdict.reviewer));
        if decision.is_none() && !counting.is_empty() {
            reasons.push(format!("{} approvals of distinct vendors are needed", demand.approvals));
        }
        reasons.extend(advice.into_iter().map(|verdict| {
            format!(
                "what {} says is advice: the config of `{}` does not name it",
                verdict.reviewer.name, target
            )
        }));
        Reviewed { decision, verdicts, reasons, transcript: None }
    }
}

/// Whom `--author` names: an agent of the config, a model, a tool and its model, or a vendor. A misspelt one is
/// refused, since it would make the author's own vendor a rival.
fn parse_author(name: &str, config: &Config) -> Result<Author> {
    if let Some(agent) = config.agents.get(name) {
        return Ok(Agent::new(name, agent)?.author());
    }
    if let Some(author) = changes::stated(name) {
        return Ok(author);
    }
    let mut vendors: Vec<Vendor> = Vendor::known().chain([Vendor::person()]).collect();
    vendors.extend(reviewers(config).0.into_iter().map(|reviewer| reviewer.who.vendor));
    let agents = config.agents.iter().filter_map(|(name, agent)| Agent::new(name, agent).ok());
    vendors.extend(agents.map(|agent| agent.author().vendor));
    let vendor = Vendor::new(name);
    if vendors.contains(&vendor) {
        return Ok(Author { name: name.to_owned(), vendor, model: None });
    }
    let known = config.agents.keys().map(String::as_str).chain(vendors.iter().map(Vendor::as_str));
    let fix = match error::nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name an agent of the config, or the maker of its model: anthropic, openai, google, …".into(),
    };
    Err(hint(format!("`{name}` is no agent of the config and no vendor that is known here"), fix))
}

/// The earlier outcomes, but for those of reviewers who have judged again, and the new ones.
fn joined(earlier: Vec<ReviewOutcome>, new: Vec<ReviewOutcome>) -> Vec<ReviewOutcome> {
    let reviewer = |outcome: &ReviewOutcome| match outcome {
        ReviewOutcome::Judged(verdict) if verdict.decision != Decision::Waive => {
            Some((verdict.reviewer.name.clone(), verdict.reviewer.vendor.clone()))
        }
        _ => None,
    };
    let judged_again: Vec<_> = new.iter().filter_map(reviewer).collect();
    let kept = earlier.into_iter().filter(|old| reviewer(old).is_none_or(|who| !judged_again.contains(&who)));
    kept.chain(new).collect()
}

fn blocking(outcomes: &[ReviewOutcome]) -> Option<&Verdict> {
    let mut verdicts = outcomes.iter().filter_map(ReviewOutcome::verdict);
    verdicts.find(|verdict| verdict.decision == Decision::RequestChanges)
}

/// Removes the transcript of an earlier review.
fn remove_old(transcript: &Path) -> Result<()> {
    match std::fs::remove_file(transcript) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", transcript.display()))
        }
        _ => Ok(()),
    }
}
