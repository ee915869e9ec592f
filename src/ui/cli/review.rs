//! `git flow-ai review`: a rival's review of any change, on request.
//!
//! What is asked for by flags becomes a change, its purpose and its judges; the journey does the
//! rest. A change that has been judged already is not paid for twice, unless asked.

use super::human_review::{PersonArgs, speak};
use super::subject::SubjectArgs;
use super::trust::{TrustFlag, consent};
use super::wait::watched;
use crate::agents::agent::Agent;
use crate::agents::trust::{self, Purpose};
use crate::commands::review::{self, Outcome, Request};
use crate::domain::change::{Author, Change, Vendor};
use crate::domain::config::Config;
use crate::domain::error::{Exit, Interrupted, Result, hint};
use crate::domain::event::Events;
use crate::domain::policy::Demand;
use crate::domain::spec::Slug;
use crate::domain::verdict::{Decision, Verdict, record};
use crate::domain::{error, plan};
use crate::gate::admit;
use crate::gate::store::config::{self, Loaded};
use crate::gate::store::{Repo, changes, specs};
use crate::system::process::stop::Stop;
use crate::ui::report::{self, Style};
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Have a rival review a change
///
/// The reviewer is of another vendor than everybody who made the change (see `gate.rival` in the
/// config). It is shown the whole difference between the two trees, what the change is meant to do,
/// and the changed files as far as `review.budget` goes. A difference that is longer than that is read
/// in parts, by a request each. The verdict follows from the findings and is kept in
/// refs/notes/flow-ai.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git flow-ai review                           what HEAD adds to the target branch
  git flow-ai review main..topic --json        a range, for a script
  git flow-ai review --staged --author claude  what is about to be committed, and who wrote it
  git flow-ai review topic --reviewer codex    by this one of the config's reviewers
  git flow-ai review topic --approve           by yourself: a person's approval, no model's

Exit status: 0 approved, or nothing to review; 1 changes requested; 2 cannot tell; 130 interrupted.")]
pub struct ReviewArgs {
    #[command(flatten)]
    subject: SubjectArgs,

    /// Ask this reviewer of the config; it must be a rival
    #[arg(long, value_name = "NAME")]
    reviewer: Option<String>,

    #[command(flatten)]
    person: PersonArgs,

    /// A file that says what the change is meant to do; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "spec")]
    intent: Option<PathBuf>,

    /// The spec that the change carries out; on its own branches it is known without
    #[arg(long, value_name = "SLUG")]
    spec: Option<Slug>,

    /// An agent, model or vendor that had a hand in the change, besides those it names itself
    #[arg(long = "author", value_name = "AGENT|TOOL:MODEL|VENDOR")]
    authors: Vec<String>,

    /// Ask again, even if the change has been judged
    #[arg(long)]
    again: bool,

    #[command(flatten)]
    trust: TrustFlag,

    /// Print one JSON object: the decision, the verdicts, and the reasons when there is none
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: ReviewArgs) -> Result<Exit> {
    let json = args.json;
    told(json, reviewed(args))
}

/// A script gets its object whatever happened; a person gets the error and the way out.
pub(super) fn told(json: bool, answer: Result<Exit>) -> Result<Exit> {
    match answer {
        Err(error) if json && !error.chain().any(|link| link.is::<Interrupted>()) => {
            let mut reasons: Vec<String> = error.chain().map(ToString::to_string).collect();
            let hints = error.chain().filter_map(|link| link.downcast_ref::<error::Hint>());
            reasons.extend(hints.map(|hint| hint.fix.clone()));
            report::json(&Told { decision: None, verdicts: &[], reasons: &reasons })?;
            Ok(Exit::CannotTell)
        }
        other => other,
    }
}

