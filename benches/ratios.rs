//! How long we take against git and friends, as ratios measured in one run.
//!
//! `cargo bench` prints them, `cargo bench -- status tasks` only those. Rounds are interleaved, ours and theirs in turn, so that whatever else
//! the machine does hits both; each round runs a command many times, since CPU time of children is
//! told in hundredths of a second. The median of the rounds' ratios counts. Absolute times are this
//! machine's; the goals are for the ratios.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed"
)]

mod checkouts;
mod gate;
mod notes;
mod setting;
mod tasks;

use git_flow_ai::agents::cli::{Agent, Job, Mode};
use git_flow_ai::agents::sandbox::{Sandbox, Scope};
use git_flow_ai::domain::change::Vendor;
use git_flow_ai::domain::config::{AgentConfig, Config};
use git_flow_ai::gate::store::Repo;
use git_flow_ai::system::process::stop::Stop;
use setting::{Setting, children_cpu};
use std::fs::File;
use std::time::{Duration, Instant};

/// The argument by which this program runs the tasks itself, so that its CPU time counts as a child's.
const SUPERVISE: &str = "--supervise";

fn main() {
    if std::env::args().any(|arg| arg == SUPERVISE) {
        return run_tasks();
    }
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(7);
    println!(
        "{:<50} {:>9} {:>9} {:>6} {:>6} {:>5}",
        "ours against theirs", "ours", "theirs", "cpu", "wall", "goal"
    );
    let named: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let measures: [(&str, &dyn Fn()); 12] = [
        ("start", &|| start_up(rounds)),
        ("hook", &|| hook(rounds)),
        ("start-of-hook", &|| start_of_hook(rounds)),
        ("rebase", &|| rebase(rounds)),
        ("notes", &|| notes::decisions(rounds)),
        ("check", &|| gate::check(rounds)),
        ("refusal", &|| gate::refusal(rounds)),
        ("verify", &|| gate::verify(rounds)),
        ("status", &|| status(rounds)),
        ("supervise", &|| supervise(rounds.min(5))),
        ("tasks", &|| tasks::cost(rounds.min(5))),
        ("checkouts", &|| checkouts::cost(rounds.min(3))),
    ];
    for (name, measure) in measures {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            measure();
        }
    }
}

/// `git-flow-ai --version` against `git --version`.
fn start_up(rounds: usize) {
    let setting = Setting::new();
    compare(
        "start-up: --version / git --version",
        1.2,
        rounds,
        || setting.repeat(400, setting.ours().arg("--version")),
        || setting.repeat(400, setting.command("git").arg("--version")),
    );
}

/// A hook that finds the verdict against `git notes show`.
fn hook(rounds: usize) {
    let setting = Setting::new();
    let (old, new) = setting.reviewed_change();
    let input = setting.file("update", &format!("{old} {new} refs/heads/main\n"));
    compare(
        "hook, verdict exists / git notes show",
        1.0,
        rounds,
        || {
            for _ in 0..200 {
                let input = File::open(&input).unwrap();
                let mut hook = setting.ours();
                setting.repeat(1, hook.args(["hook", "reference-transaction", "prepared"]).stdin(input));
            }
        },
        || setting.repeat(200, setting.command("git").args(["notes", "--ref=flow-ai", "show", &new])),
    );
}

/// A rebase of 20 commits with the hooks that `init` installs, against the same rebase with an empty
/// compiled `reference-transaction`: git starts that one for every ref, some 300 times.
fn rebase(rounds: usize) {
    let (ours, theirs) = (Setting::new(), Setting::new());
    ours.topic(20);
    theirs.topic(20);
    ours.repeat(1, ours.ours().args(["init"]).stdout(std::process::Stdio::null()));
    theirs.empty_native_hook("reference-transaction");
    let again = |setting: &Setting| {
        for _ in 0..3 {
            setting.repeat(1, setting.command("git").args(["rebase", "--quiet", "main", "topic"]));
            let mut back = setting.command("git");
            back.args(["-c", "core.hooksPath=/dev/null", "reset", "--quiet", "--hard", "start"]);
            setting.repeat(1, &mut back);
        }
    };
    compare(
        "rebase of 20 commits, hooked / empty native hook",
        1.2,
        rounds,
        || again(&ours),
        || again(&theirs),
    );
}

/// The hook `reference-transaction` for a ref that is none of the gate's, against the smallest program that there is.
fn start_of_hook(rounds: usize) {
    let setting = Setting::new();
    setting.repeat(1, setting.ours().arg("init").stdout(std::process::Stdio::null()));
    setting.empty_native_hook("empty");
    let tip = setting.git(&["rev-parse", "main"]);
    let input = setting.file("update", &format!("{} {tip} refs/remotes/origin/topic\n", "0".repeat(40)));
    let start = |hook: &str| {
        for _ in 0..1000 {
            let mut hook = setting.command(setting.repo().join(".git/hooks").join(hook));
            setting.repeat(1, hook.arg("prepared").stdin(File::open(&input).unwrap()));
        }
    };
    compare(
        "1,000 x reference-transaction / empty native hook",
        1.3,
        rounds,
        || start("reference-transaction"),
        || start("empty"),
    );
}

