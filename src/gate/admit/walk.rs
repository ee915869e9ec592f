//! The walk: from the old tip to the new one along first parents, each step by approved changes that carry it.
//!
//! One change may carry several steps (a topic that was reviewed as a whole and rebased), and several may
//! carry one (a merge of a side line). The cheap ways are tried everywhere before any that needs a merge. To
//! explain a refusal the walk goes on behind a step that nothing carries, and leaves as few of them as can be.

use super::approved::Approved;
use super::evidence::Evidence;
use super::judge::Judge;
use super::steps::Step;
use super::tally::Tally;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use gix::ObjectId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;

/// A line of steps, of the branch itself or of what is merged into it.
pub(super) struct Line<'s> {
    /// The tree that it starts from.
    pub start: ObjectId,
    pub steps: &'s [Step],
    /// How many merges lead to it: 0 for the branch itself.
    pub depth: usize,
}

impl<'s> Line<'s> {
    /// The branch's own steps from that commit.
    pub fn of_branch(repo: &Repo, old: ObjectId, steps: &'s [Step]) -> Result<Line<'s>> {
        Ok(Line { start: repo.commit(old)?.tree, steps, depth: 0 })
    }

    pub fn tree_at(&self, at: usize) -> ObjectId {
        if at == 0 { self.start } else { self.steps[at - 1].tree }
    }

    pub fn end(&self) -> ObjectId {
        self.tree_at(self.steps.len())
    }
}

/// From one step to a later one: carried by these changes, or by nothing.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub from: usize,
    pub to: usize,
    pub changes: Option<Vec<Rc<Approved>>>,
}

pub(super) enum Walk {
    Through(Vec<Span>),
    /// Nothing carries the step at this index.
    Stuck {
        at: usize,
    },
}

/// Steps that can be gone at once, and the changes that carry them.
pub(super) type Way = (usize, Vec<Rc<Approved>>);

