//! Ways in which what was approved comes to `main`, and what may hide beside it.

use super::content;
use super::world::{Judged, World, short};
use gix::ObjectId;

impl World {
    /// Some branches, some ranges of them judged, and some ways to land them.
    pub fn attack(&mut self) {
        let from = self.somewhere();
        let branch = self.branch(from);
        if self.chance(30) {
            self.grow_main(2);
        }
        self.judge_some(&branch);
        for _ in 0..3 {
            let Some(judged) = self.some_verdict() else { return };
            self.try_some_landing(judged);
        }
    }

    /// Judges ranges of a branch: the whole of it since `main`, since where it began, or any part.
    fn judge_some(&mut self, branch: &[ObjectId]) {
        let head = branch[branch.len() - 1];
        let (low, high) = (self.rng.usize(..branch.len()), self.rng.usize(..branch.len()));
        let is_content = self.chance(92);
        match self.rng.u8(..8) {
            0..=2 => drop(self.judge(self.main, head, is_content)),
            3 => drop(self.judge(branch[0], head, is_content)),
            4 | 5 => drop(self.judge(branch[low.min(high)], branch[low.max(high)], is_content)),
            // A stack: one on the other's head.
            6 => {
                self.judge(self.main, branch[high], true);
                self.judge(branch[high], head, is_content);
            }
            _ => {
                let any = self.somewhere();
                self.judge(any, head, is_content);
            }
        }
    }

    fn some_verdict(&mut self) -> Option<Judged> {
        let newest = self.judged.len().checked_sub(1)?;
        let at = if self.chance(70) { newest } else { self.rng.usize(..=newest) };
        Some(self.judged[at])
    }

    /// Lands what was judged, or what is not quite that; `main` goes there if it was let in rightly.
    fn try_some_landing(&mut self, judged: Judged) {
        let how = self.rng.u8(..22);
        let Some((to, what)) = self.landing(judged, how) else { return };
        let to = match self.rng.u8(..10) {
            0 => self.hidden_on(to),
            1 => {
                let tree = self.repository.tree(to);
                self.commit(tree, &[to], "nothing")
            }
            _ => to,
        };
        if self.try_land(to, what) && self.chance(70) {
            self.move_main(to);
            if self.chance(25) {
                self.land_again(judged);
            }
        }
    }

    fn landing(&mut self, judged: Judged, how: u8) -> Option<(ObjectId, &'static str)> {
        let (main, head) = (self.main, judged.head);
        let (main_tree, head_tree) = (self.repository.tree(main), self.repository.tree(head));
        let carried = self.repository.merge(judged.base_tree, main_tree, head_tree);
        let is_inside = self.repository.is_ancestor(head, main);
        Some(match how {
            0..=2 => (self.commit(carried?, &[main], "squash"), "a squash"),
            3 | 4 if !is_inside => {
                (self.commit(carried?, &[main, head], "merge as judged"), "a merge of what was judged")
            }
            5..=7 if !is_inside => {
                let tree = self.repository.merge_commits(main, head)?;
                (self.commit(tree, &[main, head], "merge"), "git's merge")
            }
            8 if !is_inside => {
                let tree = self.repository.merge_commits(head, main)?;
                (self.commit(tree, &[head, main], "merge, turned round"), "a foxtrot")
            }
            9 | 10 => {
                let tip = self.one_of(&[head, self.commits[self.commits.len() - 1]]);
                (self.repository.is_ancestor(main, tip)).then_some((tip, "a fast-forward"))?
            }
            11 | 12 => (self.rebase(judged, false)?, "a rebase"),
            13 => (self.rebase(judged, true)?, "a rebase with something else in it"),
            14 => {
                let commits = self.repository.between(judged.base, head);
                let commit = (!commits.is_empty()).then(|| self.one_of(&commits))?;
                (self.pick(main, commit)?, "a lone pick")
            }
            15 if !is_inside => {
                (self.commit(main_tree, &[main, head], "merge -s ours"), "a merge that takes nothing")
            }
            16 => {
                let other = self.somewhere();
                let taken = (!self.repository.is_ancestor(other, main)).then_some(other)?;
                let tree = if self.chance(50) { main_tree } else { carried? };
                (self.commit(tree, &[main, taken], "merge of another"), "a merge of what nobody judged")
            }
            17 => {
                let second = self.one_of(&self.judged.clone());
                let tree =
                    self.repository.merge(second.base_tree, carried?, self.repository.tree(second.head))?;
                match self.rng.u8(..3) {
                    0 => (self.commit(tree, &[main], "squash of two"), "a squash of two"),
                    1 => {
                        let first = self.commit(carried?, &[main], "squash");
                        (self.commit(tree, &[first], "squash"), "two squashes")
                    }
                    _ => (self.commit(tree, &[main, head, second.head], "octopus"), "an octopus"),
                }
            }
            18 => {
                let (tree, what) = self.edited(carried?, |rng, state, _| content::mutate(rng, state));
                (self.commit(tree, &[main], &format!("squash, and {what}")), "a squash with something else")
            }
            19 if !is_inside => {
                let (tree, what) = self.edited(carried?, content::edit);
                (self.commit(tree, &[main, head], &format!("merge, and {what}")), "an evil merge")
            }
            20 => {
                let to = self.merge_somehow(main, head)?;
                (self.repository.is_ancestor(main, to)).then_some((to, "a merge somehow"))?
            }
            _ => {
                let all = self.commits.clone();
                let tip = self.one_of(&all);
                (self.repository.is_ancestor(main, tip)).then_some((tip, "any commit"))?
            }
        })
    }

