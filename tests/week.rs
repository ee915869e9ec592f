//! A simulated week: several specs by agents that fail in seeded ways, with edits, a main that moves, and kills in
//! between. The oracle is outside of us: a fresh clone runs the test command on every first-parent commit of `main`.
//!
//! `FLOW_AI_WEEKS` says how many weeks, `FLOW_AI_SEED` which is the first.

use crate::support::plan::task;
use crate::support::{Config, Place};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Fails where two parts have the same number, so that changes that merge cleanly can be wrong together, and where one
/// is broken.
const CHECK: &str = "! cat parts/* | sort | uniq -d | grep -q . && ! grep -q BROKEN parts/*";

/// Takes a number that is free, as far as it sees; or fails, breaks, or lies, by the seed, its task and its attempt.
const ACT: &str = r#"fate=$(printf '%s %s %s' "$(cat "$root/seed")" "$task" "$attempt" | cksum | cut -d' ' -f1)
free() { n=$((fate % 9)); while grep -qx "$n" parts/*; do n=$((n + 1)); done; echo "$n"; }
echo "$task $attempt $(cksum < parts/first)" > "$root/started.$task.$attempt"
case $((fate % 7)) in
0) echo half > "parts/$task"; exit 1;;
1) echo BROKEN > "parts/$task";;
2) [ "$attempt" = 1 ] && { echo done; exit 0; }; free > "parts/$task";;
3) free > "parts/$task"; echo x > ignored.log;;
*) free > "parts/$task";;
esac
echo done"#;

/// How many specs a week has.
const SPECS: usize = 5;

/// How many things happen before everybody goes home.
const EVENTS: usize = 14;

/// How many offered commands are followed at most until a spec is merged or waits for a person.
const FOLLOWED: usize = 14;

/// How many tasks a run has at once.
const PARALLEL: usize = 3;

struct Week {
    place: Place,
    random: fastrand::Rng,
    specs: Vec<String>,
    /// The commit that brought the test command.
    begun: String,
    kills: usize,
}

impl Week {
    fn new(seed: u64) -> Week {
        let agents =
            [("ash", "acme"), ("birch", "acme"), ("cedar", "beta"), ("fir", "beta"), ("yew", "gamma")];
        let mut config = Config::protected().run("verify = \"sh check.sh\"\nattempts = 2");
        for (name, vendor) in agents {
            config = config.agent(name, vendor);
        }
        let place = Place::with_config(config.reviewer("judge", "zeta"));
        for (name, _) in agents {
            place.agent(name, ACT);
        }
        let findings = r#"case $difference in *+BROKEN*) findings='[{"path":"PATH","line":1,"severity":"P1","body":"broken","suggestion":null}]'; findings=$(printf '%s' "$findings" | sed "s|PATH|$(printf '%s' "$files" | tr -d '[]"' | cut -d, -f1)|");; esac"#;
        place.reviewer("judge", findings);
        fs::write(place.root().join("seed"), seed.to_string()).unwrap();
        for (path, text) in [("check.sh", CHECK), ("parts/first", "100\n"), (".gitignore", "*.log\n")] {
            place.write(path, text);
        }
        place.git(&["add", "--all"]).ok();
        place.git(&["commit", "--quiet", "--no-verify", "-m", "Begin"]).ok();
        place.put_up_hooks();
        let begun = place.id("main");
        Week { place, random: fastrand::Rng::with_seed(seed), specs: Vec::new(), begun, kills: 0 }
    }

    /// One thing that happens.
    fn happen(&mut self) {
        match self.random.u8(..10) {
            0..3 if self.specs.len() < SPECS => self.begin(),
            _ if self.specs.is_empty() => self.begin(),
            0..5 => drop(self.on_some(&["run"], &[])),
            5 => self.kill(),
            6 => self.edit(),
            7 => self.move_main(),
            _ => drop(self.on_some(&["merge"], &[])),
        }
    }

    fn some(&mut self) -> String {
        let at = self.random.usize(..self.specs.len());
        self.specs[at].clone()
    }

    fn on_some(&mut self, command: &[&str], options: &[&str]) -> i32 {
        let spec = self.some();
        let out = self.place.flow(&[command, &[&spec], options].concat());
        assert!([0, 1, 2].contains(&out.status), "{command:?} {spec}\n{}\n{}", out.stdout, out.stderr);
        out.status
    }

    fn begin(&mut self) {
        let slug = format!("s{}", self.specs.len());
        let tasks = (0..self.random.usize(1..=3)).map(|number| {
            let agent = ["ash", "birch", "cedar", "fir", "yew"][self.random.usize(..5)];
            let after = if number > 0 && self.random.bool() {
                format!("<!-- after: {slug}-0 -->\n")
            } else {
                String::new()
            };
            task(&format!("{slug}-{number}"), &format!("{after}<!-- agent: {agent} -->"))
        });
        let plan = format!("# Plan\n\n{}", tasks.collect::<String>());
        let (request, plan) =
            (self.place.beside("request.md", "A part.\n"), self.place.beside("plan.md", &plan));
        self.place.flow(&["spec", &slug, "--slug", &slug, "--from", request.to_str().unwrap()]).ok();
        self.place.flow(&["approve", &slug]).ok();
        self.place.flow(&["plan", &slug, "--from", plan.to_str().unwrap()]).ok();
        self.specs.push(slug);
    }

    /// A run that is killed, whenever.
    fn kill(&mut self) {
        let spec = self.some();
        self.kills += 1;
        let mut command = self.place.command("git-flow-ai");
        let mut run =
            command.args(["run", &spec]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(self.random.u64(..1200)));
        let _ = run.kill();
        run.wait().unwrap();
    }

    /// A spec's text is changed and approved, also after its work was done.
    fn edit(&mut self) {
        let spec = self.some();
        let text = self.place.beside("text.md", &format!("A part, version {}.\n", self.random.u32(..)));
        self.place.flow(&["spec", "edit", &spec, "spec.md", "--from", text.to_str().unwrap()]);
        self.place.flow(&["approve", &spec]);
    }

    /// Somebody else's reviewed change comes into `main`.
    fn move_main(&mut self) {
        let number = self.random.u32(..9);
        let topic = format!("topic-{}", self.random.u32(..));
        self.place.branch(&topic, "main");
        self.place.switch(&topic);
        self.place.commit(&format!("parts/{topic}"), format!("{number}\n"));
        self.place.switch("main");
        self.place.flow(&["review", &format!("main..{topic}")]);
        // A team tests what it merges; ours looks the record up.
        self.place.flow(&["test", &topic, "--onto", "main"]);
        self.place.git(&["merge", "--quiet", "--no-ff", "--no-edit", &topic]);
    }

    fn status(&self, spec: &str) -> Value {
        self.place.flow(&["status", spec, "--json"]).ok().json()
    }

    /// Follows what is offered until the spec is merged, or a person has to decide.
    fn bring_home(&self, spec: &str) -> String {
        let mut followed: BTreeMap<String, usize> = BTreeMap::new();
        for _ in 0..FOLLOWED {
            let status = self.status(spec);
            let stage = status["stage"].as_str().unwrap().to_owned();
            if stage == "merged" {
                return stage;
            }
            let next = status["next"]
                .as_str()
                .unwrap_or_else(|| panic!("{spec} has no way on: {status}"))
                .to_owned();
            let calls = self.place.calls().len();
            let out = self.place.sh(&next);
            if std::env::var_os("FLOW_AI_TALK").is_some() {
                println!("$ {next} -> {}\n{}\n{}", out.status, out.stdout, out.stderr);
            }
            assert!([0, 1, 2].contains(&out.status), "{next}\n{}\n{}", out.stdout, out.stderr);
            // What is offered does something: an agent is asked, or the state changes; never twice nothing.
            let is_idle = self.place.calls().len() == calls && self.status(spec) == status;
            let idle = followed.entry(next.clone()).or_default();
            *idle = if is_idle { *idle + 1 } else { 0 };
            // What an agent, asked again, finds to be right is kept.
            let kept =
                out.stdout.split_once(" --accept ").and_then(|(_, rest)| rest.split_whitespace().next());
            if let Some(task) = kept {
                self.place.flow(&["run", spec, "--accept", task]);
                continue;
            }
            // A person resolves conflicts, of text and of meaning: here, by having the task done again.
            if *idle > 0 || out.stdout.contains("--redo") || out.stdout.contains("conflict") {
                let open = |task: &&Value| task["status"] != "done";
                let tasks = status["tasks"].as_array().unwrap();
                match tasks.iter().find(open).and_then(|task| task["id"].as_str()) {
                    Some(task) => drop(self.place.flow(&["run", spec, "--redo", task])),
                    None => self.resolve(spec),
                }
            }
        }
        self.status(spec)["stage"].as_str().unwrap().to_owned()
    }

    /// The result as a whole does not fit what `main` has become: a person corrects it, as is offered.
    fn resolve(&self, spec: &str) {
        let result = format!("flow/{spec}/result");
        let correct = format!(
            "git switch --quiet {result} && git merge --quiet --no-edit main; n=200\n\
             for part in parts/{spec}-*; do while [ $(cat parts/* | grep -cx \"$(cat $part)\") -gt 1 ]; do n=$((n + 1)); echo $n > $part; done; done\n\
             git commit --quiet -am 'Choose other numbers'; git switch --quiet main"
        );
        self.place.sh(&correct);
        assert_eq!(self.place.git_says(&["symbolic-ref", "--short", "HEAD"]), "main");
        self.place.flow(&["run", spec]);
    }

    /// An attempt is begun again only if the run was killed in it.
    fn nothing_was_paid_for_twice(&self, seed: u64) {
        let mut calls = self.place.calls();
        let all = calls.len();
        calls.sort();
        calls.dedup();
        let (again, most) = (all - calls.len(), self.kills * PARALLEL);
        assert!(again <= most, "seed {seed}: {again} attempts were begun twice, after {} kills", self.kills);
    }

    /// Runs the test command on each first-parent commit of `main`, in a fresh clone.
    fn every_commit_of_main_passes(&self, seed: u64) {
        let fresh = self.place.root().join("fresh");
        self.place.git(&["clone", "--quiet", ".", fresh.to_str().unwrap()]).ok();
        let since = format!("{}..main", self.begun);
        for commit in self.place.git_says(&["rev-list", "--first-parent", &since]).lines() {
            self.place.git_in(&fresh, &["checkout", "--quiet", "--force", commit]).ok();
            let passed = Command::new("sh").arg("check.sh").current_dir(&fresh).status().unwrap().success();
            let log = self.place.git_says(&["log", "--oneline", "--graph", "main"]);
            assert!(passed, "seed {seed}: {commit} is red\n{log}");
        }
    }
}

#[test]
fn a_week_ends_with_a_main_that_passes_at_each_commit() {
    let number = |name, usual| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (first, weeks): (u64, u64) =
        (number("FLOW_AI_SEED", fastrand::u64(..1 << 30)), number("FLOW_AI_WEEKS", 2));
    for seed in first..first + weeks {
        println!("FLOW_AI_SEED={seed}");
        let mut week = Week::new(seed);
        for _ in 0..EVENTS {
            week.happen();
            assert_eq!(week.place.git_says(&["status", "--porcelain"]), "", "seed {seed}");
        }
        let mut stages = BTreeMap::new();
        for spec in week.specs.clone() {
            stages.insert(spec.clone(), week.bring_home(&spec));
        }
        println!("{stages:?}");
        week.every_commit_of_main_passes(seed);
        week.place.git(&["fsck", "--strict", "--no-dangling"]).ok();
        // Ignored files that an agent wrote stay in the trash, and nothing else stays.
        assert!(!week.place.root().join(".repo.flow-ai").exists(), "seed {seed}");
        // What is not merged waits for a person, who is told what to do next.
        for (spec, _) in stages.iter().filter(|(_, stage)| *stage != "merged") {
            assert!(week.status(spec)["next"].is_string(), "seed {seed}: {spec}");
        }
        week.nothing_was_paid_for_twice(seed);
    }
}
