//! What faults must come to: never "done" unless the work is there, and nothing left alive.

use crate::bed::Bed;
use git_flow_ai::agent::{Ending, Mode};

/// The faults of one run are waited for so long, in seconds: most of these CLIs try for minutes.
const PATIENCE: u64 = 20;

pub fn once(cli: &'static str, kind: &str) {
    let Some(bed) = Bed::new(cli) else { return };
    let report = bed.edit(&script(&format!("fault {kind} 1")), 120, 60);
    assert_eq!(report.ending, Ending::Done, "{}", bed.story());
    assert!(written(&bed), "{}", bed.story());
}

pub fn for_ever(cli: &'static str, kind: &str) {
    let Some(bed) = Bed::new(cli) else { return };
    let report = bed.edit(&script(&format!("fault {kind} *")), PATIENCE, PATIENCE);
    assert!(report.ending != Ending::Done || written(&bed), "{:?}{}", report, bed.story());
    assert_ne!(report.ending, Ending::Stopped, "nobody stopped it{}", bed.story());
}

pub fn silence(cli: &'static str) {
    let Some(bed) = Bed::new(cli) else { return };
    let report = bed.edit(&script("fault hang *"), 120, PATIENCE);
    assert_eq!(report.ending, Ending::Silent, "{}", bed.story());
}

pub fn stopped_in_a_tool(cli: &'static str) {
    let Some(bed) = Bed::new(cli) else { return };
    if cli == "aider" {
        return; // it has no tools
    }
    let started = bed.worktree().join("started");
    let job = bed.job(Mode::Edit, "Wait.\nMODEL: run touch started; sleep 300\nMODEL: say Waited.", 120, 100);
    let report = bed.run(&job, Some(&|| started.exists()));
    assert_eq!(report.ending, Ending::Stopped, "{}", bed.story());
}

fn script(fault: &str) -> String {
    format!("Write it.\nMODEL: {fault}\nMODEL: write done.txt done\nMODEL: say It is written.")
}

fn written(bed: &Bed) -> bool {
    bed.worktree().join("done.txt").exists()
}