fn reviewed(args: ReviewArgs) -> Result<Exit> {
    let word = args.person.word()?;
    let repo = Repo::discover()?;
    let target = args.subject.target(&repo)?;
    if let Some(slug) = &args.spec {
        // Said before anybody is asked, and also where nobody has to be.
        specs::read(&repo, slug)?;
    }
    let loaded = config::load(&repo, &target)?;
    let change = args.change(&repo, &target, &loaded)?;
    if change.is_empty() {
        return nothing(&args, &target);
    }
    if let Some(word) = word {
        return speak(&repo, &change, &target, &loaded, word, args.json);
    }
    let policy = &loaded.config.gate;
    let demand = admit::demand(&repo, policy, change.base_tree, change.head_tree)?;
    let standing: Vec<Outcome> = review::standing(&repo, &change, policy, &target)?
        .into_iter()
        .map(|verdict| Outcome::Judged(Box::new(verdict)))
        .collect();
    if !args.again && args.reviewer.is_none() && review::conclusion(&standing, policy, &demand).is_some() {
        if !args.json {
            writeln!(report::err(), "This very change has been judged already; --again asks again.")?;
        }
        return args.show(&standing, &loaded, &demand, None);
    }
    consent(&repo, trust::brought(&loaded.brought, Purpose::Review), &args.trust)?;
    let intent = args.purpose(&repo, &change)?;
    let log = repo.own_dir()?.join("review.log");
    forget(&log)?;
    let sandbox = crate::agents::sandbox_for(&repo, &loaded.config)?;
    let request = Request {
        change: &change,
        target: &target,
        intent: &intent,
        loaded: &loaded,
        attempt: 1,
        sandbox: &sandbox,
        transcript: Some(&log),
    };
    let style = if args.json { Style::Quiet } else { Style::choose(false) };
    let outcomes =
        watched(style, async |events, stop| args.ask(&repo, &request, &standing, events, &stop).await)?;
    args.show(&together(standing, outcomes), &loaded, &demand, Some(&log))
}

impl ReviewArgs {
    /// The change that the flags name, with all its authors.
    fn change(&self, repo: &Repo, target: &str, loaded: &Loaded) -> Result<Change> {
        let mut change = self.subject.change(repo, target)?;
        for name in &self.authors {
            let author = author(name, &loaded.config)?;
            // The gate believes the commits: only of what is not committed yet can this tell more.
            if self.subject.staged {
                changes::add_stated(&mut change.authors, author);
            } else if !change.authors.contains(&author) {
                change.authors.push(author);
            }
        }
        Ok(change)
    }

    /// What the change is meant to do: as told, else the spec whose branch or trailers it carries.
    fn purpose(&self, repo: &Repo, change: &Change) -> Result<String> {
        if let Some(file) = &self.intent {
            return read(file);
        }
        if let Some(slug) = &self.spec {
            return Ok(review::intent::of(&specs::read(repo, slug)?, None));
        }
        let Some((slug, task)) = self.origin(repo, change)? else { return Ok(String::new()) };
        match specs::read(repo, &slug) {
            Ok(spec) => {
                let plan = spec.document("plan.md").and_then(|text| plan::parse(text).ok());
                let task = plan.as_ref().and_then(|plan| plan.tasks.iter().find(|one| one.id == task));
                Ok(review::intent::of(&spec, task))
            }
            Err(error) => {
                report::warning(&format!("the reviewer will not know the spec: {error:#}"));
                Ok(String::new())
            }
        }
    }