impl Judge<'_> {
    /// Looks for verdicts further and further away until they cover the steps: in the common case the verdict
    /// hangs on the merged head, and needs no other beside it. What brings nothing new is not tried again.
    pub fn look(&mut self, line: &Line<'_>) -> Result<Walk> {
        self.evidence.add_near(line.steps)?;
        self.take_evidence()?;
        let mut walk = self.walk(line)?;
        if matches!(walk, Walk::Stuck { .. }) && self.take_stacks()? {
            walk = self.walk(line)?;
        }
        for further in [Evidence::add_range, Evidence::add_similar] {
            if let Walk::Through(_) = walk {
                break;
            }
            let known = self.evidence.len();
            further(&mut self.evidence, self.old, line.steps)?;
            if self.evidence.len() > known {
                self.take_evidence()?;
                self.take_stacks()?;
                walk = self.walk(line)?;
            }
        }
        Ok(walk)
    }

    pub fn walk(&self, line: &Line<'_>) -> Result<Walk> {
        if self.is_blocked(line)? {
            return Ok(Walk::Stuck { at: 0 });
        }
        self.search(line, false)
    }

    /// Whether a verdict blocks all of a line; where nothing moves there is nothing to block. What comes and goes
    /// again on the way is blocked by whatever blocks that, also when it was committed anew.
    pub fn is_blocked(&self, line: &Line<'_>) -> Result<bool> {
        let comes_back = line.end() == line.start && line.steps.iter().any(|step| step.tree != line.start);
        if comes_back {
            return Ok(matches!(self.evidence.tally(line.start, line.start)?, Tally::Blocked(_)));
        }
        Ok(!line.steps.is_empty() && self.is_blocked_pair(line.start, line.end())?)
    }

    /// The spans of the way that leaves the fewest steps uncovered.
    pub fn walk_with_gaps(&self, line: &Line<'_>) -> Result<Vec<Span>> {
        if self.is_blocked(line)? {
            return Ok(vec![Span { from: 0, to: line.steps.len(), changes: None }]);
        }
        match self.search(line, true)? {
            Walk::Through(spans) => Ok(spans),
            Walk::Stuck { .. } => Ok(Vec::new()),
        }
    }

    fn search(&self, line: &Line<'_>, with_gaps: bool) -> Result<Walk> {
        let last = line.steps.len();
        let mut best: HashMap<usize, (usize, Option<Span>)> = HashMap::from([(0, (0, None))]);
        // The fewest gaps first, then the cheap ways, then the furthest: one change may carry many steps.
        let mut queue = BinaryHeap::from([Reverse((0_usize, false, Reverse(0_usize)))]);
        let mut furthest = 0;
        while let Some(Reverse((gaps, is_second_look, Reverse(at)))) = queue.pop() {
            furthest = furthest.max(at);
            if at == last {
                return Ok(Walk::Through(trace(best, last)));
            }
            if best.get(&at).is_some_and(|(least, _)| *least < gaps) {
                continue;
            }
            let ways =
                if is_second_look { self.ways_by_merge(line, at)? } else { self.direct_ways(line, at)? };
            let mut next: Vec<Span> = ways
                .into_iter()
                .map(|(steps, changes)| Span { from: at, to: at + steps, changes: Some(changes) })
                .collect();
            if !is_second_look {
                queue.push(Reverse((gaps, true, Reverse(at))));
            } else if with_gaps {
                next.push(Span { from: at, to: at + 1, changes: None });
            }
            for span in next {
                let gaps = gaps + usize::from(span.changes.is_none());
                if best.get(&span.to).is_none_or(|(least, _)| gaps < *least) {
                    queue.push(Reverse((gaps, false, Reverse(span.to))));
                    best.insert(span.to, (gaps, Some(span)));
                }
            }
        }
        Ok(Walk::Stuck { at: furthest })
    }

    /// The ways on that need no merge: nothing changes, the remote has it, the very commits that were
    /// judged, or exactly the trees.
    fn direct_ways(&self, line: &Line<'_>, at: usize) -> Result<Vec<Way>> {
        let (from, step) = (line.tree_at(at), &line.steps[at]);
        let mut ways = Vec::new();
        let is_accepted = match (step.commit, self.accepted) {
            (Some(commit), Some(accepted)) => self.objects.is_ancestor(commit, accepted)?,
            _ => false,
        };
        if is_accepted || (step.merged.is_empty() && step.tree == from) {
            ways.push((1, Vec::new()));
        }
        for change in self.by_base.get(&from).into_iter().flatten() {
            let is_exact = step.merged.is_empty() && step.tree == change.head_tree;
            let steps = match self.own_steps(change, line, at)? {
                Some(steps) => steps,
                None if is_exact => 1,
                None => continue,
            };
            if self.may_enter(change, line, at, steps)? {
                ways.push((steps, vec![change.clone()]));
            }
        }
        Ok(ways)
    }

    /// How many steps from there are the very commits that the change consists of; `None` if they are not, or
    /// if others come in with them.
    fn own_steps(&self, change: &Approved, line: &Line<'_>, at: usize) -> Result<Option<usize>> {
        let own = change.line(&self.objects)?;
        let steps = line.steps.get(at..at + own.len()).unwrap_or_default();
        let is_own = !own.is_empty()
            && steps.len() == own.len()
            && steps.last().is_some_and(|step| step.tree == change.head_tree)
            && steps.iter().zip(&own).all(|(step, commit)| step.commit == Some(*commit));
        let (Some(first), Some(last)) = (steps.first(), own.last()) else { return Ok(None) };
        if !is_own {
            return Ok(None);
        }
        if own.len() < change.commits.len() || steps.iter().any(|step| !step.merged.is_empty()) {
            let known = [Some(first.before), Some(self.old), self.accepted].into_iter().flatten();
            let entering = self.objects.repo.ids_between(known, *last, usize::MAX)?;
            if !entering.into_iter().all(|commit| change.has_commit(commit)) {
                return Ok(None);
            }
        }
        Ok(Some(own.len()))
    }

    /// Whether a change that fits these steps may enter now.
    fn may_enter(&self, change: &Rc<Approved>, line: &Line<'_>, at: usize, steps: usize) -> Result<bool> {
        let (from, to) = (line.tree_at(at), line.tree_at(at + steps));
        for step in &line.steps[at..at + steps] {
            if self.blocks_a_head(step)? {
                return Ok(false);
            }
        }
        let answer = match self.is_new(change, from, line.depth)? {
            Ok(()) => {
                let commits = line.steps[at..at + steps].iter().filter_map(|step| step.commit);
                self.lets_in(change, (from, to), &self.authors_of(commits)?, false)?
            }
            Err(reason) => Err(reason),
        };
        match answer {
            Ok(()) => Ok(true),
            Err(reason) => {
                self.note(from, to, reason);
                Ok(false)
            }
        }
    }

    /// The ways on that need merges: a merge of side lines, and changes that were judged elsewhere.
    fn ways_by_merge(&self, line: &Line<'_>, at: usize) -> Result<Vec<Way>> {
        let step = &line.steps[at];
        if !step.merged.is_empty() {
            return Ok(match self.merge_step(line, at)? {
                Ok(changes) => vec![(1, changes)],
                Err(_) => Vec::new(),
            });
        }
        let mut ways = Vec::new();
        for change in &self.approved {
            for steps in self.carried_steps(change, line, at)? {
                let commits = line.steps[at..at + steps].iter().filter_map(|step| step.commit);
                let authors = self.authors_of(commits)?;
                let (from, to) = (line.tree_at(at), line.tree_at(at + steps));
                match self.lets_in(change, (from, to), &authors, false)? {
                    Ok(()) => ways.push((steps, vec![change.clone()])),
                    Err(reason) => self.note(from, to, reason),
                }
            }
        }
        Ok(ways)
    }

    /// How many steps from there the change carries: one, or as many as it takes to bring it in whole.
    fn carried_steps(&self, change: &Rc<Approved>, line: &Line<'_>, at: usize) -> Result<Vec<usize>> {
        let (from, first) = (line.tree_at(at), line.tree_at(at + 1));
        let mut carried = Vec::new();
        match self.carries(change, from, first, line.depth)? {
            Ok(()) => carried.push(1),
            Err(reason) => self.note(from, first, reason),
        }
        if change.commits.len() < 2 || !self.touches(change, from, first)? {
            return Ok(carried);
        }
        let Some(whole) = self.objects.merge(change.base_tree, from, change.head_tree)? else {
            return Ok(carried);
        };
        let plain =
            line.steps[at..].iter().take(change.commits.len()).take_while(|step| step.merged.is_empty());
        let trees: Vec<ObjectId> = std::iter::once(from).chain(plain.map(|step| step.tree)).collect();
        for end in 2..trees.len() {
            if trees[end] == whole && trees[end] != trees[end - 1] {
                match self.carries_picks(change, &trees[..=end], line.depth)? {
                    Ok(()) => carried.push(end),
                    Err(reason) => self.note(from, trees[end], reason),
                }
            }
        }
        Ok(carried)
    }

    /// Whether every path of a step is one that the change, or one of its commits, touches.
    fn touches(&self, change: &Approved, from: ObjectId, to: ObjectId) -> Result<bool> {
        let Some(changed) = self.objects.difference(from, to)? else { return Ok(false) };
        let touched = change.touched(&self.objects)?;
        Ok(changed.iter().all(|changed| touched.contains(&changed.path)))
    }
}

/// The spans that lead to that step, first to last.
fn trace(mut best: HashMap<usize, (usize, Option<Span>)>, last: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut to = last;
    while let Some((_, Some(span))) = best.remove(&to) {
        to = span.from;
        spans.push(span);
    }
    spans.reverse();
    spans
}
