//! What must hold of any change and any way to carry it, tried on random repositories: what git itself
//! carries cleanly is let in, no change of content ever is, and the real hook says the same.
//!
//! Git is the oracle: each expected tree comes from `git merge-tree`. All is drawn from a seed; a failure
//! names it, and `FLOW_AI_SEED=7 cargo test properties` tries that one again.

mod repository;

use crate::support::Place;
use git_flow_ai::gate::admit::{self, Candidate, New, Ruling};
use git_flow_ai::gate::store::{Repo, changes};
use gix::ObjectId;
use repository::{RandomRepository, State, Tip};

/// How many random repositories each property is tried on.
const WORLDS: u64 = 40;

/// Of how many repositories one is also asked about through the real hook.
const HOOKED: u64 = 8;

fn seeds() -> Vec<u64> {
    match std::env::var("FLOW_AI_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..WORLDS).collect(),
    }
}

/// Whether `main` may go from one tip to another.
fn lets_in(world: &RandomRepository, old: ObjectId, new: ObjectId) -> bool {
    let repo = Repo::open(&world.place.repo()).unwrap();
    let candidate = Candidate { branch: "main".into(), old, new: New::Commit(new), accepted: None };
    let allowed = matches!(admit::admit(&repo, &candidate).unwrap(), Ruling::Allow(_));
    if world.is_hooked {
        let (old, new) = (old.to_string(), new.to_string());
        let ungated = ["-c", "core.hooksPath=/dev/null", "update-ref", "refs/heads/main", &old];
        world.place.git(&ungated).ok();
        let moved = world.place.git(&["update-ref", "refs/heads/main", &new]);
        assert_eq!(moved.status == 0, allowed, "seed {}: the hook says: {}", world.seed, moved.stderr);
    }
    allowed
}

/// Every way that a topic comes onto `main` where git merges it cleanly.
fn ways(world: &mut RandomRepository, main: &Tip, topic: &[Tip]) -> Vec<(&'static str, Tip)> {
    let base = world.base.clone();
    let head = topic.last().unwrap();
    let Some(tree) = world.merge(&base, main, head) else { return Vec::new() };
    let mut ways = vec![
        ("a merge", world.commit(tree, &[main, head])),
        ("a foxtrot", world.commit(tree, &[head, main])),
        ("a squash", world.commit(tree, &[main])),
    ];
    let mut before = &base;
    let mut picked = vec![main.clone()];
    for commit in topic {
        let Some(tree) = world.merge(before, picked.last().unwrap(), commit) else { return ways };
        let tip = world.commit(tree, &[picked.last().unwrap()]);
        picked.push(tip);
        before = commit;
    }
    ways.push(("a rebase", picked.last().unwrap().clone()));
    if picked.len() > 2 {
        let tree = picked.last().unwrap().tree;
        ways.push(("a rebase that melts two", world.commit(tree, &[&picked[picked.len() - 3]])));
    }
    ways
}

#[test]
fn whatever_git_carries_cleanly_is_let_in() {
    let (mut carried, mut odd) = (0, 0);
    for seed in seeds() {
        let mut world = RandomRepository::new(seed, seed % HOOKED == 0);
        let main = world.grow_main();
        let topic = world.topic();
        let head = topic.last().unwrap().clone();
        world.approve(&head);
        if main.id == world.base.id {
            assert!(lets_in(&world, main.id, head.id), "seed {seed}: a fast-forward");
        }
        let Some(whole) = world.merge(&world.base.clone(), &main, &head) else { continue };
        for (way, tip) in ways(&mut world, &main, &topic) {
            let admitted = lets_in(&world, main.id, tip.id);
            // Where git's own picks end elsewhere than its merge, that is another content.
            if tip.tree == whole {
                carried += 1;
                assert!(admitted, "seed {seed}: {way} was refused");
            } else {
                odd += 1;
                assert!(!admitted, "seed {seed}: {way} ends in another content and was let in");
            }
            let empty = world.commit(tip.tree, &[&tip]);
            assert_eq!(lets_in(&world, main.id, empty.id), admitted, "seed {seed}: {way}, then nothing");
        }
        // A second topic beside it, one after the other and both at once.
        let other = world.topic();
        let second = other.last().unwrap().clone();
        world.approve(&second);
        let first = world.commit(whole, &[&main, &head]);
        let Some(both) = world.merge(&world.base.clone(), &first, &second) else { continue };
        let octopus = world.commit(both, &[&main, &head, &second]);
        assert!(lets_in(&world, main.id, octopus.id), "seed {seed}: an octopus was refused");
        let in_turn = world.commit(both, &[&first, &second]);
        assert!(lets_in(&world, main.id, in_turn.id), "seed {seed}: two merges in turn were refused");
        carried += 2;
    }
    if std::env::var_os("FLOW_AI_SEED").is_none() {
        assert!(carried >= 100 && odd * 10 <= carried, "{carried} carried, {odd} odd: too few to prove much");
    }
}

