//! Histories that an author can make: who chooses bases, parents, merges and detours.

use super::content;
use super::world::{World, short};
use gix::ObjectId;

impl World {
    /// Others' work on `main` since, which nobody asks about.
    pub fn grow_main(&mut self, most: usize) {
        for _ in 0..self.rng.usize(..=most) {
            let old = self.main;
            let new = match self.rng.u8(..6) {
                0 => self.revert_something(old),
                1 => self.rename_something(old),
                2 => {
                    self.commit_edit(old, |rng, state, _| match content::path(rng, state, content::is_code) {
                        Some(path) => content::swap_names(rng, state, &path),
                        None => "nothing".into(),
                    })
                }
                _ => self.commit_edit(old, content::edit),
            };
            if self.repository.state(self.repository.tree(new)).contains_key(content::POLICY) {
                self.move_main(new);
            }
        }
    }

    /// A commit that a branch may begin at: `main`, an old tip of it, anybody's commit.
    pub fn somewhere(&mut self) -> ObjectId {
        let line = self.repository.line(self.main);
        match self.rng.u8(..10) {
            0..=4 => self.main,
            5..=6 => self.one_of(&line),
            _ => {
                let all = self.commits.clone();
                self.one_of(&all)
            }
        }
    }

    /// A branch of some commits; returns them, the first one on what it began at.
    pub fn branch(&mut self, from: ObjectId) -> Vec<ObjectId> {
        let mut tips = vec![from];
        for _ in 0..self.rng.usize(1..=3) {
            let on = tips[tips.len() - 1];
            match self.rng.u8(..20) {
                0..=6 => tips.push(self.commit_edit(on, content::edit)),
                7 | 8 => self.wander(&mut tips),
                9 | 10 => self.detour(&mut tips),
                11 | 12 => self.rename_around(&mut tips),
                13 => tips.push(self.revert_something(on)),
                14 | 15 => {
                    let all = self.commits.clone();
                    let picked = self.one_of(&all);
                    tips.extend(self.pick(on, picked));
                }
                _ => {
                    let other = self.somewhere();
                    tips.extend(self.merge_somehow(on, other));
                }
            }
        }
        tips
    }

    /// Adds something, and takes it away again.
    fn detour(&mut self, tips: &mut Vec<ObjectId>) {
        let on = tips[tips.len() - 1];
        let there = self.commit_edit(on, content::edit);
        tips.push(there);
        if self.chance(50) {
            tips.push(self.commit_edit(there, content::edit));
        }
        let at = tips[tips.len() - 1];
        let (from, to) = (self.repository.tree(there), self.repository.tree(on));
        if let Some(back) = self.repository.merge(from, self.repository.tree(at), to) {
            tips.push(self.commit(back, &[at], &format!("take {} back", short(there))));
        }
    }

    /// Writes something into one function, and then into its twin instead.
    fn wander(&mut self, tips: &mut Vec<ObjectId>) {
        let on = tips[tips.len() - 1];
        let before = self.repository.tree(on);
        let Some(path) = content::path(&mut self.rng, &self.repository.state(before), content::is_code)
        else {
            return;
        };
        let there = self.commit_edit(on, |rng, state, _| content::twin(rng, state, &path));
        let (elsewhere, what) = self.edited(before, |rng, state, _| content::twin(rng, state, &path));
        let moved = self.commit(elsewhere, &[there], &format!("instead, {what}"));
        tips.extend([there, moved]);
    }

    /// Renames a file, edits it under that name, and perhaps renames it back.
    fn rename_around(&mut self, tips: &mut Vec<ObjectId>) {
        let on = tips[tips.len() - 1];
        let Some(path) =
            content::path(&mut self.rng, &self.repository.state(self.repository.tree(on)), content::is_code)
        else {
            return;
        };
        let other = format!("tests/mock{}.py", self.number());
        let there = self.rename(on, &path, &other);
        let edited = self.commit_edit(there, |rng, state, number| match rng.bool() {
            true => content::code(rng, state, &other, number),
            false => content::twin(rng, state, &other),
        });
        tips.extend([there, edited]);
        if self.chance(50) {
            tips.push(self.rename(edited, &other, &path));
        }
    }

    fn rename(&mut self, on: ObjectId, from: &str, to: &str) -> ObjectId {
        self.commit_edit(on, |_, state, _| {
            let file = state.remove(from).unwrap();
            state.insert(to.to_owned(), file);
            format!("rename {from} to {to}")
        })
    }

    fn rename_something(&mut self, on: ObjectId) -> ObjectId {
        self.commit_edit(on, |rng, state, number| match content::path(rng, state, content::is_code) {
            Some(path) => content::rename(rng, state, &path, number),
            None => "nothing".into(),
        })
    }

    /// Takes back what some commit did, where that goes cleanly.
    pub fn revert_something(&mut self, on: ObjectId) -> ObjectId {
        let line = self.repository.line(on);
        let commit = self.one_of(&line);
        let Some(parent) = self.repository.at(commit).parents.first().copied() else {
            return self.commit_edit(on, content::edit);
        };
        let (from, to) = (self.repository.tree(commit), self.repository.tree(parent));
        match self.repository.merge(from, self.repository.tree(on), to) {
            Some(tree) => self.commit(tree, &[on], &format!("revert {}", short(commit))),
            None => self.commit_edit(on, content::edit),
        }
    }

    /// A pick of some commit, where it is clean and brings anything.
    pub fn pick(&mut self, on: ObjectId, commit: ObjectId) -> Option<ObjectId> {
        let base = self.repository.own_base(commit);
        let tree = self.repository.merge(base, self.repository.tree(on), self.repository.tree(commit))?;
        (tree != self.repository.tree(on))
            .then(|| self.commit(tree, &[on], &format!("pick {}", short(commit))))
    }

    /// A merge of any strategy: git's own, one that takes nothing or all, one with something of its own, and
    /// either parent first.
    pub fn merge_somehow(&mut self, on: ObjectId, other: ObjectId) -> Option<ObjectId> {
        if self.repository.is_ancestor(other, on) {
            return None;
        }
        let clean = self.repository.merge_commits(on, other);
        let (tree, how) = match self.rng.u8(..10) {
            0..=4 => (clean?, "merge".to_owned()),
            5 | 6 => (self.repository.tree(on), "merge -s ours".to_owned()),
            7 => (self.repository.tree(other), "merge -X theirs".to_owned()),
            _ => {
                let (tree, what) = self.edited(clean.unwrap_or(self.repository.tree(on)), content::edit);
                (tree, format!("evil merge: {what}"))
            }
        };
        let parents = if self.chance(25) { [other, on] } else { [on, other] };
        Some(self.commit(tree, &parents, &how))
    }
}