    /// The spec and task that the change's branch name or its last commit's trailers name.
    fn origin(&self, repo: &Repo, change: &Change) -> Result<Option<(Slug, String)>> {
        let head = repo.head_ref()?;
        let branch = match &self.subject.revision {
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

    /// Asks the reviewer that was named; else, when asked again, the one that blocks; else the rivals.
    async fn ask(
        &self,
        repo: &Repo,
        request: &Request<'_>,
        standing: &[Outcome],
        events: &Events,
        stop: &Stop,
    ) -> Result<Vec<Outcome>> {
        let config = &request.loaded.config;
        let rival = |name: &str| review::rival(config, &config.gate, &request.change.authors, name);
        let chosen = match &self.reviewer {
            Some(name) => Some(rival(name)?),
            // Only a newer verdict of the same reviewer answers one that blocks.
            None => blocking(standing).and_then(|verdict| rival(&verdict.reviewer.name).ok()),
        };
        match chosen {
            Some(reviewer) => Ok(vec![review::review(repo, request, &reviewer, events, stop).await?]),
            None => review::judge(repo, request, events, stop).await,
        }
    }

    /// Prints what the outcomes come to, and chooses the status.
    fn show(
        &self,
        outcomes: &[Outcome],
        loaded: &Loaded,
        demand: &Demand,
        log: Option<&Path>,
    ) -> Result<Exit> {
        let policy = &loaded.config.gate;
        let decision = review::conclusion(outcomes, policy, demand);
        let mut verdicts: Vec<&Verdict> = Vec::new();
        let mut reasons: Vec<String> = Vec::new();
        for outcome in outcomes {
            match outcome {
                Outcome::Judged(verdict) => verdicts.push(verdict),
                Outcome::CannotTell(why) => reasons.push(why.clone()),
            }
        }
        if decision.is_none() && !verdicts.is_empty() {
            reasons.push(format!("{} approvals of distinct vendors are needed", demand.approvals));
        }
        if self.json {
            report::json(&Told { decision, verdicts: &verdicts, reasons: &reasons })?;
        } else {
            let mut out = report::out();
            for verdict in &verdicts {
                writeln!(out, "{}", report::plain(&record::headline(verdict)))?;
                report::findings(&mut out, verdict, &policy.block)?;
            }
            if decision.is_none() {
                return Err(cannot_tell(&reasons, log));
            }
        }
        Ok(match decision {
            Some(Decision::Approve | Decision::Waive) => Exit::Yes,
            Some(Decision::RequestChanges) => Exit::No,
            None => Exit::CannotTell,
        })
    }
}

/// Whom `--author` names: an agent of the config, a model, a tool and its model, or a vendor. A misspelt one is
/// refused, since it would make the author's own vendor a rival.
fn author(name: &str, config: &Config) -> Result<Author> {
    if let Some(agent) = config.agents.get(name) {
        return Ok(Agent::new(name, agent)?.author());
    }
    if let Some(author) = changes::stated(name) {
        return Ok(author);
    }
    let mut vendors: Vec<Vendor> = Vendor::known().chain([Vendor::person()]).collect();
    vendors.extend(review::reviewers(config).0.into_iter().map(|reviewer| reviewer.who.vendor));
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
    Err(error::hint(format!("`{name}` is no agent of the config and no vendor that is known here"), fix))
}

/// The verdicts that stood, but for those of reviewers who have spoken again, and the new outcomes.
fn together(standing: Vec<Outcome>, new: Vec<Outcome>) -> Vec<Outcome> {
    let who = |outcome: &Outcome| match outcome {
        Outcome::Judged(verdict) if verdict.decision != Decision::Waive => {
            Some((verdict.reviewer.name.clone(), verdict.reviewer.vendor.clone()))
        }
        _ => None,
    };
    let spoken: Vec<_> = new.iter().filter_map(who).collect();
    let kept = standing.into_iter().filter(|old| who(old).is_none_or(|who| !spoken.contains(&who)));
    kept.chain(new).collect()
}

/// The first verdict that blocks.
fn blocking(outcomes: &[Outcome]) -> Option<&Verdict> {
    outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Judged(verdict) if verdict.decision == Decision::RequestChanges => Some(&**verdict),
        _ => None,
    })
}

fn cannot_tell(reasons: &[String], log: Option<&Path>) -> anyhow::Error {
    let why = reasons.join("; ");
    let log = log.filter(|log| log.exists());
    let fix = match log {
        Some(log) => format!("what the reviewer said is in {}", log.display()),
        // Nobody was asked: the reason says what to do, about the change or about the reviewers.
        None => "mend that and ask again; `git flow-ai doctor` checks the reviewers".into(),
    };
    hint(format!("cannot tell: {why}"), fix)
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    /// None where it cannot be told, or where there is nothing to review.
    pub decision: Option<Decision>,
    /// The records as they are stored.
    pub verdicts: &'a [&'a Verdict],
    /// Why there is no decision.
    pub reasons: &'a [String],
}

/// Nothing differs: nobody is asked, and nothing is wrong.
fn nothing(args: &ReviewArgs, target: &str) -> Result<Exit> {
    let why = args.subject.nothing(target);
    if args.json {
        let reasons = [format!("nothing to review: {why}")];
        report::json(&Told { decision: None, verdicts: &[], reasons: &reasons })?;
    } else {
        writeln!(report::out(), "Nothing to review: {}.", report::plain(&why))?;
    }
    Ok(Exit::Yes)
}

/// Removes the transcript of an earlier review.
fn forget(log: &Path) -> Result<()> {
    match std::fs::remove_file(log) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", log.display()))
        }
        _ => Ok(()),
    }
}

fn read(file: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
    } else {
        bytes = std::fs::read(file).map_err(|error| {
            let fix = "give --intent a file that exists, or `-`";
            error::hint(format!("cannot read {}: {error}", file.display()), fix)
        })?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
