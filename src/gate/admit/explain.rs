//! Explains a ruling: which verdicts let in which part of an update, and every part that none covers.
//!
//! A ruling stops at the first step that no verdict covers; to fix a branch one needs all of them. So
//! here the replay goes on behind such a step as if it were covered, by the way that leaves the fewest
//! uncovered. Uncovered steps in a row are one change, since one review covers them together; a merge
//! that is nothing but its side lines is explained by their steps.

use super::judge::Judge;
use super::merges::DEEPEST;
use super::steps::{self, Step};
use super::walk::Line;
use super::{Candidate, Refusal, invalid, rewind, tested, workable};
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::verdict::Verdict;
use crate::gate::store::Repo;
use gix::ObjectId;

/// How many uncovered steps in a row are searched for blocked changes from each to each.
const SEARCHED: usize = 64;

/// One part of an update: steps that enter or stay out together.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its commits, oldest first; of a commit yet to be made, the heads that it merges in.
    pub commits: Vec<ObjectId>,
    /// What becomes of it.
    pub explanation: Explanation,
}

/// What becomes of a part.
#[derive(Debug, Clone)]
pub enum Explanation {
    /// It enters because of these verdicts; none where it changes nothing, or a guarding remote has it.
    Enters(Vec<Verdict>),
    Stays(Refusal),
}

/// Every part of the update, oldest first. It enters if none of them stays out: exactly when the ruling
/// of [`admit_under`](super::admit_under) is to allow it.
pub fn explain(repo: &Repo, candidate: &Candidate, policy: &Policy) -> Result<Vec<Part>> {
    let Some((old, steps)) = steps::from_candidate(repo, candidate)? else {
        let commits = candidate.new.commit().into_iter().collect();
        return Ok(vec![Part { commits, explanation: Explanation::Stays(rewind(candidate)) }]);
    };
    if let Some(refusal) = invalid::refusal(repo, candidate)? {
        return Ok(vec![Part { commits: commits(&steps), explanation: Explanation::Stays(refusal) }]);
    }
    let mut judge = Judge::new(repo, policy, candidate, old, &steps)?;
    let line = Line::of_branch(repo, old, &steps)?;
    judge.look(&line)?;
    let mut parts = Explainer { judge, repo, accepted: candidate.accepted }.parts(&line)?;
    let trees = steps.iter().map(|step| (step.commit, step.tree));
    workable::explain(workable::judge(repo, candidate, policy, trees)?, &mut parts);
    let enters = parts.iter().all(|part| matches!(part.explanation, Explanation::Enters(_)));
    if enters
        && let Some(last) = parts.last_mut()
        && let Some(refusal) = tested::refusal(repo, candidate, policy, &steps)?
    {
        // What lands is the tree of the last step.
        last.explanation = Explanation::Stays(refusal);
    }
    Ok(parts)
}

/// An explanation under way.
struct Explainer<'a> {
    judge: Judge<'a>,
    repo: &'a Repo,
    accepted: Option<ObjectId>,
}

impl Explainer<'_> {
    fn parts(&mut self, line: &Line<'_>) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut uncovered = 0..0;
        for span in self.judge.walk_with_gaps(line)? {
            let stays = span.changes.is_none();
            let sides = if stays { self.sides(line, span.from)? } else { None };
            if stays && sides.is_none() {
                uncovered = if uncovered.is_empty() { span.from..span.to } else { uncovered.start..span.to };
                continue;
            }
            self.close(line, &mut uncovered, &mut parts)?;
            parts.extend(sides.into_iter().flatten());
            if let Some(changes) = span.changes {
                let commits = commits(&line.steps[span.from..span.to]);
                let verdicts = changes.iter().flat_map(|change| change.verdicts.iter().cloned());
                parts.push(Part { commits, explanation: Explanation::Enters(verdicts.collect()) });
            }
        }
        self.close(line, &mut uncovered, &mut parts)?;
        Ok(parts)
    }

    /// The parts of a merge that is nothing but its side lines, something of which stays out; `None` if
    /// it is the merge itself that no verdict covers.
    fn sides(&mut self, line: &Line<'_>, at: usize) -> Result<Option<Vec<Part>>> {
        let has_sides = |step: &&Step| !step.merged.is_empty() && !step.is_whole_update();
        let Some(step) = line.steps.get(at).filter(has_sides).filter(|_| line.depth < DEEPEST) else {
            return Ok(None);
        };
        if self.judge.is_blocked_pair(line.tree_at(at), step.tree)? || self.judge.blocks_a_head(step)? {
            return Ok(None);
        }
        let (mut parts, mut merged) = (Vec::new(), line.tree_at(at));
        for head in &step.merged {
            let Some(fork) = self.judge.objects.merger.fork(step.before, *head)? else { return Ok(None) };
            let Some(next) = self.judge.objects.merger.bring(&fork, *head, merged)? else { return Ok(None) };
            merged = next;
            if let Some(accepted) = self.accepted
                && self.repo.is_ancestor(*head, accepted)?
            {
                parts.push(Part { commits: vec![*head], explanation: Explanation::Enters(Vec::new()) });
                continue;
            }
            let Some(at) = fork.commit() else { return Ok(None) };
            let Some(steps) = steps::between(self.repo, at, *head)? else { return Ok(None) };
            parts.extend(self.parts(&Line { start: fork.tree, steps: &steps, depth: line.depth + 1 })?);
        }
        let something_stays = parts.iter().any(|part| matches!(part.explanation, Explanation::Stays(_)));
        Ok((merged == step.tree && something_stays).then_some(parts))
    }

    /// Ends a row of uncovered steps: they are one change.
    fn close(
        &mut self,
        line: &Line<'_>,
        uncovered: &mut std::ops::Range<usize>,
        parts: &mut Vec<Part>,
    ) -> Result<()> {
        let range = std::mem::take(uncovered);
        if range.is_empty() {
            return Ok(());
        }
        let row = Line { start: line.tree_at(range.start), steps: &line.steps[range], depth: line.depth };
        let mut refusal = self.judge.refusal(&row, 0)?;
        for verdict in self.blocking(&row)? {
            if !refusal.blocking.contains(&verdict) {
                refusal.blocking.push(verdict);
            }
        }
        parts.push(Part { commits: commits(row.steps), explanation: Explanation::Stays(refusal) });
        Ok(())
    }

    /// The verdicts that block what some of these steps bring.
    fn blocking(&self, row: &Line<'_>) -> Result<Vec<Verdict>> {
        let mut blocking = Vec::new();
        for (at, step) in row.steps.iter().enumerate() {
            let reach = if row.steps.len() > SEARCHED { 1 } else { row.steps.len() };
            for later in row.steps[at..].iter().take(reach) {
                blocking.extend(self.judge.blocking(row.tree_at(at), later.tree)?);
            }
            for head in &step.merged {
                if let Some(fork) = self.judge.objects.merger.fork(step.before, *head)? {
                    blocking.extend(self.judge.blocking(fork.tree, self.repo.commit(*head)?.tree)?);
                }
            }
        }
        Ok(blocking)
    }
}

fn commits(steps: &[Step]) -> Vec<ObjectId> {
    let of_step = |step: &Step| step.commit.map_or_else(|| step.merged.clone(), |commit| vec![commit]);
    steps.iter().flat_map(of_step).collect()
}
