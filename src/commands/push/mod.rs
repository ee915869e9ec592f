//! Branches and their verdicts, to a remote in one push: all of it arrives or nothing does.
//!
//! First the remote's verdicts are taken in, as [`crate::commands::sync`] does; then git pushes branches, verdicts
//! and what they are about, `--atomic` and never with force. Where nothing but verdicts has moved
//! meanwhile it is done again. A server that cannot do it in one gets the verdicts first. The person's
//! hooks run as in every push.

mod belongs;
mod sources;
mod target;

pub use target::{Refspec, arguments, refspecs};

use crate::commands::hook::LOSES;
use crate::commands::sync::{self, Pushed, Synced};
use crate::domain::error::Result;
use crate::domain::text::shell::{Part, command_line, join};
use crate::domain::verdict::NOTES_REF;
use crate::gate::store::verdicts::{self, COPIES};
use crate::gate::store::{Repo, keep};
use crate::system::git;
use crate::system::git::error::{ErrorKind, kind, locked_refs};
use crate::system::git::talk::{self, Talk};
use sources::Sources;
use std::process::Command;

/// How often it is tried while others push verdicts: each time the person's own hooks run.
const TRIES: u32 = 5;

#[derive(Debug)]
pub struct Push {
    pub remote: String,
    pub refspecs: Vec<Refspec>,
    /// Only ask what would be: nothing is fetched or written, on either side.
    pub is_dry_run: bool,
    /// Whether git reports its progress.
    pub is_watched: bool,
}

#[derive(Debug)]
pub struct PushOutcome {
    /// What became of verdicts.
    pub synced: Synced,
    /// What became of each ref that git had an answer about; verdicts too.
    pub refs: Vec<PushedRef>,
    /// Whether the server took all of it or nothing; otherwise verdicts went first.
    pub is_atomic: bool,
    /// Why not all of it went; `None` if it did.
    pub failure: Option<PushFailure>,
}

