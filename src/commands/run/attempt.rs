//! One attempt: the agent works, its files become a commit, whatever way it ended.

use super::branch::AttemptState;
use super::context::{TaskContext, announce_parked};
use super::monitor::OutputMonitor;
use super::outcome::{BudgetScope, TaskOutcome};
use super::prompt::{Feedback, prompt};
use super::provider_limits::ActiveLimit;
use super::verify;
use super::workspace::Workspace;
use crate::agents::cli::{AgentReport, Ending, Job, Mode};
use crate::agents::sandbox::Scope;
use crate::agents::worktree::TooMuch;
use crate::domain::change::{Author, Vendor};
use crate::domain::error::{Hint, Result};
use crate::domain::event::{AttemptEnding, TaskState};
use crate::domain::text::units::duration;
use crate::system::process::stop::Stop;
use jiff::Timestamp;

/// What an attempt came to.
#[derive(Debug)]
pub enum AttemptEnd {
    /// The agent says it is done; there is work to judge.
    Finished,
    /// The agent ended badly: why. It may try again.
    Failed(String),
    /// Another attempt makes no sense.
    Final(TaskOutcome),
}

/// Has the agent try once.
pub(super) async fn attempt(
    context: &TaskContext<'_>,
    workspace: &mut Workspace<'_>,
    feedback: &[Feedback],
) -> Result<AttemptEnd> {
    let TaskContext { run, agent, .. } = context;
    context.begin_attempt();
    // Another task may have met a limit of the same agent meanwhile.
    if let Some(limit) = run.limits.borrow().active(&agent.name, Timestamp::now()) {
        return Ok(AttemptEnd::Final(park(context, limit)));
    }
    let scope = match workspace.open().await? {
        Ok(checkout) => checkout.scope(),
        Err(outcome) => return Ok(AttemptEnd::Final(outcome)),
    };
    let job = job(context, scope, feedback)?;
    context.announce(TaskState::Starting, &reason(feedback));
    let monitor = OutputMonitor::new(context);
    let (stopper, stop) = Stop::pair();
    let work = agent.run(&job, &stop, |activity| monitor.take(activity));
    let (report, over_budget) = monitor.watch(work, &stopper).await?;
    run.budget.reported(run, &agent.name, report.usage);
    if workspace.is_lost() {
        return end_without_checkout(context, workspace, &report).await;
    }
    match save(context, workspace, &report).await? {
        Some(why) => Ok(AttemptEnd::Failed(why)),
        None => conclude(context, workspace, report, over_budget),
    }
}

fn job(context: &TaskContext<'_>, scope: Scope, feedback: &[Feedback]) -> Result<Job> {
    let TaskContext { run, task, .. } = context;
    let config = &run.loaded.config.run;
    Ok(Job {
        prompt: prompt(&run.spec, task, &verify::commands(run, [*task]), feedback)?,
        scope,
        sandbox: run.checkouts.sandbox.clone(),
        mode: Mode::Edit,
        env: context.env(),
        transcript: Some(run.journal.transcript(&task.id, context.attempt(), false)),
        timeout: config.timeout,
        silence: config.silence,
        schema: None,
    })
}

/// The attempt of an agent that removed its own worktree: it counts, and the next one gets another.
async fn end_without_checkout(
    context: &TaskContext<'_>,
    workspace: &mut Workspace<'_>,
    report: &AgentReport,
) -> Result<AttemptEnd> {
    workspace.forget().await?;
    if report.ending == Ending::Stopped {
        return Ok(AttemptEnd::Final(TaskOutcome::Stopped));
    }
    context.end_attempt(AttemptEnding::Failed, None);
    Ok(AttemptEnd::Failed("it removed the folder that it worked in".into()))
}

/// Commits what the agent left, then counts the attempt. Returns why it failed if the agent left more
/// than can be committed.
async fn save(
    context: &TaskContext<'_>,
    workspace: &mut Workspace<'_>,
    report: &AgentReport,
) -> Result<Option<String>> {
    let ending = word(&report.ending);
    // An attempt that a limit, a budget or the user cut short goes on under the same number.
    let is_cut = matches!(ending, AttemptEnding::Stopped | AttemptEnding::RateLimited);
    let state = match ending {
        AttemptEnding::Done => AttemptState::Made,
        _ if is_cut => AttemptState::Partial,
        _ => AttemptState::Failed,
    };
    let authors = authors(context.agent.author(), report.model.clone());
    if let [own, other, ..] = &authors[..] {
        context.events.warn(format!(
            "the config says that {} is {}'s, it says that it ran a model of {}: both count as authors",
            own.name, own.vendor, other.vendor
        ));
    }
    if !is_cut {
        // The journal knows from here on that the attempt has ended, even if its commit is not made.
        context.announce(TaskState::Harvesting, &ending.to_string());
    }
    let (commit, too_much) = match workspace.commit_files(&authors, state).await {
        // Nothing of it is committed, and all of it stays for the next attempt, or for a person.
        Err(error) if error.is::<TooMuch>() => (None, error.downcast_ref().map(TooMuch::to_string)),
        commit => (commit?, None),
    };
    if is_cut {
        return Ok(None);
    }
    // The commit first: what the journal says ended must not be lost.
    let ending = if too_much.is_some() { AttemptEnding::Failed } else { ending };
    context.end_attempt(ending, commit);
    Ok(too_much)
}

