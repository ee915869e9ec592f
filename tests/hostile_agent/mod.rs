//! An agent that attacks: whatever it tries, nothing outside of its worktree changes, nothing of it stays
//! alive, the others' work goes on, and the report says what was stopped where that can be known.
//!
//! Many attacks are tasks of one plan, run at once beside a bystander. The same tables are tried with
//! each means that holds agents, and, where what we do with files is enough, with none. That the attacks
//! are attacks is tried as well: without a sandbox they do the harm that they mean to do.

mod attacks;
mod machine;
mod page;
mod row;
mod traces;

use crate::support::Out;
use attacks::TABLES;
use machine::{Backend, Clocks, Machine};
use row::{Attack, Ends, Held};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

const USUAL: Clocks = Clocks("90s", "60s");
const SHORT: Clocks = Clocks("12s", "6s");

fn all() -> impl Iterator<Item = &'static Attack> {
    let tables = TABLES.iter().flat_map(|(_, tables)| *tables);
    tables.flat_map(|table| table.iter())
}

/// Those that belong into another run: they take for ever.
fn is_slow(attack: &Attack) -> bool {
    attacks::processes::ENDLESS.iter().any(|slow| slow.name == attack.name)
}

fn is_heavy(attack: &Attack) -> bool {
    let tables = [attacks::own::HEAVY, attacks::files::HEAVY, attacks::processes::HEAVY];
    tables.into_iter().flatten().any(|heavy| heavy.name == attack.name)
}

/// Whether that means is to hold it.
fn holds(means: Backend, attack: &Attack) -> bool {
    match (attack.held, means) {
        (Held::Always, _) => attack.tame || means != Backend::Nobody,
        (Held::Nobody, _) | (_, Backend::Nobody) => false,
        (Held::Sandbox, _) => true,
        (Held::Bubblewrap, means) => matches!(means, Backend::Bubblewrap | Backend::BubblewrapForUser),
        (Held::Landlock, means) => means == Backend::Landlock,
    }
}

/// What became of a run: per task, how it ended and what was told of it.
struct Told {
    outcomes: BTreeMap<String, String>,
    lines: BTreeMap<String, Vec<String>>,
}

fn told(stdout: &str) -> Told {
    let mut told = Told { outcomes: BTreeMap::new(), lines: BTreeMap::new() };
    for line in stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        let Some(task) = event["task"].as_str() else { continue };
        match event["event"].as_str().unwrap_or_default() {
            // The agent's own words prove nothing.
            "activity" | "output" => {}
            kind => {
                if kind == "task-finished" {
                    // How the attempt ended; attacks may also be in each other's way when they are merged.
                    let outcome = event["outcome"].as_str().unwrap().to_owned();
                    told.outcomes.entry(task.to_owned()).or_insert(outcome);
                }
                let words =
                    [&event["message"], &event["detail"]].map(|value| value.as_str().unwrap_or_default());
                told.lines.entry(task.to_owned()).or_default().push(words.concat());
            }
        }
    }
    told
}

/// Runs them all beside a bystander, and compares.
fn attack(means: Backend, attacks: &[&Attack], clocks: Clocks) {
    let machine = Machine::new(means, attacks, clocks);
    let before = traces::of(&machine);
    let out = machine.run(&[]);
    let told = told(&out.stdout);
    let mut faults = traces::differences(&before, &traces::of(&machine));
    faults.extend(traces::processes(&machine).into_iter().map(|process| format!("alive: {process}")));
    for attack in attacks {
        faults.extend(
            faults_of(&machine, attack, &told).into_iter().map(|fault| format!("{}: {fault}", attack.name)),
        );
    }
    let outcome = told.outcomes.get("bystander").map(String::as_str);
    if outcome != Some("done, not reviewed") {
        faults.push(format!("the bystander ended with {outcome:?}"));
    }
    let own = machine.git(&["diff", "--name-only", "main", "flow/demo/bystander"]).stdout;
    if own != "ok-bystander.txt\n" {
        faults.push(format!("the bystander's work is {own:?}"));
    }
    for words in ["KEY-OF-ADA", "\u{1b}", "\u{202e}"] {
        if out.stderr.contains(words) || out.stdout.contains(words) {
            faults.push(format!("the run printed {words:?}"));
        }
    }
    assert!(faults.is_empty(), "{means:?}\n{}\n\n{}", faults.join("\n"), out.stderr);
}

fn faults_of(machine: &Machine, attack: &Attack, told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = told.lines.get(attack.name).cloned().unwrap_or_default();
    if machine.harmed_by(attack) {
        let loot = machine.git(&["show", &format!("flow/demo/{0}:loot-{0}", attack.name)]).stdout;
        let files =
            machine.git(&["diff", "--name-only", "main", &format!("flow/demo/{}", attack.name)]).stdout;
        faults.push(format!("it did harm; loot: {loot:?}; files: {files}"));
    }
    let outcome = told.outcomes.get(attack.name).map_or("nothing", String::as_str);
    let is_well = outcome == "done, not reviewed";
    let is_right = match attack.ends {
        Ends::Well => is_well,
        Ends::With(word) => outcome == word,
        Ends::Somehow => true,
    };
    if !is_right {
        faults.push(format!("it ended with {outcome:?}: {lines:?}"));
    }
    let work = machine.git(&["show", &format!("flow/demo/{0}:ok-{0}.txt", attack.name)]).stdout;
    if is_well && work != format!("by {}\n", attack.name) {
        faults.push("its work is not on its branch".to_owned());
    }
    if !lines.iter().any(|line| line.contains(attack.told)) {
        faults.push(format!("nothing says {:?}: {lines:?}", attack.told));
    }
    faults
}