/// `git flow-ai status` with 1,000 specs against git's own best way to read the same documents.
fn status(rounds: usize) {
    let setting = Setting::new();
    setting.specs(1000);
    let all = "git for-each-ref --format='%(objectname):request.md%0a%(objectname):plan.md%0a%(objectname):spec.md' \
               'refs/heads/flow/*/spec' | git cat-file --batch";
    let mut pipe = setting.command("sh");
    pipe.args(["-c", all]);
    for (how, packed) in [("loose", false), ("packed", true)] {
        if packed {
            setting.pack();
        }
        compare(
            &format!("status, 1,000 specs, {how} / for-each-ref | cat-file"),
            0.6,
            rounds,
            || setting.repeat(20, setting.ours().arg("status")),
            || setting.repeat(20, &mut pipe),
        );
    }
}

/// 1,000 tasks that do nothing, eight at once, supervised as agents are, against `xargs -P 8`.
fn supervise(rounds: usize) {
    let setting = Setting::new();
    let mut xargs = setting.command("sh");
    xargs.args(["-c", "seq 1000 | xargs -n 1 -P 8 true"]);
    let mut ours = setting.command(std::env::current_exe().unwrap());
    ours.arg(SUPERVISE);
    compare(
        "1,000 no-op tasks, 8 at once / xargs -P 8",
        1.0,
        rounds,
        || setting.repeat(1, &mut ours),
        || setting.repeat(1, &mut xargs),
    );
}

fn run_tasks() {
    let config = AgentConfig {
        command: Some(vec!["true".into()]),
        vendor: Some(Vendor::new("nobody")),
        ..AgentConfig::default()
    };
    let agent = Agent::new("nobody", &config).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_stopper, stop) = Stop::pair();
    let sandbox = match std::env::var_os("HELD") {
        Some(_) => git_flow_ai::agents::sandbox_for(&Repo::discover().unwrap(), &Config::default()).unwrap(),
        None => Sandbox::none(),
    };
    let job = Job {
        prompt: String::new(),
        scope: Scope { dir: std::env::current_dir().unwrap(), ..Scope::default() },
        sandbox,
        mode: Mode::Edit,
        env: Vec::new(),
        transcript: None,
        timeout: Duration::from_secs(60),
        silence: Duration::from_secs(60),
        schema: None,
    };
    let number = std::env::var("TASKS").ok().and_then(|number| number.parse().ok());
    let left = std::cell::Cell::new(number.unwrap_or(1000));
    let place = async || {
        while left.get() > 0 {
            left.set(left.get() - 1);
            agent.run(&job, &stop, |_| {}).await.unwrap();
        }
    };
    runtime.block_on(async {
        tokio::join!(place(), place(), place(), place(), place(), place(), place(), place());
    });
}

/// Runs both in turn and prints the medians.
fn compare(what: &str, goal: f64, rounds: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    // Once for the caches.
    ours();
    theirs();
    let mut measured = Vec::new();
    for round in 0..rounds {
        // Whoever goes second finds a warmer machine, so they take turns.
        let (one, other) = if round % 2 == 0 {
            let one = measure(&mut ours);
            (one, measure(&mut theirs))
        } else {
            let other = measure(&mut theirs);
            (measure(&mut ours), other)
        };
        measured.push((one, other));
    }
    let cpu = median(measured.iter().map(|(one, other)| one.cpu / other.cpu));
    let wall = median(measured.iter().map(|(one, other)| one.wall / other.wall));
    let ours = median(measured.iter().map(|(one, _)| one.wall));
    let theirs = median(measured.iter().map(|(_, other)| other.wall));
    println!("{what:<50} {ours:>8.3}s {theirs:>8.3}s {cpu:>6.2} {wall:>6.2} {goal:>5.1}");
}

/// Runs ours, and prints the median of the CPU time against what it may take.
fn within(what: &str, goal: f64, rounds: usize, mut ours: impl FnMut()) -> f64 {
    ours();
    let measured: Vec<Measure> = (0..rounds).map(|_| measure(&mut ours)).collect();
    let cpu = median(measured.iter().map(|measure| measure.cpu));
    let wall = median(measured.iter().map(|measure| measure.wall));
    println!("{what:<50} {wall:>8.3}s {:>9} {cpu:>5.2}s {:>6} {goal:>4.1}s", "", "");
    cpu
}

/// Seconds.
struct Measure {
    wall: f64,
    cpu: f64,
}

fn measure(work: &mut impl FnMut()) -> Measure {
    let (begun, before) = (Instant::now(), children_cpu());
    work();
    Measure { wall: begun.elapsed().as_secs_f64(), cpu: children_cpu() - before }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
