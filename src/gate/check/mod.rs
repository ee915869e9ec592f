//! Would these commits be let into a protected branch? The gate's answer for machines that only read.
//!
//! A range is judged as one update of the branch, by the policy at the tip that the update starts from,
//! with every part that stays out and every finding that blocks. Nothing is written, no reviewer is
//! asked, and what a remote has accepted is no excuse: in CI this *is* what accepts.

mod fingerprint;
mod question;
mod report;
mod unmatched;

pub use question::target;
pub use report::{
    ChangedFile, CheckReport, CommitSummary, GateAnswer, PartOutcome, ReportPart, ReportedFinding,
    ReportedVerdict, StepCounts,
};
pub use unmatched::unmatched_rules;

use crate::domain::error::{Result, hint};
use crate::domain::text::shell::{Part, command_line};
use crate::domain::verdict::NOTES_REF;
use crate::gate::admit::{self, BranchVerdicts, Candidate, Explanation, New};
use crate::gate::store::Repo;
use crate::gate::store::verdicts::COPIES;
use gix::ObjectId;
use question::Question;

/// What a person or a script asks for.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// `A..B`, or `B`; HEAD when not given.
    pub range: Option<String>,
    /// The protected branch; the one that the config names first when not given.
    pub target: Option<String>,
}

/// Answers it. An error means that it could not be determined.
pub fn check(repo: &Repo, options: &CheckOptions) -> Result<CheckReport> {
    answer(repo, options).map_err(|error| repo.explain_absence(error))
}

fn answer(repo: &Repo, options: &CheckOptions) -> Result<CheckReport> {
    let question = question::read(repo, options)?;
    let mut report = CheckReport::about(&question);
    let goes_back = question.names_a_start && question.new != question.old;
    if !goes_back && repo.is_ancestor(question.new, question.old)? {
        return nothing_new(repo, &question, report);
    }
    let Some(new) = candidate_of(repo, &question)? else {
        report.answer = GateAnswer::No;
        report
            .why
            .push(format!("it conflicts with `{}`, so what would enter cannot be told", question.target));
        report.fix.push(format!("merge or rebase it onto `{}`, and have the result judged", question.target));
        return Ok(report);
    };
    report.predicted = new.commit().is_none();
    let mut protected = false;
    for commit in &question.policy_commits {
        let branch = question.target.clone();
        let by = Candidate { branch, old: *commit, new: new.clone(), accepted: None };
        let Some(policy) = admit::policy_for(repo, &by)? else { continue };
        protected = true;
        let unmatched = unmatched_rules(repo, &policy, repo.tree_of(*commit)?)?;
        if !unmatched.is_empty() {
            let rules = unmatched.join(", ");
            report.notes.push(format!("rules that match no file of `{}`: {rules}", question.target));
        }
        let candidate = Candidate { old: question.old, ..by };
        let parts = admit::explain(repo, &candidate, &policy)?;
        let stays = parts.iter().any(|part| matches!(part.explanation, Explanation::Stays(_)));
        let rules = BranchVerdicts::at(repo, &policy, &question.target, *commit);
        let reported = report::parts(repo, parts, &rules, &question.target)?;
        // If two policies are in force, what either of them keeps out stays out.
        if stays || report.parts.is_empty() {
            report.parts = reported;
        }
        if stays {
            refuse(repo, &mut report)?;
            break;
        }
    }
    if !protected {
        report.protected = false;
        report.notes.push(format!(
            "nothing is asked for: the config at the tip of `{}` does not protect it",
            question.target
        ));
    }
    report.count();
    Ok(report)
}

/// The answer where the branch has all of it, or what it starts from is all there is.
fn nothing_new(repo: &Repo, question: &Question, mut report: CheckReport) -> Result<CheckReport> {
    let target = &question.target;
    let has_it = question.tip.map(|tip| repo.is_ancestor(question.new, tip)).transpose()?;
    if has_it == Some(false) {
        return Err(hint(
            format!("nothing lies between both ends, and `{target}` does not have {}", short(question.new)),
            command_line!("name what is to enter: git flow-ai check {}..{}", target, short(question.new)),
        ));
    }
    report.notes.push(format!("`{target}` has all of it already"));
    Ok(report)
}

/// What the branch would become: the new tip where one contains the other, else the merge of both; none where
/// they conflict.
fn candidate_of(repo: &Repo, question: &Question) -> Result<Option<New>> {
    let Question { old, new, .. } = *question;
    if repo.is_ancestor(old, new)? || repo.is_ancestor(new, old)? {
        return Ok(Some(New::Commit(new)));
    }
    if repo.is_shallow() && repo.merge_base(old, new)?.is_none() {
        return Err(question::shallow(
            repo,
            format!(
                "where {} and `{}` part cannot be told: this clone is shallow",
                short(new),
                question.target
            ),
        ));
    }
    let merged = admit::predict(repo, old, &[new])?;
    Ok(merged.map(|tree| New::Tree { tree, heads: vec![new] }))
}

/// No, unless what would say yes may only be absent from this clone.
fn refuse(repo: &Repo, report: &mut CheckReport) -> Result<()> {
    report.answer = GateAnswer::No;
    let staying = report.parts.iter().filter(|part| part.outcome.stays_out());
    let (why, fix): (Vec<_>, Vec<_>) = staying.map(|part| (part.why.clone(), part.fix.clone())).unzip();
    report.why.extend(why.into_iter().flatten());
    for fix in fix.into_iter().flatten() {
        if !report.fix.contains(&fix) {
            report.fix.push(fix);
        }
    }
    if repo.find_ref(NOTES_REF)?.is_some() || !repo.refs(COPIES)?.is_empty() {
        return Ok(());
    }
    let nothing = format!("no verdicts at all ({NOTES_REF} is missing)");
    match question::remote(repo) {
        Some(remote) => {
            report.answer = GateAnswer::CannotTell;
            report.why.insert(0, format!("this clone has {nothing}"));
            let fetch = command_line!("git fetch {} {}:{}", remote, NOTES_REF, NOTES_REF);
            report
                .fix
                .insert(0, command_line!("bring them: git flow-ai sync {}, or {}", remote, Part(&fetch)));
        }
        None => report.notes.push(format!("there are {nothing}, and no remote that could have some")),
    }
    Ok(())
}

fn short(id: ObjectId) -> String {
    id.to_hex_with_len(10).to_string()
}