#[test]
fn no_change_of_content_is_let_in() {
    let mut refused = 0;
    for seed in seeds() {
        let mut world = RandomRepository::new(1_000 + seed, seed % HOOKED == 0);
        let main = world.grow_main();
        let topic = world.topic();
        let head = topic.last().unwrap().clone();
        world.approve(&head);
        let mut expect_refused = |world: &RandomRepository, what: &str, tip: &Tip| {
            refused += 1;
            assert!(!lets_in(world, main.id, tip.id), "seed {seed}: {what} was let in ({})", tip.id);
        };
        for (way, tip) in ways(&mut world, &main, &topic) {
            if !lets_in(&world, main.id, tip.id) {
                continue;
            }
            for (mutation, state) in world.mutations(&tip) {
                let tree = world.write(&state);
                assert_ne!(tree, tip.tree, "seed {seed}: {mutation} changes nothing");
                let amended = world.commit_like(tree, &tip);
                expect_refused(&world, &format!("{way} amended by {mutation}"), &amended);
                let extra = world.commit(tree, &[&tip]);
                expect_refused(&world, &format!("{mutation} on top of {way}"), &extra);
                let undone = world.commit(tip.tree, &[&extra]);
                expect_refused(&world, &format!("{mutation} and its revert on top of {way}"), &undone);
            }
        }
        // Content that the topic's branch got after the review.
        let (mutation, state) = world.mutations(&head).swap_remove(0);
        let tree = world.write(&state);
        let after = world.commit(tree, &[&head]);
        if let Some(tree) = world.merge(&world.base.clone(), &main, &after) {
            let merge = world.commit(tree, &[&main, &after]);
            expect_refused(&world, &format!("{mutation} on the topic after its review"), &merge);
        }
        // A part of it: all but its last commit, and all but its first.
        let base = world.base.clone();
        let whole = world.merge(&base, &main, &head);
        let mut parts = Vec::new();
        if topic.len() > 1 {
            parts.push((base.clone(), topic[topic.len() - 2].clone()));
            parts.push((topic[0].clone(), head.clone()));
        }
        for (from, to) in parts {
            if let Some(part) = world.merge(&from, &main, &to).filter(|tree| *tree != main.tree)
                && Some(part) != whole
            {
                let tip = world.commit(part, &[&main]);
                expect_refused(&world, "a part of the topic", &tip);
            }
        }
        detours(&mut world, &main, &topic, &mut expect_refused);
    }
    assert!(refused >= 100 || std::env::var_os("FLOW_AI_SEED").is_some(), "only {refused} mutations");
}

/// Something else, added and taken away between the commits of a rebased topic.
fn detours(
    world: &mut RandomRepository,
    main: &Tip,
    topic: &[Tip],
    refused: &mut impl FnMut(&RandomRepository, &str, &Tip),
) {
    let (base, [first, .., last]) = (world.base.clone(), topic) else { return };
    let whole = world.merge(&base, main, last);
    let Some(one) = world.merge(&base, main, first) else { return };
    let (Some(whole), true) = (whole, one != main.tree && Some(one) != whole) else { return };
    let one = world.commit(one, &[main]);
    for (mutation, state) in world.mutations(&one) {
        let tree = world.write(&state);
        let there = world.commit(tree, &[&one]);
        let back = world.commit(one.tree, &[&there]);
        let tip = world.commit(whole, &[&back]);
        refused(world, &format!("{mutation} and its revert in the middle of a rebase"), &tip);
    }
    let mut state = world.read(one.tree);
    state.insert("secret".into(), (repository::FILE, b"secret\n".to_vec()));
    let tree = world.write(&state);
    let there = world.commit(tree, &[&one]);
    let mut state = world.read(whole);
    state.insert("secret".into(), (repository::FILE, b"secret\n".to_vec()));
    let tree = world.write(&state);
    let further = world.commit(tree, &[&there]);
    let tip = world.commit(whole, &[&further]);
    refused(world, "a secret that comes before the last commit and goes after it", &tip);
}

#[test]
fn criss_crossed_topics_are_judged_as_git_merges_them() {
    let (mut several, mut told) = (0, 0);
    for seed in seeds() {
        let mut world = RandomRepository::new(2_000 + seed, seed % HOOKED == 0);
        let (mut main, mut topic) = (world.grow_main(), world.topic().pop().unwrap());
        for _ in 0..1 + seed % 3 {
            let (Some(tree), Some(other)) =
                (world.merge_real(&main, &topic), world.merge_real(&topic, &main))
            else {
                break;
            };
            // Each takes in where the other was, and then goes on by itself.
            let (old_main, old_topic) = (main, topic);
            main = world.commit(tree, &[&old_main, &old_topic]);
            topic = world.commit(other, &[&old_topic, &old_main]);
            main = world.edit(&main);
            topic = world.edit(&topic);
        }
        let repo = Repo::open(&world.place.repo()).unwrap();
        let bases = repo.merge_bases(main.id, &[topic.id]).unwrap();
        several += usize::from(bases.len() > 1);
        let Some(tree) = world.merge_real(&main, &topic) else { continue };
        let Ok(change) = changes::since(&repo, main.id, topic.id) else { continue };
        world.approve_change(&topic, change.base_tree);
        let merge = world.commit(tree, &[&main, &topic]);
        let admitted = lets_in(&world, main.id, merge.id);
        assert!(admitted, "seed {seed}: git's own merge over {} bases was refused", bases.len());
        told += usize::from(bases.len() > 1);
        let squash = world.commit(tree, &[&main]);
        assert!(lets_in(&world, main.id, squash.id), "seed {seed}: its squash was refused");
        for (mutation, state) in world.mutations(&merge) {
            let tree = world.write(&state);
            let evil = world.commit_like(tree, &merge);
            assert!(!lets_in(&world, main.id, evil.id), "seed {seed}: {mutation} was let in");
        }
    }
    if std::env::var_os("FLOW_AI_SEED").is_none() {
        assert!(several >= 15 && told >= 10, "{several} criss-crossed, {told} told: too few to prove much");
    }
}

/// A state that a mutation came to, with what it did.
type Mutation = (&'static str, State);

/// The place that a world is in, with hooks in force if they are to be asked too.
fn place(is_hooked: bool) -> Place {
    let place = Place::new();
    if is_hooked {
        place.flow(&["init"]).ok();
    }
    place
}
