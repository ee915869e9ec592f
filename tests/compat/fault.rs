//! What faults must come to: never "done" unless the work is there, and nothing left alive.

use crate::setup::{LONG, Setup};
use git_flow_ai::agents::cli::{AgentReport, Ending, Mode};

/// How long a fault is waited for, in seconds: most of these CLIs try for minutes. The later ones are
/// for a machine so busy that the CLI did not even get to ask its model.
const PATIENCE: [u64; 3] = [20, 60, 180];

pub fn one_rate_limit(cli: &'static str) {
    let Some(bed) = Setup::new(cli) else { return };
    let report = bed.edit(&script("fault 429 1"), LONG, LONG);
    assert_eq!(report.ending, Ending::Done, "{}", bed.story());
    assert!(written(&bed), "{}", bed.story());
}

pub fn rate_limit(cli: &'static str) {
    for_ever(cli, "429");
}

pub fn server(cli: &'static str) {
    for_ever(cli, "500");
}

pub fn key_refused(cli: &'static str) {
    for_ever(cli, "401");
}

pub fn cut(cli: &'static str) {
    for_ever(cli, "cut");
}

pub fn malformed(cli: &'static str) {
    for_ever(cli, "malformed");
}

pub fn empty(cli: &'static str) {
    for_ever(cli, "empty");
}

fn for_ever(cli: &'static str, kind: &str) {
    let Some(bed) = Setup::new(cli) else { return };
    let report =
        patiently(&bed, |patience| bed.edit(&script(&format!("fault {kind} *")), patience, patience));
    assert!(report.ending != Ending::Done || written(&bed), "{report:?}{}", bed.story());
    assert_ne!(report.ending, Ending::Stopped, "nobody stopped it{}", bed.story());
}

pub fn silence(cli: &'static str) {
    let Some(bed) = Setup::new(cli) else { return };
    let report = patiently(&bed, |patience| bed.edit(&script("fault hang *"), LONG, patience));
    assert_eq!(report.ending, Ending::Silent, "{}", bed.story());
}

pub fn stopped_in_a_tool(cli: &'static str) {
    if let Some(bed) = Setup::new(cli) {
        stopped_in_a_tool_in(&bed);
    }
}

pub fn stopped_in_a_tool_in(bed: &Setup) {
    if bed.cli == "aider" {
        return; // it has no tools
    }
    let started = bed.worktree().join("started");
    let job =
        bed.job(Mode::Edit, "Wait.\nMODEL: run touch started; sleep 300\nMODEL: say Waited.", LONG, LONG);
    let report = bed.run(&job, Some(&|| started.exists()));
    assert_eq!(report.ending, Ending::Stopped, "{}", bed.story());
}

/// With as much patience as the CLI needs to meet the fault at all.
fn patiently(bed: &Setup, run: impl Fn(u64) -> AgentReport) -> AgentReport {
    PATIENCE.iter().map(|patience| run(*patience)).find(|_| bed.was_faulty()).unwrap_or_else(|| {
        panic!("{} never met the fault{}", bed.cli, bed.story());
    })
}

fn script(fault: &str) -> String {
    format!("Write it.\nMODEL: {fault}\nMODEL: write done.txt done\nMODEL: say It is written.")
}

fn written(bed: &Setup) -> bool {
    bed.worktree().join("done.txt").exists()
}
