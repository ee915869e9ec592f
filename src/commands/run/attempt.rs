//! One attempt: the agent works, its files become a commit, whatever way it ended.

use super::agent_commits;
use super::branch::{self, Label, State as AttemptState};
use super::checkout::{Checkout, Made};
use super::journal::attempt_finished;
use super::limits::Under;
use super::monitor::OutputMonitor;
use super::outcome::Outcome;
use super::prompt::{self, Feedback};
use super::task::{self, TaskRunner};
use super::verify;
use crate::agents::cli::{AgentReport, Ending, Job, Mode};
use crate::agents::worktree::TooMuch;
use crate::domain::change::{Author, Vendor};
use crate::domain::error::Result;
use crate::domain::event::State;
use crate::domain::text::units::duration;
use crate::system::process::stop::Stop;
use gix::ObjectId;
use jiff::Timestamp;

/// What an attempt came to.
#[derive(Debug)]
pub enum Attempted {
    /// The agent says it is done; there is work to judge.
    Ended,
    /// The agent ended badly: why. It may try again.
    Failed(String),
    /// There is no sense in another attempt.
    Over(Outcome),
}

impl TaskRunner<'_> {
    /// Has the agent try once.
    pub(super) async fn attempt(&mut self, feedback: &[Feedback]) -> Result<Attempted> {
        let run = self.run;
        let number = run.history.borrow().next(&self.task.id);
        self.number = number;
        // Another task may have met a limit of the same agent meanwhile.
        if let Some(under) = run.limits.borrow().of(&self.agent.name, Timestamp::now()) {
            return Ok(Attempted::Over(self.park(under)));
        }
        if let Some(outcome) = self.settle_in().await? {
            return Ok(Attempted::Over(outcome));
        }
        let Some(place) = &self.place else { return Ok(Attempted::Over(Outcome::Stopped)) };
        let config = &run.loaded.config;
        let commands = verify::commands(run, [&self.task]);
        let job = Job {
            prompt: prompt::of(&run.spec, &self.task, &commands, feedback),
            scope: place.scope(),
            sandbox: run.sandbox.clone(),
            mode: Mode::Edit,
            env: self.env(),
            transcript: Some(run.journal.transcript(&self.task.id, number, false)),
            timeout: config.run.timeout,
            silence: config.run.silence,
            schema: None,
        };
        self.tell(State::Starting, &reason(feedback));
        self.unsettled.set(true);
        let (stopper, stop) = Stop::pair();
        let heard = OutputMonitor::new();
        let work = self.agent.run(&job, &stop, |activity| {
            heard.take(&activity);
            self.pass_on(activity);
        });
        let (report, over_budget) = self.listen(work, &heard, &stopper).await?;
        run.budget.reported(run, &self.agent.name, report.usage);
        self.end(number, report, over_budget).await
    }

    /// Makes the workplace where there is none; an outcome when there cannot be one.
    pub(super) async fn settle_in(&mut self) -> Result<Option<Outcome>> {
        if self.place.is_some() {
            return Ok(None);
        }
        self.tell(State::Preparing, "");
        let name = format!("{}.{}", self.run.slug(), self.task.id);
        let commit = self.work.map_or(self.base, |work| work.head);
        Ok(match Checkout::make(self.run, &name, commit, &self.env(), &self.events).await? {
            Made::Ready(place) => {
                self.place = Some(place);
                None
            }
            Made::SetupFailed(how) => Some(Outcome::SetupFailed { how }),
            Made::Stopped => Some(Outcome::Stopped),
        })
    }

    /// Commits what it left, then counts the attempt, then says what follows.
    async fn end(&mut self, number: u32, report: AgentReport, spent: Option<String>) -> Result<Attempted> {
        // An attempt that a limit, a budget or the person cut short goes on under the same number.
        let is_cut = matches!(report.ending, Ending::Stopped | Ending::RateLimited(_));
        let state = match report.ending {
            Ending::Done => AttemptState::Made,
            _ if is_cut => AttemptState::Partial,
            _ => AttemptState::Failed,
        };
        if self.place.as_ref().is_some_and(|place| !place.is_there()) {
            return self.end_without_folder(number, &report).await;
        }
        let last = report.last.as_deref().unwrap_or("nothing");
        let authors = authors(self.agent.author(), report.model);
        if let [own, other, ..] = &authors[..] {
            self.events.warn(format!(
                "the config says that {} is {}'s, it says that it ran a model of {}: both count as authors",
                own.name, own.vendor, other.vendor
            ));
        }
        if !is_cut {
            // The journal knows from here on that the attempt has ended, even if its commit is not made.
            self.tell(State::Harvesting, word(&report.ending));
        }
        let (commit, flood) = match self.commit_files(number, &authors, state).await {
            // Nothing of it is committed, and all of it stays for the next attempt, or for a person.
            Err(error) if error.is::<TooMuch>() => (None, error.downcast_ref().map(TooMuch::to_string)),
            commit => (commit?, None),
        };
        if !is_cut {
            // The commit first: what the journal says ended must not be lost.
            let word = if flood.is_some() { "failed" } else { word(&report.ending) };
            self.events.send(attempt_finished(number, word, commit));
            self.run.history.borrow_mut().ended(&self.task.id, number);
            self.attempts += 1;
        }
        if let (Some(why), false) = (flood, is_cut) {
            return Ok(Attempted::Failed(why));
        }
        let config = &self.run.loaded.config.run;
        if !matches!(report.ending, Ending::RateLimited(_) | Ending::Stopped) {
            self.run.limits.borrow_mut().passed(&self.agent.name);
        }
        Ok(match report.ending {
            Ending::Done if self.has_work()? => Attempted::Ended,
            Ending::Done => Attempted::Over(Outcome::NoChange),
            Ending::Failed(why) => Attempted::Failed(why),
            Ending::Refused(why) => Attempted::Failed(format!("its model refused: {why}")),
            Ending::TimedOut => Attempted::Failed(format!(
                "it took longer than {} (run.timeout); the last that was seen of it: {last}",
                duration(config.timeout)
            )),
            Ending::Silent => Attempted::Failed(format!(
                "it said nothing for {} (run.silence); the last that was seen of it: {last}",
                duration(config.silence)
            )),
            Ending::WaitingForPerson(what) => Attempted::Over(Outcome::WaitingForPerson { what }),
            Ending::RateLimited(limit) => {
                let (now, chance) = (Timestamp::now(), getrandom::u32()?);
                let under = self.run.limits.borrow_mut().meet(&self.agent.name, &limit, now, chance);
                Attempted::Over(self.park(&under))
            }
            Ending::Stopped => Attempted::Over(match spent {
                Some(why) if !self.run.stop.is_set() => Outcome::BudgetSpent { of: "task", why },
                _ => Outcome::Stopped,
            }),
        })
    }

    /// What becomes of it while its agent is under a limit.
    fn park(&self, under: &Under) -> Outcome {
        if let Some(until) = under.until {
            task::tell_parked(&self.events, self.number, &self.agent.name, under, until);
        }
        Outcome::limited(under)
    }

    /// The attempt of an agent that removed its own worktree: it counts, and the next one gets another.
    async fn end_without_folder(&mut self, number: u32, report: &AgentReport) -> Result<Attempted> {
        if let Some(place) = self.place.take() {
            place.put_away().await?;
        }
        if report.ending == Ending::Stopped {
            return Ok(Attempted::Over(Outcome::Stopped));
        }
        self.events.send(attempt_finished(number, "failed", None));
        self.run.history.borrow_mut().ended(&self.task.id, number);
        self.attempts += 1;
        Ok(Attempted::Failed("it removed the folder that it worked in".into()))
    }

    /// Warns of what is found each time that files are collected, the first time.
    fn warn_once(&self, message: String) {
        if self.warned.borrow_mut().insert(message.clone()) {
            self.events.warn(message);
        }
    }

    /// Commits the workplace's files onto the task's branch where they differ from it, or where the
    /// branch still calls finished work unfinished. Returns the new commit.
    pub(super) async fn commit_files(
        &mut self,
        attempt: u32,
        authors: &[Author],
        state: AttemptState,
    ) -> Result<Option<ObjectId>> {
        let Some(place) = &self.place else { return Ok(None) };
        let collected = place.collect().await?;
        for left in collected.left_out.iter().take(10) {
            self.warn_once(format!("not committed: {left}"));
        }
        if collected.left_out.len() > 10 {
            self.warn_once(format!("not committed: {} more", collected.left_out.len() - 10));
        }
        if !collected.repaired.is_empty() {
            let what = collected.repaired.join(", ");
            self.warn_once(format!("the agent changed {what} of its private git, which is put back"));
        }
        let repo = &self.run.repo;
        if let Some(name) =
            agent_commits::keep(repo, self.run.slug(), &self.task.id, &self.run.id, &collected.commits)?
        {
            self.warn_once(format!(
                "the agent committed by itself what its files do not hold: it is kept at {name}"
            ));
        }
        let before = repo.tree_of(self.work.map_or(self.base, |work| work.head))?;
        let promoted =
            state == AttemptState::Made && self.work.is_some_and(|work| work.state != AttemptState::Made);
        if collected.tree == before && !promoted {
            place.mark_saved(&collected)?;
            return Ok(None);
        }
        let label =
            Label { slug: self.run.slug(), task: &self.task, run: &self.run.id, attempt, authors, state };
        let base = self.work.map_or(self.base, |work| work.base);
        let head = self.work.map(|work| work.head);
        let work = branch::commit(repo, &self.run.journal, &label, collected.tree, base, head)?;
        self.work = Some(work);
        place.mark_saved(&collected)?;
        Ok(Some(work.head))
    }
}

/// Whose model wrote it. Behind a gateway another vendor's model may answer than the config believes:
/// then a judge must be a rival of both.
fn authors(own: Author, told: Option<String>) -> Vec<Author> {
    let other = told.as_deref().and_then(Vendor::from_model).filter(|vendor| *vendor != own.vendor);
    match other {
        Some(vendor) => {
            let other = Author { name: own.name.clone(), vendor, model: told.clone() };
            vec![Author { model: own.model.or(told), ..own }, other]
        }
        None => vec![Author { model: own.model.or(told), ..own }],
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

fn word(ending: &Ending) -> &'static str {
    match ending {
        Ending::Done => "done",
        Ending::Failed(_) => "failed",
        Ending::Refused(_) => "refused",
        Ending::WaitingForPerson(_) => "waiting-for-person",
        Ending::RateLimited(_) => "rate-limited",
        Ending::TimedOut => "timed-out",
        Ending::Silent => "silent",
        Ending::Stopped => "stopped",
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
