//! The answer as machines read it: one versioned object, from which every format is made.

use super::fingerprint;
use super::question::{self, Question};
use super::short;
use crate::domain::change::Author;
use crate::domain::error::{Exit, Hint, Result};
use crate::domain::text::shell::command_line;
use crate::domain::verdict::{Decision, Finding, Verdict};
use crate::gate::admit::{self, BranchVerdicts, Explanation};
use crate::gate::signing::Proof;
use crate::gate::store::{self, Repo};
use gix::ObjectId;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;

/// The version of [`CheckReport`] as JSON. Keys may be added to a version, never changed or taken away.
pub const VERSION: u32 = 1;

/// What a question about a protected branch comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateAnswer {
    /// Everything may enter, or came in by the gate.
    Yes,
    /// Something stays out, or came in past the gate.
    No,
    /// It could not be determined.
    CannotTell,
}

impl GateAnswer {
    /// The status to exit with.
    pub fn exit(self) -> Exit {
        match self {
            GateAnswer::Yes => Exit::Yes,
            GateAnswer::No => Exit::No,
            GateAnswer::CannotTell => Exit::CannotTell,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// See [`VERSION`].
    pub version: u32,
    pub answer: GateAnswer,
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
    /// The commits whose policies were in force.
    pub policy_commits: Vec<String>,
    /// Why not, one sentence each.
    pub why: Vec<String>,
    /// What to do about it, one sentence or command each.
    pub fix: Vec<String>,
    /// What else the user should know.
    pub notes: Vec<String>,
    /// Every part of the update, oldest first.
    pub parts: Vec<ReportPart>,
    pub report: StepCounts,
}

/// Commits that enter or stay out together.
#[derive(Debug, Clone, Serialize)]
pub struct ReportPart {
    /// What becomes of them.
    pub outcome: PartOutcome,
    /// The commits, oldest first.
    pub commits: Vec<CommitSummary>,
    /// Why they stay out, in one sentence.
    pub why: Option<String>,
    /// How they could enter.
    pub fix: Option<String>,
    /// The trees, from and to, of the change that a review would have to cover.
    pub change: Option<(String, String)>,
    /// What that change touches.
    pub files: Vec<ChangedFile>,
    /// By which it is known again after a rebase.
    pub fingerprint: Option<String>,
    /// The verdicts that let it in, or block it.
    pub verdicts: Vec<ReportedVerdict>,
}

/// What becomes of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartOutcome {
    /// Verdicts let it in.
    Admitted,
    /// A person's waiver lets it in.
    Waived,
    /// It changes nothing, so nothing is asked for.
    Free,
    /// A verdict blocks it.
    Blocked,
    Missing,
}

impl PartOutcome {
    /// Whether it stays out.
    pub fn stays_out(self) -> bool {
        matches!(self, PartOutcome::Blocked | PartOutcome::Missing)
    }
}

/// A commit for people.
#[derive(Debug, Clone, Serialize)]
pub struct CommitSummary {
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

impl CommitSummary {
    /// What of a commit is shown.
    pub(crate) fn new(commit: &store::Commit) -> CommitSummary {
        CommitSummary { id: commit.id.to_string(), subject: commit.subject().to_owned() }
    }
}

/// A path that an uncovered change touches.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedFile {
    /// For people, on one line, with nothing hidden.
    pub path: String,
    /// As git has it.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// Whether it is gone afterwards.
    pub deleted: bool,
}

/// A verdict on a part.
#[derive(Debug, Clone, Serialize)]
pub struct ReportedVerdict {
    pub decision: Decision,
    pub reviewer: Author,
    /// `asked 3 times`, where its reviewer had answered on the same change before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// In their own words; of a waiver, the reason.
    pub summary: String,
    pub time: Timestamp,
    /// Who signed it, and what that proves.
    pub proof: Proof,
    pub findings: Vec<ReportedFinding>,
}

/// A finding, and what it does.
#[derive(Debug, Clone, Serialize)]
pub struct ReportedFinding {
    #[serde(flatten)]
    pub finding: Finding,
    /// Whether it keeps the change out.
    pub blocks: bool,
}

/// How many steps, and by whose verdicts.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StepCounts {
    /// Commits on the way in.
    pub steps: usize,
    /// Steps that verdicts let in.
    pub admitted: usize,
    /// The same by reviewer; a step that several approve is counted for each.
    pub by_reviewer: IndexMap<String, usize>,
    /// Steps that a waiver lets in.
    pub waived: usize,
    /// Each waiver, and why it was given.
    pub waivers: Vec<UsedWaiver>,
    /// Steps that change nothing.
    pub free: usize,
    /// Steps that a verdict blocks.
    pub blocked: usize,
    /// Steps that nothing covers.
    pub missing: usize,
}

/// A waiver that lets something in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsedWaiver {
    pub by: String,
    pub reason: String,
    pub steps: usize,
}

impl CheckReport {
    /// Yes, as far as nothing else is known.
    pub(super) fn about(question: &Question) -> CheckReport {
        CheckReport {
            target: Some(question.target.clone()),
            old: Some(question.old.to_string()),
            new: Some(question.new.to_string()),
            policy_commits: question.policy_commits.iter().map(ObjectId::to_string).collect(),
            notes: question.notes.clone(),
            ..CheckReport::nothing(GateAnswer::Yes)
        }
    }

    /// What is said where an error kept the question from being answered.
    pub fn from_error(error: &anyhow::Error) -> CheckReport {
        let hints = error.chain().filter_map(|link| link.downcast_ref::<Hint>());
        CheckReport {
            why: error.chain().map(ToString::to_string).collect(),
            fix: hints.map(|hint| hint.fix.clone()).collect(),
            ..CheckReport::nothing(GateAnswer::CannotTell)
        }
    }