/// What follows from the way in which the agent ended.
fn conclude(
    context: &TaskContext<'_>,
    workspace: &Workspace<'_>,
    report: AgentReport,
    over_budget: Option<String>,
) -> Result<AttemptEnd> {
    let TaskContext { run, agent, .. } = context;
    let config = &run.loaded.config.run;
    let last = report.last.as_deref().unwrap_or("nothing");
    if !matches!(report.ending, Ending::RateLimited(_) | Ending::Stopped) {
        run.limits.borrow_mut().passed(&agent.name);
    }
    Ok(match report.ending {
        Ending::Done if workspace.has_work()? => AttemptEnd::Finished,
        Ending::Done => match workspace.nothing_taken() {
            None => AttemptEnd::Final(context.no_change()),
            // The agent can do something about a file that is too large, and nothing about the user's filters.
            Some(error) if error.is::<Hint>() => return Err(error),
            Some(error) => AttemptEnd::Failed(error.to_string()),
        },
        Ending::Failed(why) => AttemptEnd::Failed(why),
        Ending::Refused(why) => AttemptEnd::Failed(format!("its model refused: {why}")),
        Ending::TimedOut => AttemptEnd::Failed(format!(
            "it took longer than {} (run.timeout); the last that was seen of it: {last}",
            duration(config.timeout)
        )),
        Ending::Silent => AttemptEnd::Failed(format!(
            "it said nothing for {} (run.silence); the last that was seen of it: {last}",
            duration(config.silence)
        )),
        Ending::WaitingForPerson(what) => AttemptEnd::Final(TaskOutcome::WaitingForPerson { what }),
        Ending::RateLimited(limit) => {
            let (now, chance) = (Timestamp::now(), getrandom::u32()?);
            let limit = run.limits.borrow_mut().meet(&agent.name, &limit, now, chance);
            AttemptEnd::Final(park(context, &limit))
        }
        Ending::Stopped => AttemptEnd::Final(match over_budget {
            Some(why) if !run.stop.is_set() => TaskOutcome::BudgetSpent { of: BudgetScope::Task, why },
            _ => TaskOutcome::Stopped,
        }),
    })
}

/// The outcome of a task while its agent is under a limit.
fn park(context: &TaskContext<'_>, limit: &ActiveLimit) -> TaskOutcome {
    if let Some(until) = limit.until {
        announce_parked(&context.events, context.attempt(), &context.agent.name, limit, until);
    }
    TaskOutcome::limited(limit)
}

/// Whose model wrote it. Behind a gateway another vendor's model may answer than the config believes:
/// then a judge must be a rival of both.
fn authors(own: Author, reported: Option<String>) -> Vec<Author> {
    let other = reported.as_deref().and_then(Vendor::from_model).filter(|vendor| *vendor != own.vendor);
    match other {
        Some(vendor) => {
            let other = Author { name: own.name.clone(), vendor, model: reported.clone() };
            vec![Author { model: own.model.or(reported), ..own }, other]
        }
        None => vec![Author { model: own.model.or(reported), ..own }],
    }
}

/// Why there is another attempt, for people.
fn reason(feedback: &[Feedback]) -> String {
    let words = feedback.iter().map(|feedback| match feedback {
        Feedback::Interrupted => "the last attempt was interrupted".to_owned(),
        Feedback::Failed(why) => why.lines().next().unwrap_or_default().to_owned(),
        Feedback::Verification(_) => "verification failed".to_owned(),
        Feedback::Findings(findings) if findings.len() == 1 => "a rival's finding blocks it".to_owned(),
        Feedback::Findings(findings) => format!("{} findings of a rival block it", findings.len()),
    });
    words.collect::<Vec<_>>().join("; ")
}

fn word(ending: &Ending) -> AttemptEnding {
    match ending {
        Ending::Done => AttemptEnding::Done,
        Ending::Failed(_) => AttemptEnding::Failed,
        Ending::Refused(_) => AttemptEnding::Refused,
        Ending::WaitingForPerson(_) => AttemptEnding::WaitingForPerson,
        Ending::RateLimited(_) => AttemptEnding::RateLimited,
        Ending::TimedOut => AttemptEnding::TimedOut,
        Ending::Silent => AttemptEnding::Silent,
        Ending::Stopped => AttemptEnding::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use super::authors;
    use crate::domain::change::{Author, Vendor};

    #[test]
    fn a_model_of_another_vendor_behind_a_gateway_makes_two_authors() {
        let own = || Author { name: "claude".into(), vendor: Vendor::new("anthropic"), model: None };
        let vendors = |model: &str| -> Vec<String> {
            authors(own(), Some(model.into())).iter().map(|author| author.vendor.to_string()).collect()
        };
        assert_eq!(vendors("claude-opus-4-5"), ["anthropic"]);
        assert_eq!(vendors("scripted"), ["anthropic"]);
        assert_eq!(vendors("openrouter/qwen3-coder"), ["anthropic", "alibaba"]);
    }
}