/// One ref of a push, in git's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRef {
    /// git's mark: ` ` moved on, `*` new, `=` there already, `!` kept out.
    pub mark: char,
    pub from: String,
    pub to: String,
    /// `1234567..89abcde`, `[new branch]`, `[rejected] (fetch first)`.
    pub summary: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushFailure {
    /// Whether it was refused: by the remote, its gate, or a hook here.
    pub is_refusal: bool,
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

/// Pushes; `report` gets the lines of git, the remote and hooks, `fetched` those of the fetch.
pub fn push(repo: &Repo, push: &Push, fetched: impl Fn(&str), report: impl Fn(&str)) -> Result<PushOutcome> {
    if push.is_dry_run {
        return would_push(repo, push, &report);
    }
    let (mut refs, mut failure, mut is_atomic) = (Vec::new(), None, true);
    let synced = sync::exchange(repo, &push.remote, TRIES, &fetched, |own| {
        failure = None;
        let verdicts = own.map_or(Ok(Vec::new()), |_| belongs::refspecs(repo, push))?;
        if is_atomic {
            let talk = talk(repo, push, &["--atomic"], &verdicts, &report)?;
            if !lacks_atomic(&talk) {
                refs = parse(&talk);
                if !talk.is_done && only_verdicts_moved(&talk, &refs) {
                    report("Others have pushed verdicts meanwhile: again\n");
                    return Ok(Pushed::Moved);
                }
                failure = push.failure(&talk, &refs);
                return Ok(failure.as_ref().map_or(Pushed::Done, |it| Pushed::Refused(it.why.clone())));
            }
            is_atomic = false;
        }
        if own.is_some() {
            let pushed = sync::push(repo, &push.remote, &verdicts, &fetched)?;
            if let Pushed::Refused(why) = &pushed {
                failure = Some(push.verdicts_refused(why, true));
            }
            if !matches!(pushed, Pushed::Done) {
                return Ok(pushed);
            }
        }
        let talk = talk(repo, push, &[], &[], &report)?;
        refs = parse(&talk);
        failure = push.failure(&talk, &refs);
        // The verdicts have arrived, whatever became of the branches.
        Ok(Pushed::Done)
    })?;
    let failure = failure.or_else(|| synced.not_pushed.as_deref().map(|why| push.overtaken(why)));
    Ok(PushOutcome { synced, refs, is_atomic, failure })
}

/// What would be pushed, as far as the remote was last seen: git is asked about the branches, verdicts
/// are compared with the copy of the remote's.
fn would_push(repo: &Repo, push: &Push, report: &impl Fn(&str)) -> Result<PushOutcome> {
    let known = repo.find_ref(&format!("{COPIES}{}", push.remote))?;
    let went = verdicts::missing(repo, repo.find_ref(NOTES_REF)?, known)?;
    let synced = Synced { remote: push.remote.clone(), went, ..Synced::default() };
    let mut is_atomic = true;
    let mut asked = talk(repo, push, &["--dry-run", "--atomic"], &[], report)?;
    if lacks_atomic(&asked) {
        is_atomic = false;
        asked = talk(repo, push, &["--dry-run"], &[], report)?;
    }
    let refs = parse(&asked);
    let failure = push.failure(&asked, &refs);
    Ok(PushOutcome { synced, refs, is_atomic, failure })
}

/// git pushes: from where the person is, since hooks look at the files there.
fn talk(
    repo: &Repo,
    push: &Push,
    options: &[&str],
    verdicts: &[String],
    report: &impl Fn(&str),
) -> Result<Talk> {
    let mut command: Command = git::command(repo.work_dir().unwrap_or(repo.git_dir()));
    command.arg("--git-dir").arg(repo.git_dir());
    // We say what to do about a rejection, since we know whether it is the end.
    command.args(["-c", "advice.pushUpdateRejected=false", "push", "--porcelain"]).args(options);
    command.arg(if push.is_watched { "--progress" } else { "--no-progress" });
    let sources = Sources::of(repo, push)?;
    command.arg(&push.remote).args(&sources.refspecs).args(verdicts);
    let mut talk = talk::run(&mut command, |said| {
        let is_reported_by_us =
            REPORTED_BY_US.iter().chain([&NO_ATOMIC]).any(|words| said.starts_with(words));
        if !is_reported_by_us {
            report(said);
        }
    })?;
    talk.output = sources.as_asked(&talk.output);
    Ok(talk)
}

/// How git says that the push failed, which we report in the end, if it is the end; and what a server on
/// this machine says when git breaks off.
const REPORTED_BY_US: [&str; 3] = [
    "error: failed to push some refs",
    "error: atomic push failed",
    "fatal: the remote end hung up unexpectedly",
];

/// How git says that the server cannot take all or nothing.
const NO_ATOMIC: &str = "fatal: the receiving end does not support --atomic push";

fn lacks_atomic(talk: &Talk) -> bool {
    !talk.is_done && talk.said.contains(NO_ATOMIC)
}

/// git's answers, a line for each ref: `<mark>\t<from>:<to>\t<summary>`.
fn parse(talk: &Talk) -> Vec<PushedRef> {
    let parse = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        let (mark, refs, summary) = (parts.next()?, parts.next()?, parts.next()?);
        let (from, to) = refs.split_once(':')?;
        let mark = mark.chars().next()?;
        Some(PushedRef { mark, from: from.to_owned(), to: to.to_owned(), summary: summary.to_owned() })
    };
    talk.output.lines().filter_map(parse).collect()
}

impl PushedRef {
    /// Whether it is a verdict, or what one is about.
    pub fn is_of_verdicts(&self) -> bool {
        self.to == NOTES_REF || self.to.starts_with(keep::KEPT)
    }

    pub fn is_rejected(&self) -> bool {
        self.mark == '!'
    }

    /// Whether it was kept out for its own sake, and not because another was.
    fn is_cause(&self) -> bool {
        self.is_rejected() && !self.summary.contains("atomic")
    }
}