    fn nothing(answer: GateAnswer) -> CheckReport {
        CheckReport {
            version: VERSION,
            answer,
            target: None,
            protected: true,
            old: None,
            new: None,
            predicted: false,
            policy_commits: Vec::new(),
            why: Vec::new(),
            fix: Vec::new(),
            notes: Vec::new(),
            parts: Vec::new(),
            report: StepCounts::default(),
        }
    }

    pub(super) fn count(&mut self) {
        let mut counts = StepCounts::default();
        for part in &self.parts {
            let steps = part.commits.len();
            counts.steps += steps;
            *match part.outcome {
                PartOutcome::Admitted => &mut counts.admitted,
                PartOutcome::Waived => &mut counts.waived,
                PartOutcome::Free => &mut counts.free,
                PartOutcome::Blocked => &mut counts.blocked,
                PartOutcome::Missing => &mut counts.missing,
            } += steps;
            if part.outcome.stays_out() {
                continue;
            }
            for verdict in &part.verdicts {
                if is_waiver(verdict.decision) {
                    let (by, reason) = (verdict.reviewer.name.clone(), verdict.summary.clone());
                    counts.waivers.push(UsedWaiver { by, reason, steps });
                } else {
                    let name = format!("{} ({})", verdict.reviewer.name, verdict.reviewer.vendor);
                    *counts.by_reviewer.entry(name).or_default() += steps;
                }
            }
        }
        self.report = counts;
    }
}

/// The gate's explanation, as it is reported.
pub(super) fn parts(
    repo: &Repo,
    parts: Vec<admit::Part>,
    rules: &BranchVerdicts<'_>,
    target: &str,
) -> Result<Vec<ReportPart>> {
    parts.into_iter().map(|explained| part(repo, explained, rules, target)).collect()
}

fn part(repo: &Repo, explained: admit::Part, rules: &BranchVerdicts<'_>, target: &str) -> Result<ReportPart> {
    let commits = explained.commits.iter().map(|id| Ok(CommitSummary::new(&repo.commit(*id)?)));
    let mut part = ReportPart {
        outcome: PartOutcome::Free,
        commits: commits.collect::<Result<_>>()?,
        why: None,
        fix: None,
        change: None,
        files: Vec::new(),
        fingerprint: None,
        verdicts: Vec::new(),
    };
    match explained.explanation {
        Explanation::Enters(verdicts) => {
            if verdicts.iter().any(|verdict| is_waiver(verdict.decision)) {
                part.outcome = PartOutcome::Waived;
            } else if !verdicts.is_empty() {
                part.outcome = PartOutcome::Admitted;
            }
            part.verdicts = reported(&verdicts, rules)?;
        }
        Explanation::Stays(refusal) => {
            part.outcome =
                if refusal.blocking.is_empty() { PartOutcome::Missing } else { PartOutcome::Blocked };
            part.verdicts = reported(&refusal.blocking, rules)?;
            part.fix = Some(fix(repo, &refusal, target));
            part.why = Some(refusal.why);
            if let Some(missing) = refusal.missing {
                let (base, head) = (missing.base_tree, missing.head_tree);
                let (changed, fingerprint) = fingerprint::describe(repo, base, head)?;
                part.change = Some((base.to_string(), head.to_string()));
                part.fingerprint = Some(fingerprint);
                part.files = changed
                    .into_iter()
                    .map(|changed| ChangedFile {
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
    if !refusal.fix.is_empty() {
        return refusal.fix.join("; ");
    }
    if !refusal.blocking.is_empty() {
        return "mend what is found, then have it judged again".into();
    }
    match refusal.missing.as_ref().map(|missing| (missing.base, missing.head)) {
        Some((_, Some(head))) if refusal.wants_person => {
            command_line!(
                "a person who did not write it approves it: git flow-ai review {} --approve",
                short(head)
            )
        }
        Some((Some(base), Some(head))) => {
            let range = format!("{}..{}", short(base), short(head));
            let review = command_line!("git flow-ai review {} --target {}", range, target);
            match question::remote(repo) {
                Some(remote) => {
                    format!(
                        "have it judged, and share the verdict: {review} && {}",
                        command_line!("git flow-ai sync {}", remote)
                    )
                }
                None => format!("have it judged: {review}"),
            }
        }
        Some(_) => "commit it, and have it judged: git flow-ai review".into(),
        None => format!("only add to `{target}`: make the change on a branch of its own"),
    }
}

/// The verdicts, each once.
fn reported(verdicts: &[Verdict], rules: &BranchVerdicts<'_>) -> Result<Vec<ReportedVerdict>> {
    let mut reported: Vec<ReportedVerdict> = Vec::new();
    for verdict in verdicts {
        let is_known = reported.iter().any(|known| {
            known.reviewer == verdict.reviewer
                && known.time == verdict.time
                && known.summary == verdict.summary
        });
        if is_known {
            continue;
        }
        let blocked = verdict.decision == Decision::RequestChanges;
        let problem = |finding: &Finding| ReportedFinding {
            blocks: blocked && rules.policy().block.contains(&finding.severity),
            finding: finding.clone(),
        };
        reported.push(ReportedVerdict {
            decision: verdict.decision,
            reviewer: verdict.reviewer.clone(),
            asked: verdict.asked(),
            summary: verdict.summary.clone(),
            time: verdict.time,
            proof: rules.proof(verdict)?,
            findings: verdict.findings.iter().map(problem).collect(),
        });
    }
    Ok(reported)
}

fn is_waiver(decision: Decision) -> bool {
    decision == Decision::Waive
}
