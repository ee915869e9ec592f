//! What the gate lets in, a rival has read: tried on random worlds that are made to deceive it.
//!
//! In each world somebody chooses branches, bases, histories and ways to land; a rival approves what it is
//! shown; the library's gate is asked. The oracle is not the gate's rule but the text of the requests that
//! were approved: every path, line, content and mode that enters, by any commit on any parent, stands in one
//! (`oracle`). And honest work has to enter, since a gate that refuses everything would pass as well.
//!
//! `repository` writes objects and asks git for merges, `content` edits files, `histories` makes branches,
//! `landings` brings them to `main`, `honest` does what people do, `reviewer` records verdicts, `shown` reads
//! what was approved off the requests, `world` holds all of it.
//!
//! All is drawn from a seed. `FLOW_AI_WORLDS=10000 cargo test --test main properties` tries so many worlds,
//! `FLOW_AI_SEED=7` only that one: it prints the world's story and keeps its repository.

mod content;
mod histories;
mod honest;
mod landings;
mod oracle;
mod repository;
mod reviewer;
mod shown;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Tally, World};

/// How many worlds are tried where nobody says.
const WORLDS: u64 = 500;

/// How many stories of failures are printed.
const TOLD: usize = 5;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|number| number.parse().unwrap())
}

/// What happened in that world, and its story if anything went wrong or it is the only one.
fn live(seed: u64, is_only: bool) -> (Tally, Option<String>) {
    let mut world = World::new(seed);
    world.grow_main(3);
    for _ in 0..2 {
        world.attack();
    }
    if seed.is_multiple_of(4) {
        world.work_beside();
    }
    if seed.is_multiple_of(2) {
        world.honest_work();
    }
    let World { story, tally, repository, .. } = world;
    let mut told = (is_only || !tally.failures.is_empty()).then(|| {
        format!(
            "seed {seed} (FLOW_AI_SEED={seed} cargo test --test main properties)\n  {}\n",
            story.join("\n  ")
        )
    });
    if let (true, Some(told)) = (is_only, &mut told) {
        told.push_str(&format!("  its repository: {}\n", repository.keep().display()));
    }
    (tally, told)
}

#[test]
fn whatever_is_let_in_was_shown_and_honest_work_is_let_in() {
    let only = number("FLOW_AI_SEED");
    let seeds = only.map_or(0..number("FLOW_AI_WORLDS").unwrap_or(WORLDS), |seed| seed..seed + 1);
    let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
    let all = Mutex::new((Tally::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let lived = std::panic::catch_unwind(|| live(seed, only.is_some()));
                    let (tally, told) = lived.unwrap_or_else(|_| {
                        let story = format!("seed {seed}: panicked\n");
                        (Tally { failures: vec![story.clone()], ..Tally::default() }, Some(story))
                    });
                    let mut all = all.lock().unwrap();
                    all.0.add(tally);
                    all.1.extend(told.map(|story| (seed, story)));
                }
            });
        }
    });
    let (tally, mut stories) = all.into_inner().unwrap();
    stories.sort();
    for (_, story) in stories.iter().take(TOLD) {
        println!("{story}");
    }
    println!("{tally}");
    let failed: Vec<u64> = stories.iter().map(|(seed, _)| *seed).collect();
    assert!(tally.failures.is_empty(), "{} failures, in the worlds {failed:?}", tally.failures.len());
    if only.is_none() {
        tally.proves_something(end);
    }
}
