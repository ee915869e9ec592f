//! Honest work, which must be let in: an approved change, however it is carried, onto a `main` that has moved
//! elsewhere.

use super::content;
use super::world::World;
use gix::ObjectId;
use std::collections::BTreeSet;

impl World {
    /// A branch of `main` is judged as a whole, others work on other files, and it lands in every way.
    pub fn honest_work(&mut self) {
        let begun = self.main;
        let mut topic = vec![begun];
        for _ in 0..self.rng.usize(1..=3) {
            let on = topic[topic.len() - 1];
            topic.push(self.commit_edit(on, content::edit));
        }
        let head = topic[topic.len() - 1];
        let touched: BTreeSet<String> = topic
            .windows(2)
            .flat_map(|pair| {
                self.repository.changed(self.repository.tree(pair[0]), self.repository.tree(pair[1]))
            })
            .collect();
        // A branch that comes to nothing has nothing to land.
        if self.repository.tree(head) == self.repository.tree(begun)
            || self.judge(begun, head, true).is_none()
        {
            return;
        }
        self.land(head, "fast-forward");
        self.work_elsewhere(&touched);
        let (main, base) = (self.main, self.repository.tree(begun));
        let Some(tree) = self.repository.merge(base, self.repository.tree(main), self.repository.tree(head))
        else {
            return;
        };
        let merge = self.commit(tree, &[main, head], "merge");
        self.land(merge, "merge");
        let squash = self.commit(tree, &[main], "squash");
        self.land(squash, "squash");
        let mut tip = main;
        for commit in &topic[1..] {
            tip = self.pick(tip, *commit).unwrap_or(tip);
        }
        if self.repository.tree(tip) == tree {
            self.land(tip, "rebase");
        }
        let to = self.one_of(&[merge, squash, tip]);
        self.move_main(to);
    }

    /// Others edit files that these paths are not among, and move none.
    fn work_elsewhere(&mut self, touched: &BTreeSet<String>) {
        for _ in 0..self.rng.usize(1..=2) {
            let (tree, what) = self.edited(self.repository.tree(self.main), |rng, state, number| {
                let is_free = |path: &str| content::is_code(path) && !touched.contains(path);
                match content::path(rng, state, is_free) {
                    Some(path) if rng.bool() => content::twin(rng, state, &path),
                    Some(path) => content::code(rng, state, &path, number),
                    None => "nothing".into(),
                }
            });
            if tree != self.repository.tree(self.main) {
                let main = self.commit(tree, &[self.main], &what);
                self.move_main(main);
            }
        }
    }

    /// The same where others work in another part of the same file: most of it must land.
    pub fn work_beside(&mut self) {
        let begun = self.main;
        let number = self.number();
        let path = format!("src/shared{number}.py");
        let lines = |edited: &[(usize, &str)]| -> Vec<u8> {
            let mut text = String::new();
            for function in 0..6 {
                text.push_str(&format!(
                    "def part{function}(user):\n    begin({function})\n    work({function})\n"
                ));
                text.extend(
                    edited.iter().filter(|(at, _)| *at == function).map(|(_, line)| format!("    {line}\n")),
                );
                text.push_str(&format!("    count({function})\n    end({function})\n\n"));
            }
            text.into_bytes()
        };
        let (ours, theirs) = (self.rng.usize(..3), self.rng.usize(3..6));
        let with = |world: &mut World, on: ObjectId, edited: &[(usize, &str)], what: &str| {
            let text = lines(edited);
            world.commit_edit(on, |_, state, _| {
                state.insert(path.clone(), (super::repository::FILE, text));
                format!("{what} {path}")
            })
        };
        let shared = with(self, begun, &[], "share");
        self.move_main(shared);
        let head = with(self, shared, &[(ours, "mine()")], "work on");
        self.judge(shared, head, true);
        let main = with(self, shared, &[(theirs, "theirs()")], "work elsewhere in");
        self.move_main(main);
        let both = with(self, main, &[(ours, "mine()"), (theirs, "theirs()")], "bring mine into");
        self.tally.beside.0 += 1;
        if self.is_let_in(both) {
            self.tally.beside.1 += 1;
            self.move_main(both);
        }
    }
}