/// Whether nothing stood in the way but verdicts that others have pushed since we took in theirs.
fn only_verdicts_moved(talk: &Talk, refs: &[PushedRef]) -> bool {
    // The hook at the server: ours had all that was there.
    if talk.said.contains(LOSES) {
        return true;
    }
    let mut causes = refs.iter().filter(|one| one.is_cause()).peekable();
    if causes.peek().is_some() {
        return causes.all(|one| {
            one.is_of_verdicts()
                && (one.summary.contains("[rejected]") || kind(&one.summary) == ErrorKind::RefMoved)
        });
    }
    // A transaction that failed at the server: only what it says beside names the ref.
    let locked = locked_refs(&talk.said);
    !locked.is_empty() && locked.iter().all(|name| *name == NOTES_REF || name.starts_with(keep::KEPT))
}

impl Push {
    fn failure(&self, talk: &Talk, refs: &[PushedRef]) -> Option<PushFailure> {
        if talk.is_done {
            return None;
        }
        let remote = &self.remote;
        let refused = |why: String, fix: &str| PushFailure { is_refusal: true, why, fix: fix.into() };
        let rejected = || refs.iter().filter(|one| one.is_rejected());
        // A server that was cut short says `fatal:` too: what it has answered about counts for more.
        let is_answered = rejected().any(|one| one.summary.contains("rejected]"));
        if !is_answered && (talk.is_fatal() || rejected().next().is_some()) {
            return Some(PushFailure {
                is_refusal: false,
                why: format!("git could not push to {remote}: {}", talk.reason()),
                fix: command_line!("git ls-remote {} tells whether it can be reached", remote),
            });
        }
        let causes = || rejected().filter(|one| one.is_cause());
        let Some(cause) = causes().find(|one| !one.is_of_verdicts()).or_else(|| causes().next()) else {
            return Some(match rejected().next() {
                Some(one) => refused(
                    format!("{remote} has let nothing in: {}", one.summary),
                    "push again; if it says the same, what it says above is for whoever keeps it",
                ),
                None => refused(
                    format!("nothing was pushed to {remote}: a hook here refused (pre-push)"),
                    "what it says stands above; nothing has moved on either side",
                ),
            });
        };
        let name = cause.to.trim_start_matches("refs/heads/");
        Some(if cause.is_of_verdicts() {
            self.verdicts_refused(&cause.summary, rejected().any(|one| !one.is_of_verdicts()))
        } else if cause.summary.contains("[rejected]") {
            refused(
                format!("`{name}` at {remote} has commits that this push lacks: {}", cause.summary),
                &command_line!("git pull --rebase {}, then push again", remote),
            )
        } else {
            refused(
                format!("{remote} has not let `{name}` in: {}", cause.summary),
                "what it says stands above; when that is done, push again",
            )
        })
    }

    /// The remote takes no verdicts; some servers let the branches of an atomic push in all the same.
    fn verdicts_refused(&self, why: &str, stops_branches: bool) -> PushFailure {
        let keeper = format!("whoever keeps it lets in {NOTES_REF} and {}*", keep::KEPT);
        let branches: Vec<String> = self.refspecs.iter().map(Refspec::to_string).collect();
        let (remote, branches) = (&self.remote, join(branches.iter().map(String::as_str)));
        PushFailure {
            is_refusal: true,
            why: format!("{remote} does not take verdicts: {why}"),
            fix: match stops_branches {
                true => {
                    format!(
                        "{keeper}; what is pushed goes without them by: {}",
                        command_line!("git push {} {}", remote, Part(&branches))
                    )
                }
                false => format!("{keeper}; the branches have arrived"),
            },
        }
    }

    fn overtaken(&self, why: &str) -> PushFailure {
        PushFailure {
            is_refusal: false,
            why: why.to_owned(),
            fix: format!("others push verdicts to {} all the time; push again", self.remote),
        }
    }
}
