//! The answer as machines read it: one versioned object, from which every format is made.

use super::change;
use super::question::{self, Question};
use super::short;
use crate::domain::change::Author;
use crate::domain::error::{Exit, Hint, Result};
use crate::domain::verdict::{Decision, Finding, Verdict};
use crate::gate::admit::{self, BranchVerdicts, Explanation};
use crate::gate::signing::Proof;
use crate::gate::store::{self, Repo};
use gix::ObjectId;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;

/// The version of [`Report`] as JSON. Keys may be added to a version, never changed or taken away.
pub const VERSION: u32 = 1;

/// What a question about a protected branch comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Everything may enter, or came in by the gate.
    Yes,
    /// Something stays out, or came in past the gate.
    No,
    /// Nobody can tell here.
    CannotTell,
}

impl Answer {
    /// The status to exit with.
    pub fn exit(self) -> Exit {
        match self {
            Answer::Yes => Exit::Yes,
            Answer::No => Exit::No,
            Answer::CannotTell => Exit::CannotTell,
        }
    }
}

/// The whole answer.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// See [`VERSION`].
    pub version: u32,
    /// The answer itself.
    pub answer: Answer,
    /// The protected branch; none where not even that could be told.
    pub target: Option<String>,
    /// Whether the branch's config protects it.
    pub protected: bool,
    /// The tip that the update starts from.
    pub old: Option<String>,
    /// The commit that would enter.
    pub new: Option<String>,
    /// Whether that commit does not contain the tip, so that what was judged is the merge of both.
    pub predicted: bool,
    /// The commits whose policies were the law.
    pub laws: Vec<String>,
    /// Why not, one sentence each.
    pub why: Vec<String>,
    /// What to do about it, one sentence or command each.
    pub fix: Vec<String>,
    /// What else whoever asks should know.
    pub notes: Vec<String>,
    /// Every part of the update, oldest first.
    pub parts: Vec<Part>,
    /// The counts.
    pub report: Tally,
}

/// Commits that enter or stay out together.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// What becomes of them.
    pub outcome: Outcome,
    /// The commits, oldest first.
    pub commits: Vec<Commit>,
    /// Why they stay out, in one sentence.
    pub why: Option<String>,
    /// How they could enter.
    pub fix: Option<String>,
    /// The trees, from and to, of the change that a review would have to cover.
    pub change: Option<(String, String)>,
    /// What that change touches.
    pub files: Vec<File>,
    /// By which it is known again after a rebase.
    pub fingerprint: Option<String>,
    /// The verdicts that let it in, or block it.
    pub verdicts: Vec<Word>,
}

/// What becomes of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Verdicts let it in.
    Admitted,
    /// A person's waiver lets it in.
    Waived,
    /// It changes nothing, so nothing is asked for.
    Free,
    /// A verdict blocks it.
    Blocked,
    /// Nothing covers it.
    Missing,
}

impl Outcome {
    /// Whether it stays out.
    pub fn stays(self) -> bool {
        matches!(self, Outcome::Blocked | Outcome::Missing)
    }
}

/// A commit for people.
#[derive(Debug, Clone, Serialize)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

impl Commit {
    /// What of a commit is shown.
    pub(crate) fn of(commit: &store::Commit) -> Commit {
        Commit { id: commit.id.to_string(), subject: commit.subject().to_owned() }
    }
}

/// A path that an uncovered change touches.
#[derive(Debug, Clone, Serialize)]
pub struct File {
    /// For people, on one line, with nothing hidden.
    pub path: String,
    /// As git has it.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// Whether it is gone afterwards.
    pub deleted: bool,
}

/// Somebody's verdict.
#[derive(Debug, Clone, Serialize)]
pub struct Word {
    /// What they decided.
    pub decision: Decision,
    /// Whose it is.
    pub reviewer: Author,
    /// In their own words; of a waiver, the reason.
    pub summary: String,
    /// When.
    pub time: Timestamp,
    /// Who signed it, and what that proves.
    pub proof: Proof,
    /// What they found.
    pub findings: Vec<Problem>,
}

/// A finding, and what it does.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Whether it keeps the change out.
    pub blocks: bool,
}

/// How many steps, and by whose word.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tally {
    /// Commits on the way in.
    pub steps: usize,
    /// Steps that verdicts let in.
    pub admitted: usize,
    /// The same by reviewer; a step that several approve is counted for each.
    pub by_reviewer: IndexMap<String, usize>,
    /// Steps that a waiver lets in.
    pub waived: usize,
    /// Each waiver, and why it was given.
    pub waivers: Vec<Waived>,
    /// Steps that change nothing.
    pub free: usize,
    /// Steps that a verdict blocks.
    pub blocked: usize,
    /// Steps that nothing covers.
    pub missing: usize,
}

/// A waiver that lets something in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waived {
    /// The person.
    pub by: String,
    /// Why.
    pub reason: String,
    /// How many steps.
    pub steps: usize,
}

impl Report {
    /// Yes, as far as nothing else is known.
    pub(super) fn about(question: &Question) -> Report {
        Report {
            target: Some(question.target.clone()),
            old: Some(question.old.to_string()),
            new: Some(question.new.to_string()),
            laws: question.laws.iter().map(ObjectId::to_string).collect(),
            notes: question.notes.clone(),
            ..Report::nothing(Answer::Yes)
        }
    }

    /// What is said where an error kept the question from being answered.
    pub fn of_error(error: &anyhow::Error) -> Report {
        let hints = error.chain().filter_map(|link| link.downcast_ref::<Hint>());
        Report {
            why: error.chain().map(ToString::to_string).collect(),
            fix: hints.map(|hint| hint.fix.clone()).collect(),
            ..Report::nothing(Answer::CannotTell)
        }
    }