fn chosen(means: Backend, slow: bool) -> Vec<&'static Attack> {
    let only = std::env::var("FLOW_AI_ATTACKS").unwrap_or_default();
    let wanted = |attack: &&Attack| only.is_empty() || only.split(',').any(|name| name == attack.name);
    // What we do with files is the same whatever held their maker; only a folder for git is guarded by both.
    let is_own = |attack: &Attack| attacks::own::ATTACKS.iter().any(|own| own.name == attack.name);
    let adds = |attack: &Attack| means != Backend::Landlock || attack.held != Held::Always || is_own(attack);
    let fits = |attack: &Attack| means == Backend::Bubblewrap || !is_heavy(attack);
    let all = all()
        .filter(|attack| holds(means, attack) && is_slow(attack) == slow && fits(attack) && adds(attack));
    all.filter(wanted).collect()
}

#[test]
fn bubblewrap_holds_whatever_an_agent_tries() {
    attack(Backend::Bubblewrap, &chosen(Backend::Bubblewrap, false), USUAL);
}

#[test]
fn bubblewrap_holds_it_for_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        // The one above was it.
        return;
    }
    attack(Backend::BubblewrapForUser, &chosen(Backend::BubblewrapForUser, false), USUAL);
}

#[test]
fn landlock_holds_what_it_can() {
    attack(Backend::Landlock, &chosen(Backend::Landlock, false), USUAL);
}

#[test]
fn attacks_do_harm_where_nothing_holds_them() {
    let tame: Vec<&Attack> = all()
        .filter(|attack| attack.held != Held::Always && attack.tame && !attack.harm.is_empty())
        .collect();
    let machine = Machine::new(Backend::Nobody, &tame, USUAL);
    let harmless: Vec<&str> = tame
        .iter()
        .filter(|attack| !machine.copy().is_harmed_bare(attack))
        .map(|attack| attack.name)
        .collect();
    assert!(harmless.is_empty(), "these would do no harm anyway: {harmless:?}");
}

#[test]
fn a_worktree_that_is_kept_is_safe_to_look_at() {
    let attacks: Vec<&Attack> =
        attacks::own::ATTACKS.iter().filter(|attack| attack.name != "worktree-link").collect();
    let machine = Machine::new(Backend::Nobody, &attacks, USUAL);
    machine.run(&["--keep"]);
    for attack in &attacks {
        let folder = machine.root().join(".repo.flow-ai").join(format!("demo.{}", attack.name));
        assert!(folder.exists(), "{}", attack.name);
        for args in [
            &["status"][..],
            &["diff"],
            &["log", "-1", "--patch"],
            &["stash", "list"],
            &["branch", "--all"],
            &["add", "--all"],
            &["commit", "--quiet", "--allow-empty", "-m", "Look"],
            &["st"],
        ] {
            Out::of(machine.command("git").current_dir(&folder).args(args).output().unwrap());
        }
    }
    let ran: Vec<_> =
        fs::read_dir(machine.root().join("ran")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(ran.is_empty(), "what these planted ran: {ran:?}");
}

#[test]
fn nothing_that_agents_print_reaches_the_terminal_as_it_is() {
    let wanted = ["escapes", "terminal", "names"];
    let attacks: Vec<&Attack> = all().filter(|attack| wanted.contains(&attack.name)).collect();
    let machine = Machine::new(Backend::Bubblewrap, &attacks, USUAL);
    for line in
        ["git-flow-ai run demo --no-review", "git-flow-ai log demo escapes", "git-flow-ai status demo"]
    {
        let seen = machine.on_a_terminal(line);
        assert!(seen.len() > 20, "{line}: {seen}");
        // Colours and redrawn lines are ours.
        for bad in [
            "\u{1b}]",
            "\u{1b}P",
            "\u{1b}[8m",
            "\u{1b}[2J",
            "\u{9b}",
            "\u{202e}",
            "\u{7}",
            "\u{8}",
            "by-terminal",
        ] {
            assert!(!seen.contains(bad), "{line} printed {bad:?}:\n{seen:?}");
        }
    }
}

#[test]
fn what_agents_leave_is_harmless_without_a_sandbox() {
    attack(Backend::Nobody, &chosen(Backend::Nobody, false), USUAL);
}

#[test]
fn agents_that_never_end_are_ended() {
    attack(Backend::Bubblewrap, &chosen(Backend::Bubblewrap, true), SHORT);
}