    /// The commits of a verdict picked one by one; two of them as one, one left out, or in another order,
    /// and something else on the way if that is wanted.
    fn rebase(&mut self, judged: Judged, is_detour: bool) -> Option<ObjectId> {
        let mut commits = self.repository.between(judged.base, judged.head);
        commits.retain(|commit| self.repository.at(*commit).parents.len() == 1);
        if commits.is_empty() {
            return None;
        }
        let odd = self.rng.usize(..commits.len());
        match self.rng.u8(..6) {
            0 => drop(commits.remove(odd)),
            1 => commits.swap(0, odd),
            _ => {}
        }
        let is_melted = self.chance(25);
        let mut tip = self.main;
        for (at, commit) in commits.into_iter().enumerate() {
            let Some(picked) = self.pick(tip, commit) else { continue };
            tip = match self.repository.at(tip).parents.first().copied() {
                Some(before) if is_melted && at == odd && tip != self.main => {
                    let tree = self.repository.tree(picked);
                    self.commit(tree, &[before], &format!("{} and {} as one", short(tip), short(picked)))
                }
                _ => picked,
            };
            if is_detour && at == odd {
                tip = self.hidden_and_back(tip);
            }
        }
        (tip != self.main).then_some(tip)
    }

    /// Something that nobody saw on top.
    fn hidden_on(&mut self, tip: ObjectId) -> ObjectId {
        self.commit_edit(tip, |rng, state, number| match rng.bool() {
            true => content::mutate(rng, state),
            false => content::edit(rng, state, number),
        })
    }

    fn hidden_and_back(&mut self, tip: ObjectId) -> ObjectId {
        let there = self.hidden_on(tip);
        let tree = self.repository.tree(tip);
        self.commit(tree, &[there], "and back")
    }

    /// What has just landed is taken back by others, and tried once more: as it was, or under an approval from
    /// before of it and something more.
    fn land_again(&mut self, judged: Judged) {
        let (main, landed) = (self.main, self.repository.tree(self.main));
        let Some(before) = self.repository.at(main).parents.first().copied() else { return };
        let main_tree = self.repository.tree(before);
        let head = self.repository.tree(judged.head);
        let is_in = |world: &World, tree| world.repository.merge(judged.base_tree, tree, head) == Some(tree);
        if !is_in(self, landed) || is_in(self, main_tree) {
            return;
        }
        let more = self.chance(50).then(|| {
            let more = self.commit_edit(judged.head, content::edit);
            self.judge(judged.base, more, true);
            self.repository.tree(more)
        });
        let reverted = self.commit(main_tree, &[main], &format!("revert {}", short(main)));
        self.move_main(reverted);
        let again = match self.chance(50) {
            true => self.repository.merge(judged.base_tree, main_tree, more.unwrap_or(head)),
            false => Some(landed),
        };
        let Some(tree) = again.filter(|tree| *tree != main_tree && is_in(self, *tree)) else { return };
        let again = self.commit(tree, &[reverted], "once more");
        self.tally.tried += 1;
        if self.is_let_in(again) {
            self.tally.admitted += 1;
            self.fail(format!("{} was taken back, and let in again without a new look", short(main)));
        }
    }
}
