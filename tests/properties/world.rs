//! A world: a repository with a protected `main`, whatever others made of its history, and what a rival
//! approved. All is drawn from its seed.

use super::content;
use super::oracle;
use super::repository::{Repository, State};
use super::reviewer;
use super::shown::Shown;
use fastrand::Rng;
use git_flow_ai::gate::admit::{self, Candidate, New, Ruling};
use git_flow_ai::gate::store::Repo;
use gix::ObjectId;

/// A change that was judged, as its range was given.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    pub base: ObjectId,
    pub head: ObjectId,
    pub base_tree: ObjectId,
}

pub struct World {
    pub rng: Rng,
    pub repository: Repository,
    repo: Repo,
    pub main: ObjectId,
    /// Every commit that was made on a branch, the oldest first.
    pub commits: Vec<ObjectId>,
    pub judged: Vec<Judged>,
    shown: Shown,
    number: usize,
    /// What happened, for whoever reads of a failure.
    pub story: Vec<String>,
    pub tally: Tally,
}

/// What was asked of the gate, and how it answered.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// How often something was tried that may be wrong, and how often it was let in.
    pub tried: usize,
    pub admitted: usize,
    /// Moves whose content nobody saw, and honest ones that were refused.
    pub failures: Vec<String>,
    /// How often an honest move was made.
    pub honest: usize,
    /// How often one that landed beside others' work in the same file was made, and let in.
    pub beside: (usize, usize),
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut rng = Rng::with_seed(seed);
        let mut repository = Repository::new();
        let state = content::first(&mut rng);
        let tree = repository.write(&state);
        let main = repository.commit(tree, &[], "Begin");
        repository.set_main(main);
        let repo = Repo::open(repository.path()).unwrap();
        let story = vec![format!("{} is the first commit of main", short(main))];
        World {
            rng,
            repository,
            repo,
            main,
            commits: vec![main],
            judged: Vec::new(),
            shown: Shown::default(),
            number: 0,
            story,
            tally: Tally::default(),
        }
    }

    /// Whether something happens that happens so many times in a hundred.
    pub fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.rng.usize(..all.len())]
    }

    /// A number that was never given before.
    pub fn number(&mut self) -> usize {
        self.number += 1;
        self.number
    }

    /// The tree that edits of another one make.
    pub fn edited(
        &mut self,
        tree: ObjectId,
        edit: impl FnOnce(&mut Rng, &mut State, usize) -> String,
    ) -> (ObjectId, String) {
        let mut state = State::clone(&self.repository.state(tree));
        let number = self.number();
        let what = edit(&mut self.rng, &mut state, number);
        (self.repository.write(&state), what)
    }

    /// A commit, with what it is in the story.
    pub fn commit(&mut self, tree: ObjectId, parents: &[ObjectId], what: &str) -> ObjectId {
        let id = self.repository.commit(tree, parents, what);
        let on: Vec<String> = parents.iter().map(|parent| short(*parent)).collect();
        self.story.push(format!("{} on {}: {what}", short(id), on.join(" and ")));
        self.commits.push(id);
        id
    }

    /// A commit of an edit.
    pub fn commit_edit(
        &mut self,
        on: ObjectId,
        edit: impl FnOnce(&mut Rng, &mut State, usize) -> String,
    ) -> ObjectId {
        let (tree, what) = self.edited(self.repository.tree(on), edit);
        self.commit(tree, &[on], &what)
    }

    /// `main` is at that commit: others' work that entered before, or what was just let in.
    pub fn move_main(&mut self, to: ObjectId) {
        self.story.push(format!("main is at {}", short(to)));
        self.repository.set_main(to);
        self.main = to;
    }

    /// Has a range judged; none where nothing differs.
    pub fn judge(&mut self, base: ObjectId, head: ObjectId, is_content: bool) -> Option<Judged> {
        let reading = reviewer::judge(&self.repo, &format!("{base}..{head}"), is_content)?;
        let said = if is_content { "approves" } else { "rejects" };
        self.story.push(format!("the rival {said} {}..{}", short(base), short(head)));
        if is_content {
            reading.requests.iter().for_each(|request| self.shown.add(request));
        }
        let base_tree = reading.verdict.base_tree;
        let judged = Judged { base, head, base_tree };
        self.judged.push(judged);
        Some(judged)
    }

    /// Whether the gate lets `main` go there.
    pub fn is_let_in(&self, to: ObjectId) -> bool {
        let candidate =
            Candidate { branch: "main".into(), old: self.main, new: New::Commit(to), accepted: None };
        matches!(admit::admit(&self.repo, &candidate), Ok(Ruling::Allow(_)))
    }

    /// Tries to land a commit that may be wrong. Whatever is let in, a request has shown; returns whether it
    /// was let in and shown.
    pub fn try_land(&mut self, to: ObjectId, what: &str) -> bool {
        if to == self.main {
            return false;
        }
        self.tally.tried += 1;
        if !self.is_let_in(to) {
            return false;
        }
        self.tally.admitted += 1;
        let unseen = oracle::unseen(&self.repository, &self.shown, self.main, to);
        if let Some(first) = unseen.first() {
            self.fail(format!("{what}: {} was let in, and {first}", short(to)));
        }
        unseen.is_empty()
    }

    /// Lands an honest commit, which must be let in.
    pub fn land(&mut self, to: ObjectId, what: &str) {
        self.tally.honest += 1;
        let candidate =
            Candidate { branch: "main".into(), old: self.main, new: New::Commit(to), accepted: None };
        match admit::admit(&self.repo, &candidate) {
            Ok(Ruling::Allow(_)) => {
                let unseen = oracle::unseen(&self.repository, &self.shown, self.main, to);
                if let Some(first) = unseen.first() {
                    self.fail(format!("honest {what}: {} was let in, and {first}", short(to)));
                }
            }
            Ok(Ruling::Refuse(refusal)) => {
                self.fail(format!("honest {what}: {} was refused: {}", short(to), refusal.why));
            }
            Err(error) => self.fail(format!("honest {what}: of {} it cannot tell: {error:#}", short(to))),
        }
    }

    pub fn fail(&mut self, what: String) {
        self.story.push(format!("FAILURE {what}"));
        self.tally.failures.push(what);
    }
}

/// A commit in a story.
pub fn short(id: ObjectId) -> String {
    id.to_hex_with_len(8).to_string()
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.tried += other.tried;
        self.admitted += other.admitted;
        self.failures.extend(other.failures);
        self.honest += other.honest;
        self.beside = (self.beside.0 + other.beside.0, self.beside.1 + other.beside.1);
    }

    /// Of so many worlds: a gate that is asked too little, or refuses all, proves nothing.
    pub fn proves_something(&self, worlds: u64) {
        let worlds = usize::try_from(worlds).unwrap();
        assert!(self.tried >= 2 * worlds, "too little was tried: {self}");
        assert!(self.admitted * 10 >= self.tried, "too little was let in to be looked at: {self}");
        assert!(self.honest >= worlds, "too little honest work: {self}");
        assert!(
            self.beside.1 * 100 >= self.beside.0 * 90,
            "too little that lands beside others' work: {self}"
        );
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { tried, admitted, failures, honest, beside: (beside, landed) } = self;
        write!(
            f,
            "{admitted} of {tried} doubtful moves let in; {honest} honest ones, and {landed} of {beside} beside others' work; {} failures",
            failures.len()
        )
    }
}
