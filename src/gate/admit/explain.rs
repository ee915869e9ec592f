//! Explains a ruling: which verdicts let in which part of an update, and every part that none covers.
//!
//! A ruling stops at the first step that no verdict covers; to fix a branch one needs all of them. So
//! here the replay goes on behind such a step as if it were covered, by the way that leaves the fewest
//! uncovered. Uncovered steps in a row are one change, since one review covers them together; a merge
//! that is nothing but its side lines is explained by their steps.

use super::replay::{DEEPEST, Replay};
use super::steps::{self, Step};
use super::{Candidate, Refusal, rewind};
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::verdict::Verdict;
use crate::gate::store::Repo;
use gix::ObjectId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

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
    let mut judge = Replay::new(repo, policy, candidate)?;
    let start = repo.commit(old)?.tree;
    judge.look(old, start, &steps)?;
    Explainer { judge, repo, accepted: candidate.accepted }.parts(start, &steps, 0)
}

/// An explanation under way.
struct Explainer<'a> {
    judge: Replay<'a>,
    repo: &'a Repo,
    accepted: Option<ObjectId>,
}

/// From one step to a later one; by these verdicts, or covered by nothing.
#[derive(Debug, Clone)]
struct Span {
    from: usize,
    verdicts: Option<Vec<Verdict>>,
}

impl Explainer<'_> {
    fn parts(&self, start: ObjectId, steps: &[Step], depth: usize) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut uncovered = 0..0;
        for (span, to) in self.spans(start, steps, depth)? {
            let stays = span.verdicts.is_none();
            let sides = if stays { self.sides(start, steps, span.from, depth)? } else { None };
            if stays && sides.is_none() {
                uncovered = if uncovered.is_empty() { span.from..to } else { uncovered.start..to };
                continue;
            }
            self.close(start, steps, &mut uncovered, &mut parts)?;
            parts.extend(sides.into_iter().flatten());
            if let Some(verdicts) = span.verdicts {
                let commits = commits(&steps[span.from..to]);
                parts.push(Part { commits, explanation: Explanation::Enters(verdicts) });
            }
        }
        self.close(start, steps, &mut uncovered, &mut parts)?;
        Ok(parts)
    }

    /// The way through the steps that leaves the fewest of them uncovered: its spans, and where each ends.
    fn spans(&self, start: ObjectId, steps: &[Step], depth: usize) -> Result<Vec<(Span, usize)>> {
        if let Some(last) = steps.last()
            && self.judge.is_blocked_pair(start, last.tree)?
        {
            return Ok(vec![(Span { from: 0, verdicts: None }, steps.len())]);
        }
        let mut queue = BinaryHeap::from([(Reverse(0_usize), 0_usize)]);
        let mut best: HashMap<usize, (usize, Option<Span>)> = HashMap::from([(0, (0, None))]);
        // The fewest uncovered first, of these the furthest: where all is covered, one span may do.
        while let Some((Reverse(cost), at)) = queue.pop() {
            if at == steps.len() {
                break;
            }
            if best.get(&at).is_some_and(|(least, _)| *least < cost) {
                continue;
            }
            let ways = self.judge.ways_on(tree_at(start, steps, at), &steps[at..], depth)?;
            let covered = ways.into_iter().map(|(next, verdicts)| (at + next, cost, Some(verdicts)));
            for (to, cost, verdicts) in covered.chain([(at + 1, cost + 1, None)]) {
                if best.get(&to).is_none_or(|(least, _)| cost < *least) {
                    best.insert(to, (cost, Some(Span { from: at, verdicts })));
                    queue.push((Reverse(cost), to));
                }
            }
        }
        let mut spans = Vec::new();
        let mut to = steps.len();
        while let Some((_, Some(span))) = best.remove(&to) {
            let from = span.from;
            spans.push((span, to));
            to = from;
        }
        spans.reverse();
        Ok(spans)
    }

    /// The parts of a merge that is nothing but its side lines, something of which stays out; `None` if
    /// it is the merge itself that no verdict covers.
    fn sides(&self, start: ObjectId, steps: &[Step], at: usize, depth: usize) -> Result<Option<Vec<Part>>> {
        let Some(step) = steps.get(at).filter(|step| !step.merged.is_empty() && depth < DEEPEST) else {
            return Ok(None);
        };
        let tree = tree_at(start, steps, at);
        if self.judge.is_blocked(tree, std::slice::from_ref(step))? {
            return Ok(None);
        }
        let (mut parts, mut merged) = (Vec::new(), tree);
        for head in &step.merged {
            let Some(fork) = self.judge.merger.fork(step.before, *head)? else { return Ok(None) };
            let Some(next) = self.judge.merger.bring(&fork, *head, merged)? else { return Ok(None) };
            merged = next;
            if let Some(accepted) = self.accepted
                && self.repo.is_ancestor(*head, accepted)?
            {
                parts.push(Part { commits: vec![*head], explanation: Explanation::Enters(Vec::new()) });
                continue;
            }
            let Some(at) = fork.commit() else { return Ok(None) };
            let Some(steps) = steps::between(self.repo, at, *head)? else { return Ok(None) };
            parts.extend(self.parts(fork.tree, &steps, depth + 1)?);
        }
        let something_stays = parts.iter().any(|part| matches!(part.explanation, Explanation::Stays(_)));
        Ok((merged == step.tree && something_stays).then_some(parts))
    }

    /// Ends a row of uncovered steps: they are one change.
    fn close(
        &self,
        start: ObjectId,
        steps: &[Step],
        uncovered: &mut std::ops::Range<usize>,
        parts: &mut Vec<Part>,
    ) -> Result<()> {
        let range = std::mem::take(uncovered);
        if range.is_empty() {
            return Ok(());
        }
        let (tree, row) = (tree_at(start, steps, range.start), &steps[range]);
        let mut refusal = self.judge.refusal(tree, row, 0)?;
        for verdict in self.blocking(tree, row)? {
            if !refusal.blocking.contains(&verdict) {
                refusal.blocking.push(verdict);
            }
        }
        parts.push(Part { commits: commits(row), explanation: Explanation::Stays(refusal) });
        Ok(())
    }

    /// The verdicts that block what some of these steps bring.
    fn blocking(&self, tree: ObjectId, row: &[Step]) -> Result<Vec<Verdict>> {
        let mut blocking = Vec::new();
        for (at, step) in row.iter().enumerate() {
            let before = tree_at(tree, row, at);
            let reach = if row.len() > SEARCHED { 1 } else { row.len() };
            for later in row[at..].iter().take(reach) {
                blocking.extend(self.judge.blocking(before, later.tree)?);
            }
            for head in &step.merged {
                if let Some(fork) = self.judge.merger.fork(step.before, *head)? {
                    blocking.extend(self.judge.blocking(fork.tree, self.repo.commit(*head)?.tree)?);
                }
            }
        }
        Ok(blocking)
    }
}

fn tree_at(start: ObjectId, steps: &[Step], at: usize) -> ObjectId {
    if at == 0 { start } else { steps[at - 1].tree }
}

fn commits(steps: &[Step]) -> Vec<ObjectId> {
    let of_step = |step: &Step| step.commit.map_or_else(|| step.merged.clone(), |commit| vec![commit]);
    steps.iter().flat_map(of_step).collect()
}