    fn nothing(answer: Answer) -> Report {
        Report {
            version: VERSION,
            answer,
            target: None,
            protected: true,
            old: None,
            new: None,
            predicted: false,
            laws: Vec::new(),
            why: Vec::new(),
            fix: Vec::new(),
            notes: Vec::new(),
            parts: Vec::new(),
            report: Tally::default(),
        }
    }

    /// Counts the parts.
    pub(super) fn count(&mut self) {
        let mut tally = Tally::default();
        for part in &self.parts {
            let steps = part.commits.len();
            tally.steps += steps;
            *match part.outcome {
                Outcome::Admitted => &mut tally.admitted,
                Outcome::Waived => &mut tally.waived,
                Outcome::Free => &mut tally.free,
                Outcome::Blocked => &mut tally.blocked,
                Outcome::Missing => &mut tally.missing,
            } += steps;
            if part.outcome.stays() {
                continue;
            }
            for word in &part.verdicts {
                if is_waiver(word.decision) {
                    let (by, reason) = (word.reviewer.name.clone(), word.summary.clone());
                    tally.waivers.push(Waived { by, reason, steps });
                } else {
                    let name = format!("{} ({})", word.reviewer.name, word.reviewer.vendor);
                    *tally.by_reviewer.entry(name).or_default() += steps;
                }
            }
        }
        self.report = tally;
    }
}

/// The gate's account in words.
pub(super) fn parts(
    repo: &Repo,
    parts: Vec<admit::Part>,
    rules: &BranchVerdicts<'_>,
    target: &str,
) -> Result<Vec<Part>> {
    parts.into_iter().map(|of| part(repo, of, rules, target)).collect()
}

fn part(repo: &Repo, of: admit::Part, rules: &BranchVerdicts<'_>, target: &str) -> Result<Part> {
    let commits = of.commits.iter().map(|id| Ok(Commit::of(&repo.commit(*id)?)));
    let mut part = Part {
        outcome: Outcome::Free,
        commits: commits.collect::<Result<_>>()?,
        why: None,
        fix: None,
        change: None,
        files: Vec::new(),
        fingerprint: None,
        verdicts: Vec::new(),
    };
    match of.explanation {
        Explanation::Enters(verdicts) => {
            if verdicts.iter().any(|verdict| is_waiver(verdict.decision)) {
                part.outcome = Outcome::Waived;
            } else if !verdicts.is_empty() {
                part.outcome = Outcome::Admitted;
            }
            part.verdicts = words(&verdicts, rules)?;
        }
        Explanation::Stays(refusal) => {
            part.outcome = if refusal.blocking.is_empty() { Outcome::Missing } else { Outcome::Blocked };
            part.verdicts = words(&refusal.blocking, rules)?;
            part.fix = Some(fix(repo, &refusal, target));
            part.why = Some(refusal.why);
            if let Some(missing) = refusal.missing {
                let (base, head) = (missing.base_tree, missing.head_tree);
                let (changed, fingerprint) = change::describe(repo, base, head)?;
                part.change = Some((base.to_string(), head.to_string()));
                part.fingerprint = Some(fingerprint);
                part.files = changed
                    .into_iter()
                    .map(|changed| File {
                        path: changed.display(),
                        deleted: changed.new.is_none(),
                        bytes: changed.path,
                    })
                    .collect();
            }
        }
    }
    Ok(part)
}

/// What would let it in.
fn fix(repo: &Repo, refusal: &admit::Refusal, target: &str) -> String {
    if !refusal.blocking.is_empty() {
        return "mend what is found, then have it judged again".into();
    }
    match refusal.missing.as_ref().map(|missing| (missing.base, missing.head)) {
        Some((_, Some(head))) if refusal.wants_person => {
            format!("a person who did not write it approves it: git flow-ai review {} --approve", short(head))
        }
        Some((Some(base), Some(head))) => {
            let range = format!("{}..{}", short(base), short(head));
            let review = format!("git flow-ai review {range} --target {target}");
            match question::remote(repo) {
                Some(remote) => {
                    format!("have it judged, and share the verdict: {review} && git flow-ai sync {remote}")
                }
                None => format!("have it judged: {review}"),
            }
        }
        Some(_) => "commit it, and have it judged: git flow-ai review".into(),
        None => format!("only add to `{target}`: make the change on a branch of its own"),
    }
}

/// The verdicts, each once.
fn words(verdicts: &[Verdict], rules: &BranchVerdicts<'_>) -> Result<Vec<Word>> {
    let mut words: Vec<Word> = Vec::new();
    for verdict in verdicts {
        let is_known = words.iter().any(|word| {
            word.reviewer == verdict.reviewer && word.time == verdict.time && word.summary == verdict.summary
        });
        if is_known {
            continue;
        }
        let blocked = verdict.decision == Decision::RequestChanges;
        let problem = |finding: &Finding| Problem {
            blocks: blocked && rules.policy().block.contains(&finding.severity),
            finding: finding.clone(),
        };
        words.push(Word {
            decision: verdict.decision,
            reviewer: verdict.reviewer.clone(),
            summary: verdict.summary.clone(),
            time: verdict.time,
            proof: rules.proof(verdict)?,
            findings: verdict.findings.iter().map(problem).collect(),
        });
    }
    Ok(words)
}

fn is_waiver(decision: Decision) -> bool {
    decision == Decision::Waive
}
