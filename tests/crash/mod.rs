//! Runs that are killed at any moment lose nothing, repeat nothing and leave nothing.
//!
//! `FLOW_AI_KILLS` says how often a run is killed at a random moment (CI: 200), `FLOW_AI_SEED` which
//! moments: a failure prints the seed that led to it. `FLOW_AI_STRIDE` says at every which line of the
//! journal a run is made to die (CI: 1, every one).

mod checks;
mod disk;
mod interference;
mod killed_run;

use checks::Record;
use killed_run::KilledRun;
use std::time::Duration;

/// How often one run is killed at most before it may end.
const IN_A_ROW: usize = 12;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_and_loses_nothing() {
    killed(number("FLOW_AI_KILLS", 40), KilledRun::new);
}

#[test]
fn a_run_that_is_killed_while_its_agents_are_in_a_sandbox_goes_on_and_loses_nothing() {
    killed(number("FLOW_AI_KILLS", 40) / 4, KilledRun::held);
}

/// Kills runs so often, each scene's until it has had enough, and has them end.
fn killed(kills: u64, scene: impl Fn() -> KilledRun) {
    let seed = number("FLOW_AI_SEED", fastrand::u64(..));
    println!("FLOW_AI_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut survived = 0;
    while survived < kills {
        let scene = scene();
        let mut record = Record::default();
        // Some rounds are killed all the time in their first steps, others late.
        let longest = [150, 600, 1500, 3000][random.usize(..4)];
        for _ in 0..IN_A_ROW {
            let time = Duration::from_millis(random.u64(..longest));
            let killed = scene.killed_after(time, random.u8(..4) == 0);
            record.take(&scene);
            match killed {
                Some(()) => survived += 1,
                None => break,
            }
        }
        let out = scene.run();
        assert_eq!(out.status, 0, "seed {seed}\n{}\n{}", out.stdout, out.stderr);
        record.take(&scene);
        println!("{}", out.stderr.lines().find(|line| line.starts_with("sandbox:")).unwrap());
        checks::holds(&scene);
    }
    println!("survived {survived} kills");
}

#[test]
fn a_run_that_dies_at_any_line_of_its_journal_goes_on_and_loses_nothing() {
    let undisturbed = KilledRun::small();
    undisturbed.run().ok();
    checks::holds(&undisturbed);
    // Each line has a point before it and one after.
    let points = 2 * undisturbed.journals().concat().lines().count();
    let (stride, mut died) = (number("FLOW_AI_STRIDE", 13), 0);
    for point in (0..points).step_by(usize::try_from(stride).unwrap()) {
        let scene = KilledRun::small();
        let mut record = Record::default();
        let mut command = scene.command();
        command.env("GIT_FLOW_AI_DIE_AT", point.to_string());
        died += usize::from(scene.finish(command).status == -1);
        record.take(&scene);
        let out = scene.run();
        assert_eq!(out.status, 0, "point {point}\n{}\n{}", out.stdout, out.stderr);
        record.take(&scene);
        println!("point {point} of {points}");
        checks::holds(&scene);
    }
    assert!(died * usize::try_from(stride).unwrap() + 20 > points, "{died} died, of {points} points");
}
